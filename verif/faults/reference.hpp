// What the golden model says of a program: every burst of its commands, in order, and how it ends.
#pragma once

#include <cstdint>
#include <vector>

#include "comparison.hpp"
#include "drawn.hpp"

namespace systolith::faults {

/// Bytes of memory that a command reads or writes at once.
struct Burst {
  std::uint32_t command = 0;
  std::uint64_t address = 0;  // first byte
  std::uint64_t bytes = 0;
  std::vector<std::uint8_t> data;  // of a store

  /// Beats on a bus of so many bytes.
  std::uint64_t beats(unsigned bus_bytes) const {
    return (address % bus_bytes + bytes + bus_bytes - 1) / bus_bytes;
  }
};

struct Reference {
  regress::ModelRun run;
  std::vector<std::uint8_t> before;  // memory before the run, kBytes from kBase
  std::vector<Burst> loads, stores;  // each unit's, in ring order
};

/// Runs the program on the golden model.
Reference refer(const regress::Drawn& drawn);

}  // namespace systolith::faults
