// Always-on protocol checkers of the AXI4 manager port and of the AXI4-Lite subordinate port.
#pragma once

#include <cstdint>

#include "systolith_harness/axi.hpp"

namespace systolith::harness {

// What the device under check documents beyond the AXI4 standard.
struct AxiCheckerOptions {
  unsigned bus_bytes = 16;
  unsigned address_width = 40;
  unsigned maximum_beats = 16;
  // Bursts open at a time for each ID; 0 means that the ID must not use the channel.
  unsigned maximum_reads[kIds] = {64, 64, 0, 0};
  unsigned maximum_writes[kIds] = {0, 0, 64, 64};
};

// Rules, by the names used in violations:
//   reset_valid                      no VALID in reset, nor in the first cycle after it
//   aw_valid, ar_valid, w_valid      VALID is not withdrawn before the handshake
//   aw_stable, ar_stable, w_stable   payload does not change under stall
//   burst_type, burst_size, burst_length, boundary_4k, address_width, lock, cache, prot
//   id, outstanding                  fixed IDs of each channel, open bursts within the documented
//   number w_before_aw                      no write beat before its burst's AWVALID w_last WLAST
//   on the last beat of the burst and on no other w_strobe                         no strobe
//   outside the bytes of the beat b_valid, b_stable, r_valid, r_stable, b_before_w, b_id, r_id,
//   r_last   the memory's side owed_at_end                      something is still owed when
//   `finish` is called
class AxiChecker {
 public:
  explicit AxiChecker(const AxiCheckerOptions& options);

  // One clock edge with the signals of the cycle before it. `in_reset`: rst_ni was low in this
  // cycle.
  void clock(const AxiManagerSignals& device, const AxiSubordinateSignals& memory,
             bool in_reset = false);
  // Says that nothing may be owed now.
  void finish();

  const ViolationLog& log() const { return log_; }
  ViolationLog& log() { return log_; }
  uint64_t cycle() const { return cycle_; }
  // Bursts whose address was taken and whose response has not been.
  unsigned reads_open() const;
  unsigned writes_open() const;

 private:
  void check_address(const char* channel, const AxiAddress& address, const unsigned* limits);
  void clock_reset(const AxiManagerSignals& device);

  struct Write {
    uint64_t address;
    uint16_t beats;
    uint16_t beat;
    uint8_t id;
    bool taken;  // AW handshake has happened
  };
  static constexpr unsigned kWrites = 1024;
  static constexpr unsigned kReads = 512;
  // Bursts from AWVALID on whose data is not complete, oldest first.
  Write writes_[kWrites] = {};
  unsigned write_head_ = 0, write_count_ = 0;
  unsigned w_complete_[kIds] = {};  // data and address taken, B owed
  unsigned w_ahead_[kIds] = {};     // data complete, AW still not taken (at most one in all)
  unsigned writes_open_[kIds] = {};
  uint16_t read_beats_[kIds][kReads] = {};
  unsigned read_head_[kIds] = {}, read_count_[kIds] = {};
  uint16_t read_beat_[kIds] = {};

  AxiCheckerOptions options_;
  ViolationLog log_;
  uint64_t cycle_ = 0;
  bool fresh_ = true;          // in reset, or the first cycle after it
  bool aw_presented_ = false;  // AW of this stall is already in writes_
  bool aw_stalled_ = false, ar_stalled_ = false, w_stalled_ = false, b_stalled_ = false,
       r_stalled_ = false;
  AxiAddress aw_, ar_;
  bool w_last_ = false;
  uint64_t w_strobe_ = 0;
  uint8_t w_data_[kMaxBusBytes] = {};
  uint8_t b_id_ = 0, b_response_ = 0, r_id_ = 0, r_response_ = 0;
  bool r_last_ = false;
  uint8_t r_data_[kMaxBusBytes] = {};
};

// Rules: lite_reset_valid, lite_b_valid, lite_b_stable, lite_r_valid, lite_r_stable, lite_b_unasked
// (a B without its AW and W), lite_r_unasked, lite_response (other than OKAY, which the device
// documents), and of the manager's side lite_aw_stable, lite_w_stable, lite_ar_stable (VALID
// withdrawn or payload changed).
class AxiLiteChecker {
 public:
  void clock(const AxiLiteManagerSignals& manager, const AxiLiteSubordinateSignals& device,
             bool in_reset = false);
  const ViolationLog& log() const { return log_; }
  ViolationLog& log() { return log_; }

 private:
  ViolationLog log_;
  uint64_t cycle_ = 0;
  bool fresh_ = true;
  AxiLiteManagerSignals manager_;
  AxiLiteSubordinateSignals device_;
  uint64_t aw_ = 0, w_ = 0, b_ = 0, ar_ = 0, r_ = 0;  // handshakes
};

}  // namespace systolith::harness
