// Program text (docs/program-format.md): `systolith asm`, `run`, `check`.
#include <algorithm>

#include "programs.hpp"

namespace systolith::fuzz {
namespace {

/// One line of an accepted text ends with a number: with a letter behind it, it is refused there.
void check_number(std::string_view text) {
  const auto lines = 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const std::size_t chosen = text.size() % lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < chosen; ++i) begin = text.find('\n', begin) + 1;
  const std::string_view line = text.substr(begin, text.find_first_of("#\n", begin) - begin);
  const std::size_t last = line.find_last_not_of(" \t\r");
  if (last == line.npos || line[last] < '0' || line[last] > '9') return;
  // A name may end so.
  if (line.substr(line.find_first_not_of(" \t\r")).starts_with("configuration")) return;
  std::string changed(text);
  changed.insert(begin + last + 1, 1, 'x');
  require(!accepted<program::ProgramError>([&] { return program::assemble(changed); },
                                           [&](const program::ProgramError& error) {
                                             require(error.line() == chosen + 1, "another line");
                                           }),
          "a number with a letter behind it is accepted");
}

}  // namespace

void test(std::string_view input) {
  const auto parsed = accepted<program::ProgramError>(
      [&] { return program::assemble(input); },
      [&](const program::ProgramError& error) { check_error(input, error); });
  if (!parsed) return;
  check_round_trips(*parsed);
  check_number(input);
}

}  // namespace systolith::fuzz
