#include "programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace systolith::fuzz {

using program::Program;
using program::ProgramError;

bool same(const Program& x, const Program& y) {
  const auto same_command = [](const systolith_command_t& a, const systolith_command_t& b) {
    return std::memcmp(a.words, b.words, sizeof a.words) == 0;
  };
  return x.configuration == y.configuration && x.ring == y.ring && x.windows == y.windows &&
         x.contents == y.contents && x.outputs == y.outputs &&
         std::equal(x.commands.begin(), x.commands.end(), y.commands.begin(), y.commands.end(),
                    same_command);
}

void check_round_trips(const Program& program) {
  const std::string text = program::disassemble(program);
  try {
    require(same(program::assemble(text), program), "its text is another program");
  } catch (const ProgramError& error) {
    wrong(fmt::format("its text is refused: {}", error.what()));
  }
  const std::string file = program::to_binary(program);
  require(program::is_binary(file) && !program::is_binary(text), "text taken for a file");
  try {
    require(same(program::from_binary(file), program), "its file is another program");
  } catch (const std::invalid_argument& error) {
    wrong(fmt::format("its file is refused: {}", error.what()));
  }
}

void check_error(std::string_view text, const ProgramError& error) {
  const std::string_view what = error.what();
  const std::string start = fmt::format("line {}: ", error.line());
  require(what.starts_with(start) && what.size() > start.size(), "no line, or no cause");
  require(error.line() >= 1, "lines count from 1");
  std::size_t begin = 0;
  for (unsigned line = 1; line < error.line(); ++line) {
    begin = text.find('\n', begin);
    require(begin != std::string_view::npos, "the line is past the last");
    ++begin;
  }
  try {
    program::assemble(text.substr(0, begin));
  } catch (const ProgramError& earlier) {
    wrong(fmt::format("'{}', but '{}' comes first", what, earlier.what()));
  }
  try {
    program::assemble(text.substr(0, text.find('\n', begin)));
    wrong(fmt::format("'{}', but the line is none to refuse", what));
  } catch (const ProgramError& again) {
    require(what == again.what(), "the error depends on what comes after it");
  }
}

}  // namespace systolith::fuzz
