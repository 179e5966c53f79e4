// One simulated device: the Verilated model of a configuration with its memory, checkers and
// register port.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "systolith_harness/axi_checker.hpp"
#include "systolith_harness/axi_lite_manager.hpp"
#include "systolith_harness/axi_memory.hpp"

namespace systolith::harness {

// A broken bus rule, a failed RTL assertion or a register access that was not answered.
class HarnessError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SimGeometry {
  std::string name;  // of the folder in rtl/config
  unsigned rows = 0;
  unsigned columns = 0;
  unsigned depth = 0;  // of the multiply-accumulate element
  unsigned bus_bytes = 0;
  unsigned address_width = 0;
  unsigned maximum_burst_beats = 0;
  unsigned reads_outstanding = 0;
  unsigned writes_outstanding = 0;
  unsigned fetch_buffer = 0;
};

struct SimOptions {
  uint64_t memory_base = 0x80000000;
  uint64_t memory_bytes = uint64_t{256} << 20;
  uint64_t seed = 1;
  // What flip-flops without reset and on-chip memories hold at power-up: 0, or the random bits of
  // this seed where the model was built with --x-initial unique.
  uint32_t power_up_seed = 0;
  // Waveform of cycles from..to, written to this file; needs the traced model. A cycle is 10 ns in
  // it. The file is whole also when the run ends early (trace_guard.hpp).
  std::string trace_file;
  uint64_t trace_from = 0;
  uint64_t trace_to = ~0ull;
};

// An on-chip memory of a device: `depth` words of `width` stored bits, check bits included. Layout
// of a word: rtl/common/memory.sv.
struct OnChipMemory {
  std::string name;  // its place in the device, as "u_scratchpad.gen_bank[0].gen_word[1].u_memory"
  unsigned width = 0;
  unsigned depth = 0;
};

// The simulated devices of this process, for reports of failures. One object in the whole process,
// shared with the driver's library.
struct SimProgress {
  unsigned made = 0;                     // devices so far
  std::set<std::string> configurations;  // of them
  std::atomic<unsigned> device{0};       // number of the one that ran last, from 1
  std::atomic<uint64_t> cycle{0};        // its cycle count
};

inline SimProgress& sim_progress() {
  static SimProgress progress;
  return progress;
}

// `options` with the waveform that the environment asks for, unless they name one. For the device
// that is made next:
//   SYSTOLITH_TRACE=file          write a waveform of one device of the process
//   SYSTOLITH_TRACE_DEVICE=n      which, in the order in which they are made; 1 by default
//   SYSTOLITH_TRACE_FROM=cycle, SYSTOLITH_TRACE_TO=cycle
// HarnessError when a number is none.
SimOptions with_environment(SimOptions options);

class SimDevice {
 public:
  SimDevice(const SimGeometry& geometry, const SimOptions& options);
  virtual ~SimDevice() = default;
  SimDevice(const SimDevice&) = delete;
  SimDevice& operator=(const SimDevice&) = delete;

  // Runs clock cycles. Throws HarnessError in the cycle of the first violation or failed assertion.
  virtual void step(uint64_t cycles = 1) = 0;
  // Holds rst_ni low for `cycles` (at least 1), together with the interconnect's reset.
  virtual void reset(uint64_t cycles = 4) = 0;
  // Runs until irq_o is high; false if it is not after `cycles`.
  virtual bool step_until_interrupt(uint64_t cycles) = 0;
  virtual bool interrupt() const = 0;
  virtual bool reset_request() const = 0;

  // The device's on-chip memories, ordered by name.
  virtual const std::vector<OnChipMemory>& memories() const = 0;
  // Flips one stored bit of `memories()[memory]` now, between two cycles: the next clock edge reads
  // it. A write of its granule undoes it. std::out_of_range if there is no such bit.
  virtual void flip(std::size_t memory, unsigned word, unsigned bit) = 0;
  // The same when `cycle()` reaches `cycle`, whatever runs until then; not before if that is past.
  // Any number may be waiting.
  void flip_at(uint64_t cycle, std::size_t memory, unsigned word, unsigned bit) {
    flips_.push_back({cycle, memory, word, bit});
  }

  // One register access, with as many cycles as the port takes; HarnessError if there is no answer
  // in 1000.
  uint32_t read32(uint32_t address);
  void write32(uint32_t address, uint32_t value, uint8_t strobe = 0xf);

  // Clock cycles since construction, resets included. Cycle c begins with clock edge c.
  uint64_t cycle() const { return cycle_; }
  const SimGeometry& geometry() const { return geometry_; }
  AxiMemory& memory() { return memory_; }
  AxiChecker& checker() { return checker_; }
  AxiLiteChecker& lite_checker() { return lite_checker_; }
  AxiLiteManager& registers() { return registers_; }
  // True (the default): a violation throws. False: it is only logged.
  void set_throw_on_violation(bool on) { throw_on_violation_ = on; }
  // Seen after each cycle with the bus signals of it; for monitors. None by default.
  void set_monitor(
      std::function<void(const AxiManagerSignals&, const AxiSubordinateSignals&)> monitor) {
    monitor_ = std::move(monitor);
  }

 protected:
  // The cycle's bookkeeping that does not depend on the model: called between settling and the
  // clock edge.
  void clock_harness(bool in_reset);
  void throw_if_failed();

  SimGeometry geometry_;
  SimOptions options_;
  SimProgress& progress_ = sim_progress();
  const unsigned number_ = ++progress_.made;
  uint64_t cycle_ = 0;
  AxiMemory memory_;
  AxiChecker checker_;
  AxiLiteChecker lite_checker_;
  AxiLiteManager registers_;
  AxiManagerSignals manager_;
  AxiLiteSubordinateSignals lite_;
  std::function<void(const AxiManagerSignals&, const AxiSubordinateSignals&)> monitor_;
  bool throw_on_violation_ = true;

 private:
  struct Flip {
    uint64_t cycle;
    std::size_t memory;
    unsigned word, bit;
  };
  std::vector<Flip> flips_;
};

}  // namespace systolith::harness
