#include "systolith/model/chain.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "float_environment.h"
#include "kernels.h"
#include "raw_chain.h"
#include "systolith/model/formats.h"

namespace systolith::model {
namespace {

// Blocks that keep a strip of B in the first-level cache and a block of it in the second.
constexpr std::size_t kStepsPerBlock = 256;
constexpr std::size_t kColumnsPerBlock = 512;
constexpr std::size_t kRowsPerBlock = 1024;

// ---- packing: operand elements to the words of a step ----

inline float widen(Bf16 value) {
  return std::bit_cast<float>(bf16_to_fp32(std::bit_cast<std::uint16_t>(value)));
}
inline float widen(float value) {
  return std::bit_cast<float>(fp32_to_e8m10(std::bit_cast<std::uint32_t>(value)));
}

struct FloatPacking {
  using Packed = float;
  using Sum = float;
  static constexpr std::size_t kDepth = 1;  // k a step
  template <typename T>
  static float pack(const T* first, std::size_t, std::size_t) {
    return widen(*first);
  }
};

struct Int8Packing {
  using Packed = std::uint32_t;
  using Sum = std::int32_t;
  static constexpr std::size_t kDepth = 2;
  /// The element at `first` and, if `valid` > 1, the one `distance` further; a zero product adds nothing.
  static std::uint32_t pack(const std::int8_t* first, std::size_t distance, std::size_t valid) {
    const std::int16_t low = *first;
    const std::int16_t high = valid > 1 ? first[distance] : std::int8_t{0};
    return static_cast<std::uint16_t>(low) | std::uint32_t{static_cast<std::uint16_t>(high)} << 16;
  }
};

/// Rows [row, row + count) of a, k from `k` for `depth`, as panels of `width` rows: [panel][step][width].
template <typename Packing, typename T>
void pack_rows(Matrix<const T> a, std::size_t row, std::size_t count, std::size_t k, std::size_t depth,
               std::size_t width, typename Packing::Packed* packed) {
  const std::size_t steps = (depth + Packing::kDepth - 1) / Packing::kDepth;
  for (std::size_t panel = 0; panel < count; panel += width, packed += steps * width) {
    for (std::size_t r = 0; r < width; ++r) {
      if (panel + r >= count) {
        for (std::size_t s = 0; s < steps; ++s) packed[s * width + r] = {};
        continue;
      }
      const T* source = a.row(row + panel + r) + k;
      for (std::size_t s = 0; s < steps; ++s) {
        const std::size_t at = s * Packing::kDepth;
        packed[s * width + r] = Packing::pack(source + at, 1, depth - at);
      }
    }
  }
}

/// Columns [column, column + count) of b, k from `k` for `depth`, as panels of `width` columns: [panel][step][width].
template <typename Packing, typename T>
void pack_columns(Matrix<const T> b, std::size_t column, std::size_t count, std::size_t k, std::size_t depth,
                  std::size_t width, typename Packing::Packed* packed) {
  const std::size_t steps = (depth + Packing::kDepth - 1) / Packing::kDepth;
  for (std::size_t panel = 0; panel < count; panel += width, packed += steps * width) {
    const std::size_t valid = std::min(width, count - panel);
    for (std::size_t s = 0; s < steps; ++s) {
      const std::size_t at = s * Packing::kDepth;
      const T* source = b.row(k + at) + column + panel;
      typename Packing::Packed* target = packed + s * width;
      for (std::size_t c = 0; c < valid; ++c) target[c] = Packing::pack(source + c, b.stride, depth - at);
      for (std::size_t c = valid; c < width; ++c) target[c] = {};
    }
  }
}

// ---- the product ----

template <typename Packed, typename Sum>
void run_tile(const Tile<Packed, Sum>& tile, std::size_t steps, const Packed* a, const Packed* b,
              Matrix<Sum> sum, std::size_t row, std::size_t column) {
  const std::size_t rows = std::min(tile.rows, sum.rows - row);
  const std::size_t columns = std::min(tile.columns, sum.columns - column);
  if (rows == tile.rows && columns == tile.columns) {
    tile.run(steps, a, b, sum.row(row) + column, sum.stride);
    return;
  }
  // An edge: the rest of the tile is thrown away.
  constexpr std::size_t kLargestTile = 1024;
  alignas(64) Sum edge[kLargestTile] = {};
  for (std::size_t r = 0; r < rows; ++r) {
    std::copy_n(sum.row(row + r) + column, columns, edge + r * tile.columns);
  }
  tile.run(steps, a, b, edge, tile.columns);
  for (std::size_t r = 0; r < rows; ++r) {
    std::copy_n(edge + r * tile.columns, columns, sum.row(row + r) + column);
  }
}

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Memory that is not zeroed first.
template <typename T>
class Scratch {
 public:
  explicit Scratch(std::size_t size)
      : data_(static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t{64}))) {}
  ~Scratch() { ::operator delete(data_, std::align_val_t{64}); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }

 private:
  T* data_;
};

template <typename Packing, typename T>
void product(Matrix<const T> a, Matrix<const T> b, Matrix<typename Packing::Sum> sum,
             const Tile<typename Packing::Packed, typename Packing::Sum>& tile) {
  using Packed = typename Packing::Packed;
  const std::size_t k_block = kStepsPerBlock * Packing::kDepth;
  const std::size_t most_steps =
      std::min(kStepsPerBlock, (a.columns + Packing::kDepth - 1) / Packing::kDepth);
  const Scratch<Packed> packed_a(most_steps * round_up(std::min(kRowsPerBlock, sum.rows), tile.rows));
  const Scratch<Packed> packed_b(most_steps * round_up(std::min(kColumnsPerBlock, sum.columns), tile.columns));

  for (std::size_t k = 0; k < a.columns; k += k_block) {
    const std::size_t depth = std::min(k_block, a.columns - k);
    const std::size_t steps = (depth + Packing::kDepth - 1) / Packing::kDepth;
    for (std::size_t column = 0; column < sum.columns; column += kColumnsPerBlock) {
      const std::size_t columns = std::min(kColumnsPerBlock, sum.columns - column);
      pack_columns<Packing>(b, column, columns, k, depth, tile.columns, packed_b.data());
      for (std::size_t row = 0; row < sum.rows; row += kRowsPerBlock) {
        const std::size_t rows = std::min(kRowsPerBlock, sum.rows - row);
        pack_rows<Packing>(a, row, rows, k, depth, tile.rows, packed_a.data());
        for (std::size_t c = 0; c < columns; c += tile.columns) {
          for (std::size_t r = 0; r < rows; r += tile.rows) {
            run_tile(tile, steps, packed_a.data() + r * steps, packed_b.data() + c * steps, sum, row + r,
                     column + c);
          }
        }
      }
    }
  }
}

void canonicalise(Matrix<float> sum) {
  for (std::size_t r = 0; r < sum.rows; ++r) {
    float* row = sum.row(r);
    for (std::size_t c = 0; c < sum.columns; ++c) {
      row[c] = std::bit_cast<float>(canonical(std::bit_cast<std::uint32_t>(row[c])));
    }
  }
}

// ---- arguments ----

template <typename T, typename Ref>
Matrix<T> matrix_of(Ref& ref) {
  return {ref.data(), static_cast<std::size_t>(ref.rows()), static_cast<std::size_t>(ref.cols()),
          static_cast<std::size_t>(ref.outerStride())};
}

template <typename T>
std::pair<const std::byte*, const std::byte*> extent(Matrix<T> matrix) {
  const auto* first = reinterpret_cast<const std::byte*>(matrix.data);
  if (matrix.rows == 0 || matrix.columns == 0) return {first, first};
  return {first, reinterpret_cast<const std::byte*>(matrix.row(matrix.rows - 1) + matrix.columns)};
}

template <typename T, typename U>
bool overlap(Matrix<T> x, Matrix<U> y) {
  const auto [x_first, x_last] = extent(x);
  const auto [y_first, y_last] = extent(y);
  const std::less<> before;
  return before(x_first, y_last) && before(y_first, x_last);
}

template <typename T, typename Sum>
void check(Matrix<const T> a, Matrix<const T> b, Matrix<Sum> sum, Instructions set) {
  if (a.columns != b.rows || sum.rows != a.rows || sum.columns != b.columns) {
    throw std::invalid_argument(fmt::format("shapes do not fit: ({} x {}) * ({} x {}) into {} x {}", a.rows,
                                            a.columns, b.rows, b.columns, sum.rows, sum.columns));
  }
  if (overlap(a, sum) || overlap(b, sum)) {
    throw std::invalid_argument("the sums overlap an operand: give them memory of their own");
  }
  if (!is_supported(set)) throw std::invalid_argument("this machine lacks the instructions asked for");
}

const FloatTile& float_tile(Instructions set) {
#if defined(SYSTOLITH_X86_KERNELS)
  if (set == Instructions::kAvx512) return kFloatTileAvx512;
  if (set == Instructions::kAvx2) return kFloatTileAvx2;
#endif
  return kFloatTilePortable;
}

const Int8Tile& int8_tile(Instructions set) {
#if defined(SYSTOLITH_X86_KERNELS)
  if (set == Instructions::kAvx512) return kInt8TileAvx512;
  if (set == Instructions::kAvx2) return kInt8TileAvx2;
#endif
  return kInt8TilePortable;
}

template <typename T>
void accumulate_float(Matrix<const T> a, Matrix<const T> b, Matrix<float> sum, Instructions set) {
  {
    const DefaultFloatEnvironment environment;
    product<FloatPacking>(a, b, sum, float_tile(set));
  }
  canonicalise(sum);
}

template <typename T, typename Sum, typename A, typename B, typename C>
void checked_accumulate(A& a, B& b, C& sum, Instructions set) {
  const auto a_matrix = matrix_of<const T>(a);
  const auto b_matrix = matrix_of<const T>(b);
  const auto sums = matrix_of<Sum>(sum);
  check(a_matrix, b_matrix, sums, set);
  raw_accumulate(a_matrix, b_matrix, sums, set);
}

}  // namespace

bool is_supported(Instructions set) {
#if defined(SYSTOLITH_X86_KERNELS)
  if (set == Instructions::kAvx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  if (set == Instructions::kAvx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return set == Instructions::kPortable;
}

Instructions best_instructions() {
  for (const Instructions set : {Instructions::kAvx512, Instructions::kAvx2}) {
    if (is_supported(set)) return set;
  }
  return Instructions::kPortable;
}

void raw_accumulate(Matrix<const Bf16> a, Matrix<const Bf16> b, Matrix<float> sum, Instructions set) {
  accumulate_float(a, b, sum, set);
}

void raw_accumulate(Matrix<const float> a, Matrix<const float> b, Matrix<float> sum, Instructions set) {
  accumulate_float(a, b, sum, set);
}

void raw_accumulate(Matrix<const std::int8_t> a, Matrix<const std::int8_t> b, Matrix<std::int32_t> sum,
                    Instructions set) {
  product<Int8Packing>(a, b, sum, int8_tile(set));
}

void accumulate(ConstView<Bf16> a, ConstView<Bf16> b, View<float> sum, Instructions set) {
  checked_accumulate<Bf16, float>(a, b, sum, set);
}

void accumulate(ConstView<float> a, ConstView<float> b, View<float> sum, Instructions set) {
  checked_accumulate<float, float>(a, b, sum, set);
}

void accumulate(ConstView<std::int8_t> a, ConstView<std::int8_t> b, View<std::int32_t> sum, Instructions set) {
  checked_accumulate<std::int8_t, std::int32_t>(a, b, sum, set);
}

}  // namespace systolith::model
