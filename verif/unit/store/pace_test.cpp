// Store unit: cycles.
#include "fixture.h"

namespace systolith::store_test {
namespace {

/// Cycles from the first to the last W beat, of beats without a hole.
#define EXPECT_GAPLESS(beats)    \
  EXPECT_EQ(d.w_beats, (beats)); \
  EXPECT_EQ(d.last_w - d.first_w + 1, (beats)) << "holes between beats"

TEST_F(StoreUnit, ScatteredRowsSustainTheBestRate) {
  ASSERT_GE(d.outstanding, 8U);
  d.fill({kTagNone});
  const std::uint32_t lanes = d.top.drain_lanes_o, latency = d.top.memory_latency_o;
  const std::uint32_t rows = std::min(128u, d.accumulator_rows);
  for (const Conversion conversion : {kRaw, kBf16, kInt8}) {
    d.restart();
    Command c = dense(conversion, rows, 1024);
    d.add(c);
    d.run();
    const std::uint64_t beats = (c.run + d.bus - 1) / d.bus, groups = (d.cols + lanes - 1) / lanes;
    const std::uint64_t per_row = std::max(beats, groups);
    EXPECT_EQ(d.w_beats, rows * beats);
    // The first row's beats are not slower than the last's: rows - 1 whole periods and the last
    // row's beats.
    EXPECT_LE(d.last_w - d.first_w + 1, (rows - 1) * per_row + std::max(beats, per_row))
        << "conversion " << conversion;
    if (beats >= groups) {
      EXPECT_GAPLESS(rows * beats);
    }
    if (conversion == kRaw && 4 * lanes >= d.bus) {
      EXPECT_EQ(d.first_w - d.reports[0].start, 5 + latency);
    }
    d.check_memory();
  }
}

TEST_F(StoreUnit, ScatteredScratchpadRowsAreGapless) {
  ASSERT_GE(d.outstanding, 8U);
  d.fill({kTagNone});
  for (const std::uint32_t words : {1u, 2u, 3u}) {
    d.restart();
    Command c;
    c.accumulators = false;
    c.base = kBase;
    c.run = words * d.bus;
    c.count[0] = 20;
    c.stride[0] = 1024;
    c.local_pitch = (c.run + d.line_bytes - 1) / d.line_bytes;
    d.add(c);
    d.run();
    EXPECT_GAPLESS(20u * words);
    d.check_memory();
  }
}

TEST_F(StoreUnit, UnalignedRowsAreGaplessToo) {
  ASSERT_GE(d.outstanding, 8U);
  d.fill({kTagNone});
  Command c;
  c.accumulators = false;
  c.base = kBase + d.bus / 2 + 1;
  c.run = 3 * d.bus;
  c.count[0] = 20;
  c.stride[0] = 1024;
  c.local_pitch = (c.run + d.line_bytes - 1) / d.line_bytes;
  d.add(c);
  d.run();
  EXPECT_GAPLESS(80u);
  d.check_memory();
}

TEST_F(StoreUnit, MergedRowsFillBursts) {
  d.fill({kTagNone});
  Command c = dense(kInt8, 24, d.cols);
  c.merge = true;
  d.add(c);
  d.run();
  const std::uint64_t beats = (24 * d.cols + d.bus - 1) / d.bus;
  EXPECT_EQ(d.w_beats, beats);
  EXPECT_EQ(d.bursts, d.expect_bursts(kBase, 24 * d.cols));
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, NextCommandRunsWhileResponsesAreOwed) {
  ASSERT_GE(d.outstanding, 8U);
  d.fill({kTagNone});
  d.timing.b_least = d.timing.b_most = 200;
  for (unsigned i = 0; i < 4; i++) {
    Command c = dense(kRaw, 1, 0);
    c.base += 0x1000 * i;
    d.add(c);
  }
  d.run();
  EXPECT_LT(d.last_aw, d.reports[0].cycle)
      << "the fourth command waited for the first one's response";
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, CommandsFollowEachOtherWithAtMostOneCycleLost) {
  ASSERT_GE(d.outstanding, 8U);
  ASSERT_GE(d.top.drain_lanes_o, d.cols);
  d.fill({kTagNone});
  for (const Conversion conversion : {kRaw, kBf16, kInt8}) {
    d.restart();
    for (unsigned i = 0; i < 3; i++) {
      Command c = dense(conversion, 16, 256);
      c.base += 0x10000 * i;
      d.add(c);
    }
    d.run();
    const std::uint64_t beats = 3 * 16 * ((d.queue[0].run + d.bus - 1) / d.bus);
    EXPECT_EQ(d.w_beats, beats);
    EXPECT_LE(d.last_w - d.first_w + 1, beats + 2) << "conversion " << conversion;
    d.check_memory();
    d.check_completed();
  }
}

}  // namespace
}  // namespace systolith::store_test
