// The two sides of the bench that see no model: the board's transmitter and the registers.
#include <cmath>

#include "bench.h"

namespace systolith::test {

void TransmitterWatch::begin(uint64_t cycle) {
  // One clock either way is what rounding of exact edges takes.
  const double slack = 1.001, byte = 10 * bit_;
  const double since = static_cast<double>(cycle - start_);
  if (ever_) {
    EXPECT_GT(since, byte - slack) << "stop bit cut short, cycle " << cycle;
  }
  if (of_group_ > 0) {
    EXPECT_LT(since, byte + slack) << "gap within a group, cycle " << cycle;
  }
  if (of_group_ > 0) {
    const double exact = static_cast<double>(++run_bytes_) * byte;
    EXPECT_LT(std::abs(static_cast<double>(cycle - run_start_) - exact), slack)
        << "bytes drift, cycle " << cycle;
  } else {
    // A code may be late, be it by less than a clock: the edges count from it.
    run_start_ = cycle;
    run_bytes_ = 0;
  }
  ever_ = busy_ = true;
  start_ = cycle;
  next_bit_ = 0;
  byte_ = 0;
}

std::optional<uint8_t> TransmitterWatch::clock(bool level, uint64_t cycle) {
  const bool edge = level != level_;
  level_ = level;
  if (!busy_) {
    if (edge && !level) begin(cycle);
    return std::nullopt;
  }
  const double at = static_cast<double>(cycle - start_);
  if (edge) {
    EXPECT_LT(std::abs(at - std::round(at / bit_) * bit_), 1.001) << "edge off, cycle " << cycle;
  }
  if (at < (next_bit_ + 0.5) * bit_) return std::nullopt;
  if (next_bit_ == 0) {
    EXPECT_FALSE(level) << "start bit too short, cycle " << cycle;
  } else if (next_bit_ < 9) {
    byte_ = static_cast<uint8_t>(byte_ | int{level} << (next_bit_ - 1));
  } else {
    EXPECT_TRUE(level) << "low stop bit, cycle " << cycle;
    busy_ = false;
    of_group_ = of_group_ > 0 ? of_group_ - 1 : byte_ - 1;
    return byte_;
  }
  ++next_bit_;
  return std::nullopt;
}

void RegisterFile::reset() {
  out_ = {};
  read_.reset();
  write_.reset();
  data_.reset();
}

void RegisterFile::clock(const harness::AxiLiteManagerSignals& in) {
  if (in.ar_valid && out_.ar_ready) {
    read_ = in.ar_address;
    read_at_ = cycle_ + latency;
    traffic.push_back({.registers = true, .write = false, .address = in.ar_address});
  }
  const bool had_both = write_ && data_;
  if (in.aw_valid && out_.aw_ready) write_ = in.aw_address;
  if (in.w_valid && out_.w_ready) {
    data_ = in.w_data;
    EXPECT_EQ(in.w_strobe, 0xf);
  }
  if (!had_both && write_ && data_) {
    write_at_ = cycle_ + latency;
    Beat beat{.registers = true, .write = true, .address = *write_, .strobe = 0xf};
    for (int i = 0; i < 4; ++i) beat.data.push_back(static_cast<uint8_t>(*data_ >> 8 * i));
    traffic.push_back(beat);
    if (!errors.contains(*write_)) values[*write_] = *data_;
  }
  if (out_.b_valid && in.b_ready) {
    out_.b_valid = false;
    write_.reset();
    data_.reset();
  } else if (!out_.b_valid && write_ && data_ && cycle_ >= write_at_ && !hold.b &&
             !random_.percent(stall)) {
    out_.b_valid = true;
    out_.b_response = errors.contains(*write_) ? errors[*write_] : 0;
  }
  if (out_.r_valid && in.r_ready) {
    out_.r_valid = false;
    read_.reset();
  } else if (!out_.r_valid && read_ && cycle_ >= read_at_ && !hold.r && !random_.percent(stall)) {
    out_.r_valid = true;
    out_.r_response = errors.contains(*read_) ? errors[*read_] : 0;
    const auto found = values.find(*read_);
    out_.r_data = found == values.end() ? Reference::initial_register(*read_) : found->second;
  }
  if (!out_.b_valid) out_.b_response = static_cast<uint8_t>(random_.next() >> 60 & 3);
  if (!out_.r_valid) {
    out_.r_response = static_cast<uint8_t>(random_.next() >> 60 & 3);
    out_.r_data = static_cast<uint32_t>(random_.next() >> 32);
  }
  out_.aw_ready = !hold.aw && !write_ && !random_.percent(stall);
  out_.w_ready = !hold.w && !data_ && !random_.percent(stall);
  out_.ar_ready = !hold.ar && !read_ && !random_.percent(stall);
  ++cycle_;
}

}  // namespace systolith::test
