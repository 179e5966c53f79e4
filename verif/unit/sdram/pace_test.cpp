// The figures of the page: latency from idle and throughput, exactly.
#include <algorithm>
#include <cstdio>

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

// Words moved in 200 refresh intervals, of 1000 cycles.
TEST_F(SdramPace, LongStreams) {
  const uint64_t interval = uint64_t{kMegahertz} * 1'000'000 / 128'000 - 1;
  const unsigned beats = std::min(kMaxBeats, 16u);
  uint64_t read_address = 0, write_address = kBytes / 2;
  const auto run = [&](bool reads, bool writes, unsigned length) {
    const auto fill = [&] {
      while (reads && bench().ar_waiting() < 2) {
        bench().read(read_address, length);
        read_address = (read_address + uint64_t{length} * kBusBytes) % (kBytes / 2);
      }
      while (writes && bench().aw_waiting() < 2) {
        bench().write(write_address, length);
        write_address = kBytes / 2 + (write_address + uint64_t{length} * kBusBytes) % (kBytes / 2);
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
  std::printf("words in 10000 cycles: read %u write %u both %u short %u %u\n",
              (unsigned)run(true, false, beats), (unsigned)run(false, true, beats),
              (unsigned)run(true, true, beats), (unsigned)run(true, false, 1),
              (unsigned)run(false, true, 1));
}

}  // namespace
}  // namespace systolith::test
