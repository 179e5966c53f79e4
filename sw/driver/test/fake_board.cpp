#include "fake_board.hpp"

#include <cstring>

namespace systolith::driver::test {
namespace {

std::uint64_t field(const Octets& bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  while (count-- != 0) value = value << 8 | bytes[at + count];
  return value;
}

void append(Octets& out, std::uint64_t value, std::size_t count) {
  for (; count != 0; --count, value >>= 8) out.push_back(value & 0xff);
}

bool is_read(std::uint8_t kind) { return kind == 2 || kind == 4; }

}  // namespace

Octets stuff(const Octets& data) {
  Octets out;
  std::size_t at = 0;
  for (;;) {
    std::size_t run = 0;
    while (at + run < data.size() && data[at + run] != 0 && run < 254) ++run;
    out.push_back(static_cast<std::uint8_t>(run + 1));
    out.insert(out.end(), data.begin() + at, data.begin() + at + run);
    at += run;
    if (at == data.size()) return out;  // a run of 254 at the end without a code 01
    if (run < 254) ++at;
  }
}

std::optional<Octets> unstuff(const Octets& code) {
  Octets out;
  for (std::size_t at = 0; at < code.size();) {
    const std::size_t end = at + code[at];
    if (code[at] == 0 || end > code.size()) return std::nullopt;
    out.insert(out.end(), code.begin() + at + 1, code.begin() + end);
    if (code[at] != 255 && end != code.size()) out.push_back(0);
    at = end;
  }
  return out;
}

std::uint32_t bitwise_crc(const Octets& data) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}

Octets frame_of(const Octets& content) {
  Octets all = content;
  append(all, bitwise_crc(content), 4);
  Octets frame = stuff(all);
  frame.push_back(0);
  return frame;
}

std::optional<Octets> content_of(const Octets& code) {
  auto all = unstuff(code);
  if (!all || all->size() < 5) return std::nullopt;
  const Octets content(all->begin(), all->end() - 4);
  if (bitwise_crc(content) != field(*all, content.size(), 4)) return std::nullopt;
  return content;
}

FakeBoard::FakeBoard(Target& target, std::uint64_t base, std::uint64_t bytes)
    : target_(target), base_(base) {
  words = {{0x8000, 0x42535953},
           {0x8004, 1},
           {0x8008, 50'000'000},
           {0x800c, 3'000'000},
           {0x8010, static_cast<std::uint32_t>(base)},
           {0x8014, static_cast<std::uint32_t>(base >> 32)},
           {0x8018, static_cast<std::uint32_t>(bytes)},
           {0x801c, static_cast<std::uint32_t>(bytes >> 32)},
           {0x8040, 0x656b6166}};  // "fake"
}

void FakeBoard::power_cycle() {
  session_.reset();
  kept_.clear();
  code_.clear();
}

Octets FakeBoard::receive(const Octets& bytes) {
  Octets out;
  for (const std::uint8_t byte : bytes) {
    if (byte != 0) {
      code_.push_back(byte);
      continue;
    }
    if (code_.empty()) continue;
    const auto content = content_of(code_);
    code_.clear();
    if (!content || content->size() < 16 || content->size() > payload + 18) {
      ++frames_bad;
      continue;
    }
    const Octets frame = handle(*content);
    out.insert(out.end(), frame.begin(), frame.end());
  }
  return out;
}

Octets FakeBoard::answer(const Octets& request, const Octets& data, Outcome outcome) const {
  Octets content(request.begin(), request.begin() + 4);
  content[0] += 0x80;
  content.insert(content.end(), data.begin(), data.end());
  content.push_back(outcome.status);
  content.push_back(expected_);
  append(content, outcome.error_address, 8);
  return frame_of(content);
}

Octets FakeBoard::open_data() const {
  Octets data;
  append(data, link_version, 2);
  append(data, payload, 2);
  append(data, window, 4);
  return data;
}

Octets FakeBoard::handle(const Octets& content) {
  ++requests;
  cycles_ += cycles_a_request;
  if (on_request) on_request();
  const std::uint8_t kind = content[0], number = content[1];
  const auto session = static_cast<std::uint16_t>(field(content, 2, 2));
  if (session == 0) return answer(content, {}, {no_session});
  if (kind == 1) {
    const bool fits = field(content, 8, 8) == (0x4b4e4c53 | std::uint64_t{link_version} << 32) &&
                      field(content, 4, 4) == 0 && content.size() == 16;
    if (!fits) return answer(content, open_data(), {refused});
    session_ = session;
    expected_ = static_cast<std::uint8_t>(number + 1);
    kept_.clear();
    ++sessions;
    return answer(content, open_data(), {});
  }
  if (session != session_) return answer(content, {}, {no_session});
  std::optional<Outcome> repeated;
  for (const auto& [taken, outcome] : kept_)
    if (taken == number) repeated = outcome;
  if (!repeated && number != expected_) {
    ++gaps;
    return answer(content, {}, {gap});
  }
  Octets data;
  Outcome outcome;
  if (repeated) ++repetitions;
  if (repeated && !is_read(kind)) {
    outcome = *repeated;
  } else {
    outcome = access(content, data);
  }
  if (!repeated) {
    kept_.emplace_back(number, outcome);
    if (kept_.size() > 16) kept_.pop_front();
    ++expected_;
  }
  return answer(content, data, outcome);
}

FakeBoard::Outcome FakeBoard::access(const Octets& request, Octets& data) {
  const std::uint8_t kind = request[0];
  const std::uint64_t address = field(request, 8, 8);
  const std::size_t length = field(request, 4, 2);
  const std::size_t size = 16 + (is_read(kind) ? 0 : length);
  if (kind > 5 || field(request, 6, 2) != 0 || request.size() != size) return {refused};
  const bool of_register = kind >= 4;
  if (of_register ? length != 4 || address % 4 != 0 ||
                        (address > 0x1ffc && (address < 0x8000 || address > 0x80fc))
                  : length == 0 || length > payload)
    return {refused};
  Outcome outcome;
  if (on_access) outcome = on_access(kind, address, length);
  if (outcome.status == refused) return outcome;
  if (is_read(kind)) data.resize(length);
  if (outcome.status != ok) return outcome;
  if (kind == 2) std::memcpy(data.data(), target_.memory() + (address - base_), length);
  if (kind == 4) {
    const auto offset = static_cast<std::uint32_t>(address);
    const std::uint32_t value = offset < 0x8000 ? target_.read32(offset) : read_word(offset);
    std::memcpy(data.data(), &value, 4);
  }
  if (is_read(kind)) return outcome;
  writes.push_back({address, Octets(request.begin() + 16, request.end())});
  if (kind == 3) std::memcpy(target_.memory() + (address - base_), request.data() + 16, length);
  const auto value = static_cast<std::uint32_t>(field(request, 16, kind == 5 ? 4 : 1));
  if (kind == 5 && address < 0x8000) target_.write32(static_cast<std::uint32_t>(address), value);
  if (kind == 5 && address == 0x8024 && (value & 1) != 0) {
    ++resets;
    resetting_ = reset_lasts;
    target_.reset();
  }
  return outcome;
}

std::uint32_t FakeBoard::read_word(std::uint32_t offset) {
  switch (offset) {
    case 0x8020:
      return (target_.interrupt() ? 1 : 0) | (memory_ready ? 4 : 0) | 8;
    case 0x8024:
      return resetting_ != 0 && resetting_-- != 0 ? 1 : 0;
    case 0x8028:
      held_ = static_cast<std::uint32_t>(cycles_ >> 32);
      return static_cast<std::uint32_t>(cycles_);
    case 0x802c:
      return held_;
    case 0x8034:
      return static_cast<std::uint32_t>(frames_bad);
    default:
      return words[offset];
  }
}

}  // namespace systolith::driver::test
