// Register tiles of the chain, one file an instruction set. These files are compiled with flags of their own, so they
// must not use inline functions of any other header: the linker could keep that copy for machines that lack the
// instructions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace systolith::model {

/// Continues a tile of `rows` x `columns` sums over `steps` packed steps:
/// sum[r][c] = step(a[s * rows + r], b[s * columns + c], sum[r][c]) for s = 0 .. steps - 1, in this order.
/// `stride` is the elements from row to row of `sum`.
template <typename Packed, typename Sum>
struct Tile {
  std::size_t rows;
  std::size_t columns;
  void (*run)(std::size_t steps, const Packed* a, const Packed* b, Sum* sum, std::size_t stride);
};

/// A step is one fma of E8M10 values that lie in binary32.
using FloatTile = Tile<float, float>;

/// A step is two INT8 products: a packed word holds k in its low 16 bits and k + 1 in its high ones, sign-extended.
using Int8Tile = Tile<std::uint32_t, std::int32_t>;

extern const FloatTile kFloatTilePortable;
extern const Int8Tile kInt8TilePortable;
#if defined(SYSTOLITH_X86_KERNELS)
extern const FloatTile kFloatTileAvx2;
extern const Int8Tile kInt8TileAvx2;
extern const FloatTile kFloatTileAvx512;
extern const Int8Tile kInt8TileAvx512;
#endif

}  // namespace systolith::model
