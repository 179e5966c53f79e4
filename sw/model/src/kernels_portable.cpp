#include "kernels.h"

namespace systolith::model {
namespace {

constexpr std::size_t kRows = 4;
constexpr std::size_t kColumns = 16;

// fma(a, b, sum) of E8M10 operands without a fused instruction. The product has 22 bits and is exact in double. The
// sum is rounded to odd there (the exact error of the addition says which neighbour), after which the rounding to
// binary32 is as if from the exact value: 53 bits are more than 24 + 2, subnormals included.
inline float step(double product, float sum) {
  const double addend = sum;
  const double rounded = product + addend;
  const double part = rounded - product;
  const double error = (product - (rounded - part)) + (addend - part);
  std::int64_t bits = __builtin_bit_cast(std::int64_t, rounded);
  // An infinite or NaN sum has a NaN error: both comparisons are false and it passes as it is.
  const std::int64_t away = (error > 0) == (rounded > 0) ? 1 : -1;
  const std::int64_t inexact = (error > 0 || error < 0) ? 1 : 0;
  bits += inexact & ~bits & 1 ? away : 0;
  return static_cast<float>(__builtin_bit_cast(double, bits));
}

void float_tile(std::size_t steps, const float* a, const float* b, float* sum, std::size_t stride) {
  float sums[kRows][kColumns];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) sums[r][c] = sum[r * stride + c];
  }
  for (std::size_t s = 0; s < steps; ++s) {
    for (std::size_t r = 0; r < kRows; ++r) {
      const double left = a[s * kRows + r];
      for (std::size_t c = 0; c < kColumns; ++c) {
        sums[r][c] = step(left * static_cast<double>(b[s * kColumns + c]), sums[r][c]);
      }
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) sum[r * stride + c] = sums[r][c];
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
      const std::int32_t low = static_cast<std::int16_t>(a[s * kRows + r]);
      const std::int32_t high = static_cast<std::int16_t>(a[s * kRows + r] >> 16);
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

const FloatTile kFloatTilePortable{kRows, kColumns, float_tile};
const Int8Tile kInt8TilePortable{kRows, kColumns, int8_tile};

}  // namespace systolith::model
