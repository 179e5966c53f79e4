// A program on a simulated device, with an injection into it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "comparison.hpp"
#include "injection.hpp"
#include "monitor.hpp"
#include "systolith_harness/sim_device.hpp"

namespace systolith::faults {

/// How a run of the device ends.
enum class End {
  idle,     // all commands completed
  faulted,  // the queue stands, with a fault
  stuck,    // a bus time-out
  stopped,  // the moment came at which the host does something else
  hung,
  broken,  // an assertion of the RTL, or a rule of the bus
};

class Session {
 public:
  /// A device with the program and the injection's errors in its memory.
  explicit Session(Case c);

  /// Grants windows, enables, rings, and waits for the end.
  End run();
  /// The host's part of the injection, after a run that it stopped; the device's resets in it are
  /// ended.
  End act();
  /// Queue reset, awaited; false where it does not end.
  bool reset_queue(std::uint64_t limit = 100'000);
  /// Another program on the same device, under plain conditions. Its own memory image.
  End run_plain(const regress::Drawn& drawn);

  harness::SimDevice& device() { return *device_; }
  const harness::SimDevice& device() const { return *device_; }
  const Monitor& monitor() const { return monitor_; }
  const Case& test() const { return case_; }
  /// Where a slot was rewritten the program is from now on the one that was fetched.
  void adopt_fetched();
  /// What the host wrote into the ring.
  const std::vector<std::uint8_t>& ring() const { return host_ring_; }
  /// Cycles from the burst that an injection met to the reset request; 0: none.
  std::uint64_t silence() const { return stuck_cycle_ == 0 ? 0 : stuck_cycle_ - hit_cycle_; }
  /// Bursts with no answer so far are answered.
  bool answered() const { return answered_; }
  std::uint32_t read32(std::uint32_t offset) { return device_->read32(offset); }
  /// Commands completed when the run ended.
  std::uint32_t completed() const { return completed_; }
  /// Commands rung.
  std::uint32_t rung() const { return rung_; }
  /// What broke.
  const std::string& text() const { return text_; }
  /// Memory now, as it is.
  std::vector<std::uint8_t> image() const;

 private:
  struct Stopped {};

  End feed(const regress::Drawn& drawn);
  End end_of(bool await);
  void clock();
  void fire();
  void step(std::uint64_t cycles);
  void put(std::uint32_t slot, const void* command);
  void scatter_rubbish();
  template <typename Done>
  bool wait(Done done);

  Case case_;
  std::unique_ptr<harness::SimDevice> device_;
  Monitor monitor_;
  std::mt19937_64 random_;
  std::string text_;
  std::vector<std::uint8_t> host_ring_;
  std::optional<std::uint32_t> rewritten_;  // command
  std::uint32_t completed_ = 0, rung_ = 0;
  std::uint64_t progress_ = 0;
  bool hangs_ = false;
  // 0: not yet
  std::uint64_t hit_cycle_ = 0, stuck_cycle_ = 0, reached_cycle_ = 0, fired_cycle_ = 0;
  bool answered_ = false, injecting_ = false, stopping_ = false;
  std::optional<harness::AxiMemoryTiming> before_;  // timing that comes back after the span
};

}  // namespace systolith::faults
