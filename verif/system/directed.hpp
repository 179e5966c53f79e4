// Programs written by hand for whole devices: short commands with everything filled in that a test
// does not care about.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "program_run.hpp"
#include "systolith/library/encode.hpp"
#include "systolith/model/configuration.h"

namespace systolith::system_test {

using library::LoadStep;
using library::MatrixStep;
using library::StoreStep;
using library::Sync;

inline Sync sync(unsigned semaphore, unsigned count = 1) {
  return {static_cast<std::uint16_t>(count), static_cast<std::uint8_t>(semaphore), false, 0};
}

/// `rows` rows of `run` bytes, one behind the other in memory.
inline LoadStep load(std::uint64_t address, std::uint32_t run, std::uint32_t line,
                     std::uint32_t rows = 1) {
  LoadStep step;
  step.transfer.address = address;
  step.transfer.run = run;
  step.transfer.local_base = line;
  step.transfer.local_pitch = 1;
  step.transfer.count[0] = rows;
  step.transfer.stride[0] = run;
  return step;
}

/// The same into accumulator rows.
inline LoadStep load_rows(std::uint64_t address, std::uint32_t run, std::uint32_t row,
                          std::uint8_t tag, std::uint32_t rows = 1) {
  LoadStep step = load(address, run, row, rows);
  step.accumulators = true;
  step.tag = tag;
  return step;
}

inline StoreStep store(std::uint64_t address, std::uint32_t run, std::uint32_t line,
                       std::uint32_t rows = 1) {
  StoreStep step;
  step.accumulators = false;
  step.transfer = load(address, run, line, rows).transfer;
  return step;
}

inline StoreStep store_rows(std::uint64_t address, std::uint32_t run, std::uint32_t row,
                            std::uint32_t rows = 1) {
  StoreStep step = store(address, run, row, rows);
  step.accumulators = true;
  return step;
}

inline MatrixStep matrix(std::uint32_t m, std::uint32_t n, std::uint32_t k, std::uint32_t a_base,
                         std::uint32_t b_base, std::uint32_t c_base,
                         library::Format format = library::Format::bf16) {
  MatrixStep step;
  step.format = format;
  step.m = m;
  step.n = n;
  step.k = k;
  step.a_base = a_base;
  step.a_pitch = 1;
  step.b_base = b_base;
  step.b_pitch = 1;
  step.c_base = c_base;
  step.c_pitch = m;
  return step;
}

/// The step's command, with a record.
systolith_command_t command(const library::Step& step);
systolith_command_t nop(bool record = true, bool interrupt = false);

/// A program on fresh memory of the seed.
Program directed(std::initializer_list<systolith_command_t> commands, std::uint64_t seed = 1);
Program directed(std::vector<systolith_command_t> commands, std::uint64_t seed = 1);

/// A completion record.
struct Record {
  std::uint32_t index;
  unsigned state, cause, unit, opcode;
  std::uint64_t address, start, end;
  bool written;  // false: the slot still has its fill
};
/// Of command `index` in a memory image of a run (kBytes from kBase).
Record record_of(const std::uint8_t* memory, const Program& program, std::uint32_t index);

/// Where `memory` is not what it was before the run, outside of ring, records and `except`; "" if
/// nowhere.
std::string changed_outside(const std::vector<std::uint8_t>& memory, const Program& program,
                            const std::vector<Extent>& except);

/// The bursts that the device asked for since it was made, or since `clear`.
class Traffic {
 public:
  struct Burst {
    bool write;
    unsigned id;
    std::uint64_t address, last;  // first and last byte of its beats
  };
  explicit Traffic(SimRun& sim);
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;
  void clear() { bursts_.clear(); }
  const std::vector<Burst>& bursts() const { return bursts_; }
  /// Address of the first burst of this ID that has a beat with `byte`; ~0 if none.
  std::uint64_t burst_with(unsigned id, std::uint64_t byte) const;
  unsigned count(unsigned id) const;

 private:
  std::vector<Burst> bursts_;
};

/// A device on which programs ran, faulty ones too, does after a queue reset what a fresh one does.
void expect_usable(SimRun& sim, const std::string& configuration, std::uint64_t seed);

}  // namespace systolith::system_test
