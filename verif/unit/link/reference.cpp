#include "reference.h"

#include <algorithm>
#include <string_view>

namespace systolith::test {
namespace {

uint64_t get(const Bytes& from, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}

}  // namespace

Reference::Reference(const Shape& shape, uint64_t base, uint64_t bytes)
    : memory(bytes), shape_(shape), base_(base) {}

uint32_t Reference::register_at(uint32_t offset) const {
  const auto found = registers_.find(offset);
  return found == registers_.end() ? initial_register(offset) : found->second;
}

uint32_t Reference::board_word(uint32_t offset) const {
  const uint64_t base = shape_.defaults ? 0 : 0x0123'4567'89ab'c000;
  const uint64_t bytes = shape_.defaults ? 0 : 0x0000'0012'fedc'b000;
  const std::string_view name = shape_.defaults ? "simulation" : "16 characters or";
  switch (offset) {
    case 0x8000:
      return 0x4253'5953;
    case 0x8004:
      return 1;
    case 0x8008:
      return shape_.clock_hz;
    case 0x800c:
      return shape_.baud;
    case 0x8010:
      return static_cast<uint32_t>(base);
    case 0x8014:
      return static_cast<uint32_t>(base >> 32);
    case 0x8018:
      return static_cast<uint32_t>(bytes);
    case 0x801c:
      return static_cast<uint32_t>(bytes >> 32);
    case 0x8020:
      return status_bits;
    case 0x8030:
      return frames;
    case 0x8034:
      return frames_bad;
    case 0x8038:
      return frames_lost;
    case 0x803c:
      return line_errors;
    default:
      break;
  }
  uint32_t word = 0;
  for (uint32_t i = 0; offset >= 0x8040 && offset < 0x8050 && i < 4; ++i) {
    const uint32_t at = offset - 0x8040 + i;
    if (at < name.size()) word |= uint32_t{static_cast<uint8_t>(name[at])} << 8 * i;
  }
  return word;
}

bool Reference::refused(const Bytes& content) const {
  const uint8_t kind = content[0];
  const uint64_t length = get(content, 4, 2), address = get(content, 8, 8);
  if (kind < kOpen || kind > kWriteRegister || get(content, 6, 2) != 0) return true;
  const bool writes = kind == kWriteMemory || kind == kWriteRegister;
  if (content.size() != kHeaderBytes + (writes ? length : 0)) return true;
  if (kind == kOpen) return length != 0 || address != kMagicAndVersion;
  if (kind == kReadMemory || kind == kWriteMemory) {
    // The last byte's address, too; of 64 bits it wraps.
    const uint64_t last = address + length - 1;
    const bool beyond =
        last < address || (shape_.address_width < 64 && last >> shape_.address_width != 0);
    return length < 1 || length > shape_.payload || beyond;
  }
  const bool mapped = address <= 0x1ffc || (address >= 0x8000 && address <= 0x80fc);
  return length != 4 || address % 4 != 0 || !mapped;
}

Reference::Outcome Reference::access_memory(bool write, uint64_t address, uint32_t length,
                                            Bytes& data) {
  if (memory_dead) return {kBusTimeout, address};
  const uint64_t bus = shape_.bus_bytes, end = address + length - 1;
  for (uint64_t beat = address / bus * bus;; beat += bus) {
    const uint64_t first = std::max(beat, address), last = std::min(beat + bus - 1, end);
    Beat asked{.write = write, .address = beat};
    if (write) asked.data.resize(bus);
    for (uint64_t i = first; write && i - first <= last - first; ++i) {
      asked.strobe |= uint64_t{1} << (i - beat);
      asked.data[i - beat] = data[i - address];
    }
    const bool mapped = beat >= base_ && beat - base_ < memory.size();
    Fault fault = memory_fault ? memory_fault(write, beat) : Fault::none;
    if (fault == Fault::none && !mapped) fault = Fault::error;
    if (fault != Fault::silent) traffic.push_back(asked);
    if (fault == Fault::error) return {kBusError, first};
    if (fault != Fault::none) {
      memory_dead = true;
      return {kBusTimeout, first};
    }
    for (uint64_t i = first; i <= last; ++i) {
      (write ? memory[i - base_] : data[i - address]) =
          write ? data[i - address] : memory[i - base_];
    }
    if (last == end) return {};
  }
}

Reference::Outcome Reference::access_register(bool write, uint64_t offset, Bytes& data,
                                              bool& any_data) {
  const uint32_t at = static_cast<uint32_t>(offset);
  uint32_t value = static_cast<uint32_t>(get(data, 0, 4));
  if (at >= 0x8000) {
    any_data = !write && (at == 0x8028 || at == 0x802c);
    if (write && at == 0x8024 && (value & 1) != 0) {
      memory_dead = registers_dead = false;
      ++resets;
    }
    value = board_word(at);
  } else {
    if (registers_dead) return {kBusTimeout, offset};
    const Fault fault = register_fault ? register_fault(write, offset) : Fault::none;
    Beat asked{.registers = true, .write = write, .address = offset};
    if (write) {
      asked.strobe = 0xf;
      asked.data = data;
    }
    if (fault != Fault::silent) traffic.push_back(asked);
    if (fault == Fault::error) return {kBusError, offset};
    if (fault != Fault::none) {
      registers_dead = true;
      return {kBusTimeout, offset};
    }
    if (write) registers_[at] = value;
    value = register_at(at);
  }
  for (int i = 0; !write && i < 4; ++i) data[i] = static_cast<uint8_t>(value >> 8 * i);
  return {};
}

std::optional<Prediction> Reference::serve(const Bytes& content) {
  if (content.size() < kHeaderBytes) {
    ++frames_bad;
    return std::nullopt;
  }
  ++frames;
  Prediction to;
  const uint8_t kind = content[0], number = content[1];
  to.answer.kind = static_cast<uint8_t>(kind + 0x80);
  to.answer.number = number;
  to.answer.session = static_cast<uint16_t>(get(content, 2, 2));
  const bool refuse = refused(content);
  const uint8_t behind = static_cast<uint8_t>(expected - number);
  Outcome outcome;
  if (to.answer.session == 0 || (kind != kOpen && to.answer.session != session)) {
    outcome.status = kNoSession;
  } else if (kind == kOpen) {
    for (uint32_t byte : {1u, 0u, shape_.payload & 0xff, shape_.payload >> 8, 16u, 0u, 0u, 0u}) {
      to.answer.data.push_back(static_cast<uint8_t>(byte));
    }
    if (refuse) {
      outcome.status = kRefused;
    } else {
      session = to.answer.session;
      expected = static_cast<uint8_t>(number + 1);
      taken_ = 0;
    }
  } else if (behind > taken_) {
    outcome.status = kGap;
  } else {
    const bool reads = kind == kReadMemory || kind == kReadRegister;
    const uint32_t length = static_cast<uint32_t>(get(content, 4, 2));
    const uint64_t address = get(content, 8, 8);
    if (behind != 0 && !reads) {
      outcome = outcomes_[number];
    } else if (refuse) {
      outcome.status = kRefused;
    } else {
      Bytes data(content.begin() + kHeaderBytes, content.end());
      if (reads) data.assign(length, 0);
      outcome = kind == kReadMemory || kind == kWriteMemory
                    ? access_memory(!reads, address, length, data)
                    : access_register(!reads, address, data, to.any_data);
      if (reads) to.answer.data = data;
    }
    if (behind == 0) {
      outcomes_[number] = outcome;
      ++expected;
      taken_ = std::min(taken_ + 1, kWindow);
    }
  }
  to.answer.status = outcome.status;
  to.answer.error_address = outcome.error_address;
  to.answer.expected = expected;
  return to;
}

}  // namespace systolith::test
