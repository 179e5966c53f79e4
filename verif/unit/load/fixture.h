// load_unit under its bench: commands for whatever configuration it is built for.
#pragma once

#include <gtest/gtest.h>

#include "load_bench.h"

namespace systolith::test {

inline constexpr uint64_t kPage = 0x40'0000;  // some 4 KiB boundary

class LoadUnit : public ::testing::Test {
 protected:
  LoadBench bench;
  std::mt19937_64 random{7};

  uint32_t bus() const { return bench.config.bus; }

  uint32_t lines_of_row(uint32_t run) const {
    return (run + bench.config.line_bytes - 1) / bench.config.line_bytes;
  }

  // Scratchpad command whose rows lie one after the other, from some line that leaves room.
  Command scratchpad(Transfer t) {
    const uint32_t pitch = lines_of_row(t.run);
    const uint64_t need = pitch * t.rows();
    EXPECT_LE(need, bench.config.lines);
    Command c;
    c.transfer = t;
    c.local_pitch = pitch;
    c.local_base = static_cast<uint32_t>(random() % (bench.config.lines - need + 1));
    return c;
  }

  Command accumulators(Transfer t) {
    Command c;
    c.transfer = t;
    c.accumulators = true;
    c.tag = 1 + static_cast<uint32_t>(random() % 2);
    c.local_pitch = 1;
    c.local_base = static_cast<uint32_t>(random() % (bench.config.rows - t.rows() + 1));
    return c;
  }

  // Anywhere in the address space, with strides longer by a power of two.
  void spread(Transfer& t) {
    const uint32_t width = bench.config.address_width;
    const auto shift = random() % (width - 18);  // four strides below 2^13, three times each
    uint64_t below = 0, above = 6000;            // bytes of the longest row
    for (int d = 0; d < 4; ++d) {
      t.stride[d] <<= shift;
      const uint64_t reach = static_cast<uint64_t>(std::abs(t.stride[d])) * (t.count[d] - 1);
      (t.stride[d] < 0 ? below : above) += reach;
    }
    above += 4 * 6000;  // a merged run has its rows in place of the innermost stride
    t.base = below + random() % ((uint64_t{1} << width) - below - above);
  }

  Command random_command() {
    Transfer t;
    const bool to_accumulators = random() % 3 == 0;
    const uint32_t space = bench.config.line_bytes * bench.config.lines;
    do {
      t.run = 1 + static_cast<uint32_t>(random() % std::min(space / 4, 5 * bus()));
      if (random() % 8 == 0)
        t.run = 1 + static_cast<uint32_t>(random() % std::min(space / 2, 6000u));
      if (to_accumulators) t.run = 4 * (1 + static_cast<uint32_t>(random() % bench.config.columns));
      for (int d = 0; d < 4; ++d) {
        t.count[d] = 1 + static_cast<uint32_t>(random() % 4);
        t.stride[d] = static_cast<int64_t>(random() % 16384) - 8192;
        if (random() % 6 == 0) t.stride[d] = 0;
        if (random() % 6 == 0) t.stride[d] = t.run - 1;
      }
    } while (t.rows() * lines_of_row(t.run) > bench.config.lines || t.rows() > bench.config.rows);
    t.base = kPage + random() % 16384;
    const bool merge = random() % 3 == 0;
    if (random() % 2) spread(t);
    t.merge = merge;
    if (t.merge) t.stride[0] = t.run;
    return to_accumulators ? accumulators(t) : scratchpad(t);
  }
};

}  // namespace systolith::test
