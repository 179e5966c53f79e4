// Store unit: every byte and burst, whatever place, conversion and timing.
#include "fixture.h"

namespace systolith::store_test {
namespace {

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

}  // namespace
}  // namespace systolith::store_test
