// Matrix unit: faults, halt, abandon, flush.
#include "fixture.h"

namespace matrix_bench {
namespace {

TEST_F(MatrixUnit, WrongTagFailsWithTheRow) {
  fill(9);
  Command good = dense(true, 4, 1, 1);
  good.c_base = 3;
  Command bad = dense(false, 8, 1, 2);
  bad.accumulate = true;
  bad.signals[0] = {1, 2, false, 0};
  Command young = dense(false, 1, 1, 1);
  young.c_base = 20;
  for (const Command& c : {good, bad, young}) bench.queue(c);
  for (int i = 0; i < 400; ++i) bench.step();
  ASSERT_GE(bench.reports.size(), 2u);
  EXPECT_EQ(bench.reports[0].state, kCompleted);
  EXPECT_EQ(bench.reports[1].state, kFailed);
  EXPECT_EQ(bench.reports[1].index, 1u);
  EXPECT_EQ(bench.reports[1].cause, kTypeTag);
  EXPECT_EQ(bench.reports[1].address, 3u);
  EXPECT_EQ(bench.signalled[0], 0u);
  for (size_t i = 2; i < bench.reports.size(); ++i) {
    EXPECT_EQ(bench.reports[i].index, i);
    EXPECT_EQ(bench.reports[i].state, kAborted);
    EXPECT_EQ(bench.reports[i].cause, kCauseAborted);
  }
  EXPECT_FALSE(bench.top().busy_o);
  // Nothing more starts until the reset; after it the unit works.
  bench.top().halt_i = 1;
  for (int i = 0; i < 5; ++i) bench.step();
  bench.top().flush_i = 1;
  for (int i = 0; i < 5; ++i) bench.step();
  bench.clear();
  bench.top().flush_i = 0;
  bench.top().halt_i = 0;
  EXPECT_FALSE(bench.top().busy_o);
  const size_t reported = bench.reports.size();
  model = Model(sizes);
  fill(10);
  Command c = dense(false, 3, 2, 5);
  bench.queue(c);
  model.apply(c);
  ASSERT_TRUE(bench.run());
  ASSERT_EQ(bench.reports.size(), reported + 1);
  check_rows(0, sizes.accumulator_rows);
}

TEST_F(MatrixUnit, ATagOfTheFormatOrNoneContinues) {
  fill(11);
  std::vector<uint32_t> seed(sizes.cols);
  for (uint32_t c = 0; c < sizes.cols; ++c) seed[c] = 0x40000000 + (random() & 0x7fffff);
  bench.load_row(0, seed.data(), sizes.cols, 1);
  std::copy(seed.begin(), seed.end(), model.accumulators.begin());
  model.tags[0] = 1;
  Command c = dense(false, 2, sizes.cols, sizes.rows + 1);  // row 0 seeded, row 1 tag none
  c.accumulate = true;
  bench.queue(c);
  model.apply(c);
  ASSERT_TRUE(bench.run());
  check_completed(1);
  check_rows(0, 2);
}

TEST_F(MatrixUnit, RefusedSignalFailsTheCommandAndAbortsTheYounger) {
  fill(12);
  Command c = dense(false, 2, 1, 1);
  c.signals[0] = {65535, 2, false, 0};
  bench.queue(c);
  c.signals[0] = {1, 2, false, 0};
  bench.queue(c);
  c.signals[0] = {};
  bench.queue(c);
  bench.queue(c);
  for (int i = 0; i < 400; ++i) bench.step();
  ASSERT_GE(bench.reports.size(), 2u);
  EXPECT_EQ(bench.reports[0].state, kCompleted);
  EXPECT_EQ(bench.reports[1].state, kFailed);
  EXPECT_EQ(bench.reports[1].cause, kOverflow);
  EXPECT_EQ(bench.reports[1].address, 2u);
  for (size_t i = 2; i < bench.reports.size(); ++i) EXPECT_EQ(bench.reports[i].state, kAborted);
}

TEST_F(MatrixUnit, HaltDropsWhatWaitsAndFinishesWhatRuns) {
  fill(13);
  Command c = dense(false, 30, sizes.cols, sizes.rows);
  bench.queue(c);
  model.apply(c);
  c.c_base = 40;
  c.waits[0] = {1, 0, false, 0};
  bench.queue(c);
  for (int i = 0; i < 30; ++i) bench.step();
  bench.top().halt_i = 1;
  for (int i = 0; i < 300; ++i) bench.step();
  EXPECT_FALSE(bench.top().busy_o);
  check_completed(1);
  check_rows(0, 30);
}

TEST_F(MatrixUnit, ACommandBlockedInARowWaitEndsAbortedOnAbandon) {
  fill(14);
  Command c = dense(false, 30, sizes.cols, sizes.rows);
  c.waits[0] = {1, 0, true, 2};
  bench.give(0, 3);
  bench.queue(c);
  for (int i = 0; i < 300; ++i) bench.step();
  EXPECT_TRUE(bench.top().blocked_o);
  EXPECT_TRUE(bench.top().lost_wait_o);
  EXPECT_EQ(bench.top().lost_wait_semaphore_o, 0u);
  bench.top().halt_i = 1;
  for (int i = 0; i < 300; ++i) bench.step();
  EXPECT_TRUE(bench.top().busy_o) << "halt alone lets it wait";
  bench.top().abandon_i = 1;
  for (int i = 0; i < 10; ++i) bench.step();
  EXPECT_FALSE(bench.top().busy_o);
  ASSERT_EQ(bench.reports.size(), 1u);
  EXPECT_EQ(bench.reports[0].state, kAborted);
  uint64_t issued = 0;
  for (const Cycle& cycle : bench.log) issued += cycle.issue;
  EXPECT_EQ(issued, 12u);
}

TEST_F(MatrixUnit, ACommandBlockedBetweenPassesEndsAbortedOnAbandon) {
  fill(16);
  Command c = dense(false, 8, sizes.cols, 2 * sizes.rows);
  c.waits[1] = {2, 1, true, 3};
  bench.give(1, 3);  // one grant and a half
  bench.queue(c);
  bench.queue(c);
  for (int i = 0; i < 300; ++i) bench.step();
  EXPECT_TRUE(bench.top().blocked_o);
  EXPECT_TRUE(bench.top().lost_wait_o);
  EXPECT_EQ(bench.top().lost_wait_semaphore_o, 1u);
  bench.top().halt_i = 1;
  bench.top().abandon_i = 1;
  for (int i = 0; i < 10; ++i) bench.step();
  EXPECT_FALSE(bench.top().busy_o);
  ASSERT_EQ(bench.reports.size(), 1u);
  EXPECT_EQ(bench.reports[0].state, kAborted);
  EXPECT_EQ(bench.reports[0].cause, kCauseAborted);
  check_counters();
}

TEST_F(MatrixUnit, FlushAtAnyMomentLeavesACleanUnit) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    bench.clear();
    model = Model(sizes);
    random.seed(seed);
    if (seed % 20 == 0) fill(seed);
    Command c = dense(seed % 2, 20, sizes.cols, 2 * sizes.rows);
    bench.queue(c);
    bench.queue(c);
    for (uint32_t i = 0; i < seed; ++i) bench.step();
    bench.command_stall = true;
    bench.top().flush_i = 1;
    for (uint32_t i = 0; i < 1 + seed % 3; ++i) bench.step();
    bench.top().flush_i = 1;
    bench.clear();
    bench.top().flush_i = 0;
    bench.top().eval();
    ASSERT_FALSE(bench.top().busy_o);
    ASSERT_FALSE(bench.top().in_flight_o);
    check_rows(0, 40);  // zero, tag none
    bench.command_stall = false;
    // Whatever the queue still held runs now, and one more.
    model = Model(sizes);
    fill(1000 + seed / 20);
    Command last = dense(seed % 2, 7, sizes.cols, 2 * sizes.rows + 1);
    bench.queue(last);
    model.apply(last);
    ASSERT_TRUE(bench.run());
    check_rows(0, 7);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace matrix_bench
