// The device's queue: ring, records, semaphores, faults, interrupts, reset.
#include "device_fixture.h"

#include "reference.h"

namespace systolith::model {
namespace {

using test::Bench;
using test::good_load;
using test::good_store;
using test::kData;
using test::kUnit;
using test::load_accumulators;
using test::load_scratchpad;
using test::matrix;
using test::nop;
using test::Product;
using test::store_accumulators;
using test::store_scratchpad;

class Queue : public testing::Test {
 protected:
  Queue() : bench("4x4") { bench.enable(); }
  Bench bench;
};

TEST_F(Queue, CompletedCommandWritesItsRecordAndCounts) {
  bench.run(good_load());
  EXPECT_EQ(bench.completed(), 1u);
  const systolith_record_t record = bench.record_of(0);
  EXPECT_EQ(record.words[0],
            0x1001'0001'0000'0000u);  // opcode 0x10, unit 1, cause 0, state 1, index 0
  EXPECT_EQ(record.words[1], 0u);
  bench.run(nop().record(false));
  EXPECT_EQ(bench.completed(), 2u);
  EXPECT_EQ(bench.record_of(1).words[0], 0xA5A5A5A5A5A5A5A5u);
}

TEST_F(Queue, RingWrapsAndIndicesRunOn) {
  for (std::uint32_t i = 0; i < 3 * 16 + 1; ++i) {
    bench.run(nop());
    ASSERT_EQ(bench.completed(), i + 1);
    ASSERT_EQ(SYSTOLITH_GET(bench.record_of(i).words, RECORD_INDEX), i);
  }
  for (int batch = 0; batch < 4; ++batch) {
    for (int i = 0; i < 16; ++i) bench.put(nop());
    bench.ring();
    ASSERT_EQ(bench.completed(), bench.tail);
  }
}

TEST_F(Queue, DoorbellPastTheRingIsAnOverrun) {
  bench.run(nop());
  bench.device.write32(SYSTOLITH_REGISTER_DOORBELL, 18);
  EXPECT_TRUE(bench.faulted());
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT), SYSTOLITH_CAUSE_RING_OVERRUN);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT_INDEX), 1u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO), 18u);
  bench.ring();
  EXPECT_EQ(bench.completed(), 1u);
}

TEST_F(Queue, DoorbellWithPartialStrobesOrBeforeEnableIsIgnored) {
  bench.put(nop());
  bench.device.write32(SYSTOLITH_REGISTER_DOORBELL, 1, 0x7);
  EXPECT_EQ(bench.completed(), 0u);
  bench.reset();
  bench.put(nop());
  bench.ring();
  EXPECT_EQ(bench.completed(), 0u);
}

TEST_F(Queue, EnableChecksRingAndRecords) {
  const struct {
    std::uint64_t ring, record;
    std::uint32_t log2;
    bool good;
  } cases[] = {
      {Bench::kRing, Bench::kRecords, 4, true},
      {Bench::kRing + 64, Bench::kRecords, 4, false},
      {Bench::kRing, Bench::kRecords + 16, 4, false},
      {Bench::kRing, Bench::kRecords, 17, false},
      {Bench::kRing, Bench::kRecords, 16, false},                      // ring past the window
      {Bench::kBase + Bench::kSize - 2048, Bench::kRecords, 4, true},  // exactly
      {Bench::kBase + Bench::kSize - 2048 + 128, Bench::kRecords, 4, false},
      {Bench::kRing, Bench::kBase + Bench::kSize - 512 + 32, 4, false},
      {Bench::kRing | std::uint64_t{1} << 40, Bench::kRecords, 4, false},
  };
  for (const auto& c : cases) {
    bench.reset();
    bench.write64(SYSTOLITH_REGISTER_RING_LO, c.ring);
    bench.write64(SYSTOLITH_REGISTER_RECORD_LO, c.record);
    bench.device.write32(SYSTOLITH_REGISTER_RING_SIZE, c.log2);
    bench.device.write32(SYSTOLITH_REGISTER_CONTROL, 1);
    EXPECT_EQ(bench.faulted(), !c.good) << std::hex << c.ring;
    EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT), c.good ? 0u : unsigned{SYSTOLITH_CAUSE_RING});
  }
}

TEST_F(Queue, WindowsAndRingAreLockedWhileEnabled) {
  bench.window(0, 0, 0, 0);
  bench.write64(SYSTOLITH_REGISTER_RING_LO, 0);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_WINDOW_BASE_LO), 0x8000'0000u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_RING_LO), 0x8000'0000u);
  bench.reset();
  bench.window(0, 0x1000, 0x1FFF, 1);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_WINDOW_BASE_LO), 0x1000u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_WINDOW_PERMIT), 1u);
}

TEST_F(Queue, ScaleOfAColumnIsCheckedInExecution) {
  const std::uint32_t scales[] = {0x3F800000, 0x3F800000, 0x7F800000, 0};
  bench.poke(kData, scales, sizeof scales);
  bench.put(load_scratchpad().rows(kData, 16, 1, 0).local(7, 0));
  auto store = store_accumulators(2).rows(kData + 0x100, 4, 1, 0);
  SYSTOLITH_SET(store.command.words, STORE_SCALE_PER_COLUMN, 1);
  SYSTOLITH_SET(store.command.words, STORE_SCALE_LINE, 7);
  bench.put(store);
  bench.put(nop());
  bench.ring();
  bench.expect_fault(SYSTOLITH_CAUSE_SCALE, 1, 2);
  EXPECT_EQ(bench.completed(), 2u) << "nothing younger starts";
}

TEST_F(Queue, ChainOfTheOtherTypeIsATypeTagFaultWithTheRow) {
  bench.poke(kData, "\1\0\0\0\1\0\0\0", 8);
  bench.put(load_accumulators(SYSTOLITH_TAG_INT32).rows(kData, 4, 2, 4).local(5, 1));
  Product product = kUnit;
  product.m = 3;
  product.c_base = 4;
  product.accumulate = true;
  bench.put(matrix(product));
  bench.ring();
  bench.expect_fault(SYSTOLITH_CAUSE_TYPE_TAG, 1, 5);
}

TEST_F(Queue, StoreOfTheOtherTypeIsATypeTagFaultWithTheRow) {
  bench.put(load_accumulators(SYSTOLITH_TAG_INT32).rows(kData, 4, 1, 4).local(5, 1));
  bench.put(store_accumulators(SYSTOLITH_CONVERSION_BF16).rows(kData, 2, 3, 2).local(4, 1));
  bench.ring();
  bench.expect_fault(SYSTOLITH_CAUSE_TYPE_TAG, 1, 5);
}

TEST_F(Queue, SemaphoresCountByRowsOnBothEnds) {
  bench.put(load_scratchpad().rows(kData, 4, 7, 4).local(0, 1).signal(2, 3, 1));  // 4 signals of 3
  bench.ring();
  EXPECT_EQ(bench.device.semaphores()[2], 12u);
  Product product = kUnit;
  product.m = 2;
  product.k = 9;  // 3 blocks of 4: 6 rows
  bench.put(matrix(product).wait(2, 2, 0).signal(4, 1, 2));
  bench.ring();
  EXPECT_FALSE(bench.faulted());
  EXPECT_EQ(bench.device.semaphores()[2], 0u);
  EXPECT_EQ(bench.device.semaphores()[4], 2u);
  bench.put(good_store().wait(4, 3));
  bench.ring();
  bench.expect_fault(SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT, 2, 4);
}

TEST_F(Queue, WaitWithTheTimeOutOffStaysBusyUntilTheReset) {
  bench.device.write32(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, 0);
  bench.put(good_load().wait(1));
  bench.put(nop());
  bench.ring();
  EXPECT_FALSE(bench.faulted());
  EXPECT_EQ(bench.completed(), 0u);
  EXPECT_NE(bench.reg(SYSTOLITH_REGISTER_STATUS) & 1, 0u);
  bench.reset();
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_STATUS) & 1, 0u);
}

TEST_F(Queue, SemaphorePast65535IsAnOverflow) {
  bench.run(good_load().signal(1, 65535));
  EXPECT_FALSE(bench.faulted());
  bench.run(good_load().signal(1, 1));
  bench.expect_fault(SYSTOLITH_CAUSE_SEMAPHORE_OVERFLOW, 1, 1);
}

TEST_F(Queue, BusErrorsNameTheirBurst) {
  // 64-byte beats, bursts of 4: rows of 600 bytes from 0x30 are bursts at 0, 0x100, 0x200.
  bench.memory.fail_reads(kData + 0x150, kData + 0x150);
  bench.run(load_scratchpad().rows(kData + 0x30, 600, 1, 0).local(0, 0));
  bench.expect_fault(SYSTOLITH_CAUSE_BUS_READ, 0, kData + 0x100);
  bench.memory.clear_failures();
  bench.reset();
  bench.enable();
  bench.memory.fail_writes(kData + 0x287, kData + 0x287);
  bench.run(store_scratchpad().rows(kData + 0x30, 600, 1, 0).local(0, 0));
  bench.expect_fault(SYSTOLITH_CAUSE_BUS_WRITE, 0, kData + 0x200);
  bench.memory.clear_failures();
  bench.reset();
  bench.enable();
  // Rows that follow one another are walked as one run, but for those that a wait goes by.
  bench.memory.fail_reads(kData + 0x90, kData + 0x90);
  bench.run(load_scratchpad().rows(kData, 0x50, 3, 0x50).local(0, 2));
  bench.expect_fault(SYSTOLITH_CAUSE_BUS_READ, 0, kData);
  bench.reset();
  bench.enable();
  bench.put(matrix(kUnit).signal(0, 3));
  bench.put(load_scratchpad().rows(kData, 0x50, 3, 0x50).local(0, 2).wait(0, 1, 0));
  bench.ring();
  bench.expect_fault(SYSTOLITH_CAUSE_BUS_READ, 1, kData + 0x40);
}

TEST_F(Queue, FetchErrorFailsTheFirstCommandOfTheErroneousBeat) {
  for (int i = 0; i < 5; ++i) bench.put(nop());
  bench.memory.fail_reads(Bench::kRing + 3 * 128, Bench::kRing + 3 * 128);
  bench.ring();
  // Bursts of 2 commands here: 4 beats of 64 bytes.
  EXPECT_EQ(bench.completed(), 4u);
  bench.expect_fault(SYSTOLITH_CAUSE_BUS_FETCH, 3, Bench::kRing + 2 * 128);
  EXPECT_EQ(SYSTOLITH_GET(bench.record_of(3).words, RECORD_OPCODE), 0u);
}

TEST_F(Queue, FetchBurstEndsAtAPageAndAtTheRingsWrap) {
  // 2 commands a burst, one to the page's end: bursts start with commands 0, 1, 3, 5, ...
  constexpr std::uint64_t kRing = Bench::kRing + 0xF80;
  for (const auto& [failing, first] : {std::pair{2u, 1u}, std::pair{3u, 3u}, std::pair{15u, 15u}}) {
    bench.memory.clear_failures();
    bench.reset();
    bench.write64(SYSTOLITH_REGISTER_RING_LO, kRing);
    bench.device.write32(SYSTOLITH_REGISTER_CONTROL, 1);
    for (std::uint32_t i = 0; i < 16; ++i) {
      bench.poke(kRing + 128 * i, nop().command.words, SYSTOLITH_COMMAND_BYTES);
    }
    bench.memory.fail_reads(kRing + 128 * failing, kRing + 128 * failing);
    bench.device.write32(SYSTOLITH_REGISTER_DOORBELL, 16);
    bench.expect_fault(SYSTOLITH_CAUSE_BUS_FETCH, failing, kRing + 128 * first);
  }
}

TEST_F(Queue, RecordThatCannotBeWrittenFailsTheQueueWithoutAnInterrupt) {
  bench.memory.fail_writes(Bench::kRecords + 32, Bench::kRecords + 32);
  bench.put(nop());
  bench.put(nop().interrupt());
  bench.put(nop());
  bench.ring();
  EXPECT_TRUE(bench.faulted());
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT) & 0xFF, SYSTOLITH_CAUSE_BUS_RECORD);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT_INDEX), 1u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO), Bench::kRecords + 32);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_IRQ_STATUS) & 1, 0u);
  EXPECT_EQ(bench.completed(), 2u);
}

TEST_F(Queue, InterruptFollowsEnabledEventsAndIsClearedByWritingOne) {
  bench.device.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xF);
  EXPECT_FALSE(bench.device.interrupt());
  bench.run(nop().interrupt());
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_IRQ_STATUS), 5u);  // command, idle
  EXPECT_FALSE(bench.device.interrupt());
  bench.device.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, 1);
  EXPECT_TRUE(bench.device.interrupt());
  bench.device.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 4);
  EXPECT_TRUE(bench.device.interrupt());
  bench.device.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 1);
  EXPECT_FALSE(bench.device.interrupt());
}

TEST_F(Queue, ResetClearsEverythingOfAContext) {
  bench.put(load_scratchpad().rows(kData, 64, 1, 0).local(3, 0).signal(5, 2));
  bench.put(load_accumulators(1).rows(kData, 16, 1, 0).local(3, 0));
  bench.put(nop().wait(1));
  bench.ring();
  EXPECT_TRUE(bench.faulted());
  bench.device.write32(SYSTOLITH_REGISTER_CONTROL, 3);  // start and reset in one write: reset
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_STATUS), 0u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_CONTROL), 0u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FAULT), 0u);
  EXPECT_EQ(bench.completed(), 0u);
  EXPECT_EQ(bench.device.semaphores()[5], 0u);
  for (const std::byte byte : bench.device.scratchpad()) ASSERT_EQ(byte, std::byte{0});
  for (const std::uint32_t word : bench.device.accumulators()) ASSERT_EQ(word, 0u);
  for (const std::uint8_t tag : bench.device.tags()) ASSERT_EQ(tag, SYSTOLITH_TAG_NONE);
  EXPECT_NE(bench.reg(SYSTOLITH_REGISTER_IRQ_STATUS) & 8, 0u);
  bench.tail = 0;
  bench.enable();
  bench.run(matrix(kUnit).signal(5));  // bound to another unit before the reset
  EXPECT_FALSE(bench.faulted());
}

TEST_F(Queue, OutcomesReplayWhichCommandsRanAroundAFault) {
  bench.poke(kData, "abcd", 4);
  bench.put(load_scratchpad().rows(kData, 4, 1, 0).local(0, 0).signal(0));
  bench.put(store_scratchpad().rows(kData + 0x100, 4, 1, 0).local(0, 0).wait(0));  // never started
  bench.put(load_scratchpad().rows(kData + 0x200, 4, 1, 0).local(1, 0));  // fails on the bus
  bench.put(load_scratchpad().rows(kData, 4, 1, 0).local(2, 0));          // aborted
  bench.put(matrix(kUnit));                                               // ran
  bench.memory.fail_reads(kData + 0x200, kData + 0x203);
  bench.device.set_outcomes({{0, SYSTOLITH_STATE_COMPLETED, 0, 0},
                             {2, SYSTOLITH_STATE_FAILED, SYSTOLITH_CAUSE_BUS_READ, kData + 0x200},
                             {3, SYSTOLITH_STATE_ABORTED, SYSTOLITH_CAUSE_ABORTED, 0},
                             {4, SYSTOLITH_STATE_COMPLETED, 0, 0}});
  bench.ring();
  bench.expect_fault(SYSTOLITH_CAUSE_BUS_READ, 2, kData + 0x200);
  EXPECT_EQ(bench.completed(), 1u) << "command 1 never started";
  EXPECT_EQ(bench.peek<std::uint8_t>(kData + 0x100), 0xA5);
  EXPECT_EQ(SYSTOLITH_GET(bench.record_of(3).words, RECORD_STATE), SYSTOLITH_STATE_ABORTED);
  EXPECT_EQ(SYSTOLITH_GET(bench.record_of(4).words, RECORD_STATE), SYSTOLITH_STATE_COMPLETED);
  EXPECT_EQ(bench.device.tags()[0], SYSTOLITH_TAG_FP32);
}

TEST_F(Queue, CountersOfWorkAddUp) {
  bench.device.write32(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1);
  Product product = kUnit;
  product.m = 3;
  product.n = 5;
  product.k = 7;
  product.a_pitch = 1;
  product.b_base = 4;
  product.b_pitch = 1;
  product.c_pitch = 3;
  bench.put(matrix(product));
  bench.put(load_scratchpad().rows(kData + 60, 8, 2, 100).local(0, 1));  // two beats, then one
  bench.ring();
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_MACS_LO), 105u);
  EXPECT_EQ(bench.device.issued_rows(), 2u * 2u * 3u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_BYTES_READ_LO), 2 * 128u + 3 * 64u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_COMMANDS_LO), 2u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_CYCLES_LO), 0u);
}

TEST_F(Queue, UnmappedAndReadOnlyRegistersIgnoreWrites) {
  for (const std::uint32_t offset : {0x0030u, 0x0FFCu, 0x1FFCu, 0x0000u, 0x1020u}) {
    const std::uint32_t before = bench.reg(offset);
    bench.device.write32(offset, 0xFFFFFFFF);
    EXPECT_EQ(bench.reg(offset), before);
  }
  EXPECT_EQ(bench.reg(0x0FFC), 0u);
}

TEST_F(Queue, StrobesWriteOnlyTheirBytes) {
  bench.device.write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 0x11223344);
  bench.device.write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 0xAABBCCDD, 0x5);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_BUS_TIMEOUT), 0x11BB33DDu);
}

}  // namespace
}  // namespace systolith::model
