// Behavioural model of an SDR SDRAM of 4 banks x 8192 rows x 512 columns x 16 bits (IS42S16160G),
// at its pins.
//
// Evaluated at each rising edge of the chip's clock; time is in picoseconds. Stores 32 MB, does
// what the commands say, and reports every broken rule. After a violation it goes on as a chip may:
// undefined data are a fixed pattern.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace systolith::sdram {

inline constexpr unsigned kBanks = 4;
inline constexpr unsigned kRows = 8192;
inline constexpr unsigned kColumns = 512;
inline constexpr uint64_t kBytes = uint64_t{kBanks} * kRows * kColumns * 2;

// A time of the datasheet: at least so many picoseconds and so many clocks.
struct SdramTime {
  uint64_t ps;
  unsigned clocks = 1;
};

struct SdramTiming {
  const char* part;
  SdramTime tRCD;       // ACTIVE to READ or WRITE
  SdramTime tRP;        // PRECHARGE to ACTIVE or REFRESH
  SdramTime tRAS;       // ACTIVE to PRECHARGE
  uint64_t tRAS_max;    // the same, at most
  SdramTime tRC;        // ACTIVE to ACTIVE or REFRESH, same bank
  SdramTime tRFC;       // REFRESH to any
  SdramTime tRRD;       // ACTIVE to ACTIVE, another bank
  SdramTime tDPL;       // last data in to PRECHARGE (tWR)
  SdramTime tMRD;       // LOAD MODE to any
  uint64_t tCK2, tCK3;  // clock period with CAS latency 2, 3
  uint64_t tAC;         // clock to data out
  uint64_t tOH;         // data out hold
  uint64_t tHZ;         // clock to high impedance
  uint64_t tREF;        // 8192 refreshes
  uint64_t power_up;    // stable clock before the first command
};

// IS42S16160G, grade -7. What it gives as tRC for REFRESH to REFRESH, too, is tRFC here.
inline constexpr SdramTiming kIs42s16160g7 = {
    .part = "IS42S16160G-7",
    .tRCD = {15'000},
    .tRP = {15'000},
    .tRAS = {37'000},
    .tRAS_max = 100'000'000,
    .tRC = {60'000},
    .tRFC = {60'000},
    .tRRD = {14'000},
    .tDPL = {14'000},
    .tMRD = {14'000},
    .tCK2 = 7'500,
    .tCK3 = 7'000,
    .tAC = 5'400,
    .tOH = 2'500,
    .tHZ = 5'400,
    .tREF = 64'000'000'000,
    .power_up = 100'000'000,
};

// The slowest figure of IS42S16160G-7, MT48LC16M16A2-75, AS4C32M16SB-7 and W9825G6KH-6 in each row.
inline constexpr SdramTiming kAnyPart = {
    .part = "any part",
    .tRCD = {21'000},
    .tRP = {21'000},
    .tRAS = {42'000},
    .tRAS_max = 100'000'000,
    .tRC = {63'000},
    .tRFC = {66'000},
    .tRRD = {15'000, 2},
    .tDPL = {15'000, 2},
    .tMRD = {15'000, 2},
    .tCK2 = 10'000,
    .tCK3 = 7'500,
    .tAC = 6'000,
    .tOH = 2'500,
    .tHZ = 6'000,
    .tREF = 64'000'000'000,
    .power_up = 200'000'000,
};

// The pins at a rising edge, as the controller drives them.
struct SdramPins {
  bool cke = true;
  bool cs_n = true;
  bool ras_n = true;
  bool cas_n = true;
  bool we_n = true;
  uint8_t bank = 0;
  uint16_t address = 0;
  uint8_t dqm = 0;
  bool dq_enable = false;  // the controller drives DQ
  uint16_t dq = 0;
};

// The data pins at a point in time, as the chip drives them.
struct SdramBus {
  bool driven = false;
  bool valid = false;  // between tAC and tOH
  uint16_t value = 0;
};

// Rules, by the names used in violations:
//   tRCD, tRP, tRAS, tRAS_max, tRC, tRFC, tRRD, tDPL, tMRD, tCK   times of the table
//   power_up          a command before the time is over, or the clock enable was low
//   initialisation    LOAD MODE without PRECHARGE all and two refreshes before; a command before
//   LOAD MODE mode              a reserved mode refresh           more than 8 refreshes are owed:
//   8192 in 64 ms, in the mean and within 9 intervals bank_closed       READ or WRITE of a closed
//   bank bank_open         ACTIVE of an open bank; REFRESH or LOAD MODE with one contention both
//   drive DQ turnaround        the controller drives at the edge after the chip's data: the chip
//   still lets go data              the controller does not drive the data of a WRITE self_refresh
//   CKE went low: neither self-refresh nor power-down is modelled
struct SdramViolation {
  std::string rule;
  uint64_t time = 0;  // ps
  std::string text;
};

struct SdramFaults {
  // A pin of the address bus, 0 to 12, or of the bank's, 13 and 14, that has always one value.
  struct Stuck {
    unsigned line;
    bool value;
  };
  std::optional<Stuck> address;
  std::optional<Stuck> data;
  // The wires of the data bytes are crossed, those of DQM are not: seen by byte writes only.
  bool swapped_lanes = false;
  // Rows lose bits once they were neither opened nor refreshed for `decay_ps`; 0: off.
  uint64_t decay_ps = 0;
};

class SdramModel {
 public:
  explicit SdramModel(const SdramTiming& timing = kIs42s16160g7, const SdramFaults& faults = {});

  // A rising edge of the clock. Times ascend.
  void edge(uint64_t time, const SdramPins& pins);
  // What the chip drives at a time from the last edge on and before the next.
  SdramBus bus(uint64_t time) const;

  // Word of a bank's row and column, or of a byte address as the controller maps it: row, bank,
  // column.
  uint16_t& word(unsigned bank, unsigned row, unsigned column) {
    return data_[(uint64_t{bank} * kRows + row) * kColumns + column];
  }
  uint16_t& word(uint64_t byte_address) {
    return word(byte_address >> 10 & 3, static_cast<unsigned>(byte_address >> 12 & 8191),
                static_cast<unsigned>(byte_address >> 1 & 511));
  }

  // The first 64 violations; the count goes on.
  const std::vector<SdramViolation>& violations() const { return violations_; }
  uint64_t violation_count() const { return violation_count_; }
  bool violated(const std::string& rule) const;
  void clear_violations();
  // One line a violation: "12.345 us: tRCD: ...".
  std::string summary() const;

  struct Counts {
    uint64_t activates = 0, reads = 0, writes = 0, precharges = 0, refreshes = 0, mode_loads = 0;
    uint64_t decayed_rows = 0;
  };
  const Counts& counts() const { return counts_; }
  bool mode_loaded() const { return mode_loaded_; }
  unsigned cas_latency() const { return cas_latency_; }
  unsigned burst_length() const { return burst_length_; }
  bool open(unsigned bank) const { return banks_[bank].open; }

 private:
  // When something happened: its time and the number of its edge.
  struct Moment {
    uint64_t time = 0;
    uint64_t edge = 0;
    bool ever = false;
  };
  struct Bank {
    bool open = false;
    bool overdue = false;  // tRAS_max was told
    uint16_t row = 0;
    Moment activated, precharged, written;
  };
  struct Burst {
    bool active = false;
    bool write = false;
    bool precharge = false;  // auto-precharge at its end
    uint8_t bank = 0;
    uint16_t row = 0;
    uint16_t column = 0;
    unsigned done = 0;
    unsigned length = 0;
    bool closed = false;  // of a bank that was not open
  };
  struct Slot {
    bool driven = false;
    uint16_t value = 0;
  };

  void report(const char* rule, std::string text);
  void check(const char* rule, const SdramTime& least, const Moment& since, const char* what,
             const char* after, unsigned bank);
  Moment now() const { return {time_, edge_, true}; }
  void command(const SdramPins& pins, uint16_t address, unsigned bank);
  void check_idle(const char* name);
  void activate(unsigned bank, uint16_t row);
  void column(bool write, unsigned bank, uint16_t address);
  void precharge(unsigned bank, bool all);
  void refresh();
  void load_mode(uint16_t address);
  void close(unsigned bank, const Moment& when);
  void stop_burst(const char* by);
  void run_burst(const SdramPins& pins);
  void restore_row(unsigned bank, uint16_t row);
  void check_refresh_debt();
  uint16_t through_wires(uint16_t word) const;
  unsigned burst_column(const Burst& burst) const;

  SdramTiming timing_;
  SdramFaults faults_;
  std::unique_ptr<uint16_t[], void (*)(void*)> data_;
  std::vector<uint64_t> restored_;  // with decay: when each row was last refreshed or opened
  std::vector<SdramViolation> violations_;
  uint64_t violation_count_ = 0;
  Counts counts_;

  uint64_t time_ = 0, edge_ = 0;
  uint64_t first_edge_ = 0;  // time
  bool running_ = false;     // an edge has been seen
  bool powered_ = false;     // the first command has been seen
  unsigned initial_refreshes_ = 0;
  bool precharged_all_ = false;
  bool mode_loaded_ = false;
  unsigned cas_latency_ = 2;
  unsigned burst_length_ = 1;
  bool full_page_ = false;
  bool interleaved_ = false;
  bool single_writes_ = false;
  Bank banks_[kBanks];
  Burst burst_;
  Moment refreshed_, mode_set_, activated_;
  uint8_t activated_bank_ = 0;
  uint16_t next_row_ = 0;    // to refresh
  uint64_t debt_since_ = 0;  // refreshes are counted from here
  uint64_t refreshes_counted_ = 0;
  bool debt_told_ = false;
  std::array<Slot, 8> slots_{};   // by edge, what is driven for it
  std::array<uint8_t, 4> dqm_{};  // by edge
};

}  // namespace systolith::sdram
