#include "codec.h"

namespace systolith::test {
namespace {

void put(Bytes& to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<uint8_t>(value >> 8 * i));
}

uint64_t get(const Bytes& from, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}

}  // namespace

uint32_t crc32(const Bytes& content) {
  uint32_t crc = 0xffff'ffff;
  for (uint8_t byte : content) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb8'8320u : 0);
  }
  return ~crc;
}

Bytes cobs_encode(const Bytes& plain, bool trailing_code) {
  Bytes coded;
  Bytes group;
  bool open = true;  // a group is owed even if it has no bytes
  for (uint8_t byte : plain) {
    open = true;
    if (byte != 0) group.push_back(byte);
    if (byte == 0 || group.size() == 254) {
      coded.push_back(static_cast<uint8_t>(group.size() + 1));
      coded.insert(coded.end(), group.begin(), group.end());
      group.clear();
      open = byte == 0;
    }
  }
  if (open || trailing_code) {
    coded.push_back(static_cast<uint8_t>(group.size() + 1));
    coded.insert(coded.end(), group.begin(), group.end());
  }
  return coded;
}

std::optional<Bytes> cobs_decode(const Bytes& coded) {
  Bytes plain;
  size_t at = 0;
  while (at < coded.size()) {
    const size_t code = coded[at++];
    if (code == 0 || at + code - 1 > coded.size()) return std::nullopt;
    for (size_t i = 1; i < code; ++i) {
      if (coded[at] == 0) return std::nullopt;
      plain.push_back(coded[at++]);
    }
    if (code != 0xff && at < coded.size()) plain.push_back(0);
  }
  return plain;
}

Bytes with_crc(const Bytes& content) {
  Bytes plain = content;
  put(plain, crc32(content), 4);
  return plain;
}

Bytes frame_of(const Bytes& content, bool trailing_code) {
  Bytes coded = cobs_encode(with_crc(content), trailing_code);
  coded.push_back(0);
  return coded;
}

Bytes Request::content() const {
  Bytes content{kind, number};
  put(content, session, 2);
  put(content, length, 2);
  put(content, reserved, 2);
  put(content, address, 8);
  content.insert(content.end(), data.begin(), data.end());
  return content;
}

uint64_t Answer::value() const { return get(data, 0, data.size() < 8 ? data.size() : 8); }

std::optional<Answer> answer_of(const Bytes& content) {
  if (content.size() < 14) return std::nullopt;
  const size_t end = content.size() - 10;
  Answer answer;
  answer.kind = content[0];
  answer.number = content[1];
  answer.session = static_cast<uint16_t>(get(content, 2, 2));
  answer.data.assign(content.begin() + 4, content.begin() + static_cast<ptrdiff_t>(end));
  answer.status = content[end];
  answer.expected = content[end + 1];
  answer.error_address = get(content, end + 2, 8);
  return answer;
}

std::optional<Bytes> content_of(const Bytes& coded) {
  const std::optional<Bytes> plain = cobs_decode(coded);
  if (!plain || plain->size() < 5) return std::nullopt;
  const Bytes content(plain->begin(), plain->end() - 4);
  if (crc32(content) != get(*plain, plain->size() - 4, 4)) return std::nullopt;
  return content;
}

}  // namespace systolith::test
