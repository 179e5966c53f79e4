// The model of the chip: each rule fires one picosecond (or clock) before its bound and not at it;
// data, bursts, masks and planted faults.
#include "sdram_model.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace systolith::sdram {
namespace {

constexpr SdramTiming kPart = kIs42s16160g7;
constexpr uint64_t kClock = 10'000;  // ps

// Drives commands at given distances; the data of READs are looked at where a controller would.
class Chip {
 public:
  explicit Chip(const SdramTiming& timing = kPart, const SdramFaults& faults = {})
      : model(timing, faults) {}

  // An edge `after` ps behind the last one.
  void edge(const SdramPins& pins, uint64_t after = kClock) {
    time += after;
    model.edge(time, pins);
  }
  void nop(unsigned edges = 1, uint64_t after = kClock) {
    for (unsigned i = 0; i < edges; ++i) edge({}, after);
  }
  static SdramPins pins(bool ras_n, bool cas_n, bool we_n, unsigned bank = 0,
                        unsigned address = 0) {
    SdramPins pins;
    pins.cs_n = false;
    pins.ras_n = ras_n;
    pins.cas_n = cas_n;
    pins.we_n = we_n;
    pins.bank = static_cast<uint8_t>(bank);
    pins.address = static_cast<uint16_t>(address);
    return pins;
  }
  void activate(unsigned bank, unsigned row, uint64_t after = kClock) {
    edge(pins(0, 1, 1, bank, row), after);
  }
  void read(unsigned bank, unsigned column, uint64_t after = kClock) {
    edge(pins(1, 0, 1, bank, column), after);
  }
  void write(unsigned bank, unsigned column, uint16_t data, uint64_t after = kClock,
             uint8_t dqm = 0) {
    SdramPins p = pins(1, 0, 0, bank, column);
    p.dq_enable = true;
    p.dq = data;
    p.dqm = dqm;
    edge(p, after);
  }
  void data(uint16_t data, uint8_t dqm = 0) {
    SdramPins p;
    p.dq_enable = true;
    p.dq = data;
    p.dqm = dqm;
    edge(p);
  }
  void precharge(unsigned bank, uint64_t after = kClock) { edge(pins(0, 1, 0, bank, 0), after); }
  void precharge_all(uint64_t after = kClock) { edge(pins(0, 1, 0, 0, 0x400), after); }
  void refresh(uint64_t after = kClock) { edge(pins(0, 0, 1), after); }
  void mode(unsigned mode, uint64_t after = kClock) { edge(pins(0, 0, 0, 0, mode), after); }
  void terminate() { edge(pins(1, 1, 0)); }

  void power_up(unsigned mode_word = 0x020) {
    nop();
    precharge_all(200'000'000);
    for (int i = 0; i < 8; ++i) refresh(100'000);
    mode(mode_word, 100'000);
    nop(10);
    EXPECT_EQ(model.summary(), "");
  }
  // What is on the pins where the next edge will be; nothing: -1.
  int pins_at_next() const {
    const SdramBus bus = model.bus(time + kClock - 1);
    return bus.valid ? bus.value : bus.driven ? -2 : -1;
  }

  SdramModel model;
  uint64_t time = 0;
};

// `sequence` gets the time at the bound: right at it nothing is told, one picosecond earlier the
// rule is, and it alone.
void bound(const char* rule, uint64_t least, const std::function<void(Chip&, uint64_t)>& sequence,
           const SdramTiming& timing = kPart) {
  Chip right(timing), early(timing);
  right.power_up();
  sequence(right, least);
  EXPECT_EQ(right.model.summary(), "") << rule;
  early.power_up();
  sequence(early, least - 1);
  EXPECT_EQ(early.model.violation_count(), 1u) << rule << "\n" << early.model.summary();
  EXPECT_TRUE(early.model.violated(rule)) << early.model.summary();
}

TEST(SdramModel, RowToColumn) {
  bound("tRCD", 15'000, [](Chip& chip, uint64_t t) {
    chip.activate(1, 5);
    chip.read(1, 0, t);
  });
  bound("tRCD", 15'000, [](Chip& chip, uint64_t t) {
    chip.activate(1, 5);
    chip.write(1, 0, 1, t);
  });
}

TEST(SdramModel, PrechargeTime) {
  bound("tRP", 15'000, [](Chip& chip, uint64_t t) {
    chip.activate(2, 5);
    chip.precharge(2, 100'000);
    chip.activate(2, 6, t);
  });
  bound("tRP", 15'000, [](Chip& chip, uint64_t t) {
    chip.activate(2, 5);
    chip.precharge(2, 100'000);
    chip.refresh(t);
  });
  bound("tRP", 15'000, [](Chip& chip, uint64_t t) {
    chip.activate(2, 5);
    chip.precharge(2, 100'000);
    chip.mode(0x030, t);
  });
}

TEST(SdramModel, RowActiveTime) {
  bound("tRAS", 37'000, [](Chip& chip, uint64_t t) {
    chip.activate(0, 5);
    chip.precharge(0, t);
  });
  bound("tRAS", 37'000, [](Chip& chip, uint64_t t) {
    chip.activate(3, 5);
    chip.precharge_all(t);
  });
}

TEST(SdramModel, RowActiveTimeAtMost) {
  Chip chip;
  chip.power_up();
  // Refreshed often enough: only the row is overdue. 100 us are the limit, one ps more is told
  // once.
  chip.activate(1, 5);
  const uint64_t opened = chip.time;
  chip.nop(1, 100'000'000);
  EXPECT_FALSE(chip.model.violated("tRAS_max"));
  EXPECT_EQ(chip.time - opened, 100'000'000u);
  chip.nop(1, 7'500);
  chip.nop(3);
  EXPECT_TRUE(chip.model.violated("tRAS_max"));
  unsigned told = 0;
  for (const auto& v : chip.model.violations()) told += v.rule == "tRAS_max";
  EXPECT_EQ(told, 1u);
}

TEST(SdramModel, RowCycleTime) {
  bound("tRC", 60'000, [](Chip& chip, uint64_t t) {
    chip.activate(0, 5);
    chip.precharge(0, 40'000);
    chip.activate(0, 5, t - 40'000);
  });
  bound("tRC", 60'000, [](Chip& chip, uint64_t t) {
    chip.activate(0, 5);
    chip.precharge(0, 40'000);
    chip.refresh(t - 40'000);
  });
}

TEST(SdramModel, RefreshCycleTime) {
  for (int next = 0; next < 4; ++next) {
    bound("tRFC", 60'000, [&](Chip& chip, uint64_t t) {
      chip.refresh();
      if (next == 0) chip.refresh(t);
      if (next == 1) chip.activate(1, 1, t);
      if (next == 2) chip.mode(0x020, t);
      if (next == 3) chip.precharge_all(t);
    });
  }
}

TEST(SdramModel, RowToRowTime) {
  bound("tRRD", 14'000, [](Chip& chip, uint64_t t) {
    chip.activate(0, 5);
    chip.activate(1, 5, t);
  });
}

TEST(SdramModel, DataToPrechargeTime) {
  bound("tDPL", 14'000, [](Chip& chip, uint64_t t) {
    chip.activate(0, 5);
    chip.write(0, 1, 7, 40'000);
    chip.precharge(0, t);
  });
  bound("tDPL", 14'000, [](Chip& chip, uint64_t t) {
    chip.activate(0, 5);
    chip.write(0, 1, 7, 40'000);
    chip.precharge_all(t);
  });
  // Of another bank there is nothing to wait for.
  Chip chip;
  chip.power_up();
  chip.activate(0, 5);
  chip.activate(1, 5, 20'000);
  chip.write(1, 1, 7, 40'000);
  chip.precharge(0, 7'500);
  EXPECT_EQ(chip.model.summary(), "");
}

TEST(SdramModel, ModeTime) {
  bound("tMRD", 14'000, [](Chip& chip, uint64_t t) {
    chip.mode(0x020);
    chip.activate(0, 0, t);
  });
}

TEST(SdramModel, ClocksCountWhereTheTableHasThem) {
  // 20 ns are long enough; one clock is not.
  Chip right(kAnyPart), early(kAnyPart);
  for (Chip* chip : {&right, &early}) {
    chip->power_up();
    chip->activate(0, 5);
  }
  right.nop();
  right.activate(1, 5);
  EXPECT_EQ(right.model.summary(), "");
  early.activate(1, 5, 20'000);
  EXPECT_TRUE(early.model.violated("tRRD"));
  for (Chip* chip : {&right, &early}) chip->nop(4);
  early.model.clear_violations();
  right.write(1, 0, 0);
  right.nop();
  right.precharge(1);
  EXPECT_EQ(right.model.summary(), "");
  early.write(1, 0, 0);
  early.precharge(1, 20'000);
  EXPECT_TRUE(early.model.violated("tDPL"));
}

TEST(SdramModel, ClockPeriod) {
  for (const auto& [mode, least] : {std::pair{0x020u, 7'500u}, {0x030u, 7'000u}}) {
    Chip chip;
    chip.power_up(mode);
    chip.nop(5, least);
    EXPECT_EQ(chip.model.summary(), "");
    chip.nop(1, least - 1);
    EXPECT_TRUE(chip.model.violated("tCK"));
  }
}

TEST(SdramModel, PowerUpTime) {
  for (const uint64_t wait : {100'000'000u, 99'999'999u}) {
    Chip chip;
    chip.nop();
    chip.precharge_all(wait);
    EXPECT_EQ(chip.model.violated("power_up"), wait < 100'000'000u);
  }
  // It counts from when the clock is enabled.
  Chip chip;
  SdramPins off;
  off.cke = false;
  chip.edge(off);
  chip.edge(off, 60'000'000);
  chip.precharge_all(60'000'000);
  EXPECT_TRUE(chip.model.violated("power_up"));
}

TEST(SdramModel, PowerUpSequence) {
  const auto told = [](int refreshes, bool precharge, bool load) {
    Chip chip;
    chip.nop();
    chip.nop(1, 200'000'000);
    if (precharge) chip.precharge_all();
    for (int i = 0; i < refreshes; ++i) chip.refresh(100'000);
    if (load) chip.mode(0x020, 100'000);
    if (!load) chip.activate(0, 0, 100'000);
    return chip.model.violated("initialisation");
  };
  EXPECT_FALSE(told(2, true, true));
  EXPECT_TRUE(told(1, true, true));
  EXPECT_TRUE(told(2, false, true));
  EXPECT_TRUE(told(2, true, false));
  Chip chip;
  chip.nop();
  chip.nop(1, 200'000'000);
  chip.read(0, 0);
  EXPECT_TRUE(chip.model.violated("initialisation"));
  EXPECT_TRUE(chip.model.violated("bank_closed"));
}

TEST(SdramModel, ReservedModes) {
  for (const unsigned mode : {0x010u, 0x040u, 0x000u, 0x024u, 0x02fu, 0x0a0u, 0x420u}) {
    Chip chip;
    chip.power_up();
    chip.mode(mode);
    EXPECT_TRUE(chip.model.violated("mode")) << mode;
  }
  for (const unsigned mode : {0x020u, 0x031u, 0x022u, 0x02bu, 0x037u, 0x220u}) {
    Chip chip;
    chip.power_up();
    chip.mode(mode);
    EXPECT_FALSE(chip.model.violated("mode")) << mode;
  }
}

TEST(SdramModel, RefreshInterval) {
  // 7812.5 ns is the mean; two parts in a hundred more are found within a few ms, and nothing else
  // is.
  for (const auto& [period, wrong] : {std::pair{7'812'500u, false}, {7'970'000u, true}}) {
    Chip chip;
    chip.power_up();
    for (int i = 0; i < 1000; ++i) chip.refresh(period);
    EXPECT_EQ(chip.model.violated("refresh"), wrong);
  }
  // Eight may be put off, the ninth is told, once.
  Chip chip;
  chip.power_up();
  chip.refresh();
  for (int i = 0; i < 8; ++i) chip.nop(1, 7'812'500);
  EXPECT_EQ(chip.model.summary(), "");
  chip.nop(3, 7'812'500);
  EXPECT_EQ(chip.model.violation_count(), 1u);
  EXPECT_TRUE(chip.model.violated("refresh"));
  // Refreshes ahead of time are no credit.
  Chip eager;
  eager.power_up();
  for (int i = 0; i < 100; ++i) eager.refresh(100'000);
  eager.nop(1, 9 * 7'812'500 + 100'000);
  EXPECT_TRUE(eager.model.violated("refresh"));
}

TEST(SdramModel, BanksClosedAndOpen) {
  const auto told = [](const char* rule, const std::function<void(Chip&)>& sequence) {
    Chip chip;
    chip.power_up();
    chip.activate(1, 5);
    chip.nop(5);
    sequence(chip);
    EXPECT_TRUE(chip.model.violated(rule)) << rule;
  };
  told("bank_closed", [](Chip& chip) { chip.read(0, 0); });
  told("bank_closed", [](Chip& chip) { chip.write(2, 0, 0); });
  told("bank_open", [](Chip& chip) { chip.activate(1, 5); });
  told("bank_open", [](Chip& chip) { chip.refresh(); });
  told("bank_open", [](Chip& chip) { chip.mode(0x020); });
  told("self_refresh", [](Chip& chip) {
    SdramPins off;
    off.cke = false;
    chip.edge(off);
  });
  told("data", [](Chip& chip) { chip.edge(Chip::pins(1, 0, 0, 1, 0)); });
}

TEST(SdramModel, NobodyDrivesAgainstTheChip) {
  for (const unsigned latency : {2u, 3u}) {
    for (unsigned gap = 1; gap <= 6; ++gap) {
      Chip chip;
      chip.power_up(latency << 4);
      chip.activate(1, 5);
      chip.nop(3);
      chip.read(1, 0);
      chip.nop(gap - 1);
      chip.write(1, 1, 9);
      EXPECT_EQ(chip.model.violated("contention"), gap == latency) << gap;
      EXPECT_EQ(chip.model.violated("turnaround"), gap == latency + 1) << gap;
    }
  }
}

// ---- data ----
TEST(SdramModel, DataComeAtTheirLatency) {
  for (const unsigned latency : {2u, 3u}) {
    Chip chip;
    chip.power_up(latency << 4);
    chip.activate(3, 4711);
    chip.nop(3);
    chip.write(3, 17, 0xbeef);
    chip.nop(1);
    chip.read(3, 17);
    for (unsigned edge = 1; edge <= 5; ++edge) {
      EXPECT_EQ(chip.pins_at_next(), edge == latency ? 0xbeef : -1) << latency << " " << edge;
      chip.nop();
    }
    EXPECT_EQ(chip.model.word(3, 4711, 17), 0xbeef);
    EXPECT_EQ(chip.model.word((4711u << 12) + (3u << 10) + 34), 0xbeef);
    EXPECT_EQ(chip.model.summary(), "");
  }
}

TEST(SdramModel, DataAreValidFromAccessTimeToHoldTime) {
  Chip chip;
  chip.power_up();
  chip.activate(0, 0);
  chip.nop(3);
  chip.model.word(0, 0, 3) = 0x1234;
  chip.read(0, 3);
  chip.nop();
  EXPECT_FALSE(chip.model.bus(chip.time + kPart.tAC - 1).valid);
  EXPECT_TRUE(chip.model.bus(chip.time + kPart.tAC - 1).driven);
  EXPECT_TRUE(chip.model.bus(chip.time + kPart.tAC).valid);
  EXPECT_EQ(chip.model.bus(chip.time + kPart.tAC).value, 0x1234);
  chip.nop();
  EXPECT_TRUE(chip.model.bus(chip.time + kPart.tOH - 1).valid);
  EXPECT_FALSE(chip.model.bus(chip.time + kPart.tOH).valid);
  EXPECT_TRUE(chip.model.bus(chip.time + kPart.tHZ - 1).driven);
  EXPECT_FALSE(chip.model.bus(chip.time + kPart.tHZ).driven);
}

TEST(SdramModel, BurstsAsTheModeSays) {
  const struct {
    unsigned mode, start;
    std::vector<unsigned> columns;
  } cases[] = {
      {0x020, 5, {5}},
      {0x021, 5, {5, 4}},
      {0x022, 6, {6, 7, 4, 5}},
      {0x023, 11, {11, 12, 13, 14, 15, 8, 9, 10}},
      {0x02b, 11, {11, 10, 9, 8, 15, 14, 13, 12}},
  };
  for (const auto& c : cases) {
    Chip chip;
    chip.power_up(c.mode);
    for (unsigned column = 0; column < kColumns; ++column) {
      chip.model.word(2, 9, column) = static_cast<uint16_t>(column + 100);
    }
    chip.activate(2, 9);
    chip.nop(3);
    chip.read(2, c.start);
    chip.nop();
    for (const unsigned column : c.columns) {
      EXPECT_EQ(chip.pins_at_next(), static_cast<int>(column + 100)) << c.mode;
      chip.nop();
    }
    EXPECT_EQ(chip.pins_at_next(), -1);
    chip.nop(2);
    chip.write(2, c.start, 1000);
    for (unsigned i = 1; i < c.columns.size(); ++i) chip.data(static_cast<uint16_t>(1000 + i));
    for (unsigned i = 0; i < c.columns.size(); ++i)
      EXPECT_EQ(chip.model.word(2, 9, c.columns[i]), 1000 + i);
    EXPECT_EQ(chip.model.summary(), "");
  }
}

TEST(SdramModel, FullPageWrapsUntilTerminated) {
  Chip chip;
  chip.power_up(0x027);
  for (unsigned column = 0; column < kColumns; ++column)
    chip.model.word(2, 9, column) = static_cast<uint16_t>(column);
  chip.activate(2, 9);
  chip.nop(3);
  chip.read(2, 510);
  chip.nop();
  for (const int column : {510, 511, 0, 1}) {
    EXPECT_EQ(chip.pins_at_next(), column);
    chip.nop();
  }
  chip.terminate();  // the two words that are on their way still come
  EXPECT_EQ(chip.pins_at_next(), 3);
  chip.nop();
  EXPECT_EQ(chip.pins_at_next(), -1);
  EXPECT_EQ(chip.model.summary(), "");
}

TEST(SdramModel, SingleWritesWithReadBursts) {
  Chip chip;
  chip.power_up(0x222);
  chip.activate(0, 1);
  chip.nop(3);
  chip.write(0, 4, 77);
  chip.data(78);
  EXPECT_EQ(chip.model.word(0, 1, 4), 77);
  EXPECT_EQ(chip.model.word(0, 1, 5), 0);
}

TEST(SdramModel, MasksOfWritesAndReads) {
  Chip chip;
  chip.power_up();
  chip.activate(0, 1);
  chip.nop(3);
  chip.write(0, 4, 0x1122);
  chip.write(0, 4, 0xaabb, kClock, 1);
  EXPECT_EQ(chip.model.word(0, 1, 4), 0xaa22);
  chip.write(0, 4, 0xccdd, kClock, 2);
  EXPECT_EQ(chip.model.word(0, 1, 4), 0xaadd);
  chip.write(0, 4, 0xeeff, kClock, 3);
  EXPECT_EQ(chip.model.word(0, 1, 4), 0xaadd);
  // A read's word is masked by DQM two edges before it.
  SdramPins masked = Chip::pins(1, 0, 1, 0, 4);
  masked.dqm = 3;
  chip.edge(masked);
  chip.read(0, 4);
  EXPECT_EQ(chip.pins_at_next(), -1);
  chip.nop();
  EXPECT_EQ(chip.pins_at_next(), 0xaadd);
  EXPECT_EQ(chip.model.summary(), "");
}

TEST(SdramModel, AutoPrechargeClosesTheBank) {
  bound("tRP", 15'000, [](Chip& chip, uint64_t t) {
    chip.activate(1, 3);
    chip.read(1, 0x400, 50'000);
    chip.activate(1, 4, t);
  });
  bound("tRP", 29'000, [](Chip& chip, uint64_t t) {  // after tDPL
    chip.activate(1, 3);
    chip.write(1, 0x400, 5, 50'000);
    chip.activate(1, 4, t);
  });
}

TEST(SdramModel, SecondReadStopsTheFirst) {
  Chip chip;
  chip.power_up(0x023);
  for (unsigned column = 0; column < kColumns; ++column)
    chip.model.word(2, 9, column) = static_cast<uint16_t>(column);
  chip.activate(2, 9);
  chip.nop(3);
  chip.read(2, 16);
  chip.read(2, 64);
  EXPECT_EQ(chip.pins_at_next(), 16);
  chip.nop();
  EXPECT_EQ(chip.pins_at_next(), 64);
  chip.precharge(2);  // stops it: the word of the last edge before is the last
  EXPECT_EQ(chip.pins_at_next(), 65);
  chip.nop();
  EXPECT_EQ(chip.pins_at_next(), -1);
  EXPECT_EQ(chip.model.summary(), "");
}

TEST(SdramModel, ViolationsAreTextWithNumbers) {
  Chip chip;
  chip.power_up();
  chip.model.clear_violations();
  chip.activate(1, 5);
  chip.read(1, 0, 12'345);
  ASSERT_EQ(chip.model.violations().size(), 1u);
  const SdramViolation& v = chip.model.violations()[0];
  EXPECT_EQ(v.rule, "tRCD");
  EXPECT_EQ(v.time, chip.time);
  EXPECT_EQ(v.text, "READ (bank 1) 12.345 ns and 1 clocks after ACTIVE, at least 15.000 ns and 1");
  for (int i = 0; i < 100; ++i) chip.read(0, 0);
  EXPECT_EQ(chip.model.violations().size(), 64u);
  EXPECT_EQ(chip.model.violation_count(), 101u);
}

// ---- planted faults ----
TEST(SdramModel, StuckAddressLines) {
  for (const bool value : {false, true}) {
    SdramFaults faults;
    faults.address = {4, value};
    Chip chip(kPart, faults);
    chip.power_up();
    chip.activate(0, value ? 0u : 0x10u);
    chip.nop(3);
    chip.write(0, value ? 3u : 0x13u, 0x55aa);
    EXPECT_EQ(chip.model.word(0, value ? 0x10 : 0, value ? 0x13 : 3), 0x55aa);
    faults.address = {14, value};  // upper bit of the bank
    Chip bank(kPart, faults);
    bank.power_up();
    bank.activate(value ? 1 : 3, 7);
    bank.nop(3);
    bank.write(value ? 1 : 3, 0, 0x1357);
    EXPECT_EQ(bank.model.word(value ? 3 : 1, 7, 0), 0x1357);
  }
}

TEST(SdramModel, StuckDataLineAndSwappedLanes) {
  SdramFaults faults;
  faults.data = {3, true};
  Chip stuck(kPart, faults);
  stuck.power_up();
  stuck.activate(0, 0);
  stuck.nop(3);
  stuck.write(0, 0, 0x0000);
  EXPECT_EQ(stuck.model.word(0, 0, 0), 0x0008);
  stuck.model.word(0, 0, 0) = 0x1000;
  stuck.read(0, 0);
  stuck.nop();
  EXPECT_EQ(stuck.pins_at_next(), 0x1008);

  faults = {};
  faults.swapped_lanes = true;
  Chip swapped(kPart, faults);
  swapped.power_up();
  swapped.activate(0, 0);
  swapped.nop(3);
  swapped.write(0, 0, 0x1122);
  EXPECT_EQ(swapped.model.word(0, 0, 0), 0x2211);
  swapped.write(0, 0, 0x3344, kClock, 2);  // of the low byte: its mask is the other lane's
  EXPECT_EQ(swapped.model.word(0, 0, 0), 0x2233);
  swapped.read(0, 0);
  swapped.nop();
  EXPECT_EQ(swapped.pins_at_next(), 0x3322);
}

TEST(SdramModel, RowsDecayWithoutRefresh) {
  SdramFaults faults;
  faults.decay_ps = 64'000'000'000;
  for (const uint64_t wait : {64'000'000'000u, 64'000'010'000u}) {
    for (const bool other : {false, true}) {
      Chip chip(kPart, faults);
      chip.power_up();
      for (unsigned column = 0; column < kColumns; ++column)
        chip.model.word(0, 100, column) = 0xffff;
      chip.activate(0, 100);
      const uint64_t opened = chip.time;
      chip.precharge(0, 50'000);
      chip.refresh();  // of row 8, and so of no use to row 100
      if (other) {
        for (int i = 9; i <= 100; ++i) chip.refresh(100'000);
      }
      chip.model.clear_violations();
      chip.activate(0, 100, opened + wait - chip.time);
      EXPECT_EQ(chip.model.counts().decayed_rows, wait > faults.decay_ps && !other ? 1u : 0u);
      unsigned bits = 0;
      for (unsigned column = 0; column < kColumns; ++column) {
        bits +=
            static_cast<unsigned>(__builtin_popcount(chip.model.word(0, 100, column) ^ 0xffffu));
      }
      EXPECT_EQ(bits, wait > faults.decay_ps && !other ? 128u : 0u);
    }
  }
}

}  // namespace
}  // namespace systolith::sdram
