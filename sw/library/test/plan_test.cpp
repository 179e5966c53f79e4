// Plans without running them: what the semaphores of a plan guarantee.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "systolith/library/gemm.hpp"

namespace systolith::library {
namespace {

// Walks a plan in ring order and follows what each unit can know from its waits: that the stores up
// to some number are over. Accumulator rows may only be written when every earlier store of them
// is.
class StoresBeforeWrites {
 public:
  explicit StoresBeforeWrites(const DeviceShape& device) : device_(device) {}

  /// The first step that may overwrite rows not yet stored, or empty.
  std::string check(const GemmPlan& plan) {
    for (std::size_t i = 0; i < plan.steps.size() && error_.empty(); ++i) {
      index_ = i;
      std::visit(*this, plan.steps[i]);
    }
    return error_;
  }

  void operator()(const LoadStep& step) {
    wait(step, load_, rows_of(step.transfer));
    if (step.accumulators) {
      const Transfer& t = step.transfer;
      for (std::uint64_t row = 0; row < rows_of(t); ++row)
        written(load_, t.local_base + row * t.local_pitch, 1);
    }
    signal(step, load_, rows_of(step.transfer));
  }

  void operator()(const MatrixStep& step) {
    const std::uint64_t strips = (step.n + device_.cols - 1) / device_.cols;
    const std::uint64_t block = device_.rows * (step.format == Format::int8 ? 2U : 1U);
    const std::uint64_t rows = strips * ((step.k + block - 1) / block) * step.m;
    wait(step, matrix_, rows);
    for (std::uint64_t j = 0; j < strips; ++j)
      written(matrix_, step.c_base + j * step.c_pitch, step.m);
    signal(step, matrix_, rows);
  }

  void operator()(const StoreStep& step) {
    wait(step, store_, rows_of(step.transfer));
    stores_.push_back(
        {step.transfer.local_base,
         step.transfer.local_base + rows_of(step.transfer) * step.transfer.local_pitch});
    store_ = stores_.size();  // a signal is given when the store, and so every earlier one, is over
    signal(step, store_, rows_of(step.transfer));
  }

 private:
  struct Signals {
    std::uint64_t count;
    std::size_t known;
  };
  struct Rows {
    std::uint64_t begin, end;
  };

  static std::uint64_t rows_of(const Transfer& t) {
    return std::uint64_t{t.count[0]} * t.count[1] * t.count[2] * t.count[3];
  }

  template <typename T>
  void wait(const T& step, std::size_t& known, std::uint64_t rows) {
    for (const Sync& sync : step.wait) {
      const std::uint64_t groups =
          sync.by_rows ? (rows + (1ULL << sync.rows_log2) - 1) >> sync.rows_log2 : 1;
      // Of a wait by rows only the first group counts: the command has started by then.
      std::uint64_t left = sync.count * groups;
      std::uint64_t before_start = sync.count;
      while (left != 0) {
        auto& queue = signals_[sync.semaphore];
        if (queue.empty()) {
          fail("waits for a signal that no earlier step gives");
          return;
        }
        const std::uint64_t taken = std::min(left, queue.front().count);
        if (before_start != 0) known = std::max(known, queue.front().known);
        before_start -= std::min(before_start, taken);
        left -= taken;
        queue.front().count -= taken;
        if (queue.front().count == 0) queue.pop_front();
      }
    }
  }

  template <typename T>
  void signal(const T& step, std::size_t known, std::uint64_t rows) {
    for (const Sync& sync : step.signal) {
      const std::uint64_t groups =
          sync.by_rows ? (rows + (1ULL << sync.rows_log2) - 1) >> sync.rows_log2 : 1;
      if (sync.count != 0) signals_[sync.semaphore].push_back({sync.count * groups, known});
    }
  }

  void written(std::size_t known, std::uint64_t begin, std::uint64_t rows) {
    for (std::size_t store = known; store < stores_.size(); ++store) {
      if (stores_[store].begin < begin + rows && begin < stores_[store].end)
        fail("writes accumulator rows that store " + std::to_string(store) + " may not have read");
    }
  }

  void fail(const std::string& what) {
    if (error_.empty()) error_ = "step " + std::to_string(index_) + " " + what;
  }

  const DeviceShape& device_;
  std::size_t load_ = 0, matrix_ = 0, store_ = 0;  // stores that the unit knows to be over
  std::vector<Rows> stores_;
  std::map<unsigned, std::deque<Signals>> signals_;
  std::string error_;
  std::size_t index_ = 0;
};

GemmProblem problem_of(std::uint64_t m, std::uint64_t n, std::uint64_t k, OutFormat out) {
  GemmProblem p;
  p.m = m;
  p.n = n;
  p.k = k;
  p.out = out;
  p.format = out == OutFormat::int8 || out == OutFormat::int32 ? Format::int8 : Format::bf16;
  p.scaling = out == OutFormat::int8 ? Scale::tensor : Scale::none;
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

void expect_ordered(const GemmProblem& p, const DeviceShape& device, const GemmPlan& plan) {
  const std::string error = StoresBeforeWrites(device).check(plan);
  EXPECT_EQ(error, "") << p.m << " x " << p.n << " x " << p.k << " out " << static_cast<int>(p.out)
                       << " seed " << static_cast<int>(p.seed) << " tile " << plan.tiling.tile_m
                       << " x " << plan.tiling.tile_n;
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

TEST(Plan, AccumulatorsAreOverwrittenOnlyAfterTheirStores) {
  const DeviceShape device;
  std::mt19937 random(1);
  std::uniform_int_distribution<unsigned> size(1, 400);
  for (int round = 0; round < 25; ++round) {
    const std::uint64_t m = size(random), n = size(random), k = size(random);
    for (const OutFormat out :
         {OutFormat::fp32, OutFormat::bf16, OutFormat::int32, OutFormat::int8}) {
      for (const Seed seed : {Seed::none, Seed::matrix}) {
        GemmProblem p = problem_of(m, n, k, out);
        p.seed = seed;
        expect_ordered(p, device, plan_gemm(p, device));
      }
    }
  }
}

// Tilings that nobody would choose: every relation of a tile to the one whose place it takes.
TEST(Plan, AnyTilingKeepsTheOrderOfStores) {
  const auto shapes = {DeviceShape{}, [] {
                         DeviceShape small;
                         small.rows = small.cols = 4;
                         small.line_bytes = 8;
                         small.bus_bytes = 8;
                         small.lines = 2048;
                         small.accumulator_rows = 256;
                         small.drain_lanes = 4;
                         return small;
                       }()};
  unsigned planned = 0;
  for (const DeviceShape& shape : shapes) {
    for (const std::uint32_t tile_m : {shape.rows, 3 * shape.rows + 1, 5 * shape.rows}) {
      for (const std::uint32_t tile_n : {shape.cols, 2 * shape.cols, 3 * shape.cols}) {
        for (const std::uint32_t tiles : {1U, 2U, 3U}) {
          for (const OutFormat out : {OutFormat::bf16, OutFormat::int32}) {
            GemmTiling tiling;
            tiling.tile_m = tile_m;
            tiling.tile_n = tile_n;
            tiling.slice_k = 2 * shape.rows * (out == OutFormat::int32 ? 2 : 1);
            tiling.slots = 2;
            tiling.accumulator_tiles = tiles;
            const GemmProblem p =
                problem_of(7 * shape.rows + 2, 7 * shape.cols + 1, 5 * shape.rows, out);
            GemmPlan plan;
            try {
              plan = plan_gemm(p, shape, tiling);
            } catch (const std::invalid_argument&) {
              continue;  // does not fit
            }
            ++planned;
            expect_ordered(p, shape, plan);
          }
        }
      }
    }
  }
  EXPECT_GT(planned, 50U);
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
