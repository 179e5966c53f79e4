#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace systolith::tool {
namespace {

double peak(const library::HostGemm& gemm, const library::DeviceShape& shape) {
  return static_cast<double>(shape.rows) * shape.cols *
         (gemm.format == library::Format::int8 ? 2 : 1);
}

double macs(const library::HostGemm& gemm) {
  return static_cast<double>(gemm.m) * static_cast<double>(gemm.n) * static_cast<double>(gemm.k);
}

}  // namespace

double utilisation(const library::HostGemm& gemm, const library::DeviceShape& shape,
                   std::uint64_t cycles) {
  return cycles == 0 ? 0.0 : macs(gemm) / (peak(gemm, shape) * static_cast<double>(cycles));
}

double traffic_ratio(const library::HostGemm& gemm, const library::DeviceShape& shape,
                     const systolith_counters_t& counters) {
  const double operand = library::bytes_of(gemm.format);
  const auto m = static_cast<double>(gemm.m);
  const auto n = static_cast<double>(gemm.n);
  const auto k = static_cast<double>(gemm.k);
  const double on_chip = (static_cast<double>(shape.lines) * shape.line_bytes +
                          static_cast<double>(shape.accumulator_rows) * shape.cols * 4) /
                         operand;
  const double output = m * n * library::bytes_of(gemm.out);
  const double compulsory = (m * k + k * n) * operand + output;
  const double optimal =
      std::max(compulsory, operand * 2 * macs(gemm) / std::sqrt(on_chip) + output);
  return static_cast<double>(counters.bytes_read + counters.bytes_written) / optimal;
}

nlohmann::json to_json(const library::HostGemm& gemm, const library::DeviceShape& shape,
                       const library::RunResult& result) {
  const systolith_counters_t& c = result.counters;
  nlohmann::json json;
  json["cycles"] = c.cycles;
  json["macs"] = static_cast<std::uint64_t>(macs(gemm));
  json["utilisation"] = utilisation(gemm, shape, c.cycles);
  json["roofline"] = c.cycles == 0 ? 0.0 : result.bound.whole() / static_cast<double>(c.cycles);
  json["roofline_plain"] =
      c.cycles == 0 ? 0.0 : result.bound.plain() / static_cast<double>(c.cycles);
  json["bound_by"] = result.bound.limit();
  json["bound"] = {{"compute", result.bound.compute},
                   {"read", result.bound.read},
                   {"write", result.bound.write},
                   {"chain", result.bound.chain},
                   {"start", result.bound.start}};
  json["bytes_read"] = c.bytes_read;
  json["bytes_written"] = c.bytes_written;
  json["traffic_ratio"] = traffic_ratio(gemm, shape, c);
  json["commands"] = result.plan.steps.size();
  json["lost"] = {{"start", c.lost_start}, {"fill", c.lost_fill},   {"loads", c.lost_loads},
                  {"store", c.lost_store}, {"other", c.lost_other}, {"reentry", c.lost_reentry},
                  {"drain", c.lost_drain}, {"tail", c.lost_tail}};
  json["mac_cycles"] = c.mac_cycles;
  return json;
}

std::string summary(const library::HostGemm& gemm, const library::DeviceShape& shape,
                    const library::RunResult& result) {
  const systolith_counters_t& c = result.counters;
  if (c.cycles == 0) return "no cycles (the model has no time)";
  return fmt::format(
      "{} cycles, utilisation {:.2f} %, roofline {:.1f} % ({} bound), {:.2f} MB moved (ratio "
      "{:.2f}), {} commands",
      c.cycles, 100 * utilisation(gemm, shape, c.cycles),
      100 * result.bound.whole() / static_cast<double>(c.cycles), result.bound.limit(),
      static_cast<double>(c.bytes_read + c.bytes_written) / 1e6, traffic_ratio(gemm, shape, c),
      result.plan.steps.size());
}

std::string statistics(const systolith_counters_t& c) {
  const auto line = [&](const char* name, std::uint64_t value, const char* meaning) {
    return fmt::format(
        "  {:<14}{:>12}{:>8.2f} %  {}\n", name, value,
        c.cycles == 0 ? 0.0 : 100.0 * static_cast<double>(value) / static_cast<double>(c.cycles),
        meaning);
  };
  std::string text;
  text += line("cycles", c.cycles, "from the doorbell until the queue is idle");
  text += line("with MACs", c.mac_cycles, "a row issued into the array");
  text += line("start", c.lost_start, "before the matrix unit's first command");
  text += line("fill", c.lost_fill, "stationary operand not in place, set-up");
  text += line("loads", c.lost_loads, "waiting for the load unit");
  text += line("store", c.lost_store, "waiting for the store unit");
  text += line("other", c.lost_other, "other semaphores");
  text += line("re-entry", c.lost_reentry, "previous partial sum still in the array");
  text += line("drain", c.lost_drain, "rows still in the array, no command");
  text += line("tail", c.lost_tail, "storing, responses, record");
  text += fmt::format("  bytes read {}, written {}; commands {}\n", c.bytes_read, c.bytes_written,
                      c.commands);
  return text;
}

}  // namespace systolith::tool
