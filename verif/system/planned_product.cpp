#include "planned_product.hpp"

#include <cstring>

#include "systolith/library/encode.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

#define FIELD(value, name) \
  ((value) >> SYSTOLITH_##name##_LSB & ((std::uint64_t{1} << SYSTOLITH_##name##_WIDTH) - 1))

// Rows into the image, gaps left alone.
void place(std::vector<std::uint8_t>& image, std::uint64_t address, const void* data,
           std::uint64_t rows, std::uint64_t row_bytes, std::uint64_t gap) {
  for (std::uint64_t row = 0; row < rows; ++row)
    std::memcpy(image.data() + (address - kBase) + row * (row_bytes + gap),
                static_cast<const std::uint8_t*>(data) + row * row_bytes, row_bytes);
}

}  // namespace

std::uint64_t extent(std::uint64_t rows, std::uint64_t row_bytes, std::uint64_t gap) {
  return rows * row_bytes + (rows - 1) * gap;
}

library::DeviceShape shape(SimRun& device) {
  library::DeviceShape s;
  const std::uint32_t array = device.read32(SYSTOLITH_REGISTER_ARRAY);
  s.rows = FIELD(array, ARRAY_ROWS);
  s.cols = FIELD(array, ARRAY_COLUMNS);
  const std::uint32_t memory = device.read32(SYSTOLITH_REGISTER_MEMORY);
  s.lines = FIELD(memory, MEMORY_LINES);
  s.banks = 1U << FIELD(memory, MEMORY_BANKS_LOG2);
  const std::uint32_t line = device.read32(SYSTOLITH_REGISTER_LINE);
  s.line_bytes = FIELD(line, LINE_BYTES);
  s.bus_bytes = FIELD(line, LINE_BUS_BYTES);
  s.accumulator_rows = FIELD(device.read32(SYSTOLITH_REGISTER_ACCUMULATOR), ACCUMULATOR_ROWS);
  const std::uint32_t element = device.read32(SYSTOLITH_REGISTER_ELEMENT);
  s.row_latency = FIELD(element, ELEMENT_ROW_LATENCY);
  s.drain_lanes = FIELD(element, ELEMENT_DRAIN_LANES);
  return s;
}

PlannedProduct planned(SimRun& device, const library::HostGemm& gemm, const Placement& at) {
  const library::DeviceShape s = shape(device);
  const std::uint64_t operand = library::bytes_of(gemm.format);
  const std::uint64_t a_row = gemm.k * operand, b_row = gemm.n * operand,
                      d_row = gemm.n * library::bytes_of(gemm.out);
  library::GemmProblem p;
  p.m = gemm.m;
  p.n = gemm.n;
  p.k = gemm.k;
  p.format = gemm.format;
  p.out = gemm.out;
  p.relu = gemm.relu;
  p.seed = gemm.seed;
  p.scaling = gemm.scaling;
  p.scale = gemm.scale;
  p.a = at.a;
  p.lda = a_row + at.gap;
  p.b = at.b;
  p.ldb = b_row + at.gap;
  p.c = at.c;
  p.ldc = 4 * gemm.n + at.gap;
  p.d = at.d;
  p.ldd = d_row + at.gap;
  p.scales = at.scales;

  PlannedProduct result;
  Program& program = result.program;
  program.commands = library::encode(library::plan_gemm(p, s));
  program.slots_log2 = 8;
  program.memory.resize(kBytes);
  for (std::uint64_t i = 0; i < kBytes; ++i)
    program.memory[i] = i < kInputs - kBase ? 0xA5 : at.filler[i % at.filler.size()];
  place(program.memory, at.a, gemm.a, gemm.m, a_row, at.gap);
  place(program.memory, at.b, gemm.b, gemm.k, b_row, at.gap);
  if (gemm.seed != library::Seed::none)
    place(program.memory, at.c, gemm.c, gemm.seed == library::Seed::row ? 1 : gemm.m, 4 * gemm.n,
          at.gap);
  if (gemm.scaling == library::Scale::column) {
    // The library pads scales to whole strips.
    std::vector<float> scales(gemm.scales, gemm.scales + gemm.n);
    scales.resize((gemm.n + s.cols - 1) / s.cols * s.cols, 1.0F);
    place(program.memory, at.scales, scales.data(), 1, 4 * scales.size(), 0);
  }
  result.expected.assign(program.memory.begin() + (kInputs - kBase), program.memory.end());
  std::vector<std::uint8_t> image(kBytes);
  std::memcpy(image.data() + (kInputs - kBase), result.expected.data(), result.expected.size());
  place(image, at.d, library::reference_gemm(gemm).data(), gemm.m, d_row, at.gap);
  std::memcpy(result.expected.data(), image.data() + (kInputs - kBase), result.expected.size());
  return result;
}

}  // namespace systolith::system_test
