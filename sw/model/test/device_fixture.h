// A device with memory, a ring and helpers that write commands field by field.
#pragma once

#include <cstring>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "systolith/command.h"
#include "systolith/model/device.h"
#include "systolith/registers.h"

namespace systolith::model::test {

struct CommandBuilder {
  systolith_command_t command{};

  CommandBuilder(std::uint8_t opcode, std::uint8_t unit) {
    SYSTOLITH_SET(command.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
    SYSTOLITH_SET(command.words, HEADER_OPCODE, opcode);
    SYSTOLITH_SET(command.words, HEADER_UNIT, unit);
    SYSTOLITH_SET(command.words, HEADER_RECORD, 1);
  }
  static std::uint32_t sync(unsigned semaphore, unsigned count,
                            std::optional<unsigned> rows_log2 = {}) {
    return count | semaphore << 16 | rows_log2.value_or(0) << 24 | (rows_log2 ? 1u << 29 : 0u);
  }
  CommandBuilder& wait(unsigned semaphore, unsigned count = 1,
                       std::optional<unsigned> rows_log2 = {}) {
    SYSTOLITH_SET(command.words, HEADER_WAIT_0, sync(semaphore, count, rows_log2));
    return *this;
  }
  CommandBuilder& signal(unsigned semaphore, unsigned count = 1,
                         std::optional<unsigned> rows_log2 = {}) {
    SYSTOLITH_SET(command.words, HEADER_SIGNAL_0, sync(semaphore, count, rows_log2));
    return *this;
  }
  CommandBuilder& record(bool on) {
    SYSTOLITH_SET(command.words, HEADER_RECORD, on ? 1 : 0);
    return *this;
  }
  CommandBuilder& interrupt() {
    SYSTOLITH_SET(command.words, HEADER_INTERRUPT, 1);
    return *this;
  }
  /// Rows of `run` bytes, `stride` bytes apart.
  CommandBuilder& rows(std::uint64_t address, std::uint32_t run, std::uint32_t count,
                       std::int64_t stride) {
    SYSTOLITH_SET(command.words, TRANSFER_ADDRESS, address);
    SYSTOLITH_SET(command.words, TRANSFER_RUN, run);
    for (unsigned loop = 0; loop < 4; ++loop)
      this->loop(loop, loop == 0 ? count : 1, loop == 0 ? stride : 0);
    return *this;
  }
  CommandBuilder& loop(unsigned index, std::uint32_t count, std::int64_t stride) {
    systolith_field_set(command.words, SYSTOLITH_TRANSFER_COUNT_0_WORD + index / 2, index % 2 * 32,
                        32, count);
    command.words[SYSTOLITH_TRANSFER_STRIDE_0_WORD + index] = static_cast<std::uint64_t>(stride);
    return *this;
  }
  CommandBuilder& local(std::uint32_t base, std::uint32_t pitch) {
    SYSTOLITH_SET(command.words, TRANSFER_LOCAL_BASE, base);
    SYSTOLITH_SET(command.words, TRANSFER_LOCAL_PITCH, pitch);
    return *this;
  }
  CommandBuilder& word(unsigned index, std::uint64_t value) {
    command.words[index] = value;
    return *this;
  }
};

inline CommandBuilder nop() { return {SYSTOLITH_OPCODE_NOP, SYSTOLITH_UNIT_COMMAND_PROCESSOR}; }

inline CommandBuilder load_scratchpad() { return {SYSTOLITH_OPCODE_LOAD, SYSTOLITH_UNIT_LOAD}; }

inline CommandBuilder load_accumulators(std::uint8_t tag) {
  CommandBuilder builder(SYSTOLITH_OPCODE_LOAD, SYSTOLITH_UNIT_LOAD);
  SYSTOLITH_SET(builder.command.words, LOAD_SPACE, SYSTOLITH_SPACE_ACCUMULATORS);
  SYSTOLITH_SET(builder.command.words, LOAD_TAG, tag);
  return builder;
}

inline CommandBuilder store_scratchpad() { return {SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE}; }

inline CommandBuilder store_accumulators(std::uint8_t conversion, bool relu = false,
                                         std::uint32_t scale = 0) {
  CommandBuilder builder(SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE);
  SYSTOLITH_SET(builder.command.words, STORE_SPACE, SYSTOLITH_SPACE_ACCUMULATORS);
  SYSTOLITH_SET(builder.command.words, STORE_CONVERSION, conversion);
  SYSTOLITH_SET(builder.command.words, STORE_RELU, relu ? 1 : 0);
  SYSTOLITH_SET(builder.command.words, STORE_SCALE, scale);
  return builder;
}

struct Product {
  std::uint32_t m, n, k;
  std::uint32_t a_base, a_pitch, b_base, b_pitch, c_base, c_pitch;
  bool int8 = false;
  bool accumulate = false;
  bool strip_outer = false;
};

inline CommandBuilder matrix(const Product& p) {
  CommandBuilder builder(SYSTOLITH_OPCODE_MATRIX, SYSTOLITH_UNIT_MATRIX);
  std::uint64_t* words = builder.command.words;
  SYSTOLITH_SET(words, MATRIX_FORMAT, p.int8 ? SYSTOLITH_FORMAT_INT8 : SYSTOLITH_FORMAT_BF16);
  SYSTOLITH_SET(words, MATRIX_ACCUMULATE, p.accumulate);
  SYSTOLITH_SET(words, MATRIX_STRIP_OUTER, p.strip_outer);
  SYSTOLITH_SET(words, MATRIX_M, p.m);
  SYSTOLITH_SET(words, MATRIX_N, p.n);
  SYSTOLITH_SET(words, MATRIX_K, p.k);
  SYSTOLITH_SET(words, MATRIX_A_BASE, p.a_base);
  SYSTOLITH_SET(words, MATRIX_A_PITCH, p.a_pitch);
  SYSTOLITH_SET(words, MATRIX_B_BASE, p.b_base);
  SYSTOLITH_SET(words, MATRIX_B_PITCH, p.b_pitch);
  SYSTOLITH_SET(words, MATRIX_C_BASE, p.c_base);
  SYSTOLITH_SET(words, MATRIX_C_PITCH, p.c_pitch);
  return builder;
}

class Bench {
 public:
  static constexpr std::uint64_t kBase = 0x8000'0000;
  static constexpr std::size_t kSize = 1 << 20;
  static constexpr std::uint64_t kRing = kBase;
  static constexpr std::uint64_t kRecords = kBase + 0x1'0000;
  static constexpr std::uint64_t kData = kBase + 0x2'0000;
  static constexpr unsigned kRingLog2 = 4;

  explicit Bench(const Configuration& configuration) : device(configuration, memory) {
    memory.add(kBase, kSize, std::byte{0xA5});
    window(0, kBase, kBase + kSize - 1, 3);
  }
  explicit Bench(std::string_view name) : Bench(Configuration::named(name)) {}

  void write64(std::uint32_t low, std::uint64_t value) {
    device.write32(low, static_cast<std::uint32_t>(value));
    device.write32(low + 4, static_cast<std::uint32_t>(value >> 32));
  }
  void window(unsigned index, std::uint64_t base, std::uint64_t last, std::uint32_t permit) {
    const std::uint32_t offset =
        SYSTOLITH_REGISTER_WINDOW_BASE_LO + index * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE;
    write64(offset, base);
    write64(offset + 8, last);
    device.write32(offset + 16, permit);
  }
  void enable() {
    write64(SYSTOLITH_REGISTER_RING_LO, kRing);
    write64(SYSTOLITH_REGISTER_RECORD_LO, kRecords);
    device.write32(SYSTOLITH_REGISTER_RING_SIZE, kRingLog2);
    device.write32(SYSTOLITH_REGISTER_CONTROL, 1);
  }
  void put(const CommandBuilder& builder) {
    const std::uint64_t slot = kRing + (tail % (1u << kRingLog2)) * SYSTOLITH_COMMAND_BYTES;
    poke(slot, builder.command.words, SYSTOLITH_COMMAND_BYTES);
    ++tail;
  }
  void ring() { device.write32(SYSTOLITH_REGISTER_DOORBELL, tail); }
  void run(const CommandBuilder& builder) {
    put(builder);
    ring();
  }
  void reset() {
    device.write32(SYSTOLITH_REGISTER_CONTROL, 2);
    tail = 0;
  }

  void poke(std::uint64_t address, const void* data, std::size_t bytes) {
    std::memcpy(memory.at(address, bytes).data(), data, bytes);
  }
  template <typename T>
  T peek(std::uint64_t address) {
    T value;
    std::memcpy(&value, memory.at(address, sizeof(T)).data(), sizeof(T));
    return value;
  }
  systolith_record_t record_of(std::uint32_t index) {
    return peek<systolith_record_t>(kRecords + index % (1u << kRingLog2) * SYSTOLITH_RECORD_BYTES);
  }
  std::uint32_t reg(std::uint32_t offset) const { return device.read32(offset); }
  std::uint32_t completed() const { return reg(SYSTOLITH_REGISTER_COMPLETED); }
  bool faulted() const {
    return (reg(SYSTOLITH_REGISTER_STATUS) >> SYSTOLITH_STATUS_FAULTED_LSB & 1) != 0;
  }

  /// The fault registers and the record of the failed command say this.
  void expect_fault(unsigned cause, std::uint32_t index, std::uint64_t address = 0) {
    EXPECT_TRUE(faulted());
    EXPECT_EQ(reg(SYSTOLITH_REGISTER_FAULT) & 0xFF, cause);
    EXPECT_EQ(reg(SYSTOLITH_REGISTER_FAULT_INDEX), index);
    EXPECT_EQ(reg(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO), static_cast<std::uint32_t>(address));
    EXPECT_EQ(reg(SYSTOLITH_REGISTER_FAULT_ADDRESS_HI), static_cast<std::uint32_t>(address >> 32));
    EXPECT_NE(reg(SYSTOLITH_REGISTER_IRQ_STATUS) & 2, 0u);
    const systolith_record_t record = record_of(index);
    EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_INDEX), index);
    EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_STATE), SYSTOLITH_STATE_FAILED);
    EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_CAUSE), cause);
    EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_ADDRESS), address);
    EXPECT_EQ(record.words[2], 0u);
    EXPECT_EQ(record.words[3], 0u);
  }

  Memory memory;
  Device device;
  std::uint32_t tail = 0;
};

// The smallest commands that are right, to be made wrong in one field.
inline constexpr std::uint64_t kData = Bench::kData;
inline constexpr Product kUnit{.m = 1,
                               .n = 1,
                               .k = 1,
                               .a_base = 0,
                               .a_pitch = 0,
                               .b_base = 1,
                               .b_pitch = 0,
                               .c_base = 0,
                               .c_pitch = 0};

inline CommandBuilder good_load() { return load_scratchpad().rows(kData, 4, 1, 0).local(0, 0); }
inline CommandBuilder good_store() { return store_scratchpad().rows(kData, 4, 1, 0).local(0, 0); }

}  // namespace systolith::model::test
