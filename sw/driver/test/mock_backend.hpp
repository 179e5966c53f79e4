// A register file that does what the test says, and writes down what the driver does.
#pragma once

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "backend.hpp"
#include "systolith/registers.h"

namespace systolith::driver::test {

inline constexpr std::uint64_t kMockBase = 0x80000000;
inline constexpr std::uint64_t kMockBytes = 1 << 16;

class MockBackend : public Backend {
 public:
  MockBackend() : memory(kMockBytes) {
    registers[SYSTOLITH_REGISTER_MAGIC] = SYSTOLITH_MAGIC_RESET;
    registers[SYSTOLITH_REGISTER_VERSION] = SYSTOLITH_VERSION_RESET;
    registers[SYSTOLITH_REGISTER_ARRAY] = 8 << 16 | 4;
    registers[SYSTOLITH_REGISTER_LINE] = 16 << 16 | 32;
    registers[SYSTOLITH_REGISTER_QUEUE] = 4 << 24 | 16 << 16;
  }
  std::uint32_t read32(std::uint32_t offset) override {
    ++reads;
    if (gone) return 0xffffffff;
    if (on_read) on_read(offset);
    return registers[offset];
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    ++writes;
    if (offset == SYSTOLITH_REGISTER_DOORBELL) log.push_back("doorbell");
    if (offset == SYSTOLITH_REGISTER_CONTROL) {
      log.push_back(value == 2 ? "reset" : "enable");
      if (enables) registers[SYSTOLITH_REGISTER_STATUS] = value == 1 ? 8 : 0;
      if (value == 2) registers[SYSTOLITH_REGISTER_COMPLETED] = 0;
    }
    if (offset == SYSTOLITH_REGISTER_IRQ_STATUS) {
      registers[offset] &= ~value;
    } else {
      registers[offset] = value;
    }
    if (on_write) on_write(offset, value);
  }
  void read(std::uint64_t address, void* data, std::size_t bytes) override {
    std::memcpy(data, memory.data() + (address - kMockBase), bytes);
  }
  void write(std::uint64_t address, const void* data, std::size_t bytes) override {
    std::memcpy(memory.data() + (address - kMockBase), data, bytes);
  }
  std::uint64_t advance(std::uint64_t cycles) override {
    passed += cycles;
    log.push_back("wait");
    if (on_advance) on_advance();
    return cycles;
  }
  bool interrupt() override {
    return line && (registers[SYSTOLITH_REGISTER_IRQ_STATUS] &
                    registers[SYSTOLITH_REGISTER_IRQ_ENABLE]) != 0;
  }
  bool reset() override { return may_reset; }
  void clean(std::uint64_t address, std::size_t bytes) override { note("clean", address, bytes); }
  void invalidate(std::uint64_t address, std::size_t bytes) override {
    note("invalidate", address, bytes);
  }
  void barrier() override { log.push_back("barrier"); }
  std::uint64_t memory_base() const override { return kMockBase; }
  std::uint64_t memory_bytes() const override { return kMockBytes; }

  /// Names a range for the log.
  void name(const std::string& what, std::uint64_t address) { names[address] = what; }

  std::map<std::uint32_t, std::uint32_t> registers;
  std::vector<std::uint8_t> memory;
  std::vector<std::string> log;
  std::map<std::uint64_t, std::string> names;
  std::function<void(std::uint32_t)> on_read;
  std::function<void(std::uint32_t, std::uint32_t)> on_write;
  std::function<void()> on_advance;
  bool gone = false;
  bool enables = true;  // status follows control
  bool line = true;     // the interrupt line is connected
  bool may_reset = false;
  std::uint64_t passed = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;

 private:
  void note(const char* what, std::uint64_t address, std::size_t) {
    const auto known = names.find(address);
    log.push_back(std::string(what) + " " + (known == names.end() ? "other" : known->second));
  }
};

}  // namespace systolith::driver::test
