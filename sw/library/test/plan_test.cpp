// Plans without running them: what the semaphores of a plan guarantee.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "systolith/library/encode.hpp"
#include "systolith/library/gemm.hpp"
#include "systolith/model/races.h"

namespace systolith::library {
namespace {

model::Configuration configuration_of(const DeviceShape& shape) {
  model::Configuration c = model::Configuration::named("16x16");
  c.rows = shape.rows;
  c.cols = shape.cols;
  c.bus_bytes = shape.bus_bytes;
  c.scratchpad_lines = shape.lines;
  c.scratchpad_banks = shape.banks;
  c.accumulator_rows = shape.accumulator_rows;
  EXPECT_EQ(c.line_bytes(), shape.line_bytes);
  return c;
}

std::string first_race(const DeviceShape& shape, const GemmPlan& plan) {
  const model::RaceReport report = model::find_races(configuration_of(shape), encode(plan));
  if (report.stopped_at)
    return "step " + std::to_string(*report.stopped_at) +
           (report.cause != 0
                ? " is refused: cause " + std::to_string(report.cause)
                : " waits for ever for semaphore " + std::to_string(report.semaphore));
  if (report.races.empty()) return "";
  const model::Race& race = report.races.front();
  const char* const names[] = {"lines", "accumulator rows", "bytes"};
  return "steps " + std::to_string(race.first) + " and " + std::to_string(race.second) +
         " race for " + names[static_cast<int>(race.space)] + " " + std::to_string(race.begin) +
         " to " + std::to_string(race.last);
}

GemmProblem problem_of(std::uint64_t m, std::uint64_t n, std::uint64_t k, OutFormat out) {
  GemmProblem p;
  p.m = m;
  p.n = n;
  p.k = k;
  p.out = out;
  p.format = out == OutFormat::int8 || out == OutFormat::int32 ? Format::int8 : Format::bf16;
  p.scaling = out == OutFormat::int8 ? Scale::tensor : Scale::none;
  p.scales = 0x5000000;
  const auto pitch = [](std::uint64_t bytes) { return (bytes + 15) / 16 * 16; };
  p.lda = pitch(k * bytes_of(p.format));
  p.ldb = pitch(n * bytes_of(p.format));
  p.ldd = pitch(n * bytes_of(out));
  p.ldc = pitch(n * 4);
  p.a = 0x1000000;
  p.b = 0x2000000;
  p.c = 0x3000000;
  p.d = 0x4000000;
  return p;
}

// Every byte of D is stored once, and loads read nothing but operands.
std::string outside(const GemmProblem& p, const GemmPlan& plan) {
  struct Matrix {
    std::uint64_t base, pitch, rows, row_bytes;
    bool holds(std::uint64_t address, std::uint64_t bytes) const {
      if (address < base) return false;
      const std::uint64_t row = pitch == 0 ? 0 : (address - base) / pitch;
      return row < rows && address - base - row * pitch + bytes <= row_bytes;
    }
  };
  const std::uint64_t element = bytes_of(p.format), out = bytes_of(p.out);
  const Matrix operands[] = {{p.a, p.lda, p.m, p.k * element},
                             {p.b, p.ldb, p.k, p.n * element},
                             {p.c, p.ldc, p.seed == Seed::none ? 0 : p.m, p.n * 4},
                             {p.scales, 0, p.scaling == Scale::column ? 1U : 0U, 8 * (p.n + 64)}};
  std::vector<std::uint8_t> stored(p.m * p.n * out, 0);
  std::string error;
  const auto rows = [](const Transfer& t, auto body) {
    for (std::uint32_t j = 0; j < t.count[1]; ++j)
      for (std::uint32_t i = 0; i < t.count[0]; ++i)
        body(t.address + static_cast<std::uint64_t>(t.stride[0]) * i +
             static_cast<std::uint64_t>(t.stride[1]) * j);
  };
  for (const Step& step : plan.steps) {
    if (const auto* load = std::get_if<LoadStep>(&step)) {
      rows(load->transfer, [&](std::uint64_t address) {
        if (std::none_of(std::begin(operands), std::end(operands), [&](const Matrix& matrix) {
              return matrix.holds(address, load->transfer.run);
            }))
          error = "a load reads outside of the operands";
      });
    } else if (const auto* store = std::get_if<StoreStep>(&step)) {
      rows(store->transfer, [&](std::uint64_t address) {
        const std::uint64_t row = (address - p.d) / p.ldd, column = (address - p.d) % p.ldd;
        if (address < p.d || row >= p.m || column + store->transfer.run > p.n * out) {
          error = "a store writes outside of D";
          return;
        }
        for (std::uint32_t i = 0; i < store->transfer.run; ++i)
          if (stored[row * p.n * out + column + i]++ != 0) error = "a byte is stored twice";
      });
    }
  }
  if (error.empty() && std::find(stored.begin(), stored.end(), 0) != stored.end())
    error = "a byte is never stored";
  return error;
}

void expect_ordered(const GemmProblem& p, const DeviceShape& device, const GemmPlan& plan) {
  const std::string error = first_race(device, plan) + outside(p, plan);
  EXPECT_EQ(error, "") << p.m << " x " << p.n << " x " << p.k << " out " << static_cast<int>(p.out)
                       << " seed " << static_cast<int>(p.seed) << " tile " << plan.tiling.tile_m
                       << " x " << plan.tiling.tile_n << " slice " << plan.tiling.slice_k
                       << " slots " << plan.tiling.slots << " tiles "
                       << plan.tiling.accumulator_tiles << " keep " << plan.tiling.keep_a
                       << plan.tiling.keep_b << " stream " << plan.tiling.stream_strips
                       << plan.tiling.stream_rows << " taper " << plan.tiling.taper_k
                       << plan.tiling.taper_tiles;
}

// What the plan of `p` is refused for, up to the first comma; empty if it is not.
std::string refusal_of(const GemmProblem& p) {
  try {
    plan_gemm(p, DeviceShape{});
  } catch (const std::invalid_argument& error) {
    const std::string text = error.what();
    return text.substr(0, text.find(','));
  }
  return "";
}

// 33 x 33 x 33: a row is 66 bytes of 80 in A and B, 132 of 144 in C and D.
TEST(Plan, DOverAnOperandIsRefused) {
  const GemmProblem p = problem_of(33, 33, 33, OutFormat::fp32);
  GemmProblem seeded = p;
  seeded.seed = Seed::matrix;
  const auto moved = [](GemmProblem at, std::uint64_t d) {
    at.d = d;
    return refusal_of(at);
  };
  EXPECT_EQ(moved(p, p.a), "D lies over A");
  EXPECT_EQ(moved(p, p.b), "D lies over B");
  EXPECT_EQ(moved(p, p.a + 32 * p.lda), "D lies over A");       // the last row
  EXPECT_EQ(moved(p, p.a + 32 * p.lda + 65), "D lies over A");  // its last byte
  EXPECT_EQ(moved(p, p.a + 32 * p.lda + 66), "");
  EXPECT_EQ(moved(p, p.a - 32 * p.ldd - 132), "");
  EXPECT_EQ(moved(p, p.a - 32 * p.ldd - 131), "D lies over A");  // D's last byte
  EXPECT_EQ(moved(p, p.c), "");                                  // no C is read
  EXPECT_EQ(moved(seeded, p.c + p.ldc), "D lies over C");
  EXPECT_EQ(moved(seeded, p.c + 4), "D lies over C");
  seeded.seed = Seed::row;
  EXPECT_EQ(moved(seeded, p.c), "D lies over C");
  EXPECT_EQ(moved(seeded, p.c + 132), "");
  GemmProblem scaled = problem_of(33, 33, 33, OutFormat::int8);
  EXPECT_EQ(moved(scaled, scaled.scales), "");
  scaled.scaling = Scale::column;
  EXPECT_EQ(moved(scaled, scaled.scales + 191), "D lies over the scales");  // padded to 48
  EXPECT_EQ(moved(scaled, scaled.scales + 192), "");
}

// Rows of D in the gaps between those of A share no byte with them.
TEST(Plan, DBetweenRowsOfAnOperandIsNotRefused) {
  GemmProblem p = problem_of(40, 20, 33, OutFormat::fp32);
  p.lda = p.ldd = 256;
  p.d = p.a + 66;
  expect_ordered(p, DeviceShape{}, plan_gemm(p, DeviceShape{}));
  p.d = p.a + 65;
  EXPECT_EQ(refusal_of(p), "D lies over A");
  p.d = p.a + 256 - 80;
  expect_ordered(p, DeviceShape{}, plan_gemm(p, DeviceShape{}));
  p.d = p.a + 256 - 79;
  EXPECT_EQ(refusal_of(p), "D lies over A");
}

TEST(Plan, CInTheVeryPlaceOfDHasNoRace) {
  for (const OutFormat out : {OutFormat::fp32, OutFormat::int32}) {
    GemmProblem p = problem_of(150, 170, 190, out);
    p.seed = Seed::matrix;
    p.d = p.c;
    expect_ordered(p, DeviceShape{}, plan_gemm(p, DeviceShape{}));
    p.ldd += 16;
    EXPECT_EQ(refusal_of(p), "D lies over C");
  }
  GemmProblem narrow = problem_of(20, 20, 20, OutFormat::bf16);
  narrow.seed = Seed::matrix;
  narrow.d = narrow.c;
  narrow.ldd = narrow.ldc;
  EXPECT_EQ(refusal_of(narrow), "D lies over C");
}

// Tiles of 100 x 128 and 100 x 72 in turn: eight strips are stored, then five, then eight.
TEST(Plan, NarrowTileBetweenWideOnesKeepsTheOrderOfStores) {
  const DeviceShape device;
  const GemmProblem p = problem_of(200, 200, 200, OutFormat::int32);
  GemmTiling tiling;
  tiling.tile_m = 100;
  tiling.tile_n = 128;
  tiling.slice_k = 32;
  tiling.slots = 4;
  tiling.accumulator_tiles = 1;
  expect_ordered(p, device, plan_gemm(p, device, tiling));
}

TEST(Plan, ChosenPlansHaveNoRaces) {
  const DeviceShape device;
  std::mt19937 random(1);
  std::uniform_int_distribution<unsigned> size(1, 400);
  for (int round = 0; round < 8; ++round) {
    const std::uint64_t m = size(random), n = size(random), k = size(random);
    for (const OutFormat out :
         {OutFormat::fp32, OutFormat::bf16, OutFormat::int32, OutFormat::int8}) {
      for (const Seed seed : {Seed::none, Seed::matrix}) {
        GemmProblem p = problem_of(m, n, k, out);
        p.seed = seed;
        if (out == OutFormat::int8 && seed == Seed::matrix) p.scaling = Scale::column;
        expect_ordered(p, device, plan_gemm(p, device));
      }
    }
  }
}

DeviceShape small_shape() {
  DeviceShape small;
  small.rows = small.cols = 4;
  small.line_bytes = 8;
  small.bus_bytes = 8;
  small.lines = 2048;
  small.accumulator_rows = 256;
  small.drain_lanes = 4;
  return small;
}

// Lines of two blocks of A, and of four strips of B in INT8.
DeviceShape wide_line_shape() {
  DeviceShape shape = small_shape();
  shape.line_bytes = 16;
  shape.bus_bytes = 16;
  return shape;
}

// Tilings that nobody would choose: every relation of a tile to the one whose place it takes, every
// beginning and end.
TEST(Plan, AnyTilingHasNoRaces) {
  std::mt19937 random(2);
  const auto pick = [&](std::uint32_t least, std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(least, most)(random);
  };
  unsigned planned = 0, kept = 0;
  for (const DeviceShape& shape : {DeviceShape{}, small_shape(), wide_line_shape()}) {
    for (int round = 0; round < 400; ++round) {
      const OutFormat out = std::array{OutFormat::fp32, OutFormat::bf16, OutFormat::int32,
                                       OutFormat::int8}[pick(0, 3)];
      const std::uint32_t r = shape.rows;
      GemmProblem p = problem_of(pick(1, 9 * r), pick(1, 9 * r), pick(1, 9 * r), out);
      if (pick(0, 2) == 0) p.seed = Seed::matrix;
      if (out == OutFormat::int8 && pick(0, 1) == 0) p.scaling = Scale::column;
      const std::uint32_t line_strips = shape.line_bytes / (shape.cols * bytes_of(p.format));
      GemmTiling tiling;
      tiling.tile_m = pick(1, 5 * r);
      tiling.tile_n = shape.cols * line_strips * pick(1, 4);
      tiling.slice_k = r * (p.format == Format::int8 ? 2 : 1) * pick(1, 4);
      tiling.slots = pick(2, 4);
      tiling.accumulator_tiles = pick(1, 3);
      tiling.keep_a = pick(0, 1) != 0;
      tiling.keep_b = pick(0, 1) != 0;
      tiling.stream_strips = pick(0, 3);
      tiling.stream_rows = pick(0, 1) != 0;
      tiling.taper_k = pick(0, 1) != 0;
      tiling.taper_tiles = pick(0, 1) != 0;
      GemmPlan plan;
      try {
        plan = plan_gemm(p, shape, tiling);
      } catch (const std::invalid_argument&) {
        continue;  // does not fit
      }
      ++planned;
      if ((tiling.keep_a && p.m <= tiling.tile_m) || (tiling.keep_b && p.n <= tiling.tile_n))
        ++kept;
      expect_ordered(p, shape, plan);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(planned, 600U);
  EXPECT_GT(kept, 100U);
}

// The check itself: a plan without one of its waits or signals has a race or stands still.
TEST(Plan, EveryWaitIsNeeded) {
  const DeviceShape shape = small_shape();
  const GemmProblem p = problem_of(20, 20, 40, OutFormat::bf16);
  GemmTiling tiling;
  tiling.tile_m = 8;
  tiling.tile_n = 8;
  tiling.slice_k = 8;
  tiling.slots = 2;
  tiling.accumulator_tiles = 1;
  const GemmPlan plan = plan_gemm(p, shape, tiling);
  ASSERT_EQ(first_race(shape, plan), "");
  unsigned waits = 0;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    for (const int which : {0, 1}) {
      GemmPlan broken = plan;
      const bool has = std::visit(
          [which](auto& step) {
            const bool used = step.wait[which].count != 0;
            step.wait[which] = {};
            return used;
          },
          broken.steps[i]);
      if (!has) continue;
      ++waits;
      EXPECT_NE(first_race(shape, broken), "") << "wait " << which << " of step " << i;
    }
  }
  EXPECT_GT(waits, 50U);
}

// 32 lines of 8 bytes: with the scales of a strip only low tiles fit.
TEST(Plan, SmallMemoriesTakeProductsOfEveryHeight) {
  DeviceShape small;
  small.rows = small.cols = 4;
  small.line_bytes = small.bus_bytes = 8;
  small.lines = small.accumulator_rows = 32;
  small.banks = 2;
  small.drain_lanes = 1;
  for (std::uint64_t m = 1; m <= 50; ++m) {
    GemmProblem p = problem_of(m, 9, 8, OutFormat::int8);
    p.scaling = Scale::column;
    ASSERT_NO_THROW(expect_ordered(p, small, plan_gemm(p, small))) << m;
  }
}

}  // namespace
}  // namespace systolith::library
