#include "program_run.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "points.hpp"
#include "systolith/program/replay.h"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

constexpr std::uint32_t kBusy = 1, kFaulted = 2, kStuck = 4;

// Windows that every program has.
const std::vector<program::Window> kWindows = {{0, kRing, kInputs - 1, true, true},
                                               {1, kInputs, kOutputs - 1, true, false},
                                               {2, kOutputs, kBase + kBytes - 1, true, true}};

program::Ring ring_of(const Program& program) { return {kRing, program.slots_log2, kRecords}; }

// Puts the commands into the ring of `memory` and rings the doorbell.
template <typename Device, typename Wait>
void feed(Device& device, std::uint8_t* memory, const Program& program, Wait wait) {
  program::feed(
      device, ring_of(program), program.commands, [&](std::uint32_t) { return program.batch; },
      [&](std::uint32_t slot, const systolith_command_t& command) {
        std::memcpy(memory + (kRing - kBase) + std::uint64_t{slot} * SYSTOLITH_COMMAND_BYTES,
                    command.words, SYSTOLITH_COMMAND_BYTES);
      },
      wait);
}

template <typename Device>
Outcome look(Device& device, const std::uint8_t* memory) {
  Outcome o;
  o.completed = device.read32(SYSTOLITH_REGISTER_COMPLETED);
  o.status = device.read32(SYSTOLITH_REGISTER_STATUS);
  if (o.faulted()) {
    const std::uint32_t fault = device.read32(SYSTOLITH_REGISTER_FAULT);
    o.cause = fault & 0xff;
    o.unit = fault >> 8 & 0xff;
    o.fault_index = device.read32(SYSTOLITH_REGISTER_FAULT_INDEX);
    o.fault_address = device.read32(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO) |
                      std::uint64_t{device.read32(SYSTOLITH_REGISTER_FAULT_ADDRESS_HI)} << 32;
  }
  o.irq_status = device.read32(SYSTOLITH_REGISTER_IRQ_STATUS);
  o.memory.assign(memory, memory + kBytes);
  // Times of the records; a slot without a record keeps its fill.
  for (std::uint64_t at = kRecords - kBase; at < kInputs - kBase; at += SYSTOLITH_RECORD_BYTES)
    if (o.memory[at + 4] != 0xA5) std::memset(o.memory.data() + at + 16, 0, 16);
  return o;
}

}  // namespace

SimRun::SimRun(const std::string& configuration, const harness::SimOptions& options)
    : device_(sim::make_device(configuration, options)) {}

SimRun::SimRun(const std::string& configuration, std::uint64_t seed)
    : SimRun(configuration, [&] {
        harness::SimOptions options;
        options.memory_base = kBase;
        options.memory_bytes = kBytes;
        options.seed = seed;
        return options;
      }()) {}

std::uint64_t SimRun::read64(std::uint32_t offset) {
  const std::uint64_t low = read32(offset);
  return low | std::uint64_t{read32(offset + 4)} << 32;
}

void SimRun::start(const Program& program) {
  std::memcpy(device_->memory().at(kBase), program.memory.data(), kBytes);
  program::enable(*this, kWindows, ring_of(program));
}

void SimRun::ring(const Program& program) {
  feed(*this, device_->memory().at(kBase), program, [&](std::uint32_t target) {
    for (unsigned tries = 0; tries < 100000; ++tries) {
      device_->step(50);
      if ((read32(SYSTOLITH_REGISTER_STATUS) & (kFaulted | kStuck)) != 0) return false;
      if (static_cast<std::int32_t>(read32(SYSTOLITH_REGISTER_COMPLETED) - target) >= 0)
        return true;
    }
    ADD_FAILURE() << "the ring does not move";
    return false;
  });
}

bool SimRun::finish(std::uint64_t limit) {
  const std::uint64_t end = device_->cycle() + limit;
  while (device_->cycle() < end) {
    if ((read32(SYSTOLITH_REGISTER_STATUS) & kBusy) == 0) return true;
    device_->step(20);
  }
  return false;
}

Outcome SimRun::outcome() { return look(*this, device_->memory().at(kBase)); }

Outcome SimRun::end(const Program& program) {
  const Outcome o = outcome();
  coverage::sample(device_->geometry().name, program.commands,
                   o.faulted() ? coverage::Ended{o.completed, o.cause, o.unit, o.fault_index}
                               : coverage::Ended{o.completed});
  return o;
}

Outcome SimRun::run(const Program& program) {
  start(program);
  ring(program);
  if (!finish()) ADD_FAILURE() << "cycle " << device_->cycle() << ": the device stays busy";
  EXPECT_EQ(device_->checker().reads_open() + device_->checker().writes_open(), 0U)
      << "owed while idle";
  EXPECT_EQ(device_->memory().statistics().unmapped_reads, 0U) << "read outside of memory";
  EXPECT_EQ(device_->memory().statistics().unmapped_writes, 0U) << "write outside of memory";
  return end(program);
}

bool SimRun::reset_queue(std::uint64_t limit) {
  write32(SYSTOLITH_REGISTER_CONTROL, 2);
  return finish(limit);
}

Outcome run_model(const std::string& configuration, const Program& program,
                  std::vector<model::Outcome> outcomes) {
  std::vector<std::uint8_t> bytes = program.memory;
  model::Memory memory;
  memory.attach(kBase, std::as_writable_bytes(std::span(bytes)));
  model::Device device(model::Configuration::named(configuration), memory);
  if (!outcomes.empty()) device.set_outcomes(std::move(outcomes));
  program::enable(device, kWindows, ring_of(program));
  feed(device, bytes.data(), program, [](std::uint32_t) { return false; });
  return look(device, bytes.data());
}

std::vector<model::Outcome> recorded(const Program& program, const Outcome& outcome) {
  std::vector<model::Outcome> all;
  for (std::uint32_t i = 0; i < program.commands.size(); ++i) {
    const std::uint64_t at =
        kRecords - kBase + std::uint64_t{i % (1U << program.slots_log2)} * SYSTOLITH_RECORD_BYTES;
    std::uint64_t words[2];
    std::memcpy(words, outcome.memory.data() + at, sizeof words);
    if ((words[0] & 0xffffffff) != i || outcome.memory[at + 4] == 0xA5) continue;
    all.push_back({i, static_cast<std::uint8_t>(words[0] >> 32),
                   static_cast<std::uint8_t>(words[0] >> 40), words[1]});
  }
  return all;
}

std::string difference(const Outcome& device, const Outcome& model,
                       const std::vector<Extent>& except) {
  const auto pair = [](const char* name, std::uint64_t d, std::uint64_t m) {
    return fmt::format("{}: device {:#x}, model {:#x}", name, d, m);
  };
  if ((device.status & 6) != (model.status & 6))
    return pair("status", device.status, model.status) +
           fmt::format(" (causes {} and {}, indices {} and {})", device.cause, model.cause,
                       device.fault_index, model.fault_index);
  if (device.cause != model.cause) return pair("cause", device.cause, model.cause);
  if (device.fault_index != model.fault_index)
    return pair("fault index", device.fault_index, model.fault_index);
  if (device.unit != model.unit) return pair("unit", device.unit, model.unit);
  if (device.fault_address != model.fault_address)
    return pair("fault address", device.fault_address, model.fault_address);
  if (device.completed != model.completed)
    return pair("completed", device.completed, model.completed);
  if ((device.irq_status & 3) != (model.irq_status & 3))
    return pair("irq_status", device.irq_status, model.irq_status);
  for (std::uint64_t i = 0; i < kBytes; ++i) {
    if (device.memory[i] == model.memory[i]) continue;
    const std::uint64_t address = kBase + i;
    if (std::any_of(except.begin(), except.end(),
                    [&](const Extent& e) { return address >= e.first && address <= e.last; }))
      continue;
    const char* what = address < kRecords   ? "ring"
                       : address < kInputs  ? "records"
                       : address < kOutputs ? "inputs"
                                            : "outputs";
    return pair(fmt::format("{} at {:#x}", what, address).c_str(), device.memory[i],
                model.memory[i]);
  }
  return "";
}

}  // namespace systolith::system_test
