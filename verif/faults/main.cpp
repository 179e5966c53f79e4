// systolith_faults: injections into random programs on the simulated devices, a JSON line a seed.
// scripts/faults runs it over many seeds.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "campaign.hpp"
#include "injection.hpp"
#include "sim.hpp"
#include "verdict.hpp"
#include "worker.hpp"

namespace systolith::faults {
namespace {

constexpr int kDiffers = 1, kUsage = 2;

struct Options {
  std::string configurations, kinds, seeds, explain, victim;
  unsigned share = 0;
  bool list = false, work = false;
};

bool run_seed(std::uint64_t seed, const std::vector<std::string>& configurations,
              const std::string& part) {
  const auto start = std::chrono::steady_clock::now();
  const Case c = draw_case(seed, configurations, part);
  const Result result = run_case(c, seed);
  nlohmann::json json{{"seed", seed},
                      {"configuration", c.drawn.configuration},
                      {"kind", c.injection.kind},
                      {"injection", c.injection.text},
                      {"outcome", result.outcome},
                      {"result", result.wrong.empty() ? "pass" : "fail"},
                      {"cycles", result.cycles},
                      {"commands", c.drawn.program.commands.size()}};
  if (!result.wrong.empty()) json["difference"] = {{"kind", result.wrong}, {"text", result.text}};
  json["milliseconds"] =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  regress::print(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return result.wrong.empty();
}

int work(const Options& o) {
  const std::vector<std::string> configurations = regress::configurations_of(o.configurations);
  check_kinds(o.kinds);
  if (o.list) {
    std::string text =
        fmt::format("configurations: {}\n\nkinds:\n", fmt::join(sim::prebuilt(), ", "));
    for (const Kind& kind : kinds()) text += fmt::format("  {:<22} {}\n", kind.name, kind.meaning);
    regress::print(text);
    return 0;
  }
  if (!o.explain.empty()) {
    const Case c = draw_case(regress::parse_seed(o.explain), configurations, o.kinds);
    regress::print(
        regress::to_text(c.drawn, {fmt::format("configuration {}", c.drawn.configuration),
                                   fmt::format("{}: {}", c.injection.kind, c.injection.text), ""}));
    return 0;
  }
  const auto run = [&](std::uint64_t seed) { return run_seed(seed, configurations, o.kinds); };
  if (o.work) {
    regress::serve_seeds(run);
    return 0;
  }
  if (o.share != 0) {
    // A seed a kind, so that each has another program.
    bool passed = true;
    const std::vector<Kind> all = kinds();
    const std::uint64_t first = regress::parse_seed(o.seeds);
    for (std::size_t i = first % o.share; i < all.size(); i += o.share)
      passed = run_seed(first + i, configurations, all[i].name) && passed;
    return passed ? 0 : kDiffers;
  }
  return regress::run_seeds(o.seeds, run) ? 0 : kDiffers;
}

int start(int argc, char** argv) {
  CLI::App app{
      "Injections into random programs on the simulated devices: one JSON line a seed.\n"
      "scripts/faults runs it over many seeds."};
  Options o;
  app.add_option("--seeds", o.seeds, "FIRST or FIRST:COUNT; 0 is a seed like others");
  app.add_flag("--work", o.work, "seeds come from the standard input, one a line");
  app.add_option("--explain", o.explain, "print what a seed injects, and its program");
  app.add_option("--config", o.configurations, "draw among these configurations: NAME,NAME");
  app.add_option("--kinds", o.kinds, "only kinds whose name contains this, see --list");
  app.add_option("--every", o.share,
                 "each kind once (1), or every N-th, with seeds from --seeds on");
  app.add_flag("--list", o.list, "all kinds");
  app.add_option("--victim", o.victim, "")->group("");  // what host_killed starts
  app.footer("Exit status: 0 all as it must be, 1 not, 2 options that can't be used.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  try {
    if (!o.victim.empty()) return run_victim(o.victim);
    regress::keep_results_apart();
    return work(o);
  } catch (const std::exception& error) {
    fmt::print(stderr, "systolith_faults: {}\n", error.what());
    return kUsage;
  }
}

}  // namespace
}  // namespace systolith::faults

int main(int argc, char** argv) { return systolith::faults::start(argc, argv); }
