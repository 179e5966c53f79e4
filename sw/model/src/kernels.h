// Register tiles of the chain and the packing of their operands, one file an instruction set. These
// files are compiled with flags of their own, so they must not use inline functions that other
// files use: the linker could keep their copy for machines that lack the instructions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace systolith::model {

/// Steps that a packed row of A has room for, and the words from one such row to the next: more, so
/// that the rows of a tile do not fall into the same sets of a cache.
inline constexpr std::size_t kPackedSteps = 256;
inline constexpr std::size_t kPackedStride = kPackedSteps + 16;

template <typename Source, typename PackedWord, typename SumWord>
struct Kernel {
  using Packed = PackedWord;
  using Sum = SumWord;

  std::size_t rows;     // of a tile
  std::size_t columns;  // of a tile
  std::size_t depth;    // k of a step

  /// Continues a tile of sums over `steps` packed steps, in ascending order:
  /// sum[r * stride + c] = step(a[r * kPackedStride + s], b[s * columns + c], sum[r * stride + c]).
  void (*tile)(std::size_t steps, const Packed* a, const Packed* b, Sum* sum, std::size_t stride);

  /// Packs `count` elements of a row of A, k ascending, to its steps.
  void (*pack_row)(const Source* source, std::size_t count, Packed* packed);

  /// Packs one step of `count` columns of B: `first` is its row of the lower k; `second` of the
  /// next, if depth is 2, or null past the end.
  void (*pack_step)(const Source* first, const Source* second, std::size_t count, Packed* packed);

  /// Makes every NaN of `count` results canonical; null for integers.
  void (*finish)(Sum* sums, std::size_t count);
};

/// A step is one fma of E8M10 values that lie in binary32.
using Bf16Kernel = Kernel<std::uint16_t, float, float>;
using FloatKernel = Kernel<float, float, float>;

/// A step is two INT8 products: a packed word holds k in its low 16 bits and k + 1 in its high
/// ones, sign-extended.
using Int8Kernel = Kernel<std::int8_t, std::uint32_t, std::int32_t>;

struct Kernels {
  Bf16Kernel bf16;
  FloatKernel fp32;
  Int8Kernel int8;
};

extern const Kernels kKernelsPortable;
#if defined(SYSTOLITH_X86_KERNELS)
extern const Kernels kKernelsAvx2;
extern const Kernels kKernelsAvx512;
#endif

}  // namespace systolith::model
