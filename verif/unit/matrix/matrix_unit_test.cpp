// Matrix unit with scratchpad and accumulators: bits against the chain, order and visibility,
// cycles, faults.
#include "matrix_unit_bench.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "matrix_model.h"

namespace matrix_bench {
namespace {

constexpr uint32_t kCompleted = 1, kFailed = 2, kAborted = 3;
constexpr uint32_t kTypeTag = 12, kOverflow = 13, kCauseAborted = 23;

class MatrixUnit : public testing::Test {
 protected:
  MatrixUnit() : model(bench.sizes()), sizes(bench.sizes()) {}

  void fill(uint32_t seed) {
    random.seed(seed);
    model.fill(random);
    for (uint32_t line = 0; line < sizes.lines; ++line) {
      bench.write_line(line, &model.scratchpad[size_t{line} * sizes.line_bytes]);
    }
  }

  uint32_t pick(uint32_t low, uint32_t high) { return low + random() % (high - low + 1); }
  uint32_t lines_of(uint32_t bytes) { return (bytes + sizes.line_bytes - 1) / sizes.line_bytes; }
  /// First line of the upper half: another bank than line 0.
  uint32_t upper() { return sizes.lines / 2; }

  /// Packs A at line 0, B in the upper half, C at row 0.
  Command dense(bool int8, uint32_t m, uint32_t n, uint32_t k) {
    Command c;
    c.int8 = int8;
    c.m = m;
    c.n = n;
    c.k = k;
    const uint32_t bytes = int8 ? 1 : 2;
    c.a_pitch = lines_of(k * bytes);
    c.b_base = upper();
    c.b_pitch = lines_of(n * bytes);
    c.c_pitch = m;
    EXPECT_LE(m * c.a_pitch, upper());
    EXPECT_LE(k * c.b_pitch, upper());
    EXPECT_LE(model.strips(c) * m, sizes.accumulator_rows);
    return c;
  }

  Command random_command() {
    while (true) {
      Command c;
      c.int8 = pick(0, 1);
      c.strip_outer = pick(0, 1);
      c.m = pick(0, 3) ? pick(1, 12) : pick(1, 60);
      // Now and then more strips than lie in a line of B.
      c.n = pick(0, 3) ? pick(1, 3 * sizes.cols + 1) : pick(1, sizes.line_bytes + 2 * sizes.cols);
      c.k = pick(1, (c.int8 ? 8 : 4) * sizes.rows + 1);
      const uint32_t bytes = c.int8 ? 1 : 2;
      const uint32_t a_lines = lines_of(c.k * bytes), b_lines = lines_of(c.n * bytes);
      c.a_pitch = pick(0, 9) ? a_lines + pick(0, 2) : 0;
      c.b_pitch = pick(0, 9) ? b_lines + pick(0, 1) : 0;
      const uint32_t a_extent = (c.m - 1) * c.a_pitch + a_lines;
      const uint32_t b_extent = (c.k - 1) * c.b_pitch + b_lines;
      c.c_pitch = c.m + pick(0, 3);
      const uint32_t c_extent = (model.strips(c) - 1) * c.c_pitch + c.m;
      if (a_extent > sizes.lines || b_extent > sizes.lines || c_extent > sizes.accumulator_rows)
        continue;
      c.a_base = pick(0, sizes.lines - a_extent);
      c.b_base = pick(0, sizes.lines - b_extent);
      // Mostly the same few rows, so that commands depend on each other.
      const uint32_t space = sizes.accumulator_rows - c_extent;
      c.c_base = pick(0, pick(0, 3) ? std::min(space, 8u) : space);
      c.accumulate = pick(0, 3) != 0;
      if (model.strips(c) == 1 && pick(0, 1)) c.c_pitch = random();
      if (c.m == 1 && pick(0, 1)) c.a_pitch = random();
      if (c.k == 1 && pick(0, 1)) c.b_pitch = random();
      return c;
    }
  }

  bool tags_fit(const Command& c) {
    for (uint32_t n = 0; n < c.n; n += sizes.cols) {
      for (uint32_t m = 0; m < c.m; ++m) {
        const uint32_t tag = model.tags[model.row_of(c, m, n)];
        if (tag != 0 && tag != model.tag(c)) return false;
      }
    }
    return true;
  }

  void check_row(uint32_t row) {
    uint32_t tag = 0;
    const std::vector<uint32_t> data = bench.drain_row(row, &tag);
    ASSERT_EQ(tag, model.tags[row]) << "row " << row;
    for (uint32_t c = 0; c < sizes.cols; ++c) {
      const size_t i = size_t{row} * sizes.cols + c;
      if (model.defined[i]) {
        ASSERT_EQ(data[c], model.accumulators[i]) << "row " << row << " column " << c;
      }
    }
  }
  void check_rows(uint32_t first, uint32_t count) {
    for (uint32_t row = first; row < first + count; ++row) {
      check_row(row);
      if (HasFatalFailure()) return;
    }
  }
  void check_completed(uint32_t count) {
    ASSERT_EQ(bench.reports.size(), count);
    for (uint32_t i = 0; i < count; ++i) {
      EXPECT_EQ(bench.reports[i].index, i);
      EXPECT_EQ(bench.reports[i].state, kCompleted);
      EXPECT_EQ(bench.reports[i].cause, 0u);
    }
  }
  /// Every cycle with a command and no issue has exactly one cause, and no other cycle has one.
  void check_counters() {
    for (const Cycle& c : bench.log) {
      ASSERT_EQ(c.lost_wait + c.lost_reentry + c.lost_fill, c.has_command && !c.issue);
    }
  }

  struct Issues {
    uint64_t count = 0, first = 0, last = 0, macs = 0, wait = 0, reentry = 0, fill = 0;
    uint64_t bubbles() const { return last - first + 1 - count; }
  };
  Issues issues(uint64_t from) {
    Issues result;
    for (uint64_t i = from; i < bench.log.size(); ++i) {
      const Cycle& c = bench.log[i];
      if (c.issue) {
        if (result.count++ == 0) result.first = i;
        result.last = i;
        result.macs += uint64_t{c.lanes} * c.columns;
      }
      if (result.count) {
        result.wait += c.lost_wait;
        result.reentry += c.lost_reentry;
        result.fill += c.lost_fill;
      }
    }
    return result;
  }

  Bench bench;
  Model model;
  Sizes sizes;
  std::mt19937 random;
};

TEST_F(MatrixUnit, OneElement) {
  fill(1);
  Command c = dense(false, 1, 1, 1);
  bench.queue(c);
  ASSERT_TRUE(bench.run());
  model.apply(c);
  check_completed(1);
  check_rows(0, 1);
}

TEST_F(MatrixUnit, RandomCommandsMatchTheChain) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    bench.clear();
    model = Model(sizes);
    fill(seed);
    const size_t reported = bench.reports.size();
    const uint32_t count = 40;
    for (uint32_t i = 0; i < count; ++i) {
      Command c = random_command();
      if (c.accumulate && !tags_fit(c)) c.accumulate = false;
      bench.queue(c);
      model.apply(c);
    }
    // Random store reads and pauses of the queue disturb the timing.
    uint32_t expected_line = 0;
    std::vector<int64_t> history(sizes.memory_latency + 1, -1);
    bench.before_edge = [&] {
      auto& t = bench.top();
      if (history.back() >= 0) {
        ASSERT_EQ(0, std::memcmp(&t.store_read_data_o,
                                 &model.scratchpad[size_t(history.back()) * sizes.line_bytes],
                                 sizes.line_bytes));
      }
      t.store_read_valid_i = seed % 3 == 1 && random() % 4 == 0;
      t.store_read_line_i = expected_line = random() % sizes.lines;
      t.eval();
      history.insert(history.begin() + 1, t.store_read_grant_o ? int64_t{expected_line} : -1);
      history.pop_back();
      t.report_ready_i = seed % 4 != 3 || random() % 40 == 0;
      bench.command_stall = seed % 3 == 2 && random() % 8 != 0;
    };
    // history[1] is the read of the cycle just past, and so on.
    ASSERT_TRUE(bench.run());
    bench.before_edge = nullptr;
    bench.top().store_read_valid_i = 0;
    bench.top().report_ready_i = 1;
    ASSERT_EQ(bench.reports.size(), reported + count);
    for (size_t i = reported; i < bench.reports.size(); ++i) {
      ASSERT_EQ(bench.reports[i].index, i);
      ASSERT_EQ(bench.reports[i].state, kCompleted);
    }
    check_rows(0, sizes.accumulator_rows);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
  check_counters();
}

TEST_F(MatrixUnit, WaitsHoldRowsAndSignalsFollowVisibleRows) {
  for (uint32_t seed = 0; seed < 16; ++seed) {
    bench.clear();
    model = Model(sizes);
    fill(100 + seed);
    const uint32_t count = 12;
    std::vector<uint64_t> need[2], signal_rows[2];  // row number of each grant, rows of each signal
    uint64_t needed[2] = {0, 0}, total = 0;
    for (uint32_t i = 0; i < count; ++i) {
      Command c = random_command();
      if (c.accumulate && !tags_fit(c)) c.accumulate = false;
      const uint64_t rows = model.rows(c);
      for (uint32_t p = 0; p < 2; ++p) {
        const auto sync = [&](uint32_t semaphore) {
          Sync s;
          if (pick(0, 3) == 0) return s;
          s.count = pick(1, 3);
          s.semaphore = semaphore;
          s.by_rows = pick(0, 2) != 0;
          s.rows_log2 = s.by_rows ? pick(0, 5) : 0;
          return s;
        };
        c.waits[p] = sync(p);
        c.signals[p] = sync(2 + p);
        const auto step = [&](const Sync& s) {
          return s.by_rows ? uint64_t{1} << s.rows_log2 : rows;
        };
        if (c.waits[p].count) {
          for (uint64_t r = 0; r < rows; r += step(c.waits[p])) {
            need[p].push_back(total + r);
            needed[p] += c.waits[p].count;
          }
        }
        if (c.signals[p].count) {
          for (uint64_t r = 0; r < rows; r += step(c.signals[p])) {
            signal_rows[p].push_back(total + std::min(rows, r + step(c.signals[p])));
          }
        }
      }
      total += rows;
      bench.queue(c);
      model.apply(c);
    }
    uint64_t granted_base[2] = {bench.granted[0], bench.granted[1]};
    uint64_t signalled_base[2] = {bench.signalled[0], bench.signalled[1]};
    uint64_t given[2] = {0, 0}, issued = 0;
    std::vector<uint64_t> issue_cycle;
    const uint32_t pace = seed % 4 == 0 ? 1 : seed % 4 == 1 ? 30 : 4;
    bench.before_edge = [&] {
      auto& t = bench.top();
      t.give_i = 0;
      const uint32_t p = random() % 2;
      if (random() % pace == 0 && given[p] < needed[p]) {
        const uint32_t n = std::min<uint64_t>(pick(1, 3), needed[p] - given[p]);
        t.give_i = 1;
        t.give_semaphore_i = p;
        t.give_count_i = n;
        given[p] += n;
      }
      if (t.issue_o) {
        for (uint32_t q = 0; q < 2; ++q) {
          const uint64_t needs =
              std::upper_bound(need[q].begin(), need[q].end(), issued) - need[q].begin();
          ASSERT_GE(bench.granted[q] - granted_base[q], needs) << "row " << issued;
        }
        issue_cycle.push_back(bench.cycle());
        ++issued;
      }
      for (uint32_t q = 0; q < 2; ++q) {
        if (t.signalled_o >> q & 1) {
          const uint64_t k = bench.signalled[q] - signalled_base[q];
          ASSERT_LT(k, signal_rows[q].size());
          ASSERT_GE(issued, signal_rows[q][k]);
          // A reader that sees the semaphore in the next cycle at the earliest finds the row.
          ASSERT_GE(bench.cycle() + 1, issue_cycle[signal_rows[q][k] - 1] + sizes.issue_to_visible);
        }
      }
    };
    ASSERT_TRUE(bench.run());
    bench.before_edge = nullptr;
    bench.top().give_i = 0;
    ASSERT_EQ(issued, total);
    for (uint32_t q = 0; q < 2; ++q) {
      ASSERT_EQ(bench.granted[q] - granted_base[q], need[q].size());
      ASSERT_EQ(bench.signalled[q] - signalled_base[q], signal_rows[q].size());
    }
    check_rows(0, sizes.accumulator_rows);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
  check_counters();
}

TEST_F(MatrixUnit, ARowIsReadableWhenItsSignalIs) {
  fill(3);
  Command c = dense(false, 24, sizes.cols, sizes.rows);
  c.signals[0] = {1, 2, true, 0};
  bench.queue(c);
  model.apply(c);
  auto& t = bench.top();
  uint32_t taken = 0;
  t.take_i = 1;
  t.take_semaphore_i = 2;
  t.take_count_i = 1;
  // The drain reads in the cycle after its grant.
  std::vector<int> in_flight(sizes.memory_latency + 1, -1);
  uint32_t compared = 0;
  bench.before_edge = [&] {
    t.drain_valid_i = in_flight[0] >= 0;
    t.drain_row_i = in_flight[0] >= 0 ? in_flight[0] : 0;
    if (in_flight.back() >= 0) {
      for (uint32_t n = 0; n < sizes.cols; ++n) {
        ASSERT_EQ(t.drain_data_o[n], model.accumulators[in_flight.back() * sizes.cols + n]);
      }
      ++compared;
    }
    in_flight.insert(in_flight.begin(), t.taken_o ? static_cast<int>(taken++) : -1);
    in_flight.pop_back();
  };
  ASSERT_TRUE(bench.run());
  for (int i = 0; i < 8; ++i) bench.step();
  bench.before_edge = nullptr;
  t.take_i = 0;
  EXPECT_EQ(compared, 24u);
}

// ---- cycles ----

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

// ---- the default device's figures ----

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

// ---- faults, halt, flush ----

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

TEST_F(MatrixUnit, AStationaryBlockIsReadOnlyOnceItsFirstRowIsAllowed) {
  fill(17);
  const uint32_t m = 8;
  Command c = dense(false, m, sizes.cols, 3 * sizes.rows);
  c.waits[0] = {1, 0, true, 3};  // a grant a pass
  Command next = c;              // and the next command's first block behind its own wait
  next.c_base = m;
  Command other = c;  // and one behind the other wait
  other.waits[0] = {};
  other.waits[1] = c.waits[0];
  other.c_base = 2 * m;
  bench.queue(c);
  bench.queue(next);
  bench.queue(other);
  model.apply(c);
  std::vector<uint8_t> junk(sizes.line_bytes, 0x41);
  const uint32_t block_lines = sizes.rows * c.b_pitch;
  for (uint32_t pass = 0; pass < 9; ++pass) {
    const auto write = [&](bool real) {
      for (uint32_t i = 0; i < block_lines; ++i) {
        const uint32_t line = c.b_base + pass % 3 * block_lines + i;
        bench.write_line(line,
                         real ? &model.scratchpad[size_t{line} * sizes.line_bytes] : junk.data());
      }
    };
    // Block by block: junk until just before the grant, and again after its pass.
    if (pass == 0) {
      for (pass = 0; pass < 3; ++pass) write(false);
      pass = 0;
    }
    write(true);
    bench.give(0, 1);
    for (uint32_t i = 0; i < 2 * sizes.issue_to_visible + 50; ++i) bench.step();
    write(false);
  }
  ASSERT_TRUE(bench.run());
  model.apply(next);
  model.apply(other);
  check_rows(0, 3 * m);
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
