// semaphores beside counters in C++: random waits and signals of every unit, counts of every size,
// overflows, clears and resets.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <random>

#include "Vsemaphores.h"
#include "verilated.h"

namespace systolith::test {
namespace {

constexpr unsigned kUnits = 3, kPorts = 2 * kUnits;  // port p of unit u is number 2 * u + p
constexpr unsigned kSemaphores = 16, kIndexWidth = 4;
constexpr unsigned kSyncWidth = 16 + kIndexWidth + 5 + 1;
constexpr uint32_t kGreatest = 65535;

struct Request {
  bool valid;
  unsigned semaphore;
  uint32_t count;
};

using Requests = std::array<Request, kPorts>;

class SemaphoresTest : public testing::Test {
 protected:
  SemaphoresTest() : top_(std::make_unique<Vsemaphores>()) { reset(); }
  ~SemaphoresTest() override { top_->final(); }

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  // Each semaphore gets a waiting and a signalling unit.
  void bind() {
    for (unsigned s = 0; s < kSemaphores; ++s) {
      waiting_[s] = below(kUnits);
      signalling_[s] = below(kUnits);
    }
    for (Request& request : waits_) request.valid = false;
    for (Request& request : signals_) request.valid = false;
  }

  void reset() {
    top_->rst_ni = 0;
    edge();
    top_->rst_ni = 1;
    bind();
    forget();
  }

  void forget() {
    value_ = {};
    turn_ = {};
    resting_ = kSemaphores;
  }

  void edge() {
    top_->clk_i = 0;
    top_->eval();
    top_->clk_i = 1;
    top_->eval();
  }

  // A port that has nothing may get a request, one that waits may give up.
  void draw(Requests& requests, const std::array<unsigned, kSemaphores>& bound, unsigned busy) {
    for (unsigned p = 0; p < kPorts; ++p) {
      Request& request = requests[p];
      if (request.valid) {
        if (below(300) == 0) request.valid = false;
        continue;
      }
      if (below(100) >= busy) continue;
      // Few semaphores, so that ports of a unit meet at one.
      const unsigned s = below(2) == 0 ? favourite_ : below(kSemaphores);
      if (bound[s] != p / 2) continue;
      request = {true, s, 1 + below(greatest_)};
    }
  }

  // A cycle: answers are those that the values ask for.
  void cycle() {
    if (below(50) == 0) favourite_ = below(kSemaphores);
    draw(waits_, waiting_, 40);
    draw(signals_, signalling_, 40);
    const bool clear = below(clear_one_in_) == 0;
    top_->clear_i = clear;
    top_->wait_valid_i = drive(waits_, top_->wait_i);
    top_->signal_valid_i = drive(signals_, top_->signal_i);
    top_->clk_i = 0;
    top_->eval();

    const bool serve = !clear && resting_ == 0;
    unsigned grants = 0, ready = 0, overflow = 0;
    for (unsigned p = 0; p < kPorts; ++p) {
      const Request& wait = waits_[p];
      const Request& before = waits_[p & ~1u];
      const bool behind = p % 2 == 1 && before.valid && before.semaphore == wait.semaphore;
      if (serve && wait.valid && !behind && value_[wait.semaphore] >= wait.count) grants |= 1u << p;
    }
    for (unsigned u = 0; u < kUnits; ++u) {
      const bool first = signals_[2 * u].valid, second = signals_[2 * u + 1].valid;
      const bool both = first && second;
      const unsigned p = 2 * u + (both ? turn_[u] : second);
      turn_[u] = serve && both && p % 2 == 0;
      if (!serve || !(first || second)) continue;
      ready |= 1u << p;
      if (value_[signals_[p].semaphore] + signals_[p].count > kGreatest) overflow |= 1u << p;
    }
    ASSERT_EQ(top_->wait_grant_o, grants);
    ASSERT_EQ(top_->signal_ready_o, ready);
    ASSERT_EQ(top_->signal_overflow_o, overflow);

    for (unsigned p = 0; p < kPorts; ++p) {
      if (grants >> p & 1) {
        value_[waits_[p].semaphore] -= waits_[p].count;
        waits_[p].valid = false;
        ++granted_;
      }
      if (ready >> p & 1) {
        if (overflow >> p & 1)
          ++refused_;
        else
          value_[signals_[p].semaphore] += signals_[p].count;
        signals_[p].valid = false;
      }
    }
    if (clear)
      forget();
    else if (resting_ != 0)
      --resting_;
    edge();
  }

  std::unique_ptr<Vsemaphores> top_;
  uint32_t greatest_ = 1;  // count
  unsigned clear_one_in_ = 400;
  unsigned granted_ = 0, refused_ = 0;

 private:
  template <typename Port>
  unsigned drive(const Requests& requests, Port& port) {
    for (auto& word : port.m_storage) word = static_cast<EData>(random_());
    unsigned valid = 0;
    for (unsigned p = 0; p < kPorts; ++p) {
      valid |= static_cast<unsigned>(requests[p].valid) << p;
      const uint32_t bits = requests[p].count | requests[p].semaphore << 16;
      for (unsigned b = 0; requests[p].valid && b < 16 + kIndexWidth; ++b) {
        const unsigned at = p * kSyncWidth + b;
        port[at / 32] = (port[at / 32] & ~(1u << at % 32)) | (bits >> b & 1) << at % 32;
      }
    }
    port[kPorts * kSyncWidth / 32] &= (1u << kPorts * kSyncWidth % 32) - 1;
    return valid;
  }

  std::mt19937_64 random_{11};
  std::array<unsigned, kSemaphores> waiting_{}, signalling_{};
  std::array<uint32_t, kSemaphores> value_{};
  std::array<unsigned, kUnits> turn_{};
  Requests waits_{}, signals_{};
  unsigned favourite_ = 0;
  unsigned resting_ = 0;  // cycles in which nothing is served
};

TEST_F(SemaphoresTest, CountsOfEverySizeAreGrantedTakenAndRefusedExactly) {
  for (const uint32_t greatest : {1u, 3u, 1000u, 30000u, kGreatest}) {
    greatest_ = greatest;
    granted_ = refused_ = 0;
    for (unsigned i = 0; i < 40'000; ++i) {
      if (i % 4'000 == 0) reset();
      clear_one_in_ = i / 2'000 % 2 == 0 ? 10'000 : 100;
      ASSERT_NO_FATAL_FAILURE(cycle()) << "counts to " << greatest << ", cycle " << i;
    }
    EXPECT_GT(granted_, 1'000u);
    EXPECT_EQ(refused_ != 0, greatest >= 30000) << "counts to " << greatest;
  }
}

}  // namespace
}  // namespace systolith::test
