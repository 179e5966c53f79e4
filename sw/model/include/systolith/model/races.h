// Races of a command program: commands of different units that touch the same place, one of them
// writing, without semaphores that order them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "systolith/command.h"
#include "systolith/model/configuration.h"

namespace systolith::model {

enum class Space : std::uint8_t { scratchpad, accumulators, memory };

/// Two commands whose order only timing decides. Programs with races have no defined result.
struct Race {
  std::uint32_t first = 0, second = 0;  ///< indices in the ring, first < second
  Space space = Space::scratchpad;
  /// From the first to the last place that both touch unordered: lines, accumulator rows, bytes.
  std::uint64_t begin = 0, last = 0;
};

/// The search ends once it has found this many.
inline constexpr std::size_t kMostRaces = 1000;

struct RaceReport {
  std::vector<Race> races;  ///< by their second command, then their first
  /// A command that the device refuses, or that waits for what no earlier one signals: what comes
  /// after it was not looked at.
  std::optional<std::uint32_t> stopped_at;
  std::uint8_t cause = 0;  ///< why it is refused; 0 for a wait that never ends
  unsigned semaphore = 0;  ///< of that wait

  bool clean() const { return races.empty() && !stopped_at; }
};

/// Follows what each row of each command can know to be over from its waits (happens-before, by
/// vector clocks of rows; Lamport 1978, Mattern 1989). Semaphores hand their counts on in the order
/// in which they were given, so what is found does not depend on timing. Every command's checks of
/// docs/interfaces.md 4.6 but the windows are done.
RaceReport find_races(const Configuration& configuration,
                      std::span<const systolith_command_t> commands);

}  // namespace systolith::model
