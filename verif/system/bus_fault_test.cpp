// SLVERR and DECERR on every beat of every kind of access, memory that never answers, and a queue
// reset in every cycle of a busy program.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "directed.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

using harness::AxiInjection;

constexpr unsigned kFetchId = 0, kLoadId = 1, kStoreId = 2, kRecordId = 3;

class BusFaults : public testing::TestWithParam<std::string> {
 protected:
  BusFaults() : sim_(GetParam()), traffic_(sim_) {
    harness::AxiMemoryTiming& timing = sim_.device().memory().timing();
    timing.read_latency_minimum = timing.write_latency_minimum = 1;
    timing.read_latency_maximum = timing.write_latency_maximum = 25;
  }

  // An error on the beat with this byte. SLVERR and DECERR in turn.
  void fail_beat(AxiInjection::Kind kind, unsigned id, std::uint64_t byte) {
    AxiInjection injection;
    injection.kind = kind;
    injection.id = static_cast<int>(id);
    injection.first_address = injection.last_address = byte;
    injection.effect = ++injected_ % 2 == 0 ? AxiInjection::Effect::DecodeError
                                            : AxiInjection::Effect::SubordinateError;
    sim_.device().memory().inject(injection);
  }

  // Queue stands at `index` for `cause` and `address`; commands before it completed, it failed and
  // nothing later left a record; memory outside of `written` is as it was.
  void expect_fault(const Program& program, const Outcome& got, std::uint32_t index, unsigned cause,
                    std::uint64_t address, const std::vector<Extent>& written) {
    EXPECT_TRUE(got.faulted());
    EXPECT_EQ(got.cause, cause);
    EXPECT_EQ(got.fault_index, index);
    EXPECT_EQ(got.fault_address, address);
    EXPECT_EQ(got.completed, index + 1);
    EXPECT_EQ(got.irq_status & 2, 2U);
    const std::uint8_t* memory = got.memory.data();
    for (std::uint32_t i = 0; i < index; ++i)
      EXPECT_EQ(record_of(memory, program, i).state, SYSTOLITH_STATE_COMPLETED) << i;
    if (cause != SYSTOLITH_CAUSE_BUS_RECORD) {
      EXPECT_EQ(record_of(memory, program, index).state, SYSTOLITH_STATE_FAILED);
      EXPECT_EQ(record_of(memory, program, index).cause, cause);
      EXPECT_EQ(record_of(memory, program, index).address, address);
    }
    for (std::uint32_t i = index + 1; i < program.commands.size(); ++i)
      EXPECT_FALSE(record_of(memory, program, i).written) << i;
    EXPECT_EQ(changed_outside(got.memory, program, written), "");
  }

  void recover(std::uint64_t seed) {
    sim_.device().memory().clear_injections();
    ASSERT_TRUE(sim_.reset_queue());
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS), 0U);
    expect_usable(sim_, GetParam(), seed);
    ASSERT_TRUE(sim_.reset_queue());
  }

  // Until a bus time-out, or the end of the program.
  void await_stuck() {
    for (unsigned i = 0; i < 400; ++i) {
      if (sim_.device().reset_request() || (sim_.read32(SYSTOLITH_REGISTER_STATUS) & 1) == 0)
        return;
      sim_.device().step(20);
    }
  }

  // The third of four commands is `faulty`, with nothing at the same time: it waits for the second,
  // the fourth for it.
  Program around(library::Step faulty, std::uint64_t seed) {
    LoadStep first = load(kInputs + 1, 21, 0);
    first.signal[0] = sync(2);
    StoreStep second = store(kOutputs + 3, 21, 0);
    second.wait[0] = sync(2);
    second.signal[0] = sync(3);
    std::visit(
        [](auto& step) {
          step.wait[0] = sync(3);
          step.signal[0] = sync(4);
        },
        faulty);
    std::vector<systolith_command_t> commands = {command(first), command(second), command(faulty)};
    if (std::holds_alternative<LoadStep>(faulty)) {
      StoreStep last = store(kOutputs + 4096, 21, 0);
      last.wait[0] = sync(4);
      commands.push_back(command(last));
    } else {
      // Semaphore 3 is signalled and waited for by the store unit itself; 4 goes to the load unit.
      LoadStep last = load(kInputs, 21, 0);
      last.wait[0] = sync(4);
      commands.push_back(command(last));
    }
    return directed(commands, seed);
  }
  static Extent second_output() { return {kOutputs + 3, kOutputs + 3 + 20}; }

  void expect_read_error_on_every_beat(const LoadStep& faulty) {
    const unsigned bus = sim_.device().geometry().bus_bytes;
    const library::Transfer& t = faulty.transfer;
    const std::uint64_t end = t.address + t.run * t.count[0];
    std::uint64_t seed = 1000;
    for (std::uint64_t byte = t.address & ~std::uint64_t{bus - 1}; byte < end; byte += bus) {
      SCOPED_TRACE(GetParam() + ": beat at " + std::to_string(byte - t.address));
      const Program program = around(faulty, seed);
      fail_beat(AxiInjection::Kind::Read, kLoadId, byte);
      traffic_.clear();
      const Outcome got = sim_.run(program);
      expect_fault(program, got, 2, SYSTOLITH_CAUSE_BUS_READ, traffic_.burst_with(kLoadId, byte),
                   {second_output()});
      EXPECT_EQ(traffic_.burst_with(kStoreId, kOutputs + 4096), ~0ull) << "of a later command";
      recover(seed++);
      if (HasFailure()) return;
    }
  }

  // Four rows (or one) of each class of size and of stride that cover points tell apart, their
  // first byte `from` or later.
  std::vector<library::Transfer> shapes(std::uint64_t from) {
    const harness::SimGeometry& g = sim_.device().geometry();
    const unsigned line = model::Configuration::named(GetParam()).line_bytes();
    std::vector<library::Transfer> all;
    for (const std::uint32_t run :
         {g.bus_bytes - 1, g.bus_bytes, g.bus_bytes * g.maximum_burst_beats + 3}) {
      const std::int64_t length = run;
      for (const std::int64_t stride :
           {std::int64_t{0}, length, length + 5, length / 2, -length - 1}) {
        library::Transfer t = load(from + 1, run, 8, stride == 0 ? 1 : 4).transfer;
        t.local_pitch = (run + line - 1) / line;
        t.stride[0] = stride;
        if (stride < 0) t.address -= 3 * stride;
        all.push_back(t);
      }
    }
    return all;
  }

  SimRun sim_;
  Traffic traffic_;
  unsigned injected_ = 0;
};

// Unaligned rows that follow one another: neighbours share beats, and several bursts are owed.
TEST_P(BusFaults, ErrorOnAnyBeatOfALoadStopsTheQueueThere) {
  const unsigned bus = sim_.device().geometry().bus_bytes;
  const std::uint32_t run = bus * 2 + 3;
  LoadStep faulty = load(kInputs + 4096 - 2 * bus - 1, run, 8, 6);
  faulty.transfer.local_pitch = 4;
  expect_read_error_on_every_beat(faulty);
}

TEST_P(BusFaults, ErrorOnAnyBeatOfASeedStopsTheQueueThere) {
  const unsigned columns = sim_.device().geometry().columns;
  expect_read_error_on_every_beat(
      load_rows(kInputs + 4096 + 4, 4 * columns, 3, SYSTOLITH_TAG_FP32, 6));
}

TEST_P(BusFaults, ErrorOnAnyResponseToAStoreStopsTheQueueThere) {
  const unsigned bus = sim_.device().geometry().bus_bytes;
  StoreStep faulty = store(kOutputs + 8192 - 2 * bus - 1, bus * 2 + 3, 0, 6);
  faulty.transfer.stride[0] = 3 * bus;
  faulty.transfer.local_pitch = 4;
  const std::uint64_t last =
      faulty.transfer.address + faulty.transfer.stride[0] * 5 + faulty.transfer.run - 1;
  std::uint64_t seed = 1200;
  // Once for the number of bursts.
  traffic_.clear();
  ASSERT_FALSE(sim_.run(around(faulty, seed)).faulted());
  ASSERT_TRUE(sim_.reset_queue());
  const std::vector<Traffic::Burst> bursts = traffic_.bursts();
  unsigned checked = 0;
  for (const Traffic::Burst& burst : bursts) {
    if (burst.id != kStoreId || burst.address < kOutputs + 4096) continue;
    SCOPED_TRACE(GetParam() + ": burst at " + std::to_string(burst.address - kOutputs));
    const Program program = around(faulty, seed);
    // The last byte of a burst is in no other one.
    fail_beat(AxiInjection::Kind::Write, kStoreId, burst.last);
    traffic_.clear();
    const Outcome got = sim_.run(program);
    expect_fault(program, got, 2, SYSTOLITH_CAUSE_BUS_WRITE,
                 traffic_.burst_with(kStoreId, burst.last),
                 {second_output(), {faulty.transfer.address, last}});
    EXPECT_EQ(got.irq_status & 1, 0U);
    recover(seed++);
    ++checked;
    if (HasFailure()) return;
  }
  EXPECT_GE(checked, 6U);
}

TEST_P(BusFaults, ErrorInRowsOfAnySizeAndStrideStopsTheQueueThere) {
  std::uint64_t seed = 1250;
  for (const library::Transfer& t : shapes(kOutputs + 16384)) {
    SCOPED_TRACE(GetParam() + ": store of " + std::to_string(t.run) + " bytes, stride " +
                 std::to_string(t.stride[0]));
    StoreStep faulty = store(t.address, t.run, 0);
    faulty.transfer = t;
    const std::uint64_t byte = t.address + t.run - 1;
    const Program program = around(faulty, seed);
    fail_beat(AxiInjection::Kind::Write, kStoreId, byte);
    traffic_.clear();
    const std::uint64_t first = kOutputs + 16384;
    const Outcome got = sim_.run(program);
    expect_fault(program, got, 2, SYSTOLITH_CAUSE_BUS_WRITE, traffic_.burst_with(kStoreId, byte),
                 {second_output(), {first, first + 8 * (t.run + 5)}});
    recover(seed++);
    if (HasFailure()) return;
  }
  for (const library::Transfer& t : shapes(kInputs + 8192)) {
    SCOPED_TRACE(GetParam() + ": load of " + std::to_string(t.run) + " bytes, stride " +
                 std::to_string(t.stride[0]));
    LoadStep faulty = load(t.address, t.run, 0);
    faulty.transfer = t;
    const std::uint64_t byte = t.address + t.run - 1;
    const Program program = around(faulty, seed);
    fail_beat(AxiInjection::Kind::Read, kLoadId, byte);
    traffic_.clear();
    const Outcome got = sim_.run(program);
    expect_fault(program, got, 2, SYSTOLITH_CAUSE_BUS_READ, traffic_.burst_with(kLoadId, byte),
                 {second_output()});
    recover(seed++);
    if (HasFailure()) return;
  }
}

TEST_P(BusFaults, ErrorOnAnyBeatOfTheFetchRefusesTheCommandOfThatBeat) {
  const unsigned bus = sim_.device().geometry().bus_bytes;
  std::uint64_t seed = 1300;
  for (std::uint64_t byte = 0; byte < 5 * SYSTOLITH_COMMAND_BYTES; byte += bus) {
    SCOPED_TRACE(GetParam() + ": beat at " + std::to_string(byte));
    Program program = directed(
        {nop(), nop(), command(load(kInputs, 16, 0)), nop(), command(store(kOutputs, 16, 0))},
        seed);
    fail_beat(AxiInjection::Kind::Read, kFetchId, kRing + byte);
    traffic_.clear();
    const Outcome got = sim_.run(program);
    const auto index = static_cast<std::uint32_t>(byte / SYSTOLITH_COMMAND_BYTES);
    expect_fault(program, got, index, SYSTOLITH_CAUSE_BUS_FETCH,
                 traffic_.burst_with(kFetchId, kRing + byte), {});
    const Record record = record_of(got.memory.data(), program, index);
    EXPECT_EQ(record.unit, 0U);
    EXPECT_EQ(record.opcode, 0U);
    recover(seed++);
    if (HasFailure()) return;
  }
}

TEST_P(BusFaults, ErrorOnAnyRecordFailsItsCommandWithoutItsInterrupt) {
  std::uint64_t seed = 1400;
  const harness::SimGeometry& geometry = sim_.device().geometry();
  const unsigned bursts =
      std::max(1U, SYSTOLITH_RECORD_BYTES / (geometry.bus_bytes * geometry.maximum_burst_beats));
  for (std::uint32_t index = 0; index < 4; ++index) {
    SCOPED_TRACE(GetParam() + ": record " + std::to_string(index));
    std::vector<systolith_command_t> commands(4, nop());
    SYSTOLITH_SET(commands[index].words, HEADER_INTERRUPT, 1);
    const Program program = directed(commands, seed);
    const std::uint64_t address = kRecords + std::uint64_t{index} * SYSTOLITH_RECORD_BYTES;
    // By number: a wide beat holds two records.
    AxiInjection injection;
    injection.kind = AxiInjection::Kind::Write;
    injection.id = kRecordId;
    injection.burst = std::int64_t{index} * bursts;
    if (index % 2 == 1) injection.effect = AxiInjection::Effect::DecodeError;
    sim_.device().memory().inject(injection);
    const Outcome got = sim_.run(program);
    EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_BUS_RECORD);
    EXPECT_EQ(got.fault_address, address);
    EXPECT_EQ(got.fault_index, index);
    EXPECT_EQ(got.irq_status & 3, 2U) << "fault, and no completion";
    EXPECT_FALSE(record_of(got.memory.data(), program, index).written);
    recover(seed++);
    if (HasFailure()) return;
  }
}

// A response that never comes, of each requester: cause, index and address; busy and the reset
// request stay until device and memory are reset together; then all is as if new.
TEST_P(BusFaults, MemoryThatNeverAnswersEndsInAResetRequest) {
  struct Case {
    const char* name;
    AxiInjection::Kind kind;
    unsigned id;
    std::uint32_t index;
    std::uint64_t address;
  };
  // Commands: a load, a store of what it brought, each with a record.
  LoadStep first = load(kInputs + 64, 16, 0);
  first.signal[0] = sync(2);
  StoreStep second = store(kOutputs + 128, 16, 0);
  second.wait[0] = sync(2);
  for (const Case& c : {Case{"fetch", AxiInjection::Kind::Read, kFetchId, 0, kRing},
                        Case{"load", AxiInjection::Kind::Read, kLoadId, 0, kInputs + 64},
                        Case{"store", AxiInjection::Kind::Write, kStoreId, 1, kOutputs + 128},
                        Case{"record", AxiInjection::Kind::Write, kRecordId, 0, kRecords}}) {
    SCOPED_TRACE(GetParam() + ": " + c.name);
    const Program program = directed({command(first), command(second)});
    AxiInjection injection;
    injection.kind = c.kind;
    injection.effect = AxiInjection::Effect::NeverAnswer;
    injection.id = static_cast<int>(c.id);
    injection.burst = 0;
    sim_.device().memory().inject(injection);
    sim_.write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 1000);
    sim_.start(program);
    sim_.ring(program);
    sim_.device().step(4000);
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS) & 5, 5U) << "busy and stuck";
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_FAULT) & 0xff, SYSTOLITH_CAUSE_BUS_TIMEOUT);
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_FAULT_INDEX), c.index);
    EXPECT_EQ(sim_.read64(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO), c.address);
    EXPECT_TRUE(sim_.device().reset_request());
    EXPECT_FALSE(sim_.reset_queue(5000)) << "a queue reset can't end";
    EXPECT_TRUE(sim_.device().reset_request());

    sim_.device().memory().clear_injections();
    sim_.device().reset();
    EXPECT_FALSE(sim_.device().reset_request());
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS), 0U);
    // One queue, a hundred submissions.
    Program again = directed({command(first), command(second)});
    again.slots_log2 = 2;
    sim_.start(again);
    std::uint8_t* memory = sim_.device().memory().at(kBase);
    for (std::uint32_t tail = 2; tail <= 200; tail += 2) {
      std::memset(memory + (kOutputs - kBase), 0xA5, 256);
      for (std::uint32_t i = 0; i < 2; ++i)
        std::memcpy(memory + (tail - 2 + i) % 4 * SYSTOLITH_COMMAND_BYTES, again.commands[i].words,
                    SYSTOLITH_COMMAND_BYTES);
      sim_.write32(SYSTOLITH_REGISTER_DOORBELL, tail);
      ASSERT_TRUE(sim_.finish());
      ASSERT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), tail);
      ASSERT_EQ(std::memcmp(memory + (kOutputs + 128 - kBase), memory + (kInputs + 64 - kBase), 16),
                0);
    }
    ASSERT_TRUE(sim_.reset_queue());
    expect_usable(sim_, GetParam(), 1500);
    ASSERT_TRUE(sim_.reset_queue());
    if (HasFailure()) return;
  }
}

// The memory has room for few bursts, and one of them is never answered: the time-out names that
// one, not an address that no memory has taken behind it.
TEST_P(BusFaults, TimeoutNamesTheSilentBurstOfAMemoryThatTakesNoMore) {
  const unsigned bus = sim_.device().geometry().bus_bytes;
  constexpr unsigned kUnits[] = {SYSTOLITH_UNIT_COMMAND_PROCESSOR, SYSTOLITH_UNIT_LOAD,
                                 SYSTOLITH_UNIT_STORE, SYSTOLITH_UNIT_COMMAND_PROCESSOR};
  std::vector<systolith_command_t> commands;
  for (unsigned i = 0; i < 4; ++i) {
    LoadStep in = load(kInputs + 1000 * i + 1, 2 * bus, 0, 3);
    StoreStep out = store(kOutputs + 1000 * i + 1, 2 * bus, 0, 3);
    in.transfer.stride[0] = out.transfer.stride[0] = 4 * bus;
    commands.push_back(command(in));
    commands.push_back(command(out));
  }
  for (systolith_command_t& c : commands) SYSTOLITH_SET(c.words, HEADER_RECORD, 1);
  const Program program = directed(commands, 1600);
  const auto& hits = sim_.device().memory().hits();
  for (const unsigned room : {1U, 2U, 3U}) {
    for (unsigned id = 0; id < harness::kIds; ++id) {
      for (int burst = 0; burst < 6; ++burst) {
        SCOPED_TRACE(
            fmt::format("{}: burst {} of ID {}, room for {}", GetParam(), burst, id, room));
        AxiInjection injection;
        injection.kind = id <= kLoadId ? AxiInjection::Kind::Read : AxiInjection::Kind::Write;
        injection.effect = AxiInjection::Effect::NeverAnswer;
        injection.id = static_cast<int>(id);
        injection.burst = burst;
        sim_.device().memory().inject(injection);
        sim_.device().memory().timing().maximum_outstanding = room;
        const std::size_t before = hits.size();
        sim_.write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 500);
        sim_.start(program);
        sim_.ring(program);
        await_stuck();
        // The largest device fetches all in fewer bursts.
        if (hits.size() == before) {
          EXPECT_EQ(id, kFetchId);
          EXPECT_GT(burst, 0);
        } else {
          const std::uint64_t part = std::max<std::uint64_t>(bus, SYSTOLITH_RECORD_BYTES);
          const std::uint64_t unit = id == kRecordId ? part : bus;
          EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_FAULT),
                    SYSTOLITH_CAUSE_BUS_TIMEOUT | kUnits[id] << SYSTOLITH_FAULT_UNIT_LSB);
          EXPECT_EQ(sim_.read64(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO) / unit,
                    hits.back().address / unit);
          EXPECT_TRUE(sim_.device().reset_request());
        }
        sim_.device().memory().clear_injections();
        sim_.device().reset();
        if (HasFailure()) return;
      }
    }
  }
}

// A memory that stops to take addresses, and owes nothing.
TEST_P(BusFaults, TimeoutNamesAnAddressThatIsNeverTaken) {
  systolith_command_t recorded = nop();
  SYSTOLITH_SET(recorded.words, HEADER_RECORD, 1);
  const std::vector<systolith_command_t> four = {nop(), recorded, command(store(kOutputs, 16, 0)),
                                                 command(load(kInputs, 16, 0))};
  struct Case {
    const char* name;
    std::vector<std::uint32_t> order;  // of these commands
    bool write;
    bool fetched;  // the memory stops once all commands are fetched
    unsigned unit;
    std::uint32_t index;
    std::uint64_t address;
  };
  for (const Case& c :
       {Case{"fetch", {0}, false, false, SYSTOLITH_UNIT_COMMAND_PROCESSOR, 0, kRing},
        Case{"load", {0, 3}, false, true, SYSTOLITH_UNIT_LOAD, 1, kInputs},
        Case{"store", {0, 2}, true, false, SYSTOLITH_UNIT_STORE, 1, kOutputs},
        Case{"record", {1}, true, false, SYSTOLITH_UNIT_COMMAND_PROCESSOR, 0, kRecords}}) {
    SCOPED_TRACE(GetParam() + ": " + c.name);
    std::vector<systolith_command_t> commands;
    for (const std::uint32_t i : c.order) {
      commands.push_back(four[i]);
      if (i != 1) SYSTOLITH_SET(commands.back().words, HEADER_RECORD, 0);
    }
    const Program program = directed(commands);
    harness::AxiMemory::Hold& hold = sim_.device().memory().hold();
    hold.aw = c.write;
    hold.ar = !c.write && !c.fetched;
    traffic_.clear();
    sim_.write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, 500);
    sim_.start(program);
    std::memcpy(sim_.device().memory().at(kRing), commands.data(),
                commands.size() * sizeof commands[0]);
    sim_.write32(SYSTOLITH_REGISTER_DOORBELL, static_cast<std::uint32_t>(commands.size()));
    const std::uint64_t last = kRing + commands.size() * SYSTOLITH_COMMAND_BYTES - 1;
    for (unsigned i = 0; i < 2000 && c.fetched && !hold.ar; ++i) {
      sim_.device().step(1);
      hold.ar = traffic_.burst_with(kFetchId, last) != ~0ull;
    }
    await_stuck();
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_FAULT),
              SYSTOLITH_CAUSE_BUS_TIMEOUT | c.unit << SYSTOLITH_FAULT_UNIT_LSB);
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_FAULT_INDEX), c.index);
    EXPECT_EQ(sim_.read64(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO), c.address);
    EXPECT_TRUE(sim_.device().reset_request());
    hold = {};
    sim_.device().reset();
    if (HasFailure()) return;
  }
}

// Loads, a product and stores all busy, reads and writes owed: a reset in every cycle ends with
// everything paid (the checker sees to VALIDs and owed beats), nothing late, and the next program
// right.
TEST_P(BusFaults, ResetInEveryCycleWithReadsAndWritesOwed) {
  const model::Configuration c = model::Configuration::named(GetParam());
  const unsigned half = c.scratchpad_lines / 2;
  const unsigned bus = c.bus_bytes;
  LoadStep a = load(kInputs, 2 * c.rows, 0, 6), b = load(kInputs + 512, 2 * c.cols, half, c.rows);
  b.signal[0] = sync(2);
  StoreStep early = store(kOutputs, bus, 0, 6);
  early.transfer.stride[0] = 100;
  MatrixStep product = matrix(6, c.cols, c.rows, 0, half, 0);
  product.wait[0] = sync(2);
  product.signal[0] = sync(3);
  StoreStep late = store_rows(kOutputs + 1024, 4 * c.cols, 0, 6);
  late.wait[0] = sync(3);
  LoadStep more = load(kInputs + 8192 + 5, 2 * bus, half + c.rows, 8);
  more.transfer.stride[0] = 5 * bus;  // a burst a row
  const Program program = directed(
      {command(early), command(a), command(b), command(product), command(more), command(late)});
  harness::AxiMemoryTiming& timing = sim_.device().memory().timing();
  timing.read_latency_minimum = timing.read_latency_maximum = 40;
  timing.write_latency_minimum = timing.write_latency_maximum = 40;
  // What one undisturbed run owes at most, and how long it lasts.
  unsigned most_reads = 0, most_writes = 0;
  std::uint64_t length = 0;
  sim_.start(program);
  sim_.ring(program);
  for (; length < 3000 && (length < 50 || sim_.read32(SYSTOLITH_REGISTER_COMPLETED) != 6);
       ++length) {
    most_reads = std::max(most_reads, sim_.device().checker().reads_open());
    most_writes = std::max(most_writes, sim_.device().checker().writes_open());
    sim_.device().step();
  }
  ASSERT_TRUE(sim_.finish());
  ASSERT_FALSE(sim_.outcome().faulted());
  EXPECT_GE(most_reads, std::min(4U, c.reads_outstanding));
  EXPECT_GE(most_writes, std::min(2U, c.writes_outstanding));
  ASSERT_TRUE(sim_.reset_queue());

  const StoreStep copy = store(kOutputs + 77, 40, 0);
  LoadStep fresh = load(kInputs + 3, 40, 0);
  fresh.signal[0] = sync(2);
  StoreStep waiting = copy;
  waiting.wait[0] = sync(2);
  const Program next = directed({command(fresh), command(waiting)}, 2);
  const Outcome want = run_model(GetParam(), next);
  for (std::uint64_t at = 0; at < 400; ++at) {
    SCOPED_TRACE(GetParam() + ": reset after " + std::to_string(at) + " cycles");
    sim_.start(program);
    sim_.ring(program);
    sim_.device().step(at);
    ASSERT_TRUE(sim_.reset_queue());
    EXPECT_EQ(sim_.device().checker().reads_open() + sim_.device().checker().writes_open(), 0U);
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS), 0U);
    sim_.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
    sim_.device().step(60);
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_IRQ_STATUS), 0U) << "late interrupt";
    EXPECT_EQ(difference(sim_.run(next), want), "");
    ASSERT_TRUE(sim_.reset_queue());
    if (HasFailure()) return;
  }
}

// A response that takes longer than all else that a reset does: of each requester.
TEST_P(BusFaults, ResetStaysBusyAsLongAsAResponseIsOwed) {
  LoadStep first = load(kInputs + 64, 16, 0);
  first.signal[0] = sync(2);
  StoreStep second = store(kOutputs + 128, 16, 0);
  second.wait[0] = sync(2);
  const Program program = directed({command(first), command(second)});
  for (const unsigned id : {kFetchId, kLoadId, kStoreId, kRecordId}) {
    SCOPED_TRACE(GetParam() + ": ID " + std::to_string(id));
    AxiInjection hold;
    hold.kind = id < kStoreId ? AxiInjection::Kind::Read : AxiInjection::Kind::Write;
    hold.effect = AxiInjection::Effect::NeverAnswer;
    hold.id = static_cast<int>(id);
    hold.burst = 0;
    sim_.device().memory().inject(hold);
    traffic_.clear();
    sim_.start(program);
    sim_.ring(program);
    for (int i = 0; i < 2000 && traffic_.count(id) == 0; ++i) sim_.device().step();
    ASSERT_NE(traffic_.count(id), 0U);
    sim_.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
    EXPECT_FALSE(sim_.reset_queue(6000)) << "over, with a response owed";
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_IRQ_STATUS) & 8, 0U);
    sim_.device().memory().clear_injections();
    sim_.device().memory().release_unanswered();
    ASSERT_TRUE(sim_.finish());
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_IRQ_STATUS) & 8, 8U);
    EXPECT_EQ(sim_.device().checker().reads_open() + sim_.device().checker().writes_open(), 0U);
    expect_usable(sim_, GetParam(), 1600 + id);
    ASSERT_TRUE(sim_.reset_queue());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, BusFaults, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
