// The chain on pointers, for callers whose strides Eigen cannot express (a row that repeats has
// stride 0).
#pragma once

#include <cstddef>
#include <cstdint>

#include "systolith/model/chain.h"

namespace systolith::model {

/// Rows of `columns` elements, `stride` elements from row to row.
template <typename T>
struct Matrix {
  T* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;

  T* row(std::size_t r) const { return data + r * stride; }
};

/// As `accumulate`, without its checks.
void raw_accumulate(Matrix<const Bf16> a, Matrix<const Bf16> b, Matrix<float> sum,
                    Instructions set);
void raw_accumulate(Matrix<const float> a, Matrix<const float> b, Matrix<float> sum,
                    Instructions set);
void raw_accumulate(Matrix<const std::int8_t> a, Matrix<const std::int8_t> b,
                    Matrix<std::int32_t> sum, Instructions set);

}  // namespace systolith::model
