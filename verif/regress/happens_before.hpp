// Races found the plain way, as a second opinion on the model's search (systolith/model/races.h):
// every count of every wait and signal is one edge between rows, and a row knows to be over what
// has a path to it. Reads commands by docs/interfaces.md section 4 alone; for small programs.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "systolith/command.h"
#include "systolith/model/configuration.h"
#include "systolith/model/races.h"

namespace systolith::regress {

/// Lines, accumulator rows or bytes [begin, last].
struct Touch {
  model::Space space = model::Space::scratchpad;
  std::uint64_t begin = 0, last = 0;
  bool write = false;

  auto operator<=>(const Touch&) const = default;
};

/// What each documented row of a command touches. The stationary block of a MATRIX command counts
/// as read with the first row of its pass, scales of a STORE with its first row. None for a NOP.
std::vector<std::vector<Touch>> touches_by_row(const model::Configuration& configuration,
                                               const systolith_command_t& command);

/// Where both touch the same place and one writes it, from the first such place to the last; rows
/// of `first` before `first_row` are left out.
std::optional<model::Race> conflict(const std::vector<std::vector<Touch>>& first,
                                    const std::vector<std::vector<Touch>>& second,
                                    model::Space space, std::uint64_t first_row = 0);

/// One count of a semaphore on its way: the row after which it is given, the one before which it is
/// taken. Commands by index.
struct Handover {
  unsigned semaphore = 0;
  std::uint32_t from = 0;
  std::uint64_t from_row = 0;
  std::uint32_t to = 0;
  std::uint64_t to_row = 0;
};

/// Every count that is taken: of each semaphore the n-th taken is the n-th given. None where a wait
/// finds no signal of an earlier command.
std::optional<std::vector<Handover>> handovers(const model::Configuration& configuration,
                                               std::span<const systolith_command_t> commands);

/// All races, in the order of model::RaceReport; none where a wait never ends.
std::optional<std::vector<model::Race>> races_by_paths(
    const model::Configuration& configuration, std::span<const systolith_command_t> commands);

}  // namespace systolith::regress
