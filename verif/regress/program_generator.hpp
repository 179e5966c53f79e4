// Random legal programs for a configuration: every result is defined, and between units only
// semaphores order.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "systolith/library/encode.hpp"
#include "systolith/model/configuration.h"
#include "weights.hpp"

namespace systolith::regress {

// Memory of a run: ring and records first, then what programs read, then what they write.
inline constexpr std::uint64_t kBase = 0x80000000;
inline constexpr std::uint64_t kBytes = 1 << 20;
inline constexpr std::uint64_t kRing = kBase;
inline constexpr std::uint64_t kRecords = kBase + 0x10000;
inline constexpr std::uint64_t kInputs = kBase + 0x20000;
inline constexpr std::uint64_t kScales = kBase + 0x40000;  // positive binary32 values only
inline constexpr std::uint64_t kOutputs = kBase + 0x50000;

struct Program {
  std::vector<systolith_command_t> commands;
  std::vector<std::uint8_t> memory;  // kBytes from kBase
  unsigned slots_log2 = 8;
  std::uint32_t batch = ~0U;  // commands a doorbell adds at most
};

/// A memory of random inputs and 0xA5 wherever nothing is put. One input word in `special` has any
/// bits, the others are BF16 numbers of usual size.
std::vector<std::uint8_t> fresh_memory(std::uint64_t seed, unsigned special = Weights{}.special);

/// Bytes [first, last].
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// Semaphore v * 3 + u carries the signals of unit v to unit u (0 load, 1 matrix, 2 store). Every
/// command signals both other units once and waits for just as many of their commands as its
/// operands need, so programs are as concurrent as their data allow. Some neighbours hand over row
/// by row instead.
class ProgramGenerator {
 public:
  ProgramGenerator(const std::string& configuration, std::uint64_t seed,
                   const Weights& weights = {});

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
  Weights w_;
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

}  // namespace systolith::regress
