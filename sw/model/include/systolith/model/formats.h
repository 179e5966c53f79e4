// Number formats and conversions of the device. All of it is integer code on bit patterns, so the
// host's rounding mode, flush-to-zero state and fast-math flags cannot change a result. Rules:
// docs/numerics.md.
#pragma once

#include <bit>
#include <cstdint>

namespace systolith::model {

/// The one NaN that a chain or a conversion delivers, as binary32 and as BF16.
inline constexpr std::uint32_t kCanonicalNan = 0x7FC00000u;
inline constexpr std::uint16_t kCanonicalNanBf16 = 0x7FC0u;

constexpr bool is_nan(std::uint32_t fp32) { return (fp32 & 0x7FFFFFFFu) > 0x7F800000u; }

/// `fp32` unless it is a NaN of any kind, which becomes the canonical one.
constexpr std::uint32_t canonical(std::uint32_t fp32) {
  return is_nan(fp32) ? kCanonicalNan : fp32;
}

/// Exact; a NaN becomes canonical.
constexpr std::uint32_t bf16_to_fp32(std::uint16_t bf16) {
  return canonical(std::uint32_t{bf16} << 16);
}

namespace detail {
/// Rounds a binary32 that is no NaN to nearest even at bit `drop`; a carry runs into the exponent
/// and, past the largest finite value, to infinity.
constexpr std::uint32_t round_fraction(std::uint32_t fp32, unsigned drop) {
  const std::uint32_t odd = (fp32 >> drop) & 1u;
  const std::uint32_t rounded = fp32 + ((1u << (drop - 1)) - 1u) + odd;
  return rounded & ~((1u << drop) - 1u);
}
}  // namespace detail

/// Nearest even; subnormals kept; a finite value past the largest becomes infinity; a NaN the
/// canonical one.
constexpr std::uint16_t fp32_to_bf16(std::uint32_t fp32) {
  return is_nan(fp32) ? kCanonicalNanBf16
                      : static_cast<std::uint16_t>(detail::round_fraction(fp32, 16) >> 16);
}

/// The array's operand format, as a binary32 whose last 13 bits are zero. Same rules as
/// `fp32_to_bf16`.
constexpr std::uint32_t fp32_to_e8m10(std::uint32_t fp32) {
  return is_nan(fp32) ? kCanonicalNan : detail::round_fraction(fp32, 13);
}

/// max(x, +0): -0 becomes +0, a NaN the canonical one.
constexpr std::uint32_t relu_fp32(std::uint32_t fp32) {
  if (is_nan(fp32)) return kCanonicalNan;
  return (fp32 >> 31) != 0 ? 0u : fp32;
}

constexpr std::int32_t relu_int32(std::int32_t value) { return value < 0 ? 0 : value; }

/// True for a binary32 that may scale INT32 to INT8: finite and greater than zero.
constexpr bool is_scale(std::uint32_t fp32) { return fp32 != 0 && fp32 < 0x7F800000u; }

/// clamp(round half to even(value * scale), -128, 127) with the exact product: one rounding.
/// `scale` is binary32 and must satisfy `is_scale`.
constexpr std::int8_t int32_to_int8(std::int32_t value, std::uint32_t scale) {
  const unsigned field = scale >> 23;
  const std::int64_t fraction = scale & 0x7FFFFFu;
  const std::int64_t significand = field == 0 ? fraction : fraction | 0x800000;
  const int exponent =
      static_cast<int>(field == 0 ? 1 : field) - 150;  // scale = significand * 2^exponent
  const std::int64_t product = std::int64_t{value} * significand;  // at most 2^55
  const auto clamp = [](std::int64_t x) {
    return static_cast<std::int8_t>(x < -128 ? -128 : x > 127 ? 127 : x);
  };
  if (exponent >= 0) {  // the significand is past 2^23 then: everything but 0 saturates
    return value == 0 ? std::int8_t{0} : value < 0 ? std::int8_t{-128} : std::int8_t{127};
  }
  if (exponent <= -58) return 0;  // less than a quarter
  const unsigned drop = static_cast<unsigned>(-exponent);
  const std::int64_t floor = product >> drop;
  const std::int64_t rest = product - floor * (std::int64_t{1} << drop);
  const std::int64_t half = std::int64_t{1} << (drop - 1);
  const bool up = rest > half || (rest == half && (floor & 1) != 0);
  return clamp(floor + (up ? 1 : 0));
}

/// One step of the chain in integer arithmetic: binary32 fusedMultiplyAdd(a, b, sum), nearest even,
/// for any binary32 operands, with subnormals and the canonical NaN. The specification that the
/// fast kernels are held against.
std::uint32_t fma_fp32(std::uint32_t a, std::uint32_t b, std::uint32_t sum);

}  // namespace systolith::model
