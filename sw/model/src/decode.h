// A command's fields and the checks of docs/interfaces.md section 4.6.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "systolith/command.h"
#include "systolith/model/configuration.h"

namespace systolith::model {

/// Cause and what its address field holds.
struct Fault {
  std::uint8_t cause = SYSTOLITH_CAUSE_NONE;
  std::uint64_t address = 0;
};

struct Sync {
  std::uint32_t count = 0;  // 0: unused
  unsigned semaphore = 0;
  unsigned rows_log2 = 0;
  bool by_rows = false;

  /// Grants or signals of a command of `rows` rows, times the count.
  std::uint64_t total(std::uint64_t rows) const;
};

struct Window {
  std::uint64_t base = 0;
  std::uint64_t last = 0;
  bool read = false;
  bool write = false;
};

/// Unit bound to each end of a semaphore, 0 while none is.
struct Binding {
  std::uint8_t wait_unit = 0;
  std::uint8_t signal_unit = 0;
};

struct Transfer {
  std::uint64_t address = 0;
  std::uint32_t run = 0;
  std::uint32_t local_base = 0;
  std::uint32_t local_pitch = 0;
  std::array<std::uint32_t, 4> count{};
  std::array<std::uint64_t, 4> stride{};  // two's complement
  std::uint64_t rows = 0;                 // product of the counts, valid after the checks
};

struct Command {
  systolith_command_t raw{};
  std::uint8_t opcode = 0;
  std::uint8_t unit = 0;
  bool record = false;
  bool interrupt = false;
  std::array<Sync, 2> waits;
  std::array<Sync, 2> signals;

  Transfer transfer;            // LOAD, STORE
  bool accumulators = false;    // LOAD, STORE
  std::uint8_t tag = 0;         // LOAD
  std::uint8_t conversion = 0;  // STORE
  bool relu = false;
  bool scale_per_column = false;
  std::uint32_t scale = 0;
  std::uint32_t scale_line = 0;

  bool int8 = false;  // MATRIX
  bool accumulate = false;
  bool strip_outer = false;
  std::uint32_t m = 0, n = 0, k = 0;
  std::uint32_t a_base = 0, a_pitch = 0;
  std::uint32_t b_base = 0, b_pitch = 0;
  std::uint32_t c_base = 0, c_pitch = 0;
  std::uint64_t strips = 0, blocks = 0;

  /// Documented rows, which `by_rows` counts.
  std::uint64_t rows() const;
  /// Bytes of an element that leaves the accumulators.
  unsigned stored_bytes() const;
};

/// Takes the fields out; checks nothing.
Command parse(const systolith_command_t& raw, const Configuration& configuration);

/// The first check that fails, if any. Binds the semaphores of a good command.
std::optional<Fault> check(const Command& command, const Configuration& configuration,
                           std::span<const Window> windows, std::span<Binding> bindings);

/// True if one of `windows` grants reading (writing) all of [first, last].
bool granted(std::span<const Window> windows, std::uint64_t first, std::uint64_t last, bool write);

}  // namespace systolith::model
