// A program of any content, text or file, on the model of a small device, as `systolith check` and
// `systolith run --device model:` do it: a result, an error with its cause, never undefined
// behaviour. What would only take long is left out.
#include "run_program.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "fuzz.hpp"
#include "systolith/model/races.h"

namespace systolith::fuzz {
namespace {

constexpr std::uint64_t kMostSteps = 1 << 14;  // of a command; the model takes a billion, too
constexpr std::size_t kMostCommands = 24;
constexpr std::uint64_t kMostBytes = 1 << 16;

using program::Program;

/// Rows, products and bytes of a command, at most.
double steps(const systolith_command_t& command) {
  const std::uint64_t* w = command.words;
  switch (SYSTOLITH_GET(w, HEADER_OPCODE)) {
    case SYSTOLITH_OPCODE_MATRIX:
      return static_cast<double>(SYSTOLITH_GET(w, MATRIX_M)) *
             static_cast<double>(SYSTOLITH_GET(w, MATRIX_N)) *
             static_cast<double>(SYSTOLITH_GET(w, MATRIX_K));
    case SYSTOLITH_OPCODE_LOAD:
    case SYSTOLITH_OPCODE_STORE: {
      double product = static_cast<double>(SYSTOLITH_GET(w, TRANSFER_RUN));
      for (const std::uint64_t count :
           {SYSTOLITH_GET(w, TRANSFER_COUNT_0), SYSTOLITH_GET(w, TRANSFER_COUNT_1),
            SYSTOLITH_GET(w, TRANSFER_COUNT_2), SYSTOLITH_GET(w, TRANSFER_COUNT_3)})
        product *= static_cast<double>(count);
      return product;
    }
    default:
      return 0;
  }
}

bool is_small(const Program& program) {
  if (program.commands.size() > kMostCommands) return false;
  for (const systolith_command_t& command : program.commands)
    if (steps(command) > static_cast<double>(kMostSteps)) return false;
  for (const program::Contents& contents : program.contents)
    if (contents.size() > kMostBytes && contents.size() < std::uint64_t{1} << 32) return false;
  for (const program::Range& output : program.outputs)
    if (output.size > kMostBytes && output.size < std::uint64_t{1} << 32) return false;
  return true;
}

void check_races(const Program& program) {
  static const model::Configuration configuration = model::Configuration::named("4x4");
  const model::RaceReport report = model::find_races(configuration, program.commands);
  for (const model::Race& race : report.races)
    require(race.first < race.second && race.second < program.commands.size() &&
                race.begin <= race.last,
            "a race of commands that are not there");
  if (report.stopped_at)
    require(*report.stopped_at < program.commands.size(), "stopped past the end");
}

}  // namespace

void test(std::string_view input) {
  std::optional<Program> program;
  try {
    program = tool::parse_program("p", std::string(input));
  } catch (const std::invalid_argument& error) {
    require(std::string_view(error.what()).starts_with("p: "), "the error does not name the file");
    return;
  }
  if (!is_small(*program)) return;
  check_races(*program);
  Device device("model:config=4x4");
  try {
    const tool::ProgramRun run = tool::run_program(device, *program, true);
    require(run.outputs.size() == program->outputs.size(), "not every output");
    // Both are the model: they differ only where what ran beside a fault is not known.
    require(run.match != tool::ProgramRun::Match::different, run.reason.c_str());
  } catch (const std::invalid_argument& error) {
    require(error.what()[0] != '\0', "no cause");
  } catch (const Error& error) {
    require(error.what()[0] != '\0' && error.status() != SYSTOLITH_INTERNAL, "no cause");
  }
}

}  // namespace systolith::fuzz
