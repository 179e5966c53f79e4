// How a product is cut: tiles of D in the order in which they are computed, slices of K in each.
#pragma once

#include <cstdint>
#include <vector>

#include "systolith/library/gemm.hpp"

namespace systolith::library {

struct Slice {
  std::uint64_t k0;
  std::uint32_t k;
  bool first, last;  // of its tile
};

struct Tile {
  std::uint64_t m0, n0;
  std::uint32_t m, n, strips;
  std::uint32_t number;
  std::uint32_t accumulator_base;
  std::vector<Slice> slices;
};

/// What of a product stays on chip from its first use to its last; the rest goes through slots.
struct Kept {
  bool a, b;
};
Kept kept_operands(const GemmProblem& problem, const GemmTiling& tiling);

/// k steps of a stationary block.
std::uint32_t block_of(Format format, const DeviceShape& device);

/// Slices begin at multiples of this many k steps: a block, or a line where rows of A are kept
/// whole.
std::uint32_t slice_unit(const GemmProblem& problem, const DeviceShape& device,
                         const GemmTiling& tiling);

std::vector<Tile> cut(const GemmProblem& problem, const DeviceShape& device,
                      const GemmTiling& tiling);

/// Whether the tiling has room in the device's memories.
bool fits(const GemmProblem& problem, const DeviceShape& device, const GemmTiling& tiling);

/// plan_gemm wherever the matrices lie, for estimates.
GemmPlan plan_anywhere(const GemmProblem& problem, const DeviceShape& device,
                       const GemmTiling& tiling);

/// Throws std::invalid_argument when D shares a byte with A, B, C or the scales. Allowed is C in
/// D's very place, with 32-bit results and a C of all rows: D = D + A x B.
void check_places(const GemmProblem& problem, const DeviceShape& device);

}  // namespace systolith::library
