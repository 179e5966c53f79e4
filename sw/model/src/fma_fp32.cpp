#include "systolith/model/formats.h"

namespace systolith::model {
namespace {

// value = significand * 2^exponent; no NaN, no infinity
struct Unpacked {
  bool negative;
  std::uint64_t significand;
  int exponent;
};

constexpr std::uint32_t kInfinity = 0x7F800000u;
constexpr std::uint32_t kSign = 0x80000000u;

Unpacked unpack(std::uint32_t fp32) {
  const unsigned field = (fp32 >> 23) & 0xFFu;
  const std::uint32_t fraction = fp32 & 0x7FFFFFu;
  return {(fp32 & kSign) != 0, field == 0 ? fraction : fraction | 0x800000u,
          static_cast<int>(field == 0 ? 1 : field) - 150};
}

bool is_infinite(std::uint32_t fp32) { return (fp32 & ~kSign) == kInfinity; }
bool is_zero(std::uint32_t fp32) { return (fp32 & ~kSign) == 0; }

// Rounds significand * 2^exponent (significand != 0) once, nearest even.
std::uint32_t round_pack(bool negative, unsigned __int128 significand, int exponent) {
  int top = 127;
  while (((significand >> top) & 1) == 0) --top;
  // the result's unit in the last place: 24 bits, but never below 2^-149
  int unit = exponent + top - 23;
  if (unit < -149) unit = -149;
  std::uint64_t kept;
  const int drop = unit - exponent;
  if (drop <= 0) {
    kept = static_cast<std::uint64_t>(significand << -drop);
  } else if (drop > 126) {
    kept = 0;  // below a quarter of the smallest subnormal
  } else {
    const unsigned __int128 one = 1;
    const unsigned __int128 rest = significand & ((one << drop) - 1);
    const unsigned __int128 half = one << (drop - 1);
    kept = static_cast<std::uint64_t>(significand >> drop);
    if (rest > half || (rest == half && (kept & 1) != 0)) ++kept;
  }
  // A carry to 2^24 falls into the exponent by plain addition; the leading one is the exponent's
  // last bit.
  const int field = unit + 149;  // exponent field less one, for a normal significand
  const std::uint32_t sign = negative ? kSign : 0u;
  if (field >= 254) return sign | kInfinity;
  const std::uint32_t packed =
      (static_cast<std::uint32_t>(field) << 23) + static_cast<std::uint32_t>(kept);
  return sign | (packed >= kInfinity ? kInfinity : packed);
}

}  // namespace

std::uint32_t fma_fp32(std::uint32_t a, std::uint32_t b, std::uint32_t sum) {
  if (is_nan(a) || is_nan(b) || is_nan(sum)) return kCanonicalNan;
  const std::uint32_t product_sign = (a ^ b) & kSign;
  if (is_infinite(a) || is_infinite(b)) {
    if (is_zero(a) || is_zero(b)) return kCanonicalNan;
    if (is_infinite(sum) && (sum & kSign) != product_sign) return kCanonicalNan;
    return product_sign | kInfinity;
  }
  if (is_infinite(sum)) return sum;
  if (is_zero(a) || is_zero(b)) {
    if (!is_zero(sum)) return sum;
    return sum & product_sign;  // -0 only from -0 + -0
  }

  const Unpacked ua = unpack(a);
  const Unpacked ub = unpack(b);
  const Unpacked us = unpack(sum);
  Unpacked product{product_sign != 0, ua.significand * ub.significand, ua.exponent + ub.exponent};
  if (us.significand == 0)
    return round_pack(product.negative, product.significand, product.exponent);

  // Align in 128 bits: the operand of the greater exponent moves up. Where it would move past bit
  // 120, the other is more than 48 bits below its last place and only its being non-zero counts.
  unsigned __int128 x = product.significand;
  unsigned __int128 y = us.significand;
  int exponent;
  const int distance = product.exponent - us.exponent;
  if (distance >= 0) {
    exponent = us.exponent;
    if (distance > 72) {
      exponent = product.exponent - 72;
      y = 1;
      x <<= 72;
    } else {
      x <<= distance;
    }
  } else {
    exponent = product.exponent;
    if (-distance > 96) {
      exponent = us.exponent - 96;
      x = 1;
      y <<= 96;
    } else {
      y <<= -distance;
    }
  }
  if (product.negative == us.negative) return round_pack(product.negative, x + y, exponent);
  if (x == y) return 0;  // exact cancellation is +0 in nearest even
  return x > y ? round_pack(product.negative, x - y, exponent)
               : round_pack(us.negative, y - x, exponent);
}

}  // namespace systolith::model
