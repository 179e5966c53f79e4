// Programs whose races are known by hand.
#include "systolith/model/races.h"

#include <gtest/gtest.h>

#include <vector>

namespace systolith::model {
namespace {

constexpr std::uint64_t kData = 0x80000000;

std::uint32_t sync(unsigned semaphore, unsigned count = 1) { return semaphore << 16 | count; }
std::uint32_t by_rows(unsigned semaphore, unsigned count = 1, unsigned rows_log2 = 0) {
  std::uint64_t word = 0;
  SYSTOLITH_SET(&word, SYNC_COUNT, count);
  SYSTOLITH_SET(&word, SYNC_SEMAPHORE, semaphore);
  SYSTOLITH_SET(&word, SYNC_ROWS_LOG2, rows_log2);
  SYSTOLITH_SET(&word, SYNC_BY_ROWS, 1);
  return static_cast<std::uint32_t>(word);
}

// A program for the 4x4 device: lines of 64 bytes, blocks of 4 k steps in BF16.
class Races : public testing::Test {
 protected:
  const Configuration configuration = Configuration::named("4x4");
  std::vector<systolith_command_t> program;

  systolith_command_t& command(unsigned opcode, unsigned unit) {
    program.emplace_back();
    SYSTOLITH_SET(program.back().words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
    SYSTOLITH_SET(program.back().words, HEADER_OPCODE, opcode);
    SYSTOLITH_SET(program.back().words, HEADER_UNIT, unit);
    return program.back();
  }

  void order(std::uint32_t wait, std::uint32_t signal, std::uint32_t wait_1 = 0) {
    SYSTOLITH_SET(program.back().words, HEADER_WAIT_0, wait);
    SYSTOLITH_SET(program.back().words, HEADER_WAIT_1, wait_1);
    SYSTOLITH_SET(program.back().words, HEADER_SIGNAL_0, signal);
  }

  void transfer(systolith_command_t& c, std::uint64_t address, std::uint32_t run,
                std::uint32_t rows, std::uint32_t base) {
    SYSTOLITH_SET(c.words, TRANSFER_ADDRESS, address);
    SYSTOLITH_SET(c.words, TRANSFER_RUN, run);
    SYSTOLITH_SET(c.words, TRANSFER_LOCAL_BASE, base);
    SYSTOLITH_SET(c.words, TRANSFER_LOCAL_PITCH, 1);
    SYSTOLITH_SET(c.words, TRANSFER_COUNT_0, rows);
    SYSTOLITH_SET(c.words, TRANSFER_COUNT_1, 1);
    SYSTOLITH_SET(c.words, TRANSFER_COUNT_2, 1);
    SYSTOLITH_SET(c.words, TRANSFER_COUNT_3, 1);
    SYSTOLITH_SET(c.words, TRANSFER_STRIDE_0, run);
  }

  // `rows` lines of 16 bytes from `base` on.
  void load(std::uint32_t base, std::uint32_t rows, std::uint64_t address = kData) {
    transfer(command(SYSTOLITH_OPCODE_LOAD, SYSTOLITH_UNIT_LOAD), address, 16, rows, base);
  }
  // `rows` accumulator rows of four columns, raw.
  void store(std::uint32_t base, std::uint32_t rows, std::uint64_t address) {
    systolith_command_t& c = command(SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE);
    transfer(c, address, 16, rows, base);
    SYSTOLITH_SET(c.words, STORE_SPACE, SYSTOLITH_SPACE_ACCUMULATORS);
  }
  // m x 4 from A at line `a` and B, 4 x 4, at line `b`, into accumulator rows from `c` on.
  void matrix(std::uint32_t m, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    std::uint64_t* words = command(SYSTOLITH_OPCODE_MATRIX, SYSTOLITH_UNIT_MATRIX).words;
    SYSTOLITH_SET(words, MATRIX_FORMAT, SYSTOLITH_FORMAT_BF16);
    SYSTOLITH_SET(words, MATRIX_M, m);
    SYSTOLITH_SET(words, MATRIX_N, 4);
    SYSTOLITH_SET(words, MATRIX_K, 4);
    SYSTOLITH_SET(words, MATRIX_A_BASE, a);
    SYSTOLITH_SET(words, MATRIX_A_PITCH, 1);
    SYSTOLITH_SET(words, MATRIX_B_BASE, b);
    SYSTOLITH_SET(words, MATRIX_B_PITCH, 1);
    SYSTOLITH_SET(words, MATRIX_C_BASE, c);
    SYSTOLITH_SET(words, MATRIX_C_PITCH, m);
  }

  RaceReport report() const { return find_races(configuration, program); }

  void expect_one(std::uint32_t first, std::uint32_t second, Space space, std::uint64_t begin,
                  std::uint64_t last) const {
    const RaceReport r = report();
    EXPECT_FALSE(r.stopped_at.has_value());
    ASSERT_EQ(r.races.size(), 1U);
    EXPECT_EQ(r.races[0].first, first);
    EXPECT_EQ(r.races[0].second, second);
    EXPECT_EQ(r.races[0].space, space);
    EXPECT_EQ(r.races[0].begin, begin);
    EXPECT_EQ(r.races[0].last, last);
  }
};

TEST_F(Races, OperandsUsedWithoutWaiting) {
  load(0, 8);
  matrix(4, 0, 4, 0);
  expect_one(0, 1, Space::scratchpad, 0, 7);
}

TEST_F(Races, OperandsUsedAfterTheSignal) {
  load(0, 8);
  order(0, sync(1));
  matrix(4, 0, 4, 0);
  order(sync(1), 0);
  EXPECT_TRUE(report().clean());
}

TEST_F(Races, OneSignalTellsOfAllEarlierCommandsOfItsUnit) {
  load(0, 4);
  load(4, 4);
  order(0, sync(1));
  matrix(4, 0, 4, 0);
  order(sync(1), 0);
  EXPECT_TRUE(report().clean());
}

TEST_F(Races, TheEarlierSignalDoesNotTellOfTheLaterCommand) {
  load(0, 4);
  order(0, sync(1));
  load(4, 4);
  matrix(4, 0, 4, 0);
  order(sync(1), 0);
  expect_one(1, 2, Space::scratchpad, 4, 7);
}

TEST_F(Races, EveryWriterOfAPlaceIsNamed) {
  load(0, 8);
  load(3, 2);
  matrix(4, 0, 4, 0);
  const RaceReport r = report();
  ASSERT_EQ(r.races.size(), 2U);
  EXPECT_EQ(r.races[0].first, 0U);
  EXPECT_EQ(r.races[1].first, 1U);
  EXPECT_EQ(r.races[1].begin, 3U);
  EXPECT_EQ(r.races[1].last, 4U);
}

TEST_F(Races, OperandsOverwrittenWhileTheyAreRead) {
  matrix(4, 0, 4, 0);
  load(6, 4);
  expect_one(0, 1, Space::scratchpad, 6, 7);
  order(sync(2), 0);
  EXPECT_EQ(report().stopped_at, 1U) << "no one signals";
  EXPECT_EQ(report().semaphore, 2U);
}

TEST_F(Races, ReadersDoNotRace) {
  load(0, 8);
  order(0, sync(1));
  matrix(4, 0, 4, 0);
  order(sync(1), 0);
  systolith_command_t& c = command(SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE);
  transfer(c, kData + 0x1000, 16, 8, 0);
  expect_one(0, 2, Space::scratchpad, 0, 7);  // the store waits for no one
}

TEST_F(Races, RowsFollowRows) {
  load(4, 4);
  load(0, 4);
  order(0, by_rows(1));
  matrix(4, 0, 4, 0);
  order(by_rows(1), by_rows(2));
  store(0, 4, kData + 0x1000);
  order(by_rows(2), 0);
  EXPECT_TRUE(report().clean());
}

TEST_F(Races, RowsInAnotherOrderDoNot) {
  load(4, 4);
  load(0, 4);
  SYSTOLITH_SET(program.back().words, TRANSFER_LOCAL_BASE, 0);
  order(0, by_rows(1));
  matrix(4, 0, 4, 0);
  // Row i waits for the line i, and reads line 3 first: pitch 0 from line 3.
  SYSTOLITH_SET(program.back().words, MATRIX_A_BASE, 3);
  SYSTOLITH_SET(program.back().words, MATRIX_A_PITCH, 0);
  order(by_rows(1), 0);
  expect_one(1, 2, Space::scratchpad, 3, 3);
}

TEST_F(Races, CoarserUnitsOfRowsTellLater) {
  matrix(4, 0, 4, 0);
  order(0, by_rows(2, 1, 1));  // after rows 1 and 3
  store(0, 4, kData + 0x1000);
  order(by_rows(2, 1, 1), 0);
  EXPECT_TRUE(report().clean());
  program.pop_back();
  store(0, 4, kData + 0x1000);
  order(sync(2), 0);  // only the first of the two
  expect_one(0, 1, Space::accumulators, 2, 3);
}

TEST_F(Races, KnowledgeGoesThroughAThirdUnit) {
  load(0, 8);
  order(0, sync(1));
  matrix(4, 0, 4, 0);
  order(sync(1), sync(2));
  systolith_command_t& c = command(SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE);
  transfer(c, kData + 0x1000, 16, 8, 0);  // of the lines that were loaded
  order(sync(2), 0);
  EXPECT_TRUE(report().clean());
}

TEST_F(Races, MemoryByTheByte) {
  store(0, 2, kData + 0x101);  // bytes 0x101 to 0x120
  load(0, 1, kData + 0x121);
  load(0, 1, kData + 0xf1);  // up to 0x100
  EXPECT_TRUE(report().clean());
  load(0, 1, kData + 0xf2);  // up to 0x101
  expect_one(0, 3, Space::memory, kData + 0x101, kData + 0x101);
}

TEST_F(Races, StoresThatOverwriteWhatIsLoaded) {
  load(0, 2, kData + 0x100);
  store(0, 4, kData + 0x110);
  expect_one(0, 1, Space::memory, kData + 0x110, kData + 0x11f);
}

TEST_F(Races, AccumulatorsUsedAgain) {
  matrix(4, 0, 4, 0);
  order(0, sync(2));
  store(0, 4, kData + 0x1000);
  order(sync(2), sync(3));
  matrix(4, 0, 4, 2);
  expect_one(1, 2, Space::accumulators, 2, 3);
  order(sync(3), 0);
  EXPECT_TRUE(report().clean());
}

TEST_F(Races, VeryManyEndTheSearch) {
  for (int i = 0; i < 1500; ++i) {
    load(0, 4);
    matrix(4, 0, 4, 0);
  }
  EXPECT_EQ(report().races.size(), kMostRaces);
}

TEST_F(Races, ARefusedCommandEndsTheSearch) {
  load(0, 4);
  matrix(0, 0, 4, 0);
  EXPECT_EQ(report().stopped_at, 1U);
  EXPECT_EQ(report().cause, SYSTOLITH_CAUSE_SIZE);
}

}  // namespace
}  // namespace systolith::model
