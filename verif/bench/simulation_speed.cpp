// Speed of a whole simulated device, memory and protocol checkers in the loop, on one core: cycles
// and multiply-accumulates a second of processor time, beside a scalar loop of dependent fma that
// is timed between the runs. Every product is compared with the golden model. What else shares a
// core only takes speed away, from the simulation far more than from the loop, which waits for its
// own latency: so the fastest round of each is given, and the median beside it.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <exception>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "scalar_chain.hpp"
#include "systolith/library/run.hpp"

namespace {

using systolith::Device;
namespace library = systolith::library;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double largest(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

// Random operands of a product: numbers of moderate size, whose sums stay finite and round.
struct Operands {
  Operands(std::uint64_t size, bool int8) : int8_(int8), a(size * size), b(size * size) {
    std::minstd_rand random(1);
    for (auto* matrix : {&a, &b})
      for (std::uint16_t& value : *matrix) {
        const auto bits = static_cast<std::uint32_t>(random());
        value = static_cast<std::uint16_t>(
            int8 ? bits >> 8 : (bits & 0x8000) | (120 + (bits >> 16) % 8) << 7 | (bits >> 4 & 127));
      }
    gemm.m = gemm.n = gemm.k = size;
    gemm.format = int8 ? library::Format::int8 : library::Format::bf16;
    gemm.out = int8 ? library::OutFormat::int8 : library::OutFormat::bf16;
    gemm.scaling = int8 ? library::Scale::tensor : library::Scale::none;
    gemm.scale = 1.0F / 2048;
    gemm.a = a.data();
    gemm.b = b.data();
  }
  bool int8_;
  std::vector<std::uint16_t> a, b;  // of INT8 only the first half of the bytes is used
  library::HostGemm gemm;
};

// One product, with the tiling of an earlier one: the planner's time is not the simulator's.
double seconds(Device& device, const library::HostGemm& gemm, const library::GemmTiling& tiling) {
  const std::clock_t start = std::clock();
  library::run_gemm(device, gemm, &tiling);
  return static_cast<double>(std::max<std::clock_t>(1, std::clock() - start)) / CLOCKS_PER_SEC;
}

nlohmann::json measure(const std::string& uri, bool int8, std::uint64_t size, int rounds) {
  const Operands operands(size, int8);
  Device device(uri);
  const library::RunResult first = library::run_gemm(device, operands.gemm);
  if (first.counters.cycles == 0)
    throw std::invalid_argument(uri + " has no time; give a sim: device");
  if (first.d != library::reference_gemm(operands.gemm))
    throw std::runtime_error(uri + ": the product differs from the golden model's");
  std::vector<double> speeds, scalar, ratios;
  const double macs =
      static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
  for (int round = 0; round < rounds; ++round) {
    scalar.push_back(systolith::bench::scalar_chain_rate());
    speeds.push_back(macs / seconds(device, operands.gemm, first.plan.tiling));
    ratios.push_back(speeds.back() / scalar.back());
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double fastest = largest(speeds);
  return {{"device", uri},
          {"format", int8 ? "int8" : "bf16"},
          {"size", size},
          {"cycles", first.counters.cycles},
          {"seconds", macs / fastest},
          {"cycles_per_second", static_cast<double>(first.counters.cycles) * fastest / macs},
          {"macs_per_second", fastest},
          {"scalar_per_second", largest(scalar)},
          {"ratio", fastest / largest(scalar)},
          {"median_ratio", median(ratios)},
          {"peak_kib", usage.ru_maxrss}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Speed of a whole simulated device beside a scalar loop of dependent fma");
  std::string uri = "sim:";
  std::uint64_t size = 512;
  int rounds = 3;
  bool json = false;
  app.add_option("--device", uri, "device URI, such as sim:config=8x8")->capture_default_str();
  app.add_option("--size", size, "M = N = K")->capture_default_str()->check(CLI::Range(1, 4096));
  app.add_option("--rounds", rounds, "interleaved rounds; the fastest is printed, and the median")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_flag("--json", json, "one JSON array");
  CLI11_PARSE(app, argc, argv);
  try {
    nlohmann::json results = nlohmann::json::array();
    for (const bool int8 : {false, true}) {
      results.push_back(measure(uri, int8, size, rounds));
      const nlohmann::json& r = results.back();
      if (json) continue;
      fmt::print(
          "{} {} {}^3: {} cycles, {:.1f} kHz, {:.1f} MMAC/s, {:.3f} of a scalar fma loop (median "
          "{:.3f})\n",
          uri, int8 ? "INT8" : "BF16", size, r["cycles"].get<std::uint64_t>(),
          r["cycles_per_second"].get<double>() / 1e3, r["macs_per_second"].get<double>() / 1e6,
          r["ratio"].get<double>(), r["median_ratio"].get<double>());
      std::fflush(stdout);
    }
    if (json) fmt::print("{}\n", results.dump());
  } catch (const std::exception& error) {
    fmt::print(stderr, "simulation_speed: {}\n", error.what());
    return 1;
  }
  return 0;
}
