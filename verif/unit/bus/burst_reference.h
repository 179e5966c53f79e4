// Reference for the bursts of a transfer, straight from the rules: beat by beat, no arithmetic on
// lengths.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace systolith::test {

/// Memory side of a transfer. Strides are in bytes, loop 0 is the innermost.
struct Transfer {
  uint64_t base = 0;
  uint32_t run = 1;    ///< bytes of a row
  bool merge = false;  ///< loop 0 is contiguous and walked as one run
  std::array<uint32_t, 4> count = {1, 1, 1, 1};
  std::array<int64_t, 4> stride = {0, 0, 0, 0};

  uint64_t rows() const { return uint64_t{count[0]} * count[1] * count[2] * count[3]; }
  uint64_t merged_run() const { return uint64_t{run} * count[0]; }
};

struct Burst {
  uint64_t address = 0;  ///< of the first beat, a multiple of the bus width
  uint32_t offset = 0;   ///< first wanted byte in the first beat
  uint32_t bytes = 0;    ///< wanted bytes
  uint32_t beats = 0;
  bool last_of_run = false;
  bool last = false;
  uint64_t run = 0;  ///< index of its run of memory

  bool operator==(const Burst&) const = default;
};

/// Byte address of every row of `transfer`, in loop order, modulo 2^address_width.
inline std::vector<uint64_t> row_addresses(const Transfer& transfer, uint32_t address_width) {
  std::vector<uint64_t> rows;
  const uint64_t mask = address_width == 64 ? ~uint64_t{0} : (uint64_t{1} << address_width) - 1;
  for (uint32_t d = 0; d < transfer.count[3]; ++d)
    for (uint32_t c = 0; c < transfer.count[2]; ++c)
      for (uint32_t b = 0; b < transfer.count[1]; ++b)
        for (uint32_t a = 0; a < transfer.count[0]; ++a) {
          const std::array<uint32_t, 4> index = {a, b, c, d};
          uint64_t address = transfer.base;
          for (int i = 0; i < 4; ++i)
            address += static_cast<uint64_t>(transfer.stride[i]) * index[i];
          rows.push_back(address & mask);
        }
  return rows;
}

/// All bursts of `transfer`: a new one begins with each run, at each 4 KiB boundary and after
/// `max_beats` beats.
inline std::vector<Burst> reference_bursts(const Transfer& transfer, uint32_t bus_bytes,
                                           uint32_t max_beats, uint32_t address_width) {
  std::vector<Burst> bursts;
  const std::vector<uint64_t> rows = row_addresses(transfer, address_width);
  const uint64_t step = transfer.merge ? transfer.count[0] : 1;
  const uint64_t length = transfer.merge ? transfer.merged_run() : transfer.run;
  for (uint64_t row = 0; row < rows.size(); row += step) {
    const uint64_t first = rows[row];
    const uint64_t end = first + length;
    for (uint64_t beat = first / bus_bytes * bus_bytes; beat < end; beat += bus_bytes) {
      const uint64_t from = std::max(beat, first);
      const uint64_t to = std::min(beat + bus_bytes, end);
      const bool first_beat = from == first;
      if (first_beat || beat % 4096 == 0 || bursts.back().beats == max_beats)
        bursts.push_back(
            {.address = beat, .offset = static_cast<uint32_t>(from - beat), .run = row / step});
      bursts.back().beats += 1;
      bursts.back().bytes += static_cast<uint32_t>(to - from);
    }
    bursts.back().last_of_run = true;
  }
  bursts.back().last = true;
  return bursts;
}

}  // namespace systolith::test
