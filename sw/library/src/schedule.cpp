#include "schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <stdexcept>

#include "gemm_cut.hpp"

namespace systolith::library {
namespace {

// Measured on the device (docs/architecture): cycles from one event to the next.
constexpr double kFirstCommand =
    29;  // doorbell to the first command at its unit, beyond the memory's latency
constexpr double kDecode = 21;       // from command to command
constexpr double kIssueAddress = 5;  // command at the load unit to its first address on the bus
constexpr double kLand = 4;          // beat to scratchpad and signal
constexpr double kStationaryStart =
    8;  // wait granted to the first stationary read, and last write to first row
constexpr double kStoreStart = 6;  // row allowed to its address on the bus
constexpr double kRecord = 14;  // last response to the record's address, record's data to its end
constexpr double kQueue = 16;   // commands in front of a unit

// Times at which single counts of a semaphore arrive, as runs of evenly spaced ones.
class Arrivals {
 public:
  void push(double first, double last, double count) { runs_.push_back({first, last, count}); }

  // Takes `count` of them; the times at which the first `part` of them and all are there.
  std::array<double, 2> pop(double count, double part) {
    double first = 0, last = 0, taken_before = 0;
    while (count > 0) {
      if (runs_.empty())
        throw std::logic_error("a plan waits for a signal that no earlier step gives");
      Run& run = runs_.front();
      const double taken = std::min(count, run.count);
      const double step = run.count > 1 ? (run.last - run.first) / (run.count - 1) : 0.0;
      if (taken_before < part)
        first = std::max(first, run.first + step * (std::min(taken, part - taken_before) - 1));
      taken_before += taken;
      last = std::max(last, run.first + step * (taken - 1));
      count -= taken;
      if (taken == run.count) {
        runs_.pop_front();
      } else {
        run.first += step * taken;
        run.count -= taken;
      }
    }
    return {first, last};
  }

 private:
  struct Run {
    double first, last, count;
  };
  std::deque<Run> runs_;
};

class Schedule {
 public:
  Schedule(const DeviceShape& device, double latency) : d_(device), latency_(latency + 1) {
    reentry_ = device.rows * device.row_latency + 6.0;
    decoded_ = latency_ + kFirstCommand - kDecode;
  }

  double now() const { return end_; }

  void operator()(const LoadStep& step) {
    const double ready = dispatch(load_queue_);
    const auto [first, last] = waits(step, ready);
    (void)last;
    const Traffic t = traffic(step.transfer, step.wait);
    const double outstanding = d_.reads_outstanding;
    // Addresses one a cycle, a limited number of bursts in flight; data in order behind all that
    // came before.
    const double address = std::max({first, load_address_free_}) + kIssueAddress;
    load_queue_.push_back(address);
    const double data_start = std::max(address + latency_, read_free_);
    double data_end =
        data_start + std::max({t.beats, t.bursts * latency_ / outstanding, t.local_writes});
    if (t.bursts > outstanding)
      data_end = std::max(data_end, address + t.bursts * latency_ / outstanding + latency_);
    read_free_ = data_end;
    load_address_free_ = std::max(
        address + t.bursts, data_end - latency_ - t.beats * std::min(1.0, outstanding / t.bursts));
    const double row = (data_end - data_start) / t.rows;
    give(step, data_start + row + kLand, data_end + kLand);
    end_ = std::max(end_, data_end);
  }

  void operator()(const MatrixStep& step) {
    const double ready = dispatch(matrix_queue_);
    const double block = block_of(step.format, d_);
    const double m = step.m;
    const double strips = (step.n + d_.cols - 1) / d_.cols;
    const double blocks = static_cast<double>((step.k + static_cast<std::uint64_t>(block) - 1) /
                                              static_cast<std::uint64_t>(block));
    const auto [granted, last] = waits(step, ready);
    const double passes = strips * blocks;
    // Spacing of passes of independent rows: docs/architecture. The first stationary block is read
    // once the waits are granted, the others behind the wave.
    const double loaded = std::max(granted, stationary_free_) + kStationaryStart + block;
    double start = std::max(array_free_, loaded);
    if (step.c_base == last_base_ && step.accumulate)
      start = std::max(start, last_pass_ + reentry_);
    const bool chained = step.strip_outer && blocks > 1;  // a strip's blocks follow each other
    const double pass = std::max(std::max(m, step.format == Format::int8 ? block : block + 1),
                                 chained ? reentry_ : 0.0);
    const double per_block = std::max(strips * pass, blocks == 1 ? 0.0 : reentry_);
    double finish = start + (blocks - 1) * per_block + (strips - 1) * pass + m;
    finish = std::max(finish, last + 2);
    matrix_queue_.push_back(start);
    stationary_free_ = passes > 1 ? finish - m + 2 : start + 2;
    last_base_ = step.c_base;
    last_pass_ = finish - m;
    array_free_ = finish;
    const double passage = d_.rows * d_.row_latency + d_.cols + 6.0;
    give(step, std::max(start, finish - passes * m) + passage, finish + passage);
    end_ = std::max(end_, finish);
  }

  void operator()(const StoreStep& step) {
    const double ready = dispatch(store_queue_);
    const auto [first, last] = waits(step, ready);
    const Traffic t = traffic(step.transfer, step.wait);
    const double groups =
        (std::min<double>(d_.cols, step.transfer.run) + d_.drain_lanes - 1) / d_.drain_lanes;
    const double start = std::max({first + kStoreStart, write_free_});
    store_queue_.push_back(std::max(first, store_taken_));
    store_taken_ = start;
    double finish = start + std::max({t.beats, t.rows * std::max(1.0, std::floor(groups)),
                                      t.bursts * (latency_ + 2) / d_.writes_outstanding});
    double unit = 1;
    for (const Sync& wait : step.wait)
      if (wait.by_rows) unit = std::min(t.rows, std::ldexp(1.0, wait.rows_log2));
    finish = std::max(finish, last + kStoreStart + t.beats / t.rows * unit);
    write_free_ = finish;
    const double visible = finish + latency_ + 2;
    give(step, visible - (finish - start), visible);
    end_ = std::max(end_, visible);
  }

  double finish() const { return end_ + kRecord + latency_; }

 private:
  struct Traffic {
    double rows, beats, bursts, local_writes;
  };

  Traffic traffic(const Transfer& transfer, const Sync (&wait)[2]) const {
    Traffic t{};
    t.rows = static_cast<double>(transfer.count[0]) * transfer.count[1];
    const double run = transfer.run;
    const bool merged = transfer.stride[0] == static_cast<std::int64_t>(transfer.run) &&
                        !wait[0].by_rows && !wait[1].by_rows;
    const double bus = d_.bus_bytes;
    t.local_writes = t.rows * static_cast<double>((transfer.run + d_.bus_bytes - 1) / d_.bus_bytes);
    if (merged) {
      t.beats = t.rows * run / bus + 1;
      t.bursts = t.beats / 16 + 1;
      return t;
    }
    // Beats of a row depend on where it begins; the stride says how that moves.
    double beats = 0, bursts = 0;
    const unsigned sample = std::min<std::uint32_t>(transfer.count[0] * transfer.count[1], 16);
    for (unsigned i = 0; i < sample; ++i) {
      const std::uint64_t begin =
          transfer.address +
          static_cast<std::uint64_t>(transfer.stride[0]) * (i % transfer.count[0]) +
          static_cast<std::uint64_t>(transfer.stride[1]) * (i / transfer.count[0]);
      const std::uint64_t end = begin + transfer.run - 1;
      const double row = static_cast<double>(end / d_.bus_bytes - begin / d_.bus_bytes + 1);
      beats += row;
      bursts += std::max(1.0, row / 16);
    }
    t.beats = beats / sample * t.rows;
    t.bursts = bursts / sample * t.rows;
    return t;
  }

  // Commands are decoded one by one, and wait for room in the unit's queue.
  double dispatch(std::deque<double>& queue) {
    decoded_ += kDecode;
    read_free_ += 128.0 / d_.bus_bytes;  // the ring is read over the same bus
    if (queue.size() > kQueue) {
      decoded_ = std::max(decoded_, queue[queue.size() - 1 - static_cast<std::size_t>(kQueue)]);
      while (queue.size() > kQueue + 1) queue.pop_front();
    }
    return decoded_;
  }

  template <typename T>
  std::array<double, 2> waits(const T& step, double ready) {
    double first = ready, last = ready;
    for (const Sync& wait : step.wait) {
      if (wait.count == 0) continue;
      const double units = units_of(step, wait);
      const auto [f, l] = arrivals_[wait.semaphore].pop(units * wait.count, wait.count);
      first = std::max(first, wait.by_rows ? f : l);
      last = std::max(last, l);
    }
    return {first, last};
  }

  template <typename T>
  void give(const T& step, double first, double last) {
    for (const Sync& signal : step.signal) {
      if (signal.count == 0) continue;
      if (signal.by_rows) {
        const double units = units_of(step, signal);
        arrivals_[signal.semaphore].push(first + (last - first) / units, last,
                                         units * signal.count);
      } else {
        arrivals_[signal.semaphore].push(last, last, signal.count);
      }
    }
  }

  double rows_of(const MatrixStep& step) const {
    const std::uint64_t block = block_of(step.format, d_);
    const std::uint64_t passes =
        ((step.n + d_.cols - 1) / d_.cols) * ((step.k + block - 1) / block);
    return static_cast<double>(passes * step.m);
  }
  template <typename T>
  double rows_of(const T& step) const {
    return static_cast<double>(step.transfer.count[0]) * step.transfer.count[1];
  }
  // How often a wait is granted or a signal given.
  template <typename T>
  double units_of(const T& step, const Sync& sync) const {
    return sync.by_rows ? std::ceil(std::ldexp(rows_of(step), -int{sync.rows_log2})) : 1.0;
  }

  const DeviceShape& d_;
  double latency_;
  double reentry_;
  double decoded_;
  double read_free_ = 0, load_address_free_ = 0;
  double array_free_ = 0, stationary_free_ = 0, last_pass_ = 0;
  std::uint32_t last_base_ = ~0U;
  double write_free_ = 0, store_taken_ = 0;
  double end_ = 0;
  std::deque<double> load_queue_, matrix_queue_, store_queue_;
  std::array<Arrivals, 16> arrivals_;
};

}  // namespace

double expected_cycles(const GemmPlan& plan, const DeviceShape& device, double memory_latency,
                       double limit) {
  Schedule schedule(device, memory_latency);
  for (const Step& step : plan.steps) {
    std::visit(schedule, step);
    if (schedule.now() > limit) break;
  }
  return schedule.finish();
}

}  // namespace systolith::library
