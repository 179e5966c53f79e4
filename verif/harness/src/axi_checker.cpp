#include "systolith_harness/axi_checker.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace systolith::harness {

AxiChecker::AxiChecker(const AxiCheckerOptions& options) : options_(options) {}

unsigned AxiChecker::reads_open() const {
  unsigned open = 0;
  for (unsigned count : read_count_) open += count;
  return open;
}

unsigned AxiChecker::writes_open() const {
  unsigned open = 0;
  for (unsigned count : writes_open_) open += count;
  return open;
}

void AxiChecker::check_address(const char* channel, const AxiAddress& a, const unsigned* limits) {
  const uint64_t bytes = options_.bus_bytes;
  const unsigned beats = a.length + 1u;
  if (a.burst != 1) {
    log_.report("burst_type", cycle_, fmt::format("{} burst {} is not INCR", channel, a.burst));
  }
  if (1u << a.size != bytes) {
    log_.report("burst_size", cycle_,
                fmt::format("{} size {} on a bus of {} bytes", channel, a.size, bytes));
  }
  if (beats > options_.maximum_beats) {
    log_.report("burst_length", cycle_,
                fmt::format("{} {} beats, at most {}", channel, beats, options_.maximum_beats));
  }
  const uint64_t aligned = a.address & ~(bytes - 1);
  if (aligned >> 12 != (aligned + beats * bytes - 1) >> 12) {
    log_.report("boundary_4k", cycle_,
                fmt::format("{} {:#x}, {} beats of {} bytes", channel, a.address, beats, bytes));
  }
  if (options_.address_width < 64 && a.address >> options_.address_width != 0) {
    log_.report("address_width", cycle_, fmt::format("{} {:#x}", channel, a.address));
  }
  if (a.lock != 0) log_.report("lock", cycle_, fmt::format("{} lock {}", channel, a.lock));
  if (a.cache != 3) log_.report("cache", cycle_, fmt::format("{} cache {}", channel, a.cache));
  if (a.prot != 0) log_.report("prot", cycle_, fmt::format("{} prot {}", channel, a.prot));
  if (a.id >= kIds || limits[a.id] == 0)
    log_.report("id", cycle_, fmt::format("{} ID {}", channel, a.id));
}

void AxiChecker::clock_reset(const AxiManagerSignals& device) {
  if (device.aw.valid || device.ar.valid || device.w_valid) {
    log_.report("reset_valid", cycle_,
                fmt::format("in reset: AWVALID {} WVALID {} ARVALID {}", device.aw.valid,
                            device.w_valid, device.ar.valid));
  }
  write_head_ = write_count_ = 0;
  for (unsigned id = 0; id < kIds; ++id) {
    w_complete_[id] = w_ahead_[id] = writes_open_[id] = 0;
    read_head_[id] = read_count_[id] = 0;
    read_beat_[id] = 0;
  }
  aw_presented_ = aw_stalled_ = ar_stalled_ = w_stalled_ = b_stalled_ = r_stalled_ = false;
  fresh_ = true;
  ++cycle_;
}

void AxiChecker::clock(const AxiManagerSignals& device, const AxiSubordinateSignals& memory,
                       bool in_reset) {
  if (in_reset) {
    clock_reset(device);
    return;
  }
  const unsigned bytes = options_.bus_bytes;
  if (fresh_ && (device.aw.valid || device.ar.valid || device.w_valid)) {
    log_.report("reset_valid", cycle_, "VALID in the first cycle after reset");
  }
  fresh_ = false;

  // Held under stall.
  if (ar_stalled_) {
    if (!device.ar.valid) {
      log_.report("ar_valid", cycle_, "ARVALID withdrawn");
    } else if (!(device.ar == ar_)) {
      log_.report("ar_stable", cycle_,
                  fmt::format("address {:#x} was {:#x}", device.ar.address, ar_.address));
    }
  }
  if (aw_stalled_) {
    if (!device.aw.valid) {
      log_.report("aw_valid", cycle_, "AWVALID withdrawn");
    } else if (!(device.aw == aw_)) {
      log_.report("aw_stable", cycle_,
                  fmt::format("address {:#x} was {:#x}", device.aw.address, aw_.address));
    }
  }
  if (w_stalled_) {
    if (!device.w_valid) {
      log_.report("w_valid", cycle_, "WVALID withdrawn");
    } else if (device.w_last != w_last_ || device.w_strobe != w_strobe_ ||
               std::memcmp(device.w_data.data(), w_data_, bytes) != 0) {
      log_.report("w_stable", cycle_, "write beat changed under stall");
    }
  }
  if (b_stalled_) {
    if (!memory.b_valid) {
      log_.report("b_valid", cycle_, "BVALID withdrawn");
    } else if (memory.b_id != b_id_ || memory.b_response != b_response_) {
      log_.report("b_stable", cycle_, "B changed under stall");
    }
  }
  if (r_stalled_) {
    if (!memory.r_valid) {
      log_.report("r_valid", cycle_, "RVALID withdrawn");
    } else if (memory.r_id != r_id_ || memory.r_response != r_response_ ||
               memory.r_last != r_last_ || std::memcmp(memory.r_data.data(), r_data_, bytes) != 0) {
      log_.report("r_stable", cycle_, "R changed under stall");
    }
  }
  ar_stalled_ = device.ar.valid && !memory.ar_ready;
  aw_stalled_ = device.aw.valid && !memory.aw_ready;
  w_stalled_ = device.w_valid && !memory.w_ready;
  b_stalled_ = memory.b_valid && !device.b_ready;
  r_stalled_ = memory.r_valid && !device.r_ready;
  if (ar_stalled_) ar_ = device.ar;
  if (w_stalled_) {
    w_last_ = device.w_last;
    w_strobe_ = device.w_strobe;
    std::memcpy(w_data_, device.w_data.data(), bytes);
  }
  if (b_stalled_) {
    b_id_ = memory.b_id;
    b_response_ = memory.b_response;
  }
  if (r_stalled_) {
    r_id_ = memory.r_id;
    r_response_ = memory.r_response;
    r_last_ = memory.r_last;
    std::memcpy(r_data_, memory.r_data.data(), bytes);
  }

  // Responses first: they answer handshakes of earlier cycles only.
  if (memory.b_valid && device.b_ready) {
    const unsigned id = memory.b_id % kIds;
    if (writes_open_[id] == 0) {
      log_.report("b_id", cycle_, fmt::format("B with ID {}, which owes none", memory.b_id));
    } else if (w_complete_[id] == 0) {
      log_.report("b_before_w", cycle_, fmt::format("B with ID {} before its last W", memory.b_id));
    } else {
      --w_complete_[id];
      --writes_open_[id];
    }
  }
  if (memory.r_valid && device.r_ready) {
    const unsigned id = memory.r_id % kIds;
    if (read_count_[id] == 0) {
      log_.report("r_id", cycle_, fmt::format("R with ID {}, which is owed none", memory.r_id));
    } else {
      const uint16_t beats = read_beats_[id][read_head_[id]];
      const bool last = ++read_beat_[id] == beats;
      if (memory.r_last != last) {
        log_.report("r_last", cycle_,
                    fmt::format("RLAST {} on beat {} of {}", memory.r_last, read_beat_[id], beats));
      }
      if (last) {
        read_beat_[id] = 0;
        read_head_[id] = (read_head_[id] + 1) % kReads;
        --read_count_[id];
      }
    }
  }

  if (device.ar.valid && memory.ar_ready) {
    check_address("AR", device.ar, options_.maximum_reads);
    const unsigned id = device.ar.id % kIds;
    if (read_count_[id] < kReads) {
      read_beats_[id][(read_head_[id] + read_count_[id]++) % kReads] =
          static_cast<uint16_t>(device.ar.length + 1);
    }
    if (options_.maximum_reads[id] != 0 && read_count_[id] > options_.maximum_reads[id]) {
      log_.report("outstanding", cycle_,
                  fmt::format("{} read bursts of ID {}, at most {}", read_count_[id], id,
                              options_.maximum_reads[id]));
    }
  }
  if (device.aw.valid) {
    const unsigned id = device.aw.id % kIds;
    if (!aw_presented_) {
      aw_ = device.aw;
      if (write_count_ < kWrites) {
        writes_[(write_head_ + write_count_++) % kWrites] = {
            device.aw.address, static_cast<uint16_t>(device.aw.length + 1), 0,
            static_cast<uint8_t>(id), false};
      }
      aw_presented_ = true;
    }
    if (memory.aw_ready) {
      check_address("AW", device.aw, options_.maximum_writes);
      aw_presented_ = false;
      ++writes_open_[id];
      if (options_.maximum_writes[id] != 0 && writes_open_[id] > options_.maximum_writes[id]) {
        log_.report("outstanding", cycle_,
                    fmt::format("{} write bursts of ID {}, at most {}", writes_open_[id], id,
                                options_.maximum_writes[id]));
      }
      if (w_ahead_[id] != 0) {
        --w_ahead_[id];
        ++w_complete_[id];
      } else if (write_count_ != 0) {
        writes_[(write_head_ + write_count_ - 1) % kWrites].taken = true;
      }
    }
  }
  if (device.w_valid && memory.w_ready) {
    if (write_count_ == 0) {
      log_.report("w_before_aw", cycle_, "write beat with no burst to belong to");
    } else {
      Write& burst = writes_[write_head_];
      const bool last = ++burst.beat == burst.beats;
      if (device.w_last != last) {
        log_.report("w_last", cycle_,
                    fmt::format("WLAST {} on beat {} of {} of the burst at {:#x}", device.w_last,
                                burst.beat, burst.beats, burst.address));
      }
      const uint64_t built = bytes == 64 ? ~0ull : (1ull << bytes) - 1;
      const unsigned skip =
          burst.beat == 1 ? static_cast<unsigned>(burst.address & (bytes - 1)) : 0;
      const uint64_t allowed = built & (~0ull << skip);
      if ((device.w_strobe & ~allowed) != 0) {
        log_.report("w_strobe", cycle_,
                    fmt::format("strobe {:#x} on beat {} of the burst at {:#x}", device.w_strobe,
                                burst.beat, burst.address));
      }
      if (last) {
        if (burst.taken) {
          ++w_complete_[burst.id];
        } else {
          ++w_ahead_[burst.id];
        }
        write_head_ = (write_head_ + 1) % kWrites;
        --write_count_;
      }
    }
  }
  ++cycle_;
}

void AxiChecker::finish() {
  if (reads_open() != 0 || writes_open() != 0 || write_count_ != 0 || aw_presented_) {
    log_.report("owed_at_end", cycle_,
                fmt::format("{} reads, {} writes, {} bursts without all data", reads_open(),
                            writes_open(), write_count_));
  }
}

void AxiLiteChecker::clock(const AxiLiteManagerSignals& manager,
                           const AxiLiteSubordinateSignals& device, bool in_reset) {
  const uint64_t cycle = cycle_++;
  if (in_reset || fresh_) {
    if (device.b_valid || device.r_valid) {
      log_.report("lite_reset_valid", cycle,
                  in_reset ? "VALID in reset" : "VALID in the first cycle after reset");
    }
    aw_ = w_ = b_ = ar_ = r_ = 0;
    fresh_ = in_reset;
    if (in_reset) {
      manager_ = {};
      device_ = {};
      return;
    }
  }
  if (manager_.aw_valid && !device_.aw_ready &&
      !(manager.aw_valid && manager.aw_address == manager_.aw_address)) {
    log_.report("lite_aw_stable", cycle, "AW changed or withdrawn under stall");
  }
  if (manager_.w_valid && !device_.w_ready &&
      !(manager.w_valid && manager.w_data == manager_.w_data &&
        manager.w_strobe == manager_.w_strobe)) {
    log_.report("lite_w_stable", cycle, "W changed or withdrawn under stall");
  }
  if (manager_.ar_valid && !device_.ar_ready &&
      !(manager.ar_valid && manager.ar_address == manager_.ar_address)) {
    log_.report("lite_ar_stable", cycle, "AR changed or withdrawn under stall");
  }
  if (device_.b_valid && !manager_.b_ready) {
    if (!device.b_valid) {
      log_.report("lite_b_valid", cycle, "BVALID withdrawn");
    } else if (device.b_response != device_.b_response) {
      log_.report("lite_b_stable", cycle, "BRESP changed under stall");
    }
  }
  if (device_.r_valid && !manager_.r_ready) {
    if (!device.r_valid) {
      log_.report("lite_r_valid", cycle, "RVALID withdrawn");
    } else if (device.r_data != device_.r_data || device.r_response != device_.r_response) {
      log_.report("lite_r_stable", cycle,
                  fmt::format("RDATA {:#x} was {:#x}", device.r_data, device_.r_data));
    }
  }
  if (device.b_valid) {
    if (b_ >= aw_ || b_ >= w_)
      log_.report("lite_b_unasked", cycle, fmt::format("AW {} W {} B {}", aw_, w_, b_));
    if (device.b_response != 0)
      log_.report("lite_response", cycle, fmt::format("BRESP {}", device.b_response));
  }
  if (device.r_valid) {
    if (r_ >= ar_) log_.report("lite_r_unasked", cycle, fmt::format("AR {} R {}", ar_, r_));
    if (device.r_response != 0)
      log_.report("lite_response", cycle, fmt::format("RRESP {}", device.r_response));
  }
  aw_ += manager.aw_valid && device.aw_ready;
  w_ += manager.w_valid && device.w_ready;
  b_ += manager.b_ready && device.b_valid;
  ar_ += manager.ar_valid && device.ar_ready;
  r_ += manager.r_ready && device.r_valid;
  manager_ = manager;
  device_ = device;
}

}  // namespace systolith::harness
