// Packing loops for the compiler to vectorise, compiled anew in each kernel file (hence the unnamed
// namespace).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.h"

namespace systolith::model {
namespace {

constexpr std::uint32_t kNan = 0x7FC00000u;

inline std::uint32_t one_nan(std::uint32_t bits) {
  return (bits & 0x7FFFFFFFu) > 0x7F800000u ? kNan : bits;
}

void pack_row_bf16(const std::uint16_t* __restrict source, std::size_t count,
                   float* __restrict packed) {
  for (std::size_t i = 0; i < count; ++i) {
    packed[i] = __builtin_bit_cast(float, one_nan(std::uint32_t{source[i]} << 16));
  }
}

void pack_row_float(const float* __restrict source, std::size_t count, float* __restrict packed) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = __builtin_bit_cast(std::uint32_t, source[i]);
    const std::uint32_t rounded =
        (bits + 0xFFFu + (bits >> 13 & 1u)) & ~0x1FFFu;  // 10 bits, nearest even
    packed[i] = __builtin_bit_cast(float, (bits & 0x7FFFFFFFu) > 0x7F800000u ? kNan : rounded);
  }
}

void pack_row_int8(const std::int8_t* __restrict source, std::size_t count,
                   std::uint32_t* __restrict packed) {
  const std::size_t pairs = count / 2;
  for (std::size_t i = 0; i < pairs; ++i) {
    packed[i] = static_cast<std::uint16_t>(source[2 * i]) |
                static_cast<std::uint32_t>(static_cast<std::uint16_t>(source[2 * i + 1])) << 16;
  }
  if (count % 2 != 0)
    packed[pairs] = static_cast<std::uint16_t>(source[count - 1]);  // times 0 adds nothing
}

void pack_step_bf16(const std::uint16_t* first, const std::uint16_t*, std::size_t count,
                    float* packed) {
  pack_row_bf16(first, count, packed);
}

void pack_step_float(const float* first, const float*, std::size_t count, float* packed) {
  pack_row_float(first, count, packed);
}

void pack_step_int8(const std::int8_t* __restrict first, const std::int8_t* __restrict second,
                    std::size_t count, std::uint32_t* __restrict packed) {
  if (second == nullptr) {
    for (std::size_t c = 0; c < count; ++c) packed[c] = static_cast<std::uint16_t>(first[c]);
    return;
  }
  for (std::size_t c = 0; c < count; ++c) {
    packed[c] = static_cast<std::uint16_t>(first[c]) |
                static_cast<std::uint32_t>(static_cast<std::uint16_t>(second[c])) << 16;
  }
}

void finish_float(float* sums, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    sums[i] = __builtin_bit_cast(float, one_nan(__builtin_bit_cast(std::uint32_t, sums[i])));
  }
}

template <typename FloatTile, typename Int8Tile>
constexpr Kernels make_kernels(std::size_t rows, std::size_t columns, FloatTile float_tile,
                               Int8Tile int8_tile) {
  return {{rows, columns, 1, float_tile, pack_row_bf16, pack_step_bf16, finish_float},
          {rows, columns, 1, float_tile, pack_row_float, pack_step_float, finish_float},
          {rows, columns, 2, int8_tile, pack_row_int8, pack_step_int8, nullptr}};
}

}  // namespace
}  // namespace systolith::model
