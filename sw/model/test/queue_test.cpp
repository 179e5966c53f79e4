// The device's queue: ring, records, semaphores, checks at decode, faults, interrupts, reset.
#include "device_fixture.h"

#include "reference.h"

namespace systolith::model {
namespace {

using test::Bench;
using test::CommandBuilder;
using test::load_accumulators;
using test::load_scratchpad;
using test::matrix;
using test::nop;
using test::Product;
using test::store_accumulators;
using test::store_scratchpad;

constexpr std::uint64_t kData = Bench::kData;
constexpr Product kUnit{.m = 1,
                        .n = 1,
                        .k = 1,
                        .a_base = 0,
                        .a_pitch = 0,
                        .b_base = 1,
                        .b_pitch = 0,
                        .c_base = 0,
                        .c_pitch = 0};

CommandBuilder good_load() { return load_scratchpad().rows(kData, 4, 1, 0).local(0, 0); }
CommandBuilder good_store() { return store_scratchpad().rows(kData, 4, 1, 0).local(0, 0); }

class Queue : public testing::Test {
 protected:
  Queue() : bench("4x4") { bench.enable(); }
  /// One command after a queue reset fails like this, and moves no data.
  void expect_refused(const CommandBuilder& command, unsigned cause, std::uint64_t address = 0) {
    bench.reset();
    bench.enable();
    bench.device.write32(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1);
    bench.run(command);
    bench.expect_fault(cause, 0, address);
    EXPECT_EQ(bench.completed(), 1u);
    EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_BYTES_READ_LO), 128u) << "its fetch only";
    EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_BYTES_WRITTEN_LO), 64u) << "its record only, a beat";
  }
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

TEST_F(Queue, BadHeadersAreRefused) {
  expect_refused(nop().word(0, 0x01000102), SYSTOLITH_CAUSE_VERSION);
  expect_refused(CommandBuilder(0x11, 1), SYSTOLITH_CAUSE_OPCODE);
  expect_refused(CommandBuilder(SYSTOLITH_OPCODE_LOAD, SYSTOLITH_UNIT_STORE),
                 SYSTOLITH_CAUSE_OPCODE);
  expect_refused(nop().word(0, 0x05000101), SYSTOLITH_CAUSE_RESERVED);
  expect_refused(nop().wait(0), SYSTOLITH_CAUSE_RESERVED);
  expect_refused(nop().word(15, 1), SYSTOLITH_CAUSE_RESERVED);
  expect_refused(good_load().word(13, 1), SYSTOLITH_CAUSE_RESERVED);
  expect_refused(good_load().word(4, (std::uint64_t{1} << 32) + 4), SYSTOLITH_CAUSE_RESERVED);
  expect_refused(good_load().word(1, 0x0001'0000),
                 SYSTOLITH_CAUSE_RESERVED);  // semaphore without count
  expect_refused(good_load().word(1, 0x0100'0001),
                 SYSTOLITH_CAUSE_RESERVED);  // rows_log2 without by_rows
  expect_refused(good_load().word(1, 0x4000'0001), SYSTOLITH_CAUSE_RESERVED);
  expect_refused(matrix(kUnit).word(3, 0x402), SYSTOLITH_CAUSE_RESERVED);
  expect_refused(good_store().word(6, 1u << 18), SYSTOLITH_CAUSE_RESERVED);
}

TEST_F(Queue, SemaphoresAreCheckedForIndexAndBinding) {
  expect_refused(good_load().wait(16), SYSTOLITH_CAUSE_SEMAPHORE_INDEX, 16);
  expect_refused(good_load().signal(255), SYSTOLITH_CAUSE_SEMAPHORE_INDEX, 255);
  bench.reset();
  bench.enable();
  bench.put(good_load().signal(3));
  bench.put(matrix(kUnit).wait(3));
  bench.put(matrix(kUnit).signal(3));
  bench.ring();
  bench.expect_fault(SYSTOLITH_CAUSE_SEMAPHORE_BINDING, 2, 3);
}

TEST_F(Queue, BadFormatsAreRefused) {
  expect_refused(load_accumulators(0).rows(kData, 4, 1, 0), SYSTOLITH_CAUSE_FORMAT);
  expect_refused(load_accumulators(3).rows(kData, 4, 1, 0), SYSTOLITH_CAUSE_FORMAT);
  expect_refused(good_load().word(6, 0x100), SYSTOLITH_CAUSE_FORMAT);  // tag with the scratchpad
  expect_refused(good_load().word(6, 2), SYSTOLITH_CAUSE_FORMAT);
  for (const unsigned format : {0u, 3u, 6u, 255u})
    expect_refused(matrix(kUnit).word(3, format), SYSTOLITH_CAUSE_FORMAT);
  expect_refused(good_store().word(6, 0x100), SYSTOLITH_CAUSE_FORMAT);
  expect_refused(good_store().word(6, 0x10000), SYSTOLITH_CAUSE_FORMAT);
  expect_refused(good_store().word(13, 1), SYSTOLITH_CAUSE_FORMAT);
  expect_refused(store_accumulators(3).rows(kData, 4, 1, 0), SYSTOLITH_CAUSE_FORMAT);
  expect_refused(store_accumulators(1, false, 0x3F800000).rows(kData, 2, 1, 0),
                 SYSTOLITH_CAUSE_FORMAT);
  expect_refused(store_accumulators(1).rows(kData, 2, 1, 0).word(6, 0x20101),
                 SYSTOLITH_CAUSE_FORMAT);
}

TEST_F(Queue, SizesOfZeroAndTooLargeAreRefused) {
  expect_refused(load_scratchpad().rows(kData, 0, 1, 0), SYSTOLITH_CAUSE_SIZE);
  expect_refused(load_scratchpad().rows(kData, (1 << 20) + 1, 1, 0), SYSTOLITH_CAUSE_SIZE);
  for (unsigned loop = 0; loop < 4; ++loop) {
    expect_refused(good_load().loop(loop, 0, 0), SYSTOLITH_CAUSE_SIZE);
    expect_refused(good_load().loop(loop, 65537, 0), SYSTOLITH_CAUSE_SIZE);
  }
  expect_refused(good_load().loop(0, 256, 0).loop(1, 256, 0).loop(3, 2, 0), SYSTOLITH_CAUSE_SIZE);
  expect_refused(good_load().loop(0, 0xFFFFFFFF, 0).loop(1, 0xFFFFFFFF, 0).loop(2, 0xFFFFFFFF, 0),
                 SYSTOLITH_CAUSE_SIZE);
  expect_refused(load_accumulators(1).rows(kData, 20, 1, 0),
                 SYSTOLITH_CAUSE_SIZE);  // 5 columns of 4
  expect_refused(load_accumulators(1).rows(kData, 6, 1, 0), SYSTOLITH_CAUSE_SIZE);
  expect_refused(store_accumulators(1).rows(kData, 3, 1, 0), SYSTOLITH_CAUSE_SIZE);
  expect_refused(store_accumulators(1).rows(kData, 10, 1, 0), SYSTOLITH_CAUSE_SIZE);
  for (std::uint32_t Product::*size : {&Product::m, &Product::n, &Product::k}) {
    for (const std::uint32_t value : {0u, 0x80000000u}) {
      Product product = kUnit;
      product.*size = value;
      expect_refused(matrix(product), SYSTOLITH_CAUSE_SIZE);
    }
  }
  Product strips = kUnit;
  strips.m = 3;
  strips.n = 5;
  strips.c_pitch = 2;
  expect_refused(matrix(strips), SYSTOLITH_CAUSE_SIZE);
}

TEST_F(Queue, LocalRangesPastTheEndAreRefusedWithTheirEnd) {
  // 4x4: lines of 64 bytes, 256 lines, 256 accumulator rows
  expect_refused(load_scratchpad().rows(kData, 65, 1, 0).local(255, 0), SYSTOLITH_CAUSE_LOCAL_RANGE,
                 257);
  expect_refused(load_scratchpad().rows(kData, 4, 3, 4).local(10, 123), SYSTOLITH_CAUSE_LOCAL_RANGE,
                 257);
  expect_refused(load_scratchpad().rows(kData, 4, 65536, 0).local(0xFFFFFFFF, 0xFFFFFFFF),
                 SYSTOLITH_CAUSE_LOCAL_RANGE, 0xFFFFFFFFull + 65535 * 0xFFFFFFFFull + 1);
  expect_refused(load_accumulators(2).rows(kData, 16, 2, 16).local(255, 1),
                 SYSTOLITH_CAUSE_LOCAL_RANGE, 257);
  Product a = kUnit;
  a.a_base = 256;
  expect_refused(matrix(a), SYSTOLITH_CAUSE_LOCAL_RANGE, 257);
  Product b = kUnit;
  b.k = 3;
  b.b_base = 255;
  b.b_pitch = 1;
  expect_refused(matrix(b), SYSTOLITH_CAUSE_LOCAL_RANGE, 258);
  Product c = kUnit;
  c.m = 2;
  c.n = 9;
  c.c_base = 250;
  c.c_pitch = 3;
  expect_refused(matrix(c), SYSTOLITH_CAUSE_LOCAL_RANGE, 258);
  auto scales = store_accumulators(2).rows(kData, 4, 1, 0);
  SYSTOLITH_SET(scales.command.words, STORE_SCALE_PER_COLUMN, 1);
  SYSTOLITH_SET(scales.command.words, STORE_SCALE_LINE, 256);
  expect_refused(scales, SYSTOLITH_CAUSE_LOCAL_RANGE, 257);
}

TEST_F(Queue, AddressesOutsideTheWidthAndWindowsAreRefused) {
  const std::uint64_t top = std::uint64_t{1} << 40;
  const auto at = [](std::uint64_t address, std::uint32_t count, std::int64_t stride) {
    return load_scratchpad().rows(address, 4, count, stride).local(0, 0);
  };
  expect_refused(at(kData | top, 1, 0), SYSTOLITH_CAUSE_ADDRESS, kData | top);
  expect_refused(at(top - 3, 1, 0), SYSTOLITH_CAUSE_ADDRESS, top - 3);
  expect_refused(at(kData, 2, -static_cast<std::int64_t>(kData) - 1), SYSTOLITH_CAUSE_ADDRESS,
                 kData);
  expect_refused(at(kData, 65536, INT64_MAX), SYSTOLITH_CAUSE_ADDRESS, kData);
  expect_refused(at(~std::uint64_t{0}, 1, 0), SYSTOLITH_CAUSE_ADDRESS, ~std::uint64_t{0});
  expect_refused(at(Bench::kBase - 1, 1, 0), SYSTOLITH_CAUSE_WINDOW, Bench::kBase - 1);
  expect_refused(at(Bench::kBase + Bench::kSize - 3, 1, 0), SYSTOLITH_CAUSE_WINDOW,
                 Bench::kBase + Bench::kSize - 3);
  expect_refused(at(kData, 3, Bench::kSize), SYSTOLITH_CAUSE_WINDOW, kData);
  // Exactly the last byte, and a stride that a count of 1 makes meaningless.
  bench.reset();
  bench.enable();
  bench.run(at(Bench::kBase + Bench::kSize - 4, 1, INT64_MIN));
  EXPECT_FALSE(bench.faulted());
}

TEST_F(Queue, AddressesOf32BitsNeverWrapToZero) {
  Bench narrow("2x8");
  narrow.window(0, 0, ~std::uint64_t{0}, 3);
  narrow.enable();
  narrow.run(load_scratchpad().rows(0x8000'0000, 4, 3, 0x8000'0000).local(0, 0));
  narrow.expect_fault(SYSTOLITH_CAUSE_ADDRESS, 0, 0x8000'0000);
  narrow.reset();
  narrow.enable();
  narrow.run(load_scratchpad().rows(0xFFFF'FFC0, 128, 1, 0).local(0, 0));
  narrow.expect_fault(SYSTOLITH_CAUSE_ADDRESS, 0, 0xFFFF'FFC0);
}

TEST_F(Queue, OneWindowMustGrantTheWholeExtent) {
  bench.reset();
  bench.window(1, kData, kData + 0xFFF, 1);
  bench.window(2, kData + 0x1000, kData + 0x1FFF, 1);
  bench.window(0, Bench::kBase, kData - 1, 3);
  bench.enable();
  bench.run(load_scratchpad().rows(kData + 0xFFC, 4, 1, 0).local(0, 0));
  EXPECT_FALSE(bench.faulted());
  bench.run(load_scratchpad().rows(kData + 0xFFC, 8, 1, 0).local(0, 0));
  bench.expect_fault(SYSTOLITH_CAUSE_WINDOW, 1, kData + 0xFFC);
  bench.reset();
  bench.enable();
  bench.run(good_store());
  bench.expect_fault(SYSTOLITH_CAUSE_WINDOW, 0, kData);
}

TEST_F(Queue, ScaleOfTheWholeIsCheckedLast) {
  for (const std::uint32_t scale : {0u, 0x80000000u, 0xBF800000u, 0x7F800000u, 0x7FC00000u}) {
    expect_refused(store_accumulators(2, false, scale).rows(kData, 4, 1, 0), SYSTOLITH_CAUSE_SCALE);
  }
  expect_refused(store_accumulators(2, false, 0).rows(0, 4, 1, 0), SYSTOLITH_CAUSE_WINDOW, 0);
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

TEST_F(Queue, FirstCheckThatFailsIsReported) {
  // Everything is wrong; what is mended uncovers the next.
  auto load = load_accumulators(0)
                  .rows(std::uint64_t{1} << 50, 20, 1, 0)
                  .local(999, 0)
                  .wait(99)
                  .word(14, 1);
  load.command.words[0] += 1;
  load.command.words[0] ^= 0x700;
  expect_refused(load, SYSTOLITH_CAUSE_VERSION);
  load.command.words[0] -= 1;
  expect_refused(load, SYSTOLITH_CAUSE_OPCODE);
  load.command.words[0] ^= 0x700;
  expect_refused(load, SYSTOLITH_CAUSE_RESERVED);
  load.word(14, 0);
  expect_refused(load, SYSTOLITH_CAUSE_SEMAPHORE_INDEX, 99);
  load.word(1, 0);
  expect_refused(load, SYSTOLITH_CAUSE_FORMAT);
  SYSTOLITH_SET(load.command.words, LOAD_TAG, 1);
  expect_refused(load, SYSTOLITH_CAUSE_SIZE);
  SYSTOLITH_SET(load.command.words, TRANSFER_RUN, 16);
  expect_refused(load, SYSTOLITH_CAUSE_LOCAL_RANGE, 1000);
  SYSTOLITH_SET(load.command.words, TRANSFER_LOCAL_BASE, 9);
  expect_refused(load, SYSTOLITH_CAUSE_ADDRESS, std::uint64_t{1} << 50);
  SYSTOLITH_SET(load.command.words, TRANSFER_ADDRESS, 64);
  expect_refused(load, SYSTOLITH_CAUSE_WINDOW, 64);
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
