#include <immintrin.h>

#include "packing.h"

namespace systolith::model {
namespace {

constexpr std::size_t kRows = 6;
constexpr std::size_t kVectors = 2;
constexpr std::size_t kLanes = 8;
constexpr std::size_t kColumns = kVectors * kLanes;

void float_tile(std::size_t steps, const float* a, const float* b, float* sum, std::size_t stride) {
  __m256 sums[kRows][kVectors];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = _mm256_loadu_ps(sum + r * stride + v * kLanes);
    }
  }
  for (std::size_t s = 0; s < steps; ++s, ++a, b += kColumns) {
    __m256 right[kVectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) right[v] = _mm256_loadu_ps(b + v * kLanes);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
      const __m256 left = _mm256_broadcast_ss(a + r * kPackedStride);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = _mm256_fmadd_ps(left, right[v], sums[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      _mm256_storeu_ps(sum + r * stride + v * kLanes, sums[r][v]);
    }
  }
}

void int8_tile(std::size_t steps, const std::uint32_t* a, const std::uint32_t* b, std::int32_t* sum,
               std::size_t stride) {
  __m256i sums[kRows][kVectors];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sum + r * stride + v * kLanes));
    }
  }
  for (std::size_t s = 0; s < steps; ++s, ++a, b += kColumns) {
    __m256i right[kVectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      right[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + v * kLanes));
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
      const __m256i left = _mm256_set1_epi32(static_cast<int>(a[r * kPackedStride]));
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = _mm256_add_epi32(sums[r][v], _mm256_madd_epi16(left, right[v]));
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(sum + r * stride + v * kLanes), sums[r][v]);
    }
  }
}

}  // namespace

constinit const Kernels kKernelsAvx2 = make_kernels(kRows, kColumns, float_tile, int8_tile);

}  // namespace systolith::model
