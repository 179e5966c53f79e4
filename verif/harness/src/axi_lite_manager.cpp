#include "systolith_harness/axi_lite_manager.hpp"

namespace systolith::harness {

void AxiLiteManager::write(const AxiLiteWrite& request) {
  aw_.push_back(request);
  w_.push_back(request);
  b_.push_back(request);
  busy_ = true;
  drive();
}

void AxiLiteManager::read(const AxiLiteRead& request) {
  ar_.push_back(request);
  r_.push_back(request);
  busy_ = true;
  drive();
}

void AxiLiteManager::set_noise(bool on, uint64_t seed) {
  noise_ = on;
  random_ = Random(seed);
}

bool AxiLiteManager::pop_read(ReadAnswer* answer) {
  if (reads_.empty()) return false;
  *answer = reads_.front();
  reads_.pop_front();
  return true;
}

bool AxiLiteManager::pop_write(uint8_t* response) {
  if (writes_.empty()) return false;
  *response = writes_.front();
  writes_.pop_front();
  return true;
}

void AxiLiteManager::reset() {
  aw_.clear();
  w_.clear();
  b_.clear();
  ar_.clear();
  r_.clear();
  reads_.clear();
  writes_.clear();
  out_ = {};
  busy_ = false;
  aw_time_ = w_time_ = ar_time_ = 0;
  b_wait_ = r_wait_ = 0;
}

// VALIDs for the next cycle, from what is waiting. Raising VALID between two edges is legal; only
// falling is not.
void AxiLiteManager::drive() {
  if (!out_.aw_valid && !aw_.empty() && aw_time_ >= aw_.front().aw_delay) {
    out_.aw_valid = true;
    out_.aw_address = aw_.front().address;
  }
  if (!out_.w_valid && !w_.empty() && w_time_ >= w_.front().w_delay) {
    out_.w_valid = true;
    out_.w_data = w_.front().data;
    out_.w_strobe = w_.front().strobe;
  }
  if (!out_.ar_valid && !ar_.empty() && ar_time_ >= ar_.front().ar_delay) {
    out_.ar_valid = true;
    out_.ar_address = ar_.front().address;
  }
  out_.b_ready = !b_.empty() && b_wait_ >= b_.front().b_delay;
  out_.r_ready = !r_.empty() && r_wait_ >= r_.front().r_delay;
  if (noise_) {
    if (!out_.aw_valid) out_.aw_address = static_cast<uint32_t>(random_.next() >> 40) & 0x1fff;
    if (!out_.ar_valid) out_.ar_address = static_cast<uint32_t>(random_.next() >> 40) & 0x1fff;
    if (!out_.w_valid) {
      const uint64_t bits = random_.next();
      out_.w_data = static_cast<uint32_t>(bits);
      out_.w_strobe = bits >> 40 & 0xf;
    }
  }
}

void AxiLiteManager::clock(const AxiLiteSubordinateSignals& device) {
  if (!busy_) {
    if (noise_) drive();
    return;
  }
  if (!aw_.empty()) ++aw_time_;
  if (!w_.empty()) ++w_time_;
  if (!ar_.empty()) ++ar_time_;
  if (out_.aw_valid && device.aw_ready) {
    out_.aw_valid = false;
    aw_.pop_front();
    aw_time_ = 0;
  }
  if (out_.w_valid && device.w_ready) {
    out_.w_valid = false;
    w_.pop_front();
    w_time_ = 0;
  }
  if (out_.ar_valid && device.ar_ready) {
    out_.ar_valid = false;
    ar_.pop_front();
    ar_time_ = 0;
  }
  if (device.b_valid) {
    if (out_.b_ready) {
      writes_.push_back(device.b_response);
      b_.pop_front();
      b_wait_ = 0;
    } else {
      ++b_wait_;
    }
  }
  if (device.r_valid) {
    if (out_.r_ready) {
      reads_.push_back({device.r_data, device.r_response});
      r_.pop_front();
      r_wait_ = 0;
    } else {
      ++r_wait_;
    }
  }
  busy_ = !b_.empty() || !r_.empty();
  drive();
}

}  // namespace systolith::harness
