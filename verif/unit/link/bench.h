// uart_bridge between a serial line and two ports, with everything that it does compared with the
// reference.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <random>

#include "reference.h"
#include "systolith_harness/axi_checker.hpp"
#include "systolith_harness/axi_memory.hpp"

class Vuart_bridge_bench;

namespace systolith::test {

/// What the board drives: bytes with exact edges, without gaps after a code.
class TransmitterWatch {
 public:
  explicit TransmitterWatch(double bit) : bit_(bit) {}
  /// The level in a cycle; a byte when its stop bit is at its middle.
  std::optional<uint8_t> clock(bool level, uint64_t cycle);
  bool idle() const { return !busy_; }
  uint64_t start() const { return start_; }

 private:
  void begin(uint64_t cycle);

  double bit_;
  bool busy_ = false, level_ = true;
  uint64_t start_ = 0, run_start_ = 0, run_bytes_ = 0;
  bool ever_ = false;
  int of_group_ = 0;  // bytes to come that were known when their code was sent
  int next_bit_ = 0;
  uint8_t byte_ = 0;
};

/// Registers behind the AXI4-Lite port.
class RegisterFile {
 public:
  void clock(const harness::AxiLiteManagerSignals& in);
  void reset();
  const harness::AxiLiteSubordinateSignals& outputs() const { return out_; }

  harness::AxiMemory::Hold hold;
  uint32_t latency = 1;
  unsigned stall = 0;                  // percent of cycles, of each channel
  std::map<uint32_t, uint8_t> errors;  // responses by offset
  std::map<uint32_t, uint32_t> values;
  std::deque<Beat> traffic;

 private:
  harness::AxiLiteSubordinateSignals out_;
  harness::Random random_{5};
  std::optional<uint32_t> read_, write_, data_;
  uint64_t cycle_ = 0, read_at_ = 0, write_at_ = 0;
};

struct Received {
  Answer answer;
  uint64_t start;  // cycle of its first start bit
  uint64_t end;    // of the middle of its last stop bit
};

class LinkBench {
 public:
  explicit LinkBench(uint64_t seed = 1);
  ~LinkBench();

  static Shape shape_of_build();
  uint64_t base() const { return base_; }
  std::mt19937_64& random() { return random_; }
  Bytes random_bytes(size_t count, bool zeros = true);

  // Line to the board.
  void level(bool high, double bits) { segments_.push_back({high, bits}); }
  void send(const Bytes& bytes);
  void send(const Request& request) { send(frame_of(request.content())); }
  bool sending() const { return !segments_.empty(); }
  /// Bits that are still to be sent, about.
  size_t pending() const { return segments_.size(); }

  void step();
  void run(uint64_t cycles);
  /// Steps until all is sent and answered and both lines have been idle for a while.
  void settle();
  /// Steps until the next answer; none within the limit is a failure.
  std::optional<Received> receive(uint64_t limit = 0);
  void power_up();

  // One request at a time, its answer and traffic compared with the reference.
  Answer exchange(const Bytes& content);
  Answer exchange(const Request& request) { return exchange(request.content()); }
  /// Compares what the ports were asked with the reference.
  void compare_traffic();
  /// An answer that must be as predicted.
  void compare(const Answer& got, const Prediction& expected);

  Request next(uint8_t kind, uint64_t address, uint32_t length, Bytes data = {});
  Answer open(uint16_t session = 0x5aa5, uint8_t number = 0);
  Answer read(uint64_t address, uint32_t length);
  Answer write(uint64_t address, Bytes data);
  Answer read_register(uint64_t offset);
  Answer write_register(uint64_t offset, uint32_t value);
  uint32_t word(uint32_t offset) { return static_cast<uint32_t>(read_register(offset).value()); }
  /// The four counts as the board has them, against the reference.
  void compare_counts();
  /// Memory, registers, protocol, leftovers: at a test's end.
  void finish();

  const Shape shape;
  double sender_rate = 1;  // of the host's clock, against the exact one
  uint64_t cycle = 0;
  bool irq = false, reset_request = false, memory_ready = false, clock_locked = false;
  std::unique_ptr<harness::AxiMemory> memory;
  RegisterFile registers;
  Reference reference;
  std::deque<Received> received;
  std::deque<Beat> traffic;
  std::function<void()> on_cycle;        // before each
  std::function<void(uint8_t)> on_byte;  // takes the board's bytes from the decoder
  bool compare_memory = true;            // at the end

  // Seen in the last cycle, or since power-up.
  harness::AxiManagerSignals memory_port;
  harness::AxiLiteManagerSignals register_port;
  bool reset = false, receiving = false, board_sending = false, transmit_level = true;
  uint64_t memory_valid_since = 0, registers_valid_since = 0;  // first valid of the last access
  uint32_t reset_pulses = 0, reset_length = 0;                 // pulses ended, cycles of the last
  uint64_t bytes_received = 0;

 private:
  void drive();
  void observe();
  void observe_memory(bool in_reset);
  void observe_registers(bool in_reset);
  void take_byte(uint8_t byte);

  struct Segment {
    bool level;
    double bits;
  };
  std::unique_ptr<Vuart_bridge_bench> dut_;
  std::mt19937_64 random_;
  uint64_t base_;
  std::deque<Segment> segments_;
  double segment_end_ = 0;
  bool segment_open_ = false;
  TransmitterWatch transmitter_;
  Bytes frame_;
  uint64_t frame_start_ = 0;
  std::unique_ptr<harness::AxiChecker> memory_checker_;
  harness::AxiLiteChecker register_checker_;
  std::deque<uint64_t> write_addresses_;
  std::deque<std::pair<uint64_t, Bytes>> write_data_;
  bool memory_valid_ = false, registers_valid_ = false;
  bool reset_after_edge_ = false, powered_ = false;
  uint32_t reset_run_ = 0;
  uint64_t powered_at_ = 0;
};

class Link : public ::testing::Test {
 protected:
  LinkBench bench;
  const Shape& shape = bench.shape;

  void TearDown() override { bench.finish(); }
};

}  // namespace systolith::test
