#include "systolith_harness/sim_device.hpp"

#include <fmt/format.h>

namespace systolith::harness {
namespace {

AxiCheckerOptions checker_options(const SimGeometry& geometry) {
  AxiCheckerOptions options;
  options.bus_bytes = geometry.bus_bytes;
  options.address_width = geometry.address_width;
  options.maximum_beats = geometry.maximum_burst_beats;
  options.maximum_reads[0] = geometry.fetch_buffer;
  options.maximum_reads[1] = geometry.reads_outstanding;
  options.maximum_reads[2] = options.maximum_reads[3] = 0;
  options.maximum_writes[0] = options.maximum_writes[1] = 0;
  options.maximum_writes[2] = geometry.writes_outstanding;
  // Records: one a command in flight.
  options.maximum_writes[3] = 64;
  return options;
}

}  // namespace

SimDevice::SimDevice(const SimGeometry& geometry, const SimOptions& options)
    : geometry_(geometry),
      options_(options),
      memory_(geometry.bus_bytes, options.memory_base, options.memory_bytes, options.seed),
      checker_(checker_options(geometry)) {}

void SimDevice::clock_harness(bool in_reset) {
  const AxiSubordinateSignals& memory = memory_.outputs();
  checker_.clock(manager_, memory, in_reset);
  lite_checker_.clock(registers_.outputs(), lite_, in_reset);
  if (monitor_) monitor_(manager_, memory);
  if (in_reset) {
    memory_.reset();
    registers_.reset();
  } else {
    memory_.clock(manager_);
    registers_.clock(lite_);
  }
  ++cycle_;
}

void SimDevice::throw_if_failed() {
  if (!throw_on_violation_) return;
  if (!checker_.log().empty()) {
    flush_trace();
    throw HarnessError("AXI4 rule broken\n" + checker_.log().summary());
  }
  if (!lite_checker_.log().empty()) {
    flush_trace();
    throw HarnessError("AXI4-Lite rule broken\n" + lite_checker_.log().summary());
  }
}

uint32_t SimDevice::read32(uint32_t address) {
  registers_.read({.address = address});
  AxiLiteManager::ReadAnswer answer;
  for (unsigned waited = 0; waited < 1000; ++waited) {
    step(1);
    if (registers_.pop_read(&answer)) return answer.data;
  }
  flush_trace();
  throw HarnessError(
      fmt::format("cycle {}: read of register {:#x} was not answered", cycle_, address));
}

void SimDevice::write32(uint32_t address, uint32_t value, uint8_t strobe) {
  registers_.write({.address = address, .data = value, .strobe = strobe});
  uint8_t response;
  for (unsigned waited = 0; waited < 1000; ++waited) {
    step(1);
    if (registers_.pop_write(&response)) return;
  }
  flush_trace();
  throw HarnessError(
      fmt::format("cycle {}: write of register {:#x} was not answered", cycle_, address));
}

}  // namespace systolith::harness
