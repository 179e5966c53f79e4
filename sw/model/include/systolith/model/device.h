// Golden model of a whole device: registers, ring, commands, faults, memory image. It runs what a
// doorbell rings within the register write, in ring order, and delivers the bits that the hardware
// delivers. What it cannot know is said in docs/numerics.md: time (all times and cycle counters are
// 0), and which younger commands ran before a fault in execution took hold (see `set_outcomes`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "systolith/model/configuration.h"
#include "systolith/model/memory.h"

namespace systolith::model {

/// How a command of a real run ended, from its completion record.
struct Outcome {
  std::uint32_t index = 0;
  std::uint8_t state = 0;  ///< `systolith_state`
  std::uint8_t cause = 0;  ///< `systolith_cause`
  std::uint64_t address = 0;
};

class Device {
 public:
  /// `bus` is not owned and must outlive the device. Registers are in their reset state.
  Device(const Configuration& configuration, Bus& bus);
  ~Device();
  Device(Device&&) noexcept;

  /// Offsets of `systolith/registers.h`, multiples of 4. Unmapped ones read 0 and ignore writes.
  std::uint32_t read32(std::uint32_t offset) const;
  /// `strobes` bit n: byte n is written.
  void write32(std::uint32_t offset, std::uint32_t value, unsigned strobes = 0xF);
  /// The interrupt line.
  bool interrupt() const;

  const Configuration& configuration() const;

  // ---- views for checkers; spans stay valid as long as the device ----

  std::span<const std::byte> scratchpad() const;
  /// Row-major, `accumulator_rows` x `cols` words: binary32 or int32.
  std::span<const std::uint32_t> accumulators() const;
  /// Type tag of each accumulator row.
  std::span<const std::uint8_t> tags() const;
  /// Value of each semaphore once all commands so far are done.
  std::span<const std::uint16_t> semaphores() const;
  /// Rows that the matrix commands so far streamed, the hardware's `mac_cycles`.
  std::uint64_t issued_rows() const;

  /// Replays a run that ended with a fault in execution: commands younger than the faulting one are
  /// executed, recorded and counted as these outcomes say; those without one never started. Takes
  /// effect for later doorbells and is forgotten by a queue reset. The memory that failed and
  /// aborted commands were to write is undefined.
  void set_outcomes(std::vector<Outcome> outcomes);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace systolith::model
