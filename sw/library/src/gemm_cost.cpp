#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "gemm_cut.hpp"
#include "schedule.hpp"
#include "systolith/library/gemm.hpp"

namespace systolith::library {
namespace {

std::uint64_t ceil_div(std::uint64_t x, std::uint64_t y) { return (x + y - 1) / y; }

// Latencies that a product pays whatever its tiling, in cycles.
constexpr double kDecode = 24;    // a command, fetched ahead
constexpr double kLatency = 100;  // memory
constexpr double kBurstBytes = 256;
constexpr double kBeatCost = 0.003;       // of two plans equally fast the one that moves less
constexpr std::size_t kEffort = 1000000;  // steps scheduled to choose a tiling

struct Estimate {
  const GemmProblem& p;
  const DeviceShape& d;
  unsigned element, out_element, block;

  Estimate(const GemmProblem& problem, const DeviceShape& device)
      : p(problem),
        d(device),
        element(bytes_of(problem.format)),
        out_element(bytes_of(problem.out)),
        block(block_of(problem.format, device)) {}

  // Beats and bursts of `rows` rows of `run` bytes; rows that touch in memory merge.
  void transfer(double rows, double run, bool contiguous, bool aligned, double& beats,
                double& bursts) const {
    if (contiguous) {
      beats += rows * run / d.bus_bytes;
      bursts += rows * run / kBurstBytes + 1;
      return;
    }
    const double row_beats =
        static_cast<double>(ceil_div(static_cast<std::uint64_t>(run), d.bus_bytes)) +
        (aligned ? 0.0 : 0.7);
    beats += rows * row_beats;
    bursts += rows * std::max(1.0, run / kBurstBytes);
  }

  double cost(const GemmTiling& t) const {
    const double tiles_m = static_cast<double>(ceil_div(p.m, t.tile_m));
    const double tiles_n = static_cast<double>(ceil_div(p.n, t.tile_n));
    const double blocks = static_cast<double>(ceil_div(p.k, block));
    const double tile_strips = static_cast<double>(ceil_div(t.tile_n, d.cols));
    const double strips = static_cast<double>(ceil_div(p.n, d.cols));
    const double reentry = d.rows * d.row_latency + 5.0;
    const double spacing = block + 2.0;

    // Array: passes of a tile's row band, no shorter than a stationary block takes to load.
    double compute = 0;
    for (double i = 0; i < tiles_m; i += 1) {
      const double m = std::min<double>(t.tile_m, static_cast<double>(p.m) - i * t.tile_m);
      const double pass = std::max(m, spacing);
      const double block_time = std::max(std::min(strips, tile_strips) * pass, reentry);
      compute += blocks * block_time * std::max(1.0, strips / tile_strips);
    }

    // Bus.
    const bool a_aligned = (p.lda % d.bus_bytes) == 0 && (p.a % d.bus_bytes) == 0;
    const bool b_aligned = (p.ldb % d.bus_bytes) == 0 && (p.b % d.bus_bytes) == 0;
    const bool d_aligned = (p.ldd % d.bus_bytes) == 0 && (p.d % d.bus_bytes) == 0;
    const double slices = static_cast<double>(ceil_div(p.k, t.slice_k));
    const double slice_bytes = std::min<double>(t.slice_k, static_cast<double>(p.k)) * element;
    double read = 0, read_bursts = 0, write = 0, write_bursts = 0;
    const Kept kept = kept_operands(p, t);
    transfer((kept.a ? 1.0 : tiles_n) * static_cast<double>(p.m) * slices, slice_bytes,
             p.lda == slice_bytes, a_aligned, read, read_bursts);
    const double width = std::min<double>(t.tile_n, static_cast<double>(p.n)) * element;
    transfer((kept.b ? 1.0 : tiles_m) * tiles_n * static_cast<double>(p.k), width, p.ldb == width,
             b_aligned, read, read_bursts);
    const double out_run = std::min<double>(d.cols, static_cast<double>(p.n)) * out_element;
    transfer(static_cast<double>(p.m) * strips, out_run, false, d_aligned, write, write_bursts);
    if (p.seed != Seed::none)
      transfer(static_cast<double>(p.m) * strips,
               std::min<double>(d.cols, static_cast<double>(p.n)) * 4, false, true, read,
               read_bursts);
    read = std::max(read, read_bursts * kLatency / d.reads_outstanding);
    write = std::max(write, write_bursts * kLatency / d.writes_outstanding);

    // Commands are decoded one by one.
    const double per_tile = 2 + tile_strips * 3 + (slices - 1) * 3;
    const double decode = tiles_m * tiles_n * per_tile * kDecode;

    // Start: ring, first latency, the first rows of A; end: passage, the last strip's drain,
    // response and record.
    const double m = std::min<double>(t.tile_m, static_cast<double>(p.m));
    const double row_beats = std::max(1.0, static_cast<double>(2 * d.rows) / d.bus_bytes);
    const double strip_beats = std::max(1.0, out_run / d.bus_bytes);
    const double start = 2 * kLatency + 60 + m * (row_beats - 1);
    const double end = 2 * kLatency + reentry + 20 + m * (strip_beats - 1);
    const double busy = std::max({compute, read, write, decode});
    // What is read before anything can be computed, and computed after the last read.
    const double tail_compute = read > compute ? std::min(m * tile_strips, compute) * 0.5 : 0.0;
    return busy + start + end + tail_compute + kBeatCost * (read + write);
  }
};

// Beats that a plan moves, its commands included.
double beats_of(const GemmPlan& plan, const DeviceShape& device) {
  double bytes = 128.0 * static_cast<double>(plan.steps.size());
  const auto moved = [&bytes](const Transfer& transfer) {
    bytes += static_cast<double>(transfer.run) * transfer.count[0] * transfer.count[1];
  };
  for (const Step& step : plan.steps) {
    if (const auto* load = std::get_if<LoadStep>(&step)) moved(load->transfer);
    if (const auto* store = std::get_if<StoreStep>(&step)) moved(store->transfer);
  }
  return bytes / device.bus_bytes;
}

}  // namespace

GemmTiling choose_tiling(const GemmProblem& problem, const DeviceShape& device) {
  if (problem.m == 0 || problem.n == 0 || problem.k == 0)
    throw std::invalid_argument("a product to plan has at least one row, column and k step");
  const Estimate estimate(problem, device);
  const unsigned element = estimate.element;
  const unsigned strips_per_line = device.line_bytes / (device.cols * element);
  const std::uint64_t group = std::uint64_t{device.cols} * strips_per_line;

  std::vector<std::uint32_t> heights, widths, slices;
  for (std::uint64_t parts = 1; parts <= problem.m;
       parts = parts < 16 ? parts + 1 : parts * 5 / 4) {
    const std::uint64_t height = ceil_div(problem.m, parts);
    if (height <= device.accumulator_rows) heights.push_back(static_cast<std::uint32_t>(height));
    if (height < 8) break;
  }
  for (std::uint64_t parts = 1; parts <= ceil_div(problem.n, group); ++parts) {
    const std::uint64_t width = ceil_div(ceil_div(problem.n, parts), group) * group;
    if (ceil_div(width, device.cols) <= device.accumulator_rows)
      widths.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(width, problem.n)));
    if (parts > 64 && width == group) break;
  }
  if (group > device.cols && problem.n > device.cols) widths.push_back(device.cols);
  const std::uint64_t blocks = ceil_div(problem.k, estimate.block);
  for (std::uint64_t count = 1;; count *= 2) {
    slices.push_back(static_cast<std::uint32_t>(std::min(count, blocks) * estimate.block));
    if (count >= blocks || count >= 64) break;
  }
  for (std::uint32_t square : {32U, 64U, 128U, 256U})
    if (problem.m > square && square <= device.accumulator_rows) heights.push_back(square);

  std::vector<GemmTiling> candidates;
  const auto add_candidates = [&](std::uint32_t height) {
    for (const std::uint32_t width : widths) {
      const std::uint64_t rows = std::uint64_t{height} * ceil_div(width, device.cols);
      if (rows > device.accumulator_rows) continue;
      const auto tiles =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(4, device.accumulator_rows / rows));
      for (const std::uint32_t slice : slices) {
        for (const bool keep_a : {false, true}) {
          for (const bool keep_b : {false, true}) {
            if ((keep_a && height < problem.m) || (keep_b && width < problem.n)) continue;
            for (const std::uint32_t slots : {4U, 3U, 2U}) {
              GemmTiling tiling{height, width, slice, slots, tiles, keep_a, keep_b};
              if (!fits(problem, device, tiling)) continue;
              tiling.cost = estimate.cost(tiling);
              candidates.push_back(tiling);
              break;
            }
          }
        }
      }
    }
  };
  for (const std::uint32_t height : heights) add_candidates(height);
  // Low tiles only cost, unless nothing else fits.
  for (std::uint32_t height = 4; height != 0 && candidates.empty(); height /= 2)
    add_candidates(height);
  // The formula orders the field; the schedules of the first decide, as many as a bounded effort
  // allows; then how the best of them begin and end.
  const auto by_cost = [](const GemmTiling& x, const GemmTiling& y) { return x.cost < y.cost; };
  std::sort(candidates.begin(), candidates.end(), by_cost);
  std::size_t effort = 0;
  GemmTiling best;
  best.cost = std::numeric_limits<double>::infinity();
  const auto try_out = [&](GemmTiling tiling) {
    const GemmPlan plan = plan_anywhere(problem, device, tiling);
    effort += plan.steps.size() + 200;
    tiling.cost = expected_cycles(plan, device, kLatency, 1.3 * best.cost) +
                  kBeatCost * beats_of(plan, device);
    if (tiling.cost < best.cost) best = tiling;
    return tiling;
  };
  std::vector<GemmTiling> tried;
  for (const GemmTiling& tiling : candidates) {
    if (effort > kEffort && best.tile_m != 0) break;
    tried.push_back(try_out(tiling));
  }
  std::sort(tried.begin(), tried.end(), by_cost);
  effort = 0;
  for (const GemmTiling& tiling : tried) {
    if (effort > kEffort) break;
    const auto tile_strips = static_cast<std::uint32_t>(ceil_div(tiling.tile_n, device.cols));
    for (std::uint32_t strips = 0; strips <= tile_strips; strips = strips == 0 ? 1 : 2 * strips) {
      for (unsigned options = 0; options < 8; ++options) {
        GemmTiling variant = tiling;
        variant.stream_strips = strips;
        variant.stream_rows = (options & 1) != 0;
        variant.taper_k = (options & 2) != 0;
        variant.taper_tiles = (options & 4) != 0;
        if ((strips == 0 && variant.stream_rows) ||
            (variant.taper_tiles && tiling.keep_a == tiling.keep_b))
          continue;
        try_out(variant);
      }
    }
  }
  if (best.tile_m == 0)
    throw std::invalid_argument("the device's memories are too small for any tiling");
  return best;
}

double GemmBound::plain() const { return std::max({compute, read, write}); }
double GemmBound::whole() const { return std::max(plain(), chain) + start; }

const char* GemmBound::limit() const {
  const double largest = std::max(plain(), chain);
  if (largest == compute) return "compute";
  if (largest == read) return "read";
  return largest == write ? "write" : "chain";
}

GemmBound bound_of(const GemmProblem& problem, const DeviceShape& device, unsigned memory_latency) {
  const double p = problem.format == Format::int8 ? 2.0 : 1.0;
  const auto m = static_cast<double>(problem.m);
  const auto n = static_cast<double>(problem.n);
  const auto k = static_cast<double>(problem.k);
  const double bus = device.bus_bytes;
  double read_bytes = (m * k + k * n) * bytes_of(problem.format);
  if (problem.seed == Seed::matrix) read_bytes += m * n * 4;
  GemmBound bound;
  bound.compute = m * n * k / (p * device.rows * device.cols);
  bound.read = read_bytes / bus;
  bound.write = m * n * bytes_of(problem.out) / bus;
  bound.chain = k / p * device.row_latency;
  bound.start = 4.0 * memory_latency + device.rows * device.row_latency + device.cols;
  return bound;
}

}  // namespace systolith::library
