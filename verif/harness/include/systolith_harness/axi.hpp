// Signals of the AXI4 and AXI4-Lite ports of a device, as plain values of one clock cycle.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace systolith::harness {

inline constexpr unsigned kMaxBusBytes = 64;
inline constexpr unsigned kIds = 4;  // 0 fetch, 1 load, 2 store, 3 record

enum class AxiResponse : uint8_t {
  Okay = 0,
  ExclusiveOkay = 1,
  SubordinateError = 2,
  DecodeError = 3
};

// One address channel, AW or AR.
struct AxiAddress {
  bool valid = false;
  uint8_t id = 0;
  uint8_t length = 0;  // beats - 1
  uint8_t size = 0;    // log2 of the bytes of a beat
  uint8_t burst = 0;   // 1 = INCR
  uint8_t lock = 0;
  uint8_t cache = 0;
  uint8_t prot = 0;
  uint64_t address = 0;

  bool operator==(const AxiAddress&) const = default;
};

// What the device (the manager) drives.
struct AxiManagerSignals {
  AxiAddress aw;
  AxiAddress ar;
  bool w_valid = false;
  bool w_last = false;
  uint64_t w_strobe = 0;
  alignas(64) std::array<uint8_t, kMaxBusBytes> w_data{};
  bool b_ready = false;
  bool r_ready = false;
};

// What the memory (the subordinate) drives.
struct AxiSubordinateSignals {
  bool aw_ready = false;
  bool w_ready = false;
  bool ar_ready = false;
  bool b_valid = false;
  uint8_t b_id = 0;
  uint8_t b_response = 0;
  bool r_valid = false;
  bool r_last = false;
  uint8_t r_id = 0;
  uint8_t r_response = 0;
  alignas(64) std::array<uint8_t, kMaxBusBytes> r_data{};
};

struct AxiLiteManagerSignals {
  bool aw_valid = false;
  uint32_t aw_address = 0;
  bool w_valid = false;
  uint32_t w_data = 0;
  uint8_t w_strobe = 0;
  bool b_ready = false;
  bool ar_valid = false;
  uint32_t ar_address = 0;
  bool r_ready = false;

  bool operator==(const AxiLiteManagerSignals&) const = default;
};

struct AxiLiteSubordinateSignals {
  bool aw_ready = false;
  bool w_ready = false;
  bool b_valid = false;
  uint8_t b_response = 0;
  bool ar_ready = false;
  bool r_valid = false;
  uint32_t r_data = 0;
  uint8_t r_response = 0;
};

// A broken rule. `rule` is a fixed name such as "aw_stable"; `cycle` counts from the construction
// of the checker.
struct Violation {
  std::string rule;
  uint64_t cycle = 0;
  std::string text;
};

// The violations seen so far; keeps the first 64.
class ViolationLog {
 public:
  void report(const char* rule, uint64_t cycle, std::string text);
  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }
  const std::vector<Violation>& violations() const { return violations_; }
  bool has(const std::string& rule) const;
  void clear();
  // One line a violation: "cycle 17: aw_stable: ...".
  std::string summary() const;

 private:
  uint64_t count_ = 0;
  std::vector<Violation> violations_;
};

// xorshift64*: fast, seeded, the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed = 1) : state_(seed * 0x9e3779b97f4a7c15u + 0x1234567u) {
    if (state_ == 0) state_ = 1;
    next();
  }
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  // True in `percent` of 100 draws.
  bool percent(unsigned percent) { return percent != 0 && (next() >> 32) % 100 < percent; }
  uint64_t range(uint64_t low, uint64_t high) { return low + (next() >> 16) % (high - low + 1); }

 private:
  uint64_t state_;
};

}  // namespace systolith::harness
