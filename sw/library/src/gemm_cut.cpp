#include "gemm_cut.hpp"

#include <algorithm>

namespace systolith::library {
namespace {

struct Part {
  std::uint64_t begin;
  std::uint32_t size;
};

// `whole` in parts of `part`; with `taper` the last part is halved again and again, so that little
// is left to compute once everything is loaded. Halves are multiples of `unit` and at least
// `least`.
std::vector<Part> parts_of(std::uint64_t whole, std::uint32_t part, bool taper, std::uint32_t unit,
                           std::uint32_t least) {
  std::vector<Part> parts;
  for (std::uint64_t begin = 0; begin < whole;) {
    auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(part, whole - begin));
    const bool last = begin + size == whole;
    if (taper && last) {
      const std::uint32_t half = (size / 2 + unit - 1) / unit * unit;
      if (half >= least && size >= half + least) size = half;
    }
    parts.push_back({begin, size});
    begin += size;
  }
  return parts;
}

// Slices of K: with `ramp` the first are short, so that work starts while the rest arrives; with
// `taper` the last are, so that little is left to compute when everything is loaded.
std::vector<Slice> slices_of(std::uint64_t k, std::uint32_t slice_k, std::uint32_t unit, bool ramp,
                             bool taper) {
  std::vector<Slice> slices;
  std::uint32_t next = ramp ? unit : slice_k;
  bool repeat = true;
  for (std::uint64_t k0 = 0; k0 < k;) {
    std::uint64_t size = std::min<std::uint64_t>(next, k - k0);
    if (taper && k - k0 <= 2ULL * next) {
      const std::uint64_t half = ((k - k0) / 2 + unit - 1) / unit * unit;
      size = std::min(size, std::max<std::uint64_t>(half, unit));
    }
    slices.push_back({k0, static_cast<std::uint32_t>(size), k0 == 0, k0 + size == k});
    k0 += size;
    if (!repeat) next = std::min(2 * next, slice_k);
    repeat = false;
  }
  return slices;
}

}  // namespace

std::uint32_t block_of(Format format, const DeviceShape& device) {
  return device.rows * (format == Format::int8 ? 2 : 1);
}

Kept kept_operands(const GemmProblem& problem, const GemmTiling& tiling) {
  return {tiling.keep_a && problem.m <= tiling.tile_m, tiling.keep_b && problem.n <= tiling.tile_n};
}

std::uint32_t slice_unit(const GemmProblem& problem, const DeviceShape& device,
                         const GemmTiling& tiling) {
  const std::uint32_t block = block_of(problem.format, device);
  return kept_operands(problem, tiling).a
             ? std::max(block, device.line_bytes / bytes_of(problem.format))
             : block;
}

std::vector<Tile> cut(const GemmProblem& problem, const DeviceShape& device,
                      const GemmTiling& tiling) {
  const Kept kept = kept_operands(problem, tiling);
  const std::uint32_t line_elements = device.line_bytes / bytes_of(problem.format);
  const auto m_parts = parts_of(problem.m, tiling.tile_m, tiling.taper_tiles && kept.b && !kept.a,
                                1, 2 * device.rows);
  const auto n_parts = parts_of(problem.n, tiling.tile_n, tiling.taper_tiles && kept.a && !kept.b,
                                line_elements, line_elements);
  const std::uint32_t tile_strips = (tiling.tile_n + device.cols - 1) / device.cols;
  std::vector<Tile> tiles;
  for (const Part& m : m_parts) {
    for (const Part& n : n_parts) {
      Tile tile{};
      tile.m0 = m.begin;
      tile.n0 = n.begin;
      tile.m = m.size;
      tile.n = n.size;
      tile.strips = (n.size + device.cols - 1) / device.cols;
      tile.number = static_cast<std::uint32_t>(tiles.size());
      tile.accumulator_base =
          (tile.number % tiling.accumulator_tiles) * tiling.tile_m * tile_strips;
      tiles.push_back(tile);
    }
  }
  const std::uint32_t unit = slice_unit(problem, device, tiling);
  for (Tile& tile : tiles) {
    const bool ramp = tile.number == 0;
    const bool taper = tiling.taper_k && tile.number + 1 == tiles.size();
    tile.slices = slices_of(problem.k, tiling.slice_k, unit, ramp, taper);
  }
  return tiles;
}

}  // namespace systolith::library
