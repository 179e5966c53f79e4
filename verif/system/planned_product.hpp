// Products that the library plans, at addresses that the test chooses, on a device whose memory it
// sees: what is around the operands, where they end.
#pragma once

#include <cstdint>
#include <vector>

#include "gemm_fixture.hpp"
#include "program_run.hpp"

namespace systolith::system_test {

/// Where the operands of a product lie, and how far apart rows are beyond their length.
struct Placement {
  std::uint64_t a = kInputs, b = kInputs + 0x8000, c = kInputs + 0x10000, scales = kScales;
  std::uint64_t d = kOutputs;
  std::uint64_t gap = 0;                      // bytes between rows, of all matrices
  std::vector<std::uint8_t> filler = {0xA5};  // what all other memory holds
};

/// A product in the memory of a device: commands, memory image, and what the image must be after.
struct PlannedProduct {
  Program program;
  std::vector<std::uint8_t> expected;  // memory from kInputs on, after the run
};

/// `device` tells the sizes to plan for.
PlannedProduct planned(SimRun& device, const library::HostGemm& gemm, const Placement& placement);

/// Bytes of an operand as it lies in memory.
std::uint64_t extent(std::uint64_t rows, std::uint64_t row_bytes, std::uint64_t gap);

/// The device's sizes, from its registers.
library::DeviceShape shape(SimRun& device);

}  // namespace systolith::system_test
