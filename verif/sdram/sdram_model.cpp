#include "sdram_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace systolith::sdram {
namespace {

constexpr size_t kKept = 64;
constexpr uint16_t kUndefined = 0xdead;
constexpr unsigned kMayOwe = 8;  // refreshes that may be put off

std::string nanoseconds(uint64_t ps) { return fmt::format("{}.{:03} ns", ps / 1000, ps % 1000); }

}  // namespace

SdramModel::SdramModel(const SdramTiming& timing, const SdramFaults& faults)
    : timing_(timing),
      faults_(faults),
      data_(static_cast<uint16_t*>(std::calloc(kBytes, 1)), std::free) {
  if (!data_) throw std::bad_alloc();
  if (faults_.decay_ps != 0) restored_.assign(size_t{kBanks} * kRows, 0);
}

// ---- violations ----
void SdramModel::report(const char* rule, std::string text) {
  if (violation_count_++ < kKept) violations_.push_back({rule, time_, std::move(text)});
}

bool SdramModel::violated(const std::string& rule) const {
  return std::any_of(violations_.begin(), violations_.end(),
                     [&](const auto& v) { return v.rule == rule; });
}

void SdramModel::clear_violations() {
  violations_.clear();
  violation_count_ = 0;
}

std::string SdramModel::summary() const {
  std::string text;
  for (const SdramViolation& v : violations_) {
    text += fmt::format("{}.{:06} us: {}: {}\n", v.time / 1'000'000, v.time % 1'000'000, v.rule,
                        v.text);
  }
  if (violation_count_ > violations_.size()) {
    text += fmt::format("and {} more\n", violation_count_ - violations_.size());
  }
  return text;
}

void SdramModel::check(const char* rule, const SdramTime& least, const Moment& since,
                       const char* what, const char* after, unsigned bank) {
  if (!since.ever) return;
  // With auto-precharge the moment may lie ahead.
  const uint64_t passed = time_ > since.time ? time_ - since.time : 0;
  const uint64_t clocks = edge_ > since.edge ? edge_ - since.edge : 0;
  if (passed < least.ps || clocks < least.clocks) {
    report(rule,
           fmt::format("{} (bank {}) {} and {} clocks after {}, at least {} and {}", what, bank,
                       nanoseconds(passed), clocks, after, nanoseconds(least.ps), least.clocks));
  }
}

// ---- wires ----
uint16_t SdramModel::through_wires(uint16_t word) const {
  if (faults_.swapped_lanes) word = static_cast<uint16_t>(word << 8 | word >> 8);
  if (faults_.data) {
    const auto bit = static_cast<uint16_t>(1u << faults_.data->line);
    word = static_cast<uint16_t>(faults_.data->value ? word | bit : word & ~bit);
  }
  return word;
}

SdramBus SdramModel::bus(uint64_t time) const {
  const Slot& next = slots_[(edge_ + 1) % slots_.size()];
  const Slot& last = slots_[edge_ % slots_.size()];
  if (!running_) return {};
  if (next.driven && time >= time_ + timing_.tAC) return {true, true, through_wires(next.value)};
  if (last.driven && time < time_ + timing_.tOH) return {true, true, through_wires(last.value)};
  if (next.driven || (last.driven && time < time_ + timing_.tHZ)) return {true, false, kUndefined};
  return {};
}

// ---- an edge ----
void SdramModel::edge(uint64_t time, const SdramPins& pins) {
  const uint64_t period = time - time_;
  if (!running_) {
    first_edge_ = time;
    running_ = true;
  } else {
    ++edge_;
    const uint64_t least = cas_latency_ == 2 ? timing_.tCK2 : timing_.tCK3;
    if (mode_loaded_ && period < least) {
      report("tCK", fmt::format("period {}, at least {} with CAS latency {}", nanoseconds(period),
                                nanoseconds(least), cas_latency_));
    }
  }
  time_ = time;
  // The slot of the edge before the last is free again.
  slots_[(edge_ + slots_.size() - 2) % slots_.size()] = {};
  dqm_[edge_ % dqm_.size()] = pins.dqm;

  uint16_t address = pins.address & 0x1fff;
  unsigned bank = pins.bank & 3u;
  if (faults_.address) {
    const unsigned line = faults_.address->line;
    const bool one = faults_.address->value;
    const unsigned all = address | bank << 13;
    const unsigned wired = one ? all | 1u << line : all & ~(1u << line);
    address = wired & 0x1fff;
    bank = wired >> 13;
  }

  if (!pins.cke) {
    if (powered_) {
      report("self_refresh", "CKE is low");
    } else {
      first_edge_ = time;
    }
  } else if (!pins.cs_n && !(pins.ras_n && pins.cas_n && pins.we_n)) {
    command(pins, address, bank);
  }
  run_burst(pins);

  // Data that READs asked for: DQM of two edges before masks them.
  Slot& driven = slots_[(edge_ + 1) % slots_.size()];
  if (driven.driven && edge_ >= 1 && dqm_[(edge_ - 1) % dqm_.size()] == 3) driven = {};

  const Slot& here = slots_[edge_ % slots_.size()];
  const Slot& before = slots_[(edge_ + slots_.size() - 1) % slots_.size()];
  if (pins.dq_enable && here.driven) {
    report("contention",
           fmt::format("the controller drives {:#06x}, the chip {:#06x}", pins.dq, here.value));
  } else if (pins.dq_enable && before.driven) {
    report("turnaround", "the controller drives at the edge after the chip's data");
  }
  for (unsigned b = 0; b < kBanks; ++b) {
    Bank& state = banks_[b];
    if (state.open && !state.overdue && time_ > state.activated.time + timing_.tRAS_max) {
      report("tRAS_max",
             fmt::format("bank {} is open for {}, at most {}", b,
                         nanoseconds(time_ - state.activated.time), nanoseconds(timing_.tRAS_max)));
      state.overdue = true;
    }
  }
  check_refresh_debt();
}

void SdramModel::check_refresh_debt() {
  if (!mode_loaded_) return;
  // Refreshes that were due by now: 8192 x elapsed / tREF.
  const uint64_t due = (time_ - debt_since_) * 1024 / (timing_.tREF / 8);
  if (due > refreshes_counted_ + kMayOwe) {
    if (!debt_told_) {
      report("refresh", fmt::format("{} refreshes in {}, {} are due", refreshes_counted_,
                                    nanoseconds(time_ - debt_since_), due));
    }
    debt_told_ = true;
  } else {
    debt_told_ = false;
    // No credit for refreshes done before they are due.
    if (refreshes_counted_ > due) {
      debt_since_ = time_;
      refreshes_counted_ = 0;
    }
  }
}

// ---- commands ----
void SdramModel::check_idle(const char* name) {
  check("tRFC", timing_.tRFC, refreshed_, name, "REFRESH", 0);
  check("tMRD", timing_.tMRD, mode_set_, name, "LOAD MODE", 0);
}

void SdramModel::command(const SdramPins& pins, uint16_t address, unsigned bank) {
  if (!powered_) {
    powered_ = true;
    if (time_ - first_edge_ < timing_.power_up) {
      report("power_up",
             fmt::format("a command after {}, at least {}", nanoseconds(time_ - first_edge_),
                         nanoseconds(timing_.power_up)));
    }
  }
  const unsigned code = (pins.ras_n ? 4u : 0u) | (pins.cas_n ? 2u : 0u) | (pins.we_n ? 1u : 0u);
  switch (code) {
    case 0:
      load_mode(address);
      break;
    case 1:
      refresh();
      break;
    case 2:
      precharge(bank, (address >> 10 & 1) != 0);
      break;
    case 3:
      activate(bank, address);
      break;
    case 4:
      column(true, bank, address);
      break;
    case 5:
      column(false, bank, address);
      break;
    default:
      stop_burst("BURST TERMINATE");
      break;
  }
}

void SdramModel::activate(unsigned bank, uint16_t row) {
  check_idle("ACTIVE");
  Bank& state = banks_[bank];
  if (!mode_loaded_) report("initialisation", "ACTIVE before LOAD MODE");
  if (state.open)
    report("bank_open", fmt::format("ACTIVE of bank {}, where row {} is open", bank, state.row));
  check("tRP", timing_.tRP, state.precharged, "ACTIVE", "PRECHARGE", bank);
  check("tRC", timing_.tRC, state.activated, "ACTIVE", "ACTIVE", bank);
  if (activated_.ever && activated_bank_ != bank) {
    check("tRRD", timing_.tRRD, activated_, "ACTIVE", "that of another bank", bank);
  }
  state.open = true;
  state.overdue = false;
  state.row = row;
  state.activated = activated_ = now();
  activated_bank_ = static_cast<uint8_t>(bank);
  ++counts_.activates;
  restore_row(bank, row);
}

void SdramModel::column(bool write, unsigned bank, uint16_t address) {
  const char* name = write ? "WRITE" : "READ";
  check_idle(name);
  Bank& state = banks_[bank];
  if (!mode_loaded_) report("initialisation", fmt::format("{} before LOAD MODE", name));
  if (!state.open) report("bank_closed", fmt::format("{} of bank {}, which is closed", name, bank));
  check("tRCD", timing_.tRCD, state.activated, name, "ACTIVE", bank);
  if (burst_.active) stop_burst(name);
  burst_ = {};
  burst_.active = true;
  burst_.write = write;
  burst_.precharge = (address >> 10 & 1) != 0;
  burst_.bank = static_cast<uint8_t>(bank);
  burst_.row = state.row;
  burst_.column = address % kColumns;
  burst_.length = write && single_writes_ ? 1 : full_page_ ? kColumns : burst_length_;
  burst_.closed = !state.open;
  ++(write ? counts_.writes : counts_.reads);
}

void SdramModel::precharge(unsigned bank, bool all) {
  check_idle("PRECHARGE");
  for (unsigned b = 0; b < kBanks; ++b) {
    if (!all && b != bank) continue;
    if (burst_.active && burst_.bank == b) stop_burst("PRECHARGE");
    if (banks_[b].open) {
      check("tRAS", timing_.tRAS, banks_[b].activated, "PRECHARGE", "ACTIVE", b);
      check("tDPL", timing_.tDPL, banks_[b].written, "PRECHARGE", "the last data in", b);
      close(b, now());
    } else if (all && !mode_loaded_) {
      close(b, now());  // in the power-up sequence nobody knows what is open
    }
  }
  if (all) precharged_all_ = true;
  ++counts_.precharges;
}

void SdramModel::close(unsigned bank, const Moment& when) {
  banks_[bank].open = false;
  banks_[bank].precharged = when;
  banks_[bank].written = {};
}

void SdramModel::refresh() {
  check_idle("REFRESH");
  for (unsigned b = 0; b < kBanks; ++b) {
    if (banks_[b].open)
      report("bank_open", fmt::format("REFRESH with row {} of bank {} open", banks_[b].row, b));
    check("tRP", timing_.tRP, banks_[b].precharged, "REFRESH", "PRECHARGE", b);
    check("tRC", timing_.tRC, banks_[b].activated, "REFRESH", "ACTIVE", b);
    restore_row(b, next_row_);
  }
  if (!mode_loaded_) {
    if (!precharged_all_) report("initialisation", "REFRESH before PRECHARGE of all banks");
    ++initial_refreshes_;
  }
  next_row_ = (next_row_ + 1) % kRows;
  refreshed_ = now();
  ++refreshes_counted_;
  ++counts_.refreshes;
}

void SdramModel::load_mode(uint16_t address) {
  check_idle("LOAD MODE");
  for (unsigned b = 0; b < kBanks; ++b) {
    if (banks_[b].open)
      report("bank_open", fmt::format("LOAD MODE with row {} of bank {} open", banks_[b].row, b));
    check("tRP", timing_.tRP, banks_[b].precharged, "LOAD MODE", "PRECHARGE", b);
  }
  if (!precharged_all_ || initial_refreshes_ < 2) {
    report("initialisation",
           fmt::format("LOAD MODE after {} and {} refreshes, at least 2",
                       precharged_all_ ? "PRECHARGE" : "no PRECHARGE", initial_refreshes_));
  }
  const unsigned length = address & 7;
  const unsigned latency = address >> 4 & 7;
  const bool full = length == 7;
  const bool interleaved = (address & 8) != 0;
  if ((length > 3 && !full) || (full && interleaved) || (latency != 2 && latency != 3) ||
      (address & 0x1d80) != 0) {
    report("mode", fmt::format("mode {:#06x} is reserved", address));
  } else {
    full_page_ = full;
    burst_length_ = full ? kColumns : 1u << length;
    interleaved_ = interleaved;
    cas_latency_ = latency;
    single_writes_ = (address & 0x200) != 0;
  }
  // Who loads the mode begins anew.
  debt_since_ = time_;
  refreshes_counted_ = 0;
  if (!mode_loaded_) {
    // Before power-up is over rows hold nothing that could decay.
    std::fill(restored_.begin(), restored_.end(), time_);
  }
  mode_loaded_ = true;
  mode_set_ = now();
  ++counts_.mode_loads;
}

// ---- data ----
void SdramModel::stop_burst(const char* by) {
  if (burst_.active && burst_.precharge) {
    report("bank_open", fmt::format("{} cuts a burst with auto-precharge", by));
  }
  burst_.active = false;
}

unsigned SdramModel::burst_column(const Burst& burst) const {
  if (burst.length == kColumns) return (burst.column + burst.done) % kColumns;
  const unsigned mask = burst.length - 1;
  const unsigned offset =
      interleaved_ ? (burst.column ^ burst.done) & mask : (burst.column + burst.done) & mask;
  return (burst.column & ~mask) | offset;
}

void SdramModel::run_burst(const SdramPins& pins) {
  if (!burst_.active) return;
  uint16_t& stored = word(burst_.bank, burst_.row, burst_column(burst_));
  if (burst_.write) {
    if (!pins.dq_enable && (pins.dqm & 3) != 3)
      report("data", "the controller does not drive the data of a WRITE");
    const uint16_t in = through_wires(pins.dq);
    const auto mask =
        static_cast<uint16_t>((pins.dqm & 1 ? 0u : 0x00ffu) | (pins.dqm & 2 ? 0u : 0xff00u));
    if (!burst_.closed) {
      stored = static_cast<uint16_t>((in & mask) | (stored & ~mask));
      banks_[burst_.bank].written = now();
    }
  } else {
    slots_[(edge_ + cas_latency_) % slots_.size()] = {true, burst_.closed ? kUndefined : stored};
  }
  if (++burst_.done < burst_.length || full_page_) return;
  burst_.active = false;
  if (burst_.precharge && !burst_.closed) {
    // The chip closes the row once all its times are over.
    const Bank& bank = banks_[burst_.bank];
    Moment end = now();
    end.time = std::max(end.time + (burst_.write ? timing_.tDPL.ps : 0),
                        bank.activated.time + timing_.tRAS.ps);
    close(burst_.bank, end);
  }
}

void SdramModel::restore_row(unsigned bank, uint16_t row) {
  if (faults_.decay_ps == 0) return;
  uint64_t& restored = restored_[size_t{bank} * kRows + row];
  if (time_ - restored > faults_.decay_ps) {
    ++counts_.decayed_rows;
    // One bit a word of every fourth column falls to 0.
    for (unsigned column = row % 4; column < kColumns; column += 4) {
      word(bank, row, column) &= static_cast<uint16_t>(~(1u << ((column / 4 + row) % 16)));
    }
  }
  restored = time_;
}

}  // namespace systolith::sdram
