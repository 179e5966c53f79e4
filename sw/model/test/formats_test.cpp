#include "systolith/model/formats.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>
#include <mpfr.h>

#include "reference.h"

namespace systolith::model {
namespace {

using test::any_e8m10;
using test::any_fp32;
using test::from_bits;
using test::one_nan;
using test::Random;

constexpr int kRandomCases = 1'000'000;

TEST(Formats, Fp32ToBf16RoundsToNearestEvenOnce) {
  const struct {
    std::uint32_t fp32;
    std::uint16_t bf16;
  } cases[] = {
      {0x3E89CCD5, 0x3E8A}, {0x3F808000, 0x3F80}, {0x3F818000, 0x3F82}, {0x3F80C000, 0x3F81},
      {0x3DFFFFFF, 0x3E00}, {0x7F7F7FFF, 0x7F7F}, {0x7F7F8000, 0x7F80}, {0x7F7FFFFF, 0x7F80},
      {0x7F800001, 0x7FC0}, {0xFFFFFFFF, 0x7FC0}, {0x00008000, 0x0000}, {0x00018000, 0x0002},
      {0x80008001, 0x8001}, {0x80000000, 0x8000}, {0x7F800000, 0x7F80}, {0xFF800000, 0xFF80},
  };
  for (const auto& c : cases) EXPECT_EQ(fp32_to_bf16(c.fp32), c.bf16) << std::hex << c.fp32;
}

TEST(Formats, EveryBf16SurvivesWideningAndRoundingBack) {
  for (std::uint32_t raw = 0; raw < 0x10000; ++raw) {
    const auto bf16 = static_cast<std::uint16_t>(raw);
    const bool nan = (raw & 0x7FFF) > 0x7F80;
    EXPECT_EQ(bf16_to_fp32(bf16), nan ? kCanonicalNan : raw << 16);
    EXPECT_EQ(fp32_to_bf16(bf16_to_fp32(bf16)), nan ? kCanonicalNanBf16 : bf16);
    EXPECT_EQ(fp32_to_e8m10(bf16_to_fp32(bf16)), bf16_to_fp32(bf16));
  }
}

// Rounds by MPFR to `precision` bits with the exponents and subnormals of binary32.
std::uint32_t rounded_by_mpfr(std::uint32_t fp32, mpfr_prec_t precision) {
  if (std::isnan(from_bits(fp32))) return kCanonicalNan;
  const mpfr_exp_t old_least = mpfr_get_emin();
  const mpfr_exp_t old_greatest = mpfr_get_emax();
  mpfr_set_emin(-125 - (precision - 1));
  mpfr_set_emax(128);
  mpfr_t value;
  mpfr_init2(value, precision);
  // Through a wider variable, so that the one rounding happens in the format asked for.
  const int direction = mpfr_set_flt(value, from_bits(fp32), MPFR_RNDN);
  mpfr_subnormalize(value, mpfr_check_range(value, direction, MPFR_RNDN), MPFR_RNDN);
  const float result = mpfr_get_flt(value, MPFR_RNDN);
  mpfr_clear(value);
  mpfr_set_emin(old_least);
  mpfr_set_emax(old_greatest);
  return test::bits(result);
}

TEST(Formats, RandomFp32ToBf16AndE8M10EqualMpfr) {
  Random random(1);
  for (int i = 0; i < kRandomCases; ++i) {
    const std::uint32_t value = any_fp32(random);
    ASSERT_EQ(std::uint32_t{fp32_to_bf16(value)} << 16, rounded_by_mpfr(value, 8))
        << std::hex << value;
    ASSERT_EQ(fp32_to_e8m10(value), rounded_by_mpfr(value, 11)) << std::hex << value;
  }
}

TEST(Formats, Fp32ToE8M10OverflowsToInfinityAndKeepsSubnormals) {
  EXPECT_EQ(fp32_to_e8m10(0x7F7FFFFF), 0x7F800000u);
  EXPECT_EQ(fp32_to_e8m10(0x7F7FEFFF), 0x7F7FE000u);
  EXPECT_EQ(fp32_to_e8m10(0x00001000), 0x00000000u);  // tie to even
  EXPECT_EQ(fp32_to_e8m10(0x00001001), 0x00002000u);
  EXPECT_EQ(fp32_to_e8m10(0x00003000), 0x00004000u);
  EXPECT_EQ(fp32_to_e8m10(0xFFC12345), kCanonicalNan);
}

struct Requantised {
  std::int32_t value;
  int result;
};

void expect_requantised(std::uint32_t scale, std::initializer_list<Requantised> cases) {
  for (const Requantised& c : cases) EXPECT_EQ(int32_to_int8(c.value, scale), c.result) << c.value;
}

TEST(Formats, Int32ToInt8RoundsTiesToEven) {
  expect_requantised(0x3F000000,
                     {{1, 0}, {-1, 0}, {3, 2}, {-3, -2}, {5, 2}, {-5, -2}, {7, 4}, {-7, -4}});
  expect_requantised(0x3E800000,
                     {{1, 0}, {2, 0}, {3, 1}, {5, 1}, {6, 2}, {-2, 0}, {-3, -1}, {-6, -2}});
}

TEST(Formats, Int32ToInt8ClampsAfterRoundingTheExactProduct) {
  expect_requantised(0x3F000000, {{253, 126},
                                  {254, 127},
                                  {255, 127},
                                  {256, 127},
                                  {-255, -128},
                                  {-256, -128},
                                  {-257, -128},
                                  {-259, -128}});
  expect_requantised(0x3DCCCCCD, {{1276, 127}});  // 1/10
  expect_requantised(0x3F800000, {{INT32_MAX, 127}, {INT32_MIN, -128}, {0, 0}});
  expect_requantised(0x30000000, {{INT32_MAX, 1}, {INT32_MIN, -1}, {0x40000000, 0}});  // 2^-31
  expect_requantised(0x36800000, {{16908289, 65}});  // 2^-18; 64 by way of binary32
  expect_requantised(0x7F7FFFFF, {{1, 127}, {-1, -128}, {0, 0}});
  expect_requantised(0x00000001, {{INT32_MAX, 0}, {INT32_MIN, 0}});
}

TEST(Formats, RandomInt32ToInt8EqualsMpfr) {
  Random random(2);
  mpfr_t product;
  mpfr_init2(product, 64);  // 32 + 24 bits: exact
  for (int i = 0; i < kRandomCases; ++i) {
    std::uint32_t scale = any_fp32(random) & 0x7FFFFFFF;
    if (random() % 2 == 0)
      scale = (96 + random() % 36) << 23 | (scale & 0x7FFFFF);  // results that do not all clamp
    if (!is_scale(scale)) continue;
    const auto value =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(random()) >> random() % 32);
    mpfr_set_flt(product, from_bits(scale), MPFR_RNDN);
    ASSERT_EQ(mpfr_mul_si(product, product, value, MPFR_RNDN), 0);
    mpfr_rint(product, product, MPFR_RNDN);  // half to even
    const double rounded = mpfr_get_d(product, MPFR_RNDN);
    const int expected = static_cast<int>(std::fmin(127.0, std::fmax(-128.0, rounded)));
    ASSERT_EQ(int32_to_int8(value, scale), expected) << value << " * " << std::hex << scale;
  }
  mpfr_clear(product);
}

TEST(Formats, ScaleMustBeFiniteAndPositive) {
  for (const std::uint32_t good : {0x3F800000u, 0x00000001u, 0x7F7FFFFFu})
    EXPECT_TRUE(is_scale(good));
  for (const std::uint32_t bad :
       {0u, 0x80000000u, 0xBF800000u, 0x7F800000u, 0xFF800000u, 0x7FC00000u, 0x7F800001u}) {
    EXPECT_FALSE(is_scale(bad)) << std::hex << bad;
  }
}

TEST(Formats, ReluKeepsNanAndMakesMinusZeroPlusZero) {
  EXPECT_EQ(relu_fp32(0x7FC00000), kCanonicalNan);
  EXPECT_EQ(relu_fp32(0xFFC12345), kCanonicalNan);
  EXPECT_EQ(relu_fp32(0x80000000), 0u);
  EXPECT_EQ(relu_fp32(0xFF800000), 0u);
  EXPECT_EQ(relu_fp32(0x7F800000), 0x7F800000u);
  EXPECT_EQ(relu_fp32(0x80000001), 0u);
  EXPECT_EQ(relu_fp32(0x00000001), 1u);
  EXPECT_EQ(relu_int32(INT32_MIN), 0);
  EXPECT_EQ(relu_int32(7), 7);
}

TEST(Formats, FmaKeepsSubnormals) {
  EXPECT_EQ(fma_fp32(0x0D800000, 0x27000000, 0), 0x00000001u);
  EXPECT_EQ(fma_fp32(0x00010000, 0x40000000, 0), 0x00020000u);
  EXPECT_EQ(fma_fp32(0x1A000000, 0x1A000000, 0), 0x00000000u);
  EXPECT_EQ(fma_fp32(0x9A000000, 0x1A000000, 0), 0x80000000u);
  EXPECT_EQ(fma_fp32(0x00FFFFFF, 0x3F000000, 0), 0x00800000u);
}

TEST(Formats, FmaDeliversOneNan) {
  EXPECT_EQ(fma_fp32(0x7F800000, 0, 0x3F800000), kCanonicalNan);           // Inf * 0 + 1
  EXPECT_EQ(fma_fp32(0x7F800000, 0x3F800000, 0xFF800000), kCanonicalNan);  // Inf - Inf
  EXPECT_EQ(fma_fp32(0x7F800001, 0x3F800000, 0), kCanonicalNan);
  EXPECT_EQ(fma_fp32(0x3F800000, 0x3F800000, 0xFFC12345), kCanonicalNan);
  EXPECT_EQ(fma_fp32(0x3F800000, 0x40000000, 0x7F800000), 0x7F800000u);
}

TEST(Formats, RandomFmaEqualsTheHosts) {
  Random random(3);
  for (int i = 0; i < 4 * kRandomCases; ++i) {
    // Half of them with the array's operands, which the last bits of binary32 do not reach.
    const std::uint32_t a = i % 2 == 0 ? any_fp32(random) : any_e8m10(random);
    const std::uint32_t b = i % 2 == 0 ? any_fp32(random) : any_e8m10(random);
    std::uint32_t c = any_fp32(random);
    if (random() % 2 == 0) {  // near the product, so that they cancel
      c = test::bits(-(from_bits(a) * from_bits(b)));
      c ^= random() % 3 == 0 ? 0u : 1u << random() % 31;
    }
    const float host = std::fma(from_bits(a), from_bits(b), from_bits(c));
    ASSERT_EQ(fma_fp32(a, b, c), one_nan(host)) << std::hex << a << ' ' << b << ' ' << c;
  }
}

}  // namespace
}  // namespace systolith::model
