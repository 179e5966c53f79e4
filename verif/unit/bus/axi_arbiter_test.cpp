// axi_arbiter between four requesters and a bus of any temper: order, IDs, routing, pace.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "Vaxi_arbiter.h"
#include "verilated.h"

namespace systolith::test {
namespace {

constexpr unsigned kFetch = 0, kLoad = 1, kStore = 2, kRecord = 3;  // the IDs of the port list
constexpr unsigned kBusBytes = sizeof(Vaxi_arbiter::m_axi_wdata);

struct Address {
  uint64_t address = 0;
  unsigned beats = 1;
  bool operator==(const Address&) const = default;
};

using Data = std::array<uint8_t, kBusBytes>;

struct Beat {
  Data data{};
  uint64_t strobe = 0;
  bool last = false;
  bool operator==(const Beat&) const = default;
};

struct BusAddress {
  unsigned id;
  Address burst;
  bool operator==(const BusAddress&) const = default;
};

/// Chances in percent that a side is ready, or offers what it has, in a cycle.
struct Temper {
  unsigned ar = 100, aw = 100, w = 100;  // READYs of the bus
  unsigned offer = 100;                  // a requester offers its next address
  unsigned data = 100;                   // a requester offers its next beat
};

class AxiArbiter : public testing::Test {
 protected:
  AxiArbiter() : top_(std::make_unique<Vaxi_arbiter>()) {
    top_->rst_ni = 0;
    edge();
    edge();
    top_->rst_ni = 1;
  }
  ~AxiArbiter() override { top_->final(); }

  void edge() {
    top_->clk_i = 0;
    top_->eval();
    top_->clk_i = 1;
    top_->eval();
    ++cycle_;
  }

  bool percent(unsigned chance) { return random_() % 100 < chance; }

  Data any_data() {
    Data data;
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random_());
    return data;
  }

  // A burst of at most `most` beats that keeps to its page.
  Address any_burst(unsigned most) {
    const unsigned page_beats = 4096 / kBusBytes;
    const unsigned beats = 1 + static_cast<unsigned>(random_() % std::min(most, page_beats));
    const uint64_t page = (random_() % 0x10000) * 4096;
    return {page + random_() % (page_beats - beats + 1) * kBusBytes, beats};
  }

  void read(unsigned id, const Address& burst) { addresses_[id].push_back(burst); }
  void write(unsigned id, const Address& burst) {
    addresses_[id].push_back(burst);
    for (unsigned beat = 0; beat < burst.beats; ++beat)
      data_[id].push_back({any_data(), random_() & strobe_mask(), beat + 1 == burst.beats});
  }

  static uint64_t strobe_mask() {
    return kBusBytes == 64 ? ~uint64_t{0} : (uint64_t{1} << kBusBytes) - 1;
  }

  // ---- ports of a requester ----
  void offer_address(unsigned id, bool valid, const Address& burst) {
    switch (id) {
      case kFetch:
        top_->fetch_ar_valid_i = valid;
        top_->fetch_ar_address_i = burst.address;
        top_->fetch_ar_beats_i = burst.beats;
        break;
      case kLoad:
        top_->load_ar_valid_i = valid;
        top_->load_ar_address_i = burst.address;
        top_->load_ar_beats_i = burst.beats;
        break;
      case kStore:
        top_->store_aw_valid_i = valid;
        top_->store_aw_address_i = burst.address;
        top_->store_aw_beats_i = burst.beats;
        break;
      default:
        top_->record_aw_valid_i = valid;
        top_->record_aw_address_i = burst.address;
        top_->record_aw_beats_i = burst.beats;
    }
  }
  bool address_ready(unsigned id) const {
    switch (id) {
      case kFetch:
        return top_->fetch_ar_ready_o;
      case kLoad:
        return top_->load_ar_ready_o;
      case kStore:
        return top_->store_aw_ready_o;
      default:
        return top_->record_aw_ready_o;
    }
  }
  void offer_data(unsigned id, bool valid, const Beat& beat) {
    if (id == kStore) {
      top_->store_w_valid_i = valid;
      std::memcpy(&top_->store_w_data_i, beat.data.data(), kBusBytes);
      top_->store_w_strobe_i = beat.strobe;
      top_->store_w_last_i = beat.last;
    } else {
      top_->record_w_valid_i = valid;
      std::memcpy(&top_->record_w_data_i, beat.data.data(), kBusBytes);
      top_->record_w_strobe_i = beat.strobe;
      top_->record_w_last_i = beat.last;
    }
  }
  bool data_ready(unsigned id) const {
    return id == kStore ? top_->store_w_ready_o : top_->record_w_ready_o;
  }
  Beat bus_beat() const {
    Beat beat;
    std::memcpy(beat.data.data(), &top_->m_axi_wdata, kBusBytes);
    beat.strobe = top_->m_axi_wstrb;
    beat.last = top_->m_axi_wlast;
    return beat;
  }
  BusAddress bus_read() const {
    return {top_->m_axi_arid, {top_->m_axi_araddr, top_->m_axi_arlen + 1U}};
  }
  BusAddress bus_write() const {
    return {top_->m_axi_awid, {top_->m_axi_awaddr, top_->m_axi_awlen + 1U}};
  }

  // One cycle: requesters offer, the bus is ready or not, and what must hold in every cycle does.
  void cycle(const Temper& temper) {
    top_->clk_i = 0;
    for (unsigned id = 0; id < 4; ++id) {
      auto& queue = addresses_[id];
      if (!offered_[id]) offered_[id] = !queue.empty() && percent(temper.offer);
      offer_address(id, offered_[id], offered_[id] ? queue.front() : any_burst(256));
    }
    for (unsigned id : {kStore, kRecord}) {
      auto& queue = data_[id];
      if (!data_offered_[id]) data_offered_[id] = !queue.empty() && percent(temper.data);
      Beat noise{any_data(), random_() & strobe_mask(), random_() % 2 == 0};
      offer_data(id, data_offered_[id], data_offered_[id] ? queue.front() : noise);
    }
    top_->m_axi_arready = percent(temper.ar);
    top_->m_axi_awready = percent(temper.aw);
    top_->m_axi_wready = percent(temper.w);
    top_->eval();

    check_stability();
    // Priorities: nobody goes before the command fetch, nobody before a record.
    if (offered_[kFetch]) EXPECT_FALSE(top_->load_ar_ready_o) << "cycle " << cycle_;
    if (offered_[kRecord]) EXPECT_FALSE(top_->store_aw_ready_o) << "cycle " << cycle_;

    if (top_->m_axi_awvalid && !aw_stalled_) ++presented_writes_;
    if (top_->m_axi_wvalid) {
      EXPECT_LT(finished_writes_, presented_writes_)
          << "cycle " << cycle_ << ": a beat of a burst whose address was not offered yet";
    }
    if (top_->m_axi_arvalid && top_->m_axi_arready) {
      on_bus_reads_.push_back(bus_read());
      read_cycles_.push_back(cycle_);
    }
    if (top_->m_axi_awvalid && top_->m_axi_awready) {
      on_bus_writes_.push_back(bus_write());
      write_cycles_.push_back(cycle_);
    }
    if (top_->m_axi_wvalid && top_->m_axi_wready) {
      on_bus_beats_.push_back(bus_beat());
      beat_cycles_.push_back(cycle_);
      finished_writes_ += top_->m_axi_wlast;
    }
    for (unsigned id = 0; id < 4; ++id) {
      if (!offered_[id] || !address_ready(id)) continue;
      const BusAddress taken{id, addresses_[id].front()};
      (id < 2 ? taken_reads_ : taken_writes_).push_back(taken);
      addresses_[id].pop_front();
      offered_[id] = false;
    }
    for (unsigned id : {kStore, kRecord}) {
      if (!data_offered_[id] || !data_ready(id)) continue;
      beats_of_[id].push_back(data_[id].front());
      data_[id].pop_front();
      data_offered_[id] = false;
    }
    top_->clk_i = 1;
    top_->eval();
    ++cycle_;
  }

  void check_stability() {
    if (ar_stalled_) {
      EXPECT_TRUE(top_->m_axi_arvalid) << "cycle " << cycle_;
      EXPECT_EQ(bus_read(), *ar_stalled_) << "cycle " << cycle_;
    }
    if (aw_stalled_) {
      EXPECT_TRUE(top_->m_axi_awvalid) << "cycle " << cycle_;
      EXPECT_EQ(bus_write(), *aw_stalled_) << "cycle " << cycle_;
    }
    if (w_stalled_) {
      EXPECT_TRUE(top_->m_axi_wvalid) << "cycle " << cycle_;
      EXPECT_EQ(bus_beat(), *w_stalled_) << "cycle " << cycle_;
    }
    ar_next_.reset();
    aw_next_.reset();
    w_next_.reset();
    if (top_->m_axi_arvalid && !top_->m_axi_arready) ar_next_ = bus_read();
    if (top_->m_axi_awvalid && !top_->m_axi_awready) aw_next_ = bus_write();
    if (top_->m_axi_wvalid && !top_->m_axi_wready) w_next_ = bus_beat();
  }
  void step(const Temper& temper) {
    cycle(temper);
    ar_stalled_ = ar_next_;
    aw_stalled_ = aw_next_;
    w_stalled_ = w_next_;
  }

  bool idle() const {
    for (const auto& queue : addresses_)
      if (!queue.empty()) return false;
    return data_[kStore].empty() && data_[kRecord].empty();
  }
  // Runs until everything given is on the bus; false when it does not come to that.
  bool run(const Temper& temper, unsigned limit = 200'000) {
    size_t beats = 0;
    for (unsigned id : {kStore, kRecord}) beats += data_[id].size() + beats_of_[id].size();
    for (unsigned i = 0; i < limit; ++i) {
      if (idle() && on_bus_beats_.size() == beats && on_bus_reads_.size() == taken_reads_.size() &&
          on_bus_writes_.size() == taken_writes_.size())
        return true;
      step(temper);
      if (HasFailure()) return false;
    }
    return false;
  }

  // What reached the bus is what was taken, in order; W is the bursts' data in the order of their
  // addresses, so that bursts never interleave.
  void check_traffic() {
    EXPECT_EQ(on_bus_reads_, taken_reads_);
    EXPECT_EQ(on_bus_writes_, taken_writes_);
    std::array<size_t, 4> next{};
    size_t at = 0;
    for (const BusAddress& burst : on_bus_writes_) {
      for (unsigned beat = 0; beat < burst.burst.beats; ++beat, ++at) {
        ASSERT_LT(at, on_bus_beats_.size());
        ASSERT_EQ(on_bus_beats_[at], beats_of_[burst.id].at(next[burst.id]++))
            << "beat " << beat << " of a burst of ID " << burst.id;
        ASSERT_EQ(on_bus_beats_[at].last, beat + 1 == burst.burst.beats);
      }
    }
    EXPECT_EQ(at, on_bus_beats_.size());
  }

  std::unique_ptr<Vaxi_arbiter> top_;
  std::mt19937_64 random_{1};
  uint64_t cycle_ = 0;
  std::array<std::deque<Address>, 4> addresses_;
  std::array<std::deque<Beat>, 4> data_;
  std::array<bool, 4> offered_{}, data_offered_{};
  std::vector<BusAddress> taken_reads_, taken_writes_, on_bus_reads_, on_bus_writes_;
  std::array<std::vector<Beat>, 4> beats_of_;  // taken of each requester
  std::vector<Beat> on_bus_beats_;
  std::vector<uint64_t> read_cycles_, write_cycles_, beat_cycles_;
  uint64_t presented_writes_ = 0, finished_writes_ = 0;
  std::optional<BusAddress> ar_stalled_, aw_stalled_, ar_next_, aw_next_;
  std::optional<Beat> w_stalled_, w_next_;
};

TEST_F(AxiArbiter, NothingIsValidInResetNorUnasked) {
  top_->rst_ni = 0;
  for (int i = 0; i < 3; ++i) {
    edge();
    EXPECT_FALSE(top_->m_axi_arvalid || top_->m_axi_awvalid || top_->m_axi_wvalid);
  }
  top_->rst_ni = 1;
  for (int i = 0; i < 100; ++i) {
    step({});
    EXPECT_FALSE(top_->m_axi_arvalid || top_->m_axi_awvalid || top_->m_axi_wvalid);
  }
}

TEST_F(AxiArbiter, EachRequesterHasItsIdAndReachesTheBusInTheNextCycle) {
  for (unsigned id : {kFetch, kLoad}) {
    const Address burst = any_burst(256);
    read(id, burst);
    const uint64_t taken = cycle_;
    ASSERT_TRUE(run({}));
    EXPECT_EQ(on_bus_reads_.back(), (BusAddress{id, burst}));
    EXPECT_EQ(read_cycles_.back() - taken, 1U);
  }
  for (unsigned id : {kStore, kRecord}) {
    const Address burst = any_burst(8);
    write(id, burst);
    const uint64_t taken = cycle_;
    ASSERT_TRUE(run({}));
    EXPECT_EQ(on_bus_writes_.back(), (BusAddress{id, burst}));
    EXPECT_EQ(write_cycles_.back() - taken, 1U);
  }
  check_traffic();
}

TEST_F(AxiArbiter, BurstsOfEveryRequesterUpToTheLongest) {
  const unsigned longest = std::min(256U, 4096 / kBusBytes);  // a page at most
  for (unsigned beats = 1; beats <= longest; beats *= 2) {
    for (const unsigned length : {beats, 2 * beats - 1}) {
      if (length > longest) continue;
      for (const unsigned id : {kFetch, kLoad}) read(id, {0x4000, length});
      for (const unsigned id : {kStore, kRecord}) write(id, {0x8000, length});
    }
  }
  ASSERT_TRUE(run({}));
  check_traffic();
}

TEST_F(AxiArbiter, KeepsOrderAndBurstsWholeUnderEveryTemper) {
  for (const Temper& temper :
       {Temper{}, Temper{50, 50, 50, 50, 50}, Temper{10, 90, 90, 100, 100},
        Temper{90, 10, 90, 100, 100}, Temper{90, 90, 10, 100, 100}, Temper{100, 100, 100, 20, 100},
        Temper{100, 100, 100, 100, 20}, Temper{5, 5, 5, 100, 100}}) {
    for (int i = 0; i < 150; ++i) {
      read(kFetch, any_burst(4));
      read(kLoad, any_burst(256));
      write(kStore, any_burst(i % 10 == 0 ? 64 : 4));
      write(kRecord, any_burst(2));
    }
    ASSERT_TRUE(run(temper));
    check_traffic();
    if (HasFailure()) return;
  }
}

TEST_F(AxiArbiter, FetchGoesBeforeLoadAndRecordBeforeStore) {
  for (int i = 0; i < 20; ++i) {
    read(kLoad, any_burst(4));
    read(kFetch, any_burst(4));
    write(kStore, any_burst(1));
    write(kRecord, any_burst(1));
  }
  ASSERT_TRUE(run({}));
  for (unsigned i = 0; i < 40; ++i) {
    EXPECT_EQ(on_bus_reads_[i].id, i < 20 ? kFetch : kLoad) << i;
    EXPECT_EQ(on_bus_writes_[i].id, i < 20 ? kRecord : kStore) << i;
  }
  check_traffic();
}

TEST_F(AxiArbiter, AddressesOfBothReadersFollowOneACycle) {
  for (int i = 0; i < 100; ++i) read(i % 2 ? kFetch : kLoad, any_burst(16));
  ASSERT_TRUE(run({}));
  for (size_t i = 0; i < read_cycles_.size(); ++i) ASSERT_EQ(read_cycles_[i], read_cycles_[0] + i);
}

// Bursts of one beat are the worst case: each needs an address, a place in the order and a beat.
TEST_F(AxiArbiter, WriteDataOfBothWritersFollowsOneBeatACycle) {
  for (unsigned most : {1U, 2U, 5U}) {
    on_bus_beats_.clear();
    on_bus_writes_.clear();
    beat_cycles_.clear();
    taken_writes_.clear();
    for (auto& beats : beats_of_) beats.clear();
    for (int i = 0; i < 60; ++i) {
      write(kRecord, {0x1000, most});
      write(kStore, {0x2000, most});
    }
    ASSERT_TRUE(run({}));
    for (size_t i = 0; i < beat_cycles_.size(); ++i)
      ASSERT_EQ(beat_cycles_[i], beat_cycles_[0] + i) << "bursts of " << most;
    check_traffic();
  }
}

// A subordinate may wait for the data before it takes the address, and the other way round.
TEST_F(AxiArbiter, DataOfABurstComesWhileItsAddressWaits) {
  write(kStore, {0x1000, 3});
  step({.aw = 0});
  write(kRecord, {0x2000, 2});
  for (int i = 0; i < 50; ++i) step({.aw = 0});
  EXPECT_EQ(on_bus_beats_.size(), 3U) << "data of the burst whose address is on the bus, no others";
  EXPECT_TRUE(on_bus_writes_.empty());
  ASSERT_TRUE(run({}));
  check_traffic();
}

TEST_F(AxiArbiter, AddressesPassWhileDataWait) {
  write(kStore, {0x1000, 3});
  write(kRecord, {0x2000, 2});
  for (int i = 0; i < 50; ++i) step({.w = 0});
  EXPECT_EQ(on_bus_writes_.size(), 2U);
  EXPECT_TRUE(on_bus_beats_.empty());
  ASSERT_TRUE(run({}));
  check_traffic();
}

TEST_F(AxiArbiter, AStalledChannelLeavesTheOthersMoving) {
  struct Case {
    const char* name;
    Temper temper;
    bool reads, writes;
  };
  for (const Case& c : {Case{"AR", {.ar = 0}, false, true}, Case{"AW", {.aw = 0}, true, false},
                        Case{"W", {.w = 0}, true, false}}) {
    const size_t reads = on_bus_reads_.size(), beats = on_bus_beats_.size();
    for (int i = 0; i < 30; ++i) {
      read(kFetch, any_burst(4));
      read(kLoad, any_burst(4));
      write(kStore, any_burst(2));
      write(kRecord, any_burst(2));
    }
    for (int i = 0; i < 400; ++i) step(c.temper);
    EXPECT_EQ(on_bus_reads_.size() - reads == 60, c.reads) << c.name;
    EXPECT_EQ(on_bus_beats_.size() - beats >= 60, c.writes) << c.name;
    ASSERT_TRUE(run({})) << c.name << ": what was held up comes";
    check_traffic();
  }
}

// A requester's data that come long after its address hold up only what is behind it in order.
TEST_F(AxiArbiter, DataWaitForTheBurstInFrontEvenIfTheOtherHasItsOwnReady) {
  addresses_[kStore].push_back({0x1000, 2});  // its data come later
  for (int i = 0; i < 5; ++i) step({});
  write(kRecord, {0x2000, 1});
  for (int i = 0; i < 50; ++i) step({});
  EXPECT_TRUE(on_bus_beats_.empty());
  EXPECT_EQ(on_bus_writes_.size(), 2U);
  for (unsigned beat = 0; beat < 2; ++beat)
    data_[kStore].push_back({any_data(), strobe_mask(), beat == 1});
  ASSERT_TRUE(run({}));
  check_traffic();
}

// Combinational paths from the bus's READYs would meet others outside.
TEST_F(AxiArbiter, NoReadyOfTheBusReachesARequesterInItsCycle) {
  for (int i = 0; i < 2000; ++i) {
    if (i % 3 == 0) {
      read(random_() % 2 ? kFetch : kLoad, any_burst(4));
      write(random_() % 2 ? kStore : kRecord, any_burst(3));
    }
    step({50, 50, 50, 70, 70});
    // The cycle's inputs again, with the READYs one way and the other.
    top_->clk_i = 0;
    std::array<std::array<bool, 6>, 8> seen;
    for (unsigned bits = 0; bits < 8; ++bits) {
      top_->m_axi_arready = bits & 1;
      top_->m_axi_awready = bits >> 1 & 1;
      top_->m_axi_wready = bits >> 2 & 1;
      top_->eval();
      for (unsigned id = 0; id < 4; ++id) seen[bits][id] = address_ready(id);
      seen[bits][4] = data_ready(kStore);
      seen[bits][5] = data_ready(kRecord);
    }
    for (unsigned bits = 1; bits < 8; ++bits) ASSERT_EQ(seen[bits], seen[0]) << "READYs " << bits;
  }
}

class AxiArbiterResponses : public AxiArbiter {
 protected:
  // Drives R and B with random readiness of the requesters, and checks what goes where in the same
  // cycle.
  void response_cycle(bool r_valid, unsigned r_id, bool b_valid, unsigned b_id) {
    const Data data = any_data();
    const unsigned r_response = random_() % 4, b_response = random_() % 4;
    const bool last = random_() % 2;
    std::array<bool, 4> ready;
    for (bool& r : ready) r = random_() % 2;
    top_->clk_i = 0;
    top_->m_axi_rvalid = r_valid;
    top_->m_axi_rid = r_id;
    top_->m_axi_rresp = r_response;
    top_->m_axi_rlast = last;
    std::memcpy(&top_->m_axi_rdata, data.data(), kBusBytes);
    top_->m_axi_bvalid = b_valid;
    top_->m_axi_bid = b_id;
    top_->m_axi_bresp = b_response;
    top_->fetch_r_ready_i = ready[kFetch];
    top_->load_r_ready_i = ready[kLoad];
    top_->store_b_ready_i = ready[kStore];
    top_->record_b_ready_i = ready[kRecord];
    top_->eval();
    EXPECT_EQ(top_->fetch_r_valid_o, r_valid && r_id == kFetch);
    EXPECT_EQ(top_->load_r_valid_o, r_valid && r_id == kLoad);
    EXPECT_EQ(top_->store_b_valid_o, b_valid && b_id == kStore);
    EXPECT_EQ(top_->record_b_valid_o, b_valid && b_id == kRecord);
    if (r_valid) {
      EXPECT_EQ(std::memcmp(&top_->r_data_o, data.data(), kBusBytes), 0);
      EXPECT_EQ(top_->r_error_o, r_response >= 2) << "SLVERR and DECERR, not EXOKAY";
      EXPECT_EQ(top_->r_last_o, last);
      EXPECT_EQ(top_->m_axi_rready, r_id <= kLoad ? ready[r_id] : true);
    }
    if (b_valid) {
      EXPECT_EQ(top_->b_error_o, b_response >= 2);
      EXPECT_EQ(top_->m_axi_bready, b_id >= kStore ? ready[b_id] : true);
    }
    EXPECT_EQ(top_->unknown_id_o, (r_valid && r_id > kLoad) || (b_valid && b_id < kStore));
    top_->clk_i = 1;
    top_->eval();
    ++cycle_;
  }
};

TEST_F(AxiArbiterResponses, GoToTheirRequesterInTheSameCycleAndWaitForItAlone) {
  for (int i = 0; i < 4000; ++i)
    response_cycle(random_() % 4 != 0, random_() % 2, random_() % 4 != 0, 2 + random_() % 2);
}

TEST_F(AxiArbiterResponses, OfAnUnknownIdAreTakenDroppedAndTold) {
  for (int i = 0; i < 1000; ++i) {
    response_cycle(true, 2 + random_() % 2, random_() % 2, 2 + random_() % 2);
    response_cycle(random_() % 2, random_() % 2, true, random_() % 2);
  }
}

TEST_F(AxiArbiterResponses, PayloadWithoutValidIsNoise) {
  for (int i = 0; i < 1000; ++i) response_cycle(false, random_() % 4, false, random_() % 4);
}

}  // namespace
}  // namespace systolith::test
