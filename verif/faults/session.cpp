#include "session.hpp"

#include <algorithm>
#include <cstring>

#include "program_generator.hpp"
#include "sim.hpp"
#include "systolith/registers.h"

namespace systolith::faults {
namespace {

using regress::kBase;
using regress::kBytes;

constexpr std::uint32_t kBusy = 1, kFaulted = 2, kStuck = 4;
constexpr std::uint64_t kReset = 100'000;  // cycles that a queue reset may take

std::unique_ptr<harness::SimDevice> make(const regress::Drawn& drawn) {
  harness::SimOptions options;
  options.memory_base = kBase;
  options.memory_bytes = kBytes;
  options.seed = drawn.conditions.seed;
  return sim::make_device(drawn.configuration, options);
}

void set_conditions(harness::AxiMemory& memory, const regress::Conditions& c) {
  memory.timing() = c.timing();
  memory.set_noise(c.noise != 0);
  memory.set_commit_at_response(c.commit_at_response != 0);
  memory.set_read_at_request(c.read_at_request != 0);
}

}  // namespace

Session::Session(const Case& c)
    : case_(c), device_(make(c.drawn)), monitor_(device_->geometry().bus_bytes) {
  harness::AxiMemory& memory = device_->memory();
  set_conditions(memory, c.drawn.conditions);
  for (const harness::AxiInjection& error : c.injection.errors) memory.inject(error);
  const std::vector<std::uint8_t> image = regress::image_of(c.drawn.program);
  std::memcpy(memory.at(kBase), image.data(), image.size());
}

void Session::step(std::uint64_t cycles) { device_->step(cycles); }

std::vector<std::uint8_t> Session::image() const {
  const std::uint8_t* memory = const_cast<harness::SimDevice&>(*device_).memory().at(kBase);
  return {memory, memory + kBytes};
}

// False: a fault, or nothing moves any more.
template <typename Done>
bool Session::wait(Done done) {
  while (!hangs_) {
    if (done()) return true;
    step(20);
    const std::uint32_t status = read32(SYSTOLITH_REGISTER_STATUS);
    if ((status & kStuck) != 0 || ((status & kFaulted) != 0 && (status & kBusy) == 0)) return false;
    const std::uint32_t completed = read32(SYSTOLITH_REGISTER_COMPLETED);
    if (completed != completed_) {
      completed_ = completed;
      progress_ = device_->cycle();
    }
    hangs_ = device_->cycle() - progress_ > regress::kStill;
  }
  return false;
}

End Session::feed(const regress::Drawn& drawn) {
  const program::Ring& ring = *drawn.program.ring;
  const regress::Conditions& c = drawn.conditions;
  completed_ = rung_ = 0;
  progress_ = device_->cycle();
  hangs_ = false;
  try {
    program::enable(*device_, drawn.program.windows, ring);
    program::feed(
        *device_, ring, drawn.program.commands,
        [&](std::uint32_t) {
          if (c.pause != 0) step(c.pause);
          return c.batch == 0 ? ~0U : c.batch;
        },
        [&](std::uint32_t slot, const systolith_command_t& command) {
          std::memcpy(
              device_->memory().at(ring.address + std::uint64_t{slot} * SYSTOLITH_COMMAND_BYTES),
              command.words, SYSTOLITH_COMMAND_BYTES);
          ++rung_;
        },
        [&](std::uint32_t target) {
          return wait([&] {
            return static_cast<std::int32_t>(read32(SYSTOLITH_REGISTER_COMPLETED) - target) >= 0;
          });
        });
    wait([&] { return (read32(SYSTOLITH_REGISTER_STATUS) & kBusy) == 0; });
    completed_ = read32(SYSTOLITH_REGISTER_COMPLETED);
  } catch (const Stopped&) {
    return End::stopped;
  } catch (const harness::HarnessError& error) {
    text_ = error.what();
    std::replace(text_.begin(), text_.end(), '\n', ' ');
    return End::broken;
  }
  if (hangs_) return End::hung;
  const std::uint32_t status = read32(SYSTOLITH_REGISTER_STATUS);
  return (status & kStuck) != 0 ? End::stuck : (status & kFaulted) != 0 ? End::faulted : End::idle;
}

End Session::run() {
  device_->set_monitor(
      [this](const harness::AxiManagerSignals& device,
             const harness::AxiSubordinateSignals& memory) { monitor_.clock(device, memory); });
  const End end = feed(case_.drawn);
  device_->set_monitor({});
  return end;
}

bool Session::reset_queue() {
  device_->write32(SYSTOLITH_REGISTER_CONTROL, 1U << SYSTOLITH_CONTROL_RESET_LSB);
  const std::uint64_t end = device_->cycle() + kReset;
  while (device_->cycle() < end) {
    if ((read32(SYSTOLITH_REGISTER_STATUS) & kBusy) == 0) return true;
    step(20);
  }
  return false;
}

void Session::reset_device() { device_->reset(); }

End Session::run_plain(const regress::Drawn& drawn) {
  harness::AxiMemory& memory = device_->memory();
  memory.clear_injections();
  memory.hold() = {};
  set_conditions(memory, drawn.conditions);
  const std::vector<std::uint8_t> image = regress::image_of(drawn.program);
  std::memcpy(memory.at(kBase), image.data(), image.size());
  return feed(drawn);
}

}  // namespace systolith::faults
