// Matrix unit with scratchpad and accumulators under its bench: commands, and checks against the
// model.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "matrix_model.h"
#include "matrix_unit_bench.h"

namespace matrix_bench {

inline constexpr uint32_t kCompleted = 1, kFailed = 2, kAborted = 3;
inline constexpr uint32_t kTypeTag = 12, kOverflow = 13, kCauseMemory = 22, kCauseAborted = 23;

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

}  // namespace matrix_bench
