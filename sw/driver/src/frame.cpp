#include "frame.hpp"

#include <zlib.h>

namespace systolith::driver {
namespace {

constexpr std::size_t kCrcBytes = 4;
constexpr std::uint8_t kLongestRun = 0xff;  // the code of 254 bytes without a zero after them

}  // namespace

Bytes cobs_encode(std::span<const std::uint8_t> data) {
  Bytes out;
  out.reserve(data.size() + data.size() / 254 + 1);
  std::size_t code_at = 0;
  out.push_back(1);
  const auto next_run = [&] {
    code_at = out.size();
    out.push_back(1);
  };
  for (const std::uint8_t byte : data) {
    if (byte != 0) {
      out.push_back(byte);
      ++out[code_at];
    }
    if (byte == 0 || out[code_at] == kLongestRun) next_run();
  }
  return out;
}

std::optional<Bytes> cobs_decode(std::span<const std::uint8_t> code) {
  Bytes out;
  out.reserve(code.size());
  while (!code.empty()) {
    const std::uint8_t run = code[0];
    if (run == 0 || run > code.size()) return std::nullopt;
    for (std::size_t i = 1; i < run; ++i) {
      if (code[i] == 0) return std::nullopt;
      out.push_back(code[i]);
    }
    code = code.subspan(run);
    if (run != kLongestRun && !code.empty()) out.push_back(0);
  }
  return out;
}

std::uint32_t frame_crc(std::span<const std::uint8_t> content) {
  return static_cast<std::uint32_t>(
      crc32(crc32(0, nullptr, 0), content.data(), static_cast<uInt>(content.size())));
}

Bytes encode_frame(std::span<const std::uint8_t> content) {
  Bytes whole(content.begin(), content.end());
  const std::uint32_t crc = frame_crc(content);
  for (std::size_t i = 0; i < kCrcBytes; ++i)
    whole.push_back(static_cast<std::uint8_t>(crc >> 8 * i));
  Bytes frame = cobs_encode(whole);
  frame.push_back(0);
  return frame;
}

std::optional<Bytes> decode_frame(std::span<const std::uint8_t> code) {
  std::optional<Bytes> whole = cobs_decode(code);
  if (!whole || whole->size() <= kCrcBytes) return std::nullopt;
  const std::size_t bytes = whole->size() - kCrcBytes;
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < kCrcBytes; ++i)
    crc |= static_cast<std::uint32_t>((*whole)[bytes + i]) << 8 * i;
  whole->resize(bytes);
  if (frame_crc(*whole) != crc) return std::nullopt;
  return whole;
}

}  // namespace systolith::driver
