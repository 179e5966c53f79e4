// Random programs with errors of the bus and resets in flight: what software sees, and that the
// device recovers. And its register port.
#include <gtest/gtest.h>

#include <algorithm>

#include "directed.hpp"
#include "program_run.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

using harness::AxiInjection;

class Faults : public testing::TestWithParam<std::string> {};

// Reads and writes that fail in random bursts of random programs: cause, index and address are
// those of a command that touches the burst, and memory and records are those of the model once it
// is told which commands ran.
TEST_P(Faults, BusErrorsNameTheCommandAndTheQueueRecovers) {
  unsigned seen[32] = {};
  for (std::uint64_t seed = 300; seed < 360; ++seed) {
    std::mt19937_64 random(seed);
    ProgramGenerator generator(GetParam(), seed);
    Program program = generator.generate(24);
    // Every command leaves a record, so that the model can follow.
    for (systolith_command_t& command : program.commands)
      SYSTOLITH_SET(command.words, HEADER_RECORD, 1);
    SimRun sim(GetParam(), seed);
    harness::AxiMemory& memory = sim.device().memory();
    memory.timing().read_latency_minimum = memory.timing().write_latency_minimum = 1;
    memory.timing().read_latency_maximum = memory.timing().write_latency_maximum = 40;
    const bool read = seed % 2 == 0;
    AxiInjection injection;
    injection.kind = read ? AxiInjection::Kind::Read : AxiInjection::Kind::Write;
    injection.effect =
        seed % 3 == 0 ? AxiInjection::Effect::DecodeError : AxiInjection::Effect::SubordinateError;
    injection.id = read ? 1 : 2;
    injection.burst = static_cast<std::int64_t>(random() % 30);
    injection.beat = read && seed % 4 == 0 ? 0 : -1;
    memory.inject(injection);
    const Outcome got = sim.run(program);
    if (!got.faulted()) continue;  // so many bursts there were not
    ++seen[got.cause];
    EXPECT_EQ(got.cause,
              static_cast<unsigned>(read ? SYSTOLITH_CAUSE_BUS_READ : SYSTOLITH_CAUSE_BUS_WRITE));
    EXPECT_EQ(got.irq_status & 2, 2U);
    ASSERT_LT(got.fault_index, program.commands.size());
    const std::uint64_t opcode =
        SYSTOLITH_GET(program.commands[got.fault_index].words, HEADER_OPCODE);
    EXPECT_EQ(opcode, static_cast<unsigned>(read ? SYSTOLITH_OPCODE_LOAD : SYSTOLITH_OPCODE_STORE));
    // Everything that is recorded as completed has its effect; nothing else outside of the failed
    // outputs changed.
    const std::vector<model::Outcome> ends = recorded(program, got);
    const Outcome want = run_model(GetParam(), program, ends);
    std::vector<Extent> undefined = {{kRing, kInputs - 1}};
    for (const model::Outcome& end : ends) {
      if (end.state == SYSTOLITH_STATE_COMPLETED) continue;
      const auto& outputs = generator.written()[end.index];
      undefined.insert(undefined.end(), outputs.begin(), outputs.end());
    }
    Outcome compared = want;
    compared.status = got.status;
    compared.cause = got.cause;
    compared.unit = got.unit;
    compared.fault_index = got.fault_index;
    compared.fault_address = got.fault_address;
    compared.completed = got.completed;
    compared.irq_status = got.irq_status;
    EXPECT_EQ(difference(got, compared, undefined), "") << GetParam() << " seed " << seed;
    // `completed` counts up to the first command that never started; later ones of other units may
    // have ended.
    std::uint32_t prefix = 0;
    while (prefix < ends.size() && ends[prefix].index == prefix) ++prefix;
    EXPECT_EQ(got.completed, prefix) << GetParam() << " seed " << seed;
    const auto failed = std::find_if(ends.begin(), ends.end(),
                                     [&](const auto& e) { return e.index == got.fault_index; });
    ASSERT_NE(failed, ends.end());
    EXPECT_EQ(failed->state, SYSTOLITH_STATE_FAILED);
    EXPECT_EQ(failed->cause, got.cause);
    EXPECT_EQ(failed->address, got.fault_address);
    memory.clear_injections();
    ASSERT_TRUE(sim.reset_queue());
    expect_usable(sim, GetParam(), seed + 1000);
    if (HasFailure()) return;
  }
  EXPECT_GE(seen[SYSTOLITH_CAUSE_BUS_READ], 5U);
  EXPECT_GE(seen[SYSTOLITH_CAUSE_BUS_WRITE], 5U);
}

// A reset at any cycle drains: nothing is withdrawn (the checker would say), busy until all is
// paid, nothing late.
TEST_P(Faults, ResetAtAnyCycleDrainsAndLeavesNothing) {
  ProgramGenerator generator(GetParam(), 400);
  const Program program = generator.generate(20);
  for (std::uint64_t at = 0; at < 600; at += 11) {
    SimRun sim(GetParam(), at);
    harness::AxiMemoryTiming& timing = sim.device().memory().timing();
    timing.read_latency_minimum = timing.write_latency_minimum = 1;
    timing.read_latency_maximum = timing.write_latency_maximum = 80;
    timing.stall_ar = timing.stall_aw = timing.stall_w = timing.stall_r = timing.stall_b = 20;
    sim.start(program);
    sim.ring(program);
    sim.device().step(at);
    ASSERT_TRUE(sim.reset_queue()) << at;
    EXPECT_EQ(sim.device().checker().reads_open() + sim.device().checker().writes_open(), 0U) << at;
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_STATUS), 0U) << at;
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_COMPLETED), 0U) << at;
    sim.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
    sim.device().step(500);
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_IRQ_STATUS), 0U) << "late interrupt, reset at " << at;
    expect_usable(sim, GetParam(), 500 + at);
    if (HasFailure()) return;
  }
}

// Start and reset in one write is a reset.
TEST_P(Faults, StartAndResetInOneWriteIsAReset) {
  SimRun sim(GetParam());
  sim.write32(SYSTOLITH_REGISTER_CONTROL, 3);
  ASSERT_TRUE(sim.finish());
  EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_CONTROL) & 1, 0U);
  EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_IRQ_STATUS) & 8, 8U);
}

// Registers: any order of the channels, strobes, low address bits, accesses that hit nothing.
TEST_P(Faults, RegisterPortTakesChannelsInAnyOrder) {
  SimRun sim(GetParam());
  harness::AxiLiteManager& port = sim.device().registers();
  port.set_noise(true, 7);
  const auto drain = [&] {
    for (int i = 0; i < 400 && !port.idle(); ++i) sim.device().step();
    ASSERT_TRUE(port.idle());
    std::uint8_t response;
    unsigned answers = 0;
    while (port.pop_write(&response)) ++answers;
    EXPECT_GE(answers, 1U);
  };
  for (std::uint32_t gap = 0; gap <= 20; ++gap) {
    for (const std::uint32_t hold : {0U, 50U}) {
      port.write({.address = SYSTOLITH_REGISTER_RING_LO,
                  .data = 128 * gap,
                  .aw_delay = gap,
                  .b_delay = hold});
      drain();
      EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_RING_LO), 128 * gap);
      port.write(
          {.address = SYSTOLITH_REGISTER_RING_HI, .data = gap, .w_delay = gap, .b_delay = hold});
      drain();
      EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_RING_HI), gap);
    }
  }
  // Reads and writes that begin in the same cycle, of the same register and of others.
  for (std::uint32_t i = 1; i <= 20; ++i) {
    port.write({.address = SYSTOLITH_REGISTER_RECORD_LO, .data = 32 * i});
    port.read({.address = i % 2 == 0 ? SYSTOLITH_REGISTER_RECORD_LO : SYSTOLITH_REGISTER_MAGIC});
    drain();
    harness::AxiLiteManager::ReadAnswer answer{};
    ASSERT_TRUE(port.pop_read(&answer));
    if (i % 2 == 1) EXPECT_EQ(answer.data, SYSTOLITH_MAGIC_RESET);
    if (i % 2 == 0) EXPECT_TRUE(answer.data == 32 * i || answer.data == 32 * (i - 1));
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_RECORD_LO), 32 * i);
  }
  sim.device().write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 0x11223344);
  sim.device().write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 0xaabbccdd, 5);
  EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_BUS_TIMEOUT), 0x11bb33ddU);
  sim.device().write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 0xffffffff, 0);
  EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_BUS_TIMEOUT), 0x11bb33ddU);
  sim.device().write32(SYSTOLITH_REGISTER_BUS_TIMEOUT + 3, 0x77000000, 8);
  EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_BUS_TIMEOUT + 1), 0x77bb33ddU);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(sim.read32(0xff0), 0U);
    sim.write32(0xff0, 0xffffffff);
    sim.write32(SYSTOLITH_REGISTER_MAGIC, 0);
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_MAGIC), SYSTOLITH_MAGIC_RESET);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Faults, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
