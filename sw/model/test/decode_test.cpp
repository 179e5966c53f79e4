// The checks at decode: each cause, its address field, and the order.
#include "device_fixture.h"

#include "reference.h"

namespace systolith::model {
namespace {

using test::Bench;
using test::CommandBuilder;
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

class Decode : public testing::Test {
 protected:
  Decode() : bench("4x4") { bench.enable(); }
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

TEST_F(Decode, BadHeadersAreRefused) {
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

TEST_F(Decode, SemaphoresAreCheckedForIndexAndBinding) {
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

TEST_F(Decode, BadFormatsAreRefused) {
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

TEST_F(Decode, SizesOfZeroAndTooLargeAreRefused) {
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

TEST_F(Decode, LocalRangesPastTheEndAreRefusedWithTheirEnd) {
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

TEST_F(Decode, AddressesOutsideTheWidthAndWindowsAreRefused) {
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

TEST_F(Decode, AddressesOf32BitsNeverWrapToZero) {
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

TEST_F(Decode, OneWindowMustGrantTheWholeExtent) {
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

TEST_F(Decode, ScaleOfTheWholeIsCheckedLast) {
  for (const std::uint32_t scale : {0u, 0x80000000u, 0xBF800000u, 0x7F800000u, 0x7FC00000u}) {
    expect_refused(store_accumulators(2, false, scale).rows(kData, 4, 1, 0), SYSTOLITH_CAUSE_SCALE);
  }
  expect_refused(store_accumulators(2, false, 0).rows(0, 4, 1, 0), SYSTOLITH_CAUSE_WINDOW, 0);
}

TEST_F(Decode, FirstCheckThatFailsIsReported) {
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

}  // namespace
}  // namespace systolith::model
