// Command programs as text: what memory holds, which windows are granted, the commands, and which
// memory is the result. The grammar is in docs/program-format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "systolith/command.h"

namespace systolith::program {

/// `size` bytes of one value.
struct FillValue {
  std::uint64_t size = 0;
  std::uint8_t value = 0;
  bool operator==(const FillValue&) const = default;
};

/// `size` bytes of the stream that `seed` starts, the same on every machine.
struct FillSeed {
  std::uint64_t size = 0;
  std::uint64_t seed = 0;
  bool operator==(const FillSeed&) const = default;
};

/// What memory holds from `address` on before the program runs.
struct Contents {
  std::uint64_t address = 0;
  std::variant<std::vector<std::byte>, FillValue, FillSeed> data;

  std::uint64_t size() const;
  /// The bytes themselves; for the large ones this is where memory is needed.
  std::vector<std::byte> bytes() const;
  bool operator==(const Contents&) const = default;
};

struct Window {
  unsigned index = 0;
  std::uint64_t base = 0;
  std::uint64_t last = 0;  ///< last byte
  bool read = false;
  bool write = false;
  bool operator==(const Window&) const = default;
};

struct Range {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  bool operator==(const Range&) const = default;
};

struct Ring {
  std::uint64_t address = 0;
  unsigned slots_log2 = 0;
  std::uint64_t records = 0;
  bool operator==(const Ring&) const = default;
};

struct Program {
  std::optional<std::string> configuration;  ///< name of the device that it was written for
  std::optional<Ring> ring;                  ///< else whoever runs it chooses
  std::vector<Window> windows;
  std::vector<Contents> contents;  ///< in the order of the text: where they overlap the last holds
  std::vector<Range> outputs;
  std::vector<systolith_command_t> commands;
};

/// A text that is no program. `what()` names line and remedy: "line 3: load needs run=BYTES".
class ProgramError : public std::runtime_error {
 public:
  ProgramError(unsigned line, const std::string& message);
  unsigned line() const { return line_; }

 private:
  unsigned line_;
};

/// Throws ProgramError at the first line that is wrong. Ranges and windows are not checked: the
/// device does that.
Program assemble(std::string_view text);

/// One command. Throws ProgramError (line 1).
systolith_command_t assemble_command(std::string_view line);

/// A text that `assemble` turns into this very program.
std::string disassemble(const Program& program);

/// The program in the binary container of docs/program-format.md.
std::string to_binary(const Program& program);

/// True where only `from_binary` can tell what is wrong: no text begins like that.
bool is_binary(std::string_view bytes);

/// The inverse of `to_binary`. Throws std::invalid_argument that says what is wrong and what to do:
/// truncated, damaged, of another version.
Program from_binary(std::string_view bytes);

/// One line without the newline; commands that no named field can express come as `raw`.
std::string disassemble(const systolith_command_t& command);

}  // namespace systolith::program
