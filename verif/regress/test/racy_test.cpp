// Racy programs of every kind: the planted pair is reported, with its range, and nothing that the
// plain search does not find; without the plant nothing is.
#include <gtest/gtest.h>

#include "happens_before.hpp"
#include "program_generator.hpp"
#include "racy.hpp"

namespace systolith::regress {
namespace {

constexpr unsigned kPrograms = 6;  // racy ones of each kind
constexpr std::uint64_t kMostSeeds = 3000;

class RacyPrograms : public testing::TestWithParam<std::string> {};

TEST_P(RacyPrograms, OfEveryKindAreReported) {
  const model::Configuration configuration = model::Configuration::named(GetParam());
  for (const RacyKind kind : racy_kinds()) {
    unsigned planted = 0;
    for (std::uint64_t seed = 0; seed < kMostSeeds && planted < kPrograms; ++seed) {
      const std::vector<systolith_command_t> commands =
          ProgramGenerator(GetParam(), seed).generate(10 + seed % 20).commands;
      std::mt19937_64 random(seed);
      const auto racy = plant_race(configuration, commands, kind, random);
      if (!racy) continue;
      ++planted;
      ASSERT_EQ(wrong_report(configuration, commands, std::nullopt), "") << "seed " << seed;
      ASSERT_TRUE(model::find_races(configuration, commands).clean()) << "seed " << seed;
      ASSERT_EQ(racy->race.space, kind.space);
      ASSERT_EQ(wrong_report(configuration, racy->commands, racy->race), "")
          << kind.name() << ", seed " << seed << ": " << racy->change;
    }
    EXPECT_EQ(planted, kPrograms) << kind.name();
  }
}

// The plain search itself, on programs that are raced for all they touch.
TEST_P(RacyPrograms, WithoutAnyWaitAgree) {
  const model::Configuration configuration = model::Configuration::named(GetParam());
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<systolith_command_t> commands =
        ProgramGenerator(GetParam(), seed).generate(15).commands;
    for (systolith_command_t& command : commands) command.words[1] = 0;
    EXPECT_EQ(wrong_report(configuration, commands, std::nullopt), "") << seed;
    EXPECT_FALSE(races_by_paths(configuration, commands)->empty()) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, RacyPrograms, testing::ValuesIn(model::Configuration::names()),
                         [](const auto& info) { return "config_" + info.param; });

TEST(RacyKinds, AreNamed) {
  EXPECT_EQ(parse_racy("all").size(), racy_kinds().size());
  EXPECT_EQ(parse_racy("wait_dropped").size(), 3U);
  EXPECT_EQ(parse_racy(":memory").size(), mistake_table().size() - 1);
  EXPECT_EQ(parse_racy("rows_ahead:accumulators").size(), 1U);
  for (const char* bad : {"", ":", "wait", "rows_ahead:memory", "wait_dropped:", "wait_dropped:x"})
    EXPECT_THROW(parse_racy(bad), std::invalid_argument) << bad;
}

}  // namespace
}  // namespace systolith::regress
