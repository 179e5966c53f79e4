// sdram_controller between a manager of any temper and the model of the chip.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "Vsdram_bench.h"
#include "sdram_model.hpp"
#include "systolith_harness/axi_checker.hpp"

namespace systolith::test {

constexpr unsigned kBusBytes = DATA_WIDTH / 8;
constexpr unsigned kWords = DATA_WIDTH / 16;
constexpr unsigned kMegahertz = CLOCK_MHZ;
constexpr unsigned kCasLatency = CAS_LATENCY;
constexpr unsigned kCaptureCycles = CAPTURE_CYCLES;
constexpr uint64_t kBytes = sdram::kBytes;
constexpr unsigned kMaxBeats = kBusBytes >= 16 ? 4096 / kBusBytes : 256;
constexpr uint64_t kPeriod = (1'000'000 + kMegahertz - 1) / kMegahertz;  // ps
// The chip's clock behind the controller's: inverted, or late enough for data that take a cycle
// more.
constexpr uint64_t kPhase = kCaptureCycles == 0 ? kPeriod / 2 : kPeriod * 8 / 10;
constexpr unsigned kAddressDepth = 4;
constexpr unsigned kDataDepth = 16;
constexpr unsigned kOkay = 0, kDecodeError = 3;

// The times that the controller is built for, in cycles.
unsigned cycles(const sdram::SdramTime& time);
const sdram::SdramTiming& timing();

// Chances in percent that a channel moves, or offers what it has, in a cycle.
struct Temper {
  unsigned ar = 100, aw = 100, w = 100, r = 100, b = 100;
};

struct ReadDone {
  unsigned id = 0;
  uint64_t address = 0;
  std::vector<uint8_t> data;
  std::vector<uint8_t> expected;
  unsigned response = 0;
  uint64_t asked = 0, first = 0, last = 0;  // cycles of the handshakes
};

struct WriteDone {
  unsigned id = 0;
  uint64_t address = 0;
  unsigned response = 0;
  uint64_t data = 0, done = 0;  // cycles of the last W and of B
};

class SdramBench {
 public:
  explicit SdramBench(const sdram::SdramFaults& faults = {}, uint64_t seed = 1);
  ~SdramBench();

  // One cycle; `in_reset` holds rst_ni low.
  void step(bool in_reset = false);
  // Until the controller is ready.
  void power_up();
  // Until nothing is owed; false after `limit` cycles.
  bool drain(uint64_t limit = 200'000);

  // A step, unless so many cycles have passed since construction.
  bool step_to(uint64_t limit) {
    if (cycle >= limit) return false;
    step();
    return true;
  }
  // Drops what is queued and owed, for a reset.
  void forget();

  // Queue a burst; `image` changes at once, and what a read is to give is taken from it.
  void write(uint64_t address, unsigned beats, unsigned id = 2, bool all_strobes = true);
  void write(uint64_t address, const std::vector<uint8_t>& data, uint64_t strobe, unsigned id);
  void read(uint64_t address, unsigned beats, unsigned id = 1);
  // Nothing that is under way writes (or, `or_read`, reads) these bytes.
  bool quiet(uint64_t address, uint64_t bytes, bool or_read) const;

  // Each finished read has the right data, response and ID; the chip holds the image; no rule was
  // broken.
  void expect_right();

  Temper temper;
  // W may be offered before its AW. The device never does, and the checker's rules of writes then
  // do not apply.
  bool early_w = false;
  bool hold_w = false, hold_aw = false, hold_r = false, hold_b = false;
  std::vector<ReadDone> reads;
  std::vector<WriteDone> writes;
  uint64_t cycle = 0;
  uint64_t words_read = 0,
           words_written = 0;      // moved by the chip's commands since the counts were cleared
  std::deque<uint64_t> refreshes;  // cycles

  uint64_t owed_reads() const { return reads_owed_.size(); }
  uint64_t owed_writes() const { return writes_owed_.size(); }
  uint64_t w_waiting() const { return w_queue_.size(); }
  uint64_t aw_waiting() const { return aw_queue_.size(); }
  uint64_t ar_waiting() const { return ar_queue_.size(); }
  sdram::SdramModel& chip() { return *chip_; }
  Vsdram_bench& top() { return *top_; }
  uint8_t* image(uint64_t address) { return image_.get() + address; }
  bool ready() const { return top_->ready_o != 0; }

 private:
  struct Owed {
    unsigned id;
    uint64_t address;
    unsigned beats;
    bool in_range;
    std::vector<uint8_t> data;      // of a read: what came
    std::vector<uint8_t> expected;  // of a read
    unsigned responses = 0;         // all beats', or-ed
    uint64_t asked = 0, first = 0;
    uint64_t w_last = 0;
    bool address_taken = false;
    unsigned beats_done = 0;
  };
  struct Beat {
    std::vector<uint8_t> data;
    uint64_t strobe;
    bool last;
  };
  bool percent(unsigned chance) { return random_() % 100 < chance; }
  void drive();
  void take();
  void take_read();

  std::unique_ptr<Vsdram_bench> top_;
  std::unique_ptr<sdram::SdramModel> chip_;
  harness::AxiChecker checker_;
  harness::AxiManagerSignals manager_;
  std::mt19937_64 random_;
  std::unique_ptr<uint8_t[], void (*)(void*)> image_;
  std::set<uint64_t> pages_;  // of 4 KiB, written
  // Offers persist until they are taken.
  bool fresh_ = true;  // in reset, or the first cycle after it
  bool ar_offered_ = false, aw_offered_ = false, w_offered_ = false;
  std::deque<Owed> ar_queue_, aw_queue_;       // not yet taken
  std::deque<Owed> reads_owed_, writes_owed_;  // queued or taken, in order
  std::deque<Beat> w_queue_;
  std::deque<uint64_t> w_last_cycles_;
  uint64_t aw_bursts_ = 0, w_bursts_ = 0;  // offered; finished
};

class SdramTest : public testing::Test {
 protected:
  SdramBench& bench() { return *bench_; }
  void SetUp() override {
    bench_ = std::make_unique<SdramBench>();
    bench_->power_up();
  }
  void TearDown() override {
    if (bench_) bench_->expect_right();
  }
  std::unique_ptr<SdramBench> bench_;
};

}  // namespace systolith::test
