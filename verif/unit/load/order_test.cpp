// load_unit: waits and signals.
#include "fixture.h"

namespace systolith::test {
namespace {

TEST_F(LoadUnit, StartsOnlyWhenBothWaitsAreGranted) {
  Command c = scratchpad({.base = kPage, .run = bus()});
  c.waits[0] = {.count = 2, .semaphore = 3};
  c.waits[1] = {.count = 1, .semaphore = 5};
  bench.push(c);
  for (int i = 0; i < 20; ++i) bench.step();
  EXPECT_TRUE(bench.blocked);
  EXPECT_EQ(bench.bursts_asked, 0u);
  bench.semaphores[3] = 1;
  for (int i = 0; i < 20; ++i) bench.step();
  EXPECT_EQ(bench.semaphores[3], 1u);
  bench.semaphores[3] = 3;
  for (int i = 0; i < 20; ++i) bench.step();
  EXPECT_EQ(bench.semaphores[3], 1u);
  EXPECT_EQ(bench.bursts_asked, 0u);
  EXPECT_TRUE(bench.blocked);
  const uint64_t granted = bench.cycle;
  bench.semaphores[5] = 1;
  bench.finish();
  EXPECT_EQ(bench.semaphores[5], 0u);
  EXPECT_GE(bench.reports[0].start, granted);
  EXPECT_LE(bench.reports[0].start, granted + 2);
}

TEST_F(LoadUnit, ReportsTellIndexAndStartInEveryBit) {
  for (const uint64_t bits :
       {0x5a5a'5a5a'5a5a, 0xa5a5'a5a5'a5a5, 0xffff'0000'fff0, 0x0100'ffff'0000}) {
    bench.index_base = static_cast<uint32_t>(bits);
    bench.cycle = bits;
    bench.push(scratchpad({.base = kPage, .run = bus()}));
    bench.finish();
    ASSERT_EQ(bench.reports.size(), 1u);
    EXPECT_GE(bench.reports[0].start, bits);
    EXPECT_LT(bench.reports[0].start, bench.ar_cycles[0]);
    bench.forget();
  }
}

TEST_F(LoadUnit, ABurstThatIsLateNamesItsCommand) {
  bench.index_base = 0xfedc'ba98;
  bench.behaviour.latency_min = bench.behaviour.latency_max = 300;
  for (uint32_t rows = 1; rows < 6; ++rows)
    bench.push(scratchpad({.base = kPage + 1,
                           .run = 3 * bus(),
                           .count = {rows, 1, 1, 1},
                           .stride = {5000, 0, 0, 0}}));
  bench.finish();
  EXPECT_GT(bench.silent, 90u);
}

TEST_F(LoadUnit, WaitsByRowsGateEachRowsAddress) {
  for (uint32_t log2 : {0u, 1u, 2u}) {
    Command c = scratchpad(
        {.base = kPage + 1, .run = 3 * bus(), .count = {3, 3, 1, 1}, .stride = {5000, 100, 0, 0}});
    c.waits[1] = {.count = 3, .semaphore = 4, .rows_log2 = log2, .by_rows = true};
    c.waits[0] = {.count = 1, .semaphore = 7};
    // The command after it may only start behind it.
    bench.push(c);
    bench.push(scratchpad(
        {.base = kPage, .run = 2 * bus(), .count = {2, 1, 1, 1}, .stride = {64, 0, 0, 0}}));
    bench.semaphores[7] = 1;
    const uint32_t groups = static_cast<uint32_t>(c.waits[1].times(9));
    for (uint32_t i = 0; i < groups; ++i) {
      for (int n = 0; n < 60; ++n) bench.step();
      EXPECT_TRUE(bench.blocked);
      const uint64_t allowed = c.waits[1].rows_of(i, 9);
      EXPECT_EQ(bench.words_written, allowed * 3)
          << "all allowed rows arrive without the next grant";
      bench.semaphores[4] += 3;
    }
    bench.finish();
    EXPECT_EQ(bench.semaphores[4], 0u);
    bench.forget();
  }
}

TEST_F(LoadUnit, SignalsByRowsAndForTheRest) {
  bench.behaviour = {.latency_min = 1, .latency_max = 30, .r_valid = 60};
  uint32_t expected[4] = {};
  for (uint32_t rows : {1u, 2u, 3u, 4u, 5u, 8u, 9u})
    for (uint32_t log2 : {0u, 1u, 2u, 16u}) {
      Command c = scratchpad(
          {.base = kPage, .run = bus() / 2, .count = {rows, 1, 1, 1}, .stride = {100, 0, 0, 0}});
      c.signals[0] = {.count = 2, .semaphore = 1, .rows_log2 = log2, .by_rows = true};
      c.signals[1] = {.count = 5, .semaphore = 2};
      expected[1] += 2 * static_cast<uint32_t>(c.signals[0].times(rows));
      expected[2] += 5;
      bench.push(c);
    }
  bench.finish();
  EXPECT_EQ(bench.semaphores[1], expected[1]);
  EXPECT_EQ(bench.semaphores[2], expected[2]);
}

TEST_F(LoadUnit, ChainOfCommandsThatSignalTheNext) {
  for (int i = 0; i < 20; ++i) {
    Command c = scratchpad({.base = kPage + 64 * i,
                            .run = 1 + static_cast<uint32_t>(random() % (2 * bus())),
                            .count = {4, 1, 1, 1},
                            .stride = {3, 0, 0, 0}});
    c.waits[0] = {.count = 1, .semaphore = 1, .rows_log2 = 0, .by_rows = true};
    c.signals[1] = {.count = 1, .semaphore = 1, .rows_log2 = 0, .by_rows = true};
    bench.push(c);
  }
  bench.semaphores[1] = 4;
  bench.finish();
  EXPECT_EQ(bench.semaphores[1], 4u);
}

}  // namespace
}  // namespace systolith::test
