#include "systolith/program/replay.h"

#include <gtest/gtest.h>

#include <cstring>

namespace systolith::program {
namespace {

constexpr std::uint64_t kBase = 0x80000000;

systolith_record_t record(std::uint32_t index, unsigned state, unsigned cause = 0,
                          std::uint64_t address = 0) {
  systolith_record_t r{};
  SYSTOLITH_SET(r.words, RECORD_INDEX, index);
  SYSTOLITH_SET(r.words, RECORD_STATE, state);
  SYSTOLITH_SET(r.words, RECORD_CAUSE, cause);
  SYSTOLITH_SET(r.words, RECORD_ADDRESS, address);
  return r;
}

Ending failed(std::uint32_t index, unsigned cause, std::uint32_t completed) {
  Ending ending;
  ending.faulted = true;
  ending.cause = cause;
  ending.fault_index = index;
  ending.completed = completed;
  ending.records[index] = record(index, SYSTOLITH_STATE_FAILED, cause, 0x1000);
  return ending;
}

std::vector<std::uint32_t> indices(const std::vector<model::Outcome>& outcomes, unsigned state) {
  std::vector<std::uint32_t> all;
  for (const model::Outcome& outcome : outcomes)
    if (outcome.state == state) all.push_back(outcome.index);
  return all;
}

TEST(Records, AreFoundByTheSlotOfTheirIndex) {
  std::vector<systolith_record_t> slots(4);
  slots[1] = record(5, SYSTOLITH_STATE_COMPLETED);
  slots[2] = record(5, SYSTOLITH_STATE_ABORTED);  // rubbish: 5 belongs into slot 1
  slots[3] = record(3, 0);                        // no record
  slots[0] = record(8, SYSTOLITH_STATE_FAILED);
  const auto records = records_in(slots);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(SYSTOLITH_GET(records.at(5).words, RECORD_STATE), 1U);
  EXPECT_EQ(SYSTOLITH_GET(records.at(8).words, RECORD_STATE), 2U);
}

TEST(Precise, ForRefusalsAtDecodeOnly) {
  const std::vector<systolith_command_t> commands =
      assemble(
          "store space=accumulators conversion=int8 scale=1 address=0 run=1 local_base=0\n"
          "store space=accumulators conversion=int8 scale_per_column address=0 run=1 "
          "local_base=0\n")
          .commands;
  EXPECT_TRUE(is_precise({}, commands)) << "no fault";
  for (unsigned cause = SYSTOLITH_CAUSE_VERSION; cause <= SYSTOLITH_CAUSE_WINDOW; ++cause)
    EXPECT_TRUE(is_precise(failed(0, cause, 1), commands)) << cause;
  EXPECT_TRUE(is_precise(failed(0, SYSTOLITH_CAUSE_SCALE, 1), commands));
  EXPECT_FALSE(is_precise(failed(1, SYSTOLITH_CAUSE_SCALE, 1), commands)) << "in execution";
  for (unsigned cause = SYSTOLITH_CAUSE_TYPE_TAG; cause <= SYSTOLITH_CAUSE_BUS_WRITE; ++cause)
    EXPECT_FALSE(is_precise(failed(0, cause, 1), commands)) << cause;
  EXPECT_FALSE(is_precise(failed(0, SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT, 1), commands));
}

const char* const kLoadText = "load space=scratchpad address=0 run=1 local_base=0";
const char* const kStoreText = "store space=scratchpad address=0 run=1 local_base=0";

std::vector<systolith_command_t> commands_of(const std::vector<std::string>& lines) {
  std::vector<systolith_command_t> commands;
  for (const std::string& line : lines) commands.push_back(assemble_command(line));
  return commands;
}

TEST(Outcomes, ComeFromRecordsAndTheOrderOfUnits) {
  const std::string load = kLoadText, store = kStoreText;
  const auto commands = commands_of({load, store,                        // completed without a word
                                     load + " record",                   // failed
                                     load,                               // never started
                                     store,                              // before a recorded one
                                     store + " record", store, "nop"});  // recorded; not known
  Ending ending = failed(2, SYSTOLITH_CAUSE_BUS_READ, 3);
  ending.records[5] = record(5, SYSTOLITH_STATE_COMPLETED);
  const Outcomes outcomes = outcomes_of(commands, ending);
  EXPECT_EQ(indices(outcomes.known, SYSTOLITH_STATE_COMPLETED),
            (std::vector<std::uint32_t>{0, 1, 4, 5}));
  EXPECT_EQ(indices(outcomes.known, SYSTOLITH_STATE_FAILED), std::vector<std::uint32_t>{2});
  EXPECT_EQ(outcomes.known[2].cause, SYSTOLITH_CAUSE_BUS_READ);
  EXPECT_EQ(outcomes.known[2].address, 0x1000U);
  EXPECT_EQ(outcomes.unknown, std::vector<std::uint32_t>{6})
      << "the command that `completed` points at did not end; a nop changes nothing";
}

TEST(Outcomes, CommandThatAsksForARecordAndHasNoneNeverStarted) {
  const std::string load = kLoadText, store = kStoreText;
  const auto commands = commands_of({load + " record", load + " record", store + " record"});
  Ending ending = failed(0, SYSTOLITH_CAUSE_BUS_READ, 1);
  const Outcomes outcomes = outcomes_of(commands, ending);
  EXPECT_EQ(outcomes.known.size(), 1U);
  EXPECT_TRUE(outcomes.unknown.empty());
}

TEST(Extents, OfTransfersWithStridesOfBothSigns) {
  const auto extent = [](const std::string& text) { return extent_of(assemble_command(text)); };
  const auto one = extent("load space=scratchpad address=0x1000 run=16 local_base=0");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->first, 0x1000U);
  EXPECT_EQ(one->last, 0x100fU);
  const auto four = extent(
      "store space=scratchpad address=0x1000 run=16 local_base=0 count_0=3 stride_0=32 count_1=2 "
      "stride_1=-256 count_2=1 stride_2=99999 count_3=2 stride_3=-1");
  ASSERT_TRUE(four);
  EXPECT_EQ(four->first, 0x1000U - 256 - 1);
  EXPECT_EQ(four->last, 0x1000U + 64 + 15);
  EXPECT_FALSE(extent("load space=scratchpad address=0 run=1 local_base=0 count_0=2 stride_0=-1"));
  EXPECT_FALSE(extent("load space=scratchpad address=0xffffffffffffffff run=2 local_base=0"));
  EXPECT_FALSE(extent("load space=scratchpad address=0 run=1 local_base=0 count_3=0"));
  EXPECT_FALSE(extent("load space=scratchpad address=0 run=0 local_base=0"));
  EXPECT_FALSE(extent("nop"));
  EXPECT_TRUE(extent("load space=scratchpad address=0xffffffffffffffff run=1 local_base=0"));
}

TEST(StoredRows, AreThoseOfTheLoops) {
  std::vector<std::uint64_t> rows;
  for_each_stored_row(
      assemble_command("store space=scratchpad address=0x100 run=4 local_base=0 count_0=2 "
                       "stride_0=-16 count_1=2 stride_1=256"),
      [&](std::uint64_t first, std::uint64_t last) {
        EXPECT_EQ(last, first + 3);
        rows.push_back(first);
      });
  EXPECT_EQ(rows, (std::vector<std::uint64_t>{0x100, 0xf0, 0x200, 0x1f0}));
  const auto none = [](std::uint64_t, std::uint64_t) { ADD_FAILURE(); };
  for_each_stored_row(assemble_command(kLoadText), none);
  for (const char* counts : {"count_0=0x10001", "count_0=0x10000 count_1=2", "count_2=0",
                             "count_0=0x10000 count_1=0x10000 count_2=0x10000 count_3=0x10000"})
    for_each_stored_row(
        assemble_command(std::string("store space=scratchpad address=0 run=1 local_base=0 ") +
                         counts),
        none);
  for_each_stored_row(assemble_command("store space=scratchpad address=0 run=0 local_base=0"),
                      none);
}

TEST(Difference, NamesWhatDiffersFirst) {
  const auto commands = commands_of({"nop", "nop", "nop"});
  Ending device = failed(1, SYSTOLITH_CAUSE_WINDOW, 2);
  device.unit = SYSTOLITH_UNIT_LOAD;
  Ending model = device;
  EXPECT_EQ(difference(device, model, commands), "");
  model.records[1].words[2] = 77;
  EXPECT_EQ(difference(device, model, commands), "") << "times are not compared";

  const auto expect = [&](const Ending& other, const char* text) {
    EXPECT_NE(difference(device, other, commands).find(text), std::string::npos)
        << difference(device, other, commands);
  };
  Ending other = device;
  other.faulted = false;
  expect(other,
         "fault: device command 1: window in the load unit, address, line or row 0x0; model none");
  for (std::uint32_t Ending::*member : {&Ending::cause, &Ending::unit, &Ending::fault_index}) {
    other = device;
    ++(other.*member);
    expect(other, "fault: device command 1");
  }
  other = device;
  other.fault_address = 1;
  expect(other, "row 0x1");
  other = device;
  other.completed = 3;
  expect(other, "commands completed: device 2, model 3");
  other = device;
  other.records.erase(1);
  expect(other, "record of command 1: device failed, opcode 0x00, cause window");
  other.records[1] = record(1, SYSTOLITH_STATE_FAILED, SYSTOLITH_CAUSE_WINDOW, 0x1001);
  expect(other, "record of command 1");
  other = device;
  other.records[2] = record(2, SYSTOLITH_STATE_ABORTED, SYSTOLITH_CAUSE_ABORTED);
  expect(other, "record of command 2: device none; model aborted");
}

/// A model's memory with one window over all of it.
struct ModelRun : testing::Test {
  model::Memory memory;
  const std::vector<Window> windows = {{0, kBase, kBase + 0xffff, true, true}};
  const model::Configuration configuration = model::Configuration::named("4x4");

  ModelRun() { memory.add(kBase, 0x10000, std::byte{0x11}); }
  std::byte byte(std::uint64_t address) { return memory.at(address, 1)[0]; }
};

// Rows copied one after the other through the scratchpad, more commands than slots.
TEST_F(ModelRun, GoesRoundTheRing) {
  std::vector<systolith_command_t> commands;
  for (unsigned i = 0; i < 5; ++i) {
    memory.at(kBase + 0x8000 + i, 1)[0] = std::byte(0x20 + i);
    systolith_command_t load = assemble_command(
        "load space=scratchpad address=0x80008000 run=1 local_base=0 signal_0=0:1 record");
    systolith_command_t store = assemble_command(
        "store space=scratchpad address=0x80009000 run=1 local_base=0 wait_0=0:1 record");
    SYSTOLITH_SET(load.words, TRANSFER_ADDRESS, kBase + 0x8000 + i);
    SYSTOLITH_SET(store.words, TRANSFER_ADDRESS, kBase + 0x9000 + i);
    commands.insert(commands.end(), {load, store});
  }
  const Ending ending =
      run_on_model(configuration, memory, windows, {kBase, 2, kBase + 0x400}, commands, 10, {});
  EXPECT_FALSE(ending.faulted);
  EXPECT_EQ(ending.completed, 10U);
  ASSERT_EQ(ending.records.size(), 4U);
  EXPECT_EQ(ending.records.begin()->first, 6U);
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(byte(kBase + 0x9000 + i), std::byte(0x20 + i));
}

// As on a device where a load's fault took hold late: a younger store had run, and the ring had
// gone round before or went round meanwhile. The replay runs each command once.
TEST_F(ModelRun, ReplaysWhatRanBesideAFault) {
  memory.at(kBase + 0x8000, 1)[0] = std::byte{0x77};
  const std::vector<Window> beyond = {{0, kBase, kBase + 0x1ffff, true, true}};
  for (const std::uint32_t fault : {3u, 1u}) {
    memory.at(kBase + 0x9000, 2)[0] = std::byte{0x11};
    std::vector<systolith_command_t> commands;
    std::vector<model::Outcome> outcomes;
    for (std::uint32_t i = 0; i < 4; ++i) {
      commands.push_back(assemble_command(
          i == fault  // the memory ends before its window
              ? "load space=scratchpad address=0x80010000 run=1 local_base=0 record"
              : "load space=scratchpad address=0x80008000 run=1 local_base=0 signal_0=0:1 record"));
      outcomes.push_back({i, SYSTOLITH_STATE_COMPLETED, 0, 0});
    }
    outcomes[fault] = {fault, SYSTOLITH_STATE_FAILED, SYSTOLITH_CAUSE_BUS_READ, kBase + 0x10000};
    commands.push_back(assemble_command(
        "store space=scratchpad address=0x80009000 run=1 local_base=0 wait_0=0:3 record"));
    commands.push_back(
        assemble_command("store space=scratchpad address=0x80009001 run=1 local_base=0 record"));
    outcomes.push_back({4, SYSTOLITH_STATE_COMPLETED, 0, 0});
    const Ending ending = run_on_model(configuration, memory, beyond, {kBase, 2, kBase + 0x400},
                                       commands, 6, outcomes);
    EXPECT_TRUE(ending.faulted);
    EXPECT_EQ(ending.cause, SYSTOLITH_CAUSE_BUS_READ);
    EXPECT_EQ(ending.fault_index, fault);
    EXPECT_EQ(ending.fault_address, kBase + 0x10000);
    EXPECT_EQ(ending.completed, 5U);
    EXPECT_EQ(byte(kBase + 0x9000), std::byte{0x77}) << "it ran";
    EXPECT_EQ(byte(kBase + 0x9001), std::byte{0x11}) << "it never started";
    ASSERT_EQ(ending.records.count(4), 1U);
    EXPECT_EQ(SYSTOLITH_GET(ending.records.at(4).words, RECORD_STATE), 1U);
    EXPECT_EQ(ending.records.count(2), 1U);
    EXPECT_EQ(ending.records.count(0), 0U) << "its slot was taken";
  }
}

}  // namespace
}  // namespace systolith::program
