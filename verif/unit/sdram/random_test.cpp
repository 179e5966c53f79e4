// Random bursts of both directions, in and past the memory, under every temper, against the image.
#include <algorithm>

#include "fixture.hpp"

namespace systolith::test {
namespace {

class SdramRandom : public testing::TestWithParam<unsigned> {};

TEST_P(SdramRandom, TrafficKeepsTheImage) {
  const unsigned seed = GetParam();
  std::mt19937_64 random(seed);
  SdramBench bench({}, seed);
  bench.early_w = seed % 4 >= 2;
  bench.power_up();
  const auto range = [&](uint64_t low, uint64_t high) { return low + random() % (high - low + 1); };
  const auto temper = [&] {
    return random() % 3 == 0 ? 100u : static_cast<unsigned>(range(5, 95));
  };
  // Few pages, so that rows conflict and bytes are written again; other seeds all of the memory.
  const uint64_t pages = seed % 2 == 0 ? 6 : kBytes / 4096;
  for (unsigned round = 0; round < 30; ++round) {
    bench.temper = {temper(), temper(), temper(), temper(), temper()};
    const unsigned bursts = 40;
    for (unsigned done = 0; done < bursts;) {
      if (bench.ar_waiting() < 3 && bench.aw_waiting() < 3) {
        const unsigned page_beats = 4096 / kBusBytes;
        const auto most =
            static_cast<unsigned>(random() % 4 == 0 ? kMaxBeats : std::min(kMaxBeats, 8u));
        const auto beats = static_cast<unsigned>(range(1, most));
        uint64_t address = range(0, pages - 1) * 4096 + range(0, page_beats - beats) * kBusBytes;
        if (random() % 16 == 0) address += kBytes << random() % 14;
        const bool write = random() % 2 == 0;
        if (bench.quiet(address, uint64_t{beats} * kBusBytes, write)) {
          const auto id = static_cast<unsigned>(random() % 4);
          if (write) {
            bench.write(address, beats, id, random() % 2 == 0);
          } else {
            bench.read(address, beats, id);
          }
          ++done;
        }
      }
      bench.step();
    }
    if (round % 5 == 4) {
      ASSERT_TRUE(bench.drain());
    }
  }
  ASSERT_TRUE(bench.drain());
  EXPECT_EQ(bench.reads.size() + bench.writes.size(), 30u * 40);
  bench.expect_right();
}

INSTANTIATE_TEST_SUITE_P(Seeds, SdramRandom, testing::Range(1u, 9u));

}  // namespace
}  // namespace systolith::test
