// Slow scalar references, written apart from the model, and biased random operands.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>

#include "systolith/model/chain.h"

namespace systolith::model::test {

using Random = std::mt19937_64;

inline float from_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }
inline Bf16 bf16(std::uint16_t bits) { return std::bit_cast<Bf16>(bits); }
inline std::uint32_t one_nan(float value) { return std::isnan(value) ? 0x7FC00000u : bits(value); }

/// The chain of one element by the host's own fma.
template <typename A, typename B>
float scalar_chain(std::size_t depth, float seed, A a, B b) {
  float sum = seed;
  for (std::size_t k = 0; k < depth; ++k) sum = std::fma(a(k), b(k), sum);
  return from_bits(one_nan(sum));
}

/// Any binary32 pattern, weighted towards zeros, subnormals, infinities, NaN, carries and short
/// fractions.
inline std::uint32_t any_fp32(Random& random) {
  const std::uint32_t sign = static_cast<std::uint32_t>(random() & 1) << 31;
  std::uint32_t exponent = static_cast<std::uint32_t>(random() % 256);
  std::uint32_t fraction = static_cast<std::uint32_t>(random() & 0x7FFFFF);
  switch (random() % 12) {
    case 0:
      exponent = 0;
      break;
    case 1:
      exponent = 255;
      fraction = random() % 2 == 0 ? 0 : fraction;
      break;
    case 2:
      exponent = 254 - static_cast<std::uint32_t>(random() % 4);
      break;
    case 3:
      exponent = 1 + static_cast<std::uint32_t>(random() % 4);
      break;
    case 4:
    case 5:
    case 6:
    case 7:
      exponent = 117 + static_cast<std::uint32_t>(random() % 20);
      break;
    default:
      break;
  }
  switch (random() % 8) {
    case 0:
      fraction = 0;
      break;
    case 1:
      fraction = 0x7FFFFF;
      break;
    case 2:
      fraction = 1u << random() % 23;
      break;
    case 3:
      fraction &= ~((1u << random() % 23) - 1);
      break;
    case 4:
      fraction |= (1u << random() % 23) - 1;
      break;
    default:
      break;
  }
  return sign | exponent << 23 | fraction;
}

/// Binary32 with a fraction of ten bits.
inline std::uint32_t any_e8m10(Random& random) { return any_fp32(random) & 0xFFFFE000u; }
inline std::uint16_t any_bf16(Random& random) {
  return static_cast<std::uint16_t>(any_fp32(random) >> 16);
}

/// BF16 of magnitude 2^-4 to 2^4.
inline std::uint16_t tame_bf16(Random& random) {
  return static_cast<std::uint16_t>((random() & 1) << 15 | (123 + random() % 8) << 7 |
                                    (random() & 127));
}

/// Any BF16 but infinities, NaN and the large: subnormals to 2^24, so that a chain stays finite.
inline std::uint16_t finite_bf16(Random& random) {
  const std::uint16_t value = any_bf16(random);
  const unsigned exponent = value >> 7 & 0xFF;
  return exponent <= 151 ? value
                         : static_cast<std::uint16_t>((value & 0x807F) | (exponent % 64 + 88) << 7);
}

/// Kind 0: any at all, whose chains are mostly NaN; 1: finite; 2: of middle magnitude.
inline std::uint16_t bf16_of_kind(int kind, Random& random) {
  return kind == 0 ? any_bf16(random) : kind == 1 ? finite_bf16(random) : tame_bf16(random);
}

}  // namespace systolith::model::test
