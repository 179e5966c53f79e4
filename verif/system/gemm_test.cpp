// Whole products on every prebuilt device: the same bits whatever the array, the tiling and the
// memory's timing.
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

// The chain of 2^24, 1, 1, -2^24 in ascending k is 0; any other order or width gives something
// else.
TEST(Chain, AscendingKOnEveryDevice) {
  for (const char* uri : kDevices) {
    library::HostGemm gemm;
    const std::uint16_t a[] = {0x4B80, 0x3F80, 0x3F80, 0xCB80};
    const std::uint16_t b[] = {0x3F80, 0x3F80, 0x3F80, 0x3F80};
    gemm.m = gemm.n = 1;
    gemm.k = 4;
    gemm.a = a;
    gemm.b = b;
    Device device(uri);
    const library::RunResult result = library::run_gemm(device, gemm);
    std::uint32_t bits;
    std::memcpy(&bits, result.d.data(), 4);
    EXPECT_EQ(bits, 0U) << uri;
  }
}

// -2^-100 x 2^-60 underflows to -0: an array that runs lanes past K would give +0.
TEST(Chain, PaddingOfKIsNotNeutralAndNotDone) {
  for (const char* uri : kDevices) {
    library::HostGemm gemm;
    const std::uint16_t a = 0x8D80, b = 0x2180;
    gemm.m = gemm.n = gemm.k = 1;
    gemm.a = &a;
    gemm.b = &b;
    Device device(uri);
    const library::RunResult result = library::run_gemm(device, gemm);
    std::uint32_t bits;
    std::memcpy(&bits, result.d.data(), 4);
    EXPECT_EQ(bits, 0x80000000U) << uri;
  }
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
  for (const Limit& limit : {Limit{32, 32, 32, 834, 673}, Limit{64, 64, 64, 1989, 1220},
                             Limit{100, 100, 100, 5580, 3551}, Limit{17, 31, 1000, 6880, 3945},
                             Limit{2048, 32, 128, 35616, 18308}, Limit{32, 2048, 128, 35663, 18148},
                             Limit{1, 768, 768, 75212, 39259}, Limit{512, 512, 8, 33304, 16966}}) {
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
