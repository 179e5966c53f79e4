// Table of passes in flight against a list of who wrote each row last.
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "Vreentry_table_bench.h"

namespace {

TEST(ReentryTable, NamesTheLastWriterInFlightAndNoOther) {
  Vreentry_table_bench top;
  std::mt19937 random(5);
  top.rst_ni = 1;
  top.clk_i = 0;
  top.eval();
  top.rst_ni = 0;
  top.eval();
  top.rst_ni = 1;
  top.eval();
  const uint32_t rows = top.accumulator_rows_o;
  const uint64_t mask = (uint64_t{1} << top.sequence_width_o) - 1;
  std::vector<int64_t> writer(rows, -1);  // sequence number of the last row walked there
  std::deque<uint64_t> ends;              // last row of each pass entered
  uint64_t walked = 0, written = 0;
  uint32_t hits = 0, misses = 0, full = 0, overlaps = 0;
  for (uint32_t cycle = 0; cycle < 60000; ++cycle) {
    // Rows are written in order, never past those walked.
    if (random() % 3) written = std::min<uint64_t>(walked, written + random() % 4);
    while (!ends.empty() && ends.front() < written) ends.pop_front();
    top.written_i = written & mask;
    top.row_i = random() % (cycle / 1000 % 2 ? rows : 24);
    top.push_i = 0;
    top.eval();
    ASSERT_EQ(top.full_o, ends.size() >= 2);
    full += top.full_o;
    const int64_t last = writer[top.row_i];
    // A row whose pass has others still in flight may be named though it is written: that says
    // `written` as well.
    if (last >= static_cast<int64_t>(written)) {
      ASSERT_TRUE(top.hit_o) << "cycle " << cycle;
      ASSERT_EQ(top.sequence_o, last & mask);
      ++hits;
    } else if (top.hit_o) {
      ASSERT_EQ(top.sequence_o, last & mask);
    } else {
      ++misses;
    }
    if (!top.full_o && random() % 4 == 0) {
      const uint32_t count = random() % 8 ? 1 + random() % 20 : 1 + random() % rows;
      const uint32_t first = random() % (rows - count + 1) % (random() % 2 ? 24 : rows);
      top.push_i = 1;
      top.push_row_i = first;
      top.push_rows_i = count;
      top.push_sequence_i = walked & mask;
      for (uint32_t i = 0; i < count; ++i) {
        overlaps += writer[first + i] >= static_cast<int64_t>(written);
        writer[first + i] = walked++;
      }
      ends.push_back(walked - 1);
    }
    top.eval();
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
    top.eval();
  }
  EXPECT_GT(hits, 1000u);
  EXPECT_GT(misses, 1000u);
  EXPECT_GT(full, 1000u);
  EXPECT_GT(overlaps, 1000u);
  top.final();
}

}  // namespace
