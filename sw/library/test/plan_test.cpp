// Plans without running them: what the semaphores of a plan guarantee.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
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

// What a unit's row knows to be over of each unit: rows of loads, products and stores, counted
// through the whole plan.
struct Knowledge {
  std::array<std::uint64_t, 3> rows{};

  void merge(const Knowledge& other) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::max(rows[i], other.rows[i]);
  }
};

enum Unit : std::uint8_t { kLoad, kMatrix, kStore };
const char* const kUnitNames[] = {"load", "matrix", "store"};

// Walks a plan in ring order, row by row, and follows what its semaphores let each row know. A row
// may only read what was written by rows that it knows to be over, and only write what rows that it
// knows to be over have read or written; rows of its own unit come in order.
class Races {
 public:
  explicit Races(const DeviceShape& device)
      : device_(device), lines_(device.lines), accumulators_(device.accumulator_rows) {}

  /// The first row that runs into another unit's, or a semaphore's failure; empty when there is
  /// none.
  std::string check(const GemmPlan& plan) {
    for (std::size_t i = 0; i < plan.steps.size() && error_.empty(); ++i) {
      step_ = i;
      std::visit(*this, plan.steps[i]);
    }
    for (const auto& [semaphore, tokens] : most_tokens_)
      if (tokens > 65535) fail("semaphore " + std::to_string(semaphore) + " overflows");
    return error_;
  }

  void operator()(const LoadStep& step) {
    const std::uint32_t lines =
        step.accumulators ? 1 : (step.transfer.run + device_.line_bytes - 1) / device_.line_bytes;
    auto& space = step.accumulators ? accumulators_ : lines_;
    rows_of_transfer(step, kLoad, [&](std::uint64_t row) {
      const std::uint64_t first = step.transfer.local_base + row * step.transfer.local_pitch;
      for (std::uint32_t line = 0; line < lines; ++line) write(space, first + line);
    });
  }

  void operator()(const MatrixStep& step) {
    const std::uint32_t element = bytes_of(step.format);
    const std::uint64_t strips = (step.n + device_.cols - 1) / device_.cols;
    const std::uint64_t block = device_.rows * (step.format == Format::int8 ? 2U : 1U);
    const std::uint64_t blocks = (step.k + block - 1) / block;
    begin(step, kMatrix, strips * blocks * step.m);
    for (std::uint64_t pass = 0; pass < strips * blocks && error_.empty(); ++pass) {
      const std::uint64_t k_block = step.strip_outer ? pass % blocks : pass / strips;
      const std::uint64_t strip = step.strip_outer ? pass / blocks : pass % strips;
      for (std::uint64_t m = 0; m < step.m && error_.empty(); ++m) {
        row_begins(pass * step.m + m);
        if (m == 0) {
          for (std::uint64_t k = 0; k < std::min<std::uint64_t>(block, step.k - k_block * block);
               ++k)
            read(lines_, step.b_base + (k_block * block + k) * step.b_pitch +
                             strip * device_.cols * element / device_.line_bytes);
        }
        read(lines_,
             step.a_base + m * step.a_pitch + k_block * 2 * device_.rows / device_.line_bytes);
        const std::uint64_t sum = step.c_base + strip * step.c_pitch + m;
        if (step.accumulate || k_block != 0) read(accumulators_, sum);
        write(accumulators_, sum);
        row_ends();
      }
    }
    end(step);
  }

  void operator()(const StoreStep& step) {
    rows_of_transfer(step, kStore, [&](std::uint64_t row) {
      if (step.scale_per_column) read(lines_, step.scale_line);
      read(accumulators_, step.transfer.local_base + row * step.transfer.local_pitch);
    });
  }

 private:
  // Who touched a line or an accumulator row last: numbers of rows, from 1.
  struct Place {
    std::array<std::uint64_t, 3> read{}, written{};
  };
  struct Token {
    std::uint64_t count;
    Knowledge known;
  };

  template <typename T, typename Body>
  void rows_of_transfer(const T& step, Unit unit, Body body) {
    const Transfer& t = step.transfer;
    const std::uint64_t rows = std::uint64_t{t.count[0]} * t.count[1] * t.count[2] * t.count[3];
    begin(step, unit, rows);
    for (std::uint64_t row = 0; row < rows && error_.empty(); ++row) {
      row_begins(row);
      body(row);
      row_ends();
    }
    end(step);
  }

  template <typename T>
  void begin(const T& step, Unit unit, std::uint64_t rows) {
    unit_ = unit;
    rows_ = rows;
    waits_ = {step.wait[0], step.wait[1]};
    signals_of_step_ = {step.signal[0], step.signal[1]};
  }

  void row_begins(std::uint64_t row) {
    for (const Sync& wait : waits_) {
      if (wait.count == 0) continue;
      const bool asks = wait.by_rows ? row % (1ULL << wait.rows_log2) == 0 : row == 0;
      if (asks) take(wait.semaphore, wait.count);
    }
    row_ = row;
    current_ = done_[unit_] + row + 1;
  }

  void row_ends() {
    for (const Sync& signal : signals_of_step_) {
      if (signal.count == 0 || !signal.by_rows) continue;
      if ((row_ + 1) % (1ULL << signal.rows_log2) == 0 || row_ + 1 == rows_) give(signal);
    }
  }

  template <typename T>
  void end(const T& step) {
    for (const Sync& signal : step.signal)
      if (signal.count != 0 && !signal.by_rows) give(signal);
    done_[unit_] += rows_;
  }

  void give(const Sync& signal) {
    Knowledge known = known_[unit_];
    known.rows[unit_] = done_[unit_] + row_ + 1;
    tokens_[signal.semaphore].push_back({signal.count, known});
    open_[signal.semaphore] += signal.count;
    auto& most = most_tokens_[signal.semaphore];
    most = std::max(most, open_[signal.semaphore]);
  }

  void take(unsigned semaphore, std::uint64_t count) {
    auto& queue = tokens_[semaphore];
    open_[semaphore] -= std::min(open_[semaphore], count);
    while (count != 0) {
      if (queue.empty()) {
        fail("waits for a signal that no earlier step gives");
        return;
      }
      const std::uint64_t taken = std::min(count, queue.front().count);
      known_[unit_].merge(queue.front().known);
      count -= taken;
      queue.front().count -= taken;
      if (queue.front().count == 0) queue.pop_front();
    }
  }

  void read(std::vector<Place>& space, std::uint64_t index) {
    if (index >= space.size()) return fail("reads past the end");
    for (const Unit other : {kLoad, kMatrix, kStore})
      if (other != unit_ && space[index].written[other] > known_[unit_].rows[other])
        fail(std::string("reads ") + where(space, index) + " before the " + kUnitNames[other] +
             " unit has written it");
    space[index].read[unit_] = current_;
  }

  void write(std::vector<Place>& space, std::uint64_t index) {
    if (index >= space.size()) return fail("writes past the end");
    for (const Unit other : {kLoad, kMatrix, kStore})
      if (other != unit_ && std::max(space[index].written[other], space[index].read[other]) >
                                known_[unit_].rows[other])
        fail(std::string("writes ") + where(space, index) + " while the " + kUnitNames[other] +
             " unit still uses it");
    space[index].written[unit_] = current_;
  }

  std::string where(const std::vector<Place>& space, std::uint64_t index) const {
    return (&space == &lines_ ? "line " : "accumulator row ") + std::to_string(index);
  }

  void fail(const std::string& what) {
    if (error_.empty())
      error_ = "step " + std::to_string(step_) + " row " + std::to_string(row_) + " " + what;
  }

  const DeviceShape& device_;
  std::vector<Place> lines_, accumulators_;
  std::array<Knowledge, 3> known_{};
  std::array<std::uint64_t, 3> done_{};  // rows of each unit's steps so far
  std::map<unsigned, std::deque<Token>> tokens_;
  std::map<unsigned, std::uint64_t> open_, most_tokens_;
  Unit unit_ = kLoad;
  std::uint64_t rows_ = 0, row_ = 0, current_ = 0;
  std::array<Sync, 2> waits_{}, signals_of_step_{};
  std::string error_;
  std::size_t step_ = 0;
};

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

void expect_ordered(const GemmProblem& p, const DeviceShape& device, const GemmPlan& plan) {
  const std::string error = Races(device).check(plan);
  EXPECT_EQ(error, "") << p.m << " x " << p.n << " x " << p.k << " out " << static_cast<int>(p.out)
                       << " seed " << static_cast<int>(p.seed) << " tile " << plan.tiling.tile_m
                       << " x " << plan.tiling.tile_n << " slice " << plan.tiling.slice_k
                       << " slots " << plan.tiling.slots << " tiles "
                       << plan.tiling.accumulator_tiles << " keep " << plan.tiling.keep_a
                       << plan.tiling.keep_b << " stream " << plan.tiling.stream_strips
                       << plan.tiling.stream_rows << " taper " << plan.tiling.taper_k
                       << plan.tiling.taper_tiles;
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
  ASSERT_EQ(Races(shape).check(plan), "");
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
      EXPECT_NE(Races(shape).check(broken), "") << "wait " << which << " of step " << i;
    }
  }
  EXPECT_GT(waits, 50U);
}

}  // namespace
}  // namespace systolith::library
