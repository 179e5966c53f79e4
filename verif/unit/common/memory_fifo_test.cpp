// memory_fifo of DEPTH words against a queue; flipped bits of stored words are told with them.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "Vmemory_fifo.h"
#include "on_chip_memories.hpp"
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

  // One cycle with valid, ready, flush and a flipped bit in so many percent of them; compares with
  // the model.
  void step(int valid, int ready, int flush = 0, int flip = 0) {
    const auto chance = [&](int percent) { return static_cast<int>(random_() % 100) < percent; };
    if (chance(flip)) flip_a_bit();
    dut_->clk_i = 0;
    dut_->valid_i = chance(valid);
    dut_->data_i = random_() & 0xffff;
    dut_->ready_i = chance(ready);
    dut_->flush_i = chance(flush);
    dut_->eval();
    if (dut_->rst_ni) {
      // A word is at the output two cycles after it was taken, once those before it have left.
      const bool visible = !model_.empty() && model_.front().visible(cycle_);
      EXPECT_EQ(dut_->ready_o, model_.size() < DEPTH);
      EXPECT_EQ(dut_->valid_o, visible);
      EXPECT_EQ(dut_->held_o, !model_.empty());
      EXPECT_EQ(dut_->wrong_o, visible && model_.front().wrong);
      EXPECT_FALSE(dut_->corrected_o);
      if (visible) {
        wrong_ += model_.front().wrong;
        EXPECT_EQ(dut_->place_o, model_.front().place);
        if (!model_.front().wrong) EXPECT_EQ(dut_->data_o, model_.front().data);
      }
      const bool push = dut_->valid_i && model_.size() < DEPTH;
      if (dut_->ready_i && visible) {
        model_.pop_front();
        ++passed_;
      }
      if (push) {
        model_.push_back({cycle_, dut_->data_i, place_, false});
        place_ = (place_ + 1) % kPlaces;
      }
      if (dut_->flush_i) {
        model_.clear();
        place_ = 0;
      }
    }
    dut_->clk_i = 1;
    dut_->eval();
    ++cycle_;
  }

  static constexpr unsigned kPlaces = DEPTH > 1 ? DEPTH : 2;

  struct Word {
    uint64_t taken;
    uint32_t data;
    unsigned place;
    bool wrong;
    bool visible(uint64_t cycle) const { return taken + 2 <= cycle; }
  };

  // Of a word that is still in the memory; at most once, since parity misses the second.
  void flip_a_bit() {
    if (model_.empty()) return;
    Word& word = model_[random_() % model_.size()];
    if (word.wrong || (&word == &model_.front() && word.visible(cycle_))) return;
    word.wrong = true;
    memories_.flip(0, word.place, random_() % memories_.list().at(0).width);
  }

  VerilatedContext context_;
  std::unique_ptr<Vmemory_fifo> dut_ = std::make_unique<Vmemory_fifo>(&context_, "dut");
  systolith::sim::OnChipMemories memories_{context_};
  std::mt19937 random_{3};
  std::deque<Word> model_;
  uint64_t cycle_ = 0;
  uint32_t passed_ = 0;
  uint32_t wrong_ = 0;
  unsigned place_ = 0;
};

TEST_F(MemoryFifo, KeepsOrderUnderRandomTrafficAndFlushes) {
  for (int rate : {10, 50, 90})
    for (int i = 0; i < 5000; ++i) step(rate, 100 - rate, i % 100 == 0 ? 50 : 0);
  EXPECT_GT(passed_, 500u);
}

TEST_F(MemoryFifo, TellsOfFlippedBitsWithTheirWordForAsLongAsItWaits) {
  for (int rate : {10, 50, 90})
    for (int i = 0; i < 5000; ++i) step(rate, 100 - rate, i % 100 == 0 ? 50 : 0, 20);
  EXPECT_GT(wrong_, 500u);
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
