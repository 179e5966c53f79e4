#include <algorithm>
#include <stdexcept>

#include "systolith/library/gemm.hpp"

namespace systolith::library {
namespace {

// Each semaphore has one signalling and one waiting unit.
enum Semaphore : std::uint8_t {
  kSliceReady = 0,      // load -> matrix: the operands of a slice, or the head's rows of A
  kStripReady = 1,      // load -> matrix: a strip of B in the head
  kSlotFree = 2,        // matrix -> load: a slice was consumed
  kRowsDone = 3,        // matrix -> store: rows of a strip are final
  kTileFreeMatrix = 4,  // store -> matrix: a strip's accumulators are stored
  kTileFreeLoad = 5,    // store -> load: the same, when the load unit seeds them
  kSeedReady = 6,       // load -> matrix: a tile's seeds
  kScaleReady = 7,      // load -> store: a tile's scales
  kScaleFree = 8,       // store -> load: a tile's scales were used
};

std::uint32_t ceil_div(std::uint64_t x, std::uint64_t y) {
  return static_cast<std::uint32_t>((x + y - 1) / y);
}

Sync sync(std::uint8_t semaphore, std::uint32_t count = 1) {
  return {static_cast<std::uint16_t>(count), semaphore, false, 0};
}

Sync by_rows(std::uint8_t semaphore) { return {1, semaphore, true, 0}; }

void add(Sync (&list)[2], Sync entry) {
  if (list[0].count == 0) {
    list[0] = entry;
  } else if (list[1].count == 0) {
    list[1] = entry;
  } else {
    throw std::logic_error("a command has two waits and two signals");
  }
}

struct Tile {
  std::uint64_t m0, n0;
  std::uint32_t m, n, strips;
  std::uint32_t accumulator_base;
  std::uint32_t number;
};

struct Slice {
  std::uint32_t tile;  // index of the tile
  std::uint64_t k0;
  std::uint32_t k;
  std::uint32_t number;  // over all tiles: slot = number mod slots
  bool first, last;      // of its tile
  bool head;             // first of all: streamed row by row
  bool finishing;  // walked strip by strip with the last slice, so that strips are final one by one
};

class Planner {
 public:
  Planner(const GemmProblem& problem, const DeviceShape& device, const GemmTiling& tiling)
      : p_(problem), d_(device), t_(tiling) {
    element_ = bytes_of(p_.format);
    out_element_ = bytes_of(p_.out);
    block_ = d_.rows * (p_.format == Format::int8 ? 2 : 1);
    strips_per_line_ = d_.line_bytes / (d_.cols * element_);
    blocks_per_line_ = d_.line_bytes / (2 * d_.rows);
    reentry_ = d_.rows * d_.row_latency + 8;
  }

  GemmPlan run() {
    check();
    cut();
    // Loads run ahead of the matrix unit by as many slices as there are slots.
    std::size_t loaded = 0;
    std::size_t from = 0;
    for (std::size_t s = 0; s < slices_.size(); ++s) {
      if (slices_[s].head) {
        head(slices_[s]);
        loaded = 1;
      } else if (slices_[s].finishing && !slices_[s].last) {
        continue;
      } else if (s > from) {
        finish(from, s);
      } else {
        multiply(slices_[s]);
      }
      from = s + 1;
      if (slices_[s].last) ++stored_tiles_;
      while (loaded < slices_.size() && loaded < s + 1 + t_.slots && may_load(slices_[loaded]))
        load(slices_[loaded++]);
    }
    return {t_, std::move(steps_)};
  }

 private:
  bool seeded() const { return p_.seed != Seed::none; }
  bool strip_major(const Slice& s) const {
    return strips_per_line_ > 1 && (s.first || s.finishing);
  }

  std::uint32_t tile_strips() const { return ceil_div(t_.tile_n, d_.cols); }
  std::uint32_t a_lines(std::uint32_t k) const {
    return ceil_div(std::uint64_t{k} * element_, d_.line_bytes);
  }
  std::uint32_t b_pitch(const Slice& s) const {
    const Tile& tile = tiles_[s.tile];
    return strip_major(s) ? 1 : ceil_div(std::uint64_t{tile.n} * element_, d_.line_bytes);
  }
  std::uint32_t b_slot_lines() const {
    const std::uint32_t row = strips_per_line_ > 1
                                  ? tile_strips()
                                  : ceil_div(std::uint64_t{t_.tile_n} * element_, d_.line_bytes);
    return row * t_.slice_k;
  }
  std::uint32_t scale_lines_per_strip() const { return ceil_div(4ULL * d_.cols, d_.line_bytes); }
  std::uint32_t scale_lines() const {
    return p_.scaling == Scale::column ? 2 * scale_lines_per_strip() * tile_strips() : 0;
  }
  std::uint32_t a_slot(std::uint32_t number) const {
    return (number % t_.slots) * t_.tile_m * a_lines(t_.slice_k);
  }
  std::uint32_t b_region() const {
    // A and B in different banks, so that both are read every cycle; packed where they would not
    // fit.
    const std::uint32_t a_end = t_.slots * t_.tile_m * a_lines(t_.slice_k);
    const std::uint32_t bank = d_.lines / d_.banks;
    const std::uint32_t next_bank = ceil_div(a_end, bank) * bank;
    const bool fits = next_bank + t_.slots * b_slot_lines() + scale_lines() <= d_.lines;
    return fits ? next_bank : a_end;
  }
  std::uint32_t b_slot(std::uint32_t number) const {
    return b_region() + (number % t_.slots) * b_slot_lines();
  }
  std::uint32_t b_line(const Slice& s, std::uint32_t strip) const {
    return b_slot(s.number) + (strip_major(s) ? strip * s.k : strip / strips_per_line_);
  }
  std::uint32_t scale_base() const { return d_.lines - scale_lines(); }

  void check() const {
    if (t_.tile_m == 0 || t_.tile_n == 0 || t_.slice_k == 0 || t_.slots < 2 ||
        t_.accumulator_tiles == 0)
      throw std::invalid_argument(
          "a tiling has at least one row, column and k step, two slots and one tile");
    if (t_.slice_k % block_ != 0)
      throw std::invalid_argument("slice_k is a multiple of the array's k block");
    if (std::uint64_t{t_.accumulator_tiles} * t_.tile_m * tile_strips() > d_.accumulator_rows)
      throw std::invalid_argument("the tiling needs more accumulator rows than the device has");
    if (b_region() + std::uint64_t{t_.slots} * b_slot_lines() + scale_lines() > d_.lines)
      throw std::invalid_argument("the tiling needs more scratchpad lines than the device has");
  }

  void cut() {
    for (std::uint64_t m0 = 0; m0 < p_.m; m0 += t_.tile_m) {
      for (std::uint64_t n0 = 0; n0 < p_.n; n0 += t_.tile_n) {
        Tile tile{};
        tile.m0 = m0;
        tile.n0 = n0;
        tile.m = static_cast<std::uint32_t>(std::min<std::uint64_t>(t_.tile_m, p_.m - m0));
        tile.n = static_cast<std::uint32_t>(std::min<std::uint64_t>(t_.tile_n, p_.n - n0));
        tile.strips = ceil_div(tile.n, d_.cols);
        tile.number = static_cast<std::uint32_t>(tiles_.size());
        tile.accumulator_base = (tile.number % t_.accumulator_tiles) * t_.tile_m * tile_strips();
        tiles_.push_back(tile);
      }
    }
    for (const Tile& tile : tiles_) {
      std::uint64_t k0 = 0;
      // The first slices are short, so that work starts while the rest arrives.
      std::uint32_t next = tile.number == 0 ? block_ : t_.slice_k;
      bool repeat = true;
      while (k0 < p_.k) {
        Slice s{};
        s.tile = tile.number;
        s.k0 = k0;
        s.k = static_cast<std::uint32_t>(std::min<std::uint64_t>(next, p_.k - k0));
        s.first = k0 == 0;
        s.head = s.first && tile.number == 0;
        k0 += s.k;
        s.last = k0 == p_.k;
        s.number = static_cast<std::uint32_t>(slices_.size());
        slices_.push_back(s);
        if (repeat) {
          repeat = false;
        } else {
          next = std::min(2 * next, t_.slice_k);
        }
      }
      mark_finishing(tile);
    }
  }

  // The last slices of a tile, so many that a strip computes as long as its results take to leave.
  void mark_finishing(const Tile& tile) {
    const std::uint32_t needed = ceil_div(std::uint64_t{d_.cols} * out_element_, d_.bus_bytes);
    std::uint32_t blocks = 0;
    std::uint32_t count = 0;
    for (std::size_t i = slices_.size(); i-- > 0;) {
      Slice& s = slices_[i];
      if (count > 0 && (blocks >= needed || s.first || count + 1 >= t_.slots || tile.m < reentry_ ||
                        blocks_per_line_ > 1))
        break;
      s.finishing = true;
      blocks += ceil_div(s.k, block_);
      ++count;
    }
  }

  LoadStep load_a(const Slice& s) const {
    const Tile& tile = tiles_[s.tile];
    LoadStep step;
    step.transfer.address = p_.a + tile.m0 * p_.lda + s.k0 * element_;
    step.transfer.run = s.k * element_;
    step.transfer.local_base = a_slot(s.number);
    step.transfer.local_pitch = a_lines(s.k);
    step.transfer.count[0] = tile.m;
    step.transfer.stride[0] = static_cast<std::int64_t>(p_.lda);
    return step;
  }

  // `strips` strips of B from `strip` on.
  LoadStep load_b(const Slice& s, std::uint32_t strip, std::uint32_t strips) const {
    const Tile& tile = tiles_[s.tile];
    LoadStep step;
    step.transfer.address =
        p_.b + s.k0 * p_.ldb + (tile.n0 + std::uint64_t{strip} * d_.cols) * element_;
    step.transfer.run = std::min(strips * d_.cols, tile.n - strip * d_.cols) * element_;
    step.transfer.local_base = b_line(s, strip);
    step.transfer.local_pitch = b_pitch(s);
    step.transfer.count[0] = s.k;
    step.transfer.stride[0] = static_cast<std::int64_t>(p_.ldb);
    return step;
  }

  std::uint32_t strip_columns(const Tile& tile, std::uint32_t strip) const {
    return std::min(d_.cols, tile.n - strip * d_.cols);
  }

  // What must precede the operands of a tile's first slice: its seeds and scales.
  void load_tile(const Tile& tile) {
    if (seeded()) {
      for (std::uint32_t j = 0; j < tile.strips; ++j) {
        LoadStep step;
        step.accumulators = true;
        step.tag = p_.format == Format::int8 ? 2 : 1;
        step.transfer.address = p_.c + (tile.n0 + std::uint64_t{j} * d_.cols) * 4;
        if (p_.seed == Seed::matrix) {
          step.transfer.address += tile.m0 * p_.ldc;
          step.transfer.stride[0] = static_cast<std::int64_t>(p_.ldc);
        }
        step.transfer.run = strip_columns(tile, j) * 4;
        step.transfer.count[0] = tile.m;
        step.transfer.local_base = tile.accumulator_base + j * tile.m;
        step.transfer.local_pitch = 1;
        if (j == 0 && tile.number >= t_.accumulator_tiles)
          add(step.wait, sync(kTileFreeLoad, tiles_[tile.number - t_.accumulator_tiles].strips));
        if (j + 1 == tile.strips) add(step.signal, sync(kSeedReady));
        steps_.emplace_back(step);
      }
    }
    if (p_.scaling == Scale::column) {
      LoadStep step;
      step.transfer.address = p_.scales + tile.n0 * 4;
      step.transfer.run = 4 * d_.cols;
      step.transfer.count[0] = tile.strips;
      step.transfer.stride[0] = 4 * d_.cols;
      step.transfer.local_base = scale_line(tile, 0);
      step.transfer.local_pitch = scale_lines_per_strip();
      if (tile.number >= 2) add(step.wait, sync(kScaleFree));
      add(step.signal, sync(kScaleReady));
      steps_.emplace_back(step);
    }
  }

  std::uint32_t scale_line(const Tile& tile, std::uint32_t strip) const {
    return scale_base() + (tile.number % 2) * (scale_lines() / 2) + strip * scale_lines_per_strip();
  }

  void load(const Slice& s) {
    const Tile& tile = tiles_[s.tile];
    if (s.first) load_tile(tile);
    const bool per_strip = strip_major(s);
    for (std::uint32_t j = 0; j < (per_strip ? tile.strips : 1); ++j) {
      LoadStep step = load_b(s, j, per_strip ? 1 : tile.strips);
      if (j == 0 && s.number >= t_.slots) add(step.wait, sync(kSlotFree));
      steps_.emplace_back(step);
    }
    LoadStep step = load_a(s);
    add(step.signal, sync(kSliceReady));
    steps_.emplace_back(step);
  }

  MatrixStep matrix(const Slice& s, std::uint32_t first_strip, std::uint32_t strips,
                    std::uint32_t block0, std::uint32_t k) const {
    const Tile& tile = tiles_[s.tile];
    MatrixStep step;
    step.format = p_.format;
    step.accumulate = seeded() || !s.first || block0 != 0;
    step.m = tile.m;
    step.n = std::min(strips * d_.cols, tile.n - first_strip * d_.cols);
    step.k = k;
    step.a_base = a_slot(s.number) + block0 / blocks_per_line_;
    step.a_pitch = a_lines(s.k);
    step.b_pitch = b_pitch(s);
    step.b_base = b_line(s, first_strip) + block0 * block_ * step.b_pitch;
    step.c_base = tile.accumulator_base + first_strip * tile.m;
    step.c_pitch = tile.m;
    return step;
  }

  // The first slice of all: B strip by strip, A row by row, each multiplied as it comes.
  void head(const Slice& s) {
    const Tile& tile = tiles_[s.tile];
    load_tile(tile);
    // Strips come in groups that double: few commands while the bus is what everything waits for.
    for (std::uint32_t j = 0, group = 1; j < tile.strips; j += group) {
      if (j > 1) group *= 2;
      if (s.last || strip_major(s)) group = 1;
      group = std::min(group, tile.strips - j);
      LoadStep b = load_b(s, j, group);
      if (j > 0) add(b.signal, sync(kStripReady));
      steps_.emplace_back(b);
      if (j == 0) {
        LoadStep a = load_a(s);
        add(a.signal, by_rows(kSliceReady));
        steps_.emplace_back(a);
      }
      MatrixStep step = matrix(s, j, group, 0, s.k);
      add(step.wait, j == 0 ? by_rows(kSliceReady) : sync(kStripReady));
      if (j == 0 && seeded()) add(step.wait, sync(kSeedReady));
      if (s.last) add(step.signal, by_rows(kRowsDone));
      if (j + group == tile.strips && needs_slot_signal(s)) add(step.signal, sync(kSlotFree));
      steps_.emplace_back(step);
      if (s.last) store(tile, j);
    }
  }

  // A wait needs its signal earlier in the ring: what a tile's seeds and scales replace must be
  // stored by then.
  bool may_load(const Slice& s) const {
    if (!s.first) return true;
    const std::uint32_t tile = s.tile;
    if (seeded() && tile >= t_.accumulator_tiles && stored_tiles_ + t_.accumulator_tiles <= tile)
      return false;
    return p_.scaling != Scale::column || tile < 2 || stored_tiles_ + 2 > tile;
  }

  bool needs_slot_signal(const Slice& s) const { return s.number + t_.slots < slices_.size(); }

  void multiply(const Slice& s) {
    const Tile& tile = tiles_[s.tile];
    std::vector<MatrixStep> work;
    std::vector<std::uint32_t> stores_after;  // strip + 1 that is final after the step, 0 for none
    const std::uint32_t blocks = ceil_div(s.k, block_);
    const bool strips_wait = s.first && !seeded() && tile.number >= t_.accumulator_tiles;
    const bool split_first = strips_wait && blocks > 1 && blocks_per_line_ == 1;
    const bool split_last = s.last && blocks > 1 && blocks_per_line_ == 1;
    const std::uint32_t head_blocks = strips_wait ? (split_first ? 1 : blocks) : 0;
    const std::uint32_t tail_blocks = s.last ? (split_last ? 1 : blocks) : 0;
    const auto k_of = [&](std::uint32_t from, std::uint32_t count) {
      return std::min(count * block_, s.k - from * block_);
    };
    const auto emit = [&](MatrixStep step, std::uint32_t final_strip) {
      work.push_back(step);
      stores_after.push_back(final_strip);
    };

    if (head_blocks == blocks || tail_blocks == blocks) {
      // One pass by strips does it all.
      for (std::uint32_t j = 0; j < tile.strips; ++j) {
        MatrixStep step = matrix(s, j, 1, 0, s.k);
        if (strips_wait) add(step.wait, sync(kTileFreeMatrix));
        if (s.last) add(step.signal, blocks == 1 ? by_rows(kRowsDone) : sync(kRowsDone, tile.m));
        emit(step, s.last ? j + 1 : 0);
      }
    } else {
      for (std::uint32_t j = 0; j < (head_blocks != 0 ? tile.strips : 0); ++j) {
        MatrixStep step = matrix(s, j, 1, 0, k_of(0, head_blocks));
        add(step.wait, sync(kTileFreeMatrix));
        emit(step, 0);
      }
      const std::uint32_t middle = blocks - head_blocks - tail_blocks;
      // Strips finish one by one and drain while the next computes, when a strip alone keeps the
      // array busy.
      const bool by_strip = tail_blocks != 0 && tile.m >= reentry_;
      if (middle != 0 && !by_strip) {
        if (strip_major(s) && blocks_per_line_ > 1) {
          for (std::uint32_t j = 0; j < tile.strips; ++j) emit(matrix(s, j, 1, 0, s.k), 0);
        } else if (strip_major(s)) {
          for (std::uint32_t b = 0; b < middle; ++b)
            for (std::uint32_t j = 0; j < tile.strips; ++j)
              emit(matrix(s, j, 1, head_blocks + b, k_of(head_blocks + b, 1)), 0);
        } else {
          emit(matrix(s, 0, tile.strips, head_blocks, k_of(head_blocks, middle)), 0);
        }
      }
      for (std::uint32_t j = 0; j < (tail_blocks != 0 ? tile.strips : 0); ++j) {
        if (middle != 0 && by_strip)
          emit(matrix(s, j, 1, head_blocks, k_of(head_blocks, middle)), 0);
        MatrixStep step = matrix(s, j, 1, blocks - 1, k_of(blocks - 1, 1));
        add(step.signal, by_rows(kRowsDone));
        emit(step, j + 1);
      }
    }

    MatrixStep& first = work.front();
    if (first.wait[1].count != 0) throw std::logic_error("no wait left");
    add(first.wait, sync(kSliceReady));
    if (s.first && seeded()) add(first.wait, sync(kSeedReady));
    if (needs_slot_signal(s)) add(work.back().signal, sync(kSlotFree));
    for (std::size_t i = 0; i < work.size(); ++i) {
      steps_.emplace_back(work[i]);
      if (stores_after[i] != 0) store(tile, stores_after[i] - 1);
    }
  }

  // Slices from..last of a tile, strip by strip through all of them; a strip's last block signals
  // its rows.
  void finish(std::size_t from, std::size_t last) {
    const Tile& tile = tiles_[slices_[last].tile];
    for (std::uint32_t j = 0; j < tile.strips; ++j) {
      for (std::size_t i = from; i <= last; ++i) {
        const Slice& s = slices_[i];
        const std::uint32_t before = i == last ? (ceil_div(s.k, block_) - 1) * block_ : s.k;
        std::vector<MatrixStep> work;
        if (before != 0) work.push_back(matrix(s, j, 1, 0, before));
        if (before != s.k) {
          work.push_back(matrix(s, j, 1, before / block_, s.k - before));
          add(work.back().signal, by_rows(kRowsDone));
        }
        if (j == 0) add(work.front().wait, sync(kSliceReady));
        if (j + 1 == tile.strips && needs_slot_signal(s)) add(work.back().signal, sync(kSlotFree));
        for (const MatrixStep& step : work) steps_.emplace_back(step);
      }
      store(tile, j);
    }
  }

  // The tile that takes the accumulators of `tile` next may have fewer strips and rows: how many of
  // its strips only wait for the store of `strip`. Each of them waits once, in order.
  std::uint32_t strips_freed(const Tile& tile, std::uint32_t strip) const {
    const Tile& next = tiles_[tile.number + t_.accumulator_tiles];
    std::uint32_t freed = 0;
    for (std::uint32_t j = 0; j < next.strips; ++j) {
      const std::uint32_t last_row = (j + 1) * next.m - 1;
      if (std::min(last_row / tile.m, tile.strips - 1) == strip) ++freed;
    }
    return freed;
  }

  void store(const Tile& tile, std::uint32_t strip) {
    StoreStep step;
    step.transfer.address =
        p_.d + tile.m0 * p_.ldd + (tile.n0 + std::uint64_t{strip} * d_.cols) * out_element_;
    step.transfer.run = strip_columns(tile, strip) * out_element_;
    step.transfer.local_base = tile.accumulator_base + strip * tile.m;
    step.transfer.local_pitch = 1;
    step.transfer.count[0] = tile.m;
    step.transfer.stride[0] = static_cast<std::int64_t>(p_.ldd);
    step.conversion = p_.out == OutFormat::bf16 ? 1 : p_.out == OutFormat::int8 ? 2 : 0;
    step.relu = p_.relu;
    if (p_.out == OutFormat::int8) {
      step.scale_per_column = p_.scaling == Scale::column;
      if (step.scale_per_column) {
        step.scale_line = scale_line(tile, strip);
      } else {
        step.scale = p_.scale;
      }
    }
    add(step.wait, by_rows(kRowsDone));
    if (step.scale_per_column && strip == 0) add(step.wait, sync(kScaleReady));
    if (tile.number + t_.accumulator_tiles < tiles_.size()) {
      if (seeded()) {
        add(step.signal, sync(kTileFreeLoad));
      } else if (const std::uint32_t freed = strips_freed(tile, strip); freed != 0) {
        add(step.signal, sync(kTileFreeMatrix, freed));
      }
    }
    if (step.scale_per_column && strip + 1 == tile.strips && tile.number + 2 < tiles_.size())
      add(step.signal, sync(kScaleFree));
    steps_.emplace_back(step);
  }

  const GemmProblem& p_;
  const DeviceShape& d_;
  GemmTiling t_;
  unsigned element_ = 2, out_element_ = 4, block_ = 16, strips_per_line_ = 1, blocks_per_line_ = 1,
           reentry_ = 0;
  std::vector<Tile> tiles_;
  std::uint32_t stored_tiles_ = 0;  // tiles whose stores stand in the ring
  std::vector<Slice> slices_;
  std::vector<Step> steps_;
};

}  // namespace

unsigned bytes_of(Format format) { return format == Format::int8 ? 1 : 2; }

unsigned bytes_of(OutFormat format) {
  switch (format) {
    case OutFormat::bf16:
      return 2;
    case OutFormat::int8:
      return 1;
    default:
      return 4;
  }
}

GemmPlan plan_gemm(const GemmProblem& problem, const DeviceShape& device,
                   const GemmTiling& tiling) {
  return Planner(problem, device, tiling).run();
}

}  // namespace systolith::library
