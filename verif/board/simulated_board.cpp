#include "simulated_board.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <optional>
#include <stdexcept>

#include "Vboard_system.h"

namespace systolith::board {
namespace {

constexpr std::uint64_t kPeriod = 1'000'000'000'000 / kClockHz;  // ps
constexpr std::uint64_t kBitClocks = kClockHz / kBaud;
static_assert(kBitClocks * kBaud == kClockHz);

/// Sends bytes as 8N1.
class Sender {
 public:
  bool idle() const { return left_ == 0; }
  void send(std::uint8_t byte) {
    frame_ = static_cast<std::uint16_t>(1U << 9 | byte << 1);
    left_ = 10 * kBitClocks;
  }
  bool level() {
    if (left_ == 0) return true;
    const std::uint64_t bit = (10 * kBitClocks - left_--) / kBitClocks;
    return (frame_ >> bit & 1) != 0;
  }

 private:
  std::uint16_t frame_ = 0;
  std::uint64_t left_ = 0;  // clocks
};

/// Receives 8N1; what has no stop bit is dropped.
class Receiver {
 public:
  std::optional<std::uint8_t> clock(bool level) {
    if (!running_) {
      if (!level) running_ = true, clocks_ = 0, bits_ = 0;
      return std::nullopt;
    }
    if (++clocks_ % kBitClocks != kBitClocks / 2) return std::nullopt;
    const std::uint64_t bit = clocks_ / kBitClocks;
    if (bit <= 8) {
      bits_ |= static_cast<unsigned>(level) << bit;
      return std::nullopt;
    }
    running_ = false;
    if (!level) return std::nullopt;
    return static_cast<std::uint8_t>(bits_ >> 1);
  }

 private:
  bool running_ = false;
  std::uint64_t clocks_ = 0;
  unsigned bits_ = 0;
};

}  // namespace

class SimulatedBoard::Model {
 public:
  explicit Model(const sdram::SdramFaults& faults) : chip(sdram::kAnyPart, faults) {
    top.clock_locked_i = 1;
    for (int cycle = 0; cycle < 20; ++cycle) step(true, true);
  }

  /// One clock.
  void step(bool reset, bool line) {
    const std::uint64_t rise = ++cycles_ * kPeriod;
    top.clk_i = 0;
    top.rst_ni = !reset;
    top.uart_rx_i = line;
    const sdram::SdramBus bus = chip.bus(rise);
    top.sdram_dq_i = bus.valid ? bus.value : 0x5A5A;
    top.eval();
    top.clk_i = 1;
    top.eval();
    sdram::SdramPins pins;
    pins.cke = top.sdram_cke_o;
    pins.cs_n = top.sdram_cs_no;
    pins.ras_n = top.sdram_ras_no;
    pins.cas_n = top.sdram_cas_no;
    pins.we_n = top.sdram_we_no;
    pins.bank = top.sdram_bank_o;
    pins.address = top.sdram_address_o;
    pins.dqm = top.sdram_dqm_o;
    pins.dq_enable = top.sdram_dq_enable_o;
    pins.dq = top.sdram_dq_o;
    chip.edge(rise + kPeriod / 2, pins);  // its clock is inverted
  }

  Vboard_system top;
  sdram::SdramModel chip;

 private:
  std::uint64_t cycles_ = 0;
};

SimulatedBoard::SimulatedBoard(const sdram::SdramFaults& faults)
    : model_(std::make_unique<Model>(faults)) {
  terminal_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  std::array<char, 128> name{};
  if (terminal_ < 0 || grantpt(terminal_) != 0 || unlockpt(terminal_) != 0 ||
      ptsname_r(terminal_, name.data(), name.size()) != 0)
    throw std::runtime_error("no pseudo-terminal");
  path_ = name.data();
  keep_open_ = open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios raw{};
  if (keep_open_ < 0 || tcgetattr(keep_open_, &raw) != 0)
    throw std::runtime_error("the pseudo-terminal does not open");
  cfmakeraw(&raw);
  tcsetattr(keep_open_, TCSANOW, &raw);
  thread_ = std::thread([this] { simulate(); });
}

SimulatedBoard::~SimulatedBoard() {
  stop();
  close(keep_open_);
  close(terminal_);
}

void SimulatedBoard::stop() {
  end_ = true;
  if (thread_.joinable()) thread_.join();
}

std::vector<sdram::SdramViolation> SimulatedBoard::violations() const {
  return model_->chip.violations();
}

void SimulatedBoard::simulate() {
  constexpr std::uint64_t kLook = 8;  // clocks from one look at the terminal to the next
  Sender sender;
  Receiver receiver;
  std::deque<std::uint8_t> in;
  int reset = 0;
  for (std::uint64_t cycle = 0; !end_; ++cycle) {
    if (cycle % kLook == 0) {
      if (in.empty()) {
        std::array<std::uint8_t, 4096> bytes;
        const ssize_t count = read(terminal_, bytes.data(), bytes.size());
        if (count > 0) in.insert(in.end(), bytes.begin(), bytes.begin() + count);
      }
      if (const int pressed = button_.exchange(0); pressed != 0) reset = pressed;
      cycle_ = cycle;
      heartbeat_ = model_->top.heartbeat_o != 0;
      busy_ = model_->top.busy_o != 0;
      error_ = model_->top.error_o != 0;
    }
    if (sender.idle() && !in.empty()) {
      sender.send(in.front());
      in.pop_front();
    }
    model_->step(reset > 0, sender.level());
    if (reset > 0) --reset;
    if (const auto byte = receiver.clock(model_->top.uart_tx_o != 0))
      while (write(terminal_, &*byte, 1) != 1 && !end_) std::this_thread::yield();
  }
}

}  // namespace systolith::board
