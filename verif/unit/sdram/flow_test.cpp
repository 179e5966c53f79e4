// Flow: power-up, order, IDs, stalls of every channel, refresh under load, fairness.
#include <algorithm>

#include "fixture.hpp"

namespace systolith::test {
namespace {

class SdramFlow : public SdramTest {};

constexpr uint64_t kInterval =
    uint64_t{kMegahertz} * 1'000'000 / 128'000 - 1;  // of refreshes, cycles

TEST(SdramPowerUp, SequenceIsThePages) {
  SdramBench bench;
  EXPECT_TRUE(bench.top().cke_o && bench.top().dqm_o == 3 && bench.top().cs_no);  // in reset
  // Asked before it is ready, served after.
  bench.write(0x1000, 2);
  for (uint64_t i = 0; i < 195 * kMegahertz; ++i) {
    bench.step();
    // Nothing drives the data pins, whatever the chip does before it has a mode.
    ASSERT_TRUE(bench.top().cke_o && bench.top().dqm_o == 3 && !bench.top().dq_enable_o);
  }
  EXPECT_EQ(bench.chip().counts().precharges, 0u);
  EXPECT_FALSE(bench.ready());
  while (!bench.chip().mode_loaded() && bench.step_to(100'000)) {
    ASSERT_TRUE(bench.top().cke_o && bench.top().dqm_o == 3 && !bench.top().dq_enable_o);
  }
  bench.power_up();
  EXPECT_EQ(bench.chip().counts().precharges, 1u);
  EXPECT_EQ(bench.chip().counts().refreshes, 8u);
  EXPECT_EQ(bench.chip().counts().mode_loads, 1u);
  EXPECT_EQ(bench.chip().counts().writes, 0u);
  EXPECT_EQ(bench.chip().cas_latency(), kCasLatency);
  EXPECT_EQ(bench.chip().burst_length(), 1u);
  ASSERT_TRUE(bench.drain());
  bench.read(0x1000, 2);
  ASSERT_TRUE(bench.drain());
  bench.expect_right();
  // 200 us and the sequence, exactly.
  EXPECT_EQ(bench.refreshes[0], 4 + 200u * kMegahertz + cycles(timing().tRP));
  for (unsigned i = 1; i < 8; ++i)
    EXPECT_EQ(bench.refreshes[i] - bench.refreshes[i - 1], cycles(timing().tRFC));
}

TEST(SdramPowerUp, ResetWhileBusyStartsAnew) {
  SdramBench bench;
  bench.power_up();
  bench.write(0x1000, 16);
  for (int i = 0; i < 40; ++i) bench.step();
  SdramBench
      fresh;  // the image of what survives is not promised: only that the controller works again
  fresh.power_up();
  fresh.write(0x1000, 4);
  fresh.read(0x8000, 8);
  for (int i = 0; i < 30; ++i) fresh.step();
  fresh.forget();
  for (int i = 0; i < 3; ++i) fresh.step(true);
  EXPECT_FALSE(fresh.ready());
  fresh.power_up();
  EXPECT_EQ(fresh.chip().counts().mode_loads, 2u);
  // While the sequence waits, rows that were left open are open too long and refreshes are owed.
  for (const auto& violation : fresh.chip().violations()) {
    EXPECT_TRUE(violation.rule == "tRAS_max" || violation.rule == "refresh")
        << violation.rule << violation.text;
  }
  fresh.chip().clear_violations();
  fresh.write(0x1000, 4);
  ASSERT_TRUE(fresh.drain());
  fresh.read(0x1000, 4);
  ASSERT_TRUE(fresh.drain());
  fresh.expect_right();
}

TEST_F(SdramFlow, ResponsesCarryTheirIds) {
  for (unsigned i = 0; i < 16; ++i) bench().write(0x1000 * i, 1, i * 7 % 4);
  ASSERT_TRUE(bench().drain());
  for (unsigned i = 0; i < 16; ++i) bench().read(0x1000 * i, 1 + i % 3, i * 5 % 4);
  ASSERT_TRUE(bench().drain());
  ASSERT_EQ(bench().reads.size(), 16u);
  for (unsigned i = 0; i < 16; ++i) {
    EXPECT_EQ(bench().reads[i].id, i * 5 % 4);
    EXPECT_EQ(bench().writes[i].id, i * 7 % 4);
  }
}

TEST_F(SdramFlow, DataMayComeLongBeforeTheirAddress) {
  bench().early_w = true;
  bench().hold_aw = true;
  for (unsigned i = 0; i < 6; ++i) bench().write(0x3000 + 0x800 * i, 8);
  bench().read(0x100000, 4);
  for (int i = 0; i < 500; ++i) bench().step();
  EXPECT_EQ(bench().w_waiting(), 6u * 8 - kDataDepth);
  EXPECT_EQ(bench().aw_waiting(), 6u);
  EXPECT_EQ(bench().reads.size(), 1u);
  bench().hold_aw = false;
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().writes.size(), 6u);
}

TEST_F(SdramFlow, AddressesWaitForTheirData) {
  bench().hold_w = true;
  for (unsigned i = 0; i < kAddressDepth + 2; ++i) bench().write(0x3000 + 0x800 * i, 4);
  for (unsigned i = 0; i < 8; ++i) bench().read(0x100000 + 0x1000 * i, 4);
  for (int i = 0; i < 4000; ++i) bench().step();
  EXPECT_EQ(bench().aw_waiting(), 2u);
  EXPECT_EQ(bench().reads.size(), 8u);
  EXPECT_EQ(bench().writes.size(), 0u);
  bench().hold_w = false;
  ASSERT_TRUE(bench().drain());
}

TEST_F(SdramFlow, StalledReadsLoseNothingAndHoldUpNoWrite) {
  bench().write(0x10000, kMaxBeats);
  bench().write(0x11000, kMaxBeats);
  ASSERT_TRUE(bench().drain());
  bench().hold_r = true;
  bench().read(0x10000, kMaxBeats);
  bench().read(0x11000, kMaxBeats);
  for (unsigned i = 0; i < 12; ++i) bench().write(0x200000 + 0x400 * i, 8);
  bench().words_read = 0;
  for (int i = 0; i < 12 * 8 * 40 + 2000; ++i) bench().step();
  EXPECT_EQ(bench().writes.size(), 14u);
  EXPECT_EQ(bench().words_read, uint64_t{kDataDepth} * kWords);  // what the buffer holds, no more
  bench().hold_r = false;
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().reads.size(), 2u);
}

TEST_F(SdramFlow, StalledResponsesHoldUpNoRead) {
  bench().hold_b = true;
  for (unsigned i = 0; i < kAddressDepth + 3; ++i) bench().write(0x200000 + 0x400 * i, 2);
  for (unsigned i = 0; i < 20; ++i) bench().read(0x1000 * i, 2);
  for (int i = 0; i < 20 * 200; ++i) bench().step();
  EXPECT_EQ(bench().reads.size(), 20u);
  EXPECT_EQ(bench().writes.size(), 0u);
  // One beat of the burst without room for its response was done: all but its last.
  EXPECT_EQ(bench().words_written, uint64_t{2 * kAddressDepth + 1} * kWords);
  bench().hold_b = false;
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().writes.size(), kAddressDepth + 3u);
}

TEST_F(SdramFlow, SlowChannelsLoseNothing) {
  bench().temper = {30, 30, 20, 15, 20};
  for (unsigned i = 0; i < 12; ++i)
    bench().write(0x30000 + 0x1000 * i, std::min(kMaxBeats, 24u), 2, false);
  ASSERT_TRUE(bench().drain());
  for (unsigned i = 0; i < 12; ++i) bench().read(0x30000 + 0x1000 * i, std::min(kMaxBeats, 24u));
  ASSERT_TRUE(bench().drain());
}

// ---- refresh ----
void saturate(SdramBench& bench, uint64_t cycles, bool reads, bool writes) {
  uint64_t read_address = 0, write_address = kBytes / 2;
  const unsigned beats = std::min(kMaxBeats, 16u);
  for (uint64_t i = 0; i < cycles; ++i) {
    while (reads && bench.ar_waiting() < 2) {
      bench.read(read_address, beats);
      read_address = (read_address + uint64_t{beats} * kBusBytes) % (kBytes / 2);
    }
    while (writes && bench.aw_waiting() < 2) {
      bench.write(write_address, beats);
      write_address += uint64_t{beats} * kBusBytes;
    }
    bench.step();
  }
}

// Also the model's rule: never more than 8 are owed.
TEST_F(SdramFlow, RefreshIsNeverLate) {
  // The current beat, the bus at rest, recovery, all rows closed.
  const uint64_t late = kWords + kCasLatency + 2 + cycles(timing().tDPL) + cycles(timing().tRP) + 4;
  for (const auto& [reads, writes] :
       {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
    ASSERT_TRUE(bench().drain());
    bench().refreshes.clear();
    const uint64_t start = bench().cycle;
    saturate(bench(), 60 * kInterval, reads, writes);
    const auto& at = bench().refreshes;
    ASSERT_GE(at.size(), 59u);
    ASSERT_LE(at.size(), 61u);
    for (size_t i = 1; i < at.size(); ++i) {
      // The timer runs on while one is late: every one comes within `late` of its place on the
      // grid.
      EXPECT_LE(at[i] - at[0], i * kInterval + late);
      EXPECT_GE(at[i] - at[0] + late, i * kInterval);
    }
    EXPECT_LT(at[0] - start, kInterval + late);
  }
  // 8192 in 64 ms with the last one late.
  EXPECT_LE((8192 * kInterval + late) * kPeriod, timing().tREF + 8192 * 1'000);
  EXPECT_LE((8192 * kInterval + late) * 1'000'000 / kMegahertz, timing().tREF);
  // Nor more than a part in 128 (512 at 100 MHz) too often.
  EXPECT_GT((8192 * (kInterval + 2)) * 1'000'000 / kMegahertz, timing().tREF);
}

// Rows that nobody touches keep their bits over more than 64 ms, in a chip that loses them after 64
// ms.
TEST(SdramRetention, RowsKeepTheirBits) {
  sdram::SdramFaults faults;
  faults.decay_ps = timing().tREF;
  SdramBench bench(faults);
  bench.power_up();
  constexpr uint64_t kStride = 0x10000;  // every 16th row
  for (uint64_t address = 0; address < kBytes; address += kStride + 0x400)
    bench.write(address & ~uint64_t{0xff}, 1);
  ASSERT_TRUE(bench.drain());
  const uint64_t end = bench.cycle + 66'000ull * kMegahertz;
  // Half of the time under load elsewhere: rows 8 to 15 of each 16.
  for (uint64_t address = 0x8000; bench.cycle < end;) {
    if (bench.cycle % (400'000) < 200'000 && bench.ar_waiting() < 2) {
      bench.read(address, 0x80 / kBusBytes);
      address = (address + 0x80) % 0x8000 + 0x8000;
    }
    bench.step();
  }
  ASSERT_TRUE(bench.drain());
  for (uint64_t address = 0; address < kBytes; address += kStride + 0x400)
    bench.read(address & ~uint64_t{0xff}, 1);
  ASSERT_TRUE(bench.drain());
  bench.expect_right();
  EXPECT_EQ(bench.chip().counts().decayed_rows, 0u);
}

// ---- fairness ----
TEST_F(SdramFlow, NeitherDirectionStarves) {
  saturate(bench(), 2'000, true, true);
  bench().words_read = bench().words_written = 0;
  const uint64_t start = bench().cycle;
  uint64_t last_read = bench().words_read, last_write = bench().words_written;
  uint64_t read_at = start, write_at = start, wait_read = 0, wait_write = 0;
  for (int i = 0; i < 20'000; ++i) {
    saturate(bench(), 1, true, true);
    if (bench().words_read != last_read) {
      wait_read = std::max(wait_read, bench().cycle - read_at);
      read_at = bench().cycle;
      last_read = bench().words_read;
    }
    if (bench().words_written != last_write) {
      wait_write = std::max(wait_write, bench().cycle - write_at);
      write_at = bench().cycle;
      last_write = bench().words_written;
    }
  }
  const double share = static_cast<double>(last_read) / static_cast<double>(last_read + last_write);
  EXPECT_GT(share, 0.45);
  EXPECT_LT(share, 0.55);
  // A turn of the other direction, a beat in flight, two rows opened and a refresh.
  const uint64_t most = 128 + 2 * kWords + 64;
  EXPECT_LE(wait_read, most);
  EXPECT_LE(wait_write, most);
}

TEST_F(SdramFlow, LoneBurstIsNotHeldUpByAStream) {
  for (unsigned i = 0; i < 64; ++i) bench().write(0x100000 + 0x400 * i, std::min(kMaxBeats, 16u));
  for (int i = 0; i < 300; ++i) bench().step();
  bench().read(0x4000, 1);
  while (bench().reads.empty() && bench().step_to(100'000)) {
  }
  ASSERT_EQ(bench().reads.size(), 1u);
  EXPECT_LE(bench().reads[0].first - bench().reads[0].asked, 128 + 3 * kWords + 64u);
  ASSERT_TRUE(bench().drain());
}

}  // namespace
}  // namespace systolith::test
