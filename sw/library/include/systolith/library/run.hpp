// A product from host memory to host memory: on a device, and on the golden model's kernels.
#pragma once

#include <cstdint>
#include <vector>

#include "systolith/library/gemm.hpp"
#include "systolith/systolith.hpp"

namespace systolith::library {

/// Shape and formats of a product, and its operands in host memory, contiguous and row-major.
/// BF16 is raw 16-bit words. `c` is as `seed` says, 32-bit values of the accumulator's type.
/// `scales` are n values for Scale::column.
struct HostGemm {
  std::uint64_t m = 0, n = 0, k = 0;
  Format format = Format::bf16;
  OutFormat out = OutFormat::fp32;
  bool relu = false;
  Seed seed = Seed::none;
  Scale scaling = Scale::none;
  float scale = 1.0F;
  const void* a = nullptr;
  const void* b = nullptr;
  const void* c = nullptr;
  const float* scales = nullptr;
};

struct RunResult {
  std::vector<std::uint8_t> d;      ///< m x n elements of the out format, row-major
  systolith_counters_t counters{};  ///< of this product alone, zero on the model
  GemmPlan plan;                    ///< empty where nothing ran
  GemmBound bound;                  ///< for a memory latency of 100 cycles
};

/// What the planner needs, from a device's capability registers.
DeviceShape shape_of(const Device& device);

/// Throws std::invalid_argument where formats, scale and seed do not go together.
void check(const HostGemm& gemm);

/// Runs the product on a device that has no queue yet, and leaves it without one. `tiling` 0: the
/// planner's choice. K = 0 gives the seed through the output conversion; M = 0 or N = 0 an empty
/// result; neither touches the device. Throws systolith::Error, std::invalid_argument.
RunResult run_gemm(Device& device, const HostGemm& gemm, const GemmTiling* tiling = nullptr);

/// The bits that every device delivers.
std::vector<std::uint8_t> reference_gemm(const HostGemm& gemm);

}  // namespace systolith::library
