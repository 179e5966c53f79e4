// Matrix unit: cycles.
#include "fixture.h"

namespace matrix_bench {
namespace {

TEST_F(MatrixUnit, LongPassesFollowWithoutBubble) {
  fill(4);
  for (const bool int8 : {false, true}) {
    // INT8 reads two lines of B a stationary row; with an odd row latency one phase in RowLatency
    // stays unused.
    const uint32_t load = int8 ? (sizes.rows * sizes.row_latency + sizes.row_latency / 2 - 1) /
                                     (sizes.row_latency / 2)
                               : sizes.rows;
    const uint32_t m = std::max(load, sizes.cols + sizes.row_latency + 3);
    for (const bool strip_outer : {false, true}) {
      const uint32_t reentry = sizes.rows * sizes.row_latency + sizes.memory_latency + 2;
      Command c = dense(int8, strip_outer ? std::max(m, reentry) : m, 2 * sizes.cols,
                        (int8 ? 2 : 1) * sizes.rows * (strip_outer ? 2 : 3));
      if (!strip_outer) c.c_pitch = std::max(c.m, reentry);
      c.strip_outer = strip_outer;
      if (!strip_outer && 2 * m < reentry) c.m = reentry / 2 + 1;
      if (c.c_pitch + c.m > sizes.accumulator_rows || c.m * c.a_pitch > upper()) continue;
      const uint64_t from = bench.log.size();
      bench.queue(c);
      ASSERT_TRUE(bench.run());
      model.apply(c);
      const Issues i = issues(from);
      EXPECT_EQ(i.count, model.rows(c));
      EXPECT_EQ(i.bubbles(), 0u) << "int8 " << int8 << " strip_outer " << strip_outer << " m "
                                 << c.m << " reentry " << i.reentry << " fill " << i.fill;
      EXPECT_EQ(i.macs, uint64_t{c.m} * c.n * c.k);
      for (uint32_t s = 0; s < 2; ++s) check_rows(s * c.c_pitch, c.m);
    }
  }
}

TEST_F(MatrixUnit, CommandsOfBothFormatsFollowWithoutBubble) {
  fill(5);
  const uint32_t load =
      (sizes.rows * sizes.row_latency + sizes.row_latency / 2 - 1) / (sizes.row_latency / 2);
  const uint32_t m = std::max(load, sizes.cols + sizes.row_latency + 3);
  ASSERT_LE(m, upper());
  ASSERT_LE(3 * m, sizes.accumulator_rows);
  const uint64_t from = bench.log.size();
  for (uint32_t i = 0; i < 6; ++i) {
    Command c = dense(i % 2 == 1, m, sizes.cols, (i % 2 == 1 ? 2 : 1) * sizes.rows);
    c.c_base = i % 3 * m;
    bench.queue(c);
    model.apply(c);
  }
  ASSERT_TRUE(bench.run());
  const Issues i = issues(from);
  EXPECT_EQ(i.count, 6 * m);
  EXPECT_EQ(i.bubbles(), 0u) << "reentry " << i.reentry << " fill " << i.fill;
  check_rows(0, 3 * m);
}

TEST_F(MatrixUnit, RowWaitsAndSignalsKeepARowACycle) {
  fill(6);
  const uint32_t m = std::min(sizes.accumulator_rows, upper());
  Command c = dense(false, m, sizes.cols, sizes.rows);
  c.waits[0] = {1, 0, true, 0};
  c.waits[1] = {1, 1, true, 1};
  c.signals[0] = {1, 2, true, 0};
  c.signals[1] = {1, 3, true, 1};
  bench.give(0, m);
  bench.give(1, (m + 1) / 2);
  const uint64_t from = bench.log.size();
  bench.queue(c);
  ASSERT_TRUE(bench.run());
  const Issues i = issues(from);
  EXPECT_EQ(i.count, m);
  EXPECT_EQ(i.bubbles(), 0u);
}

TEST_F(MatrixUnit, ReentryAtTheMinimumDistance) {
  fill(7);
  const uint32_t blocks = 6;
  const uint32_t distance = sizes.rows * sizes.row_latency + sizes.memory_latency + 2;
  for (const uint32_t m : {1u, 2u, 8u}) {
    Command c = dense(false, m, 1, blocks * sizes.rows);
    const uint64_t from = bench.log.size();
    bench.queue(c);
    ASSERT_TRUE(bench.run());
    const Issues i = issues(from);
    EXPECT_EQ(i.count, m * blocks);
    const uint64_t block = std::max<uint64_t>(distance, sizes.cols);
    if (m <= block) EXPECT_LE(i.last - i.first + 1, (blocks - 1) * (block + 1) + m);
    EXPECT_GE(i.last - i.first + 1, (blocks - 1) * distance + m);
    RecordProperty("spacing_m" + std::to_string(m),
                   std::to_string(double(i.last - i.first + 1 - m) / (blocks - 1)));
    model.apply(c);
    check_rows(0, m);
  }
}

TEST_F(MatrixUnit, Product128x128x64TakesAnIssueARow) {
  ASSERT_EQ(sizes.rows, 16U);
  ASSERT_EQ(sizes.cols, 16U);
  fill(8);
  for (const bool strip_outer : {false, true}) {
    Command c = dense(false, 128, 128, 64);
    c.strip_outer = strip_outer;
    const uint64_t from = bench.log.size();
    bench.queue(c);
    ASSERT_TRUE(bench.run());
    const Issues i = issues(from);
    EXPECT_EQ(i.count, 4096u);
    EXPECT_EQ(i.bubbles(), 0u);
    EXPECT_EQ(i.macs, 128u * 128u * 64u);
    model.apply(c);
    check_rows(0, 1024);
  }
}

TEST_F(MatrixUnit, LoadIntoAccumulatorsFindsHolesInAFullStream) {
  fill(15);
  const uint32_t m = std::min(upper(), sizes.accumulator_rows / 2);
  Command c = dense(false, m, sizes.cols, sizes.rows);
  for (int i = 0; i < 8; ++i) bench.queue(c);
  model.apply(c);
  while (!bench.top().in_flight_o) bench.step();
  for (uint32_t i = 0; i < sizes.issue_to_visible; ++i) bench.step();
  std::vector<uint32_t> data(sizes.cols);
  uint64_t longest = 0;
  const uint32_t loads = std::min(8u, sizes.accumulator_rows - m);
  for (uint32_t i = 0; i < loads; ++i) {
    for (uint32_t n = 0; n < sizes.cols; ++n) data[n] = random();
    longest = std::max(longest, bench.load_row(m + i, data.data(), sizes.cols, 2));
    std::copy(data.begin(), data.end(), model.accumulators.begin() + size_t{m + i} * sizes.cols);
    model.tags[m + i] = 2;
  }
  EXPECT_LE(longest, 3 * sizes.issue_to_visible);
  ASSERT_TRUE(bench.run());
  check_rows(0, m + loads);
}

}  // namespace
}  // namespace matrix_bench
