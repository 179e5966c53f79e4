#include <algorithm>
#include <bit>
#include <optional>
#include <stdexcept>
#include <utility>

#include "gemm_cut.hpp"
#include "ring_order.hpp"
#include "systolith/library/gemm.hpp"

namespace systolith::library {
namespace {

// Tokens of a semaphore that may be open at a time, of 65535.
constexpr std::uint64_t kMaxTokens = 60000;

std::uint32_t ceil_div(std::uint64_t x, std::uint64_t y) {
  return static_cast<std::uint32_t>((x + y - 1) / y);
}

class Planner {
 public:
  Planner(const GemmProblem& problem, const DeviceShape& device, const GemmTiling& tiling)
      : p_(problem), d_(device), t_(tiling), kept_(kept_operands(problem, tiling)) {
    element_ = bytes_of(p_.format);
    out_element_ = bytes_of(p_.out);
    block_ = block_of(p_.format, d_);
    strips_per_line_ = d_.line_bytes / (d_.cols * element_);
    blocks_per_line_ = d_.line_bytes / (2 * d_.rows);
    reentry_ = d_.rows * d_.row_latency + 8;
    const std::uint32_t unit = slice_unit(p_, d_, t_);
    if (t_.slice_k != 0) t_.slice_k = ceil_div(t_.slice_k, unit) * unit;
  }

  GemmPlan run() {
    if (const char* why = refusal()) throw std::invalid_argument(why);
    tiles_ = cut(p_, d_, t_);
    for (const Tile& tile : tiles_) plan(tile);
    return {t_, order_.steps()};
  }

  bool seeded() const { return p_.seed != Seed::none; }

  // ---- where things lie on chip ----
  std::uint32_t lines_of_a_row(std::uint64_t k) const {
    return ceil_div(k * element_, d_.line_bytes);
  }
  std::uint32_t a_pitch() const { return lines_of_a_row(kept_.a ? p_.k : t_.slice_k); }
  std::uint32_t b_pitch() const {
    return ceil_div(std::min<std::uint64_t>(t_.tile_n, p_.n) * element_, d_.line_bytes);
  }
  std::uint32_t tile_strips() const { return ceil_div(t_.tile_n, d_.cols); }
  std::uint64_t a_slot_lines() const {
    return std::min<std::uint64_t>(t_.tile_m, p_.m) * a_pitch();
  }
  std::uint64_t b_slot_lines() const {
    return std::uint64_t{b_pitch()} * (kept_.b ? p_.k : t_.slice_k);
  }
  std::uint64_t a_lines() const { return (kept_.a ? 1 : t_.slots) * a_slot_lines(); }
  std::uint64_t b_lines() const { return (kept_.b ? 1 : t_.slots) * b_slot_lines(); }
  std::uint32_t scale_lines_per_strip() const { return ceil_div(4ULL * d_.cols, d_.line_bytes); }
  std::uint32_t scale_lines() const {
    return p_.scaling == Scale::column ? 2 * scale_lines_per_strip() * tile_strips() : 0;
  }
  std::uint32_t scale_line(const Tile& tile, std::uint32_t strip) const {
    return d_.lines - scale_lines() + (tile.number % 2) * (scale_lines() / 2) +
           strip * scale_lines_per_strip();
  }
  // A and B in different banks, so that both are read every cycle; packed where they would not fit.
  std::uint64_t b_region() const {
    const std::uint32_t bank = d_.lines / d_.banks;
    const std::uint64_t next_bank = (a_lines() + bank - 1) / bank * bank;
    return next_bank + b_lines() + scale_lines() <= d_.lines ? next_bank : a_lines();
  }

  // Why the tiling is none, or null.
  const char* refusal() const {
    if (t_.tile_m == 0 || t_.tile_n == 0 || t_.slice_k == 0 || t_.slots < 2 ||
        t_.accumulator_tiles == 0)
      return "a tiling has at least one row, column and k step, two slots and one tile";
    if (std::uint64_t{t_.accumulator_tiles} * t_.tile_m * tile_strips() > d_.accumulator_rows)
      return "the tiling needs more accumulator rows than the device has";
    if (b_region() + b_lines() + scale_lines() > d_.lines)
      return "the tiling needs more scratchpad lines than the device has";
    const std::uint64_t rows = std::uint64_t{t_.accumulator_tiles} * t_.tile_m * tile_strips();
    if (rows * ceil_div(t_.slice_k, block_) > kMaxTokens)
      return "the tiling's rows in flight overflow a semaphore";
    return nullptr;
  }

 private:
  // ---- operands ----
  // Where the operands of a slice lie, and the last load that brings them.
  struct Operands {
    std::uint32_t a_base, a_pitch;
    std::uint32_t b_base, b_pitch;
  };

  Operands place(const Slice& slice) const {
    Operands o{};
    o.a_pitch = a_pitch();
    o.b_pitch = b_pitch();
    const auto k0 = static_cast<std::uint32_t>(slice.k0);
    o.a_base = kept_.a ? k0 * element_ / d_.line_bytes
                       : static_cast<std::uint32_t>((a_slot_ % t_.slots) * a_slot_lines());
    o.b_base = static_cast<std::uint32_t>(b_region()) +
               (kept_.b ? k0 * b_pitch()
                        : static_cast<std::uint32_t>((b_slot_ % t_.slots) * b_slot_lines()));
    return o;
  }

  LoadStep load_a(const Tile& tile, const Slice& slice, const Operands& o) const {
    LoadStep step;
    step.transfer.address = p_.a + tile.m0 * p_.lda + slice.k0 * element_;
    step.transfer.run = slice.k * element_;
    step.transfer.local_base = o.a_base;
    step.transfer.local_pitch = o.a_pitch;
    step.transfer.count[0] = tile.m;
    step.transfer.stride[0] = static_cast<std::int64_t>(p_.lda);
    return step;
  }

  // `strips` strips of B from `strip` on, the first of a line.
  LoadStep load_b(const Tile& tile, const Slice& slice, const Operands& o, std::uint32_t strip,
                  std::uint32_t strips) const {
    LoadStep step;
    step.transfer.address =
        p_.b + slice.k0 * p_.ldb + (tile.n0 + std::uint64_t{strip} * d_.cols) * element_;
    step.transfer.run = columns_of(tile, strip, strips) * element_;
    step.transfer.local_base = o.b_base + strip / strips_per_line_;
    step.transfer.local_pitch = o.b_pitch;
    step.transfer.count[0] = slice.k;
    step.transfer.stride[0] = static_cast<std::int64_t>(p_.ldb);
    return step;
  }

  std::uint32_t columns_of(const Tile& tile, std::uint32_t strip, std::uint32_t strips) const {
    return std::min(strips * d_.cols, tile.n - strip * d_.cols);
  }

  // What must precede the operands of a tile's first slice: its scales and seeds. Gives the last
  // load of seeds.
  std::optional<std::size_t> load_tile(const Tile& tile) {
    load_scales(tile);
    std::optional<std::size_t> last;
    if (seeded()) {
      const bool ragged = tile.n % d_.cols != 0;
      const std::uint32_t whole = tile.strips - (ragged ? 1 : 0);
      bool first = true;
      for (const auto& [strip, strips] : {std::pair{0U, whole}, {whole, ragged ? 1U : 0U}}) {
        if (strips == 0) continue;
        LoadStep step;
        step.accumulators = true;
        step.tag = p_.format == Format::int8 ? 2 : 1;
        step.transfer.address = p_.c + (tile.n0 + std::uint64_t{strip} * d_.cols) * 4;
        if (p_.seed == Seed::matrix) {
          step.transfer.address += tile.m0 * p_.ldc;
          step.transfer.stride[0] = static_cast<std::int64_t>(p_.ldc);
        }
        step.transfer.run = columns_of(tile, strip, 1) * 4;
        step.transfer.count[0] = tile.m;
        step.transfer.count[1] = strips;
        step.transfer.stride[1] = 4 * d_.cols;
        step.transfer.local_base = tile.accumulator_base + strip * tile.m;
        step.transfer.local_pitch = 1;
        if (first && tile.number >= t_.accumulator_tiles) {
          const Tile& before = previous(tile);
          last = order_.load(step, {last_product_[before.number],
                                    at_once(Semaphore::tile_free_load, tokens_of(before))});
        } else {
          last = order_.load(step);
        }
        first = false;
      }
    }
    return last;
  }

  void load_scales(const Tile& tile) {
    if (p_.scaling == Scale::column) {
      LoadStep step;
      step.transfer.address = p_.scales + tile.n0 * 4;
      step.transfer.run = 4 * d_.cols;
      step.transfer.count[0] = tile.strips;
      step.transfer.stride[0] = 4 * d_.cols;
      step.transfer.local_base = scale_line(tile, 0);
      step.transfer.local_pitch = scale_lines_per_strip();
      add(step.signal, at_once(Semaphore::scale_ready));
      if (tile.number >= 2) {
        order_.load(step, {last_product_[tile.number - 2], at_once(Semaphore::scale_free)});
      } else {
        order_.load(step);
      }
    }
  }

  // ---- products ----
  MatrixStep matrix(const Tile& tile, const Slice& slice, const Operands& o, std::uint32_t strip,
                    std::uint32_t strips, std::uint32_t block, std::uint32_t blocks) const {
    MatrixStep step;
    step.format = p_.format;
    step.accumulate = seeded() || !slice.first || block != 0;
    step.m = tile.m;
    step.n = columns_of(tile, strip, strips);
    step.k = std::min(blocks * block_, slice.k - block * block_);
    step.a_base = o.a_base + block / blocks_per_line_;
    step.a_pitch = o.a_pitch;
    step.b_pitch = o.b_pitch;
    step.b_base = o.b_base + strip / strips_per_line_ + block * block_ * step.b_pitch;
    step.c_base = tile.accumulator_base + strip * tile.m;
    step.c_pitch = tile.m;
    return step;
  }

  // The largest n for which 2^n divides a tile's rows: units of its waits and signals by rows.
  static std::uint8_t row_unit(const Tile& tile) {
    return static_cast<std::uint8_t>(std::countr_zero(tile.m));
  }

  // Stores of the tile that had the accumulators before, when this one overwrites them.
  bool reuses(const Tile& tile) const { return !seeded() && tile.number >= t_.accumulator_tiles; }
  const Tile& previous(const Tile& tile) const {
    return tiles_[tile.number - t_.accumulator_tiles];
  }
  static std::uint32_t tokens_of(const Tile& tile) {
    return (tile.m >> row_unit(tile)) * tile.strips;
  }

  // The products of blocks [block, block + blocks) of a slice for some strips of a tile, with their
  // stores when they end the chain. `need`: the load that they wait for.
  struct Range {
    std::uint32_t strip, strips, block, blocks;
  };

  void multiply(const Tile& tile, const Slice& slice, const Operands& o, Range r, Need need) {
    const std::uint32_t slice_blocks = ceil_div(slice.k, block_);
    const bool opens = slice.first && r.block == 0;
    const bool ends = slice.last && r.block + r.blocks == slice_blocks;
    const auto splits_after = [&](std::uint32_t blocks) { return blocks % blocks_per_line_ == 0; };

    // Rows of the tile before leave one by one, and are overwritten as they go.
    const bool follows = opens && r.strip == 0 && reuses(tile) && t_.accumulator_tiles == 1 &&
                         r.strips == tile.strips && previous(tile).m == tile.m &&
                         previous(tile).strips == tile.strips;
    if (follows && r.blocks > 1 && splits_after(1)) {
      multiply(tile, slice, o, {r.strip, r.strips, 0, 1}, need);
      multiply(tile, slice, o, {r.strip, r.strips, 1, r.blocks - 1}, need);
      return;
    }
    // Strips that end one by one are walked strip by strip, where one alone keeps the array busy.
    // The last ones of all drain row by row behind their last block.
    const bool tail = ends && tile.number + 1 == tiles_.size() && r.strip + r.strips == tile.strips;
    const bool short_strips = tile.m < reentry_;
    const std::uint32_t last_line = (tile.strips - 1) / strips_per_line_ * strips_per_line_;
    if (tail && !short_strips && r.blocks > 1 && last_line > r.strip) {
      multiply(tile, slice, o, {r.strip, last_line - r.strip, r.block, r.blocks}, need);
      multiply(tile, slice, o, {last_line, tile.strips - last_line, r.block, r.blocks}, need);
      return;
    }
    if (ends && (tail || short_strips) && r.blocks > 1 && splits_after(r.block + r.blocks - 1)) {
      multiply(tile, slice, o, {r.strip, r.strips, r.block, r.blocks - 1}, need);
      multiply(tile, slice, o, {r.strip, r.strips, slice_blocks - 1, 1}, need);
      return;
    }

    MatrixStep step = matrix(tile, slice, o, r.strip, r.strips, r.block, r.blocks);
    step.strip_outer = ends && r.blocks > 1 && r.strips > 1;
    if (opens && r.strip == 0 && reuses(tile)) {
      if (follows && r.blocks == 1) {
        add(step.wait, by_rows(Semaphore::tile_free_matrix, 1, row_unit(tile)));
      } else {
        add(step.wait, at_once(Semaphore::tile_free_matrix, tokens_of(previous(tile))));
      }
    }
    const std::uint8_t unit = r.blocks == 1 ? 0 : row_unit(tile);
    if (ends) add(step.signal, by_rows(Semaphore::rows_done, 1, unit));
    order_.product(step, need);
    if (ends) store(tile, r, unit);
  }

  // Stores of strips that a product has just ended. That product signals every 2^unit rows of its
  // walk, strip by strip.
  void store(const Tile& tile, const Range& r, std::uint8_t unit) {
    const bool ragged = tile.n % d_.cols != 0 && r.strip + r.strips == tile.strips;
    const std::uint32_t whole = r.strips - (ragged ? 1 : 0);
    // Rows are stored as the walk ends them when it is their order, or when a strip is one unit.
    const bool follow = r.blocks == 1 || tile.m >> unit == 1;
    const bool together = follow && p_.scaling != Scale::column;
    if (together && whole != 0) store_strips(tile, r.strip, whole, r.blocks, unit, true);
    for (std::uint32_t j = together ? whole : 0; j < r.strips; ++j)
      store_strips(tile, r.strip + j, 1, r.blocks, unit, follow);
  }

  void store_strips(const Tile& tile, std::uint32_t strip, std::uint32_t strips,
                    std::uint32_t blocks, std::uint8_t unit, bool follow) {
    StoreStep step;
    step.transfer.address =
        p_.d + tile.m0 * p_.ldd + (tile.n0 + std::uint64_t{strip} * d_.cols) * out_element_;
    step.transfer.run = columns_of(tile, strip, 1) * out_element_;
    step.transfer.local_base = tile.accumulator_base + strip * tile.m;
    step.transfer.local_pitch = 1;
    step.transfer.count[0] = tile.m;
    step.transfer.stride[0] = static_cast<std::int64_t>(p_.ldd);
    step.transfer.count[1] = strips;
    step.transfer.stride[1] = static_cast<std::int64_t>(d_.cols) * out_element_;
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
    if (follow) {
      add(step.wait, by_rows(Semaphore::rows_done, blocks, unit));
    } else {
      add(step.wait, at_once(Semaphore::rows_done, (tile.m >> unit) * blocks));
    }
    if (step.scale_per_column && strip == 0) add(step.wait, at_once(Semaphore::scale_ready, 1));
    if (tile.number + t_.accumulator_tiles < tiles_.size()) {
      add(step.signal, by_rows(seeded() ? Semaphore::tile_free_load : Semaphore::tile_free_matrix,
                               1, row_unit(tile)));
    }
    if (step.scale_per_column && strip + 1 == tile.strips && tile.number + 2 < tiles_.size())
      add(step.signal, at_once(Semaphore::scale_free, 1));
    order_.store(step);
  }

  // ---- a tile ----
  void plan(const Tile& tile) {
    const std::optional<std::size_t> seeds = load_tile(tile);
    const bool fresh_a = !kept_.a || tile.number == 0;
    const bool fresh_b = !kept_.b || tile.number == 0;
    for (const Slice& slice : tile.slices) {
      const Operands o = place(slice);
      const std::uint32_t blocks = ceil_div(slice.k, block_);
      const std::optional<std::size_t> a_user = fresh_a && !kept_.a ? user(a_users_) : std::nullopt;
      const std::optional<std::size_t> b_user = fresh_b && !kept_.b ? user(b_users_) : std::nullopt;
      const bool in_parts = tile.number == 0 && (slice.first || t_.stream_strips != 0);
      if (in_parts) {
        stream(tile, slice, o, blocks, std::max(a_user, b_user));
      } else {
        Need need{slice.first ? seeds : std::nullopt, false};
        if (fresh_b) need.load = order_.load(load_b(tile, slice, o, 0, tile.strips), b_user);
        if (fresh_a) need.load = order_.load(load_a(tile, slice, o), a_user);
        multiply(tile, slice, o, {0, tile.strips, 0, blocks}, need);
      }
      if (!kept_.a) a_users_.push_back(order_.last_product());
      if (!kept_.b) b_users_.push_back(order_.last_product());
      if (!kept_.a) ++a_slot_;
      if (!kept_.b) ++b_slot_;
    }
    last_product_.push_back(order_.last_product());
  }

  // A slice of the first tile: products begin before all of it is there. Either the first strips of
  // B, then A row by row and the rest of B; or all of A, then B by groups of strips.
  void stream(const Tile& tile, const Slice& slice, const Operands& o, std::uint32_t blocks,
              std::optional<std::size_t> user) {
    const bool rows = blocks == 1 && (t_.stream_strips == 0 || t_.stream_rows);
    std::uint32_t group = std::max<std::uint32_t>(t_.stream_strips, 1);
    group = ceil_div(group, strips_per_line_) * strips_per_line_;
    Need need;
    if (!rows) need.load = order_.load(load_a(tile, slice, o), user);
    for (std::uint32_t strip = 0; strip < tile.strips;) {
      const std::uint32_t strips = std::min(group, tile.strips - strip);
      need = {order_.load(load_b(tile, slice, o, strip, strips), strip == 0 ? user : std::nullopt),
              false};
      if (rows && strip == 0) {
        LoadStep a = load_a(tile, slice, o);
        add(a.signal, by_rows(Semaphore::rows_ready));
        if (strips > 1) add(a.signal, at_once(Semaphore::rows_ready, (strips - 1) * tile.m));
        need = {order_.load(a), true};
      }
      multiply(tile, slice, o, {strip, strips, 0, blocks}, need);
      strip += strips;
      // Few commands while the bus is what everything waits for.
      if (t_.stream_strips == 0) group *= 2;
    }
  }

  std::optional<std::size_t> user(const std::vector<std::size_t>& users) const {
    if (users.size() < t_.slots) return std::nullopt;
    return users[users.size() - t_.slots];
  }

  const GemmProblem& p_;
  const DeviceShape& d_;
  GemmTiling t_;
  Kept kept_;
  unsigned element_ = 2, out_element_ = 4, block_ = 16, strips_per_line_ = 1, blocks_per_line_ = 1,
           reentry_ = 0;
  std::vector<Tile> tiles_;
  RingOrder order_;
  std::uint64_t a_slot_ = 0, b_slot_ = 0;       // slices that went through the slots
  std::vector<std::size_t> a_users_, b_users_;  // last product of each slice
  std::vector<std::size_t> last_product_;       // of each tile
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

bool fits(const GemmProblem& problem, const DeviceShape& device, const GemmTiling& tiling) {
  return Planner(problem, device, tiling).refusal() == nullptr;
}

GemmPlan plan_anywhere(const GemmProblem& problem, const DeviceShape& device,
                       const GemmTiling& tiling) {
  return Planner(problem, device, tiling).run();
}

GemmPlan plan_gemm(const GemmProblem& problem, const DeviceShape& device,
                   const GemmTiling& tiling) {
  check_places(problem, device);
  return plan_anywhere(problem, device, tiling);
}

}  // namespace systolith::library
