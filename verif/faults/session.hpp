// A program on a simulated device, with an injection into it.
#pragma once

#include <cstdint>
#include <memory>
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
  /// A device with the program and the injection's errors in its memory. `c` must outlive it.
  explicit Session(const Case& c);

  /// Grants windows, enables, rings, and waits for the end.
  End run();
  /// Queue reset, awaited; false where it does not end.
  bool reset_queue();
  /// Device and interconnect.
  void reset_device();
  /// Another program on the same device, under plain conditions. Its own memory image.
  End run_plain(const regress::Drawn& drawn);

  harness::SimDevice& device() { return *device_; }
  const harness::SimDevice& device() const { return *device_; }
  const Monitor& monitor() const { return monitor_; }
  const Case& test() const { return case_; }
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
  void step(std::uint64_t cycles);
  template <typename Done>
  bool wait(Done done);

  const Case& case_;
  std::unique_ptr<harness::SimDevice> device_;
  Monitor monitor_;
  std::string text_;
  std::uint32_t completed_ = 0, rung_ = 0;
  std::uint64_t progress_ = 0;
  bool hangs_ = false;
};

}  // namespace systolith::faults
