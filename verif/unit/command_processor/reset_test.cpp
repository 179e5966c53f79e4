// Resets of a queue.
#include "fixture.h"

namespace systolith::test {
namespace {

TEST_F(CommandProcessor, ResetAtEveryCycleDrainsAndLeavesAFreshQueue) {
  bench_->read_latency = 9;
  bench_->write_latency = 12;
  for (int at = 0; at < 330; ++at) {
    bench_->stall_percent = at % 2 ? 25 : 0;
    Start();
    Command producer = Load(5, true), consumer = Store(5, true);
    Signal(producer, 0, Sync(1, 4, 1));
    Wait(consumer, 0, Sync(1, 4, 1));
    for (uint32_t i = 0; i < 12; i += 3) {
      bench_->Put(i, producer);
      bench_->Put(i + 1, consumer);
      bench_->Put(i + 2, i == 9 ? Matrix(0) : Matrix(9, true));
    }
    bench_->Doorbell(12);
    for (int i = 0; i < at; ++i) bench_->Step();
    // A unit that owes is waited for.
    const bool debt = at % 5 == 0;
    bench_->debt[0] = debt;
    const int resets = bench_->irq_reset_done, clears = bench_->memory_clears;
    const int64_t reads = bench_->read_bursts;
    bench_->top().queue_reset_i = 1;
    if (at % 7 == 0) bench_->top().enable_i = 1;  // in the same write: reset wins
    bench_->Step();
    EXPECT_TRUE(bench_->top().busy_o);
    if (debt) {
      for (int i = 0; i < 100; ++i) bench_->Step();
      EXPECT_EQ(bench_->irq_reset_done, resets);
      EXPECT_TRUE(bench_->top().busy_o);
      bench_->debt[0] = false;
    }
    ASSERT_TRUE(bench_->StepUntil([&] { return bench_->irq_reset_done == resets + 1; }, 3000));
    EXPECT_EQ(bench_->memory_clears, clears + 1);
    EXPECT_LE(bench_->read_bursts, reads + 1) << "at most the address already offered";
    const uint32_t commands = bench_->commands_done;
    ExpectUsable();
    EXPECT_EQ(bench_->commands_done, commands + 3);
    EXPECT_EQ(bench_->irq_reset_done, resets + 1);
    bench_->QueueReset();
    if (HasFailure()) FAIL() << "reset at cycle " << at;
  }
}

TEST_F(CommandProcessor, ResetOfAnIdleQueueAndDoorbellsDuringReset) {
  bench_->QueueReset();
  ExpectUsable();
  bench_->top().queue_reset_i = 1;
  bench_->Step();
  bench_->Doorbell(9);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->irq_reset_done == 2; }, 500));
  bench_->Step();
  ExpectUsable();
}

TEST_F(CommandProcessor, ResetThatIsNeverPaidEndsInTheBusTimeout) {
  bench_->top().bus_timeout_i = 100;
  Start();
  bench_->hold_r = true;
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  for (int i = 0; i < 20; ++i) bench_->Step();
  bench_->top().queue_reset_i = 1;
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 200));
  EXPECT_EQ(bench_->top().fault_cause_o, 18);
  EXPECT_EQ(bench_->top().fault_address_o, bench_->ring);
  EXPECT_TRUE(bench_->top().busy_o);
  EXPECT_TRUE(bench_->top().reset_request_o);
  EXPECT_EQ(bench_->irq_reset_done, 0);
  bench_->hold_r = false;
  for (int i = 0; i < 500; ++i) bench_->Step();
  EXPECT_EQ(bench_->irq_reset_done, 0);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->HardReset();
  ExpectUsable();
}

}  // namespace
}  // namespace systolith::test
