// systolith counters: what every counter of the device says about one run.
#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <stdexcept>

#include "commands.hpp"
#include "product.hpp"
#include "report.hpp"
#include "run_program.hpp"

namespace systolith::tool {
namespace {

struct Options {
  std::vector<std::string> what;
  ProductOptions product;
  std::string device;
  bool json = false;
};

std::uint64_t dimension(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument(
        fmt::format("'{}' is no dimension: give a program's file, or M N K", text));
  return value;
}

int run(Options& o) {
  if (o.what.size() != 1 && o.what.size() != 3)
    throw std::invalid_argument("give what to run: a program's file, or M N K of a product");
  systolith_counters_t counters;
  std::string fault;
  if (o.what.size() == 1) {
    const program::Program program = read_program(o.what[0]);
    Device device(o.device.empty() ? default_device(program) : o.device);
    const ProgramRun result = run_program(device, program, false);
    counters = result.counters;
    if (result.ending.faulted) fault = program::fault_text(result.ending);
  } else {
    for (const std::string& text : o.what) o.product.shape.push_back(dimension(text));
    Device device(o.device.empty() ? "sim:" : o.device);
    const Product product(o.product, device.capabilities().memory_bytes);
    counters = library::run_gemm(device, product.gemm()).counters;
  }
  const bool exact = counters.cycles == accounted_cycles(counters);
  if (o.json) {
    nlohmann::json json = nlohmann::json::array();
    for (const Counter& counter : all_counters())
      json.push_back({{"name", counter.name},
                      {"value", counters.*counter.value},
                      {"meaning", counter.meaning}});
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}", statistics(counters));
    if (counters.cycles == 0)
      fmt::print("  no cycles: the golden model has no time\n");
    else
      fmt::print("  mac_cycles and the lost_ counters add up to {} {} cycles\n",
                 accounted_cycles(counters), exact ? "=" : "instead of");
  }
  if (!fault.empty()) fmt::print(stderr, "systolith: the run ended with a fault: {}\n", fault);
  return exact && fault.empty() ? kSuccess : kFailure;
}

}  // namespace

void add_counters(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "counters",
      "every counter of the device after one run, with its meaning.\n"
      "Runs a PROGRAM (text or assembled), or a random product M N K, on a device that was just "
      "opened, with its counters cleared before the first command. A simulated device lives as "
      "long as this command: nothing is kept from one call to the next.");
  command->add_option("run", options->what, "PROGRAM, or M N K")->expected(1, 3);
  options->product.add_to(*command);
  command->add_option("--device", options->device, kProgramDeviceHelp);
  command->add_flag("--json", options->json, "one JSON array");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace systolith::tool
