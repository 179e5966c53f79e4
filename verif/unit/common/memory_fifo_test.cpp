// memory_fifo of DEPTH words against a queue.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "Vmemory_fifo.h"
#include "verilated.h"

namespace {

class MemoryFifo : public ::testing::Test {
 protected:
  MemoryFifo() {
    dut_->rst_ni = 0;
    step(0, 0);
    dut_->rst_ni = 1;
    model_.clear();
  }
  ~MemoryFifo() override { dut_->final(); }

  // One cycle with valid, ready and flush in so many percent of them; compares with the model.
  void step(int valid, int ready, int flush = 0) {
    const auto chance = [&](int percent) { return static_cast<int>(random_() % 100) < percent; };
    dut_->clk_i = 0;
    dut_->valid_i = chance(valid);
    dut_->data_i = random_() & 0xffff;
    dut_->ready_i = chance(ready);
    dut_->flush_i = chance(flush);
    dut_->eval();
    if (dut_->rst_ni) {
      // A word is at the output two cycles after it was taken, once those before it have left.
      const bool visible = !model_.empty() && model_.front().taken + 2 <= cycle_;
      EXPECT_EQ(dut_->ready_o, model_.size() < DEPTH);
      EXPECT_EQ(dut_->valid_o, visible);
      EXPECT_EQ(dut_->held_o, !model_.empty());
      if (visible) EXPECT_EQ(dut_->data_o, model_.front().data);
      const bool push = dut_->valid_i && model_.size() < DEPTH;
      if (dut_->ready_i && visible) {
        model_.pop_front();
        ++passed_;
      }
      if (push) model_.push_back({cycle_, dut_->data_i});
      if (dut_->flush_i) model_.clear();
    }
    dut_->clk_i = 1;
    dut_->eval();
    ++cycle_;
  }

  struct Word {
    uint64_t taken;
    uint32_t data;
  };
  std::unique_ptr<Vmemory_fifo> dut_ = std::make_unique<Vmemory_fifo>();
  std::mt19937 random_{3};
  std::deque<Word> model_;
  uint64_t cycle_ = 0;
  uint32_t passed_ = 0;
};

TEST_F(MemoryFifo, KeepsOrderUnderRandomTrafficAndFlushes) {
  for (int rate : {10, 50, 90})
    for (int i = 0; i < 5000; ++i) step(rate, 100 - rate, i % 100 == 0 ? 50 : 0);
  EXPECT_GT(passed_, 500u);
}

TEST_F(MemoryFifo, FillsToItsDepthAndEmpties) {
  for (int i = 0; i < DEPTH + 3; ++i) step(100, 0);
  EXPECT_EQ(model_.size(), DEPTH);
  for (int i = 0; i < DEPTH + 3; ++i) step(0, 100);
  EXPECT_EQ(passed_, DEPTH);
}

// A word needs two cycles to the output and leaves its place in the third.
TEST_F(MemoryFifo, PassesAWordACycle) {
  for (int i = 0; i < 302; ++i) step(100, 100);
  EXPECT_EQ(passed_, DEPTH == 1 ? 100u : DEPTH == 2 ? 200u : 300u);
}

}  // namespace
