// load_unit: cycles.
#include "fixture.h"

namespace systolith::test {
namespace {

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

}  // namespace
}  // namespace systolith::test
