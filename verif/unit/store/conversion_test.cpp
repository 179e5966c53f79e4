// Output conversions against tables worked out by hand and against an independent reference.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "Vconversion_bench.h"
#include "conversion_reference.h"

namespace systolith::store_test {
namespace {

constexpr unsigned kLanes = 8;
constexpr std::uint32_t kHalf = 0x3F000000, kQuarter = 0x3E800000, kOne = 0x3F800000,
                        kTenth = 0x3DCCCCCD;

/// 2^exponent as binary32, for normal exponents.
std::uint32_t power(int exponent) { return static_cast<std::uint32_t>(exponent + 127) << 23; }

class Conversion : public testing::Test {
 protected:
  ~Conversion() override { top_.final(); }
  std::uint16_t bf16(std::uint32_t value, unsigned lane = 0) {
    top_.value_i[lane] = value;
    top_.eval();
    return top_.bf16_o[lane];
  }
  std::int8_t int8(std::int32_t value, std::uint32_t scale, unsigned lane = 0) {
    top_.value_i[lane] = static_cast<std::uint32_t>(value);
    top_.scale_i[lane] = scale;
    clock();
    return static_cast<std::int8_t>(top_.int8_o[lane]);
  }
  void clock() {
    top_.enable_i = 1;
    top_.clk_i = 0;
    top_.eval();
    top_.clk_i = 1;
    top_.eval();
  }
  Vconversion_bench top_;
};

TEST_F(Conversion, Bf16RoundsOnceToNearestEven) {
  const std::vector<std::pair<std::uint32_t, std::uint16_t>> table = {
      {0x3E89CCD5, 0x3E8A}, {0x3F808000, 0x3F80}, {0x3F818000, 0x3F82}, {0x3F80C000, 0x3F81},
      {0x3DFFFFFF, 0x3E00}, {0x7F7F7FFF, 0x7F7F}, {0x7F7F8000, 0x7F80}, {0x7F7FFFFF, 0x7F80},
      {0x7F800001, 0x7FC0}, {0xFFFFFFFF, 0x7FC0}, {0x00008000, 0x0000}, {0x00018000, 0x0002},
      {0x80008001, 0x8001}, {0x80000000, 0x8000}, {0x7F800000, 0x7F80}, {0xFF800000, 0xFF80},
      {0x007FFFFF, 0x0080}, {0xFF7FFFFF, 0xFF80}, {0x7FBFFFFF, 0x7FC0}};
  for (const auto& [value, expected] : table) {
    for (unsigned lane = 0; lane < kLanes; lane++) {
      EXPECT_EQ(bf16(value, lane), expected) << std::hex << value << " lane " << lane;
    }
    EXPECT_EQ(reference_bf16(value), expected) << "reference of " << std::hex << value;
  }
}

TEST_F(Conversion, Int8RoundsTiesToEven) {
  const std::vector<std::int32_t> halves = {1, -1, 3, -3, 5, -5, 7, -7};
  const std::vector<int> of_halves = {0, 0, 2, -2, 2, -2, 4, -4};
  for (std::size_t i = 0; i < halves.size(); i++)
    EXPECT_EQ(int8(halves[i], kHalf), of_halves[i]) << halves[i];
  const std::vector<std::int32_t> quarters = {1, 2, 3, 5, 6, -2, -3, -6};
  const std::vector<int> of_quarters = {0, 0, 1, 1, 2, 0, -1, -2};
  for (std::size_t i = 0; i < quarters.size(); i++)
    EXPECT_EQ(int8(quarters[i], kQuarter), of_quarters[i]) << quarters[i];
}

TEST_F(Conversion, Int8ClampsAndKeepsTheExactProduct) {
  const std::vector<std::int32_t> values = {253, 254, 255, 256, -255, -256, -257, -259};
  const std::vector<int> expected = {126, 127, 127, 127, -128, -128, -128, -128};
  for (std::size_t i = 0; i < values.size(); i++)
    EXPECT_EQ(int8(values[i], kHalf), expected[i]) << values[i];
  EXPECT_EQ(int8(1276, kTenth), 127);
  EXPECT_EQ(int8(0x7FFFFFFF, kOne), 127);
  EXPECT_EQ(int8(INT32_MIN, kOne), -128);
  EXPECT_EQ(int8(0x7FFFFFFF, power(-31)), 1);
  EXPECT_EQ(int8(INT32_MIN, power(-31)), -1);
  EXPECT_EQ(int8(0x40000000, power(-31)), 0);
  EXPECT_EQ(int8(16908289, power(-18)), 65);
}

TEST_F(Conversion, Int8TakesEveryScale) {
  // From the least subnormal to the greatest finite scale, around every exponent and at the ends of
  // the fraction.
  const std::vector<std::int32_t> values = {
      0,           1,          -1,      2,          -2,        127,           128,
      -128,        -129,       255,     0x7FFFFFFF, INT32_MIN, INT32_MIN + 1, 0x40000000,
      -0x40000000, 0x55555555, 16908289};
  for (std::uint32_t exponent = 0; exponent < 255; exponent++) {
    for (std::uint32_t fraction : {0u, 1u, 0x400000u, 0x7FFFFFu, 0x2AAAABu}) {
      const std::uint32_t scale = exponent << 23 | fraction;
      if (scale == 0) continue;
      for (std::int32_t value : values) {
        ASSERT_EQ(int8(value, scale), reference_int8(value, scale))
            << value << " * " << std::hex << scale;
      }
    }
  }
}

TEST_F(Conversion, Bf16EqualsTheReferenceOnTenMillionValues) {
  std::mt19937_64 random(1);
  for (unsigned i = 0; i < 10'000'000 / kLanes; i++) {
    for (unsigned lane = 0; lane < kLanes; lane++) {
      std::uint32_t value = static_cast<std::uint32_t>(random());
      switch (random() % 4) {
        case 0:
          value = (value & 0xFFFF0000) | 0x8000;
          break;  // ties
        case 1:
          value = (value & 0xFFFF0000) | ((random() & 1) ? 0x8001 : 0x7FFF);
          break;  // beside them
        default:
          break;
      }
      if (random() % 16 == 0) value &= 0x807FFFFF;  // subnormal
      if (random() % 16 == 0) value |= 0x7F000000;  // great, infinite, NaN
      top_.value_i[lane] = value;
    }
    top_.eval();
    for (unsigned lane = 0; lane < kLanes; lane++) {
      ASSERT_EQ(top_.bf16_o[lane], reference_bf16(top_.value_i[lane]))
          << std::hex << top_.value_i[lane];
    }
  }
}

TEST_F(Conversion, Int8EqualsTheReferenceOnTenMillionValues) {
  std::mt19937_64 random(2);
  for (unsigned i = 0; i < 10'000'000 / kLanes; i++) {
    for (unsigned lane = 0; lane < kLanes; lane++) {
      const std::int32_t value = static_cast<std::int32_t>(random()) >> (random() % 32);
      // Scales that bring the product near the range of a byte, mostly; short fractions make ties.
      std::uint32_t scale = static_cast<std::uint32_t>(random()) & 0x7FFFFFFF;
      const std::uint32_t magnitude =
          value == 0 ? 1 : static_cast<std::uint32_t>(std::abs(static_cast<long>(value)));
      if (random() % 8 != 0) {
        const std::uint32_t exponent =
            127 + 7 - std::bit_width(magnitude) + static_cast<std::uint32_t>(random() % 6) - 3;
        scale = exponent << 23 | (scale & 0x7FFFFF);
      }
      if (random() % 2 == 0) scale &= 0xFFFFFFFF << (random() % 24);
      if (scale == 0 || scale >= 0x7F800000) scale = 1;
      top_.value_i[lane] = static_cast<std::uint32_t>(value);
      top_.scale_i[lane] = scale;
    }
    clock();
    for (unsigned lane = 0; lane < kLanes; lane++) {
      const std::int32_t value = static_cast<std::int32_t>(top_.value_i[lane]);
      ASSERT_EQ(static_cast<std::int8_t>(top_.int8_o[lane]),
                reference_int8(value, top_.scale_i[lane]))
          << value << " * " << std::hex << top_.scale_i[lane];
    }
  }
}

}  // namespace
}  // namespace systolith::store_test
