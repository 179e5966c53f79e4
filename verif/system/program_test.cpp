// Random programs on simulated devices against the golden model: memory, records, completed,
// interrupts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "program_run.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

struct Timing {
  const char* name;
  harness::AxiMemoryTiming timing;
};

harness::AxiMemoryTiming latency(std::uint32_t low, std::uint32_t high) {
  harness::AxiMemoryTiming t;
  t.read_latency_minimum = t.write_latency_minimum = low;
  t.read_latency_maximum = t.write_latency_maximum = high;
  return t;
}

harness::AxiMemoryTiming stalls(std::uint8_t percent, std::uint32_t cycles) {
  harness::AxiMemoryTiming t = latency(1, cycles);
  t.stall_aw = t.stall_w = t.stall_b = t.stall_ar = t.stall_r = percent;
  return t;
}

std::vector<harness::AxiMemoryTiming> timings() {
  std::vector<harness::AxiMemoryTiming> all = {latency(1, 1),     latency(2, 2),   latency(17, 17),
                                               latency(300, 300), latency(1, 500), stalls(10, 20),
                                               stalls(50, 50),    stalls(90, 3)};
  all.push_back(stalls(30, 10));
  all.back().aw_after_w = true;  // AWREADY only after WVALID
  all.push_back(stalls(30, 10));
  all.back().w_after_aw = true;  // WREADY only after the AW handshake
  all.push_back(stalls(20, 60));
  all.back().interleave_reads = true;
  all.push_back(latency(5, 5));
  all.back().read_interval = all.back().write_interval = 5 << 16;
  return all;
}

// Seeds of the random tests: SYSTOLITH_SEEDS=FIRST:COUNT runs others, one failing seed alone or
// very many.
struct Seeds {
  std::uint64_t first, end;
};

Seeds seeds(std::uint64_t first, std::uint64_t count) {
  if (const char* text = std::getenv("SYSTOLITH_SEEDS")) {
    char* rest = nullptr;
    first = std::strtoull(text, &rest, 0);
    count = *rest == ':' ? std::strtoull(rest + 1, nullptr, 0) : 1;
  }
  return {first, first + count};
}

class RandomPrograms : public testing::TestWithParam<std::string> {};

TEST_P(RandomPrograms, EqualTheModelUnderEveryTimingOfTheMemory) {
  const auto all = timings();
  const Seeds range = seeds(0, 12);
  for (std::uint64_t seed = range.first; seed < range.end; ++seed) {
    ProgramGenerator generator(GetParam(), seed);
    Program program = generator.generate(40);
    if (seed % 3 == 1) {
      program.slots_log2 = static_cast<unsigned>(seed % 5);
      program.batch = 1 + static_cast<std::uint32_t>(seed % 4);
    }
    const Outcome want = run_model(GetParam(), program);
    ASSERT_FALSE(want.faulted()) << "seed " << seed << ": command " << want.fault_index
                                 << ", cause " << want.cause;
    ASSERT_EQ(want.completed, program.commands.size());
    SimRun sim(GetParam(), seed);
    harness::AxiMemory& memory = sim.device().memory();
    memory.timing() = all[seed % all.size()];
    memory.set_noise(seed % 2 == 1);
    memory.set_commit_at_response(seed % 4 < 2);
    memory.set_read_at_request(seed % 4 == 1);
    const Outcome got = sim.run(program);
    EXPECT_EQ(difference(got, want), "") << GetParam() << " seed " << seed;
    // Counters: every cycle has one cause, and bytes are those that the bus saw.
    const std::uint64_t cycles = sim.read64(SYSTOLITH_REGISTER_CYCLES_LO);
    std::uint64_t sum = 0;
    for (std::uint32_t at = SYSTOLITH_REGISTER_MAC_CYCLES_LO; at <= SYSTOLITH_REGISTER_LOST_TAIL_LO;
         at += 8)
      sum += sim.read64(at);
    EXPECT_EQ(cycles, sum) << seed;
    const harness::AxiMemoryStatistics& s = memory.statistics();
    EXPECT_EQ(sim.read64(SYSTOLITH_REGISTER_BYTES_READ_LO),
              s.read_beats * sim.device().geometry().bus_bytes);
    EXPECT_EQ(sim.read64(SYSTOLITH_REGISTER_BYTES_WRITTEN_LO),
              s.write_beats * sim.device().geometry().bus_bytes);
    EXPECT_EQ(sim.read64(SYSTOLITH_REGISTER_COMMANDS_LO), program.commands.size());
    if (HasFailure()) return;
  }
}

// After a queue reset nothing of the first program is left: a second one gives what it gives on a
// fresh device.
TEST_P(RandomPrograms, ResetBetweenProgramsLeavesNothing) {
  SimRun sim(GetParam());
  const Seeds range = seeds(100, 4);
  for (std::uint64_t seed = range.first; seed < range.end; ++seed) {
    ProgramGenerator generator(GetParam(), seed);
    const Program program = generator.generate(25);
    const Outcome got = sim.run(program);
    EXPECT_EQ(difference(got, run_model(GetParam(), program)), "") << seed;
    ASSERT_TRUE(sim.reset_queue());
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_COMPLETED), 0U);
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_STATUS), 0U);
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_IRQ_STATUS) & 8, 8U) << "reset_done";
    sim.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
  }
}

// A command with a flipped bit that the model refuses is refused alike, after all earlier ones ran
// and none later.
TEST_P(RandomPrograms, CommandsWithAFlippedBitAreRefusedAsTheModelSays) {
  unsigned refused = 0;
  const Seeds range = seeds(200, 60);
  for (std::uint64_t seed = range.first; seed < range.end; ++seed) {
    std::mt19937_64 random(seed);
    ProgramGenerator generator(GetParam(), seed);
    Program program = generator.generate(12);
    systolith_command_t& command = program.commands[random() % program.commands.size()];
    command.words[random() % 14] ^= std::uint64_t{1} << random() % 64;
    const Outcome want = run_model(GetParam(), program);
    // Only faults at decode: the others depend on what runs at the same time.
    if (!want.faulted() || want.cause > SYSTOLITH_CAUSE_SCALE || want.cause == 0) continue;
    SimRun sim(GetParam(), seed);
    sim.device().memory().timing() = latency(1, 60);
    const Outcome got = sim.run(program);
    ASSERT_EQ(difference(got, want), "") << GetParam() << " seed " << seed;
    ++refused;
    ASSERT_TRUE(sim.reset_queue());
    ProgramGenerator again(GetParam(), seed + 1);
    const Program next = again.generate(8);
    ASSERT_EQ(difference(sim.run(next), run_model(GetParam(), next)), "")
        << GetParam() << " seed " << seed;
  }
  if (range.end - range.first >= 60) EXPECT_GE(refused, 10U);
}

INSTANTIATE_TEST_SUITE_P(Devices, RandomPrograms, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
