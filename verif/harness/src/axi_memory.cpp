#include "systolith_harness/axi_memory.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace systolith::harness {

AxiMemory::AxiMemory(unsigned bus_bytes, uint64_t base, uint64_t bytes, uint64_t seed)
    : bus_bytes_(bus_bytes), base_(base), bytes_(bytes), random_(seed) {
  if (bus_bytes < 1 || bus_bytes > kMaxBusBytes || (bus_bytes & (bus_bytes - 1)) != 0) {
    throw std::invalid_argument(fmt::format("a bus of {} bytes", bus_bytes));
  }
  if (bytes == 0 || base + (bytes - 1) < base) throw std::invalid_argument("memory range wraps");
  void* map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<uint8_t*>(map);
}

AxiMemory::~AxiMemory() { munmap(data_, bytes_); }

size_t AxiMemory::inject(const AxiInjection& injection) {
  for (size_t n = 0; n < kInjections; ++n) {
    if (!slots_[n].used) {
      slots_[n] = {injection, 0, true};
      ++slots_used_;
      return n;
    }
  }
  throw std::length_error("too many injections");
}

void AxiMemory::remove_injection(size_t number) {
  if (number < kInjections && slots_[number].used) {
    slots_[number].used = false;
    --slots_used_;
  }
}

void AxiMemory::clear_injections() {
  for (size_t n = 0; n < kInjections; ++n) remove_injection(n);
}

void AxiMemory::release_unanswered() {
  for (auto& ring : reads_) {
    for (unsigned i = 0; i < ring.count; ++i) ring.at(i).never = false;
  }
  for (unsigned i = 0; i < writes_.count; ++i) writes_.at(i).never = false;
  for (auto& ring : responses_) {
    for (unsigned i = 0; i < ring.count; ++i) ring.at(i).never = false;
  }
}

void AxiMemory::reset() {
  for (auto& ring : reads_) ring.count = 0;
  for (auto& ring : responses_) ring.count = 0;
  writes_.count = 0;
  early_.count = 0;
  reads_owed_ = 0;
  writes_owed_ = 0;
  reading_ = -1;
  out_ = {};
}

uint16_t AxiMemory::match(AxiInjection::Kind kind, uint8_t id, uint64_t first, uint64_t last,
                          bool* never) {
  uint16_t bits = 0;
  for (unsigned n = 0; n < kInjections; ++n) {
    Slot& slot = slots_[n];
    const AxiInjection& injection = slot.injection;
    if (!slot.used || injection.kind != kind) continue;
    if (injection.id >= 0 && injection.id != id) continue;
    if (last < injection.first_address || first > injection.last_address) continue;
    const int64_t ordinal = slot.seen++;
    if (injection.burst >= 0 && injection.burst != ordinal) continue;
    hits_.push_back({n, id, bursts_[kind == AxiInjection::Kind::Write][id % kIds], first, cycle_});
    if (injection.effect == AxiInjection::Effect::NeverAnswer) {
      *never = true;
    } else {
      bits |= static_cast<uint16_t>(1u << n);
    }
  }
  return bits;
}

void AxiMemory::take_read(const AxiAddress& ar) {
  ReadBurst& burst = reads_[ar.id % kIds].push();
  const uint64_t beat_bytes = 1ull << ar.size;
  burst.address = ar.address;
  burst.ready = cycle_ + random_.range(timing_.read_latency_minimum, timing_.read_latency_maximum);
  burst.order = order_++;
  burst.beats = static_cast<uint16_t>(ar.length + 1);
  burst.beat = 0;
  burst.never = false;
  burst.size = ar.size;
  burst.injections = 0;
  burst.snapshot.reset();
  const uint64_t aligned = ar.address & ~(beat_bytes - 1);
  if (slots_used_ != 0) {
    burst.injections = match(AxiInjection::Kind::Read, ar.id, ar.address,
                             aligned + burst.beats * beat_bytes - 1, &burst.never);
  }
  if (read_at_request_) {
    const uint64_t start = ar.address & ~uint64_t{bus_bytes_ - 1};
    const uint64_t total = uint64_t{burst.beats} * bus_bytes_;
    if (contains(start, total)) {
      burst.snapshot = std::make_unique<uint8_t[]>(total);
      std::memcpy(burst.snapshot.get(), at(start), total);
    }
  }
  ++reads_owed_;
  ++statistics_.read_bursts;
  ++bursts_[0][ar.id % kIds];
}

void AxiMemory::take_write(const AxiAddress& aw) {
  WriteBurst& burst = writes_.push();
  burst.address = aw.address;
  burst.order = order_++;
  burst.beats = static_cast<uint16_t>(aw.length + 1);
  burst.beat = 0;
  burst.id = aw.id % kIds;
  burst.size = aw.size;
  burst.response = 0;
  burst.never = false;
  burst.staged.clear();
  const uint64_t beat_bytes = 1ull << aw.size;
  const uint64_t aligned = aw.address & ~(beat_bytes - 1);
  if (slots_used_ != 0) {
    const uint16_t bits = match(AxiInjection::Kind::Write, aw.id, aw.address,
                                aligned + burst.beats * beat_bytes - 1, &burst.never);
    for (unsigned n = 0; n < kInjections; ++n) {
      if (bits >> n & 1) {
        burst.response = slots_[n].injection.effect == AxiInjection::Effect::DecodeError ? 3 : 2;
      }
    }
  }
  ++writes_owed_;
  ++bursts_[1][aw.id % kIds];
  ++statistics_.write_bursts;
}

void AxiMemory::write_bytes(uint64_t address, const uint8_t* data, uint64_t strobe) {
  uint8_t* to = at(address);
  const uint64_t all = bus_bytes_ == 64 ? ~0ull : (1ull << bus_bytes_) - 1;
  if (strobe == all) {
    std::memcpy(to, data, bus_bytes_);
    return;
  }
  for (unsigned i = 0; i < bus_bytes_; ++i) {
    if (strobe >> i & 1) to[i] = data[i];
  }
}

void AxiMemory::take_beat(const uint8_t* data, uint64_t strobe) {
  WriteBurst& burst = writes_.front();
  const uint64_t bus_address = burst.address & ~uint64_t{bus_bytes_ - 1};
  ++statistics_.write_beats;
  if (!contains(bus_address, bus_bytes_)) {
    if (burst.response == 0) burst.response = 3;
    ++statistics_.unmapped_writes;
  } else if (commit_at_response_) {
    WriteBeat& beat = burst.staged.emplace_back();
    std::memcpy(beat.data, data, bus_bytes_);
    beat.address = bus_address;
    beat.strobe = strobe;
  } else if (burst.response == 0) {
    write_bytes(bus_address, data, strobe);
  }
  const uint64_t beat_bytes = 1ull << burst.size;
  burst.address = (burst.address & ~(beat_bytes - 1)) + beat_bytes;
  if (++burst.beat == burst.beats) {
    burst.ready =
        cycle_ + random_.range(timing_.write_latency_minimum, timing_.write_latency_maximum);
    std::swap(responses_[burst.id].push(), burst);
    writes_.pop();
  }
}

uint8_t AxiMemory::beat_response(const ReadBurst& burst) const {
  const uint64_t first = burst.address & ~uint64_t{bus_bytes_ - 1};
  for (unsigned n = 0; n < kInjections; ++n) {
    if (!(burst.injections >> n & 1)) continue;
    const AxiInjection& injection = slots_[n].injection;
    if (injection.beat >= 0 && injection.beat != burst.beat) continue;
    if (first > injection.last_address || first + bus_bytes_ - 1 < injection.first_address)
      continue;
    return injection.effect == AxiInjection::Effect::DecodeError ? 3 : 2;
  }
  return 0;
}

void AxiMemory::next_read() {
  out_.r_valid = false;
  const uint64_t next = cycle_ + 1;
  if (reads_owed_ == 0 || hold_.r) return;
  if (next << 16 < next_read_time_) return;
  int chosen = -1;
  if (!timing_.interleave_reads) {
    if (reading_ >= 0) {
      chosen = reading_;
    } else {
      uint64_t oldest = ~0ull;
      for (unsigned id = 0; id < kIds; ++id) {
        if (reads_[id].empty()) continue;
        const ReadBurst& burst = reads_[id].front();
        if (burst.never || burst.ready > next || burst.order >= oldest) continue;
        oldest = burst.order;
        chosen = static_cast<int>(id);
      }
    }
  } else {
    const unsigned start = static_cast<unsigned>(random_.next() >> 40);
    for (unsigned i = 0; i < kIds && chosen < 0; ++i) {
      const unsigned id = (start + i) % kIds;
      if (reads_[id].empty()) continue;
      const ReadBurst& burst = reads_[id].front();
      if (!burst.never && burst.ready <= next) chosen = static_cast<int>(id);
    }
  }
  if (chosen < 0) return;
  if (random_.percent(timing_.stall_r)) return;
  ReadBurst& burst = reads_[chosen].front();
  reading_ = chosen;
  const uint64_t bus_address = burst.address & ~uint64_t{bus_bytes_ - 1};
  out_.r_valid = true;
  out_.r_id = static_cast<uint8_t>(chosen);
  out_.r_response = 0;
  out_.r_last = burst.beat + 1 == burst.beats;
  if (!contains(bus_address, bus_bytes_)) {
    out_.r_response = 3;
    ++statistics_.unmapped_reads;
    for (unsigned i = 0; i < bus_bytes_; ++i)
      out_.r_data[i] = static_cast<uint8_t>(random_.next() >> 56);
  } else if (burst.snapshot) {
    std::memcpy(out_.r_data.data(), burst.snapshot.get() + uint64_t{burst.beat} * bus_bytes_,
                bus_bytes_);
  } else {
    std::memcpy(out_.r_data.data(), at(bus_address), bus_bytes_);
  }
  if (burst.injections != 0) {
    const uint8_t response = beat_response(burst);
    if (response != 0) out_.r_response = response;
  }
  next_read_time_ = std::max(next_read_time_, next << 16) + timing_.read_interval;
}

void AxiMemory::next_response() {
  out_.b_valid = false;
  if (writes_owed_ == 0 || hold_.b) return;
  int chosen = -1;
  uint64_t oldest = ~0ull;
  for (unsigned id = 0; id < kIds; ++id) {
    if (responses_[id].empty()) continue;
    const WriteBurst& burst = responses_[id].front();
    if (burst.never || burst.ready > cycle_ + 1 || burst.order >= oldest) continue;
    oldest = burst.order;
    chosen = static_cast<int>(id);
  }
  if (chosen < 0 || random_.percent(timing_.stall_b)) return;
  out_.b_valid = true;
  out_.b_id = static_cast<uint8_t>(chosen);
  out_.b_response = responses_[chosen].front().response;
}

void AxiMemory::clock(const AxiManagerSignals& in) {
  if (in.ar.valid && out_.ar_ready) take_read(in.ar);
  if (in.aw.valid && out_.aw_ready) {
    take_write(in.aw);
    // Beats that were taken before this address.
    while (!writes_.empty() && !early_.empty()) {
      take_beat(early_.front().data, early_.front().strobe);
      early_.pop();
    }
  }
  if (in.w_valid && out_.w_ready) {
    if (!writes_.empty()) {
      take_beat(in.w_data.data(), in.w_strobe);
    } else {
      WriteBeat& beat = early_.push();
      std::memcpy(beat.data, in.w_data.data(), bus_bytes_);
      beat.strobe = in.w_strobe;
    }
    next_write_time_ = std::max(next_write_time_, cycle_ << 16) + timing_.write_interval;
  }

  if (!out_.r_valid || in.r_ready) {
    if (out_.r_valid) {
      ++statistics_.read_beats;
      auto& ring = reads_[out_.r_id];
      ReadBurst& burst = ring.front();
      const uint64_t beat_bytes = 1ull << burst.size;
      burst.address = (burst.address & ~(beat_bytes - 1)) + beat_bytes;
      if (++burst.beat == burst.beats) {
        ring.pop();
        --reads_owed_;
        reading_ = -1;
      }
    }
    next_read();
    if (noise_ && !out_.r_valid) {
      for (unsigned i = 0; i < bus_bytes_; i += 8) {
        const uint64_t word = random_.next();
        std::memcpy(out_.r_data.data() + i, &word, 8);
      }
      const uint64_t bits = random_.next();
      out_.r_id = bits >> 10 & 3;
      out_.r_response = bits >> 12 & 3;
      out_.r_last = bits >> 14 & 1;
    }
  }
  if (!out_.b_valid || in.b_ready) {
    if (out_.b_valid) {
      auto& ring = responses_[out_.b_id];
      WriteBurst& burst = ring.front();
      if (burst.response == 0) {
        for (const WriteBeat& beat : burst.staged)
          write_bytes(beat.address, beat.data, beat.strobe);
      }
      burst.staged.clear();
      ring.pop();
      --writes_owed_;
    }
    next_response();
    if (noise_ && !out_.b_valid) {
      const uint64_t bits = random_.next();
      out_.b_id = bits >> 10 & 3;
      out_.b_response = bits >> 12 & 3;
    }
  }

  // A READY may fall again without a handshake: AXI lets the subordinate do so.
  out_.ar_ready = !hold_.ar && reads_owed_ < std::min(timing_.maximum_outstanding, kBursts) &&
                  !random_.percent(timing_.stall_ar);
  // A beat waiting with no address of its own accepted asks for the address.
  const bool beat_waits = !early_.empty() || (writes_.empty() && in.w_valid);
  out_.aw_ready = !hold_.aw && writes_owed_ < std::min(timing_.maximum_outstanding, kBursts) &&
                  (!timing_.aw_after_w || beat_waits) && !random_.percent(timing_.stall_aw);
  // Without an address at hand, one beat (or a burst, up to the buffer) may come early.
  out_.w_ready = !hold_.w && !early_.full() && (!timing_.w_after_aw || !writes_.empty()) &&
                 (cycle_ + 1) << 16 >= next_write_time_ && !random_.percent(timing_.stall_w);
  ++cycle_;
}

}  // namespace systolith::harness
