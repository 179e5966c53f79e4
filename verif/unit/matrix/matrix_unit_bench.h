// Drives matrix_unit_bench: commands in, memories filled and read, every cycle logged.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "Vmatrix_unit_bench.h"

namespace matrix_bench {

/// A wait or signal as its 32 bits in a command; count 0 is unused.
struct Sync {
  uint32_t count = 0;
  uint32_t semaphore = 0;
  bool by_rows = false;
  uint32_t rows_log2 = 0;
  uint32_t word() const {
    return count | semaphore << 16 | rows_log2 << 24 | static_cast<uint32_t>(by_rows) << 29;
  }
};

/// MATRIX command, fields as in the interface page, section 4.4. Pitches in lines and accumulator
/// rows.
struct Command {
  bool int8 = false;
  bool accumulate = false;
  bool strip_outer = false;
  uint32_t m = 1, n = 1, k = 1;
  uint32_t a_base = 0, a_pitch = 0;
  uint32_t b_base = 0, b_pitch = 0;
  uint32_t c_base = 0, c_pitch = 0;
  std::array<Sync, 2> waits;
  std::array<Sync, 2> signals;
};

struct Report {
  uint32_t index;
  uint32_t state;
  uint32_t cause;
  uint64_t address;
  uint64_t cycle;
};

struct Cycle {
  bool issue, has_command, in_flight, lost_wait, lost_reentry, lost_fill;
  uint32_t lanes, columns, semaphore;
};

/// Device sizes of the configuration that was compiled in.
struct Sizes {
  uint32_t rows, cols, row_latency, memory_latency, line_bytes, bus_bytes, lines, banks,
      accumulator_rows, issue_to_visible;
};

class Bench {
 public:
  Bench();
  ~Bench();

  const Sizes& sizes() const { return sizes_; }
  uint64_t cycle() const { return cycle_; }

  /// Appends a command to the queue in front of the unit; returns its index.
  uint32_t queue(const Command& command);
  /// One clock cycle. `before_edge`, if set, is called with all outputs settled.
  void step();
  /// Steps until nothing is queued and the unit is idle; false after `limit` cycles.
  bool run(uint64_t limit = 1000000);

  /// Writes a whole line of the scratchpad (line_bytes bytes), a bus word a cycle.
  void write_line(uint32_t line, const uint8_t* bytes);
  /// Writes `count` words of an accumulator row from column 0 on; returns the cycles that took.
  uint64_t load_row(uint32_t row, const uint32_t* words, uint32_t count, uint32_t tag);
  /// Reads a row by the drain port: cols words; sets `tag`.
  std::vector<uint32_t> drain_row(uint32_t row, uint32_t* tag = nullptr);
  /// Adds `count` to a semaphore, in the next cycle.
  void give(uint32_t semaphore, uint32_t count);
  /// Forgets what is queued, clears memories and semaphores and waits for the end.
  void clear();

  Vmatrix_unit_bench& top() { return *top_; }
  std::vector<Report> reports;
  std::vector<Cycle> log;
  std::function<void()> before_edge;
  bool command_stall = false;  // holds the queue back
  uint64_t granted[2] = {0, 0};
  uint64_t signalled[2] = {0, 0};

 private:
  void wait_for_semaphores();

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vmatrix_unit_bench> top_;
  Sizes sizes_{};
  std::deque<std::pair<uint32_t, Command>> queue_;
  uint32_t next_index_ = 0;
  uint64_t cycle_ = 0;
};

}  // namespace matrix_bench
