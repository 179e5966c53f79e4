// Program text (docs/program-format.md): `systolith asm`, `run`, `check`.
#include "programs.hpp"

namespace systolith::fuzz {

void test(std::string_view input) {
  const auto parsed = accepted<program::ProgramError>(
      [&] { return program::assemble(input); },
      [&](const program::ProgramError& error) { check_error(input, error); });
  if (parsed) check_round_trips(*parsed);
}

}  // namespace systolith::fuzz
