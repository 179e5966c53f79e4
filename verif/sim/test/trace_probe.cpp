// Tests that end badly on purpose, on a small simulated device. trace_test runs them as child
// processes and looks at what they leave.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "sim.hpp"
#include "systolith/registers.h"

namespace systolith::harness {
namespace {

std::unique_ptr<SimDevice> device_that_ran(uint64_t cycles) {
  std::unique_ptr<SimDevice> device = sim::make_device("tiny", {.memory_bytes = 1 << 20});
  device->step(cycles);
  return device;
}

void tell(const SimDevice& device) {
  std::printf("at %llu\n", static_cast<unsigned long long>(device.cycle()));
  std::fflush(stdout);
}

// Steps with a read beat that nobody asked for.
void give_stray_beat(SimDevice& device, uint8_t id) {
  auto& signals = const_cast<AxiSubordinateSignals&>(device.memory().outputs());
  signals.r_valid = true;
  signals.r_id = id;
  device.step();
}

TEST(Probe, Passes) {
  const auto device = device_that_ran(100);
  EXPECT_EQ(device->read32(SYSTOLITH_REGISTER_MAGIC), SYSTOLITH_MAGIC_RESET);
  tell(*device);
}

TEST(Probe, FindsAWrongValue) {
  device_that_ran(30);
  const auto device = device_that_ran(100);
  EXPECT_EQ(device->read32(SYSTOLITH_REGISTER_MAGIC), 0U);
  tell(*device);
}

TEST(Probe, BreaksAnAssertion) {
  const auto device = device_that_ran(1000);
  tell(*device);
  give_stray_beat(*device, 0);
}

TEST(Probe, BreaksARuleOfTheBus) {
  const auto device = device_that_ran(1000);
  tell(*device);
  give_stray_beat(*device, 2);
}

TEST(Probe, Aborts) {
  const auto device = device_that_ran(700);
  tell(*device);
  std::abort();
}

TEST(Probe, Crashes) {
  const auto device = device_that_ran(700);
  tell(*device);
  volatile int* const nowhere = nullptr;
  *nowhere = 1;
}

TEST(Probe, Exits) {
  static std::unique_ptr<SimDevice> device;
  device = device_that_ran(700);
  tell(*device);
  std::exit(3);
}

TEST(Probe, RunsUntilStopped) {
  const auto device = device_that_ran(1);
  for (;;) {
    device->step(500);
    tell(*device);
  }
}

}  // namespace
}  // namespace systolith::harness
