// Figures of a run, for people and for machines.
#pragma once

#include <nlohmann/json.hpp>
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

/// A table of cycles by cause that adds up, and of bytes.
std::string statistics(const systolith_counters_t& counters);

}  // namespace systolith::tool
