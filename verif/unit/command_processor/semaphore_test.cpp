// Semaphores as commands of different units use them: counts, both ports, clearing.
#include <algorithm>

#include "fixture.h"

namespace systolith::test {
namespace {

class Semaphore : public CommandProcessor {
 protected:
  void Ring(const std::vector<Command>& commands) {
    for (std::size_t i = 0; i < commands.size(); ++i)
      bench_->Put(rung_ + static_cast<uint32_t>(i), commands[i]);
    rung_ += static_cast<uint32_t>(commands.size());
    bench_->Doorbell(rung_);
  }
  bool Started(uint32_t index) const {
    return std::find(bench_->started.begin(), bench_->started.end(), index) !=
           bench_->started.end();
  }
  void ExpectCompleted(uint32_t commands) {
    ASSERT_TRUE(Idle(3000));
    EXPECT_FALSE(bench_->top().faulted_o);
    EXPECT_EQ(bench_->top().completed_o, commands);
  }
  void Rest() {
    bench_->StepUntil([] { return false; }, 500);
  }
  uint32_t rung_ = 0;
};

TEST_F(Semaphore, BothSignalsOfACommandCount) {
  Start();
  Command load = Load(), matrix = Matrix(), store = Store();
  Signal(load, 0, Sync(2, 1));
  Signal(load, 1, Sync(3, 2));
  Wait(matrix, 0, Sync(2, 1));
  Wait(store, 1, Sync(3, 2));
  Ring({load, matrix, store});
  ExpectCompleted(3);
}

// Each row signals twice, so that a port always has more to say.
TEST_F(Semaphore, BothSignalsOfEveryRowCount) {
  constexpr uint32_t kRows = 24;
  Start();
  Command load = Load(kRows), matrix = Matrix(), store = Store();
  Signal(load, 0, Sync(1, 1, 0));
  Signal(load, 1, Sync(1, 2, 0));
  Wait(matrix, 0, Sync(kRows, 1));
  Wait(store, 0, Sync(kRows, 2));
  Ring({load, matrix, store});
  ExpectCompleted(3);
  // Nothing is left: one more of each would wait.
  matrix = Matrix();
  store = Store();
  Wait(matrix, 0, Sync(1, 1));
  Wait(store, 0, Sync(1, 2));
  Ring({matrix, store});
  Rest();
  EXPECT_FALSE(Started(3));
  EXPECT_FALSE(Started(4));
}

TEST_F(Semaphore, WaitsForItsWholeCountAndTakesNoMore) {
  Start();
  Command one = Load(), three = Matrix();
  Signal(one, 0, Sync(1, 0));
  Wait(three, 0, Sync(3, 0));
  Ring({one, one, three});
  Rest();
  EXPECT_FALSE(Started(2));
  Ring({one});
  ExpectCompleted(4);
  Command again = Matrix();
  Wait(again, 0, Sync(1, 0));
  Ring({again});
  Rest();
  EXPECT_FALSE(Started(4)) << "the third count was taken";
  Ring({one});
  ExpectCompleted(6);
}

// What was signalled and what was granted in all pass 65535.
TEST_F(Semaphore, CountsOnPast16Bits) {
  Start();
  Command load = Load(), matrix = Matrix();
  Signal(load, 0, Sync(40000, 3));
  Wait(matrix, 0, Sync(40000, 3));
  for (int i = 0; i < 5; ++i) {
    Ring({load, matrix});
    ExpectCompleted(rung_);
  }
  Ring({matrix});
  Rest();
  EXPECT_FALSE(Started(10));
}

TEST_F(Semaphore, IsClearedByAReset) {
  for (const uint32_t semaphore : {0u, sizes_.semaphores - 1}) {
    Start();
    Command load = Load(), matrix = Matrix();
    Signal(load, 0, Sync(5, semaphore));
    Wait(matrix, 0, Sync(2, semaphore));
    rung_ = 0;
    Ring({load, matrix});
    ExpectCompleted(2);
    bench_->QueueReset();
    Start();
    rung_ = 0;
    Ring({matrix});
    Rest();
    EXPECT_FALSE(Started(0)) << "three were left before the reset";
    Ring({load});
    ExpectCompleted(2);
    bench_->QueueReset();
  }
}

}  // namespace
}  // namespace systolith::test
