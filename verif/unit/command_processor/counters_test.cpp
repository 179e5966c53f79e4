// counters beside counts in C++: random events, clears and resets.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <random>

#include "Vcounters.h"
#include "verilated.h"

namespace systolith::test {
namespace {

constexpr unsigned kBusBytes = 64;  // of configuration 4x4

enum Counter {
  kCycles,
  kMacCycles,
  kLostStart,
  kLostTail,
  kLostDrain,
  kLostLoads,
  kLostStore,
  kLostOther,
  kLostReentry,
  kLostFill,
  kMacs,
  kBytesRead,
  kBytesWritten,
  kLoadBusy,
  kStoreBusy,
  kCommands,
  kDroppedBeats,
  kCorrected,
  kCounters
};

using Counts = std::array<uint64_t, kCounters>;

class CountersTest : public testing::Test {
 protected:
  CountersTest() : top_(std::make_unique<Vcounters>()) { reset(); }
  ~CountersTest() override { top_->final(); }

  void reset() {
    top_->rst_ni = 0;
    edge();
    top_->rst_ni = 1;
    worked_ = false;
    for (Counts& counts : due_) counts = {};
  }

  void edge() {
    top_->clk_i = 0;
    top_->eval();
    top_->clk_i = 1;
    top_->eval();
  }

  // Each input by itself with its own chance out of 100.
  void draw() {
    const auto percent = [&](unsigned chance) -> unsigned { return random_() % 100 < chance; };
    top_->clear_i = percent(clear_);
    top_->busy_i = percent(90);
    top_->issue_i = percent(issue_);
    top_->issue_lanes_i = static_cast<uint16_t>(random_() >> random_() % 16);
    top_->issue_columns_i = static_cast<uint16_t>(random_() >> random_() % 16);
    top_->has_command_i = percent(60);
    top_->in_flight_i = percent(50);
    top_->lost_wait_i = percent(50);
    top_->lost_wait_load_i = percent(40);
    top_->lost_wait_store_i = percent(50);
    top_->lost_reentry_i = percent(50);
    top_->r_beat_i = percent(50);
    top_->w_beat_i = percent(50);
    top_->load_busy_i = percent(50);
    top_->store_busy_i = percent(50);
    top_->command_done_i = percent(50);
    top_->dropped_beat_i = percent(50);
    top_->corrected_i = percent(50);
  }

  // What the inputs of this cycle add.
  Counts events() const {
    Counts add{};
    if (top_->busy_i != 0) {
      const bool wait = top_->lost_wait_i != 0;
      Counter cause = kLostFill;
      if (top_->issue_i != 0) {
        cause = kMacCycles;
        add[kMacs] = uint64_t{top_->issue_lanes_i} * top_->issue_columns_i;
      } else if (top_->has_command_i == 0) {
        cause = top_->in_flight_i != 0 ? kLostDrain : worked_ ? kLostTail : kLostStart;
      } else if (wait) {
        cause = top_->lost_wait_load_i != 0    ? kLostLoads
                : top_->lost_wait_store_i != 0 ? kLostStore
                                               : kLostOther;
      } else if (top_->lost_reentry_i != 0) {
        cause = kLostReentry;
      }
      add[kCycles] = add[cause] = 1;
      add[kLoadBusy] = top_->load_busy_i;
      add[kStoreBusy] = top_->store_busy_i;
    }
    add[kBytesRead] = top_->r_beat_i != 0 ? kBusBytes : 0;
    add[kBytesWritten] = top_->w_beat_i != 0 ? kBusBytes : 0;
    add[kCommands] = top_->command_done_i;
    add[kDroppedBeats] = top_->dropped_beat_i;
    add[kCorrected] = top_->corrected_i;
    return add;
  }

  // A cycle: what it adds is seen two edges later, and a clear forgets what came with it and
  // before.
  void cycle() {
    draw();
    const Counts add = events();
    const bool clear = top_->clear_i != 0;
    worked_ = top_->busy_i != 0 && (worked_ || top_->issue_i != 0);
    edge();
    due_[0] = due_[1];
    if (clear) {
      due_[1] = {};
    } else {
      for (unsigned c = 0; c < kCounters; ++c) due_[1][c] += add[c];
    }
  }

  Counts shown() const {
    return {top_->cycles_o,        top_->mac_cycles_o, top_->lost_start_o, top_->lost_tail_o,
            top_->lost_drain_o,    top_->lost_loads_o, top_->lost_store_o, top_->lost_other_o,
            top_->lost_reentry_o,  top_->lost_fill_o,  top_->macs_o,       top_->bytes_read_o,
            top_->bytes_written_o, top_->load_busy_o,  top_->store_busy_o, top_->commands_o,
            top_->dropped_beats_o, top_->corrected_o};
  }

  const Counts& due() const { return due_[0]; }

  std::unique_ptr<Vcounters> top_;
  std::mt19937_64 random_{7};
  unsigned clear_ = 0, issue_ = 50;  // chances

 private:
  bool worked_ = false;  // an issue since busy rose
  std::array<Counts, 2> due_{};
};

TEST_F(CountersTest, EveryCounterMovesForItsOwnReason) {
  clear_ = 1;
  for (unsigned i = 0; i < 200'000; ++i) {
    if (i % 10'000 == 9'999) reset();
    issue_ = i / 100 % 2 == 0 ? 50 : 2;  // for a start that lasts
    cycle();
    ASSERT_EQ(shown(), due()) << "cycle " << i;
  }
}

TEST_F(CountersTest, LongCounts) {
  for (unsigned i = 0; i < 300'000; ++i) {
    cycle();
    ASSERT_EQ(shown(), due()) << "cycle " << i;
  }
}

}  // namespace
}  // namespace systolith::test
