// Scratchpad, accumulators and what LOAD, MATRIX and STORE do to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode.h"
#include "systolith/model/chain.h"
#include "systolith/model/memory.h"

namespace systolith::model {

class Datapath {
 public:
  Datapath(const Configuration& configuration, Bus& bus);

  /// Zeroes both memories and the tags.
  void clear();

  // Each runs a command that passed its checks. A fault leaves the command's output undefined.
  std::optional<Fault> load(const Command& command);
  std::optional<Fault> matrix(const Command& command);
  std::optional<Fault> store(const Command& command);

  std::span<std::byte> scratchpad() { return scratchpad_; }
  std::span<std::uint32_t> accumulators() { return accumulators_; }
  std::span<std::uint8_t> tags() { return tags_; }

  // Totals since construction or `clear_counts`.
  struct Counts {
    std::uint64_t bytes_read = 0;  // beats x bus bytes
    std::uint64_t bytes_written = 0;
    std::uint64_t macs = 0;
    std::uint64_t issued_rows = 0;
  };
  Counts& counts() { return counts_; }
  const Counts& counts() const { return counts_; }

 private:
  template <typename Burst>
  void walk(const Command& command, Burst burst) const;
  template <typename Piece>
  void split(const Transfer& transfer, std::uint64_t row, std::uint64_t offset,
             std::span<std::byte> data, Piece piece) const;
  std::uint64_t beat_bytes(std::uint64_t address, std::uint64_t bytes) const;
  std::byte* local(const Command& command, std::uint64_t row);
  std::optional<Fault> check_scales(const Command& command) const;
  std::optional<Fault> convert(const Command& command, std::uint64_t row,
                               std::span<std::byte> bytes);
  template <typename T, typename Sum>
  void multiply(const Command& command);

  const Configuration configuration_;
  const std::size_t line_bytes_;
  Bus& bus_;
  const Instructions instructions_ = best_instructions();
  std::vector<std::byte> scratchpad_;
  std::vector<std::uint32_t> accumulators_;
  std::vector<std::uint8_t> tags_;
  Counts counts_;
};

}  // namespace systolith::model
