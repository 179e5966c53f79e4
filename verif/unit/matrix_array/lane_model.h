// What the array must compute, as a plain chain of host operations.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace systolith::test {

inline constexpr uint32_t kCanonicalNan = 0x7fc00000;

// NaNs become the canonical one, all else stays.
inline uint32_t Canonical(uint32_t bits) {
  return (bits & 0x7fffffff) > 0x7f800000 ? kCanonicalNan : bits;
}

inline float Bf16ToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

// One step on binary32 bits; a NaN may have any payload.
inline uint32_t FloatStep(float a, float w, uint32_t sum) {
  return std::bit_cast<uint32_t>(std::fma(a, w, std::bit_cast<float>(sum)));
}

// Adds the product of byte 0 or 1 of two operands, modulo 2^32.
inline uint32_t Int8Step(uint16_t a, uint16_t w, int byte, uint32_t sum) {
  const auto x = static_cast<int8_t>(a >> (8 * byte));
  const auto y = static_cast<int8_t>(w >> (8 * byte));
  return sum + static_cast<uint32_t>(x * y);
}

// One column of one row: `a[i]` and `w[i * w_stride]` are the operands of lane i of `lanes`,
// `k_valid` the valid steps.
inline uint32_t Chain(bool int8, const uint16_t* a, const uint16_t* w, int w_stride, int lanes,
                      int k_valid, uint32_t seed) {
  uint32_t sum = seed;
  for (int lane = 0; lane < lanes; ++lane) {
    if (int8) {
      for (int byte = 0; byte < 2; ++byte) {
        if (2 * lane + byte < k_valid) sum = Int8Step(a[lane], w[lane * w_stride], byte, sum);
      }
    } else if (lane < k_valid) {
      sum = FloatStep(Bf16ToFloat(a[lane]), Bf16ToFloat(w[lane * w_stride]), sum);
    }
  }
  return int8 ? sum : Canonical(sum);
}

}  // namespace systolith::test
