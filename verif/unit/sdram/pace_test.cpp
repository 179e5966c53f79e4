// The figures of the page: latency from idle and throughput, exactly.
#include <algorithm>

#include "fixture.hpp"

namespace systolith::test {
namespace {

class SdramPace : public SdramTest {
 protected:
  // Cycles from AR's handshake to the first R's, of a lone read right after a refresh.
  uint64_t read_latency(uint64_t address, unsigned beats = 1) {
    bench().read(address, beats);
    EXPECT_TRUE(bench().drain());
    return bench().reads.back().first - bench().reads.back().asked;
  }
  void after_refresh() {
    EXPECT_TRUE(bench().drain());
    const size_t seen = bench().refreshes.size();
    while (bench().refreshes.size() == seen) bench().step();
    for (int i = 0; i < 20; ++i) bench().step();
  }
};

TEST_F(SdramPace, ReadFromIdle) {
  const unsigned base = kCasLatency + kCaptureCycles + kWords + 1;
  const unsigned to_row = std::max(2u, cycles(timing().tRCD));
  after_refresh();
  EXPECT_EQ(read_latency(0x1000), 2 + to_row + base);                         // bank closed
  EXPECT_EQ(read_latency(0x1100), 3 + base);                                  // row open
  EXPECT_EQ(read_latency(0x5100), 2 + cycles(timing().tRP) + to_row + base);  // another row open
  // Longer bursts come no later.
  EXPECT_EQ(read_latency(0x5200, 4), 3 + base);
  EXPECT_EQ(bench().reads.back().last - bench().reads.back().first, 3 * kWords);
}

// A lone read in each cycle of a refresh interval.
TEST_F(SdramPace, WorstReadMeetsARefresh) {
  const unsigned base = kCasLatency + kCaptureCycles + kWords + 1;
  const unsigned to_row = std::max(2u, cycles(timing().tRCD));
  const uint64_t interval = uint64_t{kMegahertz} * 1'000'000 / 128'000 - 1;
  after_refresh();
  uint64_t worst = 0;
  for (uint64_t i = 0; i < interval; ++i) {
    const uint64_t start = bench().cycle;
    worst = std::max(worst, read_latency(0x1000));
    while (bench().cycle < start + interval + 1) bench().step();
  }
  // It comes just after the row was opened, which has to be closed and opened again.
  const unsigned to_refresh =
      std::max(cycles(timing().tRAS) + cycles(timing().tRP), cycles(timing().tRC));
  EXPECT_EQ(worst, 2 + to_refresh + cycles(timing().tRFC) + to_row + base);
}

TEST_F(SdramPace, WriteFromIdle) {
  after_refresh();
  bench().write(0x1000, 1);
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().writes.back().done - bench().writes.back().data,
            2 + std::max(2u, cycles(timing().tRCD)) + kWords);
  bench().write(0x1000, 1);
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().writes.back().done - bench().writes.back().data, 3 + kWords);
}

// Words moved in 10,000 cycles, in the mean over 200 refresh intervals.
struct Pace {
  unsigned width, megahertz, read, write, both, conflict;
};
constexpr Pace kPaces[] = {
    {128, 50, 9'775, 9'749, 9'494, 6'581},  {64, 25, 9'723, 9'671, 9'488, 5'567},
    {512, 50, 9'826, 9'826, 9'627, 9'051},  {64, 100, 9'852, 9'839, 9'572, 4'923},
    {128, 100, 9'814, 9'801, 9'412, 5'651}, {256, 75, 9'826, 9'809, 9'547, 7'926},
    {64, 133, 9'865, 9'855, 9'581, 4'951},
};

TEST_F(SdramPace, LongStreams) {
  const auto pace = std::find_if(std::begin(kPaces), std::end(kPaces), [](const Pace& p) {
    return p.width == DATA_WIDTH && p.megahertz == kMegahertz;
  });
  ASSERT_NE(pace, std::end(kPaces));
  const uint64_t interval = uint64_t{kMegahertz} * 1'000'000 / 128'000 - 1;
  // Each direction has its half of the memory; a stride of 0 is a stream.
  const auto run = [&](bool reads, bool writes, unsigned beats, uint64_t stride) {
    uint64_t read_address = 0, write_address = 0;
    const uint64_t step = stride != 0 ? stride : uint64_t{beats} * kBusBytes;
    after_refresh();
    const auto fill = [&] {
      while (reads && bench().ar_waiting() < 2) {
        bench().read(read_address, beats);
        read_address = (read_address + step) % (kBytes / 2);
      }
      while (writes && bench().aw_waiting() < 2) {
        bench().write(kBytes / 2 + write_address, beats);
        write_address = (write_address + step) % (kBytes / 2);
      }
      bench().step();
    };
    for (int i = 0; i < 1'000; ++i) fill();
    bench().words_read = bench().words_written = 0;
    const uint64_t cycles = 200 * interval;
    for (uint64_t i = 0; i < cycles; ++i) fill();
    const uint64_t words = bench().words_read + bench().words_written;
    EXPECT_TRUE(bench().drain());
    return words * 10'000 / cycles;
  };
  EXPECT_EQ(run(true, false, std::min(kMaxBeats, 16u), 0), pace->read);
  EXPECT_EQ(run(false, true, std::min(kMaxBeats, 16u), 0), pace->write);
  EXPECT_EQ(run(true, true, std::min(kMaxBeats, 16u), 0), pace->both);
  // Bursts of one beat stream as well.
  EXPECT_EQ(run(true, false, 1, 0), pace->read);
  EXPECT_EQ(run(false, true, 1, 0), pace->write);
  // Beats that each close the row of the one before.
  EXPECT_EQ(run(true, false, 1, 4096), pace->conflict);
  EXPECT_GT(pace->read, 9'500u);
  EXPECT_GT(pace->write, 9'500u);
  EXPECT_GT(pace->both, 9'000u);
}

}  // namespace
}  // namespace systolith::test
