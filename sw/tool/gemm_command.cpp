// systolith gemm and systolith info.
#include <fmt/format.h>

#include <memory>
#include <stdexcept>

#include "commands.hpp"
#include "npy.hpp"
#include "product.hpp"
#include "report.hpp"

namespace systolith::tool {
namespace {

struct Options {
  ProductOptions product;
  std::string out, device = "sim:";
  bool stats = false, json = false;
};

const char* npy_type(library::OutFormat format) {
  switch (format) {
    case library::OutFormat::fp32:
      return "f4";
    case library::OutFormat::bf16:
      return "u2";
    case library::OutFormat::int32:
      return "i4";
    case library::OutFormat::int8:
      break;
  }
  return "i1";
}

int run(const Options& o) {
  const bool random = o.product.random();
  if (!random && o.out.empty()) throw std::invalid_argument("give --out for the result");
  Device device(o.device);
  const Product product(o.product, device.capabilities().memory_bytes);
  const library::HostGemm& gemm = product.gemm();
  const library::DeviceShape shape = library::shape_of(device);
  const library::RunResult result = library::run_gemm(device, gemm);
  bool match = true;
  if (random || o.json || o.stats) match = result.d == library::reference_gemm(gemm);
  if (!o.out.empty()) write_npy(o.out, {npy_type(gemm.out), {gemm.m, gemm.n}, result.d});
  if (o.json) {
    nlohmann::json json = to_json(gemm, shape, result);
    json["match"] = match;
    fmt::print("{}\n", json.dump());
  } else {
    if (random || o.stats)
      fmt::print("{} x {} x {} {}: {}\n{}\n", gemm.m, gemm.n, gemm.k, o.product.format,
                 match ? "every bit equals the golden model's" : "MISMATCH with the golden model",
                 summary(gemm, shape, result));
    if (o.stats) fmt::print("{}", statistics(result.counters));
  }
  return match ? kSuccess : kFailure;
}

int info(const std::string& uri, bool json) {
  Device device(uri);
  const systolith_capabilities_t c = device.capabilities();
  if (json) {
    nlohmann::json j = {{"version", fmt::format("{}.{}", c.version >> 16, c.version & 0xffff)},
                        {"rows", c.rows},
                        {"columns", c.columns},
                        {"depth", c.mac_depth},
                        {"row_latency", c.row_latency},
                        {"drain_lanes", c.drain_lanes},
                        {"line_bytes", c.line_bytes},
                        {"lines", c.lines},
                        {"banks", c.banks},
                        {"accumulator_rows", c.accumulator_rows},
                        {"bus_bytes", c.bus_bytes},
                        {"address_width", c.address_width},
                        {"formats", c.formats},
                        {"semaphores", c.semaphores},
                        {"windows", c.windows},
                        {"queue_depth", c.unit_queue_depth},
                        {"memory_base", c.memory_base},
                        {"memory_bytes", c.memory_bytes}};
    fmt::print("{}\n", j.dump());
    return kSuccess;
  }
  fmt::print("interface        {}.{}\n", c.version >> 16, c.version & 0xffff);
  fmt::print("array            {} rows x {} columns, element depth {}, row latency {}\n", c.rows,
             c.columns, c.mac_depth, c.row_latency);
  fmt::print("formats          {}{}\n", (c.formats & 2) != 0 ? "INT8 " : "",
             (c.formats & 4) != 0 ? "BF16" : "");
  fmt::print("scratchpad       {} lines of {} bytes in {} banks ({} KiB)\n", c.lines, c.line_bytes,
             c.banks, c.lines * c.line_bytes / 1024);
  fmt::print("accumulators     {} rows ({} KiB)\n", c.accumulator_rows,
             c.accumulator_rows * c.columns * 4 / 1024);
  fmt::print("bus              {} bits, {}-bit addresses\n", c.bus_bytes * 8, c.address_width);
  fmt::print("drain            {} columns a cycle\n", c.drain_lanes);
  fmt::print("semaphores       {}, windows {}, commands queued a unit {}\n", c.semaphores,
             c.windows, c.unit_queue_depth);
  fmt::print("device memory    {} MiB at {:#x}\n", c.memory_bytes >> 20, c.memory_base);
  return kSuccess;
}

}  // namespace

void add_gemm(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "gemm", "D = A x B (+ C): NumPy files, or a seeded random product compared with the model");
  ProductOptions& product = options->product;
  command->add_option("shape", product.shape, "M N K of a random product")
      ->expected(3)
      ->check(why_no_number);
  command->add_option("--a", product.a, "A, M x K: float32, uint16 (BF16 bits) or int8 .npy");
  command->add_option("--b", product.b, "B, K x N: as A");
  command->add_option("--c", product.c,
                      "seed of the chain: float32 or int32, M x N or one row of N");
  command->add_option("--out", options->out, "where D goes, .npy");
  product.add_to(*command);
  command->add_option("--device", options->device, kDeviceHelp)->capture_default_str();
  command->add_flag("--stats", options->stats, "cycles by cause, bytes, comparison with the model");
  command->add_flag("--json", options->json, "one JSON object");
  command->callback([options, &status] { status = run(*options); });
}

void add_info(CLI::App& app, int& status) {
  auto uri = std::make_shared<std::string>("sim:");
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("info", "what was built, from the capability registers");
  command->add_option("--device", *uri, kDeviceHelp)->capture_default_str();
  command->add_flag("--json", *json, "one JSON object");
  command->callback([uri, json, &status] { status = info(*uri, *json); });
}

}  // namespace systolith::tool
