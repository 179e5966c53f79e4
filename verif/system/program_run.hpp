// A command program on a simulated device and on the golden model: same memory before, same
// doorbells, and everything that software can see afterwards side by side.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim.hpp"
#include "systolith/command.h"
#include "systolith/model/device.h"

namespace systolith::system_test {

// Memory of a run: ring and records first, then what programs read, then what they write.
inline constexpr std::uint64_t kBase = 0x80000000;
inline constexpr std::uint64_t kBytes = 1 << 20;
inline constexpr std::uint64_t kRing = kBase;
inline constexpr std::uint64_t kRecords = kBase + 0x10000;
inline constexpr std::uint64_t kInputs = kBase + 0x20000;
inline constexpr std::uint64_t kScales = kBase + 0x40000;  // positive binary32 values only
inline constexpr std::uint64_t kOutputs = kBase + 0x50000;

struct Program {
  std::vector<systolith_command_t> commands;
  std::vector<std::uint8_t> memory;  // kBytes from kBase
  unsigned slots_log2 = 8;
  std::uint32_t batch = ~0U;  // commands a doorbell adds at most
};

/// A memory of random inputs and 0xA5 wherever nothing is put.
std::vector<std::uint8_t> fresh_memory(std::uint64_t seed);

/// What software sees after a run. Records without their times.
struct Outcome {
  std::uint32_t completed = 0;
  std::uint32_t status = 0;
  std::uint32_t cause = 0;
  std::uint32_t unit = 0;
  std::uint32_t fault_index = 0;
  std::uint64_t fault_address = 0;
  std::uint32_t irq_status = 0;
  std::vector<std::uint8_t> memory;

  bool faulted() const { return (status & 2) != 0; }
};

/// Bytes [first, last] that need not be equal.
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// A simulated device with windows granted and the queue enabled by `start`.
class SimRun {
 public:
  explicit SimRun(const std::string& configuration, std::uint64_t seed = 1);
  /// A memory of another size; it begins at kBase and holds kBytes at least.
  SimRun(const std::string& configuration, const harness::SimOptions& options);
  explicit SimRun(std::unique_ptr<harness::SimDevice> device) : device_(std::move(device)) {}

  harness::SimDevice& device() { return *device_; }
  std::uint32_t read32(std::uint32_t offset) { return device_->read32(offset); }
  void write32(std::uint32_t offset, std::uint32_t value) { device_->write32(offset, value); }
  std::uint64_t read64(std::uint32_t offset);

  /// Puts the program's memory in place, grants windows, enables the queue.
  void start(const Program& program);
  /// Writes commands and rings until all are rung or the device faults.
  void ring(const Program& program);
  /// Waits until nothing is busy; false after `limit` cycles.
  bool finish(std::uint64_t limit = 2'000'000);
  Outcome outcome();
  /// start, ring, finish, outcome; a run that does not end fails the test.
  Outcome run(const Program& program);
  /// Queue reset, awaited; false when busy after `limit` cycles.
  bool reset_queue(std::uint64_t limit = 200'000);

 private:
  std::unique_ptr<harness::SimDevice> device_;
};

/// The same run on the golden model. `outcomes`, unless empty, as in model::Device::set_outcomes.
Outcome run_model(const std::string& configuration, const Program& program,
                  std::vector<model::Outcome> outcomes = {});

/// The ends of commands that the records in `memory` tell, for `run_model`.
std::vector<model::Outcome> recorded(const Program& program, const Outcome& outcome);

/// Empty when equal, else what differs first.
std::string difference(const Outcome& device, const Outcome& model,
                       const std::vector<Extent>& except = {});

}  // namespace systolith::system_test
