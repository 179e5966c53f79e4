// Random legal programs for a configuration: every result is defined, and between units only
// semaphores order.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "program_run.hpp"
#include "systolith/library/encode.hpp"
#include "systolith/model/configuration.h"

namespace systolith::system_test {

/// Semaphore v * 3 + u carries the signals of unit v to unit u (0 load, 1 matrix, 2 store). Every
/// command signals both other units once and waits for just as many of their commands as its
/// operands need, so programs are as concurrent as their data allow. Some neighbours hand over row
/// by row instead.
class ProgramGenerator {
 public:
  ProgramGenerator(const std::string& configuration, std::uint64_t seed);

  /// About `count` commands on fresh memory.
  Program generate(unsigned count);
  /// For each command the memory that it writes.
  const std::vector<std::vector<Extent>>& written() const { return written_; }

 private:
  using Ordinals = std::array<std::uint32_t, 3>;  // commands of each unit

  struct Place {
    int writer = -1;  // unit
    std::uint32_t write = 0;
    Ordinals reads{};
  };
  struct Row {
    std::uint8_t tag = 0;
    std::vector<bool> defined;
  };
  struct Output {
    Extent extent;
    std::uint32_t store;  // ordinal
  };

  std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
    return low + random_() % (high - low + 1);
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  bool add_load(bool accumulators);
  bool add_scales();
  bool add_matrix();
  bool add_store(bool accumulators);
  bool add_pair_by_rows();

  /// Counts and strides with `rows` at most, run bytes inside [first, end), address included.
  bool place_reads(library::Transfer& transfer, unsigned most_rows, std::uint64_t first,
                   std::uint64_t end);
  unsigned rows_of(const library::Transfer& transfer) const;
  void need_read(const std::vector<Place>& places, std::uint64_t first, std::uint64_t count,
                 int unit);
  void need_write(const std::vector<Place>& places, std::uint64_t first, std::uint64_t count,
                  int unit);
  void note_read(std::vector<Place>& places, std::uint64_t first, std::uint64_t count, int unit);
  void note_write(std::vector<Place>& places, std::uint64_t first, std::uint64_t count, int unit);
  /// Waits for what `need_` says, signals, appends.
  template <typename Step>
  void append(Step step, int unit);
  void fill_waits(library::Sync wait[2], int unit);

  model::Configuration c_;
  std::mt19937_64 random_;
  std::vector<Place> lines_, rows_;
  std::vector<Row> contents_;
  std::vector<Output> outputs_;
  std::uint64_t next_output_ = kOutputs;
  Ordinals issued_{};                 // commands so far
  std::array<Ordinals, 3> waited_{};  // [waiter][signaller]
  Ordinals need_{};
  std::uint32_t scale_line_ = ~0U;  // first line of loaded scales
  Program program_;
  std::vector<std::vector<Extent>> written_;
};

}  // namespace systolith::system_test
