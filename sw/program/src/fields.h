// The fields of each command as the text names them, from the generated layouts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "systolith/command.h"

namespace systolith::program {

enum class Kind {
  kNumber,  // name=NUMBER
  kSigned,  // name=NUMBER, may be negative
  kFlag,    // name alone
  kName,    // name=one of `names`
  kSync,    // name=SEMAPHORE:COUNT[/ROWS_LOG2]
  kFloat,   // name=binary32, as a decimal number or as its bits in hexadecimal
};

struct NamedValue {
  std::string_view name;
  std::uint64_t value;
};

struct Field {
  std::string_view name;
  Kind kind;
  unsigned word;
  unsigned lsb;
  unsigned width;
  bool required = false;
  std::uint64_t fallback = 0;  // value when the text does not name it
  std::span<const NamedValue> names = {};
};

struct Layout {
  std::string_view name;  // first word of the line
  std::uint8_t opcode;
  std::uint8_t unit;
  std::span<const Field> fields;

  const Field* find(std::string_view field) const;
};

std::span<const Layout> layouts();
const Layout* find_layout(std::string_view name);
const Layout* find_layout(std::uint8_t opcode, std::uint8_t unit);

/// A command of this layout with nothing but header and fallbacks.
systolith_command_t blank(const Layout& layout);

}  // namespace systolith::program
