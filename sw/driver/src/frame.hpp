// Frames of the UART link: COBS, CRC-32 and the zero that ends each (docs/link.md, section 2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace systolith::driver {

using Bytes = std::vector<std::uint8_t>;

/// The longest content: a read or write of the largest legal Payload with its header and status.
inline constexpr std::size_t kLongestContent = 1008 + 18;

/// Bytes on the line of a frame with this much content, its zero included: never fewer than it has.
constexpr std::size_t line_bytes(std::size_t content) {
  const std::size_t coded = content + 4;
  return coded + coded / 254 + 2;
}

/// COBS of `data`: no byte of the result is 0. A run of exactly 254 bytes at the end is followed by
/// a code 01.
Bytes cobs_encode(std::span<const std::uint8_t> data);

/// What `code`, without its final zero, stands for; nothing when it is cut short or has a zero.
std::optional<Bytes> cobs_decode(std::span<const std::uint8_t> code);

/// CRC-32 of Ethernet: of "123456789" it is CBF43926.
std::uint32_t frame_crc(std::span<const std::uint8_t> content);

/// The frame of a content, its final zero included.
Bytes encode_frame(std::span<const std::uint8_t> content);

/// The content of a frame, given without its final zero; nothing when code or CRC is wrong or there
/// is no content.
std::optional<Bytes> decode_frame(std::span<const std::uint8_t> code);

}  // namespace systolith::driver
