#include "systolith_harness/sim_device.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

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

uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return otherwise;
  uint64_t value = 0;
  const char* end = text + std::strlen(text);
  if (const auto [rest, error] = std::from_chars(text, end, value);
      error != std::errc() || rest != end)
    throw HarnessError(fmt::format("{}={}: not a whole number", variable, text));
  return value;
}

}  // namespace

SimOptions with_environment(SimOptions options) {
  const char* file = std::getenv("SYSTOLITH_TRACE");
  if (file == nullptr || *file == 0 || !options.trace_file.empty()) return options;
  if (number_from("SYSTOLITH_TRACE_DEVICE", 1) != sim_progress().made + 1U) return options;
  options.trace_file = file;
  options.trace_from = number_from("SYSTOLITH_TRACE_FROM", options.trace_from);
  options.trace_to = number_from("SYSTOLITH_TRACE_TO", options.trace_to);
  return options;
}

SimDevice::SimDevice(const SimGeometry& geometry, const SimOptions& options)
    : geometry_(geometry),
      options_(options),
      memory_(geometry.bus_bytes, options.memory_base, options.memory_bytes, options.seed),
      checker_(checker_options(geometry)) {
  progress_.configurations.insert(geometry.name);
}

void SimDevice::clock_harness(bool in_reset) {
  if (!flips_.empty()) {
    std::erase_if(flips_, [this](const Flip& due) {
      if (due.cycle > cycle_) return false;
      flip(due.memory, due.word, due.bit);
      return true;
    });
  }
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
  progress_.device.store(number_, std::memory_order_relaxed);
  progress_.cycle.store(cycle_, std::memory_order_relaxed);
}

void SimDevice::throw_if_failed() {
  if (!throw_on_violation_) return;
  if (!checker_.log().empty()) throw HarnessError("AXI4 rule broken\n" + checker_.log().summary());
  if (!lite_checker_.log().empty())
    throw HarnessError("AXI4-Lite rule broken\n" + lite_checker_.log().summary());
}

uint32_t SimDevice::read32(uint32_t address) {
  registers_.read({.address = address});
  AxiLiteManager::ReadAnswer answer;
  for (unsigned waited = 0; waited < 1000; ++waited) {
    step(1);
    if (registers_.pop_read(&answer)) return answer.data;
  }
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
  throw HarnessError(
      fmt::format("cycle {}: write of register {:#x} was not answered", cycle_, address));
}

}  // namespace systolith::harness
