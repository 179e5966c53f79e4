#include "packing.h"

namespace systolith::model {
namespace {

constexpr std::size_t kRows = 4;
constexpr std::size_t kColumns = 16;

// fma of E8M10 operands without a fused instruction: binary32 nearest-even of product + sum, as a
// double. The product has 22 bits and is exact in double. The addition is rounded to odd there (its
// exact error says which neighbour), after which the rounding to binary32 is as if from the exact
// value: 53 bits are more than 24 + 2, subnormals included. Written on signs and masks so that
// compilers vectorise it.
inline double step(double product, double sum) {
  const double rounded = product + sum;
  const double part = rounded - product;
  const double error = (product - (rounded - part)) + (sum - part);
  const auto bits = __builtin_bit_cast(std::uint64_t, rounded);
  // One step in the last place, away from zero if the error has the sign of the sum.
  const std::uint64_t opposite = (__builtin_bit_cast(std::uint64_t, error) ^ bits) >> 63;
  // An infinite or NaN sum has a NaN error: both comparisons are false and it passes as it is.
  const std::uint64_t inexact = (error > 0 ? 1u : 0u) | (error < 0 ? 1u : 0u);
  const std::uint64_t move = inexact & ~bits;  // an odd one stays
  const std::uint64_t odd = bits + move - 2 * (move & opposite);
  return static_cast<float>(__builtin_bit_cast(double, odd));
}

void float_tile(std::size_t steps, const float* a, const float* b, float* sum, std::size_t stride) {
  double sums[kRows][kColumns];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = sum[r * stride + c];
  }
  for (std::size_t s = 0; s < steps; ++s) {
    double right[kColumns];
    for (std::size_t c = 0; c < kColumns; ++c) right[c] = b[s * kColumns + c];
    for (std::size_t r = 0; r < kRows; ++r) {
      const double left = a[r * kPackedStride + s];
      for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = step(left * right[c], sums[r][c]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) sum[r * stride + c] = static_cast<float>(sums[r][c]);
  }
}

void int8_tile(std::size_t steps, const std::uint32_t* a, const std::uint32_t* b, std::int32_t* sum,
               std::size_t stride) {
  std::uint32_t sums[kRows][kColumns];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      sums[r][c] = static_cast<std::uint32_t>(sum[r * stride + c]);
    }
  }
  for (std::size_t s = 0; s < steps; ++s) {
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::int32_t low = static_cast<std::int16_t>(a[r * kPackedStride + s]);
      const std::int32_t high = static_cast<std::int16_t>(a[r * kPackedStride + s] >> 16);
      for (std::size_t c = 0; c < kColumns; ++c) {
        const std::uint32_t pair = b[s * kColumns + c];
        sums[r][c] += static_cast<std::uint32_t>(low * static_cast<std::int16_t>(pair) +
                                                 high * static_cast<std::int16_t>(pair >> 16));
      }
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      sum[r * stride + c] = static_cast<std::int32_t>(sums[r][c]);
    }
  }
}

}  // namespace

constinit const Kernels kKernelsPortable = make_kernels(kRows, kColumns, float_tile, int8_tile);

}  // namespace systolith::model
