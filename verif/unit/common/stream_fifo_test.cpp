// stream_fifo of DEPTH words against a queue.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "Vstream_fifo.h"
#include "verilated.h"

namespace {

class StreamFifo : public ::testing::Test {
 protected:
  StreamFifo() {
    dut_->rst_ni = 0;
    step(0, 0);
    dut_->rst_ni = 1;
    model_.clear();
  }
  ~StreamFifo() override { dut_->final(); }

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
      EXPECT_EQ(dut_->count_o, model_.size());
      EXPECT_EQ(dut_->ready_o, model_.size() < DEPTH);
      EXPECT_EQ(dut_->valid_o, !model_.empty());
      if (!model_.empty()) EXPECT_EQ(dut_->data_o, model_.front());
      const bool push = dut_->valid_i && model_.size() < DEPTH;
      if (dut_->ready_i && !model_.empty()) {
        model_.pop_front();
        ++passed_;
      }
      if (push) model_.push_back(dut_->data_i);
      if (dut_->flush_i) model_.clear();
    }
    dut_->clk_i = 1;
    dut_->eval();
  }

  std::unique_ptr<Vstream_fifo> dut_ = std::make_unique<Vstream_fifo>();
  std::mt19937 random_{3};
  std::deque<uint32_t> model_;
  uint32_t passed_ = 0;
};

TEST_F(StreamFifo, KeepsOrderUnderRandomTrafficAndFlushes) {
  for (int rate : {10, 50, 90})
    for (int i = 0; i < 5000; ++i) step(rate, 100 - rate, i % 100 == 0 ? 50 : 0);
}

TEST_F(StreamFifo, FillsToItsDepthAndEmpties) {
  for (int i = 0; i < DEPTH + 3; ++i) step(100, 0);
  EXPECT_EQ(model_.size(), DEPTH);
  for (int i = 0; i < DEPTH + 3; ++i) step(0, 100);
  EXPECT_EQ(passed_, DEPTH);
}

TEST_F(StreamFifo, PassesAWordACycle) {
  for (int i = 0; i < 101; ++i) step(100, 100);
  EXPECT_EQ(passed_, DEPTH == 1 ? 50u : 100u);
}

}  // namespace
