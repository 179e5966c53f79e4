// Time-outs of the bus and of semaphores.
#include <algorithm>

#include "fixture.h"

namespace systolith::test {
namespace {

TEST_F(CommandProcessor, SemaphoreTimeoutFailsTheOldestWaitingCommand) {
  for (const bool started : {false, true}) {
    bench_->HardReset();
    bench_->top().semaphore_timeout_i = 300;
    Start();
    Command producer = Load(1, true), victim = Matrix(4, false), second = Store(1, true),
            behind = Matrix(1, true);
    Signal(producer, 0, Sync(started ? 2 : 1, 5));
    Wait(victim, 0, started ? Sync(1, 5, 0) : Sync(2, 5));
    Wait(second, 0, Sync(1, 6));
    bench_->Put(0, producer);
    bench_->Put(1, victim);
    bench_->Put(2, second);
    bench_->Put(3, behind);
    bench_->Put(4, Nop(true));
    bench_->Doorbell(5);
    const uint64_t rung = bench_->cycles;
    ASSERT_TRUE(FaultSeen(3000));
    EXPECT_GT(bench_->cycles - rung, 300u);
    ExpectFault(19, 2, 1, 5);
    const Record r = bench_->ReadRecord(1);
    EXPECT_EQ(r.index, 1u);
    EXPECT_EQ(r.state, 2);
    EXPECT_EQ(r.cause, 19);
    EXPECT_EQ(r.unit, 2);
    EXPECT_EQ(r.opcode, 0x20);
    EXPECT_EQ(r.address, 5u);
    EXPECT_EQ(bench_->ReadRecord(0).state, 1);
    EXPECT_EQ(bench_->ReadRecord(4).state, 1);
    EXPECT_TRUE(bench_->RecordUntouched(2)) << "never started";
    EXPECT_TRUE(bench_->RecordUntouched(3));
    EXPECT_EQ(bench_->top().completed_o, 2u);
    bench_->top().semaphore_timeout_i = 0;
    bench_->QueueReset();
    ExpectUsable();
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, SemaphoreTimeoutNamesUnitAndSemaphore) {
  for (unsigned unit = 0; unit < 3; ++unit) {
    for (uint32_t semaphore = 0; semaphore < 16; ++semaphore) {
      bench_->top().semaphore_timeout_i = 100;
      Start();
      Command waiting = unit == 0 ? Load() : unit == 1 ? Matrix() : Store();
      Wait(waiting, semaphore % 2, Sync(1, semaphore));
      bench_->Put(0, waiting);
      bench_->Doorbell(1);
      ASSERT_TRUE(FaultSeen(2000));
      ExpectFault(19, unit + 1, 0, semaphore);
      bench_->top().semaphore_timeout_i = 0;
      bench_->QueueReset();
    }
  }
}

TEST_F(CommandProcessor, SemaphoreTimeoutCountsOnlyWhenNothingElseMoves) {
  bench_->top().semaphore_timeout_i = 50;
  Start();
  Command slow = Load(1), waiting = Store(1);
  Signal(slow, 0, Sync(1, 0));
  Wait(waiting, 0, Sync(1, 0));
  bench_->Put(0, waiting);
  bench_->Put(1, slow);
  bool go = false;
  bench_->advance = [&](unsigned unit) { return unit != 0 || go; };
  bench_->Doorbell(2);
  for (int i = 0; i < 1000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().faulted_o) << "a unit runs";
  go = true;
  ASSERT_TRUE(Idle());
  EXPECT_FALSE(bench_->top().faulted_o);
  EXPECT_EQ(bench_->top().completed_o, 2u);
}

TEST_F(CommandProcessor, SemaphoreTimeoutSeesAFullQueue) {
  bench_->top().semaphore_timeout_i = 200;
  Start(7);
  Command waiting = Load(1);
  Wait(waiting, 1, Sync(1, 1));
  const uint32_t count = std::min(128u, sizes_.queue_depth + sizes_.fetch_buffer + 20);
  for (uint32_t i = 0; i < count; ++i) bench_->Put(i, waiting);
  bench_->Doorbell(count);
  ASSERT_TRUE(FaultSeen(20000));
  ExpectFault(19, 1, 0, 1);
  EXPECT_EQ(bench_->top().completed_o, 1u);
}

TEST_F(CommandProcessor, BusTimeoutOfFetchIsStuckUntilHardReset) {
  bench_->top().bus_timeout_i = 100;
  Start();
  bench_->hold_r = true;
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 200));
  ExpectFault(18, 0, 0, bench_->ring);
  EXPECT_TRUE(bench_->top().reset_request_o);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->Step();
  EXPECT_EQ(bench_->irq_fault, 1);
  bench_->top().queue_reset_i = 1;
  bench_->hold_r = false;
  for (int i = 0; i < 300; ++i) bench_->Step();
  EXPECT_TRUE(bench_->top().stuck_o);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->HardReset();
  EXPECT_FALSE(bench_->top().reset_request_o);
  ExpectUsable();
}

TEST_F(CommandProcessor, BusTimeoutOfRecordAndOfUnitsNamesTheCommand) {
  bench_->top().bus_timeout_i = 100;
  Start();
  bench_->hold_b = true;
  bench_->Put(0, Nop());
  bench_->Put(1, Nop(true));
  bench_->Doorbell(2);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 400));
  ExpectFault(18, 0, 1, bench_->records + 32);
  bench_->HardReset();
  bench_->hold_b = false;
  for (const unsigned unit : {0u, 2u}) {
    Start();
    bench_->advance = [](unsigned) { return 0u; };
    bench_->Put(0, Nop());
    bench_->Put(1, unit == 0 ? Store(1) : Load(1));
    bench_->Put(2, unit == 0 ? Load(1) : Store(1));
    bench_->Put(3, unit == 0 ? Load(1) : Store(1));
    bench_->Doorbell(4);
    for (int i = 0; i < 500; ++i) bench_->Step();
    bench_->debt[unit] = true;
    bench_->top().debt_address_i = 0x1234'5670;
    bench_->top().debt_index_i = 0x89ab'cdef;
    ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 400));
    ExpectFault(18, unit + 1, 0x89ab'cdef + unit, 0x1234'5670 + 64 * unit);
    const size_t started = bench_->started.size();
    bench_->debt[unit] = false;
    bench_->advance = [](unsigned) { return 1u; };
    for (int i = 0; i < 500; ++i) bench_->Step();
    EXPECT_EQ(bench_->started.size(), started) << "what waits in front of its unit stays there";
    bench_->HardReset();
  }
}

TEST_F(CommandProcessor, BeatsHoldTheBusTimeoutOff) {
  bench_->top().bus_timeout_i = 40;
  Start();
  bench_->read_latency = bench_->write_latency = 35;
  for (uint32_t i = 0; i < 8; ++i) bench_->Put(i, Nop(true));
  bench_->Doorbell(8);
  ASSERT_TRUE(Idle());
  EXPECT_FALSE(bench_->top().stuck_o);
  EXPECT_EQ(bench_->top().completed_o, 8u);
}

TEST_F(CommandProcessor, TimeoutsOfZeroAreOff) {
  Start();
  Command waiting = Load(1);
  Wait(waiting, 0, Sync(1, 1));
  bench_->Put(0, waiting);
  bench_->Doorbell(1);
  for (int i = 0; i < 20000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().faulted_o);
  bench_->debt[0] = true;
  for (int i = 0; i < 20000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().stuck_o);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->debt[0] = false;
  bench_->QueueReset();
  ExpectUsable();
}

}  // namespace
}  // namespace systolith::test
