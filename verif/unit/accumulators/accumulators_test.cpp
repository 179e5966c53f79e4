// Accumulators: skewed array ports, drain port, load writes in gaps and holes, tags, clear, flipped
// bits.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "Vaccumulators_bench.h"
#include "on_chip_memories.hpp"

namespace {

class Accumulators : public testing::Test {
 protected:
  Accumulators() {
    reset();
    clear();
  }
  ~Accumulators() override { top.final(); }

  void reset() {
    top.rst_ni = 1;
    top.clk_i = 0;
    top.eval();
    top.rst_ni = 0;
    top.eval();
    top.rst_ni = 1;
    top.eval();
    rows = top.rows_o;
    cols = top.cols_o;
    per_word = top.columns_per_word_o;
    latency = top.latency_o;
    words = (cols + per_word - 1) / per_word;
    model.assign(rows, std::vector<uint32_t>(cols));
    tags.assign(rows, 0);
  }

  void clear() {
    top.write_valid_i = top.read_valid_i = top.load_valid_i = top.drain_valid_i = 0;
    top.clear_i = 1;
    plain_edge();
    top.clear_i = 0;
    uint32_t busy = 0;
    for (; top.clear_busy_o; ++busy) plain_edge();
    EXPECT_GE(busy, rows);
    EXPECT_LE(busy, rows + cols);
    for (auto& row : model) std::fill(row.begin(), row.end(), 0);
    std::fill(tags.begin(), tags.end(), 0);
    writes.assign(cols, {});
    reads.assign(cols, {});
    checks.assign(cols + latency + 2, {});
  }
  void plain_edge() {
    top.eval();
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
    top.eval();
  }

  /// One cycle with the inputs set (without write data, which comes from the model): checks what is
  /// due and queues what this cycle's reads must give.
  void cycle() {
    // Array write: values are drawn at column 0's time and appear column by column.
    Row write{top.write_valid_i != 0, top.write_row_i, std::vector<uint32_t>(cols)};
    for (auto& value : write.data) value = random();
    writes.push_front(write);
    writes.resize(cols);
    reads.push_front({top.read_valid_i != 0, top.read_row_i, {}});
    reads.resize(cols);
    for (uint32_t c = 0; c < cols; ++c) {
      top.write_data_i[c] = writes[c].valid ? writes[c].data[c] : 0xbad0bad0;
    }
    top.eval();
    bool clash = false;
    std::vector<bool> load(cols);
    for (uint32_t c = 0; c < cols; ++c) {
      load[c] = top.load_valid_i && c / per_word == top.load_word_i &&
                (top.load_strobe_i >> c % per_word & 1);
      clash |= writes[c].valid && (load[c] || (top.load_valid_i && top.load_word_i == 0 && c == 0));
    }
    if (top.load_valid_i) ASSERT_EQ(top.load_ready_o, !clash);
    loaded = top.load_valid_i && top.load_ready_o;

    const auto written = [&](uint32_t c, uint32_t row) {
      return (writes[c].valid && writes[c].row == row) ||
             (loaded && load[c] && top.load_row_i == row);
    };
    const auto tag_written = [&](uint32_t row) {
      return (writes[0].valid && writes[0].row == row) ||
             (loaded && top.load_word_i == 0 && top.load_row_i == row);
    };
    for (uint32_t c = 0; c < cols; ++c) {
      const Row& read = reads[c];
      if (!read.valid || written(c, read.row)) continue;  // read beside a write: nobody's value
      const uint32_t value = model[read.row][c];
      checks[latency].push_back(
          [this, c, value] { EXPECT_EQ(top.read_data_o[c], value) << "column " << c; });
    }
    if (top.read_valid_i && !tag_written(top.read_row_i)) {
      const uint32_t tag = tags[top.read_row_i];
      checks[latency].push_back([this, tag] { EXPECT_EQ(top.read_tag_o, tag); });
    }
    if (top.drain_valid_i) {
      for (uint32_t c = 0; c < cols; ++c) {
        if (written(c, top.drain_row_i)) continue;
        const uint32_t value = model[top.drain_row_i][c];
        checks[latency].push_back(
            [this, c, value] { EXPECT_EQ(top.drain_data_o[c], value) << "column " << c; });
      }
      if (!tag_written(top.drain_row_i)) {
        const uint32_t tag = tags[top.drain_row_i];
        checks[latency].push_back([this, tag] { EXPECT_EQ(top.drain_tag_o, tag); });
      }
    }
    for (uint32_t c = 0; c < cols; ++c) {
      if (writes[c].valid) model[writes[c].row][c] = writes[c].data[c];
      if (loaded && load[c]) {
        uint32_t value;
        std::memcpy(&value, reinterpret_cast<const uint8_t*>(&top.load_data_i) + c % per_word * 4,
                    4);
        model[top.load_row_i][c] = value;
      }
    }
    if (writes[0].valid) tags[writes[0].row] = top.write_tag_i;
    if (loaded && top.load_word_i == 0) tags[top.load_row_i] = top.load_tag_i;
    plain_edge();
    checks.pop_front();
    checks.emplace_back();
    for (const auto& check : checks.front()) check();
    checks.front().clear();
  }

  struct Row {
    bool valid = false;
    uint32_t row = 0;
    std::vector<uint32_t> data;
  };
  void offer_load(uint32_t row, uint32_t word) {
    top.load_valid_i = 1;
    top.load_row_i = row;
    top.load_word_i = word;
    const uint32_t last = std::min(per_word, cols - word * per_word);
    top.load_strobe_i = (uint64_t{1} << (1 + random() % last)) - 1;
    top.load_tag_i = 1 + random() % 2;
    for (uint32_t i = 0; i < per_word; ++i) {
      const uint32_t value = random();
      std::memcpy(reinterpret_cast<uint8_t*>(&top.load_data_i) + 4 * i, &value, 4);
    }
  }

  Vaccumulators_bench top;
  uint32_t rows, cols, per_word, latency, words;
  std::vector<std::vector<uint32_t>> model;
  std::vector<uint32_t> tags;
  std::deque<Row> writes, reads;  // [c]: entered c cycles ago
  std::deque<std::vector<std::function<void()>>> checks;
  bool loaded = false;
  std::mt19937 random{3};
};

TEST_F(Accumulators, RandomTrafficOnAllPortsMatchesAnArray) {
  for (uint32_t i = 0; i < 20000; ++i) {
    if (i % 5000 == 4999) clear();
    const uint32_t range = i / 500 % 2 ? rows : std::min(rows, 6u);
    top.write_valid_i = random() % 3 == 0;
    top.write_row_i = random() % range;
    top.write_tag_i = 1 + random() % 2;
    top.read_valid_i = random() % 2;
    do top.read_row_i = random() % range;
    while (top.read_row_i == top.write_row_i);
    top.drain_valid_i = random() % 2;
    top.drain_row_i = random() % range;
    if (!top.load_valid_i || loaded) {
      top.load_valid_i = 0;
      if (random() % 2) offer_load(random() % range, random() % words);
    }
    cycle();
    ASSERT_FALSE(HasFailure()) << "cycle " << i;
  }
}

TEST_F(Accumulators, AFullStreamThatHeedsHolesLetsALoadPass) {
  const uint32_t issue_delay =
      40;  // from the issue slot that a hole leaves free to column 0's write
  std::deque<bool> slots(issue_delay, true);
  uint32_t row = 0, word = 0, waited = 0, longest = 0, holes = 0, cycles = 4000;
  uint32_t done = 0;
  for (uint32_t i = 0; i < cycles; ++i) {
    top.eval();
    slots.push_back(!top.hole_o);
    holes += top.hole_o;
    top.write_valid_i = slots.front();
    slots.pop_front();
    top.write_row_i = i % (rows / 2);
    top.write_tag_i = 1;
    if (!top.load_valid_i) offer_load(rows / 2 + row % (rows / 2), word);
    cycle();
    ASSERT_FALSE(HasFailure()) << "cycle " << i;
    ++waited;
    if (loaded) {
      longest = std::max(longest, waited);
      waited = 0;
      ++done;
      top.load_valid_i = 0;
      if (++word == words) {
        word = 0;
        ++row;
      }
    }
  }
  EXPECT_LE(longest, 8 + issue_delay + 2 * cols + 16);
  EXPECT_GE(row, cycles / (4 * std::max(16u, 4 * std::min(per_word, cols))));
  EXPECT_LE(holes, cycles / 4 + 64) << "the array keeps three slots of four";
  // Without a load waiting no slot is taken.
  top.load_valid_i = 0;
  for (uint32_t i = 0; i < 100; ++i) {
    top.eval();
    if (i > 1) EXPECT_EQ(top.hole_o, 0);
    top.write_valid_i = 1;
    cycle();
  }
}

// Rows back to back, one of them wrong in one word of one copy, in a bit or two: told with that
// row's last column, or with the drain's data, in no other cycle; nothing before the first clear.
TEST_F(Accumulators, AWrongRowIsToldToItsReader) {
  systolith::sim::OnChipMemories memories(*top.contextp(),
                                          "TOP.accumulators_bench.u_accumulators.");
  ASSERT_EQ(memories.list().size(), 2 * cols + 2);
  constexpr uint32_t kReads = 6;
  for (const auto& [cleared, flips] :
       {std::pair{true, 1u}, std::pair{true, 2u}, std::pair{false, 2u}, std::pair{false, 1u}}) {
    if (flips == 2 && !top.secded_o) continue;  // parity does not see two
    if (!cleared) reset();
    for (size_t m = 0; m < memories.list().size(); ++m) {
      const std::string& name = memories.list()[m].name;
      const bool array = name.find("u_array") != std::string::npos;
      const bool tag = name.find("_tag") != std::string::npos;
      const uint32_t column = tag ? 0 : std::stoul(name.substr(name.find('[') + 1));
      const uint32_t width = memories.list()[m].width;
      const uint32_t bad = random() % kReads, bit = random() % width;
      const auto flip = [&] {
        for (uint32_t i = 0; i < flips; ++i) memories.flip(m, bad, (bit + i) % width);
      };
      flip();
      const bool corrected = cleared && top.secded_o && flips == 1, error = cleared && !corrected;
      for (uint32_t cycle = 0; cycle < kReads + latency + cols + 2; ++cycle) {
        top.read_valid_i = top.drain_valid_i = cycle < kReads;
        top.read_row_i = top.drain_row_i = cycle;
        plain_edge();
        // The row whose data are there now was read latency edges ago.
        const uint32_t now = cycle + 1;
        const bool last_column = now == bad + latency + cols - 1, first = now == bad + latency;
        EXPECT_EQ(top.read_error_o, error && array && last_column) << name << ", " << now;
        if (top.read_error_o) EXPECT_EQ(top.read_error_row_o, bad);
        EXPECT_EQ(top.read_tag_error_o, error && array && tag && first) << name << ", " << now;
        EXPECT_EQ(top.drain_error_o, error && !array && first) << name << ", " << now;
        const bool its_word = now == bad + latency + (array ? column : 0);
        EXPECT_EQ(top.corrected_o, corrected && its_word) << name << ", " << now;
      }
      flip();
      if (HasFailure()) return;
    }
  }
}

}  // namespace
