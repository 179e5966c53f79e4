#include "systolith/model/chain.h"

#include <cstring>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "reference.h"
#include "systolith/model/formats.h"

namespace systolith::model {
namespace {

using test::bf16;
using test::bits;
using test::from_bits;
using test::Random;
using test::scalar_chain;

using MatrixBf16 = RowMajor<Bf16>;
using MatrixInt8 = RowMajor<std::int8_t>;
using MatrixInt32 = RowMajor<std::int32_t>;
using MatrixFloat = RowMajor<float>;

const char* name_of(Instructions set) {
  switch (set) {
    case Instructions::kPortable:
      return "Portable";
    case Instructions::kAvx2:
      return "Avx2";
    case Instructions::kAvx512:
      return "Avx512";
  }
  return "";
}

std::vector<Instructions> supported_sets() {
  std::vector<Instructions> sets;
  for (const Instructions set :
       {Instructions::kPortable, Instructions::kAvx2, Instructions::kAvx512}) {
    if (is_supported(set)) sets.push_back(set);
  }
  return sets;
}

class Chain : public testing::TestWithParam<Instructions> {
 protected:
  /// A chain of one element, operands and seed as bits.
  std::uint32_t chain(std::vector<std::uint16_t> a, std::vector<std::uint16_t> b,
                      std::uint32_t seed = 0) {
    MatrixBf16 left(1, a.size());
    MatrixBf16 right(b.size(), 1);
    for (std::size_t k = 0; k < a.size(); ++k) left(0, k) = bf16(a[k]);
    for (std::size_t k = 0; k < b.size(); ++k) right(k, 0) = bf16(b[k]);
    MatrixFloat sum(1, 1);
    sum(0, 0) = from_bits(seed);
    accumulate(left, right, sum, GetParam());
    return bits(sum(0, 0));
  }

  std::uint32_t wide_chain(std::vector<std::uint32_t> a, std::vector<std::uint32_t> b,
                           std::uint32_t seed = 0) {
    MatrixFloat left(1, a.size());
    MatrixFloat right(b.size(), 1);
    for (std::size_t k = 0; k < a.size(); ++k) left(0, k) = from_bits(a[k]);
    for (std::size_t k = 0; k < b.size(); ++k) right(k, 0) = from_bits(b[k]);
    MatrixFloat sum(1, 1);
    sum(0, 0) = from_bits(seed);
    accumulate(left, right, sum, GetParam());
    return bits(sum(0, 0));
  }

  template <typename Generator>
  static MatrixBf16 random_bf16(Eigen::Index rows, Eigen::Index columns, Random& random,
                                Generator generator) {
    MatrixBf16 matrix(rows, columns);
    for (Eigen::Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = bf16(generator(random));
    return matrix;
  }

  static void expect_same_bits(const MatrixFloat& actual, const MatrixFloat& expected) {
    ASSERT_EQ(actual.rows(), expected.rows());
    ASSERT_EQ(actual.cols(), expected.cols());
    for (Eigen::Index i = 0; i < actual.size(); ++i) {
      ASSERT_EQ(bits(actual.data()[i]), bits(expected.data()[i])) << "element " << i;
    }
  }

  static MatrixFloat scalar(const MatrixBf16& a, const MatrixBf16& b, const MatrixFloat& seed) {
    MatrixFloat result(a.rows(), b.cols());
    const auto widened = [](Bf16 value) {
      return from_bits(static_cast<std::uint32_t>(std::bit_cast<std::uint16_t>(value)) << 16);
    };
    for (Eigen::Index m = 0; m < a.rows(); ++m) {
      for (Eigen::Index n = 0; n < b.cols(); ++n) {
        result(m, n) = scalar_chain(
            a.cols(), seed(m, n), [&](std::size_t k) { return widened(a(m, k)); },
            [&](std::size_t k) { return widened(b(k, n)); });
      }
    }
    return result;
  }
};

TEST_P(Chain, TinyNegativeProductUnderflowsToMinusZeroAndNoExtraStepFollows) {
  // +0 + (-tiny) rounds to -0; an extra (+0 x +0) step would make it +0.
  EXPECT_EQ(chain({0x8D80}, {0x2180}), 0x80000000u);
  EXPECT_EQ(chain({0x8000}, {0x3F80}, 0x80000000), 0x80000000u);
}

TEST_P(Chain, OrderIsAscendingAndNeverSplit) {
  EXPECT_EQ(chain({0x4B80, 0x3F80, 0x3F80, 0xCB80}, {0x3F80, 0x3F80, 0x3F80, 0x3F80}), 0x00000000u);
  std::vector<std::uint16_t> a(9, 0x3F80);
  const std::vector<std::uint16_t> ones(9, 0x3F80);
  a.front() = 0x4B80;
  EXPECT_EQ(chain(a, ones), 0x4B800000u);
  std::reverse(a.begin(), a.end());
  EXPECT_EQ(chain(a, ones), 0x4B800004u);
}

TEST_P(Chain, SubnormalsAreKept) {
  EXPECT_EQ(chain({0x0D80}, {0x2700}), 0x00000001u);
  EXPECT_EQ(chain({0x0D80, 0x0DC0}, {0x2700, 0x2700}), 0x00000002u);
  EXPECT_EQ(chain({0x0001}, {0x4000}), 0x00020000u);
  EXPECT_EQ(chain({0x0001, 0x0001, 0x0001}, {0x3F80, 0x3F80, 0x3F80}), 0x00030000u);
  EXPECT_EQ(chain({0x1A00}, {0x1A00}), 0x00000000u);
  EXPECT_EQ(chain({0x9A00}, {0x1A00}), 0x80000000u);
  EXPECT_EQ(chain({0x0081, 0xBF80}, {0x3F80, 0x0080}), 0x00010000u);
  EXPECT_EQ(wide_chain({0x00FFE000}, {0x3F000000}), 0x007FF000u);
}

TEST_P(Chain, OneNanComesOut) {
  EXPECT_EQ(chain({0x7F80}, {0x0000}, 0x3F800000), kCanonicalNan);
  EXPECT_EQ(chain({0x7F80, 0xFF80}, {0x3F80, 0x3F80}), kCanonicalNan);
  EXPECT_EQ(chain({0x7F81}, {0x3F80}), kCanonicalNan);
  EXPECT_EQ(chain({0xFFC1}, {0x3F80}), kCanonicalNan);
  EXPECT_EQ(chain({0x3F80}, {0x3F80}, 0xFFC12345), kCanonicalNan);
  EXPECT_EQ(chain({0x3F80}, {0x3F80}, 0x7F800001), kCanonicalNan);
  EXPECT_EQ(chain({0x3F80}, {0x4000}, 0x7F800000), 0x7F800000u);
}

TEST_P(Chain, NanStaysInItsRowAndItsColumn) {
  Random random(5);
  for (const auto& [row, column] : {std::pair{3, -1}, std::pair{-1, 7}}) {
    MatrixBf16 a = random_bf16(9, 21, random, test::tame_bf16);
    MatrixBf16 b = random_bf16(21, 19, random, test::tame_bf16);
    if (row >= 0) a(row, 11) = bf16(0x7FC0);
    if (column >= 0) b(11, column) = bf16(0xFFC0);
    MatrixFloat sum(9, 19);
    multiply(a, b, sum, GetParam());
    for (Eigen::Index m = 0; m < 9; ++m) {
      for (Eigen::Index n = 0; n < 19; ++n)
        EXPECT_EQ(is_nan(bits(sum(m, n))), m == row || n == column);
    }
  }
}

TEST_P(Chain, AnyOperandsGiveTheBitsOfTheScalarLoop) {
  Random random(7);
  for (int round = 0; round < 90; ++round) {
    const int kind = round % 3;
    const auto operand = [kind](Random& r) { return test::bf16_of_kind(kind, r); };
    const auto size = [&](int most) { return static_cast<Eigen::Index>(1 + random() % most); };
    const MatrixBf16 a = random_bf16(size(40), size(70), random, operand);
    const MatrixBf16 b = random_bf16(a.cols(), size(80), random, operand);
    MatrixFloat sum(a.rows(), b.cols());
    for (Eigen::Index i = 0; i < sum.size(); ++i) {
      sum.data()[i] = kind == 0
                          ? from_bits(test::any_fp32(random))
                          : from_bits(std::uint32_t{operand(random)} << 16 | (random() & 0xFFFF));
    }
    const MatrixFloat expected = scalar(a, b, sum);
    accumulate(a, b, sum, GetParam());
    expect_same_bits(sum, expected);
  }
}

TEST_P(Chain, SingleStepsGiveTheBitsOfTheIntegerFma) {
  // Outer products: every element is one step from a seed near the product.
  Random random(11);
  constexpr Eigen::Index kSize = 250;
  for (int round = 0; round < 8; ++round) {
    MatrixFloat a(kSize, 1);
    MatrixFloat b(1, kSize);
    MatrixFloat sum(kSize, kSize);
    for (Eigen::Index i = 0; i < kSize; ++i) {
      a(i, 0) = from_bits(test::any_e8m10(random));
      b(0, i) = from_bits(test::any_e8m10(random));
    }
    for (Eigen::Index m = 0; m < kSize; ++m) {
      for (Eigen::Index n = 0; n < kSize; ++n) {
        std::uint32_t seed = test::any_fp32(random);
        if (random() % 2 == 0) {
          seed = bits(-(a(m, 0) * b(0, n)));
          seed ^= random() % 3 == 0 ? 0u : 1u << random() % 31;
        }
        sum(m, n) = from_bits(seed);
      }
    }
    const MatrixFloat seeds = sum;
    accumulate(a, b, sum, GetParam());
    for (Eigen::Index m = 0; m < kSize; ++m) {
      for (Eigen::Index n = 0; n < kSize; ++n) {
        ASSERT_EQ(bits(sum(m, n)), fma_fp32(bits(a(m, 0)), bits(b(0, n)), bits(seeds(m, n))))
            << std::hex << bits(a(m, 0)) << ' ' << bits(b(0, n)) << ' ' << bits(seeds(m, n));
      }
    }
  }
}

TEST_P(Chain, FloatOperandsAreRoundedToE8M10First) {
  Random random(13);
  MatrixFloat a(7, 33);
  MatrixFloat b(33, 20);
  for (MatrixFloat* matrix : {&a, &b}) {
    for (Eigen::Index i = 0; i < matrix->size(); ++i)
      matrix->data()[i] = from_bits(test::any_fp32(random));
  }
  MatrixFloat rounded_a = a.unaryExpr([](float x) { return from_bits(fp32_to_e8m10(bits(x))); });
  MatrixFloat rounded_b = b.unaryExpr([](float x) { return from_bits(fp32_to_e8m10(bits(x))); });
  MatrixFloat sum(7, 20);
  multiply(a, b, sum, GetParam());
  for (Eigen::Index m = 0; m < 7; ++m) {
    for (Eigen::Index n = 0; n < 20; ++n) {
      const float expected = scalar_chain(
          33, 0.0f, [&](std::size_t k) { return rounded_a(m, k); },
          [&](std::size_t k) { return rounded_b(k, n); });
      ASSERT_EQ(bits(sum(m, n)), bits(expected));
    }
  }
}

TEST_P(Chain, PackingOfFloatOperandsEqualsTheConversion) {
  Random random(14);
  constexpr Eigen::Index kCount = 20000;
  MatrixFloat values(kCount, 1);
  for (Eigen::Index i = 0; i < kCount; ++i) values(i, 0) = from_bits(test::any_fp32(random));
  const MatrixFloat one = MatrixFloat::Constant(1, 1, 1.0f);
  MatrixFloat as_row(1, kCount);
  MatrixFloat as_column(kCount, 1);
  as_row.setConstant(-0.0f);
  as_column.setConstant(-0.0f);
  accumulate(values, one, as_column, GetParam());
  accumulate(one, values.transpose(), as_row, GetParam());
  for (Eigen::Index i = 0; i < kCount; ++i) {
    const std::uint32_t expected = fp32_to_e8m10(bits(values(i, 0)));  // x * 1 + -0 is x
    ASSERT_EQ(bits(as_column(i, 0)), expected);
    ASSERT_EQ(bits(as_row(0, i)), expected);
  }
}

TEST_P(Chain, RowsAreTheSameInEveryBatchAndForEverySplitOfK) {
  Random random(17);
  const MatrixBf16 a = random_bf16(17, 257, random, test::tame_bf16);
  const MatrixBf16 b = random_bf16(257, 37, random, test::tame_bf16);
  MatrixFloat whole(17, 37);
  multiply(a, b, whole, GetParam());
  expect_same_bits(whole, scalar(a, b, MatrixFloat::Zero(17, 37)));
  for (const Eigen::Index rows : {1, 2, 3, 5, 8, 9}) {
    MatrixFloat part(rows, 37);
    multiply(MatrixBf16(a.topRows(rows)), b, part, GetParam());
    expect_same_bits(part, whole.topRows(rows));
  }
  for (const Eigen::Index step : {1, 2, 16, 17, 255, 256}) {
    MatrixFloat sum = MatrixFloat::Zero(17, 37);
    for (Eigen::Index k = 0; k < 257; k += step) {
      const Eigen::Index depth = std::min(step, 257 - k);
      accumulate(a.middleCols(k, depth), b.middleRows(k, depth), sum, GetParam());
    }
    expect_same_bits(sum, whole);
  }
}

TEST_P(Chain, SizesAroundEveryBlockGiveTheBitsOfTheScalarLoop) {
  Random random(19);
  for (const auto& [m, n, k] : {std::array{12, 32, 256},
                                {13, 33, 257},
                                {11, 31, 255},
                                {1, 1, 600},
                                {1, 513, 3},
                                {1025, 1, 2},
                                {6, 16, 511},
                                {7, 17, 513},
                                {25, 512, 30}}) {
    const MatrixBf16 a = random_bf16(m, k, random, test::tame_bf16);
    const MatrixBf16 b = random_bf16(k, n, random, test::tame_bf16);
    MatrixFloat seed(m, n);
    for (Eigen::Index i = 0; i < seed.size(); ++i) {
      seed.data()[i] = from_bits(std::uint32_t{test::tame_bf16(random)} << 16);
    }
    MatrixFloat sum = seed;
    accumulate(a, b, sum, GetParam());
    expect_same_bits(sum, scalar(a, b, seed));
  }
}

TEST_P(Chain, NoStepIsAddedWhereBlocksOfRowsOrColumnsMeet) {
  // A further step of 0 x Inf would make NaN of the sums that it does not belong to.
  constexpr Eigen::Index kRows = 2100;
  constexpr Eigen::Index kColumns = 1100;
  MatrixBf16 a = MatrixBf16::Constant(kRows, 1, bf16(0x3F80));
  MatrixBf16 b = MatrixBf16::Constant(1, kColumns, bf16(0x7F80));
  MatrixFloat sum = MatrixFloat::Zero(kRows, kColumns);
  accumulate(a, b, sum, GetParam());
  for (Eigen::Index i = 0; i < sum.size(); ++i) ASSERT_EQ(bits(sum.data()[i]), 0x7F800000u) << i;
}

TEST_P(Chain, NothingOutsideTheValidRegionLeaksInOrIsTouched) {
  for (const std::uint16_t rubbish : {0x7FC0, 0x7F80}) {
    for (const int k : {1, 5, 7, 33}) {
      for (const int n : {1, 5}) {
        MatrixBf16 a_memory = MatrixBf16::Constant(5, k + 9, bf16(rubbish));
        MatrixBf16 b_memory = MatrixBf16::Constant(k + 2, n + 11, bf16(rubbish));
        a_memory.block(0, 0, 1, k).setConstant(bf16(0x3F80));
        a_memory.block(1, 0, 2, k).setConstant(bf16(0x7FC0));
        b_memory.topLeftCorner(k, n).setConstant(bf16(0x3F80));
        MatrixFloat c_memory = MatrixFloat::Constant(5, n + 3, from_bits(0xA5A5A5A5));
        c_memory.topLeftCorner(3, n).setZero();
        accumulate(a_memory.topLeftCorner(3, k), b_memory.topLeftCorner(k, n),
                   c_memory.topLeftCorner(3, n), GetParam());
        for (Eigen::Index r = 0; r < c_memory.rows(); ++r) {
          for (Eigen::Index c = 0; c < c_memory.cols(); ++c) {
            const std::uint32_t expected = r >= 3 || c >= n ? 0xA5A5A5A5u
                                           : r == 0         ? bits(static_cast<float>(k))
                                                            : kCanonicalNan;
            EXPECT_EQ(bits(c_memory(r, c)), expected) << r << ',' << c;
          }
        }
      }
    }
  }
}

TEST_P(Chain, ErrorStaysWithinTheBoundOfAChainOfFmas) {
  // |computed - exact| <= gamma_K sum |a b| + K 2^-150, with gamma_K = K u / (1 - K u), u = 2^-24:
  // each step rounds once, by at most u of its result or half of the smallest subnormal.
  Random random(23);
  const auto small = [](Random& r) {
    return static_cast<std::uint16_t>(test::tame_bf16(r) - (60 << 7));
  };
  const auto tame = [](Random& r) { return test::tame_bf16(r); };
  for (const int k : {1, 16, 100, 1000}) {
    for (const bool underflow : {false, true}) {
      const MatrixBf16 a =
          underflow ? random_bf16(5, k, random, small) : random_bf16(5, k, random, tame);
      const MatrixBf16 b =
          underflow
              ? random_bf16(k, 21, random,
                            [](Random& r) {
                              return static_cast<std::uint16_t>(test::tame_bf16(r) - (80 << 7));
                            })
              : random_bf16(k, 21, random, tame);
      MatrixFloat sum(5, 21);
      multiply(a, b, sum, GetParam());
      for (Eigen::Index m = 0; m < 5; ++m) {
        for (Eigen::Index n = 0; n < 21; ++n) {
          long double exact = 0;
          long double magnitude = 0;
          for (Eigen::Index i = 0; i < k; ++i) {
            const auto left = static_cast<long double>(static_cast<float>(a(m, i)));
            const auto right = static_cast<long double>(static_cast<float>(b(i, n)));
            exact += left * right;
            magnitude += std::fabs(left * right);
          }
          const long double u = std::ldexp(1.0L, -24);
          const long double gamma = k * u / (1 - k * u);
          const long double bound =
              gamma * magnitude + k * std::ldexp(1.0L, -150) + magnitude * k * 0x1p-63L;
          EXPECT_LE(std::fabs(static_cast<long double>(sum(m, n)) - exact), bound);
        }
      }
    }
  }
}

TEST_P(Chain, Int8SumsEqualTheScalarLoopAndWrap) {
  Random random(29);
  for (const auto& [m, n, k] :
       {std::array{3, 5, 7}, {13, 33, 513}, {12, 32, 512}, {1, 1, 1}, {25, 70, 1030}, {7, 17, 2}}) {
    MatrixInt8 a(m, k);
    MatrixInt8 b(k, n);
    for (MatrixInt8* matrix : {&a, &b}) {
      for (Eigen::Index i = 0; i < matrix->size(); ++i) {
        matrix->data()[i] =
            random() % 4 == 0 ? std::int8_t{-128} : static_cast<std::int8_t>(random());
      }
    }
    MatrixInt32 sum(m, n);
    for (Eigen::Index i = 0; i < sum.size(); ++i)
      sum.data()[i] = static_cast<std::int32_t>(random());
    const MatrixInt32 seed = sum;
    accumulate(a, b, sum, GetParam());
    for (Eigen::Index r = 0; r < m; ++r) {
      for (Eigen::Index c = 0; c < n; ++c) {
        std::uint32_t expected = static_cast<std::uint32_t>(seed(r, c));
        for (Eigen::Index i = 0; i < k; ++i) {
          expected += static_cast<std::uint32_t>(int{a(r, i)} * int{b(i, c)});
        }
        ASSERT_EQ(static_cast<std::uint32_t>(sum(r, c)), expected);
      }
    }
  }
  MatrixInt32 wrapped = MatrixInt32::Constant(1, 1, INT32_MAX);
  accumulate(MatrixInt8::Constant(1, 1, 1), MatrixInt8::Constant(1, 1, 1), wrapped, GetParam());
  EXPECT_EQ(wrapped(0, 0), INT32_MIN);
}

TEST_P(Chain, EmptyChainIsItsSeed) {
  MatrixFloat sum = MatrixFloat::Constant(2, 3, -0.0f);
  accumulate(MatrixBf16(2, 0), MatrixBf16(0, 3), sum, GetParam());
  EXPECT_EQ(bits(sum(1, 2)), 0x80000000u);
  MatrixFloat none(0, 3);
  accumulate(MatrixBf16(0, 4), MatrixBf16(4, 3), none, GetParam());
  MatrixFloat no_columns(2, 0);
  accumulate(MatrixBf16(2, 4), MatrixBf16(4, 0), no_columns, GetParam());
}

#if defined(__SSE__)
TEST_P(Chain, HostsRoundingModeAndFlushToZeroChangeNothing) {
  Random random(31);
  const MatrixBf16 a = random_bf16(5, 40, random, test::any_bf16);
  const MatrixBf16 b = random_bf16(40, 20, random, test::any_bf16);
  MatrixBf16 tiny_a = MatrixBf16::Constant(2, 3, bf16(0x0001));
  MatrixBf16 ones = MatrixBf16::Constant(3, 2, bf16(0x3F80));
  MatrixFloat expected(5, 20);
  multiply(a, b, expected, GetParam());
  const unsigned before = _mm_getcsr();
  for (const unsigned rounding : {0x0000u, 0x2000u, 0x4000u, 0x6000u}) {
    const unsigned state = 0x1F80u | rounding | 0x8000u | 0x0040u;  // FTZ and DAZ
    _mm_setcsr(state);
    MatrixFloat sum(5, 20);
    MatrixFloat tiny(2, 2);
    multiply(a, b, sum, GetParam());
    multiply(tiny_a, ones, tiny, GetParam());
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(after, state) << "the host's own state and flags come back";
    expect_same_bits(sum, expected);
    EXPECT_EQ(bits(tiny(1, 1)), 0x00030000u);
  }
}
#endif

TEST_P(Chain, ShapesThatDoNotFitAndOverlapAreRefused) {
  MatrixFloat sum(2, 3);
  EXPECT_THROW(accumulate(MatrixBf16(2, 4), MatrixBf16(5, 3), sum, GetParam()),
               std::invalid_argument);
  EXPECT_THROW(accumulate(MatrixBf16(3, 4), MatrixBf16(4, 3), sum, GetParam()),
               std::invalid_argument);
  EXPECT_THROW(accumulate(MatrixBf16(2, 4), MatrixBf16(4, 4), sum, GetParam()),
               std::invalid_argument);
  MatrixFloat memory = MatrixFloat::Zero(8, 8);
  EXPECT_THROW(accumulate(memory.topRows(4).leftCols(4), memory.bottomRows(4).leftCols(4),
                          memory.middleRows(3, 4).leftCols(4), GetParam()),
               std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Variants, Chain, testing::ValuesIn(supported_sets()),
                         [](const auto& info) { return name_of(info.param); });

TEST(Dispatch, BestSetIsSupportedAndPortableAlwaysIs) {
  EXPECT_TRUE(is_supported(Instructions::kPortable));
  EXPECT_TRUE(is_supported(best_instructions()));
}

}  // namespace
}  // namespace systolith::model
