// The device's matrix product on the host: for every output element the chain
//
//   sum = seed;  for (k = 0; k < K; ++k) sum = fma(a[k], b[k], sum);     // binary32, nearest even;
//   INT8: int32, wraps
//
// in ascending k. Blocking and vectors run over rows and columns only, so every variant delivers
// the same bits, and splitting K over several calls of `accumulate` too. The host's rounding mode
// and flush-to-zero state are set aside for the length of a call. Rules: docs/numerics.md.
#pragma once

#include <cstdint>

#include <Eigen/Core>

namespace systolith::model {

template <typename T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Operand: rows contiguous, any row stride. An argument of another layout is copied by Eigen.
template <typename T>
using ConstView = const Eigen::Ref<const RowMajor<T>, 0, Eigen::OuterStride<>>&;

/// Result: rows contiguous, any row stride; elements between the rows are never touched.
template <typename T>
using View = Eigen::Ref<RowMajor<T>, 0, Eigen::OuterStride<>>;

/// Storage only: the bits are taken as they are and Eigen's own conversions are not used.
using Bf16 = Eigen::bfloat16;

/// Instruction sets of the kernels. All give the same bits.
enum class Instructions {
  kPortable,  ///< no fused multiply-add: exact in double, rounded once by way of round-to-odd
  kAvx2,      ///< AVX2 and FMA
  kAvx512,    ///< AVX-512 F, BW, DQ, VL
};

/// True if this machine can run `set`.
bool is_supported(Instructions set);

/// The fastest set of this machine.
Instructions best_instructions();

/// Continues the chains whose sums stand in `sum`: a is M x K, b K x N, sum M x N; any of them may
/// be 0. With K = 0 the sums stay, but for NaN. Results that are NaN are canonical. Throws
/// std::invalid_argument if shapes do not fit, `sum` overlaps an operand, or `set` is not
/// supported.
void accumulate(ConstView<Bf16> a, ConstView<Bf16> b, View<float> sum,
                Instructions set = best_instructions());
/// Operands are rounded to E8M10 (`fp32_to_e8m10`), which leaves FP16, FP8 and BF16 values as they
/// are.
void accumulate(ConstView<float> a, ConstView<float> b, View<float> sum,
                Instructions set = best_instructions());
void accumulate(ConstView<std::int8_t> a, ConstView<std::int8_t> b, View<std::int32_t> sum,
                Instructions set = best_instructions());

/// The same from the seed +0 (0).
template <typename T, typename Sum>
void multiply(const T& a, const T& b, Sum&& product, Instructions set = best_instructions()) {
  product.setZero();
  accumulate(a, b, product, set);
}

}  // namespace systolith::model
