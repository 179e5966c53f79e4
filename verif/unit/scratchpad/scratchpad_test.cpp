// Scratchpad: three read ports with priorities on a bank, strobed writes, clear, flipped bits.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include "Vscratchpad_bench.h"
#include "on_chip_memories.hpp"

namespace {

class Scratchpad : public testing::Test {
 protected:
  Scratchpad() {
    top.rst_ni = 1;
    top.clk_i = 0;
    top.eval();
    top.rst_ni = 0;
    top.eval();
    top.rst_ni = 1;
    top.eval();
    lines = top.lines_o;
    line_bytes = top.line_bytes_o;
    bus_bytes = top.bus_bytes_o;
    model.resize(size_t{lines} * line_bytes);
  }
  ~Scratchpad() override { top.final(); }
  void edge() {
    top.eval();
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
    top.eval();
  }
  uint32_t clear() {
    top.clear_i = 1;
    edge();
    top.clear_i = 0;
    uint32_t cycles = 0;
    for (; top.clear_busy_o; ++cycles) edge();
    std::fill(model.begin(), model.end(), 0);
    return cycles;
  }
  uint32_t bank(uint32_t line) const { return line / (lines / top.banks_o); }

  Vscratchpad_bench top;
  std::vector<uint8_t> model;
  uint32_t lines, line_bytes, bus_bytes;
  std::mt19937 random{7};
};

TEST_F(Scratchpad, ClearZeroesEveryLineInALineOfEachBankACycle) {
  EXPECT_EQ(clear(), lines / top.banks_o);
  for (uint32_t line = 0; line < lines; ++line) {
    top.read_valid_i = 1;
    top.read_line_i[0] = line;
    edge();
    top.read_valid_i = 0;
    for (uint32_t i = 1; i < top.latency_o; ++i) edge();
    ASSERT_EQ(0, std::memcmp(&top.read_data_o[0], &model[size_t{line} * line_bytes], line_bytes));
  }
}

TEST_F(Scratchpad, RandomReadsAndWritesMatchAnArray) {
  clear();
  struct Read {
    bool granted = false;
    std::vector<uint8_t> data;
  };
  std::array<std::deque<Read>, 3> pipe;
  for (auto& p : pipe) p.resize(top.latency_o);
  uint32_t refused = 0, together = 0;
  for (uint32_t cycle = 0; cycle < 20000; ++cycle) {
    if (cycle == 12000) {  // a second clear after everything was written
      top.read_valid_i = 0;
      top.write_valid_i = 0;
      clear();
      for (auto& p : pipe) p.assign(top.latency_o, {});
    }
    // Few lines now and then, so that writes meet reads.
    const uint32_t range = cycle / 1000 % 2 ? lines : 8;
    const auto line = [&] { return (random() % range) * (lines / range); };
    top.write_valid_i = random() % 4 != 0;
    top.write_line_i = line();
    top.write_word_i = random() % (line_bytes / bus_bytes);
    std::vector<uint8_t> data(bus_bytes), strobe(bus_bytes / 8);
    for (auto& b : data) b = random();
    for (auto& b : strobe) b = random() % 2 ? 0xff : random();
    std::memcpy(&top.write_data_i, data.data(), bus_bytes);
    std::memcpy(&top.write_strobe_i, strobe.data(), bus_bytes / 8);
    top.read_valid_i = random() % 8;
    for (uint32_t p = 0; p < 3; ++p) {
      // A line that is written in the same cycle is nobody's to read.
      do top.read_line_i[p] = line();
      while (top.write_valid_i && top.read_line_i[p] == top.write_line_i);
    }
    top.eval();
    uint32_t expected = 0;
    for (uint32_t p = 0; p < 3; ++p) {
      bool free = top.read_valid_i >> p & 1;
      for (uint32_t q = 0; q < p; ++q) {
        if ((top.read_valid_i >> q & 1) && bank(top.read_line_i[q]) == bank(top.read_line_i[p]))
          free = false;
      }
      expected |= free << p;
      refused += (top.read_valid_i >> p & 1) && !free;
    }
    ASSERT_EQ(top.read_grant_o, expected);
    together += expected == 7;
    for (uint32_t p = 0; p < 3; ++p) {
      const auto first = model.begin() + size_t{top.read_line_i[p]} * line_bytes;
      pipe[p].push_back({(expected >> p & 1) != 0, {first, first + line_bytes}});
    }
    if (top.write_valid_i) {
      uint8_t* word = &model[size_t{top.write_line_i} * line_bytes + top.write_word_i * bus_bytes];
      for (uint32_t b = 0; b < bus_bytes; ++b) {
        if (strobe[b / 8] >> b % 8 & 1) word[b] = data[b];
      }
    }
    edge();
    for (uint32_t p = 0; p < 3; ++p) {
      pipe[p].pop_front();
      const Read& read = pipe[p].front();
      if (read.granted) {
        ASSERT_EQ(0, std::memcmp(&top.read_data_o[p], read.data.data(), line_bytes))
            << "port " << p;
      }
    }
  }
  EXPECT_GT(refused, 1000u);
  if (top.banks_o > 2) EXPECT_GT(together, 100u);
}

// A line read beside good lines of other banks: its port alone is told, with the data; nothing
// before the first clear.
TEST_F(Scratchpad, AWrongLineIsToldToThePortThatReadsIt) {
  systolith::sim::OnChipMemories memories(*top.contextp(), "TOP.scratchpad_bench.u_scratchpad.");
  ASSERT_EQ(memories.list().size(), size_t{top.banks_o} * line_bytes / bus_bytes);
  const uint32_t in_bank = lines / top.banks_o;
  for (const bool cleared : {false, true}) {
    if (cleared) clear();
    for (size_t m = 0; m < memories.list().size(); ++m) {
      const auto& memory = memories.list()[m];
      const uint32_t bad_bank = std::stoul(memory.name.substr(memory.name.find('[') + 1));
      const uint32_t word = random() % in_bank, bit = random() % memory.width;
      memories.flip(m, word, bit);
      for (uint32_t port = 0; port < 3; ++port) {
        top.read_valid_i = 7;
        for (uint32_t p = 0; p < 3; ++p) {
          const uint32_t other = (bad_bank + 1 + p % (top.banks_o - 1)) % top.banks_o;
          const uint32_t b = p == port ? bad_bank : other;
          top.read_line_i[p] = b * in_bank + word;
        }
        top.eval();
        ASSERT_TRUE(top.read_grant_o >> port & 1);
        for (uint32_t i = 0; i < top.latency_o; ++i) {
          edge();
          top.read_valid_i = 0;
        }
        const bool corrected = top.secded_o != 0;
        EXPECT_EQ(top.read_error_o, cleared && !corrected ? 1U << port : 0U) << memory.name;
        EXPECT_EQ(top.corrected_o, cleared && corrected) << memory.name;
        edge();
        EXPECT_EQ(top.read_error_o, 0) << memory.name;
        EXPECT_EQ(top.corrected_o, 0) << memory.name;
      }
      memories.flip(m, word, bit);
    }
  }
}

}  // namespace
