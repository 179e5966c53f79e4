// What random programs and their surroundings are made of: every share, chance and limit in one
// table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace systolith::regress {

struct Weights {
  // Shares of the kinds of command.
  unsigned load = 4, load_sums = 2, load_scales = 1, matrix = 3, matrix_by_rows = 1;
  unsigned store_sums = 3, store_lines = 1, nop = 1;
  // Chances in percent.
  unsigned record = 60, interrupt = 20, wait_for_all = 10, load_stored = 30, accumulate = 70;
  unsigned int8 = 50, strip_outer = 50, relu = 30, convert = 60, scale_per_column = 60;
  unsigned scale_power_of_two = 50;
  // Limits.
  unsigned commands = 40, lines = 96, rows = 48, loop = 9, m = 12, special = 8;
  // Memory and host: chances in percent, then limits.
  unsigned long_latency = 40, uneven_latency = 40, stall = 50, narrow = 20, one_burst = 10;
  unsigned write_order = 30, interleave = 25, noise = 50, commit_at_response = 50;
  unsigned read_at_request = 25, small_ring = 30, small_batch = 40, late_doorbell = 20;
  unsigned latency = 500, stall_most = 90;

  /// Sum of the shares of the kinds, at least 1.
  std::uint64_t kinds() const {
    return std::uint64_t{load} + load_sums + load_scales + matrix + matrix_by_rows + store_sums +
           store_lines + nop;
  }
};

struct WeightEntry {
  const char* name;
  unsigned Weights::*value;
  unsigned least, most;
  const char* meaning;
};

/// Every member of Weights, in order.
std::span<const WeightEntry> weight_table();

/// "name=value,name=value" over the defaults. Throws std::invalid_argument that names the entry and
/// what it may be.
Weights parse_weights(std::string_view text);

/// The table with its defaults, one entry a line.
std::string describe_weights();

}  // namespace systolith::regress
