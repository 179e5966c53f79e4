// Watches the bus of a device: bursts by requester, commands as they were fetched, records as they
// were written.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "systolith/command.h"
#include "systolith_harness/axi.hpp"

namespace systolith::faults {

inline constexpr unsigned kFetchId = 0, kLoadId = 1, kStoreId = 2, kRecordId = 3;

class Monitor {
 public:
  explicit Monitor(unsigned bus_bytes) : bus_bytes_(bus_bytes) {}

  /// The signals of one cycle.
  void clock(const harness::AxiManagerSignals& device,
             const harness::AxiSubordinateSignals& memory);

  struct Burst {
    std::uint64_t address = 0;
    unsigned beats = 0;
    bool after_error = false;  // beyond those that were on their way when an error of its ID came
  };
  /// Bursts whose address was taken.
  const std::vector<Burst>& bursts(unsigned id) const { return bursts_[id]; }
  /// Commands that were fetched whole, by index.
  std::vector<systolith_command_t> fetched() const;
  /// A burst of a record: where its first byte is, and its first word, which in the record's first
  /// burst says index, state and cause.
  struct RecordBurst {
    std::uint64_t address = 0;
    std::uint64_t word = 0;
  };
  const std::vector<RecordBurst>& records() const { return records_; }
  /// Beats on R and W.
  std::uint64_t beats() const { return beats_; }
  /// Of one requester. A beat of W counts once its address is known.
  std::uint64_t beats(unsigned id) const { return beats_of_[id]; }

 private:
  // Addresses that follow an error at most: one in the unit, two in the arbiter, one in the cycle
  // in which the unit takes the error in.
  static constexpr unsigned kUnderWay = 4;

  unsigned bus_bytes_;
  std::uint64_t beats_ = 0;
  std::array<std::uint64_t, harness::kIds> beats_of_{};
  std::array<std::vector<Burst>, harness::kIds> bursts_;
  std::array<bool, harness::kIds> error_{};            // a response had one
  std::array<unsigned, harness::kIds> since_error_{};  // addresses taken since
  std::vector<std::uint8_t> fetched_;
  struct Write {
    unsigned id;
    std::uint64_t address;
    unsigned beats;
  };
  std::deque<Write> writes_;  // whose data is not whole
  struct Data {
    unsigned first_byte;
    std::uint64_t word;  // there
  };
  std::deque<Data> data_;  // that has no address yet
  bool first_beat_ = true;
  std::vector<RecordBurst> records_;
};

}  // namespace systolith::faults
