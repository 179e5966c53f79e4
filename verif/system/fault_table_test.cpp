// Bad input of every kind, one row a kind: cause, unit, index and address, nothing of the command
// on the bus, nothing written outside, and the same device runs on after a queue reset.
#include <gtest/gtest.h>

#include <cstring>

#include "directed.hpp"
#include "refused_commands.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

using regress::kNoUnit;
using regress::kRefusedBytes;
using regress::refused_commands;
using regress::RefusedCommand;

constexpr std::uint64_t kWord = kRefusedBytes;  // of short transfers

class BadInput : public testing::TestWithParam<std::string> {
 protected:
  model::Configuration c_ = model::Configuration::named(GetParam());

  // The queue stands at command `index`; fault registers and its record say why.
  void expect_fault(SimRun& sim, const Program& program, const Outcome& got, std::uint32_t index,
                    unsigned cause, unsigned unit, std::uint64_t address) {
    ASSERT_TRUE(got.faulted());
    EXPECT_EQ(got.cause, cause);
    EXPECT_EQ(got.fault_index, index);
    EXPECT_EQ(got.fault_address, address);
    if (unit != kNoUnit) EXPECT_EQ(got.unit, unit);
    EXPECT_EQ(got.completed, index + 1);
    EXPECT_EQ(got.irq_status & 2, 2U);
    const std::uint8_t* memory = got.memory.data();
    for (std::uint32_t i = 0; i < index; ++i)
      EXPECT_EQ(record_of(memory, program, i).state, SYSTOLITH_STATE_COMPLETED) << i;
    const Record failed = record_of(memory, program, index);
    EXPECT_EQ(failed.index, index);
    EXPECT_EQ(failed.state, SYSTOLITH_STATE_FAILED);
    EXPECT_EQ(failed.cause, cause);
    EXPECT_EQ(failed.address, address);
    for (std::uint32_t i = index + 1; i < program.commands.size(); ++i)
      EXPECT_FALSE(record_of(memory, program, i).written) << "command " << i << " after the fault";
    // Later doorbells are ignored until the reset.
    sim.write32(SYSTOLITH_REGISTER_DOORBELL,
                static_cast<std::uint32_t>(program.commands.size()) + 1);
    sim.device().step(300);
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_FAULT) & 0xff, cause);
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_COMPLETED), index + 1);
  }

  // After the reset nothing is left of the fault, and the device does what a fresh one does.
  void expect_recovery(SimRun& sim, std::uint64_t seed) {
    sim.device().memory().clear_injections();
    ASSERT_TRUE(sim.reset_queue());
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_STATUS), 0U);
    EXPECT_EQ(sim.read32(SYSTOLITH_REGISTER_COMPLETED), 0U);
    expect_usable(sim, GetParam(), seed);
    ASSERT_TRUE(sim.reset_queue());
  }
};

TEST_P(BadInput, RefusedCommandsOfEveryKind) {
  SimRun sim(GetParam());
  sim.device().memory().timing().read_latency_minimum = 1;
  sim.device().memory().timing().read_latency_maximum = 30;
  Traffic traffic(sim);
  std::uint64_t seed = 700;
  for (const RefusedCommand& row : refused_commands(c_)) {
    SCOPED_TRACE(GetParam() + ": " + row.name);
    LoadStep first = load(kInputs + 3, kWord, 0);
    first.signal[0] = sync(2);
    StoreStep second = store(kOutputs + 5, kWord, 0);
    second.wait[0] = sync(2);
    const Program program = directed(
        {command(first), command(second), row.command, command(store(kOutputs + 256, kWord, 0)),
         command(load(kInputs + 4096, kWord, 0))},
        seed);
    traffic.clear();
    const Outcome got = sim.run(program);
    expect_fault(sim, program, got, 2, row.cause, row.unit, row.address);
    // Precise: what came before is done, the refused one and what came after are not on the bus.
    EXPECT_EQ(std::memcmp(got.memory.data() + (kOutputs + 5 - kBase),
                          program.memory.data() + (kInputs + 3 - kBase), kWord),
              0);
    EXPECT_EQ(changed_outside(got.memory, program, {{kOutputs + 5, kOutputs + 5 + kWord - 1}}), "");
    for (const Traffic::Burst& burst : traffic.bursts()) {
      if (burst.id == 1) EXPECT_LE(burst.last, kInputs + 127);
      if (burst.id == 2) EXPECT_LE(burst.last, kOutputs + 127);
    }
    expect_recovery(sim, seed++);
    if (HasFailure()) return;
  }
}

// The other side of each limit: what just fits is done.
TEST_P(BadInput, LargestThatFitsIsNotRefused) {
  SimRun sim(GetParam());
  sim.device().memory().timing().read_latency_minimum = 1;
  sim.device().memory().timing().read_latency_maximum = 1;
  const std::uint32_t lines = c_.scratchpad_lines, rows = c_.accumulator_rows;
  const std::uint32_t line = c_.line_bytes();
  LoadStep last_line = load(kInputs, line, lines - 1);
  LoadStep last_row = load_rows(kInputs + 4096, 4 * c_.cols, rows - 1, SYSTOLITH_TAG_FP32);
  StoreStep whole = store(kBase + kBytes - line, line, lines - 1);
  last_row.signal[0] = sync(2, 2);
  whole.wait[0] = sync(2);
  StoreStep drain = store_rows(kOutputs, 4 * c_.cols, rows - 1);
  drain.wait[0] = sync(2);
  // 2^16 rows of one byte from one place to one line.
  LoadStep many = load(kInputs + 77, 1, 0, 1 << 16);
  many.transfer.stride[0] = 0;
  many.transfer.local_pitch = 0;
  const Program program = directed(
      {command(last_line), command(last_row), command(whole), command(drain), command(many)});
  const Outcome got = sim.run(program);
  EXPECT_FALSE(got.faulted()) << "command " << got.fault_index << " cause " << got.cause;
  EXPECT_EQ(std::memcmp(got.memory.data() + kBytes - line,
                        program.memory.data() + (kInputs - kBase), line),
            0);
  EXPECT_EQ(std::memcmp(got.memory.data() + (kOutputs - kBase),
                        program.memory.data() + (kInputs + 4096 - kBase), 4 * c_.cols),
            0);
}

// Faults that only the running unit can see.
TEST_P(BadInput, FaultsInExecutionOfEveryKind) {
  SimRun sim(GetParam());
  const std::uint32_t row_bytes = 4 * c_.cols;
  const std::uint32_t scale_line = c_.scratchpad_lines / 2;
  struct Case {
    const char* name;
    library::Step before, faulty;
    unsigned cause, unit;
    std::uint64_t address;
  };
  const LoadStep fp32 = load_rows(kInputs, row_bytes, 4, SYSTOLITH_TAG_FP32, 4);
  const LoadStep int32 = load_rows(kInputs, row_bytes, 4, SYSTOLITH_TAG_INT32, 4);
  MatrixStep continued = matrix(3, c_.cols, c_.rows, 0, c_.scratchpad_lines / 2, 4);
  continued.accumulate = true;
  MatrixStep continued_int8 = continued;
  continued_int8.format = library::Format::int8;
  StoreStep as_bf16 = store_rows(kOutputs + 4096, 2 * c_.cols, 5);
  as_bf16.conversion = SYSTOLITH_CONVERSION_BF16;
  StoreStep as_int8 = store_rows(kOutputs + 4096, c_.cols, 6);
  as_int8.conversion = SYSTOLITH_CONVERSION_INT8;
  as_int8.scale = 1.0F;
  // Inputs are no scales: -1 in column 1, after a good one in column 0.
  const std::uint64_t scales = kInputs + 0x8000;
  const LoadStep bad_scales = load(scales, row_bytes, scale_line);
  StoreStep per_column = as_int8;
  per_column.scale = 0;
  per_column.scale_per_column = true;
  per_column.scale_line = scale_line;
  LoadStep overflow = load(kInputs, kWord, 0);
  overflow.signal[0] = sync(9, 65535);
  LoadStep full = overflow;
  const std::vector<Case> cases = {
      {"BF16 product continues INT32", int32, continued, SYSTOLITH_CAUSE_TYPE_TAG,
       SYSTOLITH_UNIT_MATRIX, 4},
      {"INT8 product continues FP32", fp32, continued_int8, SYSTOLITH_CAUSE_TYPE_TAG,
       SYSTOLITH_UNIT_MATRIX, 4},
      {"INT32 stored as BF16", int32, as_bf16, SYSTOLITH_CAUSE_TYPE_TAG, SYSTOLITH_UNIT_STORE, 5},
      {"FP32 stored as INT8", fp32, as_int8, SYSTOLITH_CAUSE_TYPE_TAG, SYSTOLITH_UNIT_STORE, 6},
      {"bad scale of a column", bad_scales, per_column, SYSTOLITH_CAUSE_SCALE, SYSTOLITH_UNIT_STORE,
       1},
      {"semaphore past 65535", full, overflow, SYSTOLITH_CAUSE_SEMAPHORE_OVERFLOW,
       SYSTOLITH_UNIT_LOAD, 9},
  };
  std::uint64_t seed = 800;
  for (Case c : cases) {
    SCOPED_TRACE(GetParam() + ": " + c.name);
    // The faulty one waits for the one before; nothing else runs.
    LoadStep& before = std::get<LoadStep>(c.before);
    before.signal[1] = sync(2);
    if (c.unit != SYSTOLITH_UNIT_LOAD)
      std::visit([](auto& step) { step.wait[0] = sync(2); }, c.faulty);
    // What follows waits for the faulty one, so that it can't have started.
    std::visit([](auto& step) { step.signal[1] = sync(3); }, c.faulty);
    StoreStep after = store(kOutputs + 256, kWord, 0);
    after.wait[0] = sync(3);
    LoadStep after_load = load(kInputs, kWord, 0);
    after_load.wait[0] = sync(3);
    Program program =
        directed({command(c.before), command(c.faulty),
                  c.unit == SYSTOLITH_UNIT_STORE ? command(after_load) : command(after)},
                 seed);
    const float values[2] = {1.0F, -1.0F};
    for (unsigned i = 0; i < c_.cols; ++i)
      std::memcpy(program.memory.data() + (scales - kBase) + 4 * i, &values[i == 1], 4);
    const Outcome got = sim.run(program);
    expect_fault(sim, program, got, 1, c.cause, c.unit, c.address);
    EXPECT_EQ(changed_outside(got.memory, program, {}), "") << "a row of the other type, or none";
    expect_recovery(sim, seed++);
    if (HasFailure()) return;
  }
}

TEST_P(BadInput, WaitsThatNoOneSignalsTimeOutInEveryUnit) {
  SimRun sim(GetParam());
  sim.write32(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, 400);
  std::uint64_t seed = 850;
  const std::vector<std::pair<unsigned, library::Step>> steps = {
      {SYSTOLITH_UNIT_LOAD, load(kInputs, kWord, 0, 4)},
      {SYSTOLITH_UNIT_MATRIX, matrix(2, c_.cols, c_.rows, 0, c_.scratchpad_lines / 2, 0)},
      {SYSTOLITH_UNIT_STORE, store(kOutputs + 4096, kWord, 0, 4)}};
  for (const auto& [unit, step] : steps) {
    for (const unsigned port : {0U, 1U}) {
      for (const bool by_rows : {false, true}) {
        SCOPED_TRACE(GetParam() + ": unit " + std::to_string(unit) + " wait " +
                     std::to_string(port) + (by_rows ? " by rows" : ""));
        library::Step waiting = step;
        std::visit([&](auto& s) { s.wait[port] = {1, 7, by_rows, 1}; }, waiting);
        if (!by_rows) std::visit([&](auto& s) { s.wait[port].rows_log2 = 0; }, waiting);
        // The next of the unit could run, but commands of a unit start in ring order.
        const Program program = directed({nop(), command(waiting), command(step)}, seed);
        const Outcome got = sim.run(program);
        expect_fault(sim, program, got, 1, SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT, unit, 7);
        EXPECT_EQ(changed_outside(got.memory, program, {}), "");
        expect_recovery(sim, seed++);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(BadInput, RingAndRecordsThatAreMisplacedStopTheQueueAtIndexZero) {
  SimRun sim(GetParam());
  struct Case {
    const char* name;
    std::uint64_t ring, records;
    std::uint32_t size;
  };
  const std::uint64_t ring_bytes = 8 * SYSTOLITH_COMMAND_BYTES,
                      record_bytes = 8 * SYSTOLITH_RECORD_BYTES;
  std::uint64_t seed = 900;
  const std::uint64_t end = c_.last_address() + 1;
  for (const Case& c :
       {Case{"ring not aligned to a command", kRing + 64, kRecords, 3},
        Case{"ring not aligned to a byte", kRing + 1, kRecords, 3},
        Case{"records not aligned", kRing, kRecords + 16, 3},
        Case{"ring outside of every window", kBase - ring_bytes, kRecords, 3},
        Case{"ring past its window", kInputs - ring_bytes + 128, kRecords, 3},
        Case{"records past their window", kRing, kBase + kBytes - record_bytes + 32, 3},
        Case{"records where only reading is granted", kRing, kInputs, 3},
        Case{"ring past the address width", end | kRing, kRecords, 3},
        Case{"records past the address width", kRing, end | kRecords, 3},
        Case{"ring of 2^17 slots", kRing, kRecords, 17}}) {
    SCOPED_TRACE(GetParam() + ": " + c.name);
    const Program program = directed({nop()}, seed);
    sim.start(program);
    ASSERT_TRUE(sim.reset_queue());
    sim.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
    const auto write64 = [&](std::uint32_t at, std::uint64_t value) {
      sim.write32(at, static_cast<std::uint32_t>(value));
      sim.write32(at + 4, static_cast<std::uint32_t>(value >> 32));
    };
    write64(SYSTOLITH_REGISTER_RING_LO, c.ring);
    write64(SYSTOLITH_REGISTER_RECORD_LO, c.records);
    sim.write32(SYSTOLITH_REGISTER_RING_SIZE, c.size);
    sim.write32(SYSTOLITH_REGISTER_CONTROL, 1);
    ASSERT_TRUE(sim.finish());
    sim.write32(SYSTOLITH_REGISTER_DOORBELL, 1);
    sim.device().step(500);
    const Outcome got = sim.outcome();
    EXPECT_TRUE(got.faulted());
    EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_RING);
    EXPECT_EQ(got.fault_index, 0U);
    EXPECT_EQ(got.completed, 0U);
    EXPECT_EQ(got.irq_status & 2, 2U);
    EXPECT_EQ(got.memory, program.memory) << "a record was written";
    expect_recovery(sim, seed++);
    if (HasFailure()) return;
  }
}

TEST_P(BadInput, DoorbellsPastTheRingAreAnOverrunAfterAllThatWasRung) {
  SimRun sim(GetParam());
  std::uint64_t seed = 950;
  for (const std::uint32_t beyond : {1U, 2U, 0x7ffffff0U, 0xfffffff0U}) {
    SCOPED_TRACE(GetParam() + ": " + std::to_string(beyond) + " too far");
    Program program = directed(
        {command(load(kInputs, kWord, 0)), command(store(kOutputs, kWord, 1)), nop(), nop()}, seed);
    program.slots_log2 = 2;
    sim.start(program);
    sim.device().memory().hold().r = true;  // so that nothing completes before the second doorbell
    sim.ring(program);
    sim.write32(SYSTOLITH_REGISTER_DOORBELL, 4 + beyond);
    sim.device().memory().hold().r = false;
    ASSERT_TRUE(sim.finish());
    const Outcome got = sim.outcome();
    EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_RING_OVERRUN);
    EXPECT_EQ(got.fault_index, 4U) << "the tail before that doorbell";
    EXPECT_EQ(got.fault_address, 4ULL + beyond);
    EXPECT_EQ(got.completed, 4U) << "all that was rung before";
    expect_recovery(sim, seed++);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, BadInput, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
