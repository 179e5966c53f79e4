// Figures of a run, for people and for machines.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "systolith/library/run.hpp"

namespace systolith::tool {

/// Useful multiply-accumulates over those of the peak, 0 to 1; 0 where no cycles are known.
double utilisation(const library::HostGemm& gemm, const library::DeviceShape& shape,
                   std::uint64_t cycles);

/// Bytes moved over what an optimal blocking moves with the memory on chip (docs/benchmarks.md).
double traffic_ratio(const library::HostGemm& gemm, const library::DeviceShape& shape,
                     const systolith_counters_t& counters);

nlohmann::json to_json(const library::HostGemm& gemm, const library::DeviceShape& shape,
                       const library::RunResult& result);

/// One line of the chief figures.
std::string summary(const library::HostGemm& gemm, const library::DeviceShape& shape,
                    const library::RunResult& result);

/// A counter of docs/interfaces section 7.
struct Counter {
  const char* name;
  std::uint64_t systolith_counters_t::*value;
  bool cycles;  ///< a share of `cycles`
  const char* meaning;
};
std::span<const Counter> all_counters();

/// mac_cycles and the lost_ counters together: every cycle has one cause.
std::uint64_t accounted_cycles(const systolith_counters_t& counters);

/// All counters by name.
nlohmann::json counters_json(const systolith_counters_t& counters);

/// A table of all counters: cycles by cause, bytes, counts.
std::string statistics(const systolith_counters_t& counters);

}  // namespace systolith::tool
