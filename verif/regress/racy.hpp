// Racy programs made from race-free ones: one mistake that programmers make, planted where it is
// sure to leave two commands without an order.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "systolith/command.h"
#include "systolith/model/configuration.h"
#include "systolith/model/races.h"

namespace systolith::regress {

enum class Mistake : std::uint8_t {
  wait_dropped,
  wait_late,
  wait_on_wrong_unit,
  count_small,
  signal_dropped,
  signal_early,
  address_moved,
  rows_ahead,
};

struct MistakeEntry {
  Mistake mistake;
  const char* name;
  const char* meaning;
};

/// Every mistake, in order.
std::span<const MistakeEntry> mistake_table();

inline constexpr model::Space kSpaces[] = {model::Space::scratchpad, model::Space::accumulators,
                                           model::Space::memory};
/// "scratchpad", "accumulators" or "memory".
const char* space_name(model::Space space);

/// What is planted. Rows are handed over one by one in the accumulators alone.
struct RacyKind {
  Mistake mistake = Mistake::wait_dropped;
  model::Space space = model::Space::scratchpad;

  std::string name() const;  ///< "wait_dropped:memory"
};

/// Every kind that there is.
std::vector<RacyKind> racy_kinds();

/// Those that "all", "mistake", "mistake:space" or ":space" names. Throws std::invalid_argument
/// that lists what there is.
std::vector<RacyKind> parse_racy(const std::string& text);

struct Planted {
  std::vector<systolith_command_t> commands;
  std::string change;  // what was done, in a sentence
  model::Race race;    // must be reported just so; others may come with it
};

/// Plants a mistake of that kind in a race-free program; none where it has no place for one. That
/// the two commands race is known without the model's search: no chain of waits and signals leads
/// from the first command to the second, however coarsely they are read.
std::optional<Planted> plant_race(const model::Configuration& configuration,
                                  std::span<const systolith_command_t> commands, RacyKind kind,
                                  std::mt19937_64& random);

/// The model's report of a program against what races_by_paths() finds, and against the planted
/// race if there is one. Empty where they agree, else what differs.
std::string wrong_report(const model::Configuration& configuration,
                         std::span<const systolith_command_t> commands,
                         const std::optional<model::Race>& planted);

/// "commands 3 and 5 race for scratchpad lines 4 to 7", as `systolith check` says it.
std::string to_text(const model::Race& race);

}  // namespace systolith::regress
