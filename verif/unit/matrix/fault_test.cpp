// Matrix unit: faults, halt, abandon, flush.
#include <stdexcept>
#include <string>

#include "fixture.h"
#include "on_chip_memories.hpp"

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

// A line of A or B or a row that a chain continues from, wrong in a bit (in two, where one is
// corrected), or a row of the wrong type: of three commands the second fails with the place, and no
// signal tells of a row from the wrong one on. The first is right, even if its few rows are still
// in the array when the fault is found.
TEST_F(MatrixUnit, AFaultNamesCommandAndPlaceAndLeavesOlderRowsAlone) {
  bench.clear();  // from here on the memories look for errors
  systolith::sim::OnChipMemories memories(*bench.top().contextp(), "TOP.matrix_unit_bench.");
  const auto named = [&](const std::string& name) {
    for (size_t i = 0; i < memories.list().size(); ++i) {
      if (memories.list()[i].name == name) return i;
    }
    throw std::out_of_range(name);
  };
  const auto flip = [&](size_t memory, uint32_t word, uint32_t code_words, uint32_t data) {
    const uint32_t lane = memories.list()[memory].width / code_words;
    const bool secded = lane > data + 1;
    const uint32_t at = random() % code_words * lane, bit = random() % lane;
    memories.flip(memory, word, at + bit);
    if (secded) memories.flip(memory, word, at + (bit + 1 + random() % (lane - 1)) % lane);
  };
  const uint32_t bank_lines = sizes.lines / sizes.banks;
  const auto one_of = [&](uint32_t n) { return pick(0, 1) ? 0 : pick(0, n - 1); };  // mostly early
  enum What { kA, kB, kRow, kTag };
  for (uint32_t i = 0; i < 100; ++i) {
    model = Model(sizes);
    fill(100 + i);
    Command good = dense(pick(0, 1), 1, sizes.cols, pick(0, 1) ? sizes.rows : pick(1, sizes.rows));
    good.m = pick(0, 3) ? pick(1, 3) : pick(10, 30);  // all rows of line 0
    good.a_pitch = good.b_pitch = 0;
    Command bad = dense(pick(0, 1), pick(1, 6), pick(1, sizes.cols), pick(1, 5 * sizes.rows));
    bad.a_base = 1;
    bad.b_base += 1;
    bad.c_base = good.m;
    bad.accumulate = true;
    bad.signals[0] = {1, 2, true, 0};
    Command young = good;
    young.c_base = bad.c_base + bad.m;

    const What what = static_cast<What>(i % 4);
    const uint32_t block = (bad.int8 ? 2 : 1) * sizes.rows;  // of k
    uint32_t place, told;                                    // rows that signals may tell of
    if (what == kTag) {
      told = one_of(bad.m);
      place = bad.c_base + told;
      const std::vector<uint32_t> words(sizes.cols);
      bench.load_row(place, words.data(), sizes.cols, bad.int8 ? 1 : 2);
    } else if (what == kRow) {
      told = one_of(bad.m);
      place = bad.c_base + told;
      const std::string column = std::to_string(random() % sizes.cols);
      flip(named("u_accumulators.gen_column[" + column + "].u_array"), place, 1, 32);
    } else {
      if (what == kA) {
        const uint32_t row = one_of(bad.m), line = one_of(bad.a_pitch);
        place = bad.a_base + row * bad.a_pitch + line;
        told = line * sizes.line_bytes / (bad.int8 ? 1 : 2) / block * bad.m + row;
      } else {
        const uint32_t row = one_of(bad.k);
        place = bad.b_base + row * bad.b_pitch;
        told = row / block * bad.m;
      }
      const uint32_t word = random() % (sizes.line_bytes / sizes.bus_bytes);
      flip(named("u_scratchpad.gen_bank[" + std::to_string(place / bank_lines) + "].gen_word[" +
                 std::to_string(word) + "].u_memory"),
           place % bank_lines, sizes.bus_bytes, 8);
    }

    const size_t reported = bench.reports.size();
    const uint64_t signalled = bench.signalled[0];
    for (const Command& c : {good, bad, young}) bench.queue(c);
    for (int cycle = 0; cycle < 600; ++cycle) bench.step();
    ASSERT_GE(bench.reports.size(), reported + 2);
    EXPECT_EQ(bench.reports[reported].state, kCompleted);
    EXPECT_EQ(bench.reports[reported + 1].state, kFailed);
    EXPECT_EQ(bench.reports[reported + 1].cause, what == kTag ? kTypeTag : kCauseMemory);
    EXPECT_EQ(bench.reports[reported + 1].address, place);
    for (size_t r = reported + 2; r < bench.reports.size(); ++r)
      EXPECT_EQ(bench.reports[r].state, kAborted);
    EXPECT_LE(bench.signalled[0] - signalled, told);
    bench.top().halt_i = 1;
    for (int cycle = 0; cycle < 5; ++cycle) bench.step();
    model.apply(good);
    check_rows(0, good.m);
    bench.top().flush_i = 1;
    for (int cycle = 0; cycle < 5; ++cycle) bench.step();
    bench.clear();
    bench.top().flush_i = 0;
    bench.top().halt_i = 0;
    const char* const names[] = {"line of A", "line of B", "row", "tag"};
    ASSERT_FALSE(HasFailure()) << "case " << i << ": " << names[what] << ' ' << place;
  }
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
  for (const unsigned port : {0u, 1u}) {
    model = Model(sizes);
    fill(13 + port);
    Command c = dense(false, 30, sizes.cols, sizes.rows);
    bench.queue(c);
    model.apply(c);
    c.c_base = 40;
    c.waits[port] = {1, 0, false, 0};
    bench.queue(c);
    for (int i = 0; i < 30; ++i) bench.step();
    bench.top().halt_i = 1;
    for (int i = 0; i < 300; ++i) bench.step();
    EXPECT_FALSE(bench.top().busy_o);
    ASSERT_EQ(bench.reports.size(), port + 1);
    EXPECT_EQ(bench.reports[port].index, 2 * port);
    EXPECT_EQ(bench.reports[port].state, kCompleted);
    check_rows(0, 30);
    bench.top().flush_i = 1;
    for (int i = 0; i < 5; ++i) bench.step();
    bench.clear();
    bench.top().flush_i = bench.top().halt_i = 0;
  }
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
