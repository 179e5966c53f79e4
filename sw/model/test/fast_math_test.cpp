// A whole process built with -ffast-math: its start-up code turns flush-to-zero on, and its own
// floating-point code may assume that there is no NaN. The model's bits stay.
#include <array>
#include <bit>

#include <gtest/gtest.h>
#include <xmmintrin.h>

#include "systolith/model/chain.h"
#include "systolith/model/formats.h"

namespace systolith::model {
namespace {

class FastMath : public testing::TestWithParam<Instructions> {};

TEST(FastMathProcess, FlushesSubnormalsByItself) {
  ASSERT_EQ(_mm_getcsr() & 0x8040u, 0x8040u) << "the test would show nothing";
  volatile float smallest = std::bit_cast<float>(0x00800000u);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(float{smallest * 0.5f}), 0u);
}

TEST_P(FastMath, ChainKeepsItsBits) {
  if (!is_supported(GetParam())) return;
  struct Case {
    std::uint16_t a, b;
    std::uint32_t seed, result;
  };
  for (const Case& c :
       {Case{0x0D80, 0x2700, 0, 0x00000001}, Case{0x0001, 0x4000, 0, 0x00020000},
        Case{0x8D80, 0x2180, 0, 0x80000000}, Case{0x7F80, 0, 0x3F800000, 0x7FC00000},
        Case{0x3F80, 0x3F80, 0xFFC12345, 0x7FC00000}, Case{0, 0, 0x00000001, 0x00000001}}) {
    RowMajor<Bf16> a(1, 1);
    RowMajor<Bf16> b(1, 1);
    RowMajor<float> sum(1, 1);
    a(0, 0) = std::bit_cast<Bf16>(c.a);
    b(0, 0) = std::bit_cast<Bf16>(c.b);
    sum(0, 0) = std::bit_cast<float>(c.seed);
    accumulate(a, b, sum, GetParam());
    EXPECT_EQ(std::bit_cast<std::uint32_t>(sum(0, 0)), c.result);
  }
  EXPECT_EQ(_mm_getcsr() & 0x8040u, 0x8040u) << "the host's state comes back";
}

INSTANTIATE_TEST_SUITE_P(Variants, FastMath,
                         testing::Values(Instructions::kPortable, Instructions::kAvx2,
                                         Instructions::kAvx512));

TEST(FastMathProcess, ConversionsKeepTheirBits) {
  EXPECT_EQ(fp32_to_bf16(0x00018000), 0x0002);
  EXPECT_EQ(fp32_to_bf16(0xFFFFFFFF), 0x7FC0);
  EXPECT_EQ(fp32_to_e8m10(0x00003000), 0x00004000u);
  EXPECT_EQ(relu_fp32(0x80000001), 0u);
  EXPECT_EQ(relu_fp32(0xFFC00000), 0x7FC00000u);
  EXPECT_EQ(int32_to_int8(5, 0x3F000000), 2);
  EXPECT_EQ(fma_fp32(0x00FFFFFF, 0x3F000000, 0), 0x00800000u);
}

}  // namespace
}  // namespace systolith::model
