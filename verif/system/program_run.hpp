// A command program on a simulated device and on the golden model: same memory before, same
// doorbells, and everything that software can see afterwards side by side.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "program_generator.hpp"
#include "sim.hpp"
#include "systolith/command.h"
#include "systolith/model/device.h"

namespace systolith::system_test {

using regress::Extent;
using regress::fresh_memory;
using regress::kBase;
using regress::kBytes;
using regress::kInputs;
using regress::kOutputs;
using regress::kRecords;
using regress::kRing;
using regress::kScales;
using regress::Program;
using regress::ProgramGenerator;

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
  /// The outcome, with the run's cover points counted.
  Outcome end(const Program& program);
  /// start, ring, finish, end; a run that does not end fails the test.
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

/// Empty when equal, else what differs first; bytes in `except` need not be equal.
std::string difference(const Outcome& device, const Outcome& model,
                       const std::vector<Extent>& except = {});

}  // namespace systolith::system_test
