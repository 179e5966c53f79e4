#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "Vcommand_processor_bench.h"
#include "reference_decoder.h"

namespace systolith::test {

/// A completion record as it lies in memory, and when its response was given.
struct Record {
  uint32_t index;
  uint8_t state, cause, unit, opcode;
  uint64_t address, start, end;
};

/// The command processor with a memory on its bus and stub units, stepped a clock at a time.
///
/// Every step checks the bus: bursts within 4 KiB, MaxBurstBeats and the ring or the records, VALID
/// and payload kept until READY, as many W beats as the address said.
class Bench {
 public:
  explicit Bench(uint64_t seed = 1);
  ~Bench();

  Vcommand_processor_bench& top() { return *top_; }
  const Sizes& sizes() const { return sizes_; }
  std::mt19937_64& random() { return random_; }

  /// One clock. Pulses set by the test (doorbell, reset) last one step.
  void Step();
  /// Steps until `done` or `limit` cycles have passed; says whether it was done.
  bool StepUntil(const std::function<bool()>& done, int limit = 100000);

  /// Asserts rst_ni for some cycles; memory keeps its contents.
  void HardReset();
  /// Grants one window for everything the tests use, places ring and records, enables.
  void Enable(unsigned log2_slots);
  /// Queue reset through the register pulse; waits for its end.
  void QueueReset();
  /// Writes a command to its slot.
  void Put(uint32_t index, const Command& command);
  void Doorbell(uint32_t tail);
  Record ReadRecord(uint32_t index) const;
  /// Fills the record area with a pattern that no record has.
  void WipeRecords();
  bool RecordUntouched(uint32_t index) const;

  void Write(uint64_t address, const uint8_t* data, size_t bytes);
  uint8_t ReadByte(uint64_t address) const;

  // ---- knobs ----
  uint64_t ring = 0x0000'1000, records = 0x0001'0000;
  int read_latency = 5,
      write_latency = 5;           // cycles from the address or last data to the first beat
  int stall_percent = 0;           // of READY and R beats held back
  int64_t error_read_beat = -1;    // this R beat since the last hard reset has an error
  int64_t error_write_burst = -1;  // this B
  bool hold_r = false, hold_b = false, hold_aw = false;  // nothing comes
  std::function<unsigned(unsigned unit)> advance = [](unsigned) { return 1u; };
  std::array<bool, 3> fail{};  // fail at the next row
  std::array<bool, 3> debt{};

  // ---- seen ----
  uint64_t cycles = 0;
  int irq_command = 0, irq_fault = 0, irq_idle = 0, irq_reset_done = 0, commands_done = 0;
  int memory_clears = 0;
  std::vector<Observed> taken;    // commands, in the order that units took them
  std::vector<uint32_t> started;  // indices
  std::vector<uint64_t> taken_cycle;
  int64_t read_beats = 0, write_bursts = 0, read_bursts = 0;
  std::vector<uint64_t> read_addresses;  // of bursts
  std::vector<uint64_t> b_cycle;
  uint64_t last_r_cycle = 0;

 private:
  struct ReadBurst {
    uint64_t address;
    unsigned beats;
    uint64_t due;
  };
  struct WriteBurst {
    uint64_t address;
    unsigned beats;
    unsigned done = 0;
    uint64_t due = 0;
  };
  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  void Observe(unsigned unit);

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vcommand_processor_bench> top_;
  Sizes sizes_{};
  std::mt19937_64 random_;
  std::unordered_map<uint64_t, uint8_t> memory_;
  std::deque<ReadBurst> reads_;
  std::deque<WriteBurst> writes_, responses_;
  unsigned slots_ = 1;
  int clear_busy_ = 0;
  bool r_offered_ = false, b_offered_ = false;
  // Channels that must hold what they offer.
  struct Held {
    bool valid = false;
    uint64_t address = 0;
    unsigned beats = 0;
  } ar_held_, aw_held_, w_held_;
};

}  // namespace systolith::test
