// AXI4-Lite manager that drives the device's register port, with free choice of the order of AW, W
// and the READYs.
#pragma once

#include <cstdint>
#include <deque>

#include "systolith_harness/axi.hpp"

namespace systolith::harness {

struct AxiLiteWrite {
  uint32_t address = 0;
  uint32_t data = 0;
  uint8_t strobe = 0xf;
  // Cycles after the request (or after the previous handshake of that channel) before VALID rises.
  uint32_t aw_delay = 0;
  uint32_t w_delay = 0;
  uint32_t b_delay = 0;  // cycles that BREADY stays low once BVALID is seen
};

struct AxiLiteRead {
  uint32_t address = 0;
  uint32_t ar_delay = 0;
  uint32_t r_delay = 0;
};

class AxiLiteManager {
 public:
  // Requests are served in order within reads and within writes; reads and writes run at the same
  // time.
  void write(const AxiLiteWrite& request);
  void read(const AxiLiteRead& request);
  // Nothing requested is unanswered.
  bool idle() const { return !busy_; }
  // Random payload while VALID is low.
  void set_noise(bool on, uint64_t seed = 1);

  // The oldest answer not yet taken.
  struct ReadAnswer {
    uint32_t data;
    uint8_t response;
  };
  bool pop_read(ReadAnswer* answer);
  bool pop_write(uint8_t* response);

  const AxiLiteManagerSignals& outputs() const { return out_; }
  void clock(const AxiLiteSubordinateSignals& device);
  void reset();

 private:
  void drive();

  std::deque<AxiLiteWrite> aw_, w_, b_;
  std::deque<AxiLiteRead> ar_, r_;
  uint64_t aw_time_ = 0, w_time_ = 0, ar_time_ = 0;  // cycles waited so far
  uint32_t b_wait_ = 0, r_wait_ = 0;
  std::deque<ReadAnswer> reads_;
  std::deque<uint8_t> writes_;
  AxiLiteManagerSignals out_;
  bool busy_ = false;
  bool noise_ = false;
  Random random_;
};

}  // namespace systolith::harness
