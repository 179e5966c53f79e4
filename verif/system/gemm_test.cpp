// Whole products on every prebuilt device: the same bits whatever the array, the tiling and the
// memory's timing.
#include <algorithm>

#include "gemm_fixture.hpp"

namespace systolith::system_test {
namespace {

using library::Format;
using library::OutFormat;
using library::Seed;

const char* const kDevices[] = {"sim:config=16x16", "sim:config=8x8", "sim:config=8x16",
                                "sim:config=4x4",   "sim:config=3x5", "sim:config=2x8",
                                "sim:config=tiny"};

class OnEveryDevice : public testing::TestWithParam<const char*> {};

TEST_P(OnEveryDevice, OddShapesInEveryFormat) {
  const std::uint64_t shapes[][3] = {{1, 1, 1}, {5, 3, 2}, {17, 19, 23}, {2, 40, 33}, {33, 7, 64}};
  for (const auto& s : shapes) {
    for (const OutFormat out : {OutFormat::fp32, OutFormat::bf16})
      expect_equal(GetParam(), Operands(s[0], s[1], s[2], Format::bf16, out, s[0] * 7 + s[2]).gemm);
    for (const OutFormat out : {OutFormat::int32, OutFormat::int8})
      expect_equal(GetParam(), Operands(s[0], s[1], s[2], Format::int8, out, s[0] * 5 + s[2]).gemm);
  }
}

// One less than, exactly and one more than a block of the array, a strip, two of them; odd and even
// numbers of strips.
TEST_P(OnEveryDevice, SizesAroundTheArray) {
  Device device(GetParam());
  const systolith_capabilities_t c = device.capabilities();
  std::uint64_t seed = 1;
  const auto around = [](std::uint64_t size) {
    return std::vector<std::uint64_t>{1, size - 1, size, size + 1, 2 * size + 1};
  };
  for (const bool int8 : {false, true}) {
    const Format format = int8 ? Format::int8 : Format::bf16;
    const OutFormat out = int8 ? OutFormat::int32 : OutFormat::fp32;
    const std::vector<std::uint64_t> ms = around(c.rows);
    for (const std::uint64_t n : around(c.columns))
      for (const std::uint64_t k : around(c.rows * (int8 ? 2U : 1U))) {
        ++seed;
        expect_equal(device, Operands(ms[seed % 5], n, k, format, out, seed).gemm);
      }
    for (std::uint64_t strips = 1; strips <= 5; ++strips)
      expect_equal(device, Operands(3, strips * c.columns, c.rows, format, out, ++seed).gemm);
  }
}

TEST_P(OnEveryDevice, SeedsOfEveryKind) {
  for (const Seed seed : {Seed::row, Seed::matrix}) {
    expect_equal(GetParam(), Operands(13, 21, 18, Format::bf16, OutFormat::fp32, 3, seed).gemm);
    expect_equal(GetParam(), Operands(13, 21, 18, Format::int8, OutFormat::int32, 4, seed).gemm);
  }
}

TEST_P(OnEveryDevice, ReluAndScales) {
  Operands column(9, 22, 31, Format::int8, OutFormat::int8, 5);
  column.scale_by_column(6);
  expect_equal(GetParam(), column.gemm);
  column.gemm.relu = true;
  expect_equal(GetParam(), column.gemm);
  for (const OutFormat out : {OutFormat::fp32, OutFormat::bf16}) {
    Operands relu(9, 22, 31, Format::bf16, out, 7);
    relu.gemm.relu = true;
    expect_equal(GetParam(), relu.gemm);
  }
}

TEST_P(OnEveryDevice, MemoryTimingChangesNothingButTime) {
  const Operands bf16(20, 18, 30, Format::bf16, OutFormat::bf16, 8);
  const Operands int8(20, 18, 30, Format::int8, OutFormat::int32, 9);
  for (const char* timing : {",latency=1", ",latency=17", ",latency=300", ",stall=0.5,seed=3",
                             ",stall=0.9,seed=4,latency=3"}) {
    expect_equal(std::string(GetParam()) + timing, bf16.gemm);
    expect_equal(std::string(GetParam()) + timing, int8.gemm);
  }
}

TEST_P(OnEveryDevice, CyclesAreExplainedExactly) {
  const systolith_counters_t c =
      expect_equal(GetParam(), Operands(24, 24, 40, Format::bf16, OutFormat::fp32, 10).gemm);
  EXPECT_EQ(c.cycles, c.mac_cycles + c.lost_start + c.lost_fill + c.lost_loads + c.lost_store +
                          c.lost_other + c.lost_reentry + c.lost_drain + c.lost_tail);
  EXPECT_EQ(c.macs, 24U * 24 * 40);
}

INSTANTIATE_TEST_SUITE_P(Devices, OnEveryDevice, testing::ValuesIn(kDevices), [](const auto& info) {
  const std::string uri = info.param;
  return "config_" + uri.substr(uri.find('=') + 1);
});

// One element on every device, worked out by hand.
void expect_chain(const std::vector<std::uint16_t>& a, const std::vector<std::uint16_t>& b,
                  std::uint32_t want, const std::uint32_t* seed = nullptr) {
  for (const char* uri : kDevices) {
    library::HostGemm gemm;
    gemm.m = gemm.n = 1;
    gemm.k = a.size();
    gemm.a = a.data();
    gemm.b = b.data();
    if (seed != nullptr) gemm.seed = library::Seed::matrix;
    gemm.c = seed;
    Device device(uri);
    const library::RunResult result = library::run_gemm(device, gemm);
    std::uint32_t bits;
    std::memcpy(&bits, result.d.data(), 4);
    EXPECT_EQ(bits, want) << uri;
  }
}

// 2^24, 1, 1, -2^24 in ascending k is 0; a sum in two halves is 1.
TEST(Chain, AscendingKOnEveryDevice) {
  expect_chain({0x4B80, 0x3F80, 0x3F80, 0xCB80}, std::vector<std::uint16_t>(4, 0x3F80), 0);
}

// 2^24 swallows eight ones one by one; a wider sum, a tree or another order keeps four of them.
TEST(Chain, EveryStepRoundsOnEveryDevice) {
  std::vector<std::uint16_t> a(9, 0x3F80);
  const std::vector<std::uint16_t> ones = a;
  a[0] = 0x4B80;
  expect_chain(a, ones, 0x4B800000);
  std::reverse(a.begin(), a.end());
  expect_chain(a, ones, 0x4B800004);
}

// -2^-100 x 2^-60 underflows to -0, and -0 x 1 leaves a seed of -0: an array that runs lanes past K
// would give +0.
TEST(Chain, PaddingOfKIsNotNeutralAndNotDone) {
  expect_chain({0x8D80}, {0x2180}, 0x80000000);
  const std::uint32_t seed = 0x80000000;
  expect_chain({0x8000}, {0x3F80}, 0x80000000, &seed);
}

TEST(Chain, SubnormalsAreKeptOnEveryDevice) {
  expect_chain({0x0D80}, {0x2700}, 0x00000001);
  expect_chain({0x0D80, 0x0DC0}, {0x2700, 0x2700}, 0x00000002);
  expect_chain({0x0001, 0x0001, 0x0001}, {0x3F80, 0x3F80, 0x3F80}, 0x00030000);
  expect_chain({0x9A00}, {0x1A00}, 0x80000000);
  expect_chain({0x0081, 0xBF80}, {0x3F80, 0x0080}, 0x00010000);
}

TEST(Chain, OneNanComesOutOfEveryDevice) {
  const std::uint32_t one = 0x3F800000, negative = 0xFFC12345, signalling = 0x7F800001;
  expect_chain({0x7F80}, {0x0000}, 0x7FC00000, &one);
  expect_chain({0x7F80, 0x3F80}, {0x3F80, 0xFF80}, 0x7FC00000);
  expect_chain({0x7F81}, {0x3F80}, 0x7FC00000);
  expect_chain({0x3F80}, {0x3F80}, 0x7FC00000, &negative);
  expect_chain({0x3F80}, {0x3F80}, 0x7FC00000, &signalling);
  expect_chain({0x7F7F, 0x7F7F}, {0x3F80, 0x7F80}, 0x7F800000);
}

// Eight strips, then five, then eight take the same accumulators.
TEST(Tilings, NarrowTileBetweenWideOnes) {
  expect_equal("sim:", Operands(200, 200, 200, Format::int8, OutFormat::int32, 1).gemm);
}

TEST(Tilings, SameBitsForEveryTiling) {
  const Operands o(70, 50, 90, Format::bf16, OutFormat::fp32, 11);
  const Operands i(70, 50, 90, Format::int8, OutFormat::int8, 12);
  // Rows, columns, k steps, slots, tiles on chip; kept operands; how the first tile begins and the
  // last one ends.
  const library::GemmTiling tilings[] = {
      {70, 50, 96, 2, 1},
      {16, 16, 32, 3, 4},
      {40, 32, 64, 2, 2},
      {7, 48, 32, 4, 3},
      {1, 16, 32, 2, 1},
      {70, 32, 32, 2, 2, true, false, 1, true, true, true},
      {70, 32, 96, 3, 1, true, false, 2, false, false, true},
      {32, 50, 32, 2, 2, false, true, 0, false, true, true},
      {64, 50, 64, 2, 1, false, true, 3, true, false, false},
      {70, 50, 32, 2, 1, true, true, 1, true, true, false},
  };
  for (const library::GemmTiling& tiling : tilings) {
    expect_equal("sim:config=16x16", o.gemm, &tiling);
    expect_equal("sim:config=16x16", i.gemm, &tiling);
  }
}

// Cycle counts are exact: these guard the schedule. A change that is meant says so here.
TEST(Speed, UtilisationOf512CubedAtLatency100) {
  struct Target {
    Format format;
    OutFormat out;
    double utilisation;
  };
  for (const Target& t :
       {Target{Format::bf16, OutFormat::bf16, 0.998}, Target{Format::int8, OutFormat::int8, 0.996},
        Target{Format::int8, OutFormat::int32, 0.994}}) {
    const Operands o(512, 512, 512, t.format, t.out, 13);
    const systolith_counters_t c = expect_equal("sim:", o.gemm);
    const double peak = 256.0 * (t.format == Format::int8 ? 2 : 1);
    EXPECT_GE(512.0 * 512 * 512 / peak / static_cast<double>(c.cycles), t.utilisation)
        << c.cycles << " cycles";
    if (t.format == Format::bf16) EXPECT_EQ(c.macs, 512ULL * 512 * 512);
  }
}

// Small, thin and flat ones, where a schedule shows: no more cycles than were once reached.
TEST(Speed, CyclesOfShortAndThinProductsAtLatency100) {
  struct Limit {
    std::uint64_t m, n, k;
    std::uint64_t bf16, int8;  // INT8 to INT8
  };
  for (const Limit& limit : {Limit{32, 32, 32, 836, 675}, Limit{64, 64, 64, 1991, 1222},
                             Limit{100, 100, 100, 5582, 3553}, Limit{17, 31, 1000, 6882, 3947},
                             Limit{2048, 32, 128, 35618, 18310}, Limit{32, 2048, 128, 35666, 18150},
                             Limit{1, 768, 768, 75214, 39261}, Limit{512, 512, 8, 33306, 16980}}) {
    const auto cycles = [&](Format format, OutFormat out) {
      return expect_equal("sim:", Operands(limit.m, limit.n, limit.k, format, out, 14).gemm).cycles;
    };
    EXPECT_LE(cycles(Format::bf16, OutFormat::bf16), limit.bf16)
        << limit.m << " x " << limit.n << " x " << limit.k;
    EXPECT_LE(cycles(Format::int8, OutFormat::int8), limit.int8)
        << limit.m << " x " << limit.n << " x " << limit.k;
  }
}

}  // namespace
}  // namespace systolith::system_test
