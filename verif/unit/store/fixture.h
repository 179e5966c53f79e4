// Store unit under its bench: commands, and their reference.
#pragma once

#include "store_unit_driver.h"

namespace systolith::store_test {

// Lines 2, 3 hold scales of columns in the random programs.
inline constexpr std::uint32_t kScaleLine = 2;
inline constexpr std::uint64_t kBase = 0x10000000;

inline std::vector<Timing> timings() {
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
    // Near the others, or anywhere.
    c.base += below(2) ? kBase + below(3 * 4096) : d.random();
    if (d.top.address_width_o < 64) c.base %= std::uint64_t{1} << d.top.address_width_o;
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

}  // namespace systolith::store_test
