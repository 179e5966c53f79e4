#include "systolith/model/chain.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <stdexcept>

#include <fmt/format.h>

#include "float_environment.h"
#include "kernels.h"
#include "raw_chain.h"
#include "systolith/model/formats.h"

namespace systolith::model {
namespace {

// Blocks that keep a panel of B in the first-level cache and a block of it in the second.
constexpr std::size_t kColumnsPerBlock = 512;
constexpr std::size_t kRowsPerBlock = 1024;

/// A tile of `rows` x `columns` results at `sum`, at most a kernel's.
template <typename Kernel, typename Sum = typename Kernel::Sum>
void run_tile(const Kernel& kernel, std::size_t steps, const typename Kernel::Packed* a,
              const typename Kernel::Packed* b, Sum* sum, std::size_t stride, std::size_t rows,
              std::size_t columns) {
  if (rows == kernel.rows && columns == kernel.columns) {
    kernel.tile(steps, a, b, sum, stride);
    return;
  }
  // An edge: the rest of the tile is thrown away.
  constexpr std::size_t kLargestTile = 1024;
  alignas(64) Sum edge[kLargestTile] = {};
  for (std::size_t r = 0; r < rows; ++r) {
    std::copy_n(sum + r * stride, columns, edge + r * kernel.columns);
  }
  kernel.tile(steps, a, b, edge, kernel.columns);
  for (std::size_t r = 0; r < rows; ++r) {
    std::copy_n(edge + r * kernel.columns, columns, sum + r * stride);
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
      : data_(static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{64}))) {}
  ~Scratch() { ::operator delete (data_, std::align_val_t{64}); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }

 private:
  T* data_;
};

/// A block of A, k from `k` for `depth`, as rows of steps; the rest of the last tile's rows is
/// zero.
template <typename Kernel, typename T>
void pack_rows(const Kernel& kernel, Matrix<const T> a, std::size_t row, std::size_t rows,
               std::size_t k, std::size_t depth, typename Kernel::Packed* packed) {
  for (std::size_t r = 0; r < rows; ++r)
    kernel.pack_row(a.row(row + r) + k, depth, packed + r * kPackedStride);
  std::fill(packed + rows * kPackedStride, packed + round_up(rows, kernel.rows) * kPackedStride,
            typename Kernel::Packed{});
}

/// A block of B as panels of a tile's columns, step by step; the rest of the last panel's columns
/// is zero.
template <typename Kernel, typename T>
void pack_columns(const Kernel& kernel, Matrix<const T> b, std::size_t column, std::size_t columns,
                  std::size_t k, std::size_t depth, typename Kernel::Packed* packed) {
  const std::size_t steps = (depth + kernel.depth - 1) / kernel.depth;
  for (std::size_t s = 0; s < steps; ++s) {
    const std::size_t at = s * kernel.depth;
    const T* first = b.row(k + at) + column;
    const T* second = at + 1 < depth ? first + b.stride : nullptr;
    for (std::size_t panel = 0; panel < columns; panel += kernel.columns) {
      const std::size_t valid = std::min(kernel.columns, columns - panel);
      typename Kernel::Packed* target = packed + panel * steps + s * kernel.columns;
      kernel.pack_step(first + panel, second == nullptr ? nullptr : second + panel, valid, target);
      std::fill(target + valid, target + kernel.columns, typename Kernel::Packed{});
    }
  }
}

template <typename Kernel, typename T, typename Sum = typename Kernel::Sum>
void product(const Kernel& kernel, Matrix<const T> a, Matrix<const T> b, Matrix<Sum> sum) {
  using Packed = typename Kernel::Packed;
  const std::size_t k_block = kPackedSteps * kernel.depth;
  const std::size_t row_block = kRowsPerBlock - kRowsPerBlock % kernel.rows;  // whole tiles
  const std::size_t most_steps =
      std::min(kPackedSteps, (a.columns + kernel.depth - 1) / kernel.depth);
  const Scratch<Packed> packed_a(kPackedStride *
                                 round_up(std::min(row_block, sum.rows), kernel.rows));
  const Scratch<Packed> packed_b(most_steps *
                                 round_up(std::min(kColumnsPerBlock, sum.columns), kernel.columns));

  for (std::size_t k = 0; k < a.columns; k += k_block) {
    const std::size_t depth = std::min(k_block, a.columns - k);
    const std::size_t steps = (depth + kernel.depth - 1) / kernel.depth;
    for (std::size_t column = 0; column < sum.columns; column += kColumnsPerBlock) {
      const std::size_t columns = std::min(kColumnsPerBlock, sum.columns - column);
      pack_columns(kernel, b, column, columns, k, depth, packed_b.data());
      for (std::size_t row = 0; row < sum.rows; row += row_block) {
        const std::size_t rows = std::min(row_block, sum.rows - row);
        pack_rows(kernel, a, row, rows, k, depth, packed_a.data());
        for (std::size_t c = 0; c < columns; c += kernel.columns) {
          for (std::size_t r = 0; r < rows; r += kernel.rows) {
            run_tile(kernel, steps, packed_a.data() + r * kPackedStride,
                     packed_b.data() + c * steps, sum.row(row + r) + column + c, sum.stride,
                     std::min(kernel.rows, rows - r), std::min(kernel.columns, columns - c));
          }
        }
      }
    }
  }
  if (kernel.finish != nullptr) {
    for (std::size_t r = 0; r < sum.rows; ++r) kernel.finish(sum.row(r), sum.columns);
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
    throw std::invalid_argument(fmt::format("shapes do not fit: ({} x {}) * ({} x {}) into {} x {}",
                                            a.rows, a.columns, b.rows, b.columns, sum.rows,
                                            sum.columns));
  }
  if (overlap(a, sum) || overlap(b, sum)) {
    throw std::invalid_argument("the sums overlap an operand: give them memory of their own");
  }
  if (!is_supported(set))
    throw std::invalid_argument("this machine lacks the instructions asked for");
}

const Kernels& kernels(Instructions set) {
#if defined(SYSTOLITH_X86_KERNELS)
  if (set == Instructions::kAvx512) return kKernelsAvx512;
  if (set == Instructions::kAvx2) return kKernelsAvx2;
#else
  (void)set;
#endif
  return kKernelsPortable;
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
  if (set == Instructions::kAvx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return set == Instructions::kPortable;
}

Instructions best_instructions() {
  for (const Instructions set : {Instructions::kAvx512, Instructions::kAvx2}) {
    if (is_supported(set)) return set;
  }
  return Instructions::kPortable;
}

void raw_accumulate(Matrix<const Bf16> a, Matrix<const Bf16> b, Matrix<float> sum,
                    Instructions set) {
  static_assert(sizeof(Bf16) == sizeof(std::uint16_t));
  const auto raw = [](Matrix<const Bf16> m) {
    return Matrix<const std::uint16_t>{reinterpret_cast<const std::uint16_t*>(m.data), m.rows,
                                       m.columns, m.stride};
  };
  const DefaultFloatEnvironment environment;
  product(kernels(set).bf16, raw(a), raw(b), sum);
}

void raw_accumulate(Matrix<const float> a, Matrix<const float> b, Matrix<float> sum,
                    Instructions set) {
  const DefaultFloatEnvironment environment;
  product(kernels(set).fp32, a, b, sum);
}

void raw_accumulate(Matrix<const std::int8_t> a, Matrix<const std::int8_t> b,
                    Matrix<std::int32_t> sum, Instructions set) {
  product(kernels(set).int8, a, b, sum);
}

void accumulate(ConstView<Bf16> a, ConstView<Bf16> b, View<float> sum, Instructions set) {
  checked_accumulate<Bf16, float>(a, b, sum, set);
}

void accumulate(ConstView<float> a, ConstView<float> b, View<float> sum, Instructions set) {
  checked_accumulate<float, float>(a, b, sum, set);
}

void accumulate(ConstView<std::int8_t> a, ConstView<std::int8_t> b, View<std::int32_t> sum,
                Instructions set) {
  checked_accumulate<std::int8_t, std::int32_t>(a, b, sum, set);
}

}  // namespace systolith::model
