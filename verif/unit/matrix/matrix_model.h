// What a MATRIX command means: the plain chain of fused multiply-adds, over plain arrays.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "matrix_unit_bench.h"

namespace matrix_bench {

class Model {
 public:
  explicit Model(const Sizes& sizes)
      : sizes(sizes),
        scratchpad(size_t{sizes.lines} * sizes.line_bytes),
        accumulators(size_t{sizes.accumulator_rows} * sizes.cols),
        defined(accumulators.size(), 1),
        tags(sizes.accumulator_rows) {}

  static float canonical(float x) { return std::isnan(x) ? std::bit_cast<float>(0x7fc00000u) : x; }
  float bf16(size_t byte) const {
    uint16_t half;
    std::memcpy(&half, &scratchpad[byte], 2);
    return std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
  }
  uint32_t row_of(const Command& c, uint32_t m, uint32_t n) const {
    return c.c_base + n / sizes.cols * c.c_pitch + m;
  }
  uint32_t strips(const Command& c) const { return (c.n + sizes.cols - 1) / sizes.cols; }
  uint32_t blocks(const Command& c) const {
    const uint32_t block = (c.int8 ? 2 : 1) * sizes.rows;
    return (c.k + block - 1) / block;
  }
  uint32_t rows(const Command& c) const { return strips(c) * blocks(c) * c.m; }
  uint32_t tag(const Command& c) const { return c.int8 ? 2 : 1; }

  /// Element (m, n) of a command after `k` steps that start from `seed`.
  uint32_t chain(const Command& c, uint32_t m, uint32_t n, uint32_t seed) const {
    const size_t a = size_t{c.a_base + m * c.a_pitch} * sizes.line_bytes;
    const auto b = [&](uint32_t k) { return size_t{c.b_base + k * c.b_pitch} * sizes.line_bytes; };
    if (c.int8) {
      for (uint32_t k = 0; k < c.k; ++k) {
        seed += static_cast<uint32_t>(static_cast<int8_t>(scratchpad[a + k]) *
                                      static_cast<int8_t>(scratchpad[b(k) + n]));
      }
      return seed;
    }
    float sum = canonical(std::bit_cast<float>(seed));
    for (uint32_t k = 0; k < c.k; ++k) {
      sum = canonical(std::fma(bf16(a + 2 * k), bf16(b(k) + 2 * n), sum));
    }
    return std::bit_cast<uint32_t>(sum);
  }

  void apply(const Command& c) {
    for (uint32_t strip = 0; strip < strips(c); ++strip) {
      for (uint32_t m = 0; m < c.m; ++m) {
        const uint32_t row = row_of(c, m, strip * sizes.cols);
        tags[row] = tag(c);
        for (uint32_t column = 0; column < sizes.cols; ++column) {
          const size_t i = size_t{row} * sizes.cols + column;
          const uint32_t n = strip * sizes.cols + column;
          if (n >= c.n) {
            defined[i] = 0;
          } else {
            if (!c.accumulate) defined[i] = 1;
            accumulators[i] = chain(c, m, n, c.accumulate ? accumulators[i] : 0);
          }
        }
      }
    }
  }

  /// Fills the scratchpad: BF16 values around one with some special ones, read as INT8 arbitrary
  /// bytes.
  void fill(std::mt19937& random) {
    for (size_t i = 0; i < scratchpad.size(); i += 2) {
      uint16_t half = static_cast<uint16_t>((random() & 0x807f) | (124 + random() % 6) << 7);
      switch (random() % 200) {
        case 0:
          half = 0x0000;
          break;
        case 1:
          half = 0x8000;
          break;
        case 2:
          half = static_cast<uint16_t>(random() & 0x807f);
          break;
        case 3:
          half = static_cast<uint16_t>((random() & 0x80ff) | 0x7f00);
          break;
        default:
          break;
      }
      if (random() % 4000 == 0) half = static_cast<uint16_t>(random() | 0x7f80);
      std::memcpy(&scratchpad[i], &half, std::min<size_t>(2, scratchpad.size() - i));
    }
  }

  Sizes sizes;
  std::vector<uint8_t> scratchpad;
  std::vector<uint32_t> accumulators;
  std::vector<uint8_t> defined;
  std::vector<uint32_t> tags;
};

}  // namespace matrix_bench
