// systolith check: which commands of a program race.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "run_program.hpp"
#include "systolith/model/races.h"
#include "systolith/program/program.h"
#include "systolith/systolith.h"

namespace systolith::tool {
namespace {

struct Options {
  std::string program, configuration;
  bool json = false;
};

const char* space_name(model::Space space) {
  switch (space) {
    case model::Space::scratchpad:
      return "scratchpad lines";
    case model::Space::accumulators:
      return "accumulator rows";
    default:
      return "memory bytes";
  }
}

std::string range(const model::Race& race) {
  const char* const form = race.space == model::Space::memory ? "{} {:#x} to {:#x}" : "{} {} to {}";
  return fmt::format(fmt::runtime(form), space_name(race.space), race.begin, race.last);
}

int run(const Options& o) {
  const program::Program program = read_program(o.program);
  const std::string configuration =
      !o.configuration.empty() ? o.configuration : program.configuration.value_or("16x16");
  const model::RaceReport report =
      model::find_races(model::Configuration::named(configuration), program.commands);
  const auto line = [&](std::uint32_t index) {
    return fmt::format("  {:>4}: {}\n", index, program::disassemble(program.commands[index]));
  };
  if (o.json) {
    nlohmann::json json{{"program", o.program},
                        {"configuration", configuration},
                        {"races", nlohmann::json::array()},
                        {"stopped_at", nullptr}};
    for (const model::Race& race : report.races)
      json["races"].push_back({{"first", race.first},
                               {"second", race.second},
                               {"space", space_name(race.space)},
                               {"begin", race.begin},
                               {"last", race.last}});
    if (report.stopped_at) {
      json["stopped_at"] = *report.stopped_at;
      json["cause"] = systolith_cause_name(report.cause);
    }
    fmt::print("{}\n", json.dump());
    return report.clean() ? kSuccess : kFailure;
  }
  for (const model::Race& race : report.races)
    fmt::print("commands {} and {} race for {}: no semaphore orders them\n{}{}", race.first,
               race.second, range(race), line(race.first), line(race.second));
  if (report.stopped_at) {
    if (report.cause != 0)
      fmt::print("command {} is refused ({}); what comes after it was not looked at\n{}",
                 *report.stopped_at, systolith_cause_name(report.cause), line(*report.stopped_at));
    else
      fmt::print(
          "command {} waits for semaphore {}, which no earlier command signals often enough; what "
          "comes after it was not looked at\n{}",
          *report.stopped_at, report.semaphore, line(*report.stopped_at));
  }
  const bool many = report.races.size() >= model::kMostRaces;
  fmt::print("{} commands on {}: {}{}\n", program.commands.size(), configuration,
             report.races.empty() ? "no races" : fmt::format("{} races", report.races.size()),
             many ? " or more: the search ends here" : "");
  return report.clean() ? kSuccess : kFailure;
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "check",
      "the races of a command program: commands of different units that touch the same "
      "place, with no semaphores between them");
  command->add_option("program", options->program, "text or assembled (docs/program-format.md)")
      ->required();
  command->add_option("--config", options->configuration,
                      "a device's configuration; the program's own, or 16x16, if not given");
  command->add_flag("--json", options->json, "one JSON object");
  command->footer("Exit status: 0 none, 1 races or a command that never runs, 2 usage.");
  command->callback([=, &status] { status = run(*options); });
}

}  // namespace systolith::tool
