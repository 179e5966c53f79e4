// The board's side of the UART link, written from docs/link.md alone, with a codec of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace systolith::driver::test {

using Octets = std::vector<std::uint8_t>;

Octets stuff(const Octets& data);                   // COBS, without the zero that ends it
std::optional<Octets> unstuff(const Octets& code);  // of what is before a zero
std::uint32_t bitwise_crc(const Octets& data);
Octets frame_of(const Octets& content);
std::optional<Octets> content_of(const Octets& code);  // of what is before a zero

/// What is behind the bridge.
class Target {
 public:
  virtual ~Target() = default;
  virtual std::uint32_t read32(std::uint32_t offset) = 0;
  virtual void write32(std::uint32_t offset, std::uint32_t value) = 0;
  virtual std::uint8_t* memory() = 0;
  virtual bool interrupt() { return false; }
  virtual void reset() {}
};

class ArrayTarget : public Target {
 public:
  explicit ArrayTarget(std::size_t bytes) : bytes_(bytes) {}
  std::uint32_t read32(std::uint32_t offset) override { return registers[offset]; }
  void write32(std::uint32_t offset, std::uint32_t value) override { registers[offset] = value; }
  std::uint8_t* memory() override { return bytes_.data(); }

  std::map<std::uint32_t, std::uint32_t> registers;

 private:
  Octets bytes_;
};

class FakeBoard {
 public:
  enum Status : std::uint8_t { ok, refused, bus_error, bus_timeout, no_session, gap };
  struct Write {
    std::uint64_t address;
    Octets data;
    bool operator==(const Write&) const = default;
  };
  struct Outcome {
    std::uint8_t status = ok;
    std::uint64_t error_address = 0;
  };

  FakeBoard(Target& target, std::uint64_t base, std::uint64_t bytes);

  /// What the board sends for these bytes from the line.
  Octets receive(const Octets& bytes);
  /// A request's content from somewhere else, such as another process; its answer goes nowhere.
  void inject(const Octets& content) { handle(content); }
  void power_cycle();

  // Parameters.
  std::size_t payload = 512;
  std::uint16_t link_version = 1;
  std::uint8_t window = 16;
  std::map<std::uint32_t, std::uint32_t> words;
  bool memory_ready = true;
  unsigned reset_lasts = 2;  // reads of control
  std::uint32_t cycles_a_request = 5000;
  std::function<Outcome(std::uint8_t kind, std::uint64_t address, std::size_t length)> on_access;
  std::function<void()> on_request;

  // What happened.
  std::vector<Write> writes;  // each time that one was done, of memory and registers
  std::uint64_t requests = 0, frames_bad = 0, repetitions = 0, gaps = 0;
  unsigned resets = 0, sessions = 0;

 private:
  Octets handle(const Octets& content);
  Octets answer(const Octets& request, const Octets& data, Outcome outcome) const;
  Outcome access(const Octets& request, Octets& data);
  std::uint32_t read_word(std::uint32_t offset);
  Octets open_data() const;

  Target& target_;
  std::uint64_t base_;
  Octets code_;
  std::optional<std::uint16_t> session_;
  std::uint8_t expected_ = 0;
  std::deque<std::pair<std::uint8_t, Outcome>> kept_;  // of the last 16 taken, oldest first
  std::uint64_t cycles_ = 0;
  std::uint32_t held_ = 0;
  unsigned resetting_ = 0;
};

}  // namespace systolith::driver::test
