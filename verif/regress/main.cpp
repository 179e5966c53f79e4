// systolith_regress: random programs on the simulated devices against the golden model, a JSON line
// a seed; explains, replays and shrinks one. scripts/regress runs it over many seeds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "comparison.hpp"
#include "program_generator.hpp"
#include "racy.hpp"
#include "shrink.hpp"
#include "sim.hpp"
#include "worker.hpp"

namespace systolith::regress {
namespace {

constexpr int kDiffers = 1, kUsage = 2;

constexpr const char* kCovers =
    R"(A seed draws a configuration, a program, and memory and host around it.

Programs are legal and free of races: each stored byte has one value, whatever the timing. They load into scratchpad and
accumulators (four loops, strides of 0, backwards, overlapping; what was stored before), multiply INT8 and BF16 (several
strips and blocks, chains that go on, rows and columns that do not fill the array), store with every conversion, ReLU and
scale, and hand over all at once or row by row. Memory draws latency, bandwidth, stalls of each channel, order of address
and data, interleaving, noise, when written data is there; the host draws ring size, batches and pauses.

Compared with the golden model: fault, commands completed, every byte of memory with the records (without times),
interrupts, counters. Assertions of the RTL and rules of the bus are live.

Not drawn: faults and resets (make faults), several queues. Programs that race are drawn with --racy alone, and not run:
one mistake is planted in a seed's program, and the model's report of it compared with what must be reported.

)";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument(fmt::format("{}: cannot be read", path));
  return {std::istreambuf_iterator<char>(file), {}};
}

nlohmann::json to_json(const Difference& d) {
  nlohmann::json json{{"kind", d.kind}, {"text", d.text}};
  if (d.command >= 0) {
    json["command"] = d.command;
    json["unit"] = d.unit;
    json["statement"] = d.statement;
  }
  if (d.address != 0) json["address"] = d.address;
  if (d.cycle != 0) json["cycle"] = d.cycle;
  return json;
}

std::string to_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Runs it; `json` gets how that went.
bool run(const Drawn& drawn, nlohmann::json& json) {
  const auto start = std::chrono::steady_clock::now();
  Result result;
  if (const std::string reason = why_illegal(drawn); !reason.empty()) {
    result.difference = Difference{};
    result.difference->kind = "illegal";
    result.difference->text = reason;
    result.commands = static_cast<std::uint32_t>(drawn.program.commands.size());
  } else {
    result = compare(drawn);
    if (result.difference) result.difference->cycle = locate(drawn, *result.difference);
  }
  json["configuration"] = drawn.configuration;
  json["result"] = result.difference ? "fail" : "pass";
  if (result.difference) json["difference"] = to_json(*result.difference);
  json["cycles"] = result.cycles;
  json["commands"] = result.commands;
  json["milliseconds"] =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return !result.difference;
}

struct Options {
  std::string configurations, weights, seeds, explain, racy, shrink, shrink_file, output;
  std::vector<std::string> replay;
  bool list = false, work = false;
};

bool run_seed(std::uint64_t seed, const std::vector<std::string>& configurations,
              const Weights& weights) {
  nlohmann::json json{{"seed", seed}};
  const bool passed = run(draw(seed, configurations, weights), json);
  print(to_line(json) + "\n");
  return passed;
}

std::string describe_racy() {
  std::string text;
  for (const MistakeEntry& entry : mistake_table())
    text += fmt::format("  {:<20} {}\n", entry.name, entry.meaning);
  return text;
}

std::optional<Planted> plant(const Drawn& drawn, std::uint64_t seed, RacyKind kind) {
  std::mt19937_64 random(seed);
  return plant_race(model::Configuration::named(drawn.configuration), drawn.program.commands, kind,
                    random);
}

// The seed's program without a mistake, and with one of each kind that it has a place for.
bool check_races(std::uint64_t seed, const std::vector<std::string>& configurations,
                 const Weights& weights, const std::vector<RacyKind>& kinds) {
  const Drawn drawn = draw(seed, configurations, weights);
  const model::Configuration configuration = model::Configuration::named(drawn.configuration);
  bool passed = true;
  const auto print_result = [&](nlohmann::json json, const std::string& wrong) {
    json["seed"] = seed;
    json["configuration"] = drawn.configuration;
    json["result"] = wrong.empty() ? "pass" : "fail";
    if (!wrong.empty()) json["difference"] = wrong;
    print(to_line(json) + "\n");
    passed = passed && wrong.empty();
  };
  std::string wrong = wrong_report(configuration, drawn.program.commands, std::nullopt);
  const auto races = model::find_races(configuration, drawn.program.commands).races;
  if (wrong.empty() && !races.empty()) wrong = "race-free, but " + to_text(races[0]);
  print_result({{"racy", "none"}}, wrong);
  for (const RacyKind kind : kinds)
    if (const auto racy = plant(drawn, seed, kind))
      print_result({{"racy", kind.name()}, {"change", racy->change}, {"race", to_text(racy->race)}},
                   wrong_report(configuration, racy->commands, racy->race));
  return passed;
}

std::vector<std::string> header(const Drawn& drawn, const std::vector<std::string>& more) {
  std::vector<std::string> lines = more;
  lines.push_back("");
  lines.push_back("build/systolith run THIS_FILE --device " + device_uri(drawn));
  lines.push_back("systolith_regress --replay THIS_FILE     under the very conditions below");
  return lines;
}

int shrink_to(const Options& o, const Drawn& drawn, const std::string& origin) {
  const Result before = compare(drawn);
  if (!before.difference) {
    fmt::print(stderr, "systolith_regress: {} does not fail\n", origin);
    return kUsage;
  }
  const Shrunk shrunk =
      shrink(drawn, [](const Drawn& d) { return compare(d).difference.has_value(); });
  const Result after = compare(shrunk.drawn);
  const std::string text = to_text(
      shrunk.drawn, header(shrunk.drawn, {fmt::format("Shrunk from {}: {} commands of {}.", origin,
                                                      shrunk.drawn.program.commands.size(),
                                                      drawn.program.commands.size()),
                                          after.difference->text}));
  if (o.output.empty()) {
    print(text);
    return 0;
  }
  std::ofstream file(o.output);
  file << text;
  if (!file.flush()) throw std::runtime_error(fmt::format("{}: cannot be written", o.output));
  nlohmann::json json{{"file", o.output}, {"runs", shrunk.runs}};
  run(shrunk.drawn, json);
  print(to_line(json) + "\n");
  return 0;
}

int work(const Options& o) {
  const Weights weights = parse_weights(o.weights);
  const std::vector<std::string> configurations = configurations_of(o.configurations);

  if (o.list) {
    print(fmt::format(
        "{}configurations: {}\n\nweights, with --weights name=value,...:\n{}\n"
        "mistakes, with --racy MISTAKE:SPACE (scratchpad, accumulators, memory):\n{}",
        kCovers, fmt::join(sim::prebuilt(), ", "), describe_weights(), describe_racy()));
    return 0;
  }
  if (!o.explain.empty()) {
    const std::uint64_t seed = parse_seed(o.explain);
    Drawn drawn = draw(seed, configurations, weights);
    std::string command =
        fmt::format("systolith_regress --explain {} --config {}", seed, drawn.configuration);
    if (!o.weights.empty()) command += " --weights " + o.weights;
    if (o.racy.empty()) {
      print(to_text(drawn, header(drawn, {command})));
      return 0;
    }
    const std::vector<RacyKind> kinds = parse_racy(o.racy);
    if (kinds.size() != 1)
      throw std::invalid_argument(fmt::format(
          "--explain shows one kind of race at a time: write --racy {}", kinds[0].name()));
    const auto racy = plant(drawn, seed, kinds[0]);
    if (!racy)
      throw std::invalid_argument(
          fmt::format("seed {} on {} has no place for {}: take another seed", seed,
                      drawn.configuration, kinds[0].name()));
    drawn.program.commands = racy->commands;
    print(to_text(drawn,
                  {command + " --racy " + o.racy, "", "Racy: " + racy->change + ".",
                   "Planted: " + to_text(racy->race) + ".", "build/systolith check THIS_FILE"}));
    return 0;
  }
  if (!o.shrink.empty()) {
    const std::uint64_t seed = parse_seed(o.shrink);
    const Drawn drawn = draw(seed, configurations, weights);
    return shrink_to(o, drawn, fmt::format("seed {} on {}", seed, drawn.configuration));
  }
  if (!o.shrink_file.empty())
    return shrink_to(o, from_text(read_file(o.shrink_file)), o.shrink_file);
  bool passed = true;
  if (!o.replay.empty()) {
    for (const std::string& path : o.replay) {
      nlohmann::json json{{"file", path}};
      try {
        passed = run(from_text(read_file(path)), json) && passed;
      } catch (const std::exception& error) {
        throw std::invalid_argument(fmt::format("{}: {}", path, error.what()));
      }
      print(to_line(json) + "\n");
    }
    return passed ? 0 : kDiffers;
  }
  if (!o.racy.empty()) {
    const std::vector<RacyKind> kinds = parse_racy(o.racy);
    return run_seeds(o.seeds,
                     [&](std::uint64_t seed) {
                       return check_races(seed, configurations, weights, kinds);
                     })
               ? 0
               : kDiffers;
  }
  const auto run_one = [&](std::uint64_t seed) { return run_seed(seed, configurations, weights); };
  if (o.work) {
    serve_seeds(run_one);
    return 0;
  }
  return run_seeds(o.seeds, run_one) ? 0 : kDiffers;
}

int start(int argc, char** argv) {
  CLI::App app{
      "Random programs on the simulated devices against the golden model: one JSON line a seed.\n"
      "scripts/regress runs it over many seeds."};
  Options o;
  app.add_option("--seeds", o.seeds, "FIRST or FIRST:COUNT; 0 is a seed like others");
  app.add_flag("--work", o.work, "seeds come from the standard input, one a line");
  app.add_option("--explain", o.explain, "print what a seed draws, as a program of systolith asm");
  app.add_option("--racy", o.racy,
                 "with --explain: the seed's program with a mistake, KIND as --list says; with\n"
                 "--seeds: are all mistakes of these kinds (all, MISTAKE, :SPACE) reported?");
  app.add_option("--replay", o.replay, "run programs that --explain or --shrink wrote");
  app.add_option("--shrink", o.shrink, "make the program of a failing seed small");
  app.add_option("--shrink-file", o.shrink_file, "make a failing program small");
  app.add_option("-o,--out", o.output, "where the small program goes; printed if not given");
  app.add_option("--config", o.configurations, "draw among these configurations: NAME,NAME");
  app.add_option("--weights", o.weights, "name=value,...: what is drawn how often, see --list");
  app.add_flag("--list", o.list, "what is drawn and compared, and all weights");
  app.footer(
      "Exit status: 0 all equal, 1 a difference, 2 options or files that can't be used. With\n"
      "SYSTOLITH_TRACE=FILE in a build with waveforms, the first run is traced.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  try {
    keep_results_apart();
    return work(o);
  } catch (const std::exception& error) {
    fmt::print(stderr, "systolith_regress: {}\n", error.what());
    return kUsage;
  }
}

}  // namespace
}  // namespace systolith::regress

int main(int argc, char** argv) { return systolith::regress::start(argc, argv); }
