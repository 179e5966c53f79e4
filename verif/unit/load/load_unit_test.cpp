// load_unit under its bench: data, order, pace, waits and signals, faults, flush.
#include <gtest/gtest.h>

#include "load_bench.h"

namespace systolith::test {
namespace {

constexpr uint64_t kPage = 0x40'0000;  // some 4 KiB boundary

class LoadUnit : public ::testing::Test {
 protected:
  LoadBench bench;
  std::mt19937_64 random{7};

  uint32_t bus() const { return bench.config.bus; }

  uint32_t lines_of_row(uint32_t run) const {
    return (run + bench.config.line_bytes - 1) / bench.config.line_bytes;
  }

  // Scratchpad command whose rows lie one after the other, from some line that leaves room.
  Command scratchpad(Transfer t) {
    const uint32_t pitch = lines_of_row(t.run);
    const uint64_t need = pitch * t.rows();
    EXPECT_LE(need, bench.config.lines);
    Command c;
    c.transfer = t;
    c.local_pitch = pitch;
    c.local_base = static_cast<uint32_t>(random() % (bench.config.lines - need + 1));
    return c;
  }

  Command accumulators(Transfer t) {
    Command c;
    c.transfer = t;
    c.accumulators = true;
    c.tag = 1 + static_cast<uint32_t>(random() % 2);
    c.local_pitch = 1;
    c.local_base = static_cast<uint32_t>(random() % (bench.config.rows - t.rows() + 1));
    return c;
  }

  Command random_command() {
    Transfer t;
    const bool to_accumulators = random() % 3 == 0;
    const uint32_t space = bench.config.line_bytes * bench.config.lines;
    do {
      t.run = 1 + static_cast<uint32_t>(random() % std::min(space / 4, 5 * bus()));
      if (random() % 8 == 0)
        t.run = 1 + static_cast<uint32_t>(random() % std::min(space / 2, 6000u));
      if (to_accumulators) t.run = 4 * (1 + static_cast<uint32_t>(random() % bench.config.columns));
      for (int d = 0; d < 4; ++d) {
        t.count[d] = 1 + static_cast<uint32_t>(random() % 4);
        t.stride[d] = static_cast<int64_t>(random() % 16384) - 8192;
        if (random() % 6 == 0) t.stride[d] = 0;
        if (random() % 6 == 0) t.stride[d] = t.run - 1;
      }
    } while (t.rows() * lines_of_row(t.run) > bench.config.lines || t.rows() > bench.config.rows);
    t.base = kPage + random() % 16384;
    t.merge = random() % 3 == 0;
    if (t.merge) t.stride[0] = t.run;
    return to_accumulators ? accumulators(t) : scratchpad(t);
  }
};

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

// ---- pace ----

class LoadPace : public LoadUnit {
 protected:
  // Latency that the limit of reads still hides for rows of `beats` beats.
  uint32_t hidden_latency(uint32_t beats) const {
    const int64_t reach = int64_t{bench.config.reads_outstanding} * beats - 8;
    return static_cast<uint32_t>(std::clamp<int64_t>(reach, 1, 100));
  }

  // Checks that beats came one a cycle, `latency` after the first address, and words 2 cycles after
  // them.
  void expect_one_beat_a_cycle(uint32_t latency) {
    ASSERT_FALSE(bench.beat_cycles.empty());
    const uint64_t first = bench.ar_cycles.front() + latency;
    for (size_t i = 0; i < bench.beat_cycles.size(); ++i)
      ASSERT_EQ(bench.beat_cycles[i], first + i) << "beat " << i;
    EXPECT_EQ(bench.write_cycles.back(), bench.beat_cycles.back() + 2);
  }
};

TEST_F(LoadPace, FirstAddressFirstWordAndReport) {
  bench.behaviour = {.latency_min = 100, .latency_max = 100};
  Command c = scratchpad({.base = kPage, .run = bus()});
  bench.push(c);
  bench.finish();
  EXPECT_EQ(bench.ar_cycles[0] - bench.taken_cycles[0], 4u);
  EXPECT_EQ(bench.beat_cycles[0] - bench.ar_cycles[0], 100u);
  EXPECT_EQ(bench.write_cycles[0] - bench.beat_cycles[0], 2u);
  EXPECT_EQ(bench.reports[0].cycle - bench.write_cycles[0], 1u);
  bench.forget();
  c.signals[0] = {.count = 1, .semaphore = 2};
  bench.push(c);
  bench.finish();
  EXPECT_EQ(bench.signal_cycles[0] - bench.write_cycles[0], 1u);
  EXPECT_EQ(bench.reports[0].cycle - bench.write_cycles[0], 2u);
}

TEST_F(LoadPace, AlignedRowsOfTwoBeats) {
  ASSERT_GE(bench.config.reads_outstanding, 8U);
  const uint32_t rows = std::min(128u, bench.config.lines / lines_of_row(2 * bus()));
  const uint32_t latency = hidden_latency(2);
  bench.behaviour = {.latency_min = latency, .latency_max = latency};
  bench.push(scratchpad(
      {.base = kPage, .run = 2 * bus(), .count = {rows, 1, 1, 1}, .stride = {1024, 0, 0, 0}}));
  bench.finish();
  EXPECT_EQ(bench.beat_cycles.size(), 2 * rows);
  expect_one_beat_a_cycle(latency);
  const size_t free_run = std::min<size_t>(rows, bench.config.reads_outstanding);
  for (size_t i = 0; i < free_run; ++i) EXPECT_EQ(bench.ar_cycles[i], bench.ar_cycles[0] + i);
}

TEST_F(LoadPace, AlignedRowsOfOneBeatWhileTheLimitHidesTheLatency) {
  ASSERT_GE(bench.config.reads_outstanding, 8U);
  const uint32_t latency = bench.config.reads_outstanding - 4;
  bench.behaviour = {.latency_min = latency, .latency_max = latency};
  bench.push(scratchpad(
      {.base = kPage, .run = bus(), .count = {100, 1, 1, 1}, .stride = {1024, 0, 0, 0}}));
  bench.finish();
  expect_one_beat_a_cycle(latency);
}

TEST_F(LoadPace, UnalignedRowsOfFourBeatWidths) {
  ASSERT_GE(bench.config.reads_outstanding, 8U);
  const uint32_t rows = std::min(64u, bench.config.lines / lines_of_row(4 * bus()));
  for (uint32_t offset : {1u, 5u, bus() - 1}) {
    const uint32_t latency = hidden_latency(4);
    bench.behaviour = {.latency_min = latency, .latency_max = latency};
    bench.push(scratchpad({.base = kPage + offset,
                           .run = 4 * bus(),
                           .count = {rows, 1, 1, 1},
                           .stride = {1024, 0, 0, 0}}));
    bench.finish();
    ASSERT_FALSE(bench.beat_cycles.empty());
    if (bench.config.max_beats >= 5) {
      EXPECT_EQ(bench.beat_cycles.size(), 5 * rows);
      const uint64_t first = bench.ar_cycles.front() + latency;
      for (size_t i = 0; i < bench.beat_cycles.size(); ++i)
        ASSERT_EQ(bench.beat_cycles[i], first + i);
      // Its last word began in the beat before, so it leaves with the last beat.
      EXPECT_EQ(bench.write_cycles.back(), bench.beat_cycles.back() + 1);
    }
    bench.forget();
  }
}

// Rows whose last word still needs what is held when the next row's first beat comes.
TEST_F(LoadPace, UnalignedRowsWithARestToFlush) {
  ASSERT_GE(bench.config.reads_outstanding, 8U);
  const uint32_t latency = hidden_latency(2);
  bench.behaviour = {.latency_min = latency, .latency_max = latency};
  // From 1 byte into a beat to the end of the next: two beats, two words, the second from the rest
  // alone.
  bench.push(scratchpad({.base = kPage + 1,
                         .run = 2 * bus() - 1,
                         .count = {16, 1, 1, 1},
                         .stride = {1024, 0, 0, 0}}));
  bench.finish();
  EXPECT_EQ(bench.beat_cycles.size(), 32u);
  expect_one_beat_a_cycle(latency);
}

TEST_F(LoadPace, MergedRowsOfWholeBeats) {
  ASSERT_GE(bench.config.reads_outstanding, 8U);
  const uint32_t rows = std::min(128u, bench.config.lines / lines_of_row(2 * bus()));
  const uint32_t latency = hidden_latency(std::min(bench.config.max_beats, 4u));
  bench.behaviour = {.latency_min = latency, .latency_max = latency};
  bench.push(scratchpad({.base = kPage,
                         .run = 2 * bus(),
                         .merge = true,
                         .count = {rows, 1, 1, 1},
                         .stride = {2 * bus(), 0, 0, 0}}));
  bench.finish();
  EXPECT_EQ(bench.beat_cycles.size(), 2 * rows);
  expect_one_beat_a_cycle(latency);
}

TEST_F(LoadPace, MergedRowsShorterThanABeatOneACycle) {
  const uint32_t rows = std::min(64u, bench.config.lines);
  bench.behaviour = {.latency_min = 5, .latency_max = 5};
  bench.push(scratchpad({.base = kPage,
                         .run = bus() / 4,
                         .merge = true,
                         .count = {rows, 1, 1, 1},
                         .stride = {bus() / 4, 0, 0, 0}}));
  bench.finish();
  ASSERT_EQ(bench.write_cycles.size(), rows);
  ASSERT_GE(bench.config.reads_outstanding, 8U);
  for (size_t i = 0; i < rows; ++i) EXPECT_EQ(bench.write_cycles[i], bench.write_cycles[0] + i);
}

// The next command's addresses go out while data of the one before are still to come, and the beats
// keep their pace.
TEST_F(LoadPace, CommandsFollowWithoutAGap) {
  ASSERT_GE(bench.config.reads_outstanding, 8U);
  const uint32_t rows = 8;
  const uint32_t latency = hidden_latency(2) / 2 + 1;
  bench.behaviour = {.latency_min = latency, .latency_max = latency};
  for (int i = 0; i < 10; ++i)
    bench.push(scratchpad(
        {.base = kPage, .run = 2 * bus(), .count = {rows, 1, 1, 1}, .stride = {1024, 0, 0, 0}}));
  bench.finish();
  expect_one_beat_a_cycle(latency);
}

// ---- waits and signals ----

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

// ---- faults ----

class LoadFault : public LoadUnit {
 protected:
  void drain_and_reset() {
    bench.flush = true;
    int limit = 0;
    do {
      bench.step();
    } while (bench.owes() && ++limit < 5000);
    ASSERT_LT(limit, 5000) << "flush does not drain";
    bench.step();
    EXPECT_FALSE(bench.busy);
    bench.flush = false;
    bench.halt = false;
    bench.abandon = false;
    bench.forget();
  }

  // Steps until nothing moves any more.
  void settle() {
    bench.behaviour.command_valid = 100;
    for (int i = 0; i < 3000; ++i) bench.step();
    EXPECT_FALSE(bench.owes());
  }

  void expect_healthy() {
    bench.push(scratchpad({.base = kPage + 3,
                           .run = 2 * bus() + 1,
                           .count = {2, 1, 1, 1},
                           .stride = {4000, 0, 0, 0}}));
    bench.push(accumulators({.base = kPage + 1, .run = 4}));
    bench.finish();
  }
};

TEST_F(LoadFault, ErrorOnEveryBeatOfThreeCommandsInFlight) {
  const auto commands = [&] {
    const uint32_t run = 2 * bus() + 3;
    std::vector<Command> all = {
        scratchpad(
            {.base = kPage + 1, .run = run, .count = {3, 1, 1, 1}, .stride = {512, 0, 0, 0}}),
        scratchpad({.base = kPage + 0x8000,
                    .run = bus(),
                    .count = {2, 1, 1, 1},
                    .stride = {512, 0, 0, 0}}),
        accumulators({.base = kPage + 5,
                      .run = 4 * bench.config.columns,
                      .count = {2, 1, 1, 1},
                      .stride = {640, 0, 0, 0}})};
    for (Command& c : all) c.signals[0] = {.count = 1, .semaphore = 9};
    return all;
  };
  for (const Command& c : commands()) bench.push(c);
  const std::vector<LoadBench::ExpectedBurst> bursts = bench.bursts;
  bench.finish();
  bench.forget();
  for (size_t burst = 0; burst < bursts.size(); ++burst)
    for (uint32_t beat = 0; beat < bursts[burst].beats; ++beat)
      for (int twist = 0; twist < 4; ++twist) {
        SCOPED_TRACE(::testing::Message()
                     << "burst " << burst << " beat " << beat << " twist " << twist);
        bench.behaviour = {};
        bench.behaviour.latency_min = bench.behaviour.latency_max = twist == 1 ? 3 : 60;
        if (twist == 2) bench.behaviour.r_valid = bench.behaviour.ar_ready = 50;
        for (const Command& c : commands()) bench.push(c);
        bench.errors = {{burst, beat}};
        // A second error must not change the report.
        if (twist == 3 && burst + 1 < bursts.size()) bench.errors.push_back({burst + 1, 0});
        settle();
        const size_t victim = bursts[burst].command;
        ASSERT_TRUE(bench.error_cycle);
        ASSERT_GT(bench.reports.size(), victim);
        for (size_t i = 0; i < bench.reports.size(); ++i) {
          const Report& r = bench.reports[i];
          EXPECT_EQ(r.state, i < victim ? kCompleted : i == victim ? kFailed : kAborted);
          EXPECT_EQ(r.cause, i < victim ? 0 : i == victim ? kCauseBusRead : kCauseAborted);
          EXPECT_EQ(r.address, i == victim ? bursts[burst].address : 0);
        }
        // Every command that asked for something is reported.
        if (bench.bursts_asked > 0)
          EXPECT_GT(bench.reports.size(), bursts[bench.bursts_asked - 1].command);
        // Signals only of completed commands.
        EXPECT_EQ(bench.semaphores[9], victim);
        // No word with bytes of the faulty beat or of a later one.
        uint64_t good = 0;
        for (const auto& w : bench.words) good += w.command < victim;
        EXPECT_GE(bench.words_written, good);
        if (bench.words_written > good) {
          const uint64_t faulty = bursts[burst].address + uint64_t{beat} * bus();
          const uint64_t last = bench.last_word->address + bench.last_word->bytes;
          EXPECT_EQ(bench.last_word->command, victim);
          // Rows ascend in memory here.
          EXPECT_LE(last, faulty);
        }
        if (HasFailure()) return;
        drain_and_reset();
        expect_healthy();
        bench.forget();
      }
}

TEST_F(LoadFault, NothingStartsAfterAFault) {
  bench.behaviour = {.latency_min = 20, .latency_max = 20};
  bench.push(scratchpad({.base = kPage, .run = bus()}));
  Command waiting = scratchpad({.base = kPage, .run = bus()});
  waiting.waits[0] = {.count = 1, .semaphore = 1};
  bench.push(waiting);
  bench.push(scratchpad({.base = kPage, .run = bus()}));
  bench.errors = {{0, 0}};
  settle();
  bench.semaphores[1] = 1;
  settle();
  EXPECT_EQ(bench.reports.size(), 1u);
  EXPECT_EQ(bench.bursts_asked, 1u);
  EXPECT_EQ(bench.semaphores[1], 1u);
  EXPECT_FALSE(bench.busy);
  drain_and_reset();
  expect_healthy();
}

TEST_F(LoadFault, IsToldBeforeWhatIsOwedIsPaid) {
  bench.behaviour = {.latency_min = 20, .latency_max = 20};
  bench.push(scratchpad({.base = kPage, .run = 20 * bus()}));
  bench.errors = {{0, 0}};
  std::uint64_t told = 0, reported = 0;
  while (reported == 0 && bench.cycle < 5000) {
    bench.step();
    if (bench.fault && told == 0) told = bench.cycle;
    if (!bench.reports.empty()) reported = bench.cycle;
  }
  EXPECT_NE(told, 0u);
  EXPECT_TRUE(bench.fault);
  // The first burst alone still has beats after the one with the error.
  EXPECT_GE(reported, told + std::min<std::uint64_t>(bench.config.max_beats, 20) - 1);
  drain_and_reset();
  EXPECT_FALSE(bench.fault);
  expect_healthy();
}

TEST_F(LoadFault, HaltDropsWhatHasNotStartedAndFinishesTheRest) {
  bench.behaviour = {.latency_min = 50, .latency_max = 50};
  bench.push(scratchpad(
      {.base = kPage, .run = 2 * bus(), .count = {4, 1, 1, 1}, .stride = {512, 0, 0, 0}}));
  Command waiting = scratchpad({.base = kPage, .run = bus()});
  waiting.waits[0] = {.count = 1, .semaphore = 1};
  bench.push(waiting);
  for (int i = 0; i < 20; ++i) bench.step();
  bench.halt = true;
  settle();
  bench.semaphores[1] = 1;
  settle();
  ASSERT_EQ(bench.reports.size(), 1u);
  EXPECT_EQ(bench.reports[0].state, kCompleted);
  EXPECT_EQ(bench.words_written, 8u);
  EXPECT_FALSE(bench.busy);
  drain_and_reset();
  expect_healthy();
}

TEST_F(LoadFault, AbandonedRowWaitEndsAborted) {
  for (bool early : {false, true}) {
    bench.behaviour = {.latency_min = 40, .latency_max = 40};
    bench.push(scratchpad(
        {.base = kPage, .run = 2 * bus(), .count = {2, 1, 1, 1}, .stride = {512, 0, 0, 0}}));
    Command c =
        scratchpad({.base = kPage, .run = bus(), .count = {4, 1, 1, 1}, .stride = {512, 0, 0, 0}});
    c.waits[0] = {.count = 1, .semaphore = 1, .rows_log2 = 1, .by_rows = true};
    bench.push(c);
    bench.semaphores[1] = 1;
    if (!early) settle();
    for (int i = 0; i < 15; ++i) bench.step();
    if (!early) EXPECT_TRUE(bench.blocked);
    EXPECT_TRUE(bench.busy);
    bench.halt = true;
    if (!early) {
      settle();
      EXPECT_EQ(bench.reports.size(), 1u);
    }
    bench.abandon = true;
    settle();
    // A device that walks one burst at a time may not have started the second by then.
    ASSERT_GE(bench.reports.size(), early && bench.config.reads_outstanding == 1 ? 1u : 2u);
    EXPECT_EQ(bench.reports[0].state, kCompleted);
    if (bench.reports.size() > 1) {
      EXPECT_EQ(bench.reports[1].state, kAborted);
      EXPECT_EQ(bench.reports[1].cause, kCauseAborted);
    }
    EXPECT_FALSE(bench.busy);
    drain_and_reset();
    expect_healthy();
    bench.forget();
  }
}

TEST_F(LoadFault, RefusedSignalFailsItsCommand) {
  for (int port : {0, 1})
    for (bool by_rows : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "port " << port << " by rows " << by_rows);
      bench.behaviour = {.latency_min = 30, .latency_max = 30};
      const Command before = scratchpad({.base = kPage, .run = bus()});
      Command c = scratchpad(
          {.base = kPage, .run = bus(), .count = {4, 1, 1, 1}, .stride = {512, 0, 0, 0}});
      c.signals[port] = {.count = 3, .semaphore = 6, .rows_log2 = 1, .by_rows = by_rows};
      bench.push(before);
      bench.push(c);
      bench.push(before);
      bench.semaphores[6] = 65533;
      settle();
      ASSERT_GE(bench.reports.size(), 2u);
      EXPECT_EQ(bench.reports[0].state, kCompleted);
      EXPECT_EQ(bench.reports[1].state, kFailed);
      EXPECT_EQ(bench.reports[1].cause, kCauseSemaphoreOverflow);
      EXPECT_EQ(bench.reports[1].address, 6u);
      for (size_t i = 2; i < bench.reports.size(); ++i) EXPECT_EQ(bench.reports[i].state, kAborted);
      EXPECT_EQ(bench.semaphores[6], 65533u);
      drain_and_reset();
      expect_healthy();
      bench.forget();
    }
}

TEST_F(LoadFault, FlushAtEveryCycleOfACommand) {
  for (int slow = 0; slow < 3; ++slow)
    for (int at = 0; at <= 220; ++at) {
      SCOPED_TRACE(::testing::Message() << "flush at " << at << " slow " << slow);
      bench.behaviour = {.latency_min = 40, .latency_max = 60};
      if (slow == 1) bench.behaviour.ar_ready = bench.behaviour.r_valid = 20;
      if (slow == 2) bench.behaviour.accumulator_ready = bench.behaviour.report_ready = 20;
      const uint64_t dropped = bench.dropped;
      const uint64_t beats = bench.beats;
      for (int i = 0; i < 2; ++i) {
        Command c = accumulators({.base = kPage + 5,
                                  .run = 4 * bench.config.columns,
                                  .count = {4, 4, 1, 1},
                                  .stride = {512, 64, 0, 0}});
        c.signals[0] = {.count = 1, .semaphore = 1, .rows_log2 = 0, .by_rows = true};
        c.waits[0] = {.count = 1, .semaphore = 2, .rows_log2 = 1, .by_rows = true};
        bench.push(c);
      }
      bench.semaphores[2] = 11;
      for (int i = 0; i < at; ++i) bench.step();
      const uint64_t before = bench.beats;
      drain_and_reset();
      EXPECT_EQ(bench.dropped - dropped, bench.beats - before);
      EXPECT_GE(bench.beats, beats);
      expect_healthy();
      bench.forget();
      if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace systolith::test
