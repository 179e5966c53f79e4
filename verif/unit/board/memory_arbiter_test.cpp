// Two managers of any temper, and a subordinate that answers in the order of addresses.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "Vmemory_arbiter.h"

namespace systolith {
namespace {

constexpr unsigned kDepth = 4;  // as it is built
constexpr unsigned kManagers = 2;

struct Burst {
  unsigned manager, id, length;
  std::uint64_t address;
};

// A word that says whose it is, of which burst and beat.
std::uint64_t word_of(const Burst& burst, unsigned beat) {
  return burst.address << 16 | beat << 4 | burst.id;
}

class MemoryArbiter : public ::testing::Test {
 protected:
  MemoryArbiter() {
    top_.rst_ni = 0;
    for (int i = 0; i < 3; ++i) clock();
    top_.rst_ni = 1;
  }
  ~MemoryArbiter() override { top_.final(); }

  void clock() {
    top_.clk_i = 0;
    top_.eval();
    top_.clk_i = 1;
    top_.eval();
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  Burst draw(unsigned manager) {
    // Addresses never repeat: a word tells its burst.
    return {manager, static_cast<unsigned>(random_() % 4), static_cast<unsigned>(random_() % 5),
            (number_++ << 1 | manager) << 8};
  }

  /// `bursts` of each manager and direction; chances in percent of each channel.
  void run(unsigned bursts, unsigned offer, unsigned manager_ready, unsigned take,
           unsigned answer) {
    using Queues = std::array<std::deque<Burst>, kManagers>;
    Queues ar, aw, w, owed_r, owed_b;
    for (unsigned m = 0; m < kManagers; ++m)
      for (unsigned n = 0; n < bursts; ++n) {
        ar[m].push_back(draw(m));
        aw[m].push_back(draw(m));
      }
    std::array<bool, kManagers> ar_on{}, aw_on{}, w_on{};
    std::array<unsigned, kManagers> w_beat{}, r_beat{};
    std::deque<Burst> reads, writes, written;  // at the subordinate
    unsigned read_beat = 0, write_beat = 0;
    bool r_on = false, b_on = false;
    std::uint64_t left = 2ULL * kManagers * bursts;
    for (std::uint64_t cycle = 0; left > 0; ++cycle) {
      ASSERT_LT(cycle, 400'000U) << left << " bursts left";
      // managers
      top_.s_axi_arvalid = top_.s_axi_awvalid = top_.s_axi_wvalid = top_.s_axi_wlast = 0;
      top_.s_axi_rready = top_.s_axi_bready = 0;
      for (unsigned m = 0; m < kManagers; ++m) {
        ar_on[m] = !ar[m].empty() && (ar_on[m] || chance(offer));
        aw_on[m] = !aw[m].empty() && (aw_on[m] || chance(offer));
        w_on[m] = !w[m].empty() && (w_on[m] || chance(offer));
        if (ar_on[m]) put_address(m, ar[m].front(), true);
        if (aw_on[m]) put_address(m, aw[m].front(), false);
        if (w_on[m]) {
          top_.s_axi_wvalid |= 1U << m;
          if (w_beat[m] == w[m].front().length) top_.s_axi_wlast |= 1U << m;
          const std::uint64_t word = word_of(w[m].front(), w_beat[m]);
          top_.s_axi_wdata[2 * m] = static_cast<std::uint32_t>(word);
          top_.s_axi_wdata[2 * m + 1] = static_cast<std::uint32_t>(word >> 32);
          top_.s_axi_wstrb = static_cast<std::uint16_t>((top_.s_axi_wstrb & ~(0xFFU << 8 * m)) |
                                                        (word & 0xFF) << 8 * m);
        }
        if (chance(manager_ready)) top_.s_axi_rready |= 1U << m;
        if (chance(manager_ready)) top_.s_axi_bready |= 1U << m;
      }
      // subordinate
      top_.m_axi_arready = chance(take);
      top_.m_axi_awready = chance(take);
      top_.m_axi_wready = chance(take);
      r_on = !reads.empty() && (r_on || chance(answer));
      b_on = !written.empty() && (b_on || chance(answer));
      top_.m_axi_rvalid = r_on;
      top_.m_axi_rlast = r_on && read_beat == reads.front().length;
      top_.m_axi_rid = r_on ? reads.front().id : 0;
      top_.m_axi_rresp = r_on ? reads.front().address >> 8 & 3 : 0;
      top_.m_axi_rdata = r_on ? word_of(reads.front(), read_beat) : random_();
      top_.m_axi_bvalid = b_on;
      top_.m_axi_bid = b_on ? written.front().id : 0;
      top_.m_axi_bresp = b_on ? written.front().address >> 9 & 3 : 0;
      top_.clk_i = 0;
      top_.eval();

      // handshakes of the managers
      for (unsigned m = 0; m < kManagers; ++m) {
        if (ar_on[m] && (top_.s_axi_arready >> m & 1) != 0) {
          owed_r[m].push_back(ar[m].front());
          ar[m].pop_front();
          ar_on[m] = false;
          owed_reads_++;
        }
        if (aw_on[m] && (top_.s_axi_awready >> m & 1) != 0) {
          owed_b[m].push_back(aw[m].front());
          w[m].push_back(aw[m].front());
          aw[m].pop_front();
          aw_on[m] = false;
          owed_writes_++;
        }
        if (w_on[m] && (top_.s_axi_wready >> m & 1) != 0) {
          w_on[m] = false;
          if (w_beat[m]++ == w[m].front().length) w_beat[m] = 0, w[m].pop_front();
        }
        if ((top_.s_axi_rvalid >> m & 1) != 0) {
          ASSERT_FALSE(owed_r[m].empty());
          const Burst& burst = owed_r[m].front();
          EXPECT_EQ(top_.s_axi_rdata, word_of(burst, r_beat[m]));
          EXPECT_EQ(top_.s_axi_rid, burst.id);
          EXPECT_EQ(top_.s_axi_rresp, burst.address >> 8 & 3);
          EXPECT_EQ(top_.s_axi_rlast, r_beat[m] == burst.length);
          if ((top_.s_axi_rready >> m & 1) != 0 && r_beat[m]++ == burst.length) {
            r_beat[m] = 0;
            owed_r[m].pop_front();
            owed_reads_--;
            left--;
          }
        }
        if ((top_.s_axi_bvalid >> m & 1) != 0) {
          ASSERT_FALSE(owed_b[m].empty());
          EXPECT_EQ(top_.s_axi_bid, owed_b[m].front().id);
          EXPECT_EQ(top_.s_axi_bresp, owed_b[m].front().address >> 9 & 3);
          if ((top_.s_axi_bready >> m & 1) != 0) {
            owed_b[m].pop_front();
            owed_writes_--;
            left--;
          }
        }
      }
      EXPECT_LE(owed_reads_, kDepth);
      EXPECT_LE(owed_writes_, kDepth);
      most_reads_ = std::max(most_reads_, owed_reads_);
      most_writes_ = std::max(most_writes_, owed_writes_);
      // handshakes of the subordinate
      if (top_.m_axi_rvalid && top_.m_axi_rready) {
        r_on = false;
        if (read_beat++ == reads.front().length) read_beat = 0, reads.pop_front();
      }
      if (top_.m_axi_bvalid && top_.m_axi_bready) b_on = false, written.pop_front();
      if (top_.m_axi_wvalid && top_.m_axi_wready) {
        // The address was taken from its manager, if not yet by the subordinate.
        data_.push_back({top_.m_axi_wdata, top_.m_axi_wstrb, top_.m_axi_wlast != 0});
      }
      if (top_.m_axi_arvalid && top_.m_axi_arready)
        reads.push_back(address_of(top_.m_axi_araddr, top_.m_axi_arid, top_.m_axi_arlen));
      if (top_.m_axi_awvalid && top_.m_axi_awready)
        writes.push_back(address_of(top_.m_axi_awaddr, top_.m_axi_awid, top_.m_axi_awlen));
      while (!writes.empty() && !data_.empty()) {
        const Burst& burst = writes.front();
        EXPECT_EQ(data_.front().word, word_of(burst, write_beat));
        EXPECT_EQ(data_.front().strobe, word_of(burst, write_beat) & 0xFF);
        EXPECT_EQ(data_.front().last, write_beat == burst.length);
        data_.pop_front();
        if (write_beat++ == burst.length) {
          write_beat = 0;
          written.push_back(burst);
          writes.pop_front();
        }
      }
      order_.push_back(top_.s_axi_arvalid == 3 ? top_.s_axi_arready & 3 : 0);
      top_.clk_i = 1;
      top_.eval();
      if (HasFailure()) return;
    }
  }

  struct Data {
    std::uint64_t word;
    unsigned strobe;
    bool last;
  };

  static Burst address_of(std::uint64_t address, unsigned id, unsigned length) {
    return {static_cast<unsigned>(address >> 8 & 1), id, length, address};
  }
  void put_address(unsigned m, const Burst& burst, bool read) {
    auto& valid = read ? top_.s_axi_arvalid : top_.s_axi_awvalid;
    auto& id = read ? top_.s_axi_arid : top_.s_axi_awid;
    auto& length = read ? top_.s_axi_arlen : top_.s_axi_awlen;
    auto& address = read ? top_.s_axi_araddr : top_.s_axi_awaddr;
    valid |= 1U << m;
    id = (id & ~(3U << 2 * m)) | burst.id << 2 * m;
    length = (length & ~(0xFFU << 8 * m)) | burst.length << 8 * m;
    for (unsigned bit = 0; bit < 40; ++bit) {
      const unsigned at = 40 * m + bit;
      address[at / 32] &= ~(1U << at % 32);
      address[at / 32] |= static_cast<std::uint32_t>(burst.address >> bit & 1) << at % 32;
    }
  }

  Vmemory_arbiter top_;
  std::mt19937_64 random_{5};
  std::uint64_t number_ = 1;
  unsigned owed_reads_ = 0, owed_writes_ = 0, most_reads_ = 0, most_writes_ = 0;
  std::deque<Data> data_;
  std::vector<unsigned> order_;  // which manager's read address was taken while both offered one
};

TEST_F(MemoryArbiter, BytesAndAnswersGoWhereTheyBelong) {
  for (const unsigned offer : {20U, 100U})
    for (const unsigned ready : {30U, 100U})
      for (const unsigned take : {30U, 100U})
        for (const unsigned answer : {10U, 100U}) {
          run(100, offer, ready, take, answer);
          ASSERT_FALSE(HasFailure()) << offer << " " << ready << " " << take << " " << answer;
        }
  EXPECT_EQ(most_reads_, kDepth);
  EXPECT_EQ(most_writes_, kDepth);
}

TEST_F(MemoryArbiter, TakesAddressesInTurnWhileBothOfferThem) {
  run(50, 100, 100, 100, 100);
  unsigned last = 0, changes = 0;
  for (const unsigned taken : order_) {
    if (taken == 0) continue;
    EXPECT_TRUE(taken == 1 || taken == 2) << "both at once";
    EXPECT_NE(taken, last);
    last = taken;
    changes++;
  }
  EXPECT_GT(changes, 80U);
}

}  // namespace
}  // namespace systolith
