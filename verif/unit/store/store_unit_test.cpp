// Store unit: bytes, bursts, order, time and faults, on whatever configuration it is built for.
#include "store_unit_driver.h"

namespace systolith::store_test {
namespace {

constexpr std::uint32_t kScaleLine = 2;  // lines 2, 3 hold scales of columns in the random programs
constexpr std::uint64_t kBase = 0x10000000;

std::vector<Timing> timings() {
  std::vector<Timing> all(8);
  all[1] = {.aw_ready = 50,
            .w_ready = 50,
            .report_ready = 50,
            .scratchpad = 50,
            .b_least = 1,
            .b_most = 20};
  all[2] = {.aw_ready = 10, .w_ready = 90, .b_least = 1, .b_most = 100};
  all[3] = {.aw_ready = 90, .w_ready = 10, .scratchpad = 20, .command = 20};
  all[4] = {.aw_after_w = true};
  all[5] = {.b_least = 100, .b_most = 100, .w_after_aw = true};
  all[6] = {.aw_ready = 70, .w_ready = 70, .b_when_full = true};
  all[7] = {.report_ready = 3, .b_least = 300, .b_most = 300};
  return all;
}

class StoreUnit : public testing::Test {
 protected:
  explicit StoreUnit() : d(testing::UnitTest::GetInstance()->random_seed() + 1u) {}
  Driver d;

  unsigned below(std::uint64_t n) { return static_cast<unsigned>(d.random() % n); }
  /// A dense command of `rows` rows; all columns from the accumulators.
  Command dense(Conversion conversion, std::uint32_t rows, std::int64_t stride) {
    Command c;
    c.base = kBase;
    c.conversion = conversion;
    c.run = d.cols * c.element();
    c.count[0] = rows;
    c.stride[0] = stride;
    if (conversion == kInt8) c.scale = 0x3B000000;
    return c;
  }
  Command random_command() {
    Command c;
    c.accumulators = below(2) != 0;
    if (c.accumulators) {
      c.conversion = static_cast<Conversion>(below(3));
      c.relu = below(2) != 0;
      if (c.conversion == kInt8) {
        c.scale_per_column = below(2) != 0;
        if (c.scale_per_column)
          c.scale_line = kScaleLine;
        else
          c.scale = (100 + below(32)) << 23 | below(1 << 23);
      }
      c.run = (1 + below(d.cols)) * c.element();
    } else {
      c.run = 1 + below(below(4) == 0 ? 5 * d.line_bytes : 2 * d.bus + 3);
    }
    for (unsigned i = 0; i < 4; i++) c.count[i] = 1 + below(below(3) == 0 ? 6 : 2);
    // Dense from the inside out, sometimes with gaps; each loop sometimes runs backwards.
    std::int64_t extent = c.run;
    for (unsigned i = 0; i < 4; i++) {
      std::int64_t stride =
          extent + (below(2) == 0 ? 0 : below(70)) + (below(8) == 0 ? 4096 - extent % 4096 : 0);
      extent = stride * (c.count[i] - 1) + extent;
      if (below(4) == 0) {
        c.base += static_cast<std::uint64_t>(stride) * (c.count[i] - 1);
        stride = -stride;
      }
      c.stride[i] = stride;
    }
    c.base += kBase + below(3 * 4096);
    c.merge = c.may_merge() && below(4) != 0;
    const std::uint32_t limit = c.accumulators ? d.accumulator_rows : d.lines;
    const std::uint32_t last =
        c.accumulators ? 0 : (c.run - 1) / d.line_bytes;  // lines past the row's first
    std::uint32_t pitch_limit = c.rows() > 1 ? (limit - 1 - last) / (c.rows() - 1) : 3;
    c.local_pitch = below(std::min(pitch_limit + 1, 4u));
    c.local_base = below(limit - last - c.local_pitch * (c.rows() - 1));
    return c;
  }
  bool fits(const Command& c) const {
    return c.accumulators || (c.run - 1) / d.line_bytes + 1 <= d.lines;
  }
  void random_scales() {
    std::vector<std::uint32_t> scales;
    for (unsigned c = 0; c < d.cols; c++)
      scales.push_back((100 + below(32)) << 23 | below(1 << 23));
    d.set_scales(kScaleLine, scales);
  }
};

TEST_F(StoreUnit, EveryOffsetAndLengthFromTheScratchpad) {
  d.fill({kTagFp32});
  // A row ends 4 KiB beyond the page boundary's neighbourhood or crosses it, at every offset of a
  // beat.
  for (std::uint32_t length = 1; length <= 3 * d.bus + 1; length++) {
    for (std::uint32_t offset = 0; offset < 2 * d.bus; offset++) {
      Command c;
      c.accumulators = false;
      c.run = length;
      c.count[0] = 2;
      c.stride[0] = 3 * 4096 + 1;
      c.base = kBase + 4096 - d.bus + offset;
      c.local_base = below(d.lines - 2 * (length / d.line_bytes + 1));
      c.local_pitch = length / d.line_bytes + 1;
      d.restart();
      d.add(c);
      d.run();
      d.check_memory();
      ASSERT_EQ(d.bursts, d.expect_bursts(c)) << length << " at " << offset;
      d.check_completed();
      if (HasFailure()) return;
    }
  }
}

TEST_F(StoreUnit, EveryOffsetAndLengthFromTheAccumulators) {
  d.fill({kTagFp32, kTagInt32, kTagNone});
  random_scales();
  for (const Conversion conversion : {kRaw, kBf16, kInt8}) {
    for (std::uint32_t columns = 1; columns <= d.cols; columns++) {
      for (std::uint32_t offset = 0; offset < d.bus; offset++) {
        Command c = dense(conversion, 3, 0);
        c.run = columns * c.element();
        c.stride[0] = c.run;
        c.merge = below(2) != 0;
        c.relu = below(2) != 0;
        c.base = kBase + 4096 - c.run + offset;
        c.local_base = conversion == kRaw    ? 0
                       : conversion == kBf16 ? 3 * below(4)
                                             : 1 + 3 * below(4);
        c.local_pitch = conversion == kRaw ? 1 : 3;
        if (conversion == kInt8 && below(2) != 0) {
          c.scale = 0;
          c.scale_per_column = true;
          c.scale_line = kScaleLine;
        }
        d.restart();
        d.add(c);
        d.run();
        d.check_memory();
        ASSERT_EQ(d.bursts, d.expect_bursts(c)) << columns << " at " << offset;
        d.check_completed();
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(StoreUnit, RandomProgramsGiveTheSameBytesUnderAnyTiming) {
  const auto all = timings();
  for (unsigned round = 0; round < 160; round++) {
    d.restart();
    if (round % 16 == 0) {
      d.fill({kTagFp32, kTagInt32, kTagNone});
      random_scales();
    }
    d.timing = all[round % all.size()];
    std::vector<Burst> bursts;
    while (d.queue.size() < 20) {
      Command c = random_command();
      if (!fits(c)) continue;
      // Rows whose tags suit the conversion: the tags repeat every third row.
      if (c.accumulators && c.conversion != kRaw) {
        c.local_pitch = 3;
        if (3 * (c.rows() - 1) + 3 > d.accumulator_rows) continue;
        const std::uint32_t phase = below(2) == 0 ? 2 : c.conversion == kBf16 ? 0 : 1;
        c.local_base = phase + 3 * below((d.accumulator_rows - phase - 3 * (c.rows() - 1) + 2) / 3);
        if (c.local_base + 3 * (c.rows() - 1) >= d.accumulator_rows) continue;
      }
      d.add(c);
      for (const Burst& burst : d.expect_bursts(c)) bursts.push_back(burst);
    }
    d.run();
    d.check_memory();
    d.check_completed();
    ASSERT_EQ(d.bursts, bursts);
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

TEST_F(StoreUnit, SpecialValuesLeaveEachLaneConverted) {
  const std::vector<std::uint32_t> values = {
      0x3E89CCD5, 0x3F808000, 0x3DFFFFFF, 0x7F7F8000, 0x7F800001, 0xFFFFFFFF, 0x00018000,
      0x80008001, 0x80000000, 0xFF800000, 0x80000001, 0x00000001, 0x7F800000};
  const std::vector<std::uint16_t> bf16 = {0x3E8A, 0x3F80, 0x3E00, 0x7F80, 0x7FC0, 0x7FC0, 0x0002,
                                           0x8001, 0x8000, 0xFF80, 0x8000, 0x0000, 0x7F80};
  const std::vector<std::uint16_t> rectified = {
      0x3E8A, 0x3F80, 0x3E00, 0x7F80, 0x7FC0, 0x7FC0, 0x0002, 0, 0, 0, 0, 0, 0x7F80};
  for (std::size_t i = 0; i < values.size(); i++) {
    d.set_tag(static_cast<std::uint32_t>(i), kTagFp32);
    for (unsigned c = 0; c < d.cols; c++)
      d.set_accumulator(static_cast<std::uint32_t>(i), c, values[i]);
  }
  Command c = dense(kBf16, static_cast<std::uint32_t>(values.size()), 0);
  c.stride[0] = c.run;
  d.add(c);
  c.base += 0x4000;
  c.relu = true;
  d.add(c);
  d.run();
  for (std::size_t i = 0; i < values.size(); i++) {
    for (unsigned column = 0; column < d.cols; column++) {
      const std::uint64_t at = kBase + i * c.run + 2 * column;
      EXPECT_EQ(d.memory_at(at) | d.memory_at(at + 1) << 8, bf16[i])
          << std::hex << values[i] << " column " << column;
      EXPECT_EQ(d.memory_at(at + 0x4000) | d.memory_at(at + 0x4001) << 8, rectified[i])
          << std::hex << values[i];
    }
  }
}

TEST_F(StoreUnit, RectifiesRawRowsByTheirTag) {
  const std::vector<std::uint32_t> values = {0x80000000, 0xFFC12345, 0x7F800001,
                                             0x80000001, 0x00000001, 0xFFFFFFFF};
  const std::vector<std::uint32_t> as_fp32 = {0, 0x7FC00000, 0x7FC00000, 0, 1, 0x7FC00000};
  const std::vector<std::uint32_t> as_int32 = {0, 0, 0x7F800001, 0, 1, 0};
  for (std::uint32_t i = 0; i < values.size(); i++) {
    for (std::uint32_t t : {0u, 1u, 2u}) {
      d.set_tag(3 * i + t, static_cast<std::uint8_t>(t));
      d.set_accumulator(3 * i + t, 0, values[i]);
    }
  }
  Command c = dense(kRaw, 3 * static_cast<std::uint32_t>(values.size()), 4);
  c.run = 4;
  c.relu = true;
  d.add(c);
  d.run();
  for (std::uint32_t i = 0; i < values.size(); i++) {
    const auto word = [&](std::uint32_t row) {
      std::uint32_t value = 0;
      for (unsigned b = 0; b < 4; b++)
        value |= std::uint32_t{d.memory_at(kBase + 4 * row + b)} << 8 * b;
      return value;
    };
    EXPECT_EQ(word(3 * i), 0u);
    EXPECT_EQ(word(3 * i + 1), as_fp32[i]) << std::hex << values[i];
    EXPECT_EQ(word(3 * i + 2), as_int32[i]) << std::hex << values[i];
  }
}

TEST_F(StoreUnit, OfOverlappingRowsTheLastInLoopOrderWins) {
  d.fill({kTagFp32});
  for (const unsigned t : {0u, 1u, 3u}) {
    for (const std::int64_t stride : {0, 1, 4, -3}) {
      d.restart();
      d.timing = timings()[t];
      Command c = dense(kRaw, 5, stride);
      c.count[1] = 2;
      c.stride[1] = 2 * d.cols;
      d.add(c);
      d.run();
      d.check_memory();
      d.check_completed();
    }
  }
}

// ---- time ----

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

TEST_F(StoreUnit, ReportsTellIndexAndStartInEveryBit) {
  d.fill({kTagFp32});
  for (const std::uint64_t bits :
       {0x5a5a'5a5a'5a5a, 0xa5a5'a5a5'a5a5, 0xffff'0000'fff0, 0x0100'ffff'0000}) {
    d.restart();
    d.index_base = static_cast<std::uint32_t>(bits);
    d.cycle = bits;
    d.add(dense(kRaw, 1, 0));
    d.run();
    d.check_completed();
    ASSERT_EQ(d.reports.size(), 1U);
    EXPECT_GE(d.reports[0].start, bits);
    EXPECT_LT(d.reports[0].start, d.first_w);
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

// ---- visibility ----

TEST_F(StoreUnit, DoneOnlyAfterTheLastResponse) {
  d.fill({kTagNone});
  Command c = dense(kRaw, 6, 1024);
  c.signals = {sync(3, 7), sync_rows(4, 1, 1)};
  d.timing.b_least = d.timing.b_most = 200;
  d.add(c);
  std::uint64_t responses = 0;
  while (d.reports.empty() && !HasFailure()) {
    const std::uint64_t before = d.b_count;
    d.step();
    responses = before;
    // Beats are all gone long before; nothing may be told before the responses.
    const std::uint64_t bursts_of_row = d.expect_bursts(kBase, c.run).size();
    EXPECT_LE(d.semaphore[4] * 2 * bursts_of_row, responses);
    if (responses < 6 * bursts_of_row) {
      EXPECT_EQ(d.semaphore[3], 0u);
    }
    ASSERT_LT(d.cycle, 20000u);
  }
  EXPECT_GT(d.reports[0].cycle, d.last_b);
  EXPECT_EQ(d.semaphore[3], 7u);
  EXPECT_EQ(d.semaphore[4], 3u);
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, SignalsByRowsCountTheRestToo) {
  d.fill({kTagNone});
  d.timing = timings()[1];
  std::vector<std::uint32_t> expected(16, 0);
  for (unsigned rows : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u}) {
    for (unsigned n : {0u, 1u, 2u, 3u}) {
      for (const bool merge : {false, true}) {
        Command c = dense(kRaw, rows, 0);
        c.stride[0] = c.run;
        c.base = kBase + 0x10000 * d.queue.size();
        c.merge = merge && rows > 1;
        c.signals = {sync_rows(n, 1, n), sync_rows(4 + n, 3, n)};
        expected[n] += (rows + (1u << n) - 1) >> n;
        expected[4 + n] += 3 * ((rows + (1u << n) - 1) >> n);
        d.add(c);
      }
    }
  }
  d.run();
  EXPECT_EQ(d.semaphore, expected);
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, WaitsAreSubtractedOnceBeforeTheStart) {
  d.fill({kTagNone});
  Command c = dense(kRaw, 4, 1024);
  c.waits = {sync(1, 5), sync(2, 3)};
  d.add(c);
  d.idle(50);
  EXPECT_TRUE(d.top.blocked_o);
  EXPECT_TRUE(d.top.busy_o);
  EXPECT_EQ(d.w_beats, 0u);
  d.semaphore[1] = 6;
  d.idle(50);
  EXPECT_EQ(d.semaphore[1], 1u);
  EXPECT_TRUE(d.top.blocked_o);
  EXPECT_TRUE(d.bursts.empty());
  d.semaphore[2] = 3;
  d.run();
  EXPECT_EQ(d.semaphore[1], 1u);
  EXPECT_EQ(d.semaphore[2], 0u);
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, RowsAreReadAndStoredAsTheirWaitAllowsThem) {
  d.fill({kTagFp32});
  for (const bool accumulators : {true, false}) {
    for (unsigned n : {0u, 1u, 2u}) {
      d.restart();
      d.semaphore.assign(16, 0);
      Command c = dense(kRaw, 7, 1024);
      c.accumulators = accumulators;
      c.run = std::min(c.run, d.line_bytes);
      c.waits = {sync_rows(1, 2, n), sync_rows(2, 1, 0)};
      c.signals = {sync_rows(3, 1, 0), 0};
      d.add(c);
      d.semaphore[2] = 7;
      const std::uint64_t bursts_of_row = d.expect_bursts(kBase, c.run).size();
      for (unsigned granted = 0; granted < 7; granted += 1u << n) {
        d.idle(400);
        // Before the grant the next row is not addressed, and the rows before are out and visible.
        EXPECT_EQ(d.bursts.size(), granted * bursts_of_row);
        EXPECT_EQ(d.semaphore[3], granted);
        EXPECT_TRUE(d.top.blocked_o);
        // What the row holds until its grant is nobody's business.
        for (unsigned row = granted; row < granted + (1u << n); row++) d.rewrite(accumulators, row);
        d.semaphore[1] += 2;
      }
      d.run();
      EXPECT_EQ(d.semaphore[1], 0u);
      EXPECT_EQ(d.semaphore[2], 0u);
      d.check_memory();
      d.check_completed();
    }
  }
}

TEST_F(StoreUnit, MoreBurstsThanMayBeOwed) {
  d.fill({kTagNone});
  d.timing.b_when_full = true;
  for (const int extra : {-1, 0, 1}) {
    for (const unsigned times : {1u, 2u}) {
      d.restart();
      const int rows = static_cast<int>(times * d.outstanding) + extra;
      if (rows < 1) continue;
      Command c = dense(kInt8, static_cast<std::uint32_t>(rows), 256);
      c.run = 1;
      c.local_pitch = 0;
      d.add(c);
      d.run();
      d.check_memory();
      d.check_completed();
    }
  }
}

// ---- faults ----

TEST_F(StoreUnit, AnErrorOnAnyResponseStopsAndPaysWhatIsOwed) {
  d.fill({kTagNone});
  random_scales();
  for (unsigned failing = 0; failing < 30; failing++) {
    for (const unsigned t : {0u, 1u, 4u, 5u, 7u}) {
      d.restart();
      d.timing = timings()[t];
      std::vector<Burst> bursts;
      std::vector<std::size_t> owner;
      for (unsigned i = 0; i < 6; i++) {
        Command c = dense(i % 2 == 0 ? kBf16 : kInt8, 5, 1024);
        c.base = kBase + 0x8000 * i + 3 * i;
        d.add(c);
        for (const Burst& burst : d.expect_bursts(c)) {
          bursts.push_back(burst);
          owner.push_back(i);
        }
      }
      ASSERT_GE(bursts.size(), 30u);
      d.failing_bursts = {failing};
      const std::size_t bad = owner[failing];
      // Until the unit has come to rest.
      while (d.reports.size() <= bad && !HasFailure()) d.step();
      d.idle(700);
      const std::size_t issued = d.bursts.size();
      EXPECT_EQ(d.owed(), 0u) << "responses are owed";
      EXPECT_FALSE(d.top.owed_o);
      EXPECT_EQ(
          std::vector<Burst>(bursts.begin(), bursts.begin() + static_cast<std::ptrdiff_t>(issued)),
          d.bursts);
      ASSERT_GT(d.reports.size(), bad);
      for (std::size_t i = 0; i < bad; i++) EXPECT_EQ(d.reports[i].state, kCompleted);
      EXPECT_EQ(d.reports[bad].state, kFailed);
      EXPECT_EQ(d.reports[bad].cause, kCauseBusWrite);
      EXPECT_EQ(d.reports[bad].address, bursts[failing].address);
      for (std::size_t i = bad + 1; i < d.reports.size(); i++) {
        EXPECT_EQ(d.reports[i].state, kAborted);
        EXPECT_EQ(d.reports[i].cause, kCauseAborted);
      }
      // Started commands are those with an address, and perhaps one more.
      EXPECT_GE(d.reports.size(), issued == 0 ? 0 : owner[issued - 1] + 1);
      EXPECT_FALSE(d.top.busy_o);
      // After the reset the next command is right.
      d.flush = true;
      d.idle(3);
      d.flush = false;
      d.halted = false;
      d.restart();
      d.add(dense(kRaw, 3, 512));
      d.run();
      d.check_memory();
      d.check_completed();
      ASSERT_FALSE(HasFailure()) << "burst " << failing << " timing " << t;
    }
  }
}

TEST_F(StoreUnit, NoAddressIsOfferedFromTheErrorOn) {
  d.fill({kTagNone});
  d.timing.b_least = d.timing.b_most = 10;
  Command c = dense(kRaw, 500, 1024);
  c.local_pitch = 0;
  d.add(c);
  d.failing_bursts = {0};
  while (d.b_count == 0) d.step();
  const std::uint64_t error = d.cycle - 1;
  d.step();
  EXPECT_TRUE(d.top.fault_o);
  EXPECT_TRUE(d.reports.empty() || d.owed() == 0) << "the report waits for what is owed";
  d.idle(500);
  EXPECT_LE(d.last_aw, error) << "an address was offered after the error";
  ASSERT_EQ(d.reports.size(), 1u);
  EXPECT_EQ(d.reports[0].state, kFailed);
}

TEST_F(StoreUnit, AWrongTagFailsWithItsRowAndRowsBeforeArePaid) {
  for (const unsigned t : {0u, 1u, 3u, 6u}) {
    for (std::uint32_t bad = 0; bad < 6; bad++) {
      for (const Conversion conversion : {kBf16, kInt8}) {
        d.restart();
        d.timing = timings()[t];
        d.fill({static_cast<std::uint8_t>(conversion == kBf16 ? kTagFp32 : kTagInt32)});
        d.set_tag(10 + 2 * bad, conversion == kBf16 ? kTagInt32 : kTagFp32);
        Command first = dense(kRaw, 4, 700);
        d.add(first);
        Command c = dense(conversion, 6, 512);
        c.base += 0x20000;
        c.local_base = 10;
        c.local_pitch = 2;
        c.signals = {sync(5, 1), 0};
        d.add(c);
        c.base += 0x20000;
        d.add(c);
        d.run(2);
        d.idle(300);
        // The third command may have started when the row was read.
        ASSERT_GE(d.reports.size(), 2u);
        if (d.reports.size() > 2) {
          EXPECT_EQ(d.reports[2].state, kAborted);
        }
        EXPECT_EQ(d.reports[0].state, kCompleted);
        EXPECT_EQ(d.reports[1].state, kFailed);
        EXPECT_EQ(d.reports[1].cause, kCauseTypeTag);
        EXPECT_EQ(d.reports[1].address, 10 + 2 * bad);
        EXPECT_EQ(d.owed(), 0u);
        EXPECT_FALSE(d.top.busy_o);
        EXPECT_EQ(d.semaphore[5], 0u);
        // The first command is whole, and of the faulty row and later ones nothing is written.
        d.expect_command(first);
        for (std::uint32_t row = 0; row < 6; row++) {
          for (std::uint32_t b = 0; b < c.run; b++) {
            const std::uint64_t at = kBase + 0x20000 + row * 512 + b;
            if (row >= bad) {
              EXPECT_EQ(d.memory_at(at), 0xA5);
            }
            EXPECT_EQ(d.memory_at(at + 0x20000), 0xA5);
          }
        }
        d.reset_after_fault();
        ASSERT_FALSE(HasFailure()) << "row " << bad << " timing " << t;
      }
    }
  }
}

// Of a row of lines or accumulators that is read wrong, and of later ones, nothing is written; its
// tag may be anything.
TEST_F(StoreUnit, ARowReadWrongFailsWithItsPlaceAndRowsBeforeArePaid) {
  for (const unsigned t : {0u, 1u, 3u, 6u}) {
    for (std::uint32_t bad = 0; bad < 6; bad++) {
      for (const bool accumulators : {true, false}) {
        d.restart();
        d.timing = timings()[t];
        d.fill({kTagFp32});
        Command first = dense(kRaw, 4, 700);
        d.add(first);
        Command c = dense(accumulators ? kBf16 : kRaw, 6, 512);
        c.base += 0x20000;
        c.accumulators = accumulators;
        c.local_base = 10;
        c.local_pitch = 2;
        if (!accumulators) c.run = 7;
        if (accumulators) d.set_tag(10 + 2 * bad, kTagInt32);
        d.set_wrong(accumulators, 10 + 2 * bad, true);
        c.signals = {sync(5, 1), 0};
        d.add(c);
        d.run(2);
        d.idle(300);
        d.set_wrong(accumulators, 10 + 2 * bad, false);
        ASSERT_EQ(d.reports.size(), 2u);
        EXPECT_EQ(d.reports[0].state, kCompleted);
        EXPECT_EQ(d.reports[1].state, kFailed);
        EXPECT_EQ(d.reports[1].cause, kCauseMemory);
        EXPECT_EQ(d.reports[1].address, 10 + 2 * bad);
        EXPECT_EQ(d.owed(), 0u);
        EXPECT_FALSE(d.top.busy_o);
        EXPECT_EQ(d.semaphore[5], 0u);
        d.expect_command(first);
        for (std::uint32_t row = bad; row < 6; row++) {
          for (std::uint32_t b = 0; b < c.run; b++)
            EXPECT_EQ(d.memory_at(kBase + 0x20000 + row * 512 + b), 0xA5);
        }
        d.reset_after_fault();
        ASSERT_FALSE(HasFailure()) << "row " << bad << " timing " << t;
      }
    }
  }
}

TEST_F(StoreUnit, ScalesReadWrongFailBeforeAnythingIsWritten) {
  d.fill({kTagInt32});
  for (std::uint32_t line = 0; line < (4 * d.cols + d.line_bytes - 1) / d.line_bytes; line++) {
    for (const std::uint32_t scale : {0x3F800000u, 0u}) {
      d.restart();
      d.set_scales(kScaleLine, std::vector<std::uint32_t>(d.cols, scale));
      d.set_wrong(false, kScaleLine + line, true);
      Command c = dense(kInt8, 6, 512);
      c.scale = 0;
      c.scale_per_column = true;
      c.scale_line = kScaleLine;
      d.add(c);
      d.run();
      d.set_wrong(false, kScaleLine + line, false);
      EXPECT_EQ(d.reports[0].state, kFailed);
      // Of a bad scale in an earlier line the scale is the first fault.
      const bool wrong_first = line == 0 || scale != 0;
      EXPECT_EQ(d.reports[0].cause, wrong_first ? kCauseMemory : kCauseScale);
      EXPECT_EQ(d.reports[0].address, wrong_first ? kScaleLine + line : 0);
      EXPECT_TRUE(d.bursts.empty());
      d.reset_after_fault();
      ASSERT_FALSE(HasFailure()) << "line " << line;
    }
  }
}

TEST_F(StoreUnit, AFaultLeavesTheBurstsOfOlderCommandsAlone) {
  // The first command is one run of two bursts, the second of which is still to be addressed when
  // the next command's row is read.
  for (const unsigned aw_ready : {2u, 5u, 20u, 100u}) {
    for (unsigned rows = 1; rows < 5; rows++) {
      d.restart();
      d.fill({kTagFp32});
      d.timing.aw_ready = aw_ready;
      Command first = dense(kRaw, rows, 4 * d.cols);
      first.merge = rows > 1;
      first.base = kBase + 4096 - 4;
      d.add(first);
      Command c = dense(kInt8, 6, 512);
      c.base += 0x20000;
      d.add(c);
      d.run(2);
      EXPECT_EQ(d.reports[0].state, kCompleted);
      EXPECT_EQ(d.reports[1].state, kFailed);
      EXPECT_EQ(d.reports[1].cause, kCauseTypeTag);
      EXPECT_EQ(d.reports[1].address, 0u);
      d.expect_command(first);
      d.compare_memory();
      d.idle(100);
      d.reset_after_fault();
      ASSERT_FALSE(HasFailure()) << rows << " rows";
    }
  }
}

TEST_F(StoreUnit, ABadScaleFailsWithItsColumnBeforeAnythingIsWritten) {
  d.fill({kTagInt32});
  for (const std::uint32_t scale :
       {0u, 0x80000000u, 0xBF800000u, 0x7F800000u, 0x7FC00000u, 0xFF800000u, 0x80000001u}) {
    for (unsigned column = 0; column < d.cols; column++) {
      d.restart();
      std::vector<std::uint32_t> scales(d.cols, 0x3F800000);
      scales[column] = scale;
      if (column + 1 < d.cols) scales[d.cols - 1] = scale;  // the first bad one counts
      d.set_scales(kScaleLine, scales);
      Command c = dense(kInt8, 6, 512);
      c.scale = 0;
      c.scale_per_column = true;
      c.scale_line = kScaleLine;
      d.add(c);
      d.run();
      EXPECT_EQ(d.reports[0].state, kFailed);
      EXPECT_EQ(d.reports[0].cause, kCauseScale);
      EXPECT_EQ(d.reports[0].address, column);
      EXPECT_TRUE(d.bursts.empty());
      d.reset_after_fault();
      ASSERT_FALSE(HasFailure()) << std::hex << scale;
    }
  }
  // The least and the greatest scale are good.
  for (const std::uint32_t scale : {1u, 0x7F7FFFFFu}) {
    d.restart();
    d.set_scales(kScaleLine, std::vector<std::uint32_t>(d.cols, scale));
    Command c = dense(kInt8, 6, 512);
    c.scale = 0;
    c.scale_per_column = true;
    c.scale_line = kScaleLine;
    d.add(c);
    d.run();
    d.check_memory();
    d.check_completed();
  }
}

TEST_F(StoreUnit, ARefusedSignalFailsTheCommand) {
  d.fill({kTagNone});
  d.semaphore[9] = 65533;
  Command c = dense(kRaw, 6, 512);
  c.signals = {sync(8, 1), sync_rows(9, 1, 0)};
  d.add(c);
  d.add(dense(kRaw, 2, 512));
  d.run(1);
  d.idle(300);
  EXPECT_EQ(d.reports[0].state, kFailed);
  EXPECT_EQ(d.reports[0].cause, kCauseOverflow);
  EXPECT_EQ(d.reports[0].address, 9u);
  EXPECT_EQ(d.semaphore[9], 65535u);
  EXPECT_EQ(d.semaphore[8], 0u);
  EXPECT_EQ(d.owed(), 0u);
  if (d.reports.size() > 1) {
    EXPECT_EQ(d.reports[1].state, kAborted);
  }
  EXPECT_FALSE(d.top.busy_o);
}

TEST_F(StoreUnit, HaltDropsWhatHasNotStarted) {
  d.fill({kTagNone});
  d.stop_at_fault = false;
  Command running = dense(kRaw, 4, 512);
  Command waiting = dense(kRaw, 4, 512);
  waiting.base += 0x10000;
  waiting.waits = {sync(1, 1), 0};
  d.add(running);
  d.add(waiting);
  d.run(1);
  d.idle(20);
  EXPECT_TRUE(d.top.busy_o);
  d.halted = true;
  d.semaphore[1] = 1;
  d.idle(100);
  EXPECT_EQ(d.reports.size(), 1u);
  EXPECT_FALSE(d.top.busy_o);
  d.expect_command(running);
  d.compare_memory();
}

TEST_F(StoreUnit, AbandonEndsACommandThatIsBlockedInARowWait) {
  d.fill({kTagNone});
  d.stop_at_fault = false;
  Command c = dense(kRaw, 6, 512);
  c.waits = {sync_rows(1, 1, 1), 0};
  d.semaphore[1] = 2;
  d.add(c);
  d.idle(200);
  d.halted = true;
  d.idle(100);
  EXPECT_TRUE(d.reports.empty()) << "only abandon_i ends it";
  EXPECT_TRUE(d.top.blocked_o);
  d.abandon = true;
  d.idle(100);
  ASSERT_EQ(d.reports.size(), 1u);
  EXPECT_EQ(d.reports[0].state, kAborted);
  EXPECT_EQ(d.reports[0].cause, kCauseAborted);
  EXPECT_FALSE(d.top.busy_o);
  EXPECT_EQ(d.bursts.size(), 4 * d.expect_bursts(kBase, c.run).size());
}

TEST_F(StoreUnit, AQueueResetInAnyCycleDrainsAndLeavesNothing) {
  d.fill({kTagNone});
  random_scales();
  const auto all = timings();
  for (unsigned at = 0; at < 200; at++) {
    d.restart();
    d.timing = all[at % 7];
    for (unsigned i = 0; i < 4; i++) {
      Command c = dense(i % 2 == 0 ? kBf16 : kInt8, 6, 1024);
      c.base = kBase + 0x8000 * i + 5 * i;
      if (i == 1) {
        c.scale = 0;
        c.scale_per_column = true;
        c.scale_line = kScaleLine;
      }
      if (i == 3) c.waits = {sync_rows(1, 1, 0), 0};
      d.add(c);
    }
    d.semaphore.assign(16, 0);
    d.semaphore[1] = 3;
    if (at % 3 == 0) d.failing_bursts = {at % 8};
    d.idle(at);
    const std::size_t reports = d.reports.size();
    d.queue.resize(d.next_command);
    d.flush = true;
    unsigned waited = 0;
    std::size_t addressed = d.bursts.size() + (d.top.aw_valid_o ? 1 : 0);
    do {
      d.step();
      ASSERT_LT(++waited, 5000u) << "the debt is not paid, reset in cycle " << at;
      if (waited == 1)
        addressed = std::max(addressed, d.bursts.size() + (d.top.aw_valid_o ? 1u : 0u));
    } while (d.top.owed_o || d.owed() != 0);
    EXPECT_LE(d.bursts.size(), addressed + 1);
    EXPECT_EQ(d.reports.size(), reports) << "a report in the reset";
    d.step();
    d.flush = false;
    d.halted = false;
    d.semaphore.assign(16, 0);
    d.restart();
    for (unsigned i = 0; i < 3; i++) {
      Command c = dense(kInt8, 3, 64 + d.cols);
      c.base = kBase + 0x1000 * i + 1;
      c.signals = {sync_rows(2, 1, 0), 0};
      d.add(c);
    }
    d.run();
    EXPECT_EQ(d.semaphore[2], 9u);
    d.check_memory();
    d.check_completed();
    ASSERT_FALSE(HasFailure()) << "reset in cycle " << at;
  }
}

}  // namespace
}  // namespace systolith::store_test
