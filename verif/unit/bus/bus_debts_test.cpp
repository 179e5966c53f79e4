// bus_debts beside a count of what a bus of any temper owes.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "Vbus_debts.h"
#include "verilated.h"

namespace systolith::test {
namespace {

constexpr unsigned kFetch = 0, kLoad = 1, kStore = 2, kIds = 4;  // the IDs of the device

class BusDebts : public testing::Test {
 protected:
  BusDebts() : top_(std::make_unique<Vbus_debts>()) {
    top_->rst_ni = 0;
    edge();
    top_->rst_ni = 1;
  }
  ~BusDebts() override { top_->final(); }

  void edge() {
    top_->clk_i = 0;
    top_->eval();
    top_->clk_i = 1;
    top_->eval();
  }
  unsigned owed() {
    top_->clk_i = 0;
    top_->eval();
    return top_->owed_o;
  }
  void quiet() { top_->ar_valid_i = top_->aw_valid_i = top_->r_end_i = top_->b_end_i = 0; }
  void offer(unsigned id, bool ready) {
    if (id <= kLoad) {
      top_->ar_valid_i = 1;
      top_->ar_id_i = id;
      top_->ar_ready_i = ready;
    } else {
      top_->aw_valid_i = 1;
      top_->aw_id_i = id;
      top_->aw_ready_i = ready;
    }
  }
  void end(unsigned id, bool read) {
    if (read) {
      top_->r_end_i = 1;
      top_->r_id_i = id;
    } else {
      top_->b_end_i = 1;
      top_->b_id_i = id;
    }
  }

  std::unique_ptr<Vbus_debts> top_;
};

TEST_F(BusDebts, NothingAtFirst) {
  EXPECT_EQ(owed(), 0U);
  edge();
  EXPECT_EQ(owed(), 0U);
}

TEST_F(BusDebts, AnAddressThatIsNotTakenIsOwedOnlyWhileNothingElseIs) {
  for (unsigned silent = 0; silent < kIds; ++silent) {
    for (unsigned waits = 0; waits < kIds; ++waits) {
      SCOPED_TRACE(testing::Message() << waits << " behind " << silent);
      offer(waits, false);
      EXPECT_EQ(owed(), 1U << waits);
      quiet();
      offer(silent, true);
      edge();
      quiet();
      offer(waits, false);
      EXPECT_EQ(owed(), 1U << silent);
      edge();
      EXPECT_EQ(owed(), 1U << silent);
      end(silent, silent <= kLoad);
      edge();
      quiet();
      offer(waits, false);
      EXPECT_EQ(owed(), 1U << waits);
      quiet();
      EXPECT_EQ(owed(), 0U);
    }
  }
}

TEST_F(BusDebts, ResponsesThatNobodyIsOwedPayNothing) {
  for (unsigned id = 0; id < kIds; ++id) {
    end(id, true);
    end(id, false);
    edge();
    quiet();
    EXPECT_EQ(owed(), 0U) << id;
  }
  // On the channel of the other direction.
  offer(kStore, true);
  offer(kFetch, true);
  edge();
  quiet();
  end(kStore, true);
  end(kFetch, false);
  edge();
  quiet();
  EXPECT_EQ(owed(), 1U << kStore | 1U << kFetch);
}

TEST_F(BusDebts, CountsUnderEveryTemper) {
  std::mt19937_64 random(3);
  std::array<unsigned, kIds> open{};
  for (unsigned cycle = 0; cycle < 200'000; ++cycle) {
    // Up to 255 bursts of each for a while, then few.
    const bool filling = cycle / 5000 % 2 == 0;
    const unsigned taken = filling ? 90 : 20, paid = filling ? 20 : 70;
    const auto percent = [&](unsigned chance) { return random() % 100 < chance; };
    quiet();
    std::array<unsigned, kIds> next = open;
    unsigned offered = 0, due = 0;
    for (const unsigned first : {kFetch, kStore}) {
      if (const unsigned id = first + static_cast<unsigned>(random() % 2); percent(80)) {
        const bool ready = percent(taken) && open[id] < 255;
        offer(id, ready);
        offered |= 1U << id;
        if (ready) ++next[id];
      }
      if (const unsigned id = first + static_cast<unsigned>(random() % 2);
          open[id] != 0 && percent(paid)) {
        end(id, first == kFetch);
        --next[id];
      }
    }
    for (unsigned id = 0; id < kIds; ++id) due |= open[id] != 0 ? 1U << id : 0U;
    ASSERT_EQ(owed(), due != 0 ? due : offered) << "cycle " << cycle;
    edge();
    open = next;
  }
}

}  // namespace
}  // namespace systolith::test
