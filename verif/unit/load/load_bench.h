// Test bench of load_unit: memory, semaphores and local memories around it, and a check of all that
// it does.
//
// The bench derives from the commands alone which bursts must be asked for, which words must be
// written and in which order, and which waits, signals and reports belong to whom, and compares
// cycle by cycle. AXI rules are checked too.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "../bus/burst_reference.h"
#include "Vload_unit_bench.h"
#include "verilated.h"

namespace systolith::test {

enum : uint8_t { kCompleted = 1, kFailed = 2, kAborted = 3 };
enum : uint8_t { kCauseSemaphoreOverflow = 13, kCauseBusRead = 14, kCauseAborted = 23 };

/// A wait or a signal; count 0 is unused.
struct Sync {
  uint32_t count = 0;
  uint32_t semaphore = 0;
  uint32_t rows_log2 = 0;
  bool by_rows = false;

  uint32_t bits() const {
    return uint32_t{by_rows} << 29 | rows_log2 << 24 | semaphore << 16 | count;
  }
  /// How often it is asked or given in a command of `rows` rows.
  uint64_t times(uint64_t rows) const {
    if (count == 0) return 0;
    return by_rows ? (rows + (uint64_t{1} << rows_log2) - 1) >> rows_log2 : 1;
  }
  /// Rows that the first `n` grants allow or that must be visible before signal n (counted from 1).
  uint64_t rows_of(uint64_t n, uint64_t rows) const {
    return by_rows ? std::min(n << rows_log2, rows) : (n == 0 ? 0 : rows);
  }
};

struct Command {
  Transfer transfer;
  uint32_t local_base = 0;
  uint32_t local_pitch = 1;
  bool accumulators = false;
  uint32_t tag = 0;
  std::array<Sync, 2> waits;
  std::array<Sync, 2> signals;
  bool record = false;
  bool raise_irq = false;
};

/// How memory and neighbours behave; the rates are percentages of the cycles.
struct Behaviour {
  uint32_t latency_min = 1;  ///< cycles from AR handshake to the first beat at the earliest
  uint32_t latency_max = 1;
  int ar_ready = 100;
  int r_valid = 100;
  int accumulator_ready = 100;
  int report_ready = 100;
  int command_valid = 100;
  bool hold_until_limit = false;  ///< no beat before the limit of reads is reached
};

struct Report {
  uint32_t index;
  uint8_t state;
  uint8_t cause;
  uint64_t address;
  uint64_t start;
  uint64_t cycle;  ///< of its handshake
};

/// Configuration of the device under test.
struct Config {
  uint32_t bus, max_beats, address_width, reads_outstanding, line_bytes, lines, rows, columns;
};

class LoadBench {
 public:
  explicit LoadBench(uint64_t seed = 1) : random_(seed) {
    dut_->rst_ni = 0;
    dut_->clk_i = 0;
    dut_->eval();
    dut_->clk_i = 1;
    dut_->eval();
    dut_->rst_ni = 1;
    dut_->eval();
    config = {dut_->bus_bytes_o,         dut_->max_burst_beats_o, dut_->address_width_o,
              dut_->reads_outstanding_o, dut_->line_bytes_o,      dut_->scratchpad_lines_o,
              dut_->accumulator_rows_o,  dut_->columns_o};
  }
  ~LoadBench() { dut_->final(); }

  /// Content of memory: every byte depends on its whole address.
  static uint8_t memory(uint64_t address) {
    uint64_t x = address + 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return static_cast<uint8_t>(x ^ (x >> 31));
  }

  /// Puts a command into the unit's queue and its effects into the expectations.
  void push(const Command& c) {
    const size_t number = commands.size();
    commands.push_back(c);
    state_.emplace_back();
    queue_.push_back(number);
    for (const Burst& b :
         reference_bursts(c.transfer, config.bus, config.max_beats, config.address_width)) {
      // The first row whose bytes the burst brings.
      const uint64_t row = b.run * (c.transfer.merge ? c.transfer.count[0] : 1);
      bursts.push_back({b.address, b.beats, number, row});
    }
    const std::vector<uint64_t> rows = row_addresses(c.transfer, config.address_width);
    const uint32_t words_per_line = config.line_bytes / config.bus;
    for (size_t row = 0; row < rows.size(); ++row)
      for (uint32_t from = 0; from < c.transfer.run; from += config.bus) {
        const uint32_t w = from / config.bus;
        const uint32_t line = c.local_base + static_cast<uint32_t>(row) * c.local_pitch;
        words.push_back({.command = number,
                         .row = row,
                         .address = rows[row] + from,
                         .bytes = std::min(config.bus, c.transfer.run - from),
                         .line = c.accumulators ? line : line + w / words_per_line,
                         .word = c.accumulators ? w : w % words_per_line,
                         .ends_row = from + config.bus >= c.transfer.run});
      }
  }

  /// One clock cycle, with all checks.
  void step();

  /// Steps until every pushed command is reported, at most `limit` cycles.
  void finish(uint64_t limit = 200'000) {
    for (uint64_t i = 0; reports.size() < commands.size() && i < limit; ++i) step();
    ASSERT_EQ(reports.size(), commands.size()) << "commands hang";
    for (int i = 0; i < 4; ++i) step();
    EXPECT_EQ(words_written, words.size());
    EXPECT_EQ(bursts_asked, bursts.size());
    EXPECT_TRUE(owed_.empty());
    EXPECT_FALSE(dut_->busy_o);
    EXPECT_FALSE(dut_->owed_o);
    for (size_t i = 0; i < reports.size(); ++i) {
      EXPECT_EQ(reports[i].index, i + index_base);
      EXPECT_EQ(reports[i].state, kCompleted);
      EXPECT_EQ(reports[i].cause, 0);
      EXPECT_EQ(reports[i].address, 0u);
      for (int p = 0; p < 2; ++p) {
        EXPECT_EQ(state_[i].grants[p], commands[i].waits[p].times(commands[i].transfer.rows()));
        EXPECT_EQ(state_[i].given[p], commands[i].signals[p].times(commands[i].transfer.rows()));
      }
    }
  }

  /// After a flush: what was expected is void.
  void forget() {
    commands.clear();
    state_.clear();
    queue_.clear();
    bursts.clear();
    words.clear();
    reports.clear();
    write_cycles.clear();
    beat_cycles.clear();
    ar_cycles.clear();
    words_written = bursts_asked = 0;
    index_base += 1000;
    errors.clear();
    error_cycle.reset();
    error_command.reset();
    semaphores = {};
  }

  bool owes() const { return !owed_.empty() || ar_waiting_; }

  struct ExpectedBurst {
    uint64_t address;
    uint32_t beats;
    size_t command;
    uint64_t row;
  };
  struct ExpectedWord {
    size_t command;
    uint64_t row;
    uint64_t address;
    uint32_t bytes;
    uint32_t line;
    uint32_t word;
    bool ends_row;
  };
  struct BeatError {
    size_t burst;
    uint32_t beat;
  };

  Config config{};
  Behaviour behaviour;
  std::vector<BeatError> errors;  ///< beats answered with an error, by burst number
  bool halt_on_failure = true;
  bool halt = false;
  bool abandon = false;
  bool flush = false;
  std::array<uint32_t, 256> semaphores{};

  // What was expected and seen, in order.
  uint32_t index_base = 0;
  std::vector<Command> commands;
  std::vector<ExpectedBurst> bursts;
  std::vector<ExpectedWord> words;
  std::vector<Report> reports;
  size_t words_written = 0;
  size_t bursts_asked = 0;
  std::vector<uint64_t> ar_cycles, beat_cycles, write_cycles, taken_cycles, signal_cycles;
  uint64_t cycle = 100;
  uint64_t dropped = 0;
  uint64_t beats = 0;
  size_t most_owed = 0;
  uint64_t silent = 0;                  // cycles in which the command of a late burst was looked at
  std::optional<uint64_t> error_cycle;  ///< of the first beat with an error
  std::optional<uint64_t> error_address;  ///< of its burst
  std::optional<size_t> error_command;
  std::optional<ExpectedWord> last_word;
  bool blocked = false;  ///< blocked_o of the last cycle
  bool fault = false;    ///< fault_o of the last cycle
  bool busy = false;     ///< busy_o of the last cycle

 private:
  struct State {
    std::array<uint64_t, 2> grants{};
    std::array<uint64_t, 2> given{};
    uint64_t rows_written = 0;
  };
  struct Owed {
    uint64_t address;
    uint32_t beats;
    uint64_t due;
    size_t number;
  };

  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  void drive_command();
  void drive_r();
  void semaphore_ports();
  void check_ar();
  void check_r();
  void check_writes();
  void check_report();

  std::unique_ptr<Vload_unit_bench> dut_ = std::make_unique<Vload_unit_bench>();
  std::mt19937_64 random_;
  std::vector<State> state_;
  std::deque<size_t> queue_;
  std::deque<Owed> owed_;
  uint32_t beat_ = 0;
  bool r_presented_ = false;
  bool ar_waiting_ = false;
  uint64_t ar_address_ = 0;
  uint32_t ar_beats_ = 0;
  bool ar_void_ = false;  // the waiting AR belongs to what a flush forgot
  bool report_waiting_ = false;
  uint64_t flushed_for_ = 0;
};

inline void LoadBench::drive_command() {
  // A queue keeps its offer; without one the payload is rubbish.
  const bool valid =
      !queue_.empty() && !flush && (dut_->command_valid_i || chance(behaviour.command_valid));
  dut_->command_valid_i = valid;
  if (!valid) {
    dut_->index_i = static_cast<uint32_t>(random_());
    dut_->base_i = random_();
    return;
  }
  const size_t number = queue_.front();
  const Command& c = commands[number];
  dut_->index_i = static_cast<uint32_t>(index_base + number);
  dut_->record_i = c.record;
  dut_->raise_irq_i = c.raise_irq;
  dut_->opcode_i = 0x10;
  for (int p = 0; p < 2; ++p) {
    dut_->waits_i = p == 0 ? c.waits[0].bits() : dut_->waits_i | uint64_t{c.waits[1].bits()} << 32;
    dut_->signals_i =
        p == 0 ? c.signals[0].bits() : dut_->signals_i | uint64_t{c.signals[1].bits()} << 32;
  }
  dut_->base_i = c.transfer.base;
  dut_->run_i = c.transfer.run;
  dut_->merge_i = c.transfer.merge;
  dut_->merged_run_i =
      static_cast<uint32_t>(c.transfer.merge ? c.transfer.merged_run() : random_());
  for (int i = 0; i < 4; ++i) {
    dut_->count_i[i] = c.transfer.count[i];
    const uint64_t stride = static_cast<uint64_t>(c.transfer.stride[i]);
    dut_->stride_i[2 * i] = static_cast<uint32_t>(stride);
    dut_->stride_i[2 * i + 1] = static_cast<uint32_t>(stride >> 32);
  }
  dut_->rows_i = static_cast<uint32_t>(c.transfer.rows());
  dut_->local_base_i = c.local_base;
  dut_->local_pitch_i = c.local_pitch;
  dut_->accumulators_i = c.accumulators;
  dut_->tag_i = c.tag;
}

inline void LoadBench::drive_r() {
  const bool held_back = behaviour.hold_until_limit && !flush &&
                         owed_.size() < config.reads_outstanding && bursts_asked < bursts.size();
  const bool due = !owed_.empty() && owed_.front().due <= cycle && !held_back;
  r_presented_ = r_presented_ || (due && chance(behaviour.r_valid));
  dut_->r_valid_i = r_presented_;
  if (!r_presented_) {
    // Payload without valid is noise.
    for (int i = 0; i < 16; ++i) dut_->r_data_i[i] = static_cast<uint32_t>(random_());
    dut_->r_error_i = chance(50);
    dut_->r_last_i = chance(50);
    return;
  }
  const Owed& burst = owed_.front();
  for (uint32_t i = 0; i < 64; ++i) {
    const uint64_t address = burst.address + uint64_t{beat_} * config.bus + i;
    const uint32_t byte =
        i < config.bus ? memory(address) : static_cast<uint32_t>(random_() & 0xff);
    const uint32_t shift = 8 * (i % 4);
    dut_->r_data_i[i / 4] = (dut_->r_data_i[i / 4] & ~(0xffu << shift)) | byte << shift;
  }
  dut_->r_last_i = beat_ + 1 == burst.beats;
  dut_->r_error_i = std::any_of(errors.begin(), errors.end(), [&](const BeatError& e) {
    return e.burst == burst.number && e.beat == beat_;
  });
}

inline void LoadBench::semaphore_ports() {
  // Which started or waiting command a port's next grant or signal belongs to.
  const auto next = [&](auto count_of, auto sync_of, int p) -> std::optional<size_t> {
    for (size_t i = 0; i < commands.size(); ++i)
      if (count_of(state_[i])[p] < sync_of(commands[i])[p].times(commands[i].transfer.rows()))
        return i;
    return std::nullopt;
  };
  uint32_t grant = 0;
  uint32_t overflow = 0;
  std::array<uint32_t, 256> value = semaphores;
  // While both ports of a pair are valid, one of them is looked at.
  const auto looked_at = [this](uint32_t valid) {
    return valid == 3 ? 1u + (random_() & 1) : valid;
  };
  const uint32_t waits = looked_at(dut_->wait_valid_o);
  const uint32_t ready = looked_at(dut_->signal_valid_o);
  for (int p = 0; p < 2; ++p) {
    if ((waits >> p & 1) != 0) {
      EXPECT_FALSE(flush);
      const uint32_t bits = static_cast<uint32_t>(dut_->wait_o >> 32 * p);
      const uint32_t semaphore = bits >> 16 & 0xff;
      const uint32_t count = bits & 0xffff;
      const auto owner = next(
          [](State & s) -> auto& { return s.grants; }, [](Command & c) -> auto& { return c.waits; },
          p);
      if (!owner) {
        ADD_FAILURE() << "a wait that no command has";
      } else {
        EXPECT_EQ(bits, commands[*owner].waits[p].bits());
      }
      if (owner && semaphores[semaphore] >= count) {
        grant |= 1u << p;
        value[semaphore] -= count;
        ++state_[*owner].grants[p];
      }
    }
    if ((ready >> p & 1) != 0) {
      EXPECT_FALSE(flush);
      const uint32_t bits = static_cast<uint32_t>(dut_->signal_o >> 32 * p);
      const uint32_t semaphore = bits >> 16 & 0xff;
      const auto owner = next(
          [](State & s) -> auto& { return s.given; },
          [](Command & c) -> auto& { return c.signals; }, p);
      if (!owner) {
        ADD_FAILURE() << "a signal that no command has";
      } else {
        const Sync& sync = commands[*owner].signals[p];
        const uint64_t needed =
            sync.rows_of(state_[*owner].given[p] + 1, commands[*owner].transfer.rows());
        EXPECT_EQ(bits, sync.bits());
        EXPECT_GE(state_[*owner].rows_written, needed) << "signal before its rows";
        ++state_[*owner].given[p];
        signal_cycles.push_back(cycle);
      }
      if (value[semaphore] + (bits & 0xffff) > 65535)
        overflow |= 1u << p;
      else
        value[semaphore] += bits & 0xffff;
    }
  }
  semaphores = value;
  dut_->wait_grant_i = grant;
  dut_->signal_ready_i = ready;
  dut_->signal_overflow_i = overflow;
}

inline void LoadBench::check_ar() {
  const bool valid = dut_->ar_valid_o;
  if (ar_waiting_) {
    EXPECT_TRUE(valid) << "ARVALID withdrawn";
    EXPECT_EQ(dut_->ar_address_o, ar_address_);
    EXPECT_EQ(dut_->ar_beats_o, ar_beats_);
  } else if (valid) {
    // Newly presented. The first cycle of a flush and the cycle after a faulty beat can't know yet.
    EXPECT_TRUE(flushed_for_ < 1) << "address presented in a flush";
    if (error_cycle) EXPECT_LE(cycle, *error_cycle + 1) << "address presented after an error";
    ar_void_ = false;
    ar_address_ = dut_->ar_address_o;
    ar_beats_ = dut_->ar_beats_o;
    if (bursts_asked >= bursts.size()) {
      ADD_FAILURE() << "a burst too many at " << std::hex << ar_address_;
    } else {
      const ExpectedBurst& e = bursts[bursts_asked];
      EXPECT_EQ(ar_address_, e.address) << "burst " << bursts_asked;
      EXPECT_EQ(ar_beats_, e.beats) << "burst " << bursts_asked;
      for (int p = 0; p < 2; ++p) {
        const Sync& sync = commands[e.command].waits[p];
        const uint64_t allowed =
            sync.rows_of(state_[e.command].grants[p], commands[e.command].transfer.rows());
        if (sync.count != 0) EXPECT_GT(allowed, e.row) << "address before its wait";
      }
    }
  }
  if (valid) EXPECT_TRUE(dut_->owed_o);
  ar_waiting_ = valid && !dut_->ar_ready_i;
  if (valid && dut_->ar_ready_i) {
    const uint64_t latency =
        behaviour.latency_min + random_() % (behaviour.latency_max - behaviour.latency_min + 1);
    owed_.push_back({ar_address_, ar_beats_, cycle + latency, bursts_asked});
    ++bursts_asked;
    ar_cycles.push_back(cycle);
    most_owed = std::max(most_owed, owed_.size());
    EXPECT_LE(owed_.size(), config.reads_outstanding);
  }
}

inline void LoadBench::check_r() {
  const bool taken = dut_->r_valid_i && dut_->r_ready_o;
  EXPECT_EQ(dut_->beat_o, taken);
  EXPECT_EQ(dut_->dropped_beats_o, taken && flush);
  if (!owed_.empty()) {
    EXPECT_TRUE(dut_->owed_o);
    EXPECT_EQ(dut_->owed_address_o, owed_.front().address);
    // Of a memory that is silent for long; by then all that came is written.
    const uint64_t since =
        beat_cycles.empty() ? ar_cycles.front() : std::max(beat_cycles.back(), ar_cycles.front());
    if (!taken && !flush && !error_cycle && cycle > since + 200) {
      ++silent;
      EXPECT_EQ(dut_->owed_index_o,
                static_cast<uint32_t>(index_base + bursts[owed_.front().number].command));
    }
  }
  if (!taken) return;
  ++beats;
  dropped += flush;
  beat_cycles.push_back(cycle);
  if (dut_->r_error_i && !error_cycle && !flush) {
    error_cycle = cycle;
    error_address = owed_.front().address;
    error_command = bursts[owed_.front().number].command;
  }
  r_presented_ = false;
  if (++beat_ == owed_.front().beats) {
    owed_.pop_front();
    beat_ = 0;
  }
}

inline void LoadBench::check_writes() {
  const bool scratchpad = dut_->scratchpad_write_valid_o;
  const bool accumulator = dut_->accumulator_write_valid_o && dut_->accumulator_write_ready_i;
  EXPECT_FALSE(dut_->scratchpad_write_valid_o && dut_->accumulator_write_valid_o);
  if (!scratchpad && !accumulator) return;
  if (flush) return;  // the memories are being cleared
  if (words_written >= words.size()) {
    ADD_FAILURE() << "a write too many";
    return;
  }
  const ExpectedWord& e = words[words_written];
  const Command& c = commands[e.command];
  ASSERT_EQ(accumulator, c.accumulators);
  const auto* data =
      accumulator ? dut_->accumulator_write_data_o.data() : dut_->scratchpad_write_data_o.data();
  for (uint32_t i = 0; i < e.bytes; ++i)
    ASSERT_EQ(data[i / 4] >> 8 * (i % 4) & 0xff, memory(e.address + i))
        << "word " << words_written << " row " << e.row << " byte " << i;
  if (accumulator) {
    ASSERT_EQ(dut_->accumulator_write_row_o, e.line);
    ASSERT_EQ(dut_->accumulator_write_word_o, e.word);
    ASSERT_EQ(dut_->accumulator_write_strobe_o, (1u << e.bytes / 4) - 1);
    ASSERT_EQ(dut_->accumulator_write_tag_o, c.tag);
  } else {
    ASSERT_EQ(dut_->scratchpad_write_line_o, e.line);
    ASSERT_EQ(dut_->scratchpad_write_word_o, e.word);
    ASSERT_EQ(dut_->scratchpad_write_strobe_o,
              e.bytes == 64 ? ~uint64_t{0} : (uint64_t{1} << e.bytes) - 1);
  }
  write_cycles.push_back(cycle);
  state_[e.command].rows_written += e.ends_row;
  last_word = e;
  ++words_written;
}

inline void LoadBench::check_report() {
  if (report_waiting_ && !flush) EXPECT_TRUE(dut_->report_valid_o);
  report_waiting_ = dut_->report_valid_o && !dut_->report_ready_i;
  if (flushed_for_ >= 1) EXPECT_FALSE(dut_->report_valid_o);
  if (!dut_->report_valid_o || !dut_->report_ready_i || flush) return;
  const size_t number = reports.size();
  ASSERT_LT(number, commands.size());
  const Command& c = commands[number];
  EXPECT_EQ(dut_->report_record_o, c.record);
  EXPECT_EQ(dut_->report_raise_irq_o, c.raise_irq);
  EXPECT_EQ(dut_->report_unit_o, 1);
  EXPECT_EQ(dut_->report_opcode_o, 0x10);
  EXPECT_EQ(dut_->report_index_o, index_base + number);
  EXPECT_LT(dut_->report_start_o, cycle);
  if (dut_->report_state_o == kCompleted) {
    EXPECT_EQ(state_[number].rows_written, c.transfer.rows());
    for (int p = 0; p < 2; ++p)
      EXPECT_EQ(state_[number].given[p], c.signals[p].times(c.transfer.rows()))
          << "report before its signals";
  } else {
    EXPECT_TRUE(owed_.empty()) << "report before the bus is paid";
    EXPECT_FALSE(ar_waiting_);
    if (halt_on_failure) halt = true;
  }
  reports.push_back({dut_->report_index_o, dut_->report_state_o, dut_->report_cause_o,
                     dut_->report_address_o, dut_->report_start_o, cycle});
}

inline void LoadBench::step() {
  dut_->clk_i = 0;
  dut_->cycle_i = cycle;
  dut_->halt_i = halt;
  dut_->abandon_i = abandon;
  dut_->flush_i = flush;
  dut_->ar_ready_i = chance(behaviour.ar_ready);
  dut_->accumulator_write_ready_i = chance(behaviour.accumulator_ready);
  dut_->report_ready_i = chance(behaviour.report_ready);
  drive_command();
  drive_r();
  dut_->wait_grant_i = 0;
  dut_->signal_ready_i = 0;
  dut_->signal_overflow_i = 0;
  dut_->eval();
  // Rows first: a signal of this cycle may only speak of rows written in an earlier one or now.
  const bool taken = dut_->command_valid_i && dut_->command_ready_o;
  semaphore_ports();
  dut_->eval();
  check_ar();
  check_r();
  check_writes();
  check_report();
  if (taken) {
    taken_cycles.push_back(cycle);
    queue_.pop_front();
  }
  blocked = dut_->blocked_o;
  fault = dut_->fault_o;
  busy = dut_->busy_o;
  flushed_for_ = flush ? flushed_for_ + 1 : 0;
  dut_->clk_i = 1;
  dut_->eval();
  if (taken) dut_->command_valid_i = 0;
  ++cycle;
}

}  // namespace systolith::test
