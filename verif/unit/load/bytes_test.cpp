// load_unit: every byte, its order and place, whatever latency and back-pressure.
#include "fixture.h"

namespace systolith::test {
namespace {

TEST_F(LoadUnit, EveryOffsetAndLengthAroundAPageToTheScratchpad) {
  for (uint32_t offset = 0; offset < bus(); ++offset) {
    for (uint32_t length = 1; length <= 3 * bus() + 1; ++length) {
      const uint64_t start = kPage - bus() * (random() % 4) + offset - (random() % 2 ? bus() : 0);
      bench.push(scratchpad({.base = start,
                             .run = length,
                             .count = {2, 1, 1, 1},
                             .stride = {static_cast<int64_t>(random() % 256) + 4096, 0, 0, 0}}));
    }
  }
  bench.behaviour = {.latency_min = 1, .latency_max = 20};
  bench.finish(2'000'000);
}

TEST_F(LoadUnit, EveryOffsetAndLengthAroundAPageToTheAccumulators) {
  for (uint32_t offset = 0; offset < bus(); ++offset)
    for (uint32_t columns = 1; columns <= bench.config.columns; ++columns)
      for (uint32_t back : {0u, bus(), 2 * bus()})
        bench.push(accumulators({.base = kPage - back + offset,
                                 .run = 4 * columns,
                                 .count = {3, 1, 1, 1},
                                 .stride = {4096 - 4, 0, 0, 0}}));
  bench.behaviour = {.latency_min = 1, .latency_max = 20, .accumulator_ready = 70};
  bench.finish(2'000'000);
}

// Beats that hold the ends and starts of many rows.

TEST_F(LoadUnit, MergedRowsOfEveryLengthAndOffset) {
  for (uint32_t run = 1; run <= 2 * bus() + 1; ++run)
    for (uint32_t offset : {0u, 1u, bus() / 2 + 1, bus() - 1})
      bench.push(scratchpad({.base = kPage - 3 * bus() + offset,
                             .run = run,
                             .merge = true,
                             .count = {5, 2, 1, 1},
                             .stride = {run, -4099, 0, 0}}));
  bench.finish(2'000'000);
}

TEST_F(LoadUnit, RandomCommandsUnderRandomLatencyAndBackPressure) {
  const std::array<Behaviour, 6> behaviours = {{
      {},
      {.latency_min = 100, .latency_max = 100},
      {.latency_min = 1, .latency_max = 500, .ar_ready = 50, .r_valid = 50},
      {.latency_min = 17,
       .latency_max = 17,
       .ar_ready = 10,
       .r_valid = 90,
       .accumulator_ready = 50},
      {.latency_min = 2, .latency_max = 2, .accumulator_ready = 10, .report_ready = 10},
      {.latency_min = 1, .latency_max = 9, .r_valid = 20, .report_ready = 50, .command_valid = 20},
  }};
  for (const Behaviour& behaviour : behaviours) {
    bench.behaviour = behaviour;
    for (int i = 0; i < 120; ++i) {
      Command c = random_command();
      c.record = random() % 2;
      c.raise_irq = random() % 2;
      if (random() % 2)
        c.signals[random() % 2] = {.count = 1,
                                   .semaphore = 1,
                                   .rows_log2 = static_cast<uint32_t>(random() % 4),
                                   .by_rows = random() % 2 == 0};
      bench.push(c);
    }
    bench.finish(5'000'000);
    bench.forget();
  }
}

// The later load wins where two write the same lines, whatever the latency of each.

TEST_F(LoadUnit, WritesKeepCommandOrder) {
  bench.behaviour = {.latency_min = 1, .latency_max = 300};
  for (int i = 0; i < 40; ++i) {
    Command c = scratchpad({.base = kPage + random() % 4096, .run = 2 * bus()});
    c.local_base = 3;
    bench.push(c);
  }
  bench.finish();
}

TEST_F(LoadUnit, LocalPitchZeroAndOverlappingRows) {
  for (uint32_t pitch : {0u, 1u, 3u}) {
    Command c = scratchpad(
        {.base = kPage + 3, .run = bus() + 1, .count = {4, 1, 1, 1}, .stride = {bus(), 0, 0, 0}});
    c.local_base = 1;
    c.local_pitch = pitch;
    bench.push(c);
  }
  bench.finish();
}

TEST_F(LoadUnit, LastBytesOfLocalMemoryAndOfTheAddressSpace) {
  const uint64_t end = uint64_t{1} << bench.config.address_width;
  const uint32_t line = bench.config.line_bytes;
  for (uint32_t run : {1u, bus(), line, 2 * line, 2 * line - 1}) {
    Command c = scratchpad({.base = end - run, .run = run});
    c.local_base = bench.config.lines - c.local_pitch;
    bench.push(c);
  }
  Command c =
      accumulators({.base = end - 4 * bench.config.columns, .run = 4 * bench.config.columns});
  c.local_base = bench.config.rows - 1;
  bench.push(c);
  bench.finish();
}

// n bursts more or less than fit in flight, against a memory that waits for the limit.

TEST_F(LoadUnit, TransfersAroundTheLimitOfReads) {
  const uint32_t limit = bench.config.reads_outstanding;
  const uint32_t burst = std::min(4096u, bus() * bench.config.max_beats);
  const uint64_t space = uint64_t{bench.config.line_bytes} * bench.config.lines;
  bench.behaviour.hold_until_limit = true;
  int runs = 0;
  for (uint32_t n = 1; n <= 2 * limit + 1; n += n < 9 ? 1 : 7)
    for (int32_t delta : {-static_cast<int32_t>(bus()), -1, 0, 1, static_cast<int32_t>(bus())}) {
      const int64_t length = int64_t{n} * burst + delta;
      if (length < 1 || static_cast<uint64_t>(length) > space || length > 1 << 20) continue;
      bench.push(scratchpad({.base = kPage, .run = static_cast<uint32_t>(length)}));
      bench.finish(1'000'000);
      bench.forget();
      ++runs;
    }
  EXPECT_GT(runs, 5);
  if (uint64_t{limit} * burst <= space) EXPECT_EQ(bench.most_owed, limit);
}

}  // namespace
}  // namespace systolith::test
