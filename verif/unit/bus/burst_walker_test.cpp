// burst_walker against the reference of burst_reference.h, and its promised pace.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "Vburst_walker_bench.h"
#include "burst_reference.h"
#include "verilated.h"

namespace systolith::test {

void PrintTo(const Burst& b, std::ostream* out) {
  *out << "address " << std::hex << b.address << std::dec << " offset " << b.offset << " bytes "
       << b.bytes << " beats " << b.beats << " last of run " << b.last_of_run << " last " << b.last;
}

namespace {

class BurstWalker : public ::testing::Test {
 protected:
  BurstWalker() : dut_(std::make_unique<Vburst_walker_bench>()) {
    dut_->rst_ni = 0;
    dut_->burst_ready_i = 0;
    dut_->run_allow_i = 1;
    dut_->transfer_valid_i = 0;
    dut_->flush_i = 0;
    edge();
    dut_->rst_ni = 1;
    dut_->eval();
    bus_ = dut_->bus_bytes_o;
    max_beats_ = dut_->max_burst_beats_o;
    width_ = dut_->address_width_o;
  }
  ~BurstWalker() override { dut_->final(); }

  void edge() {
    dut_->clk_i = 0;
    dut_->eval();
    dut_->clk_i = 1;
    dut_->eval();
    ++cycle_;
  }

  void drive(const Transfer& t) {
    dut_->base_i = t.base;
    dut_->run_i = t.run;
    dut_->merge_i = t.merge;
    // Fields that must not matter are rubbish.
    dut_->merged_run_i = t.merge ? static_cast<uint32_t>(t.merged_run()) : 0xdeadbeef;
    for (int i = 0; i < 4; ++i) {
      dut_->count_i[i] = t.count[i];
      dut_->stride_i[2 * i] = static_cast<uint32_t>(t.stride[i]);
      dut_->stride_i[2 * i + 1] = static_cast<uint32_t>(static_cast<uint64_t>(t.stride[i]) >> 32);
    }
  }

  Burst offered() const {
    return {.address = dut_->burst_address_o,
            .offset = dut_->burst_offset_o,
            .bytes = dut_->burst_bytes_o,
            .beats = dut_->burst_beats_o,
            .last_of_run = dut_->burst_last_of_run_o != 0,
            .last = dut_->burst_last_o != 0};
  }

  std::vector<Burst> expected(const Transfer& t) const {
    std::vector<Burst> bursts = reference_bursts(t, bus_, max_beats_, width_);
    for (Burst& b : bursts) b.run = 0;
    return bursts;
  }

  // Walks `transfers` with ready and allow high in so many percent of the cycles; returns the
  // bursts.
  std::vector<Burst> walk(const std::vector<Transfer>& transfers, int ready = 100,
                          int allow = 100) {
    std::vector<Burst> bursts;
    size_t given = 0;
    size_t ended = 0;
    bool was_stalled = false;
    Burst stalled;
    cycles_of_bursts_.clear();
    for (int limit = 0; ended < transfers.size() && limit < 2'000'000; ++limit) {
      dut_->clk_i = 0;
      dut_->transfer_valid_i = given < transfers.size();
      if (given < transfers.size()) drive(transfers[given]);
      dut_->burst_ready_i = static_cast<int>(random_() % 100) < ready;
      dut_->run_allow_i = static_cast<int>(random_() % 100) < allow;
      dut_->eval();
      if (was_stalled) {
        EXPECT_TRUE(dut_->burst_valid_o);
        EXPECT_EQ(offered(), stalled);
      }
      was_stalled = dut_->burst_valid_o && !dut_->burst_ready_i;
      stalled = offered();
      if (!dut_->run_allow_i) EXPECT_FALSE(dut_->run_taken_o);
      if (dut_->transfer_valid_i && dut_->transfer_ready_o) {
        if (given == 0) taken_ = cycle_;
        ++given;
      }
      if (dut_->burst_valid_o && dut_->burst_ready_i) {
        bursts.push_back(offered());
        cycles_of_bursts_.push_back(cycle_);
        ended += dut_->burst_last_o;
      }
      edge();
    }
    dut_->transfer_valid_i = 0;
    dut_->burst_ready_i = 0;
    dut_->eval();
    EXPECT_EQ(ended, transfers.size()) << "the walk does not end";
    EXPECT_FALSE(dut_->busy_o);
    return bursts;
  }

  void check(const std::vector<Transfer>& transfers, int ready = 100, int allow = 100) {
    const std::vector<Burst> bursts = walk(transfers, ready, allow);
    std::vector<Burst> all;
    for (const Transfer& t : transfers) {
      const std::vector<Burst> part = expected(t);
      all.insert(all.end(), part.begin(), part.end());
    }
    ASSERT_EQ(bursts.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(bursts[i], all[i]) << "burst " << i;
  }

  std::unique_ptr<Vburst_walker_bench> dut_;
  std::mt19937_64 random_{1};
  uint32_t bus_ = 0;
  uint32_t max_beats_ = 0;
  uint32_t width_ = 0;
  uint64_t cycle_ = 0;
  uint64_t taken_ = 0;                      // cycle in which the first transfer was taken
  std::vector<uint64_t> cycles_of_bursts_;  // cycle of each burst
};

// Bursts (address, beats) as written down from the AXI rules, for a limit of 256 beats.
TEST_F(BurstWalker, FourKibAndBurstLimitsAsTabled) {
  struct Row {
    uint32_t bus;
    uint64_t base;
    uint32_t length;
    std::vector<std::pair<uint64_t, uint32_t>> bursts;
  };
  const std::vector<Row> table = {
      {8, 0x0ff8, 8, {{0x0ff8, 1}}},
      {8, 0x0ff8, 16, {{0x0ff8, 1}, {0x1000, 1}}},
      {8, 0x0f80, 0x1100, {{0x0f80, 16}, {0x1000, 256}, {0x1800, 256}, {0x2000, 16}}},
      {8, 0x0fc0, 64, {{0x0fc0, 8}}},
      {8, 0x100f, 2, {{0x1008, 2}}},
      {16, 0x0fc0, 0x2000, {{0x0fc0, 4}, {0x1000, 256}, {0x2000, 252}}},
      {64, 0x1000, 4096, {{0x1000, 64}}},
  };
  int checked = 0;
  for (const Row& row : table) {
    if (row.bus != bus_ || max_beats_ != 256) continue;
    const std::vector<Burst> bursts = walk({{.base = row.base, .run = row.length}});
    ASSERT_EQ(bursts.size(), row.bursts.size());
    for (size_t i = 0; i < bursts.size(); ++i) {
      EXPECT_EQ(bursts[i].address, row.bursts[i].first);
      EXPECT_EQ(bursts[i].beats, row.bursts[i].second);
    }
    ++checked;
  }
  EXPECT_GT(checked, 0);
}

TEST_F(BurstWalker, EveryOffsetAndLengthAroundBusWidthAndPage) {
  std::vector<Transfer> transfers;
  for (uint32_t offset = 0; offset < 2 * bus_; ++offset)
    for (uint32_t length = 1; length <= 3 * bus_ + 1; ++length)
      transfers.push_back({.base = 0x3000 - 2 * bus_ + offset, .run = length});
  check(transfers);
}

TEST_F(BurstWalker, LengthsAroundBurstLimitAndPage) {
  std::vector<Transfer> transfers;
  for (uint32_t unit : {bus_ * max_beats_, 4096u, 2 * bus_ * max_beats_, 8192u})
    for (int32_t delta = -static_cast<int32_t>(bus_) - 1; delta <= static_cast<int32_t>(bus_) + 1;
         ++delta)
      for (uint32_t start : {0u, 1u, bus_ - 1, bus_, 4096 - bus_, 4095u}) {
        if (static_cast<int32_t>(unit) + delta < 1) continue;
        transfers.push_back({.base = 0x10000 + start, .run = unit + delta});
      }
  check(transfers);
}

TEST_F(BurstWalker, LongestRun) { check({{.base = 0x12345, .run = 1u << 20}}); }

TEST_F(BurstWalker, StridesZeroNegativeOverlappingAndLarge) {
  for (int64_t stride : {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{4096}, int64_t{-4096},
                         int64_t{-100}, int64_t{33}, int64_t{0x8000'0000}})
    check({{.base = 0x8'0000'0000, .run = 33, .count = {3, 1, 1, 1}, .stride = {stride, 7, 7, 7}}});
}

TEST_F(BurstWalker, FourLoopsWithMixedSigns) {
  check({{.base = 0x40'0000,
          .run = 3 * bus_ + 5,
          .count = {3, 4, 2, 5},
          .stride = {1000, -4096, 65536 + 3, -3}}});
}

TEST_F(BurstWalker, MergedRunWalksOuterLoopsOnly) {
  check({{.base = 0x40'0ff7,
          .run = 7,
          .merge = true,
          .count = {50, 3, 2, 2},
          .stride = {7, 5000, -70000, 13}}});
}

TEST_F(BurstWalker, RandomTransfersBackToBackUnderBackPressure) {
  for (const auto& [ready, allow] : {std::pair{100, 100}, {50, 50}, {10, 90}, {90, 10}}) {
    std::vector<Transfer> transfers;
    for (int i = 0; i < 300; ++i) {
      Transfer t;
      t.base = 0x1000'0000 + random_() % 65536;
      const uint32_t longest = std::min(6000u, 40 * bus_ * max_beats_);
      t.run = 1 + static_cast<uint32_t>(random_() % (random_() % 4 == 0 ? longest : 4 * bus_));
      for (int d = 0; d < 4; ++d) {
        t.count[d] = 1 + static_cast<uint32_t>(random_() % 3);
        t.stride[d] = static_cast<int64_t>(random_() % 20000) - 10000;
      }
      t.merge = random_() % 3 == 0;
      if (t.merge) t.stride[0] = t.run;
      transfers.push_back(t);
    }
    check(transfers, ready, allow);
  }
}

// First burst two cycles after the transfer is taken, then one a cycle, over row and transfer ends.
TEST_F(BurstWalker, OneBurstACycleForShortRows) {
  for (uint32_t run : {1u, bus_, 2 * bus_}) {
    const Transfer t = {
        .base = 0x1'0000, .run = run, .count = {8, 4, 2, 2}, .stride = {1024, 8192, 64, 128}};
    const std::vector<Transfer> transfers = {t, t, t};
    check(transfers);
    const uint64_t first = cycles_of_bursts_.front();
    EXPECT_EQ(first - taken_, 2u);
    for (size_t i = 0; i < cycles_of_bursts_.size(); ++i)
      ASSERT_EQ(cycles_of_bursts_[i], first + i) << "run " << run;
  }
}

TEST_F(BurstWalker, GateHoldsRunsExactly) {
  drive({.base = 0x1000, .run = bus_, .count = {4, 1, 1, 1}, .stride = {64, 0, 0, 0}});
  dut_->transfer_valid_i = 1;
  dut_->run_allow_i = 0;
  dut_->burst_ready_i = 1;
  edge();
  dut_->transfer_valid_i = 0;
  for (int row = 0; row < 4; ++row) {
    for (int i = 0; i < 5; ++i) {
      edge();
      EXPECT_FALSE(dut_->burst_valid_o);
      EXPECT_FALSE(dut_->run_taken_o);
      EXPECT_TRUE(dut_->busy_o);
    }
    dut_->run_allow_i = 1;
    dut_->eval();
    EXPECT_TRUE(dut_->run_taken_o);
    edge();
    dut_->run_allow_i = 0;
    dut_->eval();
    ASSERT_TRUE(dut_->burst_valid_o);
    EXPECT_EQ(dut_->burst_address_o, 0x1000u + 64 * row);
    edge();
  }
  EXPECT_FALSE(dut_->busy_o);
}

TEST_F(BurstWalker, FlushAtAnyCycleForgetsEverything) {
  for (int at = 0; at < 20; ++at) {
    drive({.base = 0x1000, .run = 3 * bus_, .count = {4, 1, 1, 1}, .stride = {64, 0, 0, 0}});
    dut_->transfer_valid_i = 1;
    dut_->run_allow_i = 1;
    dut_->burst_ready_i = 1;
    edge();
    dut_->transfer_valid_i = 0;
    for (int i = 0; i < at; ++i) edge();
    dut_->flush_i = 1;
    edge();
    dut_->flush_i = 0;
    dut_->eval();
    EXPECT_FALSE(dut_->busy_o);
    EXPECT_FALSE(dut_->burst_valid_o);
    check({{.base = 0x2001, .run = 17}});
  }
}

}  // namespace
}  // namespace systolith::test
