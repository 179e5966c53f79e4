// The multiply-accumulate step against the host's `std::fma`, many lanes at a time: `mac_lanes`
// with one row, so that each result is one step. Operands are E8M10, wider than any format of the
// device: what the lanes promise.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <verilated.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "Vmac_lanes.h"
#include "lane_model.h"

namespace systolith::test {
namespace {

using Model = Vmac_lanes;
constexpr int kCols = sizeof(Model::sum_i) / sizeof(uint32_t);
static_assert(sizeof(Model::operand_i) == sizeof(uint32_t), "one row");

// Cycles from a moving operand at the edge to column 0's sum, and from there to the result.
constexpr int kSumOffset = 2;
constexpr int kRowLatency = MAC_DEPTH - 1;

// xorshift64*: cheap, as the operands cost more than the model.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t operator()() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d >> 8;
  }

 private:
  uint64_t state_;
};

// A 19-bit E8M10 value.
struct E8M10 {
  uint32_t bits;
  float value() const { return std::bit_cast<float>(bits << 13); }
};

// Specials, extremes, subnormals and, mostly, values around one; fractions of few or of all ones.
E8M10 RandomE8M10(Random& random) {
  const uint64_t r = random();
  const uint32_t sign = r & 1;
  uint32_t exponent, fraction = r >> 1 & 1023;
  switch ((r >> 11) % 12) {
    case 0:
      exponent = 0;
      break;
    case 1:
      exponent = 255;
      if (r >> 20 & 1) fraction = 0;
      break;
    case 2:
      exponent = 254 - (r >> 20) % 4;
      break;
    case 3:
      exponent = 1 + (r >> 20) % 4;
      break;
    case 4:
    case 5:
    case 6:
      exponent = (r >> 20) % 256;
      break;
    default:
      exponent = 117 + (r >> 20) % 20;
  }
  switch ((r >> 30) % 8) {
    case 0:
      fraction = 0;
      break;
    case 1:
      fraction = 1023;
      break;
    case 2:
      fraction = 1u << (r >> 40) % 10;
      break;
    case 3:
      fraction &= 0x3f8;
      break;
    default:
      break;
  }
  return {sign << 18 | exponent << 10 | fraction};
}

// The lanes' form: {negative, special, nonzero, exponent + 384, fraction}, normalised.
uint32_t LaneOperand(E8M10 x) {
  const uint32_t negative = x.bits >> 18, exponent = x.bits >> 10 & 255, fraction = x.bits & 1023;
  if (exponent == 255) return negative << 21 | 1u << 20 | uint32_t{fraction != 0} << 19;
  if (exponent == 0 && fraction == 0) return negative << 21;
  int power;
  const float significand = std::frexp(std::fabs(x.value()), &power);  // 0.5 .. 1
  const auto scaled = static_cast<uint32_t>(significand * 2048);       // 11 bits
  return negative << 21 | 1u << 19 | static_cast<uint32_t>(power - 1 + 384) << 10 | (scaled & 1023);
}

constexpr uint32_t kSkipped = 1u << 10;

struct Moving {
  bool int8 = false;
  bool skip = false;
  E8M10 a{};
  uint16_t pair = 0;
  const struct Block* block = nullptr;
};

struct Block {
  bool int8 = false;
  std::array<E8M10, kCols> w{};
  std::array<uint16_t, kCols> pair{};
};

struct Counts {
  int64_t steps = 0, nan = 0, infinite = 0, overflow = 0, subnormal = 0, zero = 0, cancelled = 0,
          ties = 0, int8 = 0, skipped = 0;
};

// A sum that is interesting beside the product a x w.
uint32_t RandomSum(Random& random, float a, float w, Counts& counts) {
  const uint64_t r = random();
  const uint64_t s = r >> 12;
  const uint32_t sign = static_cast<uint32_t>(r & 1) << 31;
  const uint32_t fraction = static_cast<uint32_t>(s & 0x7fffff);
  switch (r >> 1 & 15) {
    case 0:
      return sign | fraction >> (s >> 24 & 31) % 24;  // subnormal
    case 1:
      return sign | 0x7f800000 | (s >> 30 & 1 ? fraction : 0);  // special
    case 2:
      return sign | (0x7f7fffff - static_cast<uint32_t>(s & 3));
    case 3:
      return sign | static_cast<uint32_t>(s >> 23 & 3) << 23 | fraction;
    case 4:
      return sign | static_cast<uint32_t>(117 + (s >> 23) % 20) << 23 |
             (fraction >> (s >> 30) % 24 << (s >> 36) % 3);
    case 5:
      return static_cast<uint32_t>(s);
    case 6:
    case 7: {
      // The product's leading bit is half a unit in the last place of the sum, or one unit: a tie
      // if it has no other.
      const float product = std::fabs(a * w);
      if (!(product > 0x1p-100f && product < 0x1p100f)) return sign | fraction;
      const bool half = s >> 40 & 1;
      int power;
      counts.ties += half && std::frexp(product, &power) == 0.5f;
      const float unit = std::ldexp(product, half ? 1 : 0);
      return sign | std::bit_cast<uint32_t>(std::ldexp(unit, 23)) >> 23 << 23 | fraction;
    }
    default:
      break;
  }
  // Near the negated product.
  uint32_t sum = std::bit_cast<uint32_t>(-(a * w));
  ++counts.cancelled;
  switch (r >> 5 & 7) {
    case 0:
      return sum + static_cast<uint32_t>(s % 9) - 4;
    case 1:
      return sum ^ 1u << (s & 31);
    case 2:
    case 3: {
      int exponent = static_cast<int>(sum >> 23 & 255) + static_cast<int>(s % 60) - 30;
      exponent = std::min(std::max(exponent, 0), 255);
      return (sum & 0x807fffff) | static_cast<uint32_t>(exponent) << 23 |
             (s >> 40 & 1 ? 0 : fraction);
    }
    case 4: {
      int exponent = static_cast<int>(sum >> 23 & 255) + static_cast<int>(s % 54) - 27;
      exponent = std::min(std::max(exponent, 0), 254);
      const uint32_t tail = s >> 40 & 1 ? 0x7fffff : 1u << (s >> 41) % 23;
      return ((sum ^ sign) & 0x80000000) | static_cast<uint32_t>(exponent) << 23 | tail;
    }
    default:
      return sum;
  }
}

// Streams rows through the lanes until `steps` are compared.
Counts Stream(uint64_t seed, int64_t steps, int int8_in_16) {
  VerilatedContext context;
  const auto model = std::make_unique<Model>(&context);
  Random random(seed);
  Counts counts;

  // Blocks change every kBlockRows rows; the block is written while its predecessor's last rows
  // run.
  constexpr int kBlockRows = kCols + 2;
  constexpr int kHistory = 512;  // rows and blocks that may still be in flight
  static_assert(kHistory > 2 * kCols + 16 && (kHistory & (kHistory - 1)) == 0);
  std::vector<Moving> rows(kHistory);
  std::array<Block, 4> blocks;
  std::array<std::array<uint32_t, kCols>, 8> expected{};
  std::array<std::array<bool, kCols>, 8> int8{};

  model->rst_ni = 1;
  model->running_i = 1;
  model->stationary_row_i = 0;
  for (int64_t cycle = 0; counts.steps < steps; ++cycle) {
    // Cycle of the block: its operand was written one cycle before.
    const int64_t phase = cycle % kBlockRows;
    Block& next = blocks[(cycle / kBlockRows + 1) % blocks.size()];
    model->stationary_valid_i = phase == kBlockRows - 1;
    if (model->stationary_valid_i) {
      next.int8 = static_cast<int>(random() % 16) < int8_in_16;
      for (int c = 0; c < kCols; ++c) {
        next.w[c] = RandomE8M10(random);
        next.pair[c] = random() % 8 ? random() : 0x8080;
        model->stationary_i[c] = next.int8 ? next.pair[c] : LaneOperand(next.w[c]);
      }
    }
    Moving& row = rows[cycle & (kHistory - 1)];
    row = {};
    if (cycle >= kBlockRows) {
      row.block = &blocks[cycle / kBlockRows % blocks.size()];
      row.int8 = row.block->int8;
      row.skip = !row.int8 && random() % 32 == 0;
      row.a = RandomE8M10(random);
      row.pair = random() % 8 ? random() : 0x8080;
      const uint32_t value = row.int8 ? row.pair : row.skip ? kSkipped : LaneOperand(row.a);
      model->operand_i[0] = uint32_t{phase == 0} << 23 | uint32_t{row.int8} << 22 | value;
    }
    for (int c = 0; c < kCols; ++c) {
      const int64_t at = cycle - kSumOffset - c;
      if (at < kBlockRows) continue;
      const Moving& taken = rows[at & (kHistory - 1)];
      uint32_t sum, right;
      if (taken.int8) {
        sum = static_cast<uint32_t>(random());
        right = Int8Step(taken.pair, taken.block->pair[c], 0, sum);
        right = Int8Step(taken.pair, taken.block->pair[c], 1, right);
        ++counts.int8;
        model->sum_i[c] = (sum & 0xff800000) | (sum & 0x3fffff) << 1 | (sum >> 22 & 1);
        model->sum_flags_i[c] = 0;
      } else {
        const float a = taken.a.value(), w = taken.block->w[c].value();
        sum = RandomSum(random, a, w, counts);
        right = taken.skip ? Canonical(sum) : Canonical(FloatStep(a, w, sum));
        const uint32_t magnitude = right & 0x7fffffff;
        counts.skipped += taken.skip;
        counts.nan += magnitude > 0x7f800000;
        counts.infinite += magnitude == 0x7f800000;
        counts.overflow += magnitude == 0x7f800000 && (sum & 0x7f800000) != 0x7f800000 &&
                           std::isfinite(a) && std::isfinite(w);
        counts.subnormal += magnitude != 0 && magnitude < 0x00800000;
        counts.zero += magnitude == 0;
        model->sum_i[c] = sum;
        const bool special = (sum & 0x7f800000) == 0x7f800000;
        model->sum_flags_i[c] = special ? ((sum & 0x7fffff) != 0 ? 2 : 1) : 0;
      }
      expected[(cycle + kRowLatency) % 8][c] = right;
      int8[(cycle + kRowLatency) % 8][c] = taken.int8;
    }
    model->clk_i = 0;
    model->eval();
    for (int c = 0; c < kCols; ++c) {
      if (cycle - kSumOffset - kRowLatency - c < kBlockRows) continue;
      uint32_t got = model->sum_o[c];
      const uint32_t flags = model->sum_flags_o[c];
      if (int8[cycle % 8][c]) {
        got = (got & 0xff800000) | (got & 1) << 22 | (got >> 1 & 0x3fffff);
      } else if (flags & 2) {
        got = kCanonicalNan;
      } else if (flags & 1) {
        got = (got & 0x80000000) | 0x7f800000;
      }
      ++counts.steps;
      if (got != expected[cycle % 8][c]) {
        const Moving& row = rows[(cycle - kSumOffset - kRowLatency - c) & (kHistory - 1)];
        ADD_FAILURE() << std::hex << "a " << row.a.bits << " w " << row.block->w[c].bits << " skip "
                      << row.skip << " int8 " << row.int8 << ": " << got << " instead of "
                      << expected[cycle % 8][c] << std::dec << " (cycle " << cycle << ", column "
                      << c << ")";
        return counts;
      }
    }
    model->clk_i = 1;
    model->eval();
  }
  model->final();
  return counts;
}

TEST(MacStep, EqualsHostFmaOn100MillionBiasedOperands) {
  const Counts counts = Stream(1, 100'000'000, 2);
  fmt::print(
      "{} steps: {} NaN, {} infinite ({} by overflow), {} subnormal, {} zero, {} near "
      "cancellation, {} ties, "
      "{} INT8, {} skipped\n",
      counts.steps, counts.nan, counts.infinite, counts.overflow, counts.subnormal, counts.zero,
      counts.cancelled, counts.ties, counts.int8, counts.skipped);
  EXPECT_GT(counts.nan, 1'000'000);
  EXPECT_GT(counts.infinite, 1'000'000);
  EXPECT_GT(counts.overflow, 100'000);
  EXPECT_GT(counts.subnormal, 1'000'000);
  EXPECT_GT(counts.zero, 1'000'000);
  EXPECT_GT(counts.cancelled, 10'000'000);
  EXPECT_GT(counts.ties, 20'000);
  EXPECT_GT(counts.int8, 5'000'000);
  EXPECT_GT(counts.skipped, 1'000'000);
}

TEST(MacStep, Int8EqualsTwoProductsModulo32Bits) {
  EXPECT_GT(Stream(2, 10'000'000, 16).int8, 9'000'000);
}

}  // namespace
}  // namespace systolith::test
