// Requests through the bench, and what is compared with the reference.
#include <cmath>
#include <iomanip>
#include <sstream>

#include "bench.h"

namespace systolith::test {
namespace {

std::string text(const Bytes& bytes) {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  for (uint8_t byte : bytes) out << std::setw(2) << int{byte};
  return out.str();
}

std::string text(const Beat& beat) {
  std::ostringstream out;
  out << (beat.registers ? "register " : "memory ") << (beat.write ? "write " : "read ") << std::hex
      << beat.address << " strobe " << beat.strobe << " data " << text(beat.data);
  return out.str();
}

}  // namespace

void LinkBench::run(uint64_t cycles) {
  for (uint64_t i = 0; i < cycles; ++i) step();
}

void LinkBench::settle() {
  const uint64_t quiet = static_cast<uint64_t>(40 * shape.byte());
  for (uint64_t idle = 0; idle < quiet; ++idle) {
    step();
    if (sending() || !transmit_level) idle = 0;
  }
}

std::optional<Received> LinkBench::receive(uint64_t limit) {
  const double line = static_cast<double>(pending() + 20 * (shape.payload + 100)) * shape.bit();
  if (limit == 0) limit = static_cast<uint64_t>(2 * line) + 2 * shape.timeout + 50'000;
  for (uint64_t i = 0; received.empty() && i < limit; ++i) step();
  if (received.empty()) {
    ADD_FAILURE() << "no answer, cycle " << cycle;
    return std::nullopt;
  }
  Received first = received.front();
  received.pop_front();
  return first;
}

void LinkBench::compare(const Answer& got, const Prediction& expected) {
  const Answer& want = expected.answer;
  EXPECT_EQ(int{got.kind}, int{want.kind});
  EXPECT_EQ(int{got.number}, int{want.number});
  EXPECT_EQ(got.session, want.session);
  EXPECT_EQ(int{got.status}, int{want.status});
  if (!expected.any_expected) {
    EXPECT_EQ(int{got.expected}, int{want.expected});
  }
  EXPECT_EQ(got.error_address, want.error_address) << std::hex << want.error_address;
  EXPECT_EQ(got.data.size(), want.data.size());
  if (!expected.any_data) {
    EXPECT_EQ(text(got.data), text(want.data));
  }
}

void LinkBench::compare_traffic() {
  for (size_t i = 0; i < std::max(traffic.size(), reference.traffic.size()); ++i) {
    const std::string got = i < traffic.size() ? text(traffic[i]) : "none";
    const std::string want = i < reference.traffic.size() ? text(reference.traffic[i]) : "none";
    if (got == want) continue;
    ADD_FAILURE() << "access " << i << ": " << got << ", expected " << want;
    break;
  }
  traffic.clear();
  reference.traffic.clear();
}

Answer LinkBench::exchange(const Bytes& content) {
  if (!received.empty()) {
    ADD_FAILURE() << "an answer that nothing asked for";
    received.clear();
  }
  const std::optional<Prediction> expected = reference.serve(content);
  send(frame_of(content));
  if (!expected) {
    settle();
    EXPECT_TRUE(received.empty());
    return {};
  }
  const std::optional<Received> got = receive();
  if (!got) return {};
  compare(got->answer, *expected);
  compare_traffic();
  return got->answer;
}

Request LinkBench::next(uint8_t kind, uint64_t address, uint32_t length, Bytes data) {
  return {.kind = kind,
          .number = reference.expected,
          .session = reference.session,
          .length = static_cast<uint16_t>(length),
          .address = address,
          .data = std::move(data)};
}

Answer LinkBench::open(uint16_t session, uint8_t number) {
  return exchange(
      Request{.kind = kOpen, .number = number, .session = session, .address = kMagicAndVersion});
}

Answer LinkBench::read(uint64_t address, uint32_t length) {
  return exchange(next(kReadMemory, address, length));
}

Answer LinkBench::write(uint64_t address, Bytes data) {
  const uint32_t length = static_cast<uint32_t>(data.size());
  return exchange(next(kWriteMemory, address, length, std::move(data)));
}

Answer LinkBench::read_register(uint64_t offset) {
  return exchange(next(kReadRegister, offset, 4));
}

Answer LinkBench::write_register(uint64_t offset, uint32_t value) {
  Bytes data;
  for (int i = 0; i < 4; ++i) data.push_back(static_cast<uint8_t>(value >> 8 * i));
  return exchange(next(kWriteRegister, offset, 4, data));
}

void LinkBench::compare_counts() {
  for (uint32_t offset : {0x8030u, 0x8034u, 0x8038u, 0x803cu}) word(offset);
}

void LinkBench::finish() {
  on_cycle = nullptr;
  settle();
  EXPECT_TRUE(received.empty()) << "answers that nobody asked for";
  compare_traffic();
  uint64_t wrong = 0;
  for (uint64_t i = 0; compare_memory && i < reference.memory.size(); ++i) {
    if (*memory->at(base_ + i) != reference.memory[i] && wrong++ == 0) {
      ADD_FAILURE() << "memory differs from " << std::hex << base_ + i << " on";
    }
  }
  for (const auto& [offset, value] : registers.values) {
    EXPECT_EQ(value, reference.register_at(offset)) << "register " << offset;
  }
  EXPECT_EQ(reset_pulses, reference.resets);
  if (!reference.memory_dead) memory_checker_->finish();
  EXPECT_TRUE(memory_checker_->log().empty()) << memory_checker_->log().summary();
  EXPECT_TRUE(register_checker_.log().empty()) << register_checker_.log().summary();
}

}  // namespace systolith::test
