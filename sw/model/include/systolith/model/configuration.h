// Sizes of one device, read from its `systolith_config_pkg.sv`, the one place where they are set.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace systolith::model {

/// Fields as in `systolith_config_pkg`, where each is explained.
struct Configuration {
  unsigned rows = 0;
  unsigned cols = 0;
  unsigned mac_depth = 0;
  bool format_bf16 = false;
  bool format_int8 = false;
  unsigned scratchpad_lines = 0;
  unsigned scratchpad_banks = 0;
  unsigned accumulator_rows = 0;
  unsigned memory_latency = 0;
  bool memory_secded = false;
  unsigned bus_bytes = 0;
  unsigned address_width = 0;
  unsigned max_burst_beats = 0;
  unsigned reads_outstanding = 0;
  unsigned writes_outstanding = 0;
  unsigned drain_lanes = 0;
  unsigned unit_queue_depth = 0;
  unsigned fetch_buffer = 0;
  unsigned fetch_burst = 0;
  unsigned semaphores = 0;
  unsigned windows = 0;

  /// The text of a `systolith_config_pkg.sv`. Throws std::invalid_argument naming a parameter that
  /// is missing, unknown or no number.
  static Configuration from_package(std::string_view text);
  /// One of the configurations in rtl/config, by its folder's name ("16x16"). Throws
  /// std::invalid_argument with the names that there are.
  static Configuration named(std::string_view name);
  static std::vector<std::string> names();

  // ---- what follows from them, as in `systolith_pkg` ----

  /// Bytes of a scratchpad line: a whole number of operand rows, rows of a strip and bus words.
  unsigned line_bytes() const;
  /// Bytes of the whole scratchpad.
  std::uint64_t scratchpad_bytes() const { return std::uint64_t{scratchpad_lines} * line_bytes(); }
  /// k steps of a stationary block: array rows in BF16, twice as many in INT8.
  unsigned block_k(bool int8) const { return int8 ? 2 * rows : rows; }
  /// Highest address.
  std::uint64_t last_address() const {
    return address_width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << address_width) - 1;
  }
};

}  // namespace systolith::model
