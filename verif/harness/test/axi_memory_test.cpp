// The memory model against a small manager, under the checker.
#include "systolith_harness/axi_memory.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <map>

#include "systolith_harness/axi_checker.hpp"

namespace systolith::harness {
namespace {

constexpr uint64_t kBase = 0x80000000;

// Sends what is queued, as early as it may, and keeps what comes back.
class Manager {
 public:
  explicit Manager(AxiMemory& memory) : memory_(memory), checker_(options()) {}
  static AxiCheckerOptions options() {
    AxiCheckerOptions options;
    options.bus_bytes = 8;
    options.maximum_beats = 256;
    for (unsigned id = 0; id < kIds; ++id)
      options.maximum_reads[id] = options.maximum_writes[id] = 256;
    return options;
  }
  void read(uint8_t id, uint64_t address, unsigned beats) {
    reads.push_back(make(id, address, beats));
  }
  void write(uint8_t id, uint64_t address, const std::vector<uint64_t>& words,
             uint8_t strobe = 0xff) {
    writes.push_back(make(id, address, static_cast<unsigned>(words.size())));
    for (size_t i = 0; i < words.size(); ++i)
      beats.push_back({words[i], strobe, i + 1 == words.size()});
  }
  void tick() {
    AxiManagerSignals s;
    if (!reads.empty()) s.ar = reads.front();
    if (!writes.empty()) s.aw = writes.front();
    // W may be offered from the cycle in which its AW is.
    if (!beats.empty() && (data_credit_ > 0 || (data_credit_ == 0 && !writes.empty()))) {
      s.w_valid = true;
      std::memcpy(s.w_data.data(), &beats.front().word, 8);
      s.w_strobe = beats.front().strobe;
      s.w_last = beats.front().last;
    }
    s.r_ready = r_ready;
    s.b_ready = b_ready;
    const AxiSubordinateSignals& m = memory_.outputs();
    checker_.clock(s, m);
    if (s.ar.valid && m.ar_ready) {
      reads.pop_front();
      ar_cycle = cycle;
    }
    if (s.aw.valid && m.aw_ready) {
      writes.pop_front();
      ++data_credit_;
    }
    if (s.w_valid && m.w_ready) {
      if (beats.front().last) {
        --data_credit_;
        w_cycle = cycle;
      }
      beats.pop_front();
    }
    if (m.r_valid && s.r_ready) {
      if (data[m.r_id].empty()) first_r_cycle = cycle;
      uint64_t word;
      std::memcpy(&word, m.r_data.data(), 8);
      data[m.r_id].push_back(word);
      read_responses.push_back(m.r_response);
      ids.push_back(m.r_id);
      last_r_cycle = cycle;
    }
    if (m.b_valid && s.b_ready) {
      responses.push_back(m.b_response);
      b_cycle = cycle;
    }
    memory_.clock(s);
    ++cycle;
  }
  void run(unsigned cycles) {
    for (unsigned i = 0; i < cycles; ++i) tick();
    EXPECT_TRUE(checker_.log().empty()) << checker_.log().summary();
  }
  bool done() const {
    return reads.empty() && beats.empty() && memory_.reads_owed() == 0 &&
           memory_.writes_owed() == 0;
  }

  struct Beat {
    uint64_t word;
    uint8_t strobe;
    bool last;
  };
  std::deque<AxiAddress> reads, writes;
  std::deque<Beat> beats;
  std::map<int, std::vector<uint64_t>> data;
  std::vector<int> read_responses, responses, ids;
  bool r_ready = true, b_ready = true;
  uint64_t cycle = 0, ar_cycle = 0, w_cycle = 0, b_cycle = 0, first_r_cycle = 0, last_r_cycle = 0;

 private:
  static AxiAddress make(uint8_t id, uint64_t address, unsigned beats) {
    AxiAddress a;
    a.valid = true;
    a.id = id;
    a.address = address;
    a.length = static_cast<uint8_t>(beats - 1);
    a.size = 3;
    a.burst = 1;
    a.cache = 3;
    return a;
  }
  AxiMemory& memory_;
  AxiChecker checker_;
  int data_credit_ = 0;
};

struct AxiMemoryTest : testing::Test {
  AxiMemoryTest() : memory(8, kBase, 1 << 20), manager(memory) {
    for (uint64_t i = 0; i < 4096; ++i) set(kBase + 8 * i, i);
    manager.run(2);
  }
  void set(uint64_t address, uint64_t word) { std::memcpy(memory.at(address), &word, 8); }
  uint64_t get(uint64_t address) {
    uint64_t word;
    std::memcpy(&word, memory.at(address), 8);
    return word;
  }
  AxiMemory memory;
  Manager manager;
};

TEST_F(AxiMemoryTest, ReadTakesTheLatencyAndThenOneBeatACycle) {
  manager.read(1, kBase, 16);
  manager.read(1, kBase + 128, 16);
  manager.run(200);
  ASSERT_EQ(manager.data[1].size(), 32u);
  for (uint64_t i = 0; i < 32; ++i) EXPECT_EQ(manager.data[1][i], i);
  EXPECT_EQ(manager.first_r_cycle, manager.ar_cycle - 1 + 100);  // two AR one cycle apart
  EXPECT_EQ(manager.last_r_cycle, manager.first_r_cycle + 31);
}

TEST_F(AxiMemoryTest, WriteIsAnsweredTheLatencyAfterItsLastBeat) {
  manager.write(2, kBase + 64, {11, 12, 13});
  manager.run(150);
  EXPECT_EQ(manager.b_cycle, manager.w_cycle + 100);
  EXPECT_EQ(get(kBase + 64), 11u);
  EXPECT_EQ(get(kBase + 80), 13u);
}

TEST_F(AxiMemoryTest, StrobesChooseBytes) {
  manager.write(2, kBase + 8, {0xffffffffffffffff}, 0x0f);
  manager.run(150);
  EXPECT_EQ(get(kBase + 8), 0xffffffffu);
}

TEST_F(AxiMemoryTest, DataMayBeCommittedOnlyWithItsResponse) {
  memory.set_commit_at_response(true);
  manager.write(2, kBase, {99});
  manager.run(50);
  EXPECT_EQ(get(kBase), 0u);
  manager.run(100);
  EXPECT_EQ(get(kBase), 99u);
}

TEST_F(AxiMemoryTest, DataMayBeReadWhenItIsRequested) {
  memory.set_read_at_request(true);
  manager.read(1, kBase, 1);
  manager.run(50);
  set(kBase, 77);
  manager.run(100);
  EXPECT_EQ(manager.data[1].at(0), 0u);
}

TEST_F(AxiMemoryTest, OutsideOfTheMemoryIsADecodeError) {
  manager.read(1, kBase + (1 << 20), 1);
  manager.read(1, kBase - 8, 1);
  manager.write(2, kBase + (1 << 20), {1});
  manager.run(200);
  EXPECT_EQ(manager.read_responses, (std::vector<int>{3, 3}));
  EXPECT_EQ(manager.responses, std::vector<int>{3});
}

TEST_F(AxiMemoryTest, ErrorIsPutOnTheChosenBeatOfTheChosenBurst) {
  memory.inject({.id = 1, .burst = 2, .beat = 3});
  for (int i = 0; i < 4; ++i) manager.read(1, kBase + 64 * i, 8);
  manager.run(300);
  ASSERT_EQ(manager.read_responses.size(), 32u);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(manager.read_responses[i], i == 2 * 8 + 3 ? 2 : 0) << i;
}

TEST_F(AxiMemoryTest, ErrorIsPutOnTheChosenAddress) {
  memory.inject({.effect = AxiInjection::Effect::DecodeError,
                 .first_address = kBase + 33,
                 .last_address = kBase + 33});
  manager.read(1, kBase, 8);
  manager.run(200);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(manager.read_responses[i], i == 4 ? 3 : 0) << i;
}

TEST_F(AxiMemoryTest, WriteErrorLeavesMemoryAlone) {
  memory.inject({.kind = AxiInjection::Kind::Write, .id = 2, .burst = 0});
  manager.write(2, kBase, {5});
  manager.write(2, kBase + 8, {6});
  manager.run(200);
  EXPECT_EQ(manager.responses, (std::vector<int>{2, 0}));
  EXPECT_EQ(get(kBase), 0u);
  EXPECT_EQ(get(kBase + 8), 6u);
}

TEST_F(AxiMemoryTest, UnansweredReadHoldsItsIdOnlyAndIsAnsweredOnceReleased) {
  memory.inject({.effect = AxiInjection::Effect::NeverAnswer, .id = 1, .burst = 0});
  manager.read(1, kBase, 1);
  manager.read(1, kBase + 8, 1);
  manager.read(0, kBase + 16, 1);
  manager.run(1000);
  EXPECT_EQ(manager.data[1].size(), 0u);
  EXPECT_EQ(manager.data[0].size(), 1u);
  memory.release_unanswered();
  manager.run(10);
  EXPECT_EQ(manager.data[1], (std::vector<uint64_t>{0, 1}));
}

TEST_F(AxiMemoryTest, BeatsOfDifferentIdsInterleaveOnRequest) {
  memory.timing().interleave_reads = true;
  manager.read(0, kBase, 32);
  manager.read(1, kBase + 256, 32);
  manager.run(300);
  unsigned changes = 0;
  for (size_t i = 1; i < manager.ids.size(); ++i) changes += manager.ids[i] != manager.ids[i - 1];
  EXPECT_GT(changes, 4u);
  for (uint64_t i = 0; i < 32; ++i) EXPECT_EQ(manager.data[1][i], 32 + i);
}

TEST_F(AxiMemoryTest, BandwidthLimitsTheBeats) {
  memory.timing().read_interval = 3 << 16;
  manager.read(1, kBase, 11);
  manager.run(300);
  EXPECT_EQ(manager.last_r_cycle - manager.first_r_cycle, 30u);
}

TEST_F(AxiMemoryTest, AddressReadyMayWaitForDataAndDataReadyForTheAddress) {
  memory.timing().aw_after_w = true;
  manager.write(2, kBase, {1, 2});
  manager.write(2, kBase + 16, {3});
  manager.run(250);
  EXPECT_EQ(manager.responses.size(), 2u);
  memory.timing().aw_after_w = false;
  memory.timing().w_after_aw = true;
  manager.write(2, kBase + 32, {4, 5});
  manager.run(250);
  EXPECT_EQ(manager.responses.size(), 3u);
  EXPECT_EQ(get(kBase + 40), 5u);
}

TEST_F(AxiMemoryTest, HeldChannelsStandStill) {
  memory.hold().r = true;
  memory.hold().b = true;
  manager.read(1, kBase, 1);
  manager.write(2, kBase, {1});
  manager.run(500);
  EXPECT_EQ(manager.data[1].size() + manager.responses.size(), 0u);
  memory.hold() = {};
  manager.run(10);
  EXPECT_EQ(manager.data[1].size() + manager.responses.size(), 2u);
}

// Random traffic with random stalls and latencies, noise on idle payload: contents as in an array,
// no rule broken.
TEST(AxiMemoryRandom, RandomTrafficKeepsContentsAndRules) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    AxiMemory memory(8, kBase, 1 << 16, seed);
    Manager manager(memory);
    manager.run(2);
    Random random(seed);
    memory.set_noise(true);
    memory.set_commit_at_response(seed % 2 == 0);
    AxiMemoryTiming& timing = memory.timing();
    timing.read_latency_minimum = timing.write_latency_minimum = 1;
    timing.read_latency_maximum = timing.write_latency_maximum = 60;
    timing.stall_aw = timing.stall_w = timing.stall_b = timing.stall_ar = timing.stall_r = 40;
    timing.interleave_reads = seed % 3 == 0;
    timing.aw_after_w = seed % 4 == 1;
    timing.w_after_aw = seed % 4 == 2;
    std::vector<uint64_t> expected(8192);
    for (int i = 0; i < 200; ++i) {
      const unsigned beats = static_cast<unsigned>(random.range(1, 16));
      const uint64_t word = 16 * random.range(0, 511);  // bursts stay inside 4 KiB
      std::vector<uint64_t> words;
      for (unsigned b = 0; b < beats; ++b) words.push_back(expected[word + b] = random.next());
      manager.write(2, kBase + 8 * word, words);
    }
    for (int i = 0; i < 20000 && !manager.done(); ++i) manager.tick();
    ASSERT_TRUE(manager.done()) << seed;
    for (int i = 0; i < 512; ++i)
      manager.read(static_cast<uint8_t>(i / 16 % 2), kBase + 128 * i, 16);
    for (int i = 0; i < 60000 && !manager.done(); ++i) manager.tick();
    ASSERT_TRUE(manager.done()) << seed;
    size_t next[2] = {0, 0};
    for (int i = 0; i < 512; ++i) {
      const int id = i / 16 % 2;
      for (int b = 0; b < 16; ++b)
        ASSERT_EQ(manager.data[id][next[id]++], expected[16 * i + b]) << seed;
    }
    manager.run(1);  // says which rules were broken
  }
}

// The harness must stay far below the cost of the Verilated model (1.8 us a cycle for 16x16).
TEST(AxiMemorySpeed, CycleOfMemoryAndCheckerTakesUnderAMicrosecond) {
  AxiMemory memory(16, kBase, 1 << 20);
  AxiCheckerOptions options;
  AxiChecker checker(options);
  AxiManagerSignals s;
  s.ar.id = 1;
  s.ar.length = 15;
  s.ar.size = 4;
  s.ar.burst = 1;
  s.ar.cache = 3;
  s.aw = s.ar;
  s.aw.id = 2;
  s.w_strobe = 0xffff;
  s.r_ready = s.b_ready = true;
  checker.clock(s, memory.outputs());
  constexpr unsigned kCycles = 400000;
  unsigned beat = 0;
  const auto start = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < kCycles; ++i) {
    s.ar.valid = memory.reads_owed() < 16;
    s.aw.valid = memory.writes_owed() < 16 && beat == 0 && memory.outputs().aw_ready;
    s.ar.address = s.aw.address = kBase + 256 * (i & 1023);
    s.w_valid = beat != 0;
    s.w_last = beat == 1;
    checker.clock(s, memory.outputs());
    if (s.w_valid && memory.outputs().w_ready) --beat;
    if (s.aw.valid) beat = 16;
    if (s.ar.valid && !memory.outputs().ar_ready) s.ar.valid = true;
    memory.clock(s);
  }
  const double ns =
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
      kCycles;
  RecordProperty("nanoseconds_a_cycle", static_cast<int>(ns));
  EXPECT_LT(ns, 1000.0);
  EXPECT_GT(memory.statistics().read_beats, kCycles * 9 / 10);
}

}  // namespace
}  // namespace systolith::harness
