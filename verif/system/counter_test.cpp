// Counters of whole devices: each moves for its own reason, they add up, and time in the memory
// changes nothing but time.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>

#include "directed.hpp"
#include "program_run.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

const std::map<std::string, std::uint32_t> kCounters = {
    {"cycles", SYSTOLITH_REGISTER_CYCLES_LO},
    {"mac_cycles", SYSTOLITH_REGISTER_MAC_CYCLES_LO},
    {"lost_start", SYSTOLITH_REGISTER_LOST_START_LO},
    {"lost_fill", SYSTOLITH_REGISTER_LOST_FILL_LO},
    {"lost_loads", SYSTOLITH_REGISTER_LOST_LOADS_LO},
    {"lost_store", SYSTOLITH_REGISTER_LOST_STORE_LO},
    {"lost_other", SYSTOLITH_REGISTER_LOST_OTHER_LO},
    {"lost_reentry", SYSTOLITH_REGISTER_LOST_REENTRY_LO},
    {"lost_drain", SYSTOLITH_REGISTER_LOST_DRAIN_LO},
    {"lost_tail", SYSTOLITH_REGISTER_LOST_TAIL_LO},
    {"macs", SYSTOLITH_REGISTER_MACS_LO},
    {"bytes_read", SYSTOLITH_REGISTER_BYTES_READ_LO},
    {"bytes_written", SYSTOLITH_REGISTER_BYTES_WRITTEN_LO},
    {"load_busy", SYSTOLITH_REGISTER_LOAD_BUSY_LO},
    {"store_busy", SYSTOLITH_REGISTER_STORE_BUSY_LO},
    {"commands", SYSTOLITH_REGISTER_COMMANDS_LO},
    {"dropped_beats", SYSTOLITH_REGISTER_DROPPED_BEATS_LO},
    {"corrected", SYSTOLITH_REGISTER_CORRECTED_LO}};

using Counts = std::map<std::string, std::uint64_t>;

Counts read(SimRun& sim) {
  Counts counts;
  for (const auto& [name, offset] : kCounters) counts[name] = sim.read64(offset);
  return counts;
}

// cycles = mac_cycles + every lost_ counter.
void expect_sum(const Counts& c) {
  std::uint64_t sum = c.at("mac_cycles");
  for (const auto& [name, value] : c)
    if (name.rfind("lost_", 0) == 0) sum += value;
  EXPECT_EQ(c.at("cycles"), sum);
}

class Counters : public testing::TestWithParam<std::string> {
 protected:
  Counters() : c_(model::Configuration::named(GetParam())), sim_(GetParam()) {}

  // Counts of one program on cleared counters and a fresh queue; nothing is dropped, bytes are the
  // bus's, and of the counters in `still` none moves, of those in `moved` each.
  Counts run(const Program& program, const std::vector<std::string>& moved,
             const std::vector<std::string>& still) {
    const harness::AxiMemoryStatistics before = sim_.device().memory().statistics();
    sim_.write32(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1);
    EXPECT_FALSE(sim_.run(program).faulted());
    const Counts c = read(sim_);
    const harness::AxiMemoryStatistics after = sim_.device().memory().statistics();
    expect_sum(c);
    EXPECT_EQ(c.at("commands"), program.commands.size());
    EXPECT_EQ(c.at("dropped_beats"), 0U);
    EXPECT_EQ(c.at("corrected"), 0U);
    EXPECT_EQ(c.at("bytes_read"), (after.read_beats - before.read_beats) * c_.bus_bytes);
    EXPECT_EQ(c.at("bytes_written"), (after.write_beats - before.write_beats) * c_.bus_bytes);
    for (const std::string& name : moved) EXPECT_GT(c.at(name), 0U) << name;
    for (const std::string& name : still) EXPECT_EQ(c.at(name), 0U) << name;
    EXPECT_TRUE(sim_.reset_queue());
    return c;
  }

  // A product that waits for semaphore `semaphore`, unless 0.
  MatrixStep product(unsigned semaphore, std::uint32_t m = 2, std::uint32_t blocks = 1) const {
    MatrixStep step = matrix(m, c_.cols, blocks * c_.rows, 0, c_.scratchpad_lines / 2, 0);
    if (semaphore != 0) step.wait[0] = sync(semaphore);
    return step;
  }

  model::Configuration c_;
  SimRun sim_;
};

TEST_P(Counters, NopsTakeStartAndNothingElse) {
  const Counts c =
      run(directed({nop(false), nop(false)}), {"lost_start"},
          {"mac_cycles", "lost_fill", "lost_loads", "lost_store", "lost_other", "lost_reentry",
           "lost_drain", "lost_tail", "macs", "bytes_written", "load_busy", "store_busy"});
  EXPECT_EQ(c.at("lost_start"), c.at("cycles"));
  EXPECT_EQ(c.at("bytes_read"), 2U * SYSTOLITH_COMMAND_BYTES);
}

TEST_P(Counters, LoadsAndStoresAreBusyAlone) {
  systolith_command_t in = command(load(kInputs, 16, 0));
  SYSTOLITH_SET(in.words, HEADER_RECORD, 0);
  Counts c = run(directed({in}), {"load_busy", "lost_start"},
                 {"store_busy", "mac_cycles", "macs", "bytes_written", "lost_tail"});
  EXPECT_LT(c.at("load_busy"), c.at("cycles"));
  systolith_command_t out = command(store(kOutputs, 16, 0));
  SYSTOLITH_SET(out.words, HEADER_RECORD, 0);
  c = run(directed({out}), {"store_busy", "bytes_written", "lost_start"},
          {"load_busy", "mac_cycles", "macs", "lost_tail"});
  EXPECT_LT(c.at("store_busy"), c.at("cycles"));
  // A record alone is written too.
  run(directed({nop(true)}), {"bytes_written"}, {"store_busy", "load_busy"});
}

TEST_P(Counters, UsefulWorkIsRowsAndLanes) {
  // Two strips of which the second has one column, two blocks of which the second has one lane.
  MatrixStep step = matrix(3, c_.cols + 1, c_.rows + 1, 0, c_.scratchpad_lines / 2, 0);
  const std::uint32_t a_lines = (2 * step.k + c_.line_bytes() - 1) / c_.line_bytes();
  const std::uint32_t b_lines = (2 * step.n + c_.line_bytes() - 1) / c_.line_bytes();
  step.a_pitch = a_lines;
  step.b_pitch = b_lines;
  const Counts c = run(directed({command(step)}), {"lost_drain"},
                       {"load_busy", "store_busy", "lost_loads", "lost_store", "lost_other"});
  EXPECT_EQ(c.at("mac_cycles"), 3U * 2 * 2) << "strips x blocks x rows";
  EXPECT_EQ(c.at("macs"), 3ULL * step.n * step.k);
}

TEST_P(Counters, WaitsAreCountedForTheUnitThatSignals) {
  LoadStep in = load(kInputs, 16, 0);
  in.signal[0] = sync(2);
  run(directed({command(in), command(product(2))}), {"lost_loads", "mac_cycles"},
      {"lost_store", "lost_other"});

  StoreStep out = store(kOutputs, 16, 0);
  out.signal[0] = sync(3);
  run(directed({command(out), command(product(3))}), {"lost_store", "mac_cycles"},
      {"lost_loads", "lost_other"});

  // For itself: of the command before, whose last row is still in the array.
  MatrixStep first = product(0);
  first.signal[0] = sync(4);
  run(directed({command(first), command(product(4))}), {"lost_other", "mac_cycles"},
      {"lost_loads", "lost_store"});
}

TEST_P(Counters, ReentryDrainAndTail) {
  // One row through many blocks: each waits for the one before.
  MatrixStep chain = product(0, 1, 6);
  chain.b_base = 0;
  chain.b_pitch = 0;
  chain.a_pitch = 0;
  const Counts c =
      run(directed({command(chain)}), {"lost_drain"}, {"lost_loads", "lost_store", "lost_other"});
  // Passes follow one another every `cols` cycles at best; a flat array has a row back by then.
  const std::uint32_t row_latency = sim_.read32(SYSTOLITH_REGISTER_ELEMENT) >> 8 & 0xff;
  if (c_.rows * row_latency + c_.memory_latency + 2 > c_.cols) EXPECT_GT(c.at("lost_reentry"), 0U);
  // Many rows, one block: none.
  MatrixStep rows = product(0, 8, 1);
  rows.a_pitch = 0;
  run(directed({command(rows)}), {"lost_drain"}, {"lost_reentry"});
  // The store that follows works while the array has nothing to do.
  MatrixStep before = product(0);
  before.signal[0] = sync(5);
  StoreStep after = store_rows(kOutputs, 4 * c_.cols, 0, 2);
  after.wait[0] = sync(5);
  run(directed({command(before), command(after)}), {"lost_tail", "lost_drain"}, {"lost_reentry"});
}

TEST_P(Counters, BeatsThatAResetDropsAreCounted) {
  const Program program = directed({command(load(kInputs, 16, 0))});
  sim_.device().memory().timing().read_latency_minimum = 300;
  sim_.device().memory().timing().read_latency_maximum = 300;
  Traffic traffic(sim_);
  sim_.start(program);
  sim_.write32(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1);
  sim_.ring(program);
  for (int i = 0; i < 20000 && traffic.count(1) == 0; ++i) sim_.device().step();
  ASSERT_EQ(traffic.count(1), 1U) << "the load's address is out";
  ASSERT_TRUE(sim_.reset_queue());
  EXPECT_GT(sim_.read64(SYSTOLITH_REGISTER_DROPPED_BEATS_LO), 0U);
  EXPECT_EQ(sim_.read64(SYSTOLITH_REGISTER_COMMANDS_LO), 0U);
  sim_.write32(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1);
  for (const auto& [name, offset] : kCounters) EXPECT_EQ(sim_.read64(offset), 0U) << name;
}

TEST_P(Counters, StandStillWhileNothingIsToDo) {
  run(directed({nop()}), {}, {});
  const Counts before = read(sim_);
  sim_.device().step(500);
  EXPECT_EQ(read(sim_), before);
}

// One program of twenty commands under every timing: same memory and records, same useful work and
// traffic, and no more time than twenty times that of a quiet memory.
TEST_P(Counters, WorkAndTrafficDoNotDependOnTheMemorysTime) {
  const auto latency = [](std::uint32_t low, std::uint32_t high) {
    harness::AxiMemoryTiming t;
    t.read_latency_minimum = t.write_latency_minimum = low;
    t.read_latency_maximum = t.write_latency_maximum = high;
    return t;
  };
  std::vector<harness::AxiMemoryTiming> timings = {latency(100, 100), latency(1, 1),
                                                   latency(2, 2),     latency(17, 17),
                                                   latency(300, 300), latency(1, 500)};
  for (const std::uint8_t stall : {10, 50, 90}) {
    timings.push_back(latency(1, 20));
    harness::AxiMemoryTiming& t = timings.back();
    t.stall_ar = t.stall_aw = t.stall_w = t.stall_r = t.stall_b = stall;
  }
  timings.push_back(latency(5, 5));
  timings.back().aw_after_w = true;
  timings.push_back(latency(5, 5));
  timings.back().w_after_aw = true;
  timings.push_back(latency(1, 1));
  timings.back().write_latency_maximum = 100;

  ProgramGenerator generator(GetParam(), 1700);
  const Program program = generator.generate(20);
  const Outcome want = run_model(GetParam(), program);
  ASSERT_FALSE(want.faulted());
  Counts quiet;
  for (std::size_t i = 0; i < timings.size(); ++i) {
    SCOPED_TRACE(fmt::format("{}: timing {}", GetParam(), i));
    SimRun sim(GetParam(), i);
    sim.device().memory().timing() = timings[i];
    sim.device().memory().set_noise(true);
    sim.device().registers().set_noise(true, i);
    EXPECT_EQ(difference(sim.run(program), want), "");
    const Counts c = read(sim);
    expect_sum(c);
    if (i == 0) {
      quiet = c;
      continue;
    }
    for (const char* name : {"mac_cycles", "macs", "bytes_read", "bytes_written", "commands"})
      EXPECT_EQ(c.at(name), quiet.at(name)) << name;
    EXPECT_LT(c.at("cycles"), 20 * quiet.at("cycles"));
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Counters, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
