// The model's race search on the random programs that the devices run.
#include <gtest/gtest.h>

#include "program_run.hpp"
#include "systolith/model/races.h"

namespace systolith::system_test {
namespace {

class RaceSearch : public testing::TestWithParam<std::string> {};

TEST_P(RaceSearch, FindsNoneInLegalPrograms) {
  const model::Configuration configuration = model::Configuration::named(GetParam());
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Program program = ProgramGenerator(GetParam(), seed).generate(40);
    const model::RaceReport report = model::find_races(configuration, program.commands);
    ASSERT_FALSE(report.stopped_at.has_value()) << "seed " << seed;
    ASSERT_TRUE(report.races.empty()) << "seed " << seed << ": commands " << report.races[0].first
                                      << " and " << report.races[0].second;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, RaceSearch, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
