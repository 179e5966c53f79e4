// AXI4 memory behind the device's manager port: in order for each ID, one beat a cycle each way,
// with settable time, back-pressure and errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "systolith_harness/axi.hpp"

namespace systolith::harness {

struct AxiMemoryTiming {
  // Cycles from the AR handshake to the first R, and from the last W (and AW) handshake to B. Drawn
  // for each burst from minimum..maximum; at least 1.
  uint32_t read_latency_minimum = 100;
  uint32_t read_latency_maximum = 100;
  uint32_t write_latency_minimum = 100;
  uint32_t write_latency_maximum = 100;
  // Cycles from one beat to the next in 1/65536; 65536 is full rate.
  uint32_t read_interval = 1u << 16;
  uint32_t write_interval = 1u << 16;
  // Chance in percent that a channel stalls in a cycle in which it could move.
  uint8_t stall_aw = 0;
  uint8_t stall_w = 0;
  uint8_t stall_b = 0;
  uint8_t stall_ar = 0;
  uint8_t stall_r = 0;
  // AWREADY only after WVALID was seen for that burst; WREADY only after the AW handshake.
  bool aw_after_w = false;
  bool w_after_aw = false;
  // Any ready burst of any ID may give the next R beat (else the oldest burst is finished first).
  bool interleave_reads = false;
  // Bursts that the memory takes before it stops to accept addresses.
  uint32_t maximum_outstanding = 256;
};

// An error put on the bus. A burst matches by channel, ID, ordinal and address range; its beats by
// `beat` and range.
struct AxiInjection {
  enum class Kind : uint8_t { Read, Write };
  enum class Effect : uint8_t { SubordinateError, DecodeError, NeverAnswer };
  Kind kind = Kind::Read;
  Effect effect = Effect::SubordinateError;
  int id = -1;  // -1: any
  int64_t burst =
      -1;  // matching bursts are numbered from 0 since the injection was added; -1: every one
  int beat = -1;               // -1: every beat in the address range (reads only)
  uint64_t first_address = 0;  // bytes first..last
  uint64_t last_address = ~0ull;
};

// A burst that an injection met.
struct AxiHit {
  size_t injection;
  uint8_t id;
  uint64_t ordinal;  // of the bursts of this ID and direction, from 0 since construction
  uint64_t address;
  uint64_t cycle;
};

struct AxiMemoryStatistics {
  uint64_t read_bursts = 0;
  uint64_t read_beats = 0;
  uint64_t write_bursts = 0;
  uint64_t write_beats = 0;
  uint64_t unmapped_reads = 0;  // beats outside the memory, answered with DECERR
  uint64_t unmapped_writes = 0;
};

class AxiMemory {
 public:
  // `bytes` of zeroed memory from `base`; pages are taken from the system only once touched.
  AxiMemory(unsigned bus_bytes, uint64_t base, uint64_t bytes, uint64_t seed = 1);
  ~AxiMemory();
  AxiMemory(const AxiMemory&) = delete;
  AxiMemory& operator=(const AxiMemory&) = delete;

  AxiMemoryTiming& timing() { return timing_; }
  // Random payload on R and B while their VALID is low.
  void set_noise(bool on) { noise_ = on; }
  // Written data reaches the memory when B is taken, not when W is.
  void set_commit_at_response(bool on) { commit_at_response_ = on; }
  // Read data is what the memory held when AR was taken, not when R is given.
  void set_read_at_request(bool on) { read_at_request_ = on; }
  // While set, the channel gives no new READY (or, R and B, no new VALID).
  struct Hold {
    bool aw = false, w = false, b = false, ar = false, r = false;
  };
  Hold& hold() { return hold_; }

  // Returns a number for `remove_injection`.
  size_t inject(const AxiInjection& injection);
  void remove_injection(size_t number);
  void clear_injections();
  // Bursts that injections met since construction.
  const std::vector<AxiHit>& hits() const { return hits_; }
  // Bursts that NeverAnswer held back are answered from the next cycle on.
  void release_unanswered();

  const AxiSubordinateSignals& outputs() const { return out_; }
  // One clock edge: `in` is what the device drove against `outputs()` in this cycle.
  void clock(const AxiManagerSignals& in);
  // Reset of the interconnect: forgets all bursts in flight, keeps contents, settings and time.
  void reset();

  uint64_t base() const { return base_; }
  uint64_t bytes() const { return bytes_; }
  bool contains(uint64_t address, uint64_t bytes) const {
    return address >= base_ && bytes <= bytes_ && address - base_ <= bytes_ - bytes;
  }
  // The host's view of a byte that the memory contains.
  uint8_t* at(uint64_t address) { return data_ + (address - base_); }
  const AxiMemoryStatistics& statistics() const { return statistics_; }
  uint64_t cycle() const { return cycle_; }
  // Bursts accepted and not yet answered whole.
  unsigned reads_owed() const { return reads_owed_; }
  unsigned writes_owed() const { return writes_owed_; }

 private:
  struct ReadBurst {
    uint64_t address;  // of the next beat
    uint64_t ready;    // first cycle in which R may be valid
    uint64_t order;
    uint16_t beats;
    uint16_t beat;
    uint16_t injections;  // bit n: injection slot n may concern it
    bool never;
    uint8_t size;
    std::unique_ptr<uint8_t[]> snapshot;  // with read_at_request
  };
  struct WriteBeat {
    alignas(64) uint8_t data[kMaxBusBytes];
    uint64_t address;
    uint64_t strobe;
  };
  struct WriteBurst {
    uint64_t address;
    uint64_t ready;
    uint64_t order;
    uint16_t beats;
    uint16_t beat;
    uint8_t id;
    uint8_t size;
    uint8_t response;
    bool never;
    std::vector<WriteBeat> staged;  // with commit_at_response
  };
  template <typename T, unsigned kDepth>
  struct Ring {
    std::vector<T> items = std::vector<T>(kDepth);
    unsigned head = 0;
    unsigned count = 0;
    bool full() const { return count == kDepth; }
    bool empty() const { return count == 0; }
    T& front() { return items[head]; }
    T& at(unsigned i) { return items[(head + i) % kDepth]; }
    T& push() { return items[(head + count++) % kDepth]; }
    void pop() {
      head = (head + 1) % kDepth;
      --count;
    }
  };
  static constexpr unsigned kBursts = 256;
  static constexpr unsigned kInjections = 16;

  void take_read(const AxiAddress& ar);
  void take_write(const AxiAddress& aw);
  void take_beat(const uint8_t* data, uint64_t strobe);
  void write_bytes(uint64_t address, const uint8_t* data, uint64_t strobe);
  void next_read();
  void next_response();
  uint16_t match(AxiInjection::Kind kind, uint8_t id, uint64_t first, uint64_t last, bool* never);
  uint8_t beat_response(const ReadBurst& burst) const;

  unsigned bus_bytes_;
  uint64_t base_;
  uint64_t bytes_;
  uint8_t* data_;
  Random random_;
  AxiMemoryTiming timing_;
  AxiMemoryStatistics statistics_;
  Hold hold_;
  bool noise_ = false;
  bool commit_at_response_ = false;
  bool read_at_request_ = false;
  AxiSubordinateSignals out_;
  uint64_t cycle_ = 0;
  uint64_t order_ = 0;
  uint64_t next_read_time_ = 0;  // in 1/65536 cycles
  uint64_t next_write_time_ = 0;
  unsigned reads_owed_ = 0;
  unsigned writes_owed_ = 0;
  int reading_ = -1;  // ID whose burst is being returned
  Ring<ReadBurst, kBursts> reads_[kIds];
  Ring<WriteBurst, kBursts> writes_;           // accepted, data not complete
  Ring<WriteBurst, kBursts> responses_[kIds];  // data complete
  Ring<WriteBeat, 1024> early_;                // beats that came before their address

  struct Slot {
    AxiInjection injection;
    int64_t seen = 0;
    bool used = false;
  };
  Slot slots_[kInjections];
  unsigned slots_used_ = 0;
  std::vector<AxiHit> hits_;
  uint64_t bursts_[2][kIds] = {};  // reads, writes
};

}  // namespace systolith::harness
