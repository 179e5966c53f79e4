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

std::span<const Counter> all_counters() {
  using C = systolith_counters_t;
  static constexpr Counter kCounters[] = {
      {"cycles", &C::cycles, true, "from the doorbell until the queue is idle"},
      {"mac_cycles", &C::mac_cycles, true, "a row was issued into the array"},
      {"lost_start", &C::lost_start, true, "before the matrix unit's first command"},
      {"lost_fill", &C::lost_fill, true,
       "with a command: stationary operand not in place, scratchpad port busy, set-up"},
      {"lost_loads", &C::lost_loads, true, "waiting for a signal of the load unit"},
      {"lost_store", &C::lost_store, true, "waiting for a signal of the store unit"},
      {"lost_other", &C::lost_other, true, "waiting for another unit's signal"},
      {"lost_reentry", &C::lost_reentry, true, "the row's last partial sum is still in the array"},
      {"lost_drain", &C::lost_drain, true, "no command, rows still in the array"},
      {"lost_tail", &C::lost_tail, true, "no command, array empty: stores, responses, records"},
      {"macs", &C::macs, false, "multiply-accumulates with useful operands"},
      {"bytes_read", &C::bytes_read, false, "read on the bus: operands and commands, whole beats"},
      {"bytes_written", &C::bytes_written, false,
       "written on the bus: results and records, whole beats"},
      {"load_busy", &C::load_busy, true, "the load unit had a command"},
      {"store_busy", &C::store_busy, true, "the store unit had a command"},
      {"commands", &C::commands, false, "commands completed"},
      {"dropped_beats", &C::dropped_beats, false, "bus beats dropped by a reset"},
      {"corrected", &C::corrected, false, "reads of an on-chip memory that were corrected"},
  };
  return kCounters;
}

std::uint64_t accounted_cycles(const systolith_counters_t& c) {
  return c.mac_cycles + c.lost_start + c.lost_fill + c.lost_loads + c.lost_store + c.lost_other +
         c.lost_reentry + c.lost_drain + c.lost_tail;
}

nlohmann::json counters_json(const systolith_counters_t& counters) {
  nlohmann::json json;
  for (const Counter& counter : all_counters()) json[counter.name] = counters.*counter.value;
  return json;
}

std::string statistics(const systolith_counters_t& counters) {
  std::string text;
  for (const Counter& counter : all_counters()) {
    const std::uint64_t value = counters.*counter.value;
    const std::string share =
        counter.cycles && counters.cycles != 0
            ? fmt::format("{:.2f} %",
                          100.0 * static_cast<double>(value) / static_cast<double>(counters.cycles))
            : "";
    text += fmt::format("  {:<14}{:>14}{:>10}  {}\n", counter.name, value, share, counter.meaning);
  }
  return text;
}

}  // namespace systolith::tool
