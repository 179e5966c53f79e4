// Whole arrays against a plain chain: waves with bubbles, mixed formats, partial K, swaps as close
// as the timing in `array_pkg` allows, stationary writes at the first and at the last legal cycle.
// Everything that is not offered is noise.
#include <gtest/gtest.h>
#include <verilated.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "Vsystolic_array.h"
#include "lane_model.h"

#ifndef MAC_DEPTH
#error "MAC_DEPTH: the configuration's MacDepth"
#endif

namespace systolith::test {
namespace {

using Model = Vsystolic_array;
constexpr int kRows = sizeof(Model::operand_i) / sizeof(uint16_t);
constexpr int kCols = sizeof(Model::sum_i) / sizeof(uint32_t);

// The contract's timing.
constexpr int kRowLatency = MAC_DEPTH - 1;
constexpr int kSumOffset = 2;
constexpr int kResultOffset = kSumOffset + 1 + kRows * kRowLatency;
constexpr int kStationaryDelay = std::max(kCols - 2, 0);
constexpr int kStationaryLead = 2;
constexpr int kSwapSpacing = kStationaryDelay + kStationaryLead;
constexpr int kStationaryLatency = 3;

struct Row {
  int64_t cycle = 0;
  int k_valid = kRows;
  std::vector<uint16_t> a = std::vector<uint16_t>(kRows);
  std::vector<uint32_t> seed = std::vector<uint32_t>(kCols);
};

// Rows that share one stationary operand, in the order of their cycles. The first swaps.
struct Pass {
  bool int8 = false;
  std::vector<uint16_t> w = std::vector<uint16_t>(kRows * kCols);
  std::vector<Row> rows;
};

enum class Writes { kEarliest, kLatest, kRandom };

// One row of a stationary block, and the cycles in which it may be written.
struct Write {
  const Pass* pass = nullptr;
  int row = 0;
  int64_t first = 0;
  int64_t last = 0;
};

using Plan = std::map<int64_t, Write>;

// All writes of all passes.
std::vector<Write> ListWrites(const std::vector<Pass>& passes) {
  std::vector<Write> list;
  for (size_t p = 0; p < passes.size(); ++p) {
    const int64_t swap = passes[p].rows.front().cycle;
    for (int row = 0; row < kRows; ++row) {
      const int64_t last = swap + row * kRowLatency - kStationaryLead;
      int64_t first = last - 3 * (kRows + kSwapSpacing);
      if (p > 0) {
        const int64_t before = passes[p - 1].rows.front().cycle;
        first = std::max(first, before + kStationaryDelay + row * kRowLatency);
      }
      list.push_back({&passes[p], row, first, last});
    }
  }
  return list;
}

// One write a cycle, each as early as the earlier deadlines let it; empty if there is no such plan.
std::optional<Plan> PlanEarliest(std::vector<Write> list) {
  std::ranges::sort(list, {}, &Write::first);
  const auto later = [](const Write& x, const Write& y) { return x.last > y.last; };
  std::priority_queue<Write, std::vector<Write>, decltype(later)> open(later);
  Plan plan;
  int64_t cycle = list.front().first;
  for (size_t next = 0; next < list.size() || !open.empty(); ++cycle) {
    if (open.empty()) cycle = std::max(cycle, list[next].first);
    while (next < list.size() && list[next].first <= cycle) open.push(list[next++]);
    if (open.top().last < cycle) return std::nullopt;
    plan.emplace(cycle, open.top());
    open.pop();
  }
  return plan;
}

// The same with time reversed.
std::optional<Plan> PlanLatest(const std::vector<Write>& list) {
  std::vector<Write> mirrored = list;
  for (Write& write : mirrored) {
    std::swap(write.first, write.last);
    write.first = -write.first;
    write.last = -write.last;
  }
  const std::optional<Plan> plan = PlanEarliest(mirrored);
  if (!plan) return std::nullopt;
  Plan result;
  for (const auto& [cycle, write] : *plan) result.emplace(-cycle, write);
  return result;
}

Plan PlanWrites(const std::vector<Pass>& passes, Writes writes, std::mt19937_64& random) {
  const std::vector<Write> list = ListWrites(passes);
  if (writes == Writes::kLatest) return PlanLatest(list).value();
  if (writes == Writes::kRandom) {
    std::vector<Write> narrowed = list;
    for (Write& write : narrowed) {
      write.first += static_cast<int64_t>(random() % (write.last - write.first + 1));
    }
    if (const std::optional<Plan> plan = PlanEarliest(narrowed)) return *plan;
  }
  return PlanEarliest(list).value();
}

class Bench {
 public:
  explicit Bench(uint64_t seed) : random_(seed) {
    context_.randReset(2);
    model_ = std::make_unique<Model>(&context_);
    Noise();
    model_->operand_valid_i = 0;
    model_->stationary_valid_i = 0;
    model_->rst_ni = 0;
    Clock();
    Clock();
    model_->rst_ni = 1;
    // What it powered up with passes through first.
    for (int i = 0; i < 2000 && model_->idle_o == 0; ++i) Clock();
    EXPECT_TRUE(model_->idle_o);
  }
  ~Bench() { model_->final(); }

  // Runs all passes and compares every result and `idle_o` in every cycle. Cycles count from the
  // first event.
  void Run(const std::vector<Pass>& passes, Writes writes) {
    const Plan plan = PlanWrites(passes, writes, random_);
    struct Seed {
      int column;
      uint32_t bits;
    };
    std::map<int64_t, std::pair<const Pass*, const Row*>> rows;
    std::multimap<int64_t, Seed> seeds, results;
    int64_t end = 0;
    for (const Pass& pass : passes) {
      for (const Row& row : pass.rows) {
        ASSERT_TRUE(rows.emplace(row.cycle, std::pair{&pass, &row}).second);
        for (int c = 0; c < kCols; ++c) {
          seeds.emplace(row.cycle + kSumOffset + c, Seed{c, row.seed[c]});
          const uint32_t right = Chain(pass.int8, row.a.data(), pass.w.data() + c, kCols, kRows,
                                       row.k_valid, row.seed[c]);
          results.emplace(row.cycle + kResultOffset + c, Seed{c, right});
        }
        end = std::max(end, row.cycle + kResultOffset + kCols);
      }
    }
    const int64_t begin = std::min(plan.begin()->first, rows.begin()->first);
    int64_t rows_until = begin;  // idle again from this cycle on
    int64_t stationary_until = begin;
    for (int64_t cycle = begin; cycle <= end; ++cycle) {
      Noise();
      const auto row = rows.find(cycle);
      model_->operand_valid_i = row != rows.end();
      if (row != rows.end()) {
        const auto [pass, offered] = row->second;
        std::ranges::copy(offered->a, &model_->operand_i[0]);
        model_->int8_i = pass->int8;
        model_->k_valid_i = offered->k_valid;
        model_->swap_i = offered == &pass->rows.front();
      }
      const auto write = plan.find(cycle);
      model_->stationary_valid_i = write != plan.end();
      if (write != plan.end()) {
        const Pass* const pass = write->second.pass;
        const int index = write->second.row;
        model_->stationary_row_i = index;
        model_->stationary_int8_i = pass->int8;
        std::copy_n(pass->w.begin() + index * kCols, kCols, &model_->stationary_i[0]);
      }
      const auto [first_seed, last_seed] = seeds.equal_range(cycle);
      for (auto it = first_seed; it != last_seed; ++it)
        model_->sum_i[it->second.column] = it->second.bits;
      model_->clk_i = 0;
      model_->eval();
      const auto [first, last] = results.equal_range(cycle);
      for (auto it = first; it != last; ++it) {
        ASSERT_EQ(it->second.bits, model_->result_o[it->second.column])
            << "cycle " << cycle << " column " << it->second.column;
        ++compared_;
        if (it->second.column == kCols - 1) last_result_ = it->second.bits;
      }
      ASSERT_EQ(model_->idle_o != 0, cycle >= rows_until && cycle >= stationary_until)
          << "cycle " << cycle;
      if (row != rows.end()) rows_until = cycle + kResultOffset + kCols;
      if (write != plan.end()) stationary_until = cycle + kStationaryLatency;
      model_->clk_i = 1;
      model_->eval();
    }
    model_->operand_valid_i = 0;
    model_->stationary_valid_i = 0;
  }

  // What the last column of the last row gave.
  uint32_t last_result() const { return last_result_; }
  int64_t compared() const { return compared_; }
  std::mt19937_64& random() { return random_; }

 private:
  void Clock() {
    model_->clk_i = 0;
    model_->eval();
    model_->clk_i = 1;
    model_->eval();
  }

  // Rubbish on every input that has a qualifier, NaNs and infinities among it.
  void Noise() {
    for (int r = 0; r < kRows; ++r) model_->operand_i[r] = random_() % 4 == 0 ? 0x7f80 : random_();
    for (int c = 0; c < kCols; ++c) {
      model_->sum_i[c] = random_() % 4 == 0 ? 0x7f800000 : random_();
      model_->stationary_i[c] = random_() % 4 == 0 ? 0xffff : random_();
    }
    model_->int8_i = random_() & 1;
    model_->k_valid_i = random_();
    model_->swap_i = random_() & 1;
    model_->stationary_row_i = random_() % kRows;
    model_->stationary_int8_i = random_() & 1;
  }

  VerilatedContext context_;
  std::unique_ptr<Model> model_;
  std::mt19937_64 random_;
  int64_t compared_ = 0;
  uint32_t last_result_ = 0;
};

// Ordinary values whose sums stay finite, with zeros, subnormals and ones; with `wild` also NaN,
// infinities and extremes.
uint16_t RandomBf16(std::mt19937_64& random, bool wild) {
  const uint64_t bits = random();
  const uint16_t sign = bits & 0x8000;
  const uint16_t fraction = bits & 0x7f;
  switch ((bits >> 16) % (wild ? 64 : 32)) {
    case 0:
      return sign | fraction;
    case 1:
      return sign;
    case 2:
    case 3:
      return sign | 0x3f80;
    case 32:
      return sign | 0x7f80 | fraction;
    case 33:
      return sign | 0x7f80;
    case 34:
    case 35:
      return static_cast<uint16_t>(bits);
    default:
      return static_cast<uint16_t>(sign | fraction | (120 + (bits >> 24) % 16) << 7);
  }
}

uint32_t RandomSeed(std::mt19937_64& random, bool int8, bool wild) {
  const uint64_t bits = random();
  if (int8) return static_cast<uint32_t>(bits);
  const uint32_t sign = bits & 0x80000000;
  const uint32_t fraction = bits & 0x7fffff;
  switch ((bits >> 32) % (wild ? 16 : 8)) {
    case 0:
      return sign;
    case 1:
      return sign | fraction;
    case 8:
      return sign | 0x7f800000;
    case 9:
      return sign | 0x7f800001 | fraction;
    case 10:
      return static_cast<uint32_t>(bits);
    default:
      return static_cast<uint32_t>(sign | fraction | (120 + (bits >> 40) % 16) << 23);
  }
}

// Takes away some of the leading bits of a product, whichever sign is left.
uint32_t CancellingSeed(std::mt19937_64& random, uint16_t a, uint16_t w) {
  const float product =
      std::bit_cast<float>(uint32_t{a} << 16) * std::bit_cast<float>(uint32_t{w} << 16);
  const uint32_t mask = (uint32_t{1} << random() % 24) - 1;
  return std::bit_cast<uint32_t>(-product) ^ (static_cast<uint32_t>(random()) & mask);
}

// Passes of random rows; `bubbles`: chance in 256 of a cycle without a row. Passes begin as close
// as is legal.
std::vector<Pass> RandomPasses(std::mt19937_64& random, int count, int most_rows, int bubbles,
                               bool partial) {
  std::vector<Pass> passes;
  int64_t cycle = 0;
  int64_t swap = -kSwapSpacing;
  for (int p = 0; p < count; ++p) {
    Pass& pass = passes.emplace_back();
    pass.int8 = random() & 1;
    const bool wild = random() % 4 == 0;
    cycle = std::max(cycle, swap + kSwapSpacing);
    const int k = pass.int8 ? 2 * kRows : kRows;
    const int k_valid = partial && random() % 2 ? static_cast<int>(1 + random() % k) : k;
    for (uint16_t& w : pass.w) w = pass.int8 ? random() : RandomBf16(random, wild);
    const int rows = static_cast<int>(1 + random() % most_rows);
    for (int m = 0; m < rows; ++m) {
      Row row;
      row.cycle = cycle++;
      row.k_valid = k_valid;
      for (uint16_t& a : row.a) a = pass.int8 ? random() : RandomBf16(random, wild);
      for (uint32_t& seed : row.seed) seed = RandomSeed(random, pass.int8, wild);
      if (!pass.int8 && random() % 4 == 0) {  // one product alone, in any row of the array
        const int lane = static_cast<int>(random() % kRows);
        for (int r = 0; r < kRows; ++r)
          if (r != lane) row.a[r] = 0;
        for (int c = 0; c < kCols; ++c)
          row.seed[c] = CancellingSeed(random, row.a[lane], pass.w[lane * kCols + c]);
      }
      pass.rows.push_back(std::move(row));
      while (static_cast<int>(random() % 256) < bubbles) ++cycle;
    }
    // Only one stationary row is written a cycle: writes of neighbouring passes must not need the
    // same one.
    while (!PlanEarliest(ListWrites(passes))) {
      for (Row& row : pass.rows) ++row.cycle;
      ++cycle;
    }
    swap = pass.rows.front().cycle;
  }
  return passes;
}

TEST(Wave, OneRowThroughAnIdleArray) {
  Bench bench(1);
  for (int i = 0; i < 20; ++i)
    bench.Run(RandomPasses(bench.random(), 1, 1, 0, false), Writes::kLatest);
  EXPECT_EQ(bench.compared(), 20 * kCols);
}

TEST(Wave, RowsWithoutBubbles) {
  Bench bench(2);
  bench.Run(RandomPasses(bench.random(), 40, 3 * kCols, 0, false), Writes::kRandom);
}

TEST(Wave, RowsWithBubblesAndPartialK) {
  Bench bench(3);
  bench.Run(RandomPasses(bench.random(), 60, 2 * kCols, 100, true), Writes::kRandom);
}

TEST(Wave, SwapsAtMinimumSpacingWithEarliestWrites) {
  Bench bench(4);
  bench.Run(RandomPasses(bench.random(), 200, 2, 0, true), Writes::kEarliest);
}

TEST(Wave, SwapsAtMinimumSpacingWithLatestWrites) {
  Bench bench(5);
  bench.Run(RandomPasses(bench.random(), 200, 2, 0, true), Writes::kLatest);
}

TEST(Wave, LongPassesWithEarliestWrites) {
  Bench bench(6);
  bench.Run(RandomPasses(bench.random(), 20, 100, 20, true), Writes::kEarliest);
}

// Lanes past K hold NaN and infinity in both operands; a seed of -0 or of an odd NaN shows whether
// they were touched.
TEST(Wave, LanesPastKLeaveTheSumUntouched) {
  Bench bench(7);
  for (const uint32_t seed :
       {0x80000000u, 0x00000000u, 0x00000001u, 0x7f800000u, 0xff800000u, 0x7f800001u}) {
    for (int k_valid = 0; k_valid <= kRows; ++k_valid) {
      std::vector<Pass> passes(1);
      Pass& pass = passes[0];
      for (int r = 0; r < kRows; ++r) {
        const bool valid = r < k_valid;
        for (int c = 0; c < kCols; ++c)
          pass.w[r * kCols + c] = valid ? 0x3f80 : (c % 2 ? 0x7f80 : 0xffc1);
      }
      Row row;
      row.k_valid = k_valid;
      for (int r = 0; r < kRows; ++r) row.a[r] = r < k_valid ? 0x8000 : (r % 2 ? 0x7f81 : 0x0000);
      std::ranges::fill(row.seed, seed);
      pass.rows.push_back(row);
      bench.Run(passes, Writes::kLatest);
    }
  }
}

TEST(Wave, Int8MasksSingleOddSteps) {
  Bench bench(8);
  for (int k_valid = 0; k_valid <= 2 * kRows; ++k_valid) {
    std::vector<Pass> passes(1);
    Pass& pass = passes[0];
    pass.int8 = true;
    std::ranges::fill(pass.w, 0x8080);
    Row row;
    row.k_valid = k_valid;
    std::ranges::fill(row.a, 0x8080);
    std::ranges::fill(row.seed, 0x7fffffffu);
    pass.rows.push_back(row);
    bench.Run(passes, Writes::kLatest);
  }
}

// A chain of any K through the last column, block after block, the sum coming back in.
uint32_t RunChain(Bench& bench, const std::vector<uint16_t>& a, const std::vector<uint16_t>& b,
                  uint32_t seed) {
  uint32_t sum = seed;
  for (size_t k = 0; k < a.size(); k += kRows) {
    std::vector<Pass> passes(1);
    Row row;
    row.k_valid = static_cast<int>(std::min<size_t>(kRows, a.size() - k));
    for (int r = 0; r < kRows; ++r) {
      // What lies past K is rubbish.
      row.a[r] = r < row.k_valid ? a[k + r] : 0x7fc0;
      for (int c = 0; c < kCols; ++c)
        passes[0].w[r * kCols + c] = r < row.k_valid ? b[k + r] : 0x7f80;
    }
    std::ranges::fill(row.seed, sum);
    passes[0].rows.push_back(row);
    bench.Run(passes, Writes::kLatest);
    sum = bench.last_result();
  }
  return sum;
}

struct Corner {
  const char* name;
  std::vector<uint16_t> a, b;
  uint32_t seed, right;
};

TEST(Wave, DirectedCorners) {
  const std::vector<uint16_t> one_and_eight = {0x4b80, 0x3f80, 0x3f80, 0x3f80, 0x3f80,
                                               0x3f80, 0x3f80, 0x3f80, 0x3f80};
  const std::vector<uint16_t> eight_and_one(one_and_eight.rbegin(), one_and_eight.rend());
  const std::vector<uint16_t> ones(9, 0x3f80);
  const Corner corners[] = {
      {"negative underflow keeps its sign", {0x8d80}, {0x2180}, 0, 0x80000000},
      {"-0 and -0 x 1", {0x8000}, {0x3f80}, 0x80000000, 0x80000000},
      {"2^24 + 1 + 1 - 2^24 in order",
       {0x4b80, 0x3f80, 0x3f80, 0xcb80},
       {0x3f80, 0x3f80, 0x3f80, 0x3f80},
       0,
       0},
      {"eight ones after 2^24 are lost one by one", one_and_eight, ones, 0, 0x4b800000},
      {"eight ones before 2^24 are not", eight_and_one, ones, 0, 0x4b800004},
      {"least subnormal", {0x0d80}, {0x2700}, 0, 0x00000001},
      {"subnormal tie to even", {0x0d80, 0x0dc0}, {0x2700, 0x2700}, 0, 0x00000002},
      {"subnormal operand doubled", {0x0001}, {0x4000}, 0, 0x00020000},
      {"subnormal operands added",
       {0x0001, 0x0001, 0x0001},
       {0x3f80, 0x3f80, 0x3f80},
       0,
       0x00030000},
      {"underflow to +0", {0x1a00}, {0x1a00}, 0, 0x00000000},
      {"underflow to -0", {0x9a00}, {0x1a00}, 0, 0x80000000},
      {"cancels into a subnormal", {0x0081, 0xbf80}, {0x3f80, 0x0080}, 0, 0x00010000},
      {"rounds up to the least normal", {0x1a00}, {0x1a00}, 0x007fffff, 0x00800000},
      {"infinity x 0 + 1", {0x7f80}, {0x0000}, 0x3f800000, kCanonicalNan},
      {"infinity - infinity", {0x7f80, 0xff80}, {0x3f80, 0x3f80}, 0, kCanonicalNan},
      {"signalling NaN operand", {0x7f81}, {0x3f80}, 0, kCanonicalNan},
      {"signalling NaN seed", {0x3f80}, {0x3f80}, 0x7f800001, kCanonicalNan},
      {"negative NaN seed with payload", {0x3f80}, {0x3f80}, 0xffc12345, kCanonicalNan},
      {"finite + infinity", {0x3f80}, {0x3f80}, 0x7f800000, 0x7f800000},
      {"infinite seed against an overflowing product", {0x7f7f}, {0xff7f}, 0x7f800000, 0x7f800000},
      {"infinite seed against an infinite product", {0x7f80}, {0xbf80}, 0x7f800000, kCanonicalNan},
      {"-infinity seed is no NaN", {0xbf80}, {0x3f80}, 0xff800000, 0xff800000},
      {"overflow", {0x7f7f}, {0x7f7f}, 0, 0x7f800000},
      {"negative overflow stays in the chain", {0x7f7f, 0x7f7f}, {0xff7f, 0x3f80}, 0, 0xff800000},
      {"a product past the range brought back in one step",
       {0x7f00},
       {0x4000},
       0xff7fffff,
       0x73800000},
      {"one unit below the last place keeps its sign", {0x9a10}, {0x1a80}, 0x00000001, 0x80000000},
      {"x - x is +0", {0x3f80}, {0xbf80}, 0x3f800000, 0x00000000},
  };
  Bench bench(10);
  for (const Corner& corner : corners) {
    EXPECT_EQ(RunChain(bench, corner.a, corner.b, corner.seed), corner.right) << corner.name;
  }
}

// Beside ordinary values a subnormal is lost in the sum; here each is a factor of every product.
TEST(Wave, SubnormalOperandsCountInFull) {
  Bench bench(11);
  std::mt19937_64& random = bench.random();
  const auto subnormal = [&] {
    const uint64_t bits = random();
    return static_cast<uint16_t>((bits & 0x8000) | (bits >> 16 & 0x7f) >> (bits >> 32) % 7);
  };
  const auto ordinary = [&] {
    const uint64_t bits = random();
    return static_cast<uint16_t>((bits & 0x807f) | (130 + (bits >> 24) % 100) << 7);
  };
  std::vector<Pass> passes = RandomPasses(random, 120, 2 * kCols, 0, false);
  bool in_rows = false;
  for (Pass& pass : passes) {
    if (pass.int8) continue;
    in_rows = !in_rows;
    for (uint16_t& w : pass.w) w = in_rows ? ordinary() : subnormal();
    for (Row& row : pass.rows) {
      for (uint16_t& a : row.a) a = in_rows ? subnormal() : ordinary();
      for (uint32_t& seed : row.seed) seed = 0;
    }
  }
  bench.Run(passes, Writes::kRandom);
}

// R34: a NaN in row i of A reaches row i only, one in column j of B column j only.
TEST(Wave, NanStaysInItsRowAndColumn) {
  Bench bench(9);
  std::vector<Pass> passes(1);
  Pass& pass = passes[0];
  std::ranges::fill(pass.w, 0x3f80);
  pass.w[(kRows - 1) * kCols + kCols / 2] = 0x7f81;
  for (int m = 0; m < 5; ++m) {
    Row row;
    row.cycle = m;
    std::ranges::fill(row.a, 0x3f80);
    if (m == 2) row.a[0] = 0xffc1;
    std::ranges::fill(row.seed, m == 3 ? 0x7f800000u : 0u);
    pass.rows.push_back(row);
  }
  bench.Run(passes, Writes::kLatest);
}

}  // namespace
}  // namespace systolith::test
