// Memory wrapper against an array: strobes, latency, held data, reads beside writes; and its code:
// flipped bits are found or corrected.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "Vmemory.h"
#include "on_chip_memories.hpp"

namespace {

constexpr unsigned kDepth = 32;
constexpr unsigned kGranules = WIDTH / GRANULE;
constexpr unsigned kCodeData = GRANULE < 64 ? GRANULE : 64;  // data bits of a code word

// Check bits of a code word, as the module's header has them.
unsigned checks() {
  static const std::map<unsigned, unsigned> secded = {{2, 4}, {8, 5}, {32, 7}, {64, 8}};
  return SECDED ? secded.at(kCodeData) : 1;
}

using Bits = std::vector<bool>;

class Memory : public testing::Test {
 protected:
  Memory() : top_(&context_, "dut"), memories_(context_) {
    top_.rst_ni = 1;
    top_.clk_i = 0;
    top_.eval();
    reset();
  }
  ~Memory() override { top_.final(); }

  template <typename Port>
  static void put(Port& port, const Bits& bits) {
    std::vector<std::uint8_t> bytes(sizeof port);
    for (std::size_t i = 0; i < bits.size(); ++i) bytes[i / 8] |= bits[i] << i % 8;
    std::memcpy(&port, bytes.data(), sizeof port);
  }
  Bits data() const {
    Bits bits(WIDTH);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&top_.read_data_o);
    for (unsigned i = 0; i < WIDTH; ++i) bits[i] = bytes[i / 8] >> i % 8 & 1;
    return bits;
  }
  Bits random_bits(std::size_t count) {
    Bits bits(count);
    for (std::size_t i = 0; i < count; ++i) bits[i] = random_() % 2;
    return bits;
  }

  void reset() {
    top_.rst_ni = 0;
    top_.eval();
    top_.rst_ni = 1;
    top_.eval();
  }
  void edge() {
    top_.clk_i = 1;
    top_.eval();
    top_.clk_i = 0;
    top_.eval();
    top_.write_valid_i = 0;
    top_.read_valid_i = 0;
  }
  void offer_write(unsigned word, const Bits& bits, const Bits& strobe) {
    top_.write_valid_i = 1;
    top_.write_index_i = word;
    put(top_.write_data_i, bits);
    put(top_.write_strobe_i, strobe);
  }
  void write(unsigned word, const Bits& bits, const Bits& strobe = Bits(kGranules, true)) {
    offer_write(word, bits, strobe);
    edge();
  }

  struct Answer {
    Bits data;
    bool corrected, uncorrected;
    bool operator==(const Answer&) const = default;
  };
  Answer answer() const { return {data(), top_.corrected_o != 0, top_.uncorrected_o != 0}; }
  /// Reads a word; the pulses must be there with the data only.
  Answer read(unsigned word) {
    top_.read_valid_i = 1;
    top_.read_index_i = word;
    edge();
    for (unsigned i = 1; i < LATENCY; ++i) {
      EXPECT_EQ(top_.corrected_o | top_.uncorrected_o, 0) << "before its data";
      edge();
    }
    const Answer result = answer();
    edge();
    EXPECT_EQ(top_.corrected_o | top_.uncorrected_o, 0) << "after its data";
    EXPECT_EQ(data(), result.data) << "data are kept";
    return result;
  }

  void flip(unsigned word, unsigned bit) { memories_.flip(0, word, bit); }
  unsigned stored() const { return memories_.list().at(0).width; }
  /// Which code word a stored bit belongs to: a granule's data, then the check bits of each of its
  /// code words.
  static unsigned code_word(unsigned bit) {
    const unsigned words = GRANULE / kCodeData;
    const unsigned lane = GRANULE + words * checks(), place = bit % lane;
    const unsigned in_granule = place < GRANULE ? place / kCodeData : (place - GRANULE) / checks();
    return bit / lane * words + in_granule;
  }
  static unsigned granule(unsigned bit) { return bit / (GRANULE + GRANULE / kCodeData * checks()); }

  VerilatedContext context_;
  Vmemory top_;
  systolith::sim::OnChipMemories memories_;
  std::mt19937_64 random_{1};
};

TEST_F(Memory, StoresItsCheckBitsBesideTheData) {
  ASSERT_EQ(memories_.list().size(), 1U);
  EXPECT_EQ(memories_.list()[0].depth, kDepth);
  EXPECT_EQ(stored(), WIDTH + WIDTH / kCodeData * checks());
}

TEST_F(Memory, RandomReadsAndWritesMatchAnArray) {
  std::vector<Bits> model(kDepth, Bits(WIDTH));
  std::deque<std::optional<Bits>> pipe(LATENCY);  // front: data due after this edge
  std::optional<Bits> held;
  unsigned partial = 0, collisions = 0;
  const Bits all(kGranules, true);
  for (unsigned cycle = 0; cycle < 10000; ++cycle) {
    const bool filling = cycle < kDepth;
    std::optional<Bits> read;
    top_.read_valid_i = !filling && random_() % 2;
    top_.read_index_i = random_() % kDepth;
    if (top_.read_valid_i) read = model[top_.read_index_i];  // the word before this cycle's write
    if (filling || random_() % 2) {
      const unsigned word = filling ? cycle : random_() % kDepth;
      const Bits bits = random_bits(WIDTH);
      const Bits strobe = filling || random_() % 2 ? all : random_bits(kGranules);
      offer_write(word, bits, strobe);
      collisions += top_.read_valid_i && word == top_.read_index_i;
      partial += strobe != all;
      for (unsigned i = 0; i < WIDTH; ++i) {
        if (strobe[i / GRANULE]) model[word][i] = bits[i];
      }
    }
    pipe.push_back(read);
    edge();
    pipe.pop_front();
    if (pipe.front()) held = pipe.front();
    if (held) ASSERT_EQ(data(), *held) << "cycle " << cycle;
    ASSERT_EQ(top_.corrected_o, 0) << "cycle " << cycle;
    ASSERT_EQ(top_.uncorrected_o, 0) << "cycle " << cycle;
  }
  EXPECT_GT(partial, kGranules > 1 ? 1000U : 500U);
  EXPECT_GT(collisions, 50U);
}

TEST_F(Memory, ZerosThatNobodyWroteAreAWord) {
  EXPECT_EQ(read(5), (Answer{Bits(WIDTH), false, false}));
}

TEST_F(Memory, EverySingleFlippedBitIsCorrectedOrFound) {
  for (unsigned bit = 0; bit < stored(); ++bit) {
    const Bits bits = random_bits(WIDTH), other = random_bits(WIDTH);
    write(7, bits);
    write(8, other);
    flip(7, bit);
    for (unsigned again = 0; again < 2; ++again) {  // a read repairs nothing
      const Answer got = read(7);
      EXPECT_EQ(got.corrected, SECDED) << "bit " << bit;
      EXPECT_EQ(got.uncorrected, !SECDED) << "bit " << bit;
      if (SECDED) EXPECT_EQ(got.data, bits) << "bit " << bit;
      EXPECT_EQ(read(8), (Answer{other, false, false})) << "its neighbour, bit " << bit;
    }
    flip(7, bit);
    EXPECT_EQ(read(7), (Answer{bits, false, false})) << "bit " << bit;
    if (HasFailure()) return;
  }
}

// Two bits of one code word: found by SECDED alone. Of two: each corrected, or found.
TEST_F(Memory, EveryPairOfFlippedBitsOfAGranuleIsFound) {
  const Bits bits = random_bits(WIDTH);
  write(3, bits);
  unsigned same = 0, apart = 0;
  const unsigned lane = stored() / kGranules;
  for (unsigned first = 0; first < lane; ++first) {
    for (unsigned second = first + 1; second < std::min(2 * lane, stored()); ++second) {
      flip(3, first);
      flip(3, second);
      const Answer got = read(3);
      if (code_word(first) != code_word(second)) {
        ++apart;
        EXPECT_EQ(got.corrected, SECDED) << first << ", " << second;
        EXPECT_EQ(got.uncorrected, !SECDED) << first << ", " << second;
        if (SECDED) EXPECT_EQ(got.data, bits) << first << ", " << second;
      } else if (SECDED) {
        ++same;
        EXPECT_TRUE(got.uncorrected) << first << ", " << second;
        EXPECT_FALSE(got.corrected) << first << ", " << second;
      }
      flip(3, first);
      flip(3, second);
      if (HasFailure()) return;
    }
  }
  EXPECT_EQ(same != 0, SECDED);
  EXPECT_EQ(apart != 0, WIDTH > kCodeData);
  EXPECT_EQ(read(3), (Answer{bits, false, false}));
}

// One code word has two flipped bits, another one.
TEST_F(Memory, BothPulsesComeTogether) {
  if (!SECDED || WIDTH == kCodeData) return;
  write(3, random_bits(WIDTH));
  std::vector<unsigned> first, second;
  for (unsigned bit = 0; bit < stored(); ++bit) {
    if (code_word(bit) == 0) first.push_back(bit);
    if (code_word(bit) == WIDTH / kCodeData - 1) second.push_back(bit);
  }
  flip(3, first[0]);
  flip(3, first[2]);
  flip(3, second[1]);
  const Answer got = read(3);
  EXPECT_TRUE(got.corrected);
  EXPECT_TRUE(got.uncorrected);
}

// A granule's write makes it good and leaves the others' errors as they are.
TEST_F(Memory, AWriteOfTheGranuleUndoesTheFlip) {
  for (unsigned bit = 0; bit < stored(); ++bit) {
    Bits bits = random_bits(WIDTH);
    write(9, bits);
    flip(9, bit);
    const Bits fresh = random_bits(WIDTH);
    Bits strobe(kGranules, true);
    strobe[granule(bit)] = false;
    write(9, fresh, strobe);
    for (unsigned i = 0; i < WIDTH; ++i) {
      if (strobe[i / GRANULE]) bits[i] = fresh[i];
    }
    const Answer got = read(9);
    EXPECT_EQ(got.corrected, SECDED) << "bit " << bit;
    EXPECT_EQ(got.uncorrected, !SECDED) << "bit " << bit;
    if (SECDED) EXPECT_EQ(got.data, bits) << "bit " << bit;
    strobe.flip();
    write(9, fresh, strobe);
    EXPECT_EQ(read(9), (Answer{fresh, false, false})) << "bit " << bit;
    if (HasFailure()) return;
  }
}

// A read a cycle: each pulse belongs to its own word.
TEST_F(Memory, PulsesFollowReadsBackToBack) {
  std::vector<Bits> model;
  std::vector<bool> bad;
  for (unsigned word = 0; word < kDepth; ++word) {
    model.push_back(random_bits(WIDTH));
    write(word, model.back());
    bad.push_back(random_() % 2);
    if (bad.back()) flip(word, random_() % stored());
  }
  std::deque<std::optional<unsigned>> pipe(LATENCY);
  for (unsigned cycle = 0; cycle < 1000; ++cycle) {
    std::optional<unsigned> word;
    if (random_() % 4) word = random_() % kDepth;
    top_.read_valid_i = word.has_value();
    top_.read_index_i = word.value_or(random_() % kDepth);
    pipe.push_back(word);
    edge();
    pipe.pop_front();
    const bool expected = pipe.front() && bad[*pipe.front()];
    ASSERT_EQ(top_.corrected_o, SECDED && expected) << "cycle " << cycle;
    ASSERT_EQ(top_.uncorrected_o, !SECDED && expected) << "cycle " << cycle;
    if (pipe.front() && (SECDED || !expected)) ASSERT_EQ(data(), model[*pipe.front()]);
  }
}

// A reset between the read and its data, or with the data there.
TEST_F(Memory, AResetEndsThePulse) {
  for (unsigned bit = 0; bit < stored(); ++bit) {
    for (unsigned edges = 1; edges <= LATENCY; ++edges) {
      write(5, random_bits(WIDTH));
      flip(5, bit);
      top_.read_valid_i = 1;
      top_.read_index_i = 5;
      for (unsigned i = 0; i < edges; ++i) edge();
      reset();
      for (unsigned i = 0; i <= LATENCY; ++i) {
        ASSERT_EQ(top_.corrected_o | top_.uncorrected_o, 0) << "bit " << bit << ", " << edges;
        edge();
      }
    }
  }
}

}  // namespace
