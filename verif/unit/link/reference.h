// What a board must answer, hold and count, from docs/link.md.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "codec.h"

namespace systolith::test {

/// The build under test.
struct Shape {
  bool defaults = false;  // all parameters are the module's own
  uint32_t clock_hz = 0, baud = 0, bus_bytes = 0, address_width = 0, payload = 0, timeout = 0;

  double bit() const { return static_cast<double>(clock_hz) / baud; }
  double byte() const { return 10 * bit(); }
};

/// One access of a port, as it was asked for.
struct Beat {
  bool registers = false;
  bool write = false;
  uint64_t address = 0;
  uint64_t strobe = 0;  // of a write
  Bytes data = {};      // of a write: the whole beat, bytes without strobe are 0

  bool operator==(const Beat&) const = default;
};

/// What a port does with an access. `unanswered`: the address and data are taken; `silent`: not.
enum class Fault { none, error, unanswered, silent };

struct Prediction {
  Answer answer;
  bool any_data = false;      // cycles: not this model's
  bool any_expected = false;  // of a repetition it is later than predicted
};

class Reference {
 public:
  using Faults = std::function<Fault(bool write, uint64_t address)>;

  Reference(const Shape& shape, uint64_t base, uint64_t bytes);

  /// A right frame arrived: its answer, and all that it does. Nothing if it is dropped.
  std::optional<Prediction> serve(const Bytes& content);

  static uint32_t initial_register(uint32_t offset) { return offset * 0x9e37'79b1u ^ 0x5eed'0000; }
  uint32_t register_at(uint32_t offset) const;
  uint32_t board_word(uint32_t offset) const;
  /// Requests that count as repetitions now.
  uint32_t kept() const { return taken_; }

  Faults memory_fault, register_fault;
  Bytes memory;
  std::deque<Beat> traffic;
  uint32_t frames = 0, frames_bad = 0, frames_lost = 0, line_errors = 0;
  uint32_t status_bits = 0;
  uint32_t resets = 0;
  uint16_t session = 0;
  uint8_t expected = 0;
  bool memory_dead = false, registers_dead = false;

 private:
  struct Outcome {
    uint8_t status = kOk;
    uint64_t error_address = 0;
  };
  bool refused(const Bytes& content) const;
  Outcome access_memory(bool write, uint64_t address, uint32_t length, Bytes& data);
  Outcome access_register(bool write, uint64_t offset, Bytes& data, bool& any_data);

  Shape shape_;
  uint64_t base_;
  uint32_t taken_ = 0;  // since `open`, at most 16
  std::array<Outcome, 256> outcomes_;
  std::map<uint32_t, uint32_t> registers_;
};

}  // namespace systolith::test
