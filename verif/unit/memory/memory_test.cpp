// Memory wrapper against an array: strobes, latency, held data, reads beside writes.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>

#include "Vmemory.h"

namespace {

constexpr uint32_t kDepth = 32;
constexpr uint32_t kGranules = 64 / GRANULE;

TEST(Memory, RandomReadsAndWritesMatchAnArray) {
  Vmemory top;
  std::mt19937_64 random(1);
  std::array<uint64_t, kDepth> model{};
  std::deque<std::optional<uint64_t>> pipe(LATENCY);  // front: data due after this edge
  std::optional<uint64_t> held;
  top.rst_ni = 1;
  top.clk_i = 0;
  top.eval();
  top.rst_ni = 0;
  top.eval();
  top.rst_ni = 1;
  uint32_t partial = 0, collisions = 0;
  for (uint32_t cycle = 0; cycle < 20000; ++cycle) {
    const bool filling = cycle < kDepth;
    top.write_valid_i = filling || random() % 2;
    top.write_index_i = filling ? cycle : random() % kDepth;
    const uint64_t all = (uint64_t{1} << kGranules) - 1;
    const uint64_t strobe = filling || random() % 2 ? all : random() & all;
    top.write_strobe_i = strobe;
    top.write_data_i = random();
    top.read_valid_i = !filling && random() % 2;
    top.read_index_i = random() % kDepth;
    top.eval();
    std::optional<uint64_t> read;
    if (top.read_valid_i) {
      read = model[top.read_index_i];  // the word before this cycle's write
      collisions += top.write_valid_i && top.write_index_i == top.read_index_i;
    }
    if (top.write_valid_i) {
      uint64_t mask = 0;
      for (uint32_t g = 0; g < kGranules; ++g) {
        if (strobe >> g & 1)
          mask |= (GRANULE == 64 ? ~uint64_t{0} : (uint64_t{1} << GRANULE) - 1) << g * GRANULE % 64;
      }
      partial += strobe != all;
      model[top.write_index_i] = (model[top.write_index_i] & ~mask) | (top.write_data_i & mask);
    }
    pipe.push_back(read);
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
    top.eval();
    pipe.pop_front();
    if (pipe.front()) held = pipe.front();
    if (held) ASSERT_EQ(top.read_data_o, *held) << "cycle " << cycle;
    ASSERT_EQ(top.corrected_o, 0);
    ASSERT_EQ(top.uncorrected_o, 0);
  }
  EXPECT_GT(partial, 1000u);
  EXPECT_GT(collisions, 100u);
}

}  // namespace
