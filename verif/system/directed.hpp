// Programs written by hand for whole devices.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "program_run.hpp"
#include "steps.hpp"
#include "systolith/library/encode.hpp"
#include "systolith/model/configuration.h"

namespace systolith::system_test {

using library::LoadStep;
using library::MatrixStep;
using library::StoreStep;
using library::Sync;
using regress::command;
using regress::load;
using regress::load_rows;
using regress::matrix;
using regress::nop;
using regress::store;
using regress::store_rows;
using regress::sync;

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
