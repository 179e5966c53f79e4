// Output conversions written from their definition, by other means than the RTL and the golden
// model: comparison of exact distances, and exact products in an extended format.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace systolith::store_test {

static_assert(std::numeric_limits<long double>::digits >= 64, "the exact product needs 56 bits");

/// The value of a BF16 pattern without sign as a real number; 0x7F80 counts as 2^128, the next step
/// of the grid.
inline long double bf16_magnitude(std::uint32_t pattern) {
  const int exponent = static_cast<int>(pattern >> 7);
  const int fraction = static_cast<int>(pattern & 0x7F);
  return exponent == 0 ? std::ldexp(static_cast<long double>(fraction), -133)
                       : std::ldexp(static_cast<long double>(128 + fraction), exponent - 134);
}

/// FP32 to BF16: of the two neighbours on the grid the nearer one, of two equally near ones the
/// even one.
inline std::uint16_t reference_bf16(std::uint32_t fp32) {
  const float value = std::bit_cast<float>(fp32);
  if (std::isnan(value)) return 0x7FC0;
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isinf(value)) return sign | 0x7F80;
  const long double magnitude = std::fabs(static_cast<long double>(value));
  std::uint32_t below = 0, above = 0x7F80;  // binary search on the monotonic patterns
  while (above - below > 1) {
    const std::uint32_t middle = (below + above) / 2;
    (bf16_magnitude(middle) <= magnitude ? below : above) = middle;
  }
  const long double down = magnitude - bf16_magnitude(below);
  const long double up = bf16_magnitude(above) - magnitude;
  const std::uint32_t nearest = down < up          ? below
                                : up < down        ? above
                                : (below % 2 == 0) ? below
                                                   : above;
  return static_cast<std::uint16_t>(sign | nearest);
}

/// INT32 to INT8: the exact product, rounded half to even, clamped. `scale` is a finite positive
/// binary32.
inline std::int8_t reference_int8(std::int32_t value, std::uint32_t scale) {
  const long double product =
      static_cast<long double>(value) * static_cast<long double>(std::bit_cast<float>(scale));
  const long double floor = std::floor(product);
  const long double rest = product - floor;
  const bool odd = std::fmod(floor, 2.0L) != 0;
  const long double rounded = rest > 0.5L || (rest == 0.5L && odd) ? floor + 1 : floor;
  return static_cast<std::int8_t>(rounded > 127    ? 127
                                  : rounded < -128 ? -128
                                                   : static_cast<int>(rounded));
}

/// max(x, 0) of a binary32: NaN becomes canonical, -0 becomes +0.
inline std::uint32_t reference_relu_fp32(std::uint32_t fp32) {
  const float value = std::bit_cast<float>(fp32);
  if (std::isnan(value)) return 0x7FC00000;
  return value > 0 ? fp32 : 0;
}

}  // namespace systolith::store_test
