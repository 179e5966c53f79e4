// Latency, ring, records and completion of a queue without faults.

#include <algorithm>

#include "fixture.h"

namespace systolith::test {
namespace {

// ---- latency ----

TEST_F(CommandProcessor, FirstCommandIsAtItsUnitSoon) {
  ASSERT_GE(sizes_.max_burst_beats * sizes_.bus_bytes, 128U);
  Start();
  Command c = Load(100);
  c.Set(5, 32, 32, 0).Set(9, 0, 64, 4096);
  bench_->Put(0, c);
  bench_->Put(1, c);
  const uint64_t rung = bench_->cycles;
  bench_->Doorbell(1);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->read_bursts == 1; }, 20));
  EXPECT_LE(bench_->cycles - rung, 4u) << "doorbell to address";
  ASSERT_TRUE(bench_->StepUntil([&] { return !bench_->taken.empty(); }, 500));
  const bool power_of_two = (sizes_.line_bytes & (sizes_.line_bytes - 1)) == 0;
  const uint64_t latency = bench_->taken_cycle[0] - bench_->last_r_cycle;
  RecordProperty("cycles_from_last_beat", static_cast<int>(latency));
  EXPECT_LE(latency, power_of_two ? 27u : 48u) << "last beat to unit";
  ASSERT_TRUE(Idle());
}

// ---- ring ----

TEST_F(CommandProcessor, RingWrapsOneByOneAndInBatches) {
  for (const unsigned batch : {1u, 7u, 8u}) {
    Start(3);
    uint32_t tail = 0;
    while (tail < 25) {
      for (unsigned i = 0; i < batch; ++i, ++tail) {
        Command c = Load(1, true);
        bench_->Put(tail, c.Set(3, 0, 64, kReadBase + 16 * tail));
      }
      bench_->Doorbell(tail);
      ASSERT_TRUE(Idle());
      ASSERT_FALSE(bench_->top().faulted_o);
      ASSERT_EQ(bench_->top().completed_o, tail);
      for (uint32_t i = tail - batch; i != tail; ++i) EXPECT_EQ(bench_->ReadRecord(i).index, i);
    }
    ASSERT_EQ(bench_->taken.size(), tail);
    for (uint32_t i = 0; i < tail; ++i) EXPECT_EQ(bench_->taken[i].base, kReadBase + 16 * i);
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, RingIsRefilledAsSlotsFreeUp) {
  Start(2);
  bench_->stall_percent = 20;
  uint32_t tail = 0;
  for (int i = 0; i < 60000 && tail < 400; ++i) {
    while (tail < 400 && tail - bench_->top().completed_o < 4) {
      Command c = tail % 3 ? Load(1, tail % 2) : Nop(true);
      bench_->Put(tail, c.Get(0, 8, 8) == 1 ? c : c.Set(3, 0, 64, kReadBase + 16 * tail));
      ++tail;
      if (bench_->random()() % 2) break;
    }
    bench_->Doorbell(tail);
    for (unsigned n = bench_->random()() % 90; n > 0; --n) bench_->Step();
  }
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->top().completed_o, 400u);
  EXPECT_EQ(bench_->commands_done, 400);
}

// More than 2^11 of them, each another: indices count on where a ring or a buffer begins anew.
TEST_F(CommandProcessor, RunningDryAndRestartingLosesNothing) {
  constexpr uint32_t kCommands = 2100;
  Start(3);
  for (uint32_t i = 0; i < kCommands; ++i) {
    Command c = Load();
    bench_->Put(i, c.Set(0, 25, 1, 1).Set(3, 0, 64, kReadBase + 16 * i));
    bench_->Doorbell(i + 1);
    for (unsigned n = bench_->random()() % 3; n > 0; --n) bench_->Step();
    ASSERT_TRUE(Idle(2000));
    ASSERT_EQ(bench_->top().completed_o, i + 1);
    ASSERT_EQ(bench_->taken.size(), i + 1);
    ASSERT_EQ(bench_->taken[i].base, kReadBase + 16 * i);
  }
  EXPECT_EQ(bench_->irq_command, kCommands);
  EXPECT_GE(bench_->irq_idle, kCommands - 1);
}

// Whenever a command comes in: also in the cycle in which another leaves its queue.
TEST_F(CommandProcessor, AUnitGetsEachCommandOnce) {
  for (int delay = 0; delay < 120; ++delay) {
    Start();
    bool go = false;
    bench_->advance = [&](unsigned) { return go; };
    for (uint32_t i = 0; i < 5; ++i) bench_->Put(i, Load());
    bench_->Doorbell(3);
    for (int i = 0; i < 200; ++i) bench_->Step();
    bench_->Doorbell(5);
    for (int i = 0; i < delay; ++i) bench_->Step();
    go = true;
    ASSERT_TRUE(Idle());
    for (int i = 0; i < 50; ++i) bench_->Step();
    ASSERT_EQ(bench_->started, (std::vector<uint32_t>{0, 1, 2, 3, 4})) << "delay " << delay;
    EXPECT_EQ(bench_->top().completed_o, 5u);
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, RingOfOneSlotAndLargestRing) {
  Start(0);
  for (uint32_t i = 0; i < 5; ++i) {
    bench_->Put(i, Nop(true));
    bench_->Doorbell(i + 1);
    ASSERT_TRUE(Idle(2000));
    EXPECT_EQ(bench_->ReadRecord(i).index, i);
  }
  bench_->QueueReset();
  bench_->ring = 0x0040'0000;
  bench_->records = 0x0140'0000;
  Start(16);
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  ASSERT_TRUE(Idle(2000));
  EXPECT_EQ(bench_->top().completed_o, 1u);
}

TEST_F(CommandProcessor, RingOverrunFaultsAfterAllThatWasRung) {
  Start(3);
  for (uint32_t i = 0; i < 8; ++i) bench_->Put(i, Load(3, true));
  bench_->Doorbell(5);
  bench_->Doorbell(9);
  bench_->Doorbell(6);
  ASSERT_TRUE(FaultSeen());
  ExpectFault(21, 0, 5, 9);
  EXPECT_EQ(bench_->top().completed_o, 5u);
  EXPECT_EQ(bench_->irq_fault, 1);
  EXPECT_EQ(bench_->taken.size(), 5u);
  EXPECT_TRUE(bench_->RecordUntouched(5));
  bench_->QueueReset();
  ExpectUsable();
}

TEST_F(CommandProcessor, DoorbellWithoutEnableIsIgnored) {
  bench_->Doorbell(3);
  for (int i = 0; i < 50; ++i) bench_->Step();
  EXPECT_EQ(bench_->read_bursts, 0);
  EXPECT_FALSE(bench_->top().busy_o);
  Start();
  for (int i = 0; i < 50; ++i) bench_->Step();
  EXPECT_EQ(bench_->read_bursts, 0);
}

TEST_F(CommandProcessor, DoorbellRightAfterEnableIsNotLost) {
  bench_->Enable(3);
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().completed_o == 1; }, 500));
}

TEST_F(CommandProcessor, EnableChecksRingAndRecords) {
  struct Case {
    uint64_t ring, records;
    unsigned size;
    bool good;
  };
  const uint64_t top = Top(sizes_), end = 0x1000'0000;
  const Case cases[] = {
      {0x1000, 0x10000, 3, true},        {0x1040, 0x10000, 3, false},
      {0x1000, 0x10010, 3, false},       {0x1000, 0x10020, 3, true},
      {end - 1024, 0x10000, 3, true},    {end - 896, 0x10000, 3, false},
      {0x1000, end - 256, 3, true},      {0x1000, end - 224, 3, false},
      {kReadBase, 0x10000, 3, true},     {kWriteBase, 0x10000, 3, false},
      {0x1000, kWriteBase, 3, true},     {0x1000, kReadBase, 3, false},
      {top - 1024, 0x10000, 3, true},    {top - 512, 0x10000, 3, false},
      {top + 0x1000, 0x10000, 3, false}, {0x1000, top + 0x10000, 3, false},
      {0x1000, 0x10000, 17, false},      {0x1000, 0x10000, 31, false},
      {~0x7full, 0x10000, 0, false},
  };
  for (const Case& c : cases) {
    auto& t = bench_->top();
    const int faults = bench_->irq_fault;
    t.ring_i = c.ring;
    t.record_i = c.records;
    t.ring_size_i = c.size;
    t.enable_i = 1;
    bench_->Step();
    bench_->Step();
    ASSERT_TRUE(Idle(100));
    EXPECT_EQ(!t.faulted_o, c.good) << std::hex << c.ring << " " << c.records << " " << c.size;
    if (!c.good) {
      ExpectFault(20, 0, 0, 0);
      bench_->Step();
      EXPECT_EQ(bench_->irq_fault, faults + 1);
    }
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, RingAndRecordsLieAnywhere) {
  auto& t = bench_->top();
  t.window_base_i[0] = 0;
  t.window_last_i[0] = Top(sizes_) - 1;
  t.window_permit_i[0] = 3;
  const auto anywhere = [&](uint64_t bytes, uint64_t alignment) {
    const uint64_t most = Top(sizes_) - bytes;
    const uint64_t address = bench_->random()() >> (64 - sizes_.address_width);
    return std::min(address >> bench_->random()() % 20, most) & -alignment;
  };
  for (int i = 0; i < 200; ++i) {
    bench_->ring = anywhere(8 * 128, 128);
    do bench_->records = anywhere(8 * 32, 32);
    while (bench_->records + 256 > bench_->ring && bench_->records < bench_->ring + 1024);
    Start(3);
    for (uint32_t c = 0; c < 11; c += 5) {  // the second time round the ring, too
      for (uint32_t n = c; n < c + 5; ++n) bench_->Put(n, Nop(true));
      bench_->Doorbell(c + 5);
      ASSERT_TRUE(Idle());
      ASSERT_EQ(t.completed_o, c + 5);
      for (uint32_t n = c; n < c + 5; ++n) ASSERT_EQ(bench_->ReadRecord(n).index, n);
    }
    bench_->QueueReset();
  }
}

// ---- records and completion ----

TEST_F(CommandProcessor, RecordsHaveTheirFieldsAndOnlyThoseAskedForAreWritten) {
  Start(4);
  bench_->advance = [&](unsigned) { return bench_->random()() % 4 == 0; };
  const Command commands[] = {Load(3, true), Load(2, false), Matrix(4, true), Store(5, true),
                              Nop(true),     Nop(false),     Store(1, false)};
  const unsigned units[] = {1, 1, 2, 3, 0, 0, 3}, opcodes[] = {0x10, 0x10, 0x20, 0x30, 1, 1, 0x30};
  for (uint32_t i = 0; i < 7; ++i) bench_->Put(i, commands[i]);
  const uint64_t begin = bench_->top().cycle_o;
  bench_->Doorbell(7);
  ASSERT_TRUE(Idle());
  const uint64_t end = bench_->top().cycle_o;
  for (uint32_t i = 0; i < 7; ++i) {
    if (!commands[i].Get(0, 24, 1)) {
      EXPECT_TRUE(bench_->RecordUntouched(i)) << i;
      continue;
    }
    const Record r = bench_->ReadRecord(i);
    EXPECT_EQ(r.index, i);
    EXPECT_EQ(r.state, 1);
    EXPECT_EQ(r.cause, 0);
    EXPECT_EQ(r.unit, units[i]);
    EXPECT_EQ(r.opcode, opcodes[i]);
    EXPECT_EQ(r.address, 0u);
    EXPECT_LT(begin, r.start);
    EXPECT_LE(r.start, r.end);
    EXPECT_LT(r.end, end);
  }
  EXPECT_EQ(bench_->commands_done, 7);
}

TEST_F(CommandProcessor, CompletionAndInterruptComeAfterTheRecordsResponse) {
  Start();
  bench_->hold_b = true;
  bench_->Put(0, Nop(true, true));
  bench_->Put(1, Nop(false, true));
  bench_->Doorbell(2);
  for (int i = 0; i < 400; ++i) bench_->Step();
  EXPECT_EQ(bench_->top().completed_o, 0u);
  EXPECT_EQ(bench_->irq_command, 1) << "the one without a record only";
  EXPECT_TRUE(bench_->top().busy_o);
  EXPECT_EQ(bench_->ReadRecord(0).state, 1);
  bench_->hold_b = false;
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->top().completed_o, 2u);
  EXPECT_EQ(bench_->irq_command, 2);
  bench_->Step();
  EXPECT_EQ(bench_->irq_idle, 1);
}

TEST_F(CommandProcessor, RecordErrorFailsTheCommandWithoutInterrupt) {
  Start();
  bench_->error_write_burst = 0;
  Command c = Load(2, true).Set(0, 25, 1, 1);
  bench_->Put(0, c);
  bench_->Put(1, Load(1));
  bench_->Doorbell(2);
  ASSERT_TRUE(FaultSeen());
  ExpectFault(17, 0, 0, bench_->records);
  EXPECT_EQ(bench_->irq_command, 0);
  bench_->QueueReset();
  bench_->error_write_burst = -1;
  ExpectUsable();
}

// One slow command holds the count back; others run past it as far as completion can follow, and
// none is lost.
TEST_F(CommandProcessor, CommandsBehindASlowOneWaitWhenCompletionCannotFollow) {
  Start(9);
  bool go = false;
  bench_->advance = [&](unsigned unit) { return unit != 0 || go; };
  bench_->Put(0, Load(2, true));
  for (uint32_t i = 1; i < 400; ++i) bench_->Put(i, Nop(false, true));
  bench_->Doorbell(400);
  int before = -1;
  while (before != bench_->irq_command) {
    before = bench_->irq_command;
    for (int i = 0; i < 4000; ++i) bench_->Step();
  }
  EXPECT_EQ(bench_->top().completed_o, 0u);
  EXPECT_GT(before, 0);
  EXPECT_LT(before, 399) << "further than any of its tables reach";
  go = true;
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->top().completed_o, 400u);
  EXPECT_EQ(bench_->irq_command, 399);
  EXPECT_EQ(bench_->commands_done, 400);
}

// Held off for as long as the memory likes, the record's address neither goes away nor is repeated.
TEST_F(CommandProcessor, RecordsWaitForTheirAddressAndFollowOneAnother) {
  Start();
  bench_->hold_aw = true;
  for (uint32_t i = 0; i < 12; ++i) bench_->Put(i, Nop(true, true));
  bench_->Doorbell(12);
  for (int i = 0; i < 1500; ++i) bench_->Step();
  EXPECT_EQ(bench_->top().completed_o, 0u);
  EXPECT_EQ(bench_->irq_command, 0);
  bench_->write_latency = 200;
  bench_->hold_aw = false;
  const uint64_t released = bench_->cycles;
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->irq_command, 12);
  for (uint32_t i = 0; i < 12; ++i) EXPECT_EQ(bench_->ReadRecord(i).index, i);
  // Eight bursts may be owed: far fewer latencies than records.
  const unsigned bursts =
      std::max(1u, 32 / sizes_.bus_bytes /
                       std::min(sizes_.max_burst_beats, std::max(1u, 32 / sizes_.bus_bytes)));
  EXPECT_LT(bench_->cycles - released, 200u * (12 * bursts / 8 + 2) + 600);
}

}  // namespace
}  // namespace systolith::test
