// Drives the store unit's bench: commands in, an AXI memory with settable time behind it,
// semaphores, reports out, and a check in every cycle of the rules that hold for all of them.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "Vstore_unit_bench.h"
#include "conversion_reference.h"

namespace systolith::store_test {

enum Conversion : std::uint8_t { kRaw = 0, kBf16 = 1, kInt8 = 2 };
enum Tag : std::uint8_t { kTagNone = 0, kTagFp32 = 1, kTagInt32 = 2 };
enum State : std::uint8_t { kCompleted = 1, kFailed = 2, kAborted = 3 };
enum Cause : std::uint8_t {
  kCauseScale = 11,
  kCauseTypeTag = 12,
  kCauseOverflow = 13,
  kCauseBusWrite = 15,
  kCauseMemory = 22,
  kCauseAborted = 23
};

/// One wait or signal, in the encoding of the command.
constexpr std::uint32_t sync(unsigned semaphore, unsigned count) { return count | semaphore << 16; }
constexpr std::uint32_t sync_rows(unsigned semaphore, unsigned count, unsigned rows_log2) {
  return count | semaphore << 16 | rows_log2 << 24 | 1u << 29;
}

/// A store command as the unit gets it. Strides in bytes, loop 0 innermost.
struct Command {
  std::uint64_t base = 0;
  std::uint32_t run = 1;
  std::array<std::uint32_t, 4> count = {1, 1, 1, 1};
  std::array<std::int64_t, 4> stride = {0, 0, 0, 0};
  bool merge = false;
  std::uint32_t local_base = 0, local_pitch = 1;
  bool accumulators = true;
  Conversion conversion = kRaw;
  bool relu = false;
  bool scale_per_column = false;
  std::uint32_t scale = 0;
  std::uint32_t scale_line = 0;
  std::array<std::uint32_t, 2> waits = {0, 0}, signals = {0, 0};

  std::uint32_t rows() const { return count[0] * count[1] * count[2] * count[3]; }
  unsigned element() const { return conversion == kRaw ? 4 : conversion == kBf16 ? 2 : 1; }
  std::uint64_t address(std::uint32_t row) const {
    std::uint64_t address = base;
    for (unsigned d = 0; d < 4; d++) {
      address += static_cast<std::uint64_t>(stride[d]) * (row % count[d]);
      row /= count[d];
    }
    return address;
  }
  /// Loop 0 is contiguous, and nothing stands against walking it as one run.
  bool may_merge() const {
    const auto by_rows = [](std::uint32_t wait) {
      return (wait & 0xFFFF) != 0 && (wait >> 29 & 1) != 0;
    };
    return count[0] > 1 && stride[0] == static_cast<std::int64_t>(run) && !by_rows(waits[0]) &&
           !by_rows(waits[1]);
  }
};

struct Report {
  std::uint32_t index;
  std::uint8_t state, cause;
  std::uint64_t address, start;
  std::uint64_t cycle;  // in which it was taken
};

/// How the world around the unit behaves. Probabilities in percent.
struct Timing {
  unsigned aw_ready = 100, w_ready = 100, report_ready = 100, scratchpad = 100, command = 100;
  unsigned b_least = 1, b_most = 1;  // cycles from last W to B
  bool aw_after_w = false;           // AWREADY only while WVALID
  bool w_after_aw = false;           // WREADY only for a burst whose AW was taken
  bool b_when_full = false;  // no B until the limit of owed bursts is reached, or nothing moves
};

struct Burst {
  std::uint64_t address;
  unsigned beats;
  bool operator==(const Burst&) const = default;
};

class Driver {
 public:
  explicit Driver(std::uint64_t seed = 1) : random(seed) {
    top.clk_i = 0;
    top.rst_ni = 0;
    top.eval();
    for (unsigned i = 0; i < 3; i++) {
      top.clk_i = 1;
      top.eval();
      top.clk_i = 0;
      top.eval();
    }
    top.rst_ni = 1;
    cols = top.cols_o;
    bus = top.bus_bytes_o;
    line_bytes = top.line_bytes_o;
    lines = top.lines_o;
    accumulator_rows = top.accumulator_rows_o;
    outstanding = top.writes_outstanding_o;
    scratchpad.assign(static_cast<std::size_t>(lines) * line_bytes, 0);
    accumulator.assign(static_cast<std::size_t>(accumulator_rows) * cols, 0);
    tag.assign(accumulator_rows, kTagNone);
  }
  ~Driver() { top.final(); }

  Vstore_unit_bench top;
  std::mt19937_64 random;
  unsigned cols, bus, line_bytes, lines, accumulator_rows, outstanding;
  std::vector<std::uint8_t> scratchpad;
  std::vector<std::uint32_t> accumulator;
  std::vector<std::uint8_t> tag;

  Timing timing;
  std::vector<std::uint32_t> semaphore = std::vector<std::uint32_t>(16, 0);
  std::vector<Command> queue;    // all commands, in ring order
  std::size_t next_command = 0;  // first that the unit has not taken
  std::vector<Report> reports;
  std::vector<Burst> bursts;             // as addressed
  std::set<std::size_t> failing_bursts;  // get an error response
  std::uint64_t cycle = 0;
  std::uint32_t index_base = 0;                                    // index of the first command
  std::uint64_t first_w = 0, last_w = 0, last_b = 0, last_aw = 0;  // cycles
  std::uint64_t w_beats = 0, b_count = 0;
  bool stop_at_fault = true;  // raise halt_i after a failed report, as the command processor does
  bool halted = false, abandon = false, flush = false;

  unsigned percent() { return static_cast<unsigned>(random() % 100); }

  // ---- contents ----
  void poke(unsigned space, std::uint32_t index, std::uint32_t word, std::uint32_t data) {
    top.poke_valid_i = 1;
    top.poke_space_i = space;
    top.poke_index_i = index;
    top.poke_word_i = word;
    top.poke_data_i = data;
    top.clk_i = 0;
    top.eval();
    top.clk_i = 1;
    top.eval();
    top.poke_valid_i = 0;
  }
  void set_accumulator(std::uint32_t row, std::uint32_t column, std::uint32_t value) {
    accumulator[static_cast<std::size_t>(row) * cols + column] = value;
    poke(1, row, column, value);
  }
  void set_tag(std::uint32_t row, std::uint8_t value) {
    tag[row] = value;
    poke(2, row, 0, value);
  }
  void set_scratchpad(std::uint32_t line, std::uint32_t word, std::uint32_t value) {
    for (unsigned b = 0; b < 4; b++) {
      scratchpad[static_cast<std::size_t>(line) * line_bytes + 4 * word + b] =
          static_cast<std::uint8_t>(value >> 8 * b);
    }
    poke(0, line, word, value);
  }
  /// A row or line is read wrong from now on, or no more.
  void set_wrong(bool accumulators, std::uint32_t index, bool wrong) {
    poke(3, index, accumulators ? 1 : 0, wrong ? 1 : 0);
  }
  /// Writes a row or line anew, with random words, while the unit runs; returns when it is written.
  void rewrite(bool accumulators, std::uint32_t index) {
    for (std::uint32_t word = 0; word < (accumulators ? cols : line_bytes / 4); word++) {
      const auto value = static_cast<std::uint32_t>(random());
      if (accumulators) {
        accumulator[static_cast<std::size_t>(index) * cols + word] = value;
      } else {
        for (unsigned b = 0; b < 4; b++) {
          scratchpad[static_cast<std::size_t>(index) * line_bytes + 4 * word + b] =
              static_cast<std::uint8_t>(value >> 8 * b);
        }
      }
      top.poke_valid_i = 1;
      top.poke_space_i = accumulators ? 1 : 0;
      top.poke_index_i = index;
      top.poke_word_i = word;
      top.poke_data_i = value;
      step();
      top.poke_valid_i = 0;
    }
  }
  /// Values with many special cases among them; rows alternate between the tags of `tags`.
  void fill(std::vector<std::uint8_t> tags) {
    static constexpr std::uint32_t kSpecial[] = {0x80000000, 0x7F800000, 0xFF800000, 0x7F800001,
                                                 0xFFC12345, 0x00000001, 0x80000001, 0x7F7F8000,
                                                 0x3F808000, 0x00008000, 0x7FFFFFFF, 0};
    for (std::uint32_t r = 0; r < accumulator_rows; r++) {
      set_tag(r, tags[r % tags.size()]);
      for (std::uint32_t c = 0; c < cols; c++) {
        std::uint32_t value = static_cast<std::uint32_t>(random());
        if (percent() < 25) value = kSpecial[random() % std::size(kSpecial)];
        if (percent() < 30)
          value = static_cast<std::uint32_t>(static_cast<std::int32_t>(value) >> (random() % 32));
        set_accumulator(r, c, value);
      }
    }
    for (std::uint32_t l = 0; l < lines; l++) {
      for (std::uint32_t w = 0; w < line_bytes / 4; w++)
        set_scratchpad(l, w, static_cast<std::uint32_t>(random()));
    }
  }
  void set_scales(std::uint32_t line, const std::vector<std::uint32_t>& scales) {
    for (std::uint32_t c = 0; c < cols; c++) {
      set_scratchpad(line + c * 4 / line_bytes, c * 4 % line_bytes / 4, scales[c]);
    }
  }

  // ---- what a command should write ----
  std::vector<std::uint8_t> row_bytes(const Command& command, std::uint32_t row) const {
    std::vector<std::uint8_t> bytes;
    const std::uint32_t local = command.local_base + row * command.local_pitch;
    if (!command.accumulators) {
      const auto first = scratchpad.begin() + static_cast<std::ptrdiff_t>(local) * line_bytes;
      bytes.assign(first, first + command.run);
      return bytes;
    }
    for (std::uint32_t c = 0; c < command.run / command.element(); c++) {
      std::uint32_t value =
          tag[local] == kTagNone ? 0 : accumulator[static_cast<std::size_t>(local) * cols + c];
      if (command.conversion == kInt8) {
        std::uint32_t scale = command.scale;
        if (command.scale_per_column) {
          scale = 0;
          for (unsigned b = 0; b < 4; b++) {
            scale |=
                std::uint32_t{scratchpad[static_cast<std::size_t>(command.scale_line) * line_bytes +
                                         4 * c + b]}
                << 8 * b;
          }
        }
        std::int8_t y = reference_int8(static_cast<std::int32_t>(value), scale);
        if (command.relu && y < 0) y = 0;
        bytes.push_back(static_cast<std::uint8_t>(y));
        continue;
      }
      if (command.relu) {
        value = tag[local] == kTagFp32                 ? reference_relu_fp32(value)
                : static_cast<std::int32_t>(value) < 0 ? 0
                                                       : value;
      }
      if (command.conversion == kBf16) value = reference_bf16(value);
      for (unsigned b = 0; b < command.element(); b++)
        bytes.push_back(static_cast<std::uint8_t>(value >> 8 * b));
    }
    return bytes;
  }
  void expect_command(const Command& command) {
    for (std::uint32_t row = 0; row < command.rows(); row++) {
      const auto bytes = row_bytes(command, row);
      const std::uint64_t address = command.address(row);
      for (std::size_t b = 0; b < bytes.size(); b++) put(expected_, wrap(address + b), bytes[b]);
    }
  }
  /// Bursts that a run must become: up to the limit of beats, a 4 KiB boundary or its end.
  std::vector<Burst> expect_bursts(std::uint64_t address, std::uint64_t bytes) const {
    std::vector<Burst> result;
    const std::uint64_t end = address + bytes;
    while (address < end) {
      const std::uint64_t first = address / bus * bus;
      std::uint64_t last = std::min<std::uint64_t>(
          first + std::uint64_t{top.max_burst_beats_o} * bus, (first / 4096 + 1) * 4096);
      last = std::min(last, end);
      result.push_back({first, static_cast<unsigned>((last - first + bus - 1) / bus)});
      address = last;
    }
    return result;
  }
  std::vector<Burst> expect_bursts(const Command& command) const {
    std::vector<Burst> result;
    const std::uint32_t step = command.merge ? command.count[0] : 1;
    for (std::uint32_t row = 0; row < command.rows(); row += step) {
      for (const Burst& burst :
           expect_bursts(command.address(row), std::uint64_t{step} * command.run))
        result.push_back(burst);
    }
    return result;
  }

  // ---- running ----
  /// One clock. Returns true if anything moved.
  bool step() {
    top.clk_i = 0;
    top.cycle_i = cycle;
    top.halt_i = halted;
    top.abandon_i = abandon;
    top.flush_i = flush;
    drive_command();
    top.report_ready_i = percent() < timing.report_ready;
    top.scratchpad_permit_i = percent() < timing.scratchpad;
    // Payload without VALID is noise.
    const bool b_due = !responses_.empty() && responses_.front().due <= cycle &&
                       (!timing.b_when_full || release_b_);
    top.b_valid_i = b_due;
    top.b_error_i = b_due ? responses_.front().error : percent() < 50;
    const bool aw_chance = percent() < timing.aw_ready, w_chance = percent() < timing.w_ready;
    top.aw_ready_i = aw_chance && !timing.aw_after_w;
    top.w_ready_i = w_chance && !timing.w_after_aw;
    top.wait_grant_i = 0;
    top.signal_ready_i = 0;
    top.signal_overflow_i = 0;
    top.eval();
    if (timing.aw_after_w) top.aw_ready_i = aw_chance && top.w_valid_o;
    if (timing.w_after_aw) top.w_ready_i = w_chance && !open_.empty();
    serve_semaphores();
    top.eval();
    check_protocol();
    const bool moved = observe(b_due);
    top.clk_i = 1;
    top.eval();
    cycle++;
    still_ = moved ? 0 : still_ + 1;
    if (timing.b_when_full)
      release_b_ = owed() >= outstanding || still_ > 40 || (release_b_ && !responses_.empty());
    return moved;
  }

  std::size_t owed() const { return responses_.size() + open_.size() + (aw_pending_ ? 1 : 0); }

  void add(Command command) {
    if (command.merge) EXPECT_TRUE(command.may_merge());
    queue.push_back(command);
  }

  /// Runs until `n` reports are there (all commands by default); fails the test when nothing moves
  /// for long.
  void run(std::optional<std::size_t> n = {}) {
    const std::size_t target = n.value_or(queue.size());
    while (reports.size() < target && !testing::Test::HasFailure()) {
      step();
      ASSERT_LT(still_, 3000u) << "nothing moves, reports " << reports.size() << " of " << target;
    }
  }
  void idle(unsigned cycles) {
    for (unsigned i = 0; i < cycles; i++) step();
  }

  /// Writes all commands' rows into the expected image, in order, and compares memory with it: also
  /// bytes beside.
  void check_memory(std::size_t first = 0) {
    for (std::size_t i = first; i < queue.size(); i++) expect_command(queue[i]);
    compare_memory();
  }
  void compare_memory() {
    for (const auto* image : {&memory_, &expected_}) {
      for (const auto& [page, unused] : *image) {
        for (unsigned b = 0; b < 4096; b++) {
          const std::uint64_t address = page * 4096 + b;
          if (get(memory_, address) != get(expected_, address)) {
            FAIL() << std::hex << "at " << address << ": " << unsigned{get(memory_, address)}
                   << " expected " << unsigned{get(expected_, address)};
          }
        }
      }
    }
  }
  std::uint8_t memory_at(std::uint64_t address) { return get(memory_, address); }
  void check_completed() {
    ASSERT_EQ(reports.size(), queue.size());
    for (std::size_t i = 0; i < reports.size(); i++) {
      EXPECT_EQ(reports[i].index, index_base + i);
      EXPECT_EQ(reports[i].state, kCompleted);
      EXPECT_EQ(reports[i].cause, 0);
      EXPECT_EQ(reports[i].address, 0);
    }
    EXPECT_FALSE(top.busy_o);
    EXPECT_FALSE(top.owed_o);
    EXPECT_EQ(owed(), 0u);
  }
  /// The reset of the queue once a fault has been reported and nothing is owed.
  void reset_after_fault() {
    flush = true;
    idle(2);
    flush = false;
    halted = false;
  }
  /// Forgets what was run; memory and expectation start anew.
  void restart() {
    queue.clear();
    next_command = 0;
    reports.clear();
    bursts.clear();
    failing_bursts.clear();
    memory_.clear();
    expected_.clear();
    served_ = 0;
    first_w = last_w = last_b = last_aw = w_beats = b_count = 0;
    still_ = 0;
  }

 private:
  using Image = std::unordered_map<std::uint64_t, std::vector<std::uint8_t>>;
  struct Open {
    std::uint64_t address;
    unsigned beats;
    unsigned sent = 0;
    std::vector<std::pair<std::uint64_t, std::uint8_t>> bytes;
  };
  struct Response {
    std::uint64_t due;
    bool error;
    std::vector<std::pair<std::uint64_t, std::uint8_t>> bytes;
  };

  static std::uint8_t get(const Image& image, std::uint64_t address) {
    const auto page = image.find(address / 4096);
    return page == image.end() ? 0xA5 : page->second[address % 4096];
  }
  static void put(Image& image, std::uint64_t address, std::uint8_t byte) {
    auto& page = image[address / 4096];
    if (page.empty()) page.assign(4096, 0xA5);
    page[address % 4096] = byte;
  }
  std::uint64_t wrap(std::uint64_t address) const {
    return top.address_width_o == 64 ? address
                                     : address & ((std::uint64_t{1} << top.address_width_o) - 1);
  }

  void drive_command() {
    if (!command_offered_)
      command_offered_ = next_command < queue.size() && percent() < timing.command;
    if (next_command >= queue.size()) command_offered_ = false;
    top.command_valid_i = command_offered_;
    if (!command_offered_) {
      top.run_i = static_cast<std::uint32_t>(random());
      return;
    }
    const Command& command = queue[next_command];
    top.index_i = index_base + static_cast<std::uint32_t>(next_command);
    top.base_i = command.base;
    top.run_i = command.run;
    top.merge_i = command.merge;
    top.rows_i = command.rows();
    top.local_base_i = command.local_base;
    top.local_pitch_i = command.local_pitch;
    top.accumulators_i = command.accumulators;
    top.conversion_i = command.conversion;
    top.relu_i = command.relu;
    top.scale_per_column_i = command.scale_per_column;
    top.scale_i = command.scale;
    top.scale_line_i = command.scale_line;
    for (unsigned i = 0; i < 4; i++) {
      top.count_i[i] = command.count[i];
      top.stride_i[i] = static_cast<std::uint64_t>(command.stride[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
      top.wait_i[i] = command.waits[i];
      top.signal_i[i] = command.signals[i];
    }
  }

  void serve_semaphores() {
    granted_ = 0;
    // While both ports of a pair are valid, one of them is looked at.
    const auto looked_at = [this](unsigned valid) {
      return valid == 3 ? 1 + percent() % 2 : valid;
    };
    const unsigned waits = looked_at(top.wait_valid_o);
    top.signal_ready_i = looked_at(top.signal_valid_o);
    for (unsigned i = 0; i < 2; i++) {
      if ((waits >> i & 1) == 0) continue;
      auto& value = semaphore[top.wait_o[i] >> 16 & 0xF];
      const std::uint32_t count = top.wait_o[i] & 0xFFFF;
      if (value < count) continue;
      value -= count;
      granted_++;
      top.wait_grant_i |= 1u << i;
    }
    for (unsigned i = 0; i < 2; i++) {
      if ((top.signal_ready_i >> i & 1) == 0) continue;
      auto& value = semaphore[top.signal_o[i] >> 16 & 0xF];
      const std::uint32_t count = top.signal_o[i] & 0xFFFF;
      granted_++;
      if (value + count > 65535) {
        top.signal_overflow_i |= 1u << i;
      } else {
        value += count;
      }
    }
  }

  void check_protocol() {
    // VALID stays with its payload until READY.
    if (aw_held_) {
      ASSERT_TRUE(top.aw_valid_o) << "AWVALID withdrawn in cycle " << cycle;
      ASSERT_TRUE((Burst{top.aw_address_o, top.aw_beats_o} == *aw_held_)) << "AW changed";
    }
    if (w_held_) {
      ASSERT_TRUE(top.w_valid_o) << "WVALID withdrawn in cycle " << cycle;
      ASSERT_TRUE(w_payload() == *w_held_) << "W changed in cycle " << cycle;
    }
    ASSERT_TRUE(top.b_ready_o);
    if (top.aw_valid_o) {
      ASSERT_EQ(top.aw_address_o % bus, 0u);
      ASSERT_GE(top.aw_beats_o, 1u);
      ASSERT_LE(top.aw_beats_o, top.max_burst_beats_o);
      ASSERT_LE(top.aw_address_o % 4096 + top.aw_beats_o * bus, 4096u) << "burst crosses 4 KiB";
    }
    ASSERT_EQ(static_cast<bool>(top.owed_o),
              !responses_.empty() || !open_.empty() || top.aw_valid_o)
        << "cycle " << cycle;
    if (top.owed_o) {
      const std::uint64_t oldest =
          !owed_addresses_.empty() ? owed_addresses_.front() : top.aw_address_o;
      ASSERT_EQ(top.owed_address_o, oldest);
    }
  }

  std::vector<std::uint32_t> w_payload() const {
    std::vector<std::uint32_t> payload;
    for (unsigned i = 0; i < bus / 4; i++) payload.push_back(top.w_data_o[i]);
    payload.push_back(static_cast<std::uint32_t>(top.w_strobe_o));
    payload.push_back(static_cast<std::uint32_t>(top.w_strobe_o >> 32));
    payload.push_back(top.w_last_o);
    return payload;
  }

  bool observe(bool b_due) {
    bool moved = granted_ != 0;
    if (top.command_valid_i && top.command_ready_o) {
      moved = true;
      next_command++;
      command_offered_ = false;
    }
    // B: data become visible now.
    if (b_due) {
      moved = true;
      for (const auto& [address, byte] : responses_.front().bytes) put(memory_, address, byte);
      responses_.pop_front();
      owed_addresses_.pop_front();
      last_b = cycle;
      b_count++;
    }
    const bool aw_taken = top.aw_valid_o && top.aw_ready_i;
    const bool w_taken = top.w_valid_o && top.w_ready_i;
    aw_held_.reset();
    if (top.aw_valid_o && !aw_taken) aw_held_ = Burst{top.aw_address_o, top.aw_beats_o};
    w_held_.reset();
    if (top.w_valid_o && !w_taken) w_held_ = w_payload();
    if (aw_taken) {
      moved = true;
      bursts.push_back({top.aw_address_o, top.aw_beats_o});
      owed_addresses_.push_back(top.aw_address_o);
      open_.push_back({top.aw_address_o, top.aw_beats_o, 0, {}});
      last_aw = cycle;
    }
    aw_pending_ = top.aw_valid_o && !aw_taken;
    if (top.w_valid_o) {
      // W belongs to a burst that was taken, or is offered in this cycle.
      const bool announced = !open_.empty() || aw_pending_;
      EXPECT_TRUE(announced) << "W before its AW, cycle " << cycle;
    }
    if (w_taken) {
      moved = true;
      if (w_beats == 0) first_w = cycle;
      last_w = cycle;
      w_beats++;
      early_beats_.push_back({w_payload(), top.w_strobe_o});
    }
    // Beats that came before their address was taken wait for it.
    while (!early_beats_.empty() && !open_.empty()) {
      Open& burst = open_.front();
      const auto& [payload, strobe] = early_beats_.front();
      for (unsigned b = 0; b < bus; b++) {
        if (strobe >> b & 1) {
          burst.bytes.emplace_back(burst.address + std::uint64_t{burst.sent} * bus + b,
                                   static_cast<std::uint8_t>(payload[b / 4] >> 8 * (b % 4)));
        }
      }
      burst.sent++;
      EXPECT_EQ(payload.back() != 0, burst.sent == burst.beats) << "WLAST, cycle " << cycle;
      early_beats_.pop_front();
      if (burst.sent == burst.beats) {
        const std::uint64_t delay =
            timing.b_least + random() % (timing.b_most - timing.b_least + 1);
        const bool error = failing_bursts.contains(served_++);
        responses_.push_back(
            {cycle + delay, error, error ? decltype(burst.bytes){} : std::move(burst.bytes)});
        open_.pop_front();
      }
    }
    EXPECT_LE(owed(), outstanding);
    if (top.report_valid_o && top.report_ready_i) {
      moved = true;
      EXPECT_EQ(top.report_unit_o, 3);
      EXPECT_EQ(top.report_opcode_o, 0x30);
      EXPECT_EQ(top.report_record_o, top.report_index_o & 1);
      reports.push_back({top.report_index_o, top.report_state_o, top.report_cause_o,
                         top.report_address_o, top.report_start_o, cycle});
      if (top.report_state_o != kCompleted) {
        EXPECT_EQ(owed(), 0u) << "reported before its debts are paid";
        if (stop_at_fault) halted = true;
      }
    }
    return moved;
  }

  Image memory_, expected_;
  std::deque<Open> open_;           // addressed, W incomplete
  std::deque<Response> responses_;  // W complete, B not given
  std::deque<std::uint64_t> owed_addresses_;
  std::deque<std::pair<std::vector<std::uint32_t>, std::uint64_t>> early_beats_;
  std::optional<Burst> aw_held_;
  std::optional<std::vector<std::uint32_t>> w_held_;
  bool aw_pending_ = false, command_offered_ = false, release_b_ = false;
  unsigned still_ = 0, granted_ = 0;
  std::size_t served_ = 0;  // bursts whose W is complete
};

}  // namespace systolith::store_test
