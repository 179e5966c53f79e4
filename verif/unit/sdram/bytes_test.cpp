// What is stored where: round trips, the address mapping, strobes, row and bank crossings,
// addresses past the memory.
#include "fixture.hpp"

namespace systolith::test {
namespace {

class SdramBytes : public SdramTest {};

TEST_F(SdramBytes, BeatComesBack) {
  bench().write(0x12340, 1);
  ASSERT_TRUE(bench().drain());
  bench().read(0x12340, 1);
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().reads.size(), 1u);
  EXPECT_EQ(bench().writes.size(), 1u);
}

// The chip is compared with the image by the page's mapping, so a crossed bit shows even if it is
// crossed both ways.
TEST_F(SdramBytes, EachAddressBitHasItsPlace) {
  for (uint64_t bit = kBusBytes; bit < kBytes; bit <<= 1) {
    bench().write(bit, 1);
    bench().write(kBytes - kBusBytes - bit, 1);
  }
  bench().write(0, 1);
  bench().write(kBytes - kBusBytes, 1);
  ASSERT_TRUE(bench().drain());
  for (uint64_t bit = kBusBytes; bit < kBytes; bit <<= 1) bench().read(bit, 1);
  bench().read(0, 1);
  bench().read(kBytes - kBusBytes, 1);
  ASSERT_TRUE(bench().drain());
}

TEST_F(SdramBytes, BankAndRowAreThePages) {
  bench().write(0x0000c00, 1);
  bench().write(0x1abc400, 1);
  ASSERT_TRUE(bench().drain());
  EXPECT_TRUE(bench().chip().open(3));
  EXPECT_TRUE(bench().chip().open(1));
  EXPECT_EQ(bench().chip().word(3, 0, 0), *bench().image(0xc00) | *bench().image(0xc01) << 8);
  EXPECT_EQ(bench().chip().word(1, 0x1abc, 0), *bench().image(0x1abc400) | *bench().image(0x1abc401)
                                                                               << 8);
}

TEST_F(SdramBytes, LongestBurstsCrossRowsAndBanks) {
  const uint64_t bytes = uint64_t{kMaxBeats} * kBusBytes;
  for (const uint64_t page : {0x5000u, 0x6000u, 0x1fff000u}) {
    bench().write(page, kMaxBeats);
    bench().write(page + 4096 - bytes, kMaxBeats);
  }
  ASSERT_TRUE(bench().drain());
  for (const uint64_t page : {0x5000u, 0x6000u, 0x1fff000u}) {
    bench().read(page, kMaxBeats);
    bench().read(page + 4096 - bytes, kMaxBeats);
  }
  ASSERT_TRUE(bench().drain());
}

TEST_F(SdramBytes, BurstsOfEveryLengthAcrossARow) {
  const unsigned row_beats = 1024 / kBusBytes;
  for (unsigned beats = 1; beats <= std::min(kMaxBeats, row_beats + 2); ++beats) {
    const uint64_t address =
        0x40000 + uint64_t{beats} * 8192 + 1024 - uint64_t{beats / 2} * kBusBytes;
    bench().write(address, beats);
    ASSERT_TRUE(bench().drain());
    bench().read(address, beats);
    ASSERT_TRUE(bench().drain());
  }
}

TEST_F(SdramBytes, RowsOfOneBankAlternate) {
  for (unsigned i = 0; i < 8; ++i) bench().write(0x4000 * i + 0x40, 2);
  ASSERT_TRUE(bench().drain());
  for (unsigned i = 0; i < 8; ++i) bench().read(0x4000 * (7 - i) + 0x40, 2);
  ASSERT_TRUE(bench().drain());
}

TEST_F(SdramBytes, EachStrobeIsItsByte) {
  bench().write(0x2000, 4);
  for (unsigned byte = 0; byte < kBusBytes; ++byte) {
    std::vector<uint8_t> data(kBusBytes);
    for (unsigned i = 0; i < kBusBytes; ++i) data[i] = static_cast<uint8_t>(17 * byte + i + 1);
    bench().write(0x2000 + byte % 4 * kBusBytes, data, uint64_t{1} << byte, 2);
  }
  ASSERT_TRUE(bench().drain());
  bench().read(0x2000, 4);
  ASSERT_TRUE(bench().drain());
}

TEST_F(SdramBytes, NoStrobeChangesNothing) {
  bench().write(0x2000, 2);
  bench().write(0x2000, std::vector<uint8_t>(size_t{2} * kBusBytes, 0xee), 0, 2);
  ASSERT_TRUE(bench().drain());
  bench().read(0x2000, 2);
  ASSERT_TRUE(bench().drain());
}

TEST_F(SdramBytes, LowAddressBitsAreIgnored) {
  std::vector<uint8_t> data(kBusBytes);
  for (unsigned i = 0; i < kBusBytes; ++i) data[i] = static_cast<uint8_t>(0x80 + i);
  bench().write(0x3000 + kBusBytes + 3, data, ~uint64_t{0} >> (64 - kBusBytes) & ~uint64_t{7}, 0);
  ASSERT_TRUE(bench().drain());
  bench().read(0x3000 + kBusBytes + kBusBytes - 1, 1);
  ASSERT_TRUE(bench().drain());
}

// ---- past the memory: the fixture expects DECERR on every beat, zeros, and the image as it was
// ----
TEST_F(SdramBytes, PastTheMemoryIsDecodeError) {
  bench().write(0, 4);
  ASSERT_TRUE(bench().drain());
  const auto before = bench().chip().counts();
  for (const uint64_t address : {kBytes, uint64_t{1} << 26, uint64_t{1} << 39, kBytes + 0x12340}) {
    bench().write(address, 4);
    bench().read(address, 4);
  }
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().chip().counts().reads, before.reads);
  EXPECT_EQ(bench().chip().counts().writes, before.writes);
  EXPECT_EQ(bench().chip().counts().activates, before.activates);
  bench().read(0, 4);
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().reads.size(), 5u);
  EXPECT_EQ(bench().writes.size(), 5u);
}

TEST_F(SdramBytes, ErrorsAmongGoodBursts) {
  for (unsigned i = 0; i < 24; ++i) {
    const uint64_t address = uint64_t{i} * 1024 + 0x400;
    bench().write(i % 3 == 1 ? address + kBytes : address, 1 + i % 4, i % 4);
  }
  ASSERT_TRUE(bench().drain());
  for (unsigned i = 0; i < 24; ++i) {
    const uint64_t address = uint64_t{i} * 1024 + 0x400;
    bench().read(i % 3 == 2 ? address + kBytes : address, 1 + i % 4, i % 4);
  }
  ASSERT_TRUE(bench().drain());
}

TEST_F(SdramBytes, LongestErrorBursts) {
  bench().read(kBytes, kMaxBeats);
  bench().write(kBytes, kMaxBeats);
  bench().write(0x1000, kMaxBeats);
  ASSERT_TRUE(bench().drain());
  bench().read(0x1000, kMaxBeats);
  bench().read(kBytes + 0x1000, kMaxBeats);
  ASSERT_TRUE(bench().drain());
}

// ---- faults of a board are seen by writing and reading back ----
unsigned wrong_bytes(const sdram::SdramFaults& faults, bool byte_writes) {
  SdramBench bench(faults);
  bench.power_up();
  // Each address bit alone, and all but each.
  std::vector<uint64_t> addresses = {0, kBytes - kBusBytes};
  for (uint64_t bit = kBusBytes; bit < kBytes; bit <<= 1) {
    addresses.push_back(bit);
    addresses.push_back(kBytes - kBusBytes - bit);
  }
  for (const uint64_t address : addresses) bench.write(address, 1, 2, !byte_writes);
  EXPECT_TRUE(bench.drain());
  for (const uint64_t address : addresses) bench.read(address, 1);
  EXPECT_TRUE(bench.drain());
  unsigned wrong = 0;
  for (const ReadDone& read : bench.reads) {
    for (size_t i = 0; i < read.data.size(); ++i) wrong += read.data[i] != read.expected[i];
  }
  return wrong;
}

TEST(SdramBoard, FaultsAreSeen) {
  EXPECT_EQ(wrong_bytes({}, true), 0u);
  for (unsigned line = 0; line < 15; ++line) {
    for (const bool value : {false, true}) {
      // Bit 10 at 0 leaves banks open at refresh, which is a violation, not a wrong bit.
      if (line == 10 && !value) continue;
      sdram::SdramFaults faults;
      faults.address = {line, value};
      EXPECT_GT(wrong_bytes(faults, false), 0u) << "address line " << line << " at " << value;
    }
  }
  for (unsigned line = 0; line < 16; ++line) {
    sdram::SdramFaults faults;
    faults.data = {line, line % 2 == 0};
    EXPECT_GT(wrong_bytes(faults, false), 0u) << "data line " << line;
  }
  sdram::SdramFaults faults;
  faults.swapped_lanes = true;
  EXPECT_EQ(wrong_bytes(faults, false), 0u);
  EXPECT_GT(wrong_bytes(faults, true), 0u);
}

}  // namespace
}  // namespace systolith::test
