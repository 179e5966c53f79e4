// What seeds draw, and how failing programs are made small; the devices themselves are run by
// regress.seeds.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "comparison.hpp"
#include "program_generator.hpp"
#include "shrink.hpp"
#include "sim.hpp"
#include "systolith/model/races.h"
#include "systolith/program/replay.h"

namespace systolith::regress {
namespace {

std::uint64_t opcode(const systolith_command_t& c) { return SYSTOLITH_GET(c.words, HEADER_OPCODE); }

bool same(const Drawn& a, const Drawn& b) {
  return a.configuration == b.configuration && a.conditions == b.conditions &&
         to_text(a, {}) == to_text(b, {});
}

class OnConfiguration : public testing::TestWithParam<std::string> {
 protected:
  std::vector<std::string> names_{GetParam()};
};

TEST_P(OnConfiguration, SeedsDrawTheSameAlone) {
  // Drawn among all, or on the configuration that it draws: the same.
  const std::vector<std::string> all = model::Configuration::names();
  unsigned seen = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Drawn free = draw(seed, all, {});
    if (free.configuration != GetParam()) continue;
    EXPECT_TRUE(same(free, draw(seed, names_, {}))) << seed;
    ++seen;
  }
  EXPECT_GT(seen, 0U);
}

// The number that g++ and clang builds agreed on: a new generator changes it, a compiler never.
TEST(Seeds, DrawTheSameWithEveryCompiler) {
  const std::vector<std::string> names = {"tiny", "2x8", "3x5", "4x4", "8x8", "8x16", "16x16"};
  uLong sum = crc32(0, nullptr, 0);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const std::string text = to_text(draw(seed, names, {}), {});
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(text.data()), text.size());
  }
  EXPECT_EQ(sum, 1296222017U);
}

TEST_P(OnConfiguration, TextIsReadBack) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Drawn drawn = draw(seed, names_, {});
    const Drawn back = from_text(to_text(drawn, {"a comment", ""}));
    EXPECT_TRUE(same(drawn, back)) << seed;
    EXPECT_EQ(image_of(drawn.program), image_of(back.program)) << seed;
  }
}

// Programs lay down what they read and leave out the rest.
TEST_P(OnConfiguration, ContentsAreWhatCommandsRead) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Drawn drawn = draw(seed, names_, {});
    std::vector<std::uint8_t> image = image_of(drawn.program);
    const auto again = contents_of(drawn.program.commands, image, 0xA5);
    EXPECT_EQ(again, drawn.program.contents) << seed;
  }
}

TEST_P(OnConfiguration, ProgramsAreLegalWithEveryShareAlone) {
  for (const WeightEntry& entry : weight_table()) {
    Weights weights;
    weights.commands = 15;
    weights.*entry.value = entry.most;
    for (std::uint64_t seed = 0; seed < 3; ++seed)
      EXPECT_EQ(why_illegal(draw(seed, names_, weights)), "") << entry.name << " seed " << seed;
    weights.*entry.value = entry.least;
    EXPECT_EQ(why_illegal(draw(3, names_, weights)), "") << entry.name;
  }
}

// Without any one command the others still find their signals. Few lose their order: those that the
// missing one alone put in order.
TEST_P(OnConfiguration, RelinkedProgramsEnd) {
  const model::Configuration configuration = model::Configuration::named(GetParam());
  unsigned linked = 0, tried = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const std::vector<systolith_command_t> original = draw(seed, names_, {}).program.commands;
    for (std::size_t left_out = 0; left_out < original.size(); ++left_out) {
      std::vector<Kept> kept;
      for (std::size_t i = 0; i < original.size(); ++i)
        if (i != left_out) kept.push_back({i, original[i]});
      const auto commands = relink(configuration, original, kept);
      ++tried;
      if (!commands || commands->empty()) continue;
      const model::RaceReport report = model::find_races(configuration, *commands);
      EXPECT_FALSE(report.stopped_at) << seed << ": " << left_out;
      if (report.races.empty()) ++linked;
    }
  }
  EXPECT_GT(linked * 10, tried * 9) << tried;
}

TEST_P(OnConfiguration, AllCommandsKeptAreTheSame) {
  const Drawn drawn = draw(5, names_, {});
  std::vector<Kept> kept;
  for (std::size_t i = 0; i < drawn.program.commands.size(); ++i)
    kept.push_back({i, drawn.program.commands[i]});
  const auto commands =
      relink(model::Configuration::named(GetParam()), drawn.program.commands, kept);
  ASSERT_TRUE(commands);
  for (std::size_t i = 0; i < kept.size(); ++i)
    EXPECT_EQ(std::memcmp(commands->at(i).words, drawn.program.commands[i].words,
                          SYSTOLITH_COMMAND_BYTES),
              0)
        << i;
}

// A fault that needs a long chain and its store: the rest goes, also what was around it.
TEST_P(OnConfiguration, ShrinksToWhatFails) {
  const auto fails = [](const Drawn& drawn) {
    bool chain = false, store = false;
    for (const systolith_command_t& c : drawn.program.commands) {
      chain =
          chain || (opcode(c) == SYSTOLITH_OPCODE_MATRIX && SYSTOLITH_GET(c.words, MATRIX_K) > 2);
      store = store || (chain && opcode(c) == SYSTOLITH_OPCODE_STORE);
    }
    return store;
  };
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const Drawn drawn = draw(seed, names_, {});
    if (!fails(drawn)) continue;
    const Shrunk small = shrink(drawn, fails);
    const auto& commands = small.drawn.program.commands;
    ASSERT_EQ(commands.size(), 2U) << seed;
    EXPECT_EQ(SYSTOLITH_GET(commands[0].words, MATRIX_K), 3U) << seed;
    EXPECT_EQ(SYSTOLITH_GET(commands[0].words, MATRIX_M), 1U) << seed;
    EXPECT_EQ(SYSTOLITH_GET(commands[1].words, TRANSFER_COUNT_0), 1U) << seed;
    EXPECT_EQ(small.drawn.conditions, Conditions{}) << seed;
    EXPECT_EQ(why_illegal(small.drawn), "") << seed;
  }
}

// A fault in the last row of a store: the rows before it go.
TEST_P(OnConfiguration, ShrinksToTheRowThatFails) {
  unsigned seen = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const Drawn drawn = draw(seed, names_, {});
    std::uint64_t byte = 0, rows = 0;
    for (const systolith_command_t& c : drawn.program.commands) {
      if (rows > 1) break;
      rows = 0;
      program::for_each_stored_row(c, [&](std::uint64_t, std::uint64_t last) {
        byte = last;
        ++rows;
      });
    }
    if (rows <= 1) continue;
    ++seen;
    const auto fails = [&](const Drawn& d) {
      bool found = false;
      for (const systolith_command_t& c : d.program.commands)
        program::for_each_stored_row(c, [&](std::uint64_t first, std::uint64_t last) {
          found = found || (first <= byte && byte <= last);
        });
      return found;
    };
    const auto commands = shrink(drawn, fails).drawn.program.commands;
    ASSERT_EQ(commands.size(), 1U) << seed;
    std::uint64_t left = 0;
    program::for_each_stored_row(commands[0], [&](std::uint64_t, std::uint64_t) { ++left; });
    EXPECT_EQ(left, 1U) << seed;
  }
  EXPECT_GT(seen, 0U);
}

// Limits end it with what there is.
TEST_P(OnConfiguration, ShrinkingStopsAtItsLimit) {
  const Drawn drawn = draw(5, names_, {});
  unsigned runs = 0;
  const auto fails = [&](const Drawn&) {
    ++runs;
    return false;
  };
  const Shrunk same_again = shrink(drawn, fails, {5, std::chrono::seconds(60)});
  EXPECT_LE(runs, 5U);
  EXPECT_TRUE(same(drawn, same_again.drawn));
}

INSTANTIATE_TEST_SUITE_P(Devices, OnConfiguration, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

// Programs whose result is not defined are not run.
class Illegal : public testing::Test {
 protected:
  static std::string reason(const std::string& commands) {
    return why_illegal(
        from_text("configuration 4x4\nring 0x80000000 4 0x80010000\n"
                  "window 0 0x80000000 0x800fffff read write\n" +
                  commands));
  }
};

TEST_F(Illegal, ColumnsPastTheProduct) {
  const std::string product =
      "matrix format=bf16 m=1 n=3 k=1 a_base=0 b_base=0 c_base=0 "
      "signal_0=5:1\n";
  const std::string store = "store space=accumulators address=0x80050000 local_base=0 wait_0=5:1 ";
  EXPECT_EQ(reason(product + store + "run=12"), "");
  EXPECT_EQ(reason(product + store + "run=16"),
            "command 1 stores column 3 of its row 0, which is undefined");
  EXPECT_EQ(reason(product + store + "run=8 conversion=bf16"),
            "command 1 stores column 3 of its row 0, which is undefined");
  // A later write gives them a value.
  EXPECT_EQ(reason("load space=accumulators tag=fp32 address=0x80020000 run=16 local_base=0\n" +
                   std::string("store space=accumulators address=0x80050000 local_base=0 run=16")),
            "commands 0 and 1 race");
  EXPECT_EQ(reason(product +
                   "load space=accumulators tag=fp32 address=0x80020000 run=16 local_base=0 "
                   "wait_0=3:1 signal_0=2:1\n" +
                   store + "run=16 wait_1=2:1"),
            "command 1 waits for ever on semaphore 3");
}

TEST_F(Illegal, FaultsOfTheModel) {
  EXPECT_EQ(reason("load space=accumulators tag=fp32 address=0x80020000 run=4 local_base=0 "
                   "signal_0=2:1\nstore space=accumulators conversion=int8 scale=1 "
                   "address=0x80050000 run=1 local_base=0 wait_0=2:1"),
            "the model faults: command 1: type_tag in the store unit, address, line or row 0x0");
}

TEST(Weights, AreParsed) {
  EXPECT_EQ(parse_weights("").load, Weights{}.load);
  const Weights some = parse_weights("relu=100,nop=0");
  EXPECT_EQ(some.relu, 100U);
  EXPECT_EQ(some.nop, 0U);
  EXPECT_EQ(some.load, Weights{}.load);
  EXPECT_THROW(parse_weights("relu"), std::invalid_argument);
  EXPECT_THROW(parse_weights("relu=-1"), std::invalid_argument);
  EXPECT_THROW(parse_weights("load=0,load_sums=0,load_scales=0,matrix=0,matrix_by_rows=0,"
                             "store_sums=0,store_lines=0,nop=0"),
               std::invalid_argument);
}

// The table names every member once.
TEST(Weights, TableIsWhole) {
  EXPECT_EQ(weight_table().size() * sizeof(unsigned), sizeof(Weights));
  EXPECT_EQ(condition_table().size() * sizeof(std::uint32_t), sizeof(Conditions));
  Weights all;
  for (const WeightEntry& entry : weight_table()) all.*entry.value = 12345;
  unsigned words[sizeof(Weights) / sizeof(unsigned)];
  std::memcpy(words, &all, sizeof all);
  EXPECT_TRUE(
      std::all_of(std::begin(words), std::end(words), [](unsigned w) { return w == 12345; }));
}

TEST(Text, ConditionsAreChecked) {
  const std::string program = "configuration 4x4\nring 0x80000000 4 0x80010000\nnop\n";
  EXPECT_EQ(from_text(program).conditions, Conditions{});
  EXPECT_EQ(from_text("# conditions: stall_r=7\n" + program).conditions.stall_r, 7U);
  const auto refused = [&](const std::string& text, unsigned line, const char* part) {
    try {
      from_text(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const program::ProgramError& error) {
      EXPECT_EQ(error.line(), line) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused("# conditions: stall_r=99\n" + program, 1, "'99' is no number from 0 to 95");
  refused(program + "# conditions: stall\n", 4, "no condition 'stall'");
  refused("\n# conditions: read_latency_least=101\n" + program, 2, "least is above its most");
  refused("# conditions: \n" + program + "nop 3\n", 5, "nop has no field '3'");
  EXPECT_THROW(from_text("memory 0x0 00\n" + program), std::invalid_argument);
  EXPECT_THROW(from_text("configuration 4x4\nnop\n"), std::invalid_argument);
  EXPECT_THROW(from_text("configuration 7x7\nring 0x80000000 4 0x80010000\nnop\n"),
               std::invalid_argument);
}

}  // namespace
}  // namespace systolith::regress
