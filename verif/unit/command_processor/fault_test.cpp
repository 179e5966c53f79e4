// Faults of commands and of the queue.
#include <algorithm>
#include <bit>

#include "fixture.h"
#include "on_chip_memories.hpp"

namespace systolith::test {
namespace {

TEST_F(CommandProcessor, RefusalWaitsForAllEarlierCommands) {
  Start();
  bool go = false;
  bench_->advance = [&](unsigned) { return go; };
  bench_->Put(0, Load(5, true));
  bench_->Put(1, Matrix(5, true));
  bench_->Put(2, Store(5, true));
  bench_->Put(3, Load().Set(0, 0, 8, 9));
  bench_->Put(4, Load(1, true));
  bench_->Doorbell(5);
  for (int i = 0; i < 1000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().faulted_o);
  EXPECT_EQ(bench_->started.size(), 3u);
  EXPECT_TRUE(bench_->RecordUntouched(3));
  go = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(1, 1, 3, 0);
  EXPECT_EQ(bench_->top().completed_o, 4u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(bench_->ReadRecord(i).state, 1);
  EXPECT_EQ(bench_->ReadRecord(3).state, 2);
  EXPECT_EQ(bench_->ReadRecord(3).index, 3u);
  EXPECT_TRUE(bench_->RecordUntouched(4));
  EXPECT_EQ(bench_->started.size(), 3u);
  EXPECT_FALSE(bench_->top().busy_o);
  EXPECT_EQ(bench_->irq_fault, 1);
}

TEST_F(CommandProcessor, FetchErrorOnAnyBeatRefusesItsCommand) {
  const unsigned beats = 128 / sizes_.bus_bytes;
  for (unsigned beat = 0; beat < 3 * beats; ++beat) {
    bench_->HardReset();
    Start(3);
    bench_->taken.clear();
    bench_->read_addresses.clear();
    bench_->error_read_beat = beat;
    for (uint32_t i = 0; i < 5; ++i) bench_->Put(i, Load(2, true));
    bench_->Doorbell(5);
    ASSERT_TRUE(FaultSeen());
    const uint32_t index = beat / beats;
    const uint64_t address = bench_->ring + uint64_t{beat} * sizes_.bus_bytes;
    EXPECT_EQ(bench_->top().fault_cause_o, 16);
    EXPECT_EQ(bench_->top().fault_unit_o, 0);
    EXPECT_EQ(bench_->top().fault_index_o, index);
    // The burst that brought the beat.
    uint64_t burst = 0;
    for (const uint64_t a : bench_->read_addresses) {
      if (a <= address) burst = a;
    }
    EXPECT_EQ(bench_->top().fault_address_o, burst);
    EXPECT_EQ(bench_->taken.size(), index);
    EXPECT_EQ(bench_->top().completed_o, index + 1);
    EXPECT_EQ(bench_->ReadRecord(index).cause, 16);
    EXPECT_EQ(bench_->ReadRecord(index).opcode, 0);
    EXPECT_TRUE(bench_->RecordUntouched(index + 1));
    bench_->error_read_beat = -1;
    bench_->QueueReset();
  }
  ExpectUsable();
}

TEST_F(CommandProcessor, ExecutionFaultStopsStartsAndLetsRunningCommandsFinish) {
  Start();
  bool go_matrix = false, go_load = false;
  bench_->advance = [&](unsigned unit) { return unit == 0 ? go_load : unit == 1 ? go_matrix : 1u; };
  bench_->Put(0, Load(4, false));
  bench_->Put(1, Matrix(6, true));
  bench_->Put(2, Load(4, true));
  bench_->Put(3, Store(4, true));
  bench_->Put(4, Matrix(1, true));
  bench_->Doorbell(5);
  for (int i = 0; i < 800; ++i) bench_->Step();
  EXPECT_EQ(bench_->started.size(), 3u);  // 0, 1 and 3
  bench_->debt[0] = true;
  bench_->fail[0] = true;
  go_load = true;
  for (int i = 0; i < 100; ++i) bench_->Step();
  EXPECT_TRUE(bench_->top().halt_o) << "nothing more starts while the unit still pays";
  EXPECT_TRUE(bench_->RecordUntouched(0));
  bench_->debt[0] = false;
  for (int i = 0; i < 200; ++i) bench_->Step();
  EXPECT_TRUE(bench_->top().halt_o);
  EXPECT_FALSE(bench_->top().faulted_o) << "the matrix command still runs";
  EXPECT_TRUE(bench_->top().busy_o);
  go_matrix = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 0);
  EXPECT_EQ(bench_->irq_fault, 1);
  EXPECT_EQ(bench_->ReadRecord(0).state, 2) << "without the flag too";
  EXPECT_EQ(bench_->ReadRecord(1).state, 1);
  EXPECT_TRUE(bench_->RecordUntouched(2));
  EXPECT_EQ(bench_->ReadRecord(3).state, 1);
  EXPECT_TRUE(bench_->RecordUntouched(4));
  EXPECT_EQ(bench_->top().completed_o, 2u);
  EXPECT_EQ(bench_->started.size(), 3u);
  bench_->fail[0] = false;
  bench_->QueueReset();
  ExpectUsable();
}

TEST_F(CommandProcessor, AFaultsAddressReachesRecordAndRegister) {
  for (unsigned i = 0; i < 60; ++i) {
    Start();
    const unsigned unit = i % 3;
    const uint64_t address = bench_->random()();
    bench_->top().fail_address_i = address;
    bench_->fail[unit] = true;
    bench_->Put(0, unit == 0 ? Load() : unit == 1 ? Matrix() : Store());
    bench_->Doorbell(1);
    ASSERT_TRUE(FaultSeen());
    ExpectFault(12, unit + 1, 0, address);
    EXPECT_EQ(bench_->ReadRecord(0).address, address);
    bench_->fail[unit] = false;
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, FirstFaultInRingOrderIsReported) {
  Start();
  bool go_load = false;
  bench_->advance = [&](unsigned unit) { return unit == 0 ? go_load : 1u; };
  bench_->Put(0, Load(4));
  bench_->Put(1, Store(4));
  bench_->fail = {true, false, true};
  bench_->Doorbell(2);
  for (int i = 0; i < 500; ++i) bench_->Step();
  EXPECT_EQ(bench_->ReadRecord(1).state, 2);
  EXPECT_FALSE(bench_->top().faulted_o);
  go_load = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 0);
  EXPECT_EQ(bench_->top().completed_o, 2u);
}

// Commands that ended behind the faulting one are counted before the queue stands: a host that sees
// the fault may read `completed` at once.
// In a bit, in two where one is corrected; what waits in the head of the queue is not read again.
TEST_F(CommandProcessor, ACommandThatItsQueueGivesWronglyFailsUnstarted) {
  if (sizes_.queue_depth < 3) return;  // nothing waits behind the head
  sim::OnChipMemories memories(*bench_->top().contextp());
  const auto& list = memories.list();
  const auto queues = std::find_if(list.begin(), list.end(), [](const auto& m) {
    return m.name.ends_with("u_queues.u_memory");
  });
  ASSERT_NE(queues, list.end());
  const auto memory = static_cast<std::size_t>(queues - list.begin());
  const bool secded = queues->width % 72 == 0;  // 64 bits and 8 check bits, else a parity bit
  const uint32_t slots = std::bit_ceil(sizes_.queue_depth);
  constexpr uint8_t kOpcodes[] = {0x10, 0x20, 0x30};
  for (unsigned unit = 0; unit < 3; ++unit) {
    for (uint32_t bad = 2; bad <= sizes_.queue_depth; ++bad) {
      const bool fails = !secded || bad % 2 == 0;
      bench_->HardReset();
      Start(7);
      bool go = false;
      bench_->advance = [&](unsigned) { return go; };
      for (uint32_t i = 0; i < bad + 2; ++i)
        bench_->Put(i, unit == 0 ? Load(1, true) : unit == 1 ? Matrix(1, true) : Store(1, true));
      bench_->Doorbell(bad + 1);
      for (int i = 0; i < 1000; ++i) bench_->Step();
      EXPECT_EQ(bench_->taken.size(), 1u);
      const uint32_t place = bad % sizes_.queue_depth;
      const auto word = unit * slots + place;
      memories.flip(memory, word, 70);
      if (secded && fails) memories.flip(memory, word, 65);
      go = true;
      bench_->Doorbell(bad + 2);
      if (fails) {
        ASSERT_TRUE(FaultSeen());
        ExpectFault(22, 0, bad, place);
        EXPECT_EQ(bench_->top().completed_o, bad + 1);
        EXPECT_EQ(bench_->taken.size(), bad);
        EXPECT_EQ(bench_->ReadRecord(bad).state, 2);
        EXPECT_EQ(bench_->ReadRecord(bad).unit, 0);
        EXPECT_EQ(bench_->ReadRecord(bad).opcode, kOpcodes[unit]);
        EXPECT_TRUE(bench_->RecordUntouched(bad + 1));
      } else {
        ASSERT_TRUE(Idle());
        EXPECT_FALSE(bench_->top().faulted_o);
        EXPECT_EQ(bench_->top().completed_o, bad + 2);
      }
      ASSERT_FALSE(HasFailure()) << "unit " << unit << " command " << bad;
    }
  }
}

TEST_F(CommandProcessor, CompletedIsFinalOnceTheQueueStands) {
  for (const bool record : {false, true}) {
    bench_->HardReset();
    Configure();
    Start();
    bool go_load = false;
    bench_->advance = [&](unsigned unit) { return unit == 0 ? unsigned{go_load} : 1u; };
    bench_->Put(0, Load(4));
    constexpr uint32_t kStores = 10;
    for (uint32_t i = 1; i <= kStores; ++i) bench_->Put(i, Store(1, record));
    bench_->fail = {true, false, false};
    bench_->Doorbell(kStores + 1);
    for (int i = 0; i < 1500; ++i) bench_->Step();
    EXPECT_EQ(bench_->top().completed_o, 0u);
    go_load = true;
    ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().faulted_o != 0; }));
    EXPECT_EQ(bench_->top().completed_o, kStores + 1) << record;
    EXPECT_FALSE(bench_->top().busy_o);
  }
}

TEST_F(CommandProcessor, FaultOfALaterCommandDoesNotReplaceTheFirst) {
  Start();
  bool go_store = false;
  bench_->Put(0, Load(4));
  bench_->Put(1, Store(4));
  bench_->advance = [&](unsigned unit) { return unit == 1 ? 1u : unsigned{go_store}; };
  bench_->fail = {true, false, true};
  bench_->Doorbell(2);
  for (int i = 0; i < 300; ++i) bench_->Step();  // both have started
  bench_->advance = [&](unsigned unit) { return unit == 2 ? unsigned{go_store} : 1u; };
  for (int i = 0; i < 300; ++i) bench_->Step();
  EXPECT_EQ(bench_->ReadRecord(0).state, 2);
  EXPECT_FALSE(bench_->top().faulted_o);
  go_store = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 0);
  EXPECT_EQ(bench_->ReadRecord(1).state, 2);
  EXPECT_EQ(bench_->top().completed_o, 2u);
}

TEST_F(CommandProcessor, RecordErrorOfALaterCommandDoesNotReplaceTheFirst) {
  Start();
  bool go_load = false, go_store = false;
  bench_->Put(0, Load(4));
  bench_->Put(1, Store(4, true));
  bench_->advance = [&](unsigned unit) { return unsigned{unit == 2 ? go_store : go_load}; };
  const unsigned beats = std::max(1u, 32 / sizes_.bus_bytes);
  bench_->error_write_burst = beats / std::min(sizes_.max_burst_beats, beats);  // after record 0's
  bench_->Doorbell(2);
  for (int i = 0; i < 300; ++i) bench_->Step();  // both have started
  bench_->fail[0] = go_load = true;
  for (int i = 0; i < 300; ++i) bench_->Step();
  EXPECT_EQ(bench_->ReadRecord(0).state, 2);
  EXPECT_FALSE(bench_->top().faulted_o) << "the store command still runs";
  go_store = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 0);
}

TEST_F(CommandProcessor, CommandBlockedByRowsIsAbortedAfterAFault) {
  for (const bool after_timeout : {false, true}) {
    if (after_timeout) {  // of a command with the same index, before a reset
      bench_->top().semaphore_timeout_i = 300;
      Start();
      Command victim = Matrix(1, true);
      bench_->Put(0, Load());
      bench_->Put(1, Wait(victim, 0, Sync(1, 3)));
      bench_->Doorbell(2);
      ASSERT_TRUE(FaultSeen());
      ExpectFault(19, 2, 1, 3);
      bench_->top().semaphore_timeout_i = 0;
      bench_->QueueReset();
    }
    Start();
    Command producer = Load(8, true), consumer = Matrix(8, true);
    Signal(producer, 0, Sync(1, 3, 0));
    Wait(consumer, 0, Sync(1, 3, 0));
    bench_->Put(0, producer);
    bench_->Put(1, consumer);
    bench_->Doorbell(2);
    int rows = 0;
    bench_->advance = [&](unsigned unit) {
      if (unit != 0) return 1u;
      if (rows == 2 && bench_->started.size() < 2) return 0u;
      if (bench_->started.empty()) return 0u;
      bench_->fail[0] = ++rows > 3;
      return 1u;
    };
    ASSERT_TRUE(FaultSeen());
    ExpectFault(12, 1, 0, 3);
    EXPECT_EQ(bench_->ReadRecord(0).state, 2);
    EXPECT_EQ(bench_->ReadRecord(1).state, 3);
    EXPECT_EQ(bench_->ReadRecord(1).cause, 23);
    EXPECT_EQ(bench_->top().completed_o, 2u);
    bench_->fail[0] = false;
    bench_->advance = [](unsigned) { return 1u; };
    bench_->QueueReset();
    ExpectUsable();
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, SemaphoreOverflowIsAFault) {
  Start();
  Command c = Load(1);
  Signal(c, 0, Sync(65535, 2));
  bench_->Put(0, c);
  bench_->Put(1, c);
  bench_->Doorbell(2);
  ASSERT_TRUE(FaultSeen());
  EXPECT_EQ(bench_->top().fault_cause_o, 13);
  EXPECT_EQ(bench_->top().fault_index_o, 1u);
}

}  // namespace
}  // namespace systolith::test
