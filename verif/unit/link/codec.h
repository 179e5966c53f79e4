// Frames, requests and answers of the UART link, written from docs/link.md for the tests alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace systolith::test {

using Bytes = std::vector<uint8_t>;

enum Kind : uint8_t {
  kOpen = 1,
  kReadMemory = 2,
  kWriteMemory = 3,
  kReadRegister = 4,
  kWriteRegister = 5,
};

enum Status : uint8_t {
  kOk = 0,
  kRefused = 1,
  kBusError = 2,
  kBusTimeout = 3,
  kNoSession = 4,
  kGap = 5,
};

inline constexpr uint64_t kMagicAndVersion = 0x0001'4b4e'4c53;
inline constexpr uint32_t kHeaderBytes = 16;
inline constexpr uint32_t kWindow = 16;

uint32_t crc32(const Bytes& content);
/// COBS without the zero at the end. `trailing_code`: a 01 after a group of 254 at the end.
Bytes cobs_encode(const Bytes& plain, bool trailing_code = false);
/// Nothing if a code reaches beyond the end or a zero is inside.
std::optional<Bytes> cobs_decode(const Bytes& coded);
/// `plain` with its CRC behind it.
Bytes with_crc(const Bytes& content);
/// What is sent for a content: COBS of content and CRC, and the zero.
Bytes frame_of(const Bytes& content, bool trailing_code = false);

struct Request {
  uint8_t kind = 0;
  uint8_t number = 0;
  uint16_t session = 0;
  uint16_t length = 0;
  uint64_t address = 0;
  Bytes data = {};
  uint16_t reserved = 0;  // bytes 6-7

  Bytes content() const;
};

struct Answer {
  uint8_t kind = 0;
  uint8_t number = 0;
  uint16_t session = 0;
  Bytes data = {};
  uint8_t status = 0;
  uint8_t expected = 0;
  uint64_t error_address = 0;

  bool operator==(const Answer&) const = default;
  uint64_t value() const;  // the data as a little-endian number
};

std::optional<Answer> answer_of(const Bytes& content);
/// The content of a frame without its zero; nothing if it is damaged.
std::optional<Bytes> content_of(const Bytes& coded);

}  // namespace systolith::test
