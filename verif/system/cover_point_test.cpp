// One program for each kind of command that cover points tell apart (verif/coverage/points.cpp),
// and for what random programs seldom meet: every fault in execution, in every format, alone and
// beside other units.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "directed.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

using harness::AxiInjection;

constexpr unsigned kFetchId = 0, kLoadId = 1, kStoreId = 2;

struct Kind {
  const char* name;
  unsigned unit;
  library::Step step;
};

class EveryKind : public testing::TestWithParam<std::string> {
 protected:
  EveryKind()
      : c_(model::Configuration::named(GetParam())),
        sim_(GetParam()),
        half_(c_.scratchpad_lines / 2) {
    EXPECT_TRUE(sim_.reset_queue());
    harness::AxiMemoryTiming& timing = sim_.device().memory().timing();
    timing.read_latency_minimum = timing.write_latency_minimum = 20;
    timing.read_latency_maximum = timing.write_latency_maximum = 40;
  }

  /// Both sides of every channel stall.
  void stall() {
    harness::AxiMemoryTiming& t = sim_.device().memory().timing();
    t.stall_aw = t.stall_w = t.stall_b = t.stall_ar = t.stall_r = 50;
  }

  /// Device and model agree; then a fresh queue.
  void expect_equal(const std::vector<systolith_command_t>& commands, bool faulted = false) {
    const Program program = directed(commands, seed_++);
    const Outcome got = sim_.run(program);
    EXPECT_EQ(got.faulted(), faulted);
    EXPECT_EQ(difference(got, run_model(GetParam(), program)), "");
    ASSERT_TRUE(sim_.reset_queue());
  }
  /// The command at `index` fails.
  void expect_fault(const std::vector<systolith_command_t>& commands, std::uint32_t index,
                    unsigned cause, unsigned unit) {
    const Program program = directed(commands, seed_++);
    const Outcome got = sim_.run(program);
    EXPECT_TRUE(got.faulted());
    EXPECT_EQ(got.cause, cause);
    EXPECT_EQ(got.unit, unit);
    EXPECT_EQ(got.fault_index, index);
    EXPECT_EQ(got.completed, index + 1);
    sim_.device().memory().clear_injections();
    ASSERT_TRUE(sim_.reset_queue());
  }

  std::uint32_t row_bytes() const { return 4 * c_.cols; }
  /// Scales of columns in the last lines.
  LoadStep scales() const { return load(kScales, row_bytes(), scale_line()); }
  std::uint32_t scale_lines() const {
    return (row_bytes() + c_.line_bytes() - 1) / c_.line_bytes();
  }
  std::uint32_t scale_line() const { return c_.scratchpad_lines - scale_lines(); }

  StoreStep store_of(const std::string& source, std::uint64_t address, std::uint32_t columns,
                     std::uint32_t rows) const {
    if (source == "scratchpad") return store(address, columns, 0, rows);
    const unsigned element = source == "raw" ? 4 : source == "BF16" ? 2 : 1;
    StoreStep step = store_rows(address, columns * element, 0, rows);
    if (source == "BF16") step.conversion = SYSTOLITH_CONVERSION_BF16;
    if (element == 1) step.conversion = SYSTOLITH_CONVERSION_INT8;
    if (source == "INT8") step.scale = 1.0F;
    if (source == "INT8 by column") {
      step.scale_per_column = true;
      step.scale_line = scale_line();
    }
    return step;
  }

  /// Every kind of command that runs after `scales`; two rows each.
  std::vector<Kind> kinds() const {
    std::vector<Kind> all = {{"load", SYSTOLITH_UNIT_LOAD, load(kInputs, 4, 0, 2)},
                             {"load of FP32", SYSTOLITH_UNIT_LOAD,
                              load_rows(kInputs, row_bytes(), 0, SYSTOLITH_TAG_FP32, 2)},
                             {"load of INT32", SYSTOLITH_UNIT_LOAD,
                              load_rows(kInputs, row_bytes(), 0, SYSTOLITH_TAG_INT32, 2)}};
    for (const auto format : {library::Format::bf16, library::Format::int8})
      all.push_back({"matrix", SYSTOLITH_UNIT_MATRIX, matrix(2, c_.cols, 1, 0, half_, 0, format)});
    for (const char* source : {"scratchpad", "raw", "BF16", "INT8", "INT8 by column"})
      all.push_back({source, SYSTOLITH_UNIT_STORE, store_of(source, kOutputs, c_.cols, 2)});
    return all;
  }

  /// Long loads and stores that nothing waits for, in the upper half of the scratchpad and in
  /// memory of their own.
  systolith_command_t long_load() const {
    return command(load(kInputs + 0x4000, c_.line_bytes(), half_ + 4, half_ - 4 - scale_lines()));
  }
  systolith_command_t long_store() const {
    return command(store(kOutputs + 0x8000, c_.line_bytes(), half_ + 4, half_ - 4 - scale_lines()));
  }

  model::Configuration c_;
  SimRun sim_;
  std::uint32_t half_;
  std::uint64_t seed_ = 9000;
};

TEST_P(EveryKind, OfWaitAndSignal) {
  const auto sync_of = [](unsigned kind, unsigned semaphore) {
    return kind == 0   ? Sync{}
           : kind == 1 ? sync(semaphore)
                       : Sync{1, static_cast<std::uint8_t>(semaphore), true, 1};
  };
  const std::vector<Kind> steps = {
      {"load", SYSTOLITH_UNIT_LOAD, load(kInputs + 256, 4, 4, 4)},
      {"matrix", SYSTOLITH_UNIT_MATRIX, matrix(4, c_.cols, 1, 4, half_, 0)},
      {"store", SYSTOLITH_UNIT_STORE, store(kOutputs + 4096, 4, 4, 4)}};
  for (const Kind& kind : steps)
    for (unsigned wait = 0; wait < 3; ++wait)
      for (unsigned signal = 0; signal < 3; ++signal) {
        SCOPED_TRACE(GetParam() + ": " + kind.name + ", wait " + std::to_string(wait) +
                     ", signal " + std::to_string(signal));
        library::Step step = kind.step;
        std::visit(
            [&](auto& s) {
              s.wait[0] = sync_of(wait, 2);
              s.signal[0] = sync_of(signal, 3);
            },
            step);
        library::Step feeder = load(kInputs, 4, 0);
        if (kind.unit == SYSTOLITH_UNIT_LOAD) feeder = store(kOutputs, 4, 0);
        std::visit([](auto& s) { s.signal[0] = sync(2, 2); }, feeder);
        expect_equal({command(feeder), command(step)});
        if (HasFailure()) return;
      }
}

TEST_P(EveryKind, OfStoreUnderStalls) {
  stall();
  const harness::SimGeometry& g = sim_.device().geometry();
  for (const std::string source : {"scratchpad", "raw", "BF16", "INT8", "INT8 by column"}) {
    std::vector<std::uint32_t> widths = {1, c_.cols};
    if (source == "scratchpad")
      widths = {g.bus_bytes - 1, g.bus_bytes, g.bus_bytes * g.maximum_burst_beats + 3};
    for (const std::uint32_t columns : widths) {
      std::vector<systolith_command_t> commands = {command(scales())};
      std::uint64_t address = kOutputs + 0x100;
      const std::int64_t run = store_of(source, address, columns, 1).transfer.run;
      // 0: one row, which has fewer cycles to be stalled in.
      for (const std::int64_t stride :
           {std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0},
            run, run + 5, run / 2, -run - 1}) {
        SCOPED_TRACE(GetParam() + ": " + source + ", " + std::to_string(columns) + " wide");
        // Each waits for a load behind the one before, so that its unit stands.
        LoadStep in = load(kInputs, 4, half_);
        if (commands.size() > 1) in.wait[0] = sync(3);
        in.signal[0] = sync(2);
        StoreStep out = store_of(source, address, columns, stride == 0 ? 1 : 4);
        out.transfer.stride[0] = stride;
        if (stride < 0) out.transfer.address -= 3 * stride;
        out.wait[0] = sync(2);
        out.signal[0] = sync(3);
        commands.push_back(command(in));
        commands.push_back(command(out));
        address += 8 * static_cast<std::uint64_t>(run) + 64;
      }
      expect_equal(commands);
      if (HasFailure()) return;
    }
  }
}

// The bus takes so little that addresses and data wait, of stores of one row too: behind those
// before.
TEST_P(EveryKind, OfStoreBehindOthersOnASlowBus) {
  harness::AxiMemoryTiming& t = sim_.device().memory().timing();
  t.stall_aw = t.stall_w = 95;
  for (const std::string source : {"scratchpad", "raw", "BF16", "INT8", "INT8 by column"})
    for (const std::uint32_t columns : {1U, c_.cols}) {
      SCOPED_TRACE(GetParam() + ": " + source + ", " + std::to_string(columns) + " wide");
      std::uint64_t address = kOutputs + 0x100;
      const std::int64_t run = store_of(source, address, columns, 1).transfer.run;
      LoadStep first = scales();
      first.signal[0] = sync(2);
      std::vector<systolith_command_t> commands = {command(first)};
      for (const std::int64_t stride : {std::int64_t{0}, run, run + 5, run / 2})
        for (int i = 0; i < 6; ++i) {
          StoreStep out = store_of(source, address, columns, stride == 0 ? 1 : 2);
          out.transfer.stride[0] = stride;
          if (commands.size() == 1) out.wait[0] = sync(2);
          commands.push_back(command(out));
          address += 2 * static_cast<std::uint64_t>(run) + 16;
        }
      expect_equal(commands);
      if (HasFailure()) return;
    }
}

TEST_P(EveryKind, OfOperand) {
  for (const auto format : {library::Format::bf16, library::Format::int8})
    for (const std::uint32_t a_pitch : {0U, 1U, 2U, 9U})  // 9: one row
      for (const std::uint32_t b_pitch : {0U, 1U, 2U, 9U}) {
        SCOPED_TRACE(GetParam() + ": pitches " + std::to_string(a_pitch) + ", " +
                     std::to_string(b_pitch));
        const bool int8 = format == library::Format::int8;
        const std::uint32_t k = b_pitch == 9 ? 1 : c_.block_k(int8);
        const std::uint32_t rows = std::max(2 * k, 4U);
        LoadStep a = load(kInputs, std::min(c_.line_bytes(), 8U), 0, 8);
        LoadStep b = load(kInputs + 0x1000, c_.line_bytes(), half_, std::min(rows, half_));
        a.signal[0] = b.signal[0] = sync(2);
        MatrixStep step = matrix(a_pitch == 9 ? 1 : 3, c_.cols, k, 0, half_, 0, format);
        step.a_pitch = a_pitch;
        step.b_pitch = b_pitch;
        if (step.b_pitch * (k - 1) >= half_) continue;
        step.wait[0] = sync(2, 2);
        step.signal[0] = sync(3);
        StoreStep out = store_rows(kOutputs, row_bytes(), 0, step.m);
        out.wait[0] = sync(3);
        expect_equal({command(a), command(b), command(step), command(out)});
        if (HasFailure()) return;
      }
}

TEST_P(EveryKind, OfMatrixThatWaitsForTheOneBefore) {
  for (const auto format : {library::Format::bf16, library::Format::int8})
    for (unsigned beside = 0; beside < 4; ++beside) {
      SCOPED_TRACE(GetParam() + ": beside " + std::to_string(beside));
      MatrixStep first = matrix(8, c_.cols, 1, 0, half_, 0, format);
      MatrixStep second = first;
      second.c_base = 8;
      first.signal[0] = second.wait[0] = sync(5);
      std::vector<systolith_command_t> commands;
      if ((beside & 1) != 0) commands.push_back(long_load());
      // The store's lines are not the load's.
      if ((beside & 2) != 0)
        commands.push_back(command(store(kOutputs, c_.line_bytes(), 0, half_)));
      commands.push_back(command(first));
      commands.push_back(command(second));
      expect_equal(commands);
      if (HasFailure()) return;
    }
}

TEST_P(EveryKind, OfCommandWhoseSignalOverflows) {
  for (Kind kind : kinds())
    for (const bool beside : {false, true}) {
      SCOPED_TRACE(GetParam() + ": " + kind.name);
      LoadStep before = scales();
      before.signal[0] = sync(2);
      std::visit([](auto& s) { s.signal[0] = sync(4, 40000); }, kind.step);
      library::Step first = kind.step;
      std::visit([](auto& s) { s.wait[0] = sync(2); }, first);
      std::vector<systolith_command_t> commands = {command(before), command(first),
                                                   command(kind.step)};
      if (beside && kind.unit != SYSTOLITH_UNIT_LOAD)
        commands.insert(commands.begin() + 1, long_load());
      if (beside && kind.unit == SYSTOLITH_UNIT_LOAD)
        commands.insert(commands.begin() + 1, long_store());
      const auto index = static_cast<std::uint32_t>(commands.size() - 1);
      expect_fault(commands, index, SYSTOLITH_CAUSE_SEMAPHORE_OVERFLOW, kind.unit);
      if (HasFailure()) return;
    }
}

TEST_P(EveryKind, OfCommandThatWaitsInVain) {
  sim_.write32(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, 400);
  for (Kind kind : kinds()) {
    SCOPED_TRACE(GetParam() + ": " + kind.name);
    std::visit([](auto& s) { s.wait[0] = sync(7); }, kind.step);
    expect_fault({command(kind.step)}, 0, SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT, kind.unit);
    if (HasFailure()) return;
  }
}

// Four rows that wait for a signal each, in every unit.
std::vector<Kind> by_row(const model::Configuration& c) {
  const std::uint32_t half = c.scratchpad_lines / 2;
  std::vector<Kind> all = {{"load", SYSTOLITH_UNIT_LOAD, load(kInputs + 0x800, 4, 4, 4)},
                           {"matrix", SYSTOLITH_UNIT_MATRIX, matrix(4, c.cols, 1, 4, half, 0)},
                           {"store", SYSTOLITH_UNIT_STORE, store(kOutputs + 0x800, 4, 4, 4)}};
  for (Kind& kind : all) std::visit([](auto& s) { s.wait[0] = Sync{1, 2, true, 0}; }, kind.step);
  return all;
}

// It has begun: its unit must give it up. What it did before is in memory, and no more.
TEST_P(EveryKind, OfCommandThatWaitsInVainBetweenRows) {
  sim_.write32(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, 400);
  for (const Kind& kind : by_row(c_)) {
    SCOPED_TRACE(GetParam() + ": " + kind.name);
    library::Step feeder = load(kInputs, 4, 0);
    if (kind.unit == SYSTOLITH_UNIT_LOAD) feeder = store(kOutputs, 4, 0);
    std::visit([](auto& s) { s.signal[0] = sync(2, 2); }, feeder);
    const Program program = directed({command(feeder), command(kind.step), nop()}, seed_++);
    const Outcome got = sim_.run(program);
    EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT);
    EXPECT_EQ(got.unit, kind.unit);
    EXPECT_EQ(got.fault_index, 1U);
    EXPECT_EQ(got.fault_address, 2U);
    const Record record = record_of(got.memory.data(), program, 1);
    EXPECT_EQ(record.state, SYSTOLITH_STATE_FAILED);
    EXPECT_EQ(record.cause, SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT);
    const bool stores = kind.unit == SYSTOLITH_UNIT_STORE;
    EXPECT_EQ(changed_outside(got.memory, program,
                              {{kOutputs, kOutputs + 3}, {kOutputs + 0x800, kOutputs + 0x807}}),
              "");
    if (stores)
      EXPECT_NE(changed_outside(got.memory, program, {}), "") << "the rows that had their signal";
    ASSERT_TRUE(sim_.reset_queue());
    expect_usable(sim_, GetParam(), seed_++);
    ASSERT_TRUE(sim_.reset_queue());
    if (HasFailure()) return;
  }
}

// The third row of four is an error of the bus; between rows there is time for those who wait.
TEST_P(EveryKind, OfCommandThatWaitsForRowsOfAFaultyOne) {
  harness::AxiMemoryTiming& timing = sim_.device().memory().timing();
  for (const Kind& kind : by_row(c_)) {
    SCOPED_TRACE(GetParam() + ": " + kind.name);
    const bool write = kind.unit == SYSTOLITH_UNIT_LOAD;
    (write ? timing.write_interval : timing.read_interval) = 64U << 16;
    library::Step faulty = load(kInputs, 4, 0, 4);
    if (write) faulty = store(kOutputs, 4, 0, 4);
    if (auto* rows = std::get_if<LoadStep>(&faulty)) {
      rows->transfer.stride[0] = 0x100;
      rows->signal[0] = Sync{1, 2, true, 0};
    }
    if (auto* rows = std::get_if<StoreStep>(&faulty)) {
      rows->transfer.stride[0] = 0x100;
      rows->signal[0] = Sync{1, 2, true, 0};
    }
    AxiInjection injection;
    injection.kind = write ? AxiInjection::Kind::Write : AxiInjection::Kind::Read;
    injection.id = static_cast<int>(write ? kStoreId : kLoadId);
    injection.first_address = injection.last_address = (write ? kOutputs : kInputs) + 0x200;
    injection.effect = AxiInjection::Effect::SubordinateError;
    sim_.device().memory().inject(injection);
    const Program program = directed({command(kind.step), command(faulty)}, seed_++);
    const Outcome got = sim_.run(program);
    EXPECT_EQ(got.cause, write ? SYSTOLITH_CAUSE_BUS_WRITE : SYSTOLITH_CAUSE_BUS_READ);
    EXPECT_EQ(got.fault_index, 1U);
    const Record record = record_of(got.memory.data(), program, 0);
    EXPECT_EQ(record.state, SYSTOLITH_STATE_ABORTED);
    EXPECT_EQ(record.cause, SYSTOLITH_CAUSE_ABORTED);
    sim_.device().memory().clear_injections();
    timing.read_interval = timing.write_interval = 0;
    ASSERT_TRUE(sim_.reset_queue());
    expect_usable(sim_, GetParam(), seed_++);
    ASSERT_TRUE(sim_.reset_queue());
    if (HasFailure()) return;
  }
}

TEST_P(EveryKind, OfRowOfTheWrongType) {
  const std::uint8_t fp32 = SYSTOLITH_TAG_FP32, int32 = SYSTOLITH_TAG_INT32;
  MatrixStep bf16 = matrix(2, c_.cols, 1, 0, half_, 0),
             int8 = matrix(2, c_.cols, 1, 0, half_, 0, library::Format::int8);
  bf16.accumulate = int8.accumulate = true;
  struct Case {
    Kind kind;
    std::uint8_t tag;
  };
  std::vector<Case> cases = {{{"matrix in BF16", SYSTOLITH_UNIT_MATRIX, bf16}, int32},
                             {{"matrix in INT8", SYSTOLITH_UNIT_MATRIX, int8}, fp32}};
  for (const char* source : {"BF16", "INT8", "INT8 by column"})
    cases.push_back({{source, SYSTOLITH_UNIT_STORE, store_of(source, kOutputs, c_.cols, 2)},
                     source == std::string("BF16") ? int32 : fp32});
  for (Case& test : cases)
    for (const bool beside : {false, true}) {
      SCOPED_TRACE(GetParam() + ": " + test.kind.name);
      LoadStep before = scales(), rows = load_rows(kInputs, row_bytes(), 0, test.tag, 2);
      before.signal[0] = rows.signal[0] = sync(2);
      library::Step step = test.kind.step;
      std::visit([](auto& s) { s.wait[0] = sync(2, 2); }, step);
      std::vector<systolith_command_t> commands = {command(before), command(rows), command(step)};
      if (beside) commands.insert(commands.begin() + 2, long_load());
      expect_fault(commands, static_cast<std::uint32_t>(commands.size() - 1),
                   SYSTOLITH_CAUSE_TYPE_TAG, test.kind.unit);
      if (HasFailure()) return;
    }
}

TEST_P(EveryKind, OfColumnWithABadScaleBesideALoad) {
  LoadStep bad = load(kInputs, row_bytes(), scale_line());
  bad.signal[0] = sync(2);
  StoreStep out = store_of("INT8 by column", kOutputs, c_.cols, 2);
  out.wait[0] = sync(2);
  Program program = directed({command(bad), long_load(), command(out)}, 1);
  std::memset(program.memory.data() + (kInputs - kBase), 0, row_bytes());
  const Outcome got = sim_.run(program);
  EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_SCALE);
  EXPECT_EQ(got.fault_index, 2U);
  EXPECT_EQ(got.fault_address, 0U);
}

TEST_P(EveryKind, OfTransferWithAnErrorOfTheBus) {
  for (Kind kind : kinds()) {
    if (kind.unit == SYSTOLITH_UNIT_MATRIX) continue;  // touches no memory
    SCOPED_TRACE(GetParam() + ": " + kind.name);
    const bool write = kind.unit == SYSTOLITH_UNIT_STORE;
    AxiInjection injection;
    injection.kind = write ? AxiInjection::Kind::Write : AxiInjection::Kind::Read;
    injection.id = static_cast<int>(write ? kStoreId : kLoadId);
    injection.first_address = injection.last_address = write ? kOutputs : kInputs;
    injection.effect = AxiInjection::Effect::SubordinateError;
    sim_.device().memory().inject(injection);
    LoadStep before = scales();
    before.signal[0] = sync(2);
    std::visit([](auto& s) { s.wait[0] = sync(2); }, kind.step);
    expect_fault({command(before), command(kind.step)}, 1,
                 write ? SYSTOLITH_CAUSE_BUS_WRITE : SYSTOLITH_CAUSE_BUS_READ, kind.unit);
    if (HasFailure()) return;
  }
}

TEST_P(EveryKind, OfCommandThatIsNotFetched) {
  for (const systolith_command_t& faulty :
       {nop(), command(load(kInputs, 4, 0)), command(matrix(1, 1, 1, 0, half_, 0)),
        command(store(kOutputs, 4, 0))}) {
    SCOPED_TRACE(GetParam() + ": unit " + std::to_string(SYSTOLITH_GET(faulty.words, HEADER_UNIT)));
    AxiInjection injection;
    injection.kind = AxiInjection::Kind::Read;
    injection.id = static_cast<int>(kFetchId);
    injection.first_address = injection.last_address = kRing + SYSTOLITH_COMMAND_BYTES;
    injection.effect = AxiInjection::Effect::SubordinateError;
    sim_.device().memory().inject(injection);
    expect_fault({nop(), faulty}, 1, SYSTOLITH_CAUSE_BUS_FETCH, SYSTOLITH_UNIT_COMMAND_PROCESSOR);
    if (HasFailure()) return;
  }
}

TEST_P(EveryKind, OfTransferThatIsNeverAnswered) {
  for (Kind kind : kinds()) {
    if (kind.unit == SYSTOLITH_UNIT_MATRIX) continue;  // touches no memory
    SCOPED_TRACE(GetParam() + ": " + kind.name);
    SimRun sim(GetParam());  // nothing but a reset would end it
    ASSERT_TRUE(sim.reset_queue());
    sim.write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 2000);
    const bool write = kind.unit == SYSTOLITH_UNIT_STORE;
    AxiInjection injection;
    injection.kind = write ? AxiInjection::Kind::Write : AxiInjection::Kind::Read;
    injection.id = static_cast<int>(write ? kStoreId : kLoadId);
    injection.first_address = injection.last_address = write ? kOutputs : kInputs;
    injection.effect = AxiInjection::Effect::NeverAnswer;
    sim.device().memory().inject(injection);
    LoadStep before = scales();
    before.signal[0] = sync(2);
    std::visit([](auto& s) { s.wait[0] = sync(2); }, kind.step);
    const Program program = directed({command(before), command(kind.step)}, seed_++);
    sim.start(program);
    sim.ring(program);
    for (unsigned i = 0; i < 100 && !sim.device().reset_request(); ++i) sim.device().step(100);
    const Outcome got = sim.end(program);
    EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_BUS_TIMEOUT);
    EXPECT_EQ(got.unit, kind.unit);
    EXPECT_EQ(got.fault_index, 1U);
    if (HasFailure()) return;
  }
}

TEST_P(EveryKind, OfRefusedCommand) {
  std::vector<systolith_command_t> all = {nop(), command(load(kInputs, 4, 0)),
                                          command(matrix(1, 1, 1, 0, half_, 0)),
                                          command(store(kOutputs, 4, 0))};
  for (const systolith_command_t& good : all) {
    const std::uint64_t unit = SYSTOLITH_GET(good.words, HEADER_UNIT);
    SCOPED_TRACE(GetParam() + ": unit " + std::to_string(unit));
    systolith_command_t bad = good;
    SYSTOLITH_SET(bad.words, HEADER_VERSION, 2);
    expect_equal({nop(), bad}, true);
    bad = good;
    SYSTOLITH_SET(bad.words, HEADER_UNIT, (unit + 1) % 4);
    expect_equal({nop(), bad}, true);
    if (unit == SYSTOLITH_UNIT_COMMAND_PROCESSOR) continue;  // NOP has no semaphores
    bad = good;
    SYSTOLITH_SET(bad.words, HEADER_SIGNAL_1, 1 | c_.semaphores << 16);
    expect_equal({nop(), bad}, true);
    bad = good;
    SYSTOLITH_SET(bad.words, HEADER_SIGNAL_1, 1 | 5 << 16);
    systolith_command_t other = all[unit == SYSTOLITH_UNIT_LOAD ? 3 : 1];
    SYSTOLITH_SET(other.words, HEADER_SIGNAL_0, 1 | 5 << 16);
    expect_equal({other, bad}, true);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, EveryKind, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
