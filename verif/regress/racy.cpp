#include "racy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

#include "happens_before.hpp"
#include "program_generator.hpp"

namespace systolith::regress {
namespace {

using model::Race;
using model::Space;

constexpr MistakeEntry kTable[] = {
    {Mistake::wait_dropped, "wait_dropped", "a wait is left out"},
    {Mistake::wait_late, "wait_late", "a wait stands in the unit's next command"},
    {Mistake::wait_on_wrong_unit, "wait_on_wrong_unit", "a wait is on the third unit's semaphore"},
    {Mistake::count_small, "count_small", "a wait's count is too small"},
    {Mistake::signal_dropped, "signal_dropped",
     "a signal and the count that takes it are left out"},
    {Mistake::signal_early, "signal_early", "a signal is given by an earlier command of the unit"},
    {Mistake::address_moved, "address_moved", "a command touches what another one does"},
    {Mistake::rows_ahead, "rows_ahead", "a store by rows waits for the first rows alone"},
};

using Commands = std::vector<systolith_command_t>;

// A wait (0, 1) or signal (2, 3) of a command, as its word in the layout of docs/interfaces.md 4.1.
class Sync {
 public:
  Sync(systolith_command_t& command, unsigned slot)
      : word_(command.words[slot < 2 ? 1 : 2]), shift_(slot % 2 * 32) {}

  std::uint64_t word() const { return (word_ >> shift_) & 0xffffffff; }
  std::uint64_t count() const { return word() & 0xffff; }
  unsigned semaphore() const { return static_cast<unsigned>(word() >> 16 & 0xff); }
  bool by_rows() const { return (word() >> 29 & 1) != 0; }
  void set(std::uint64_t word) { word_ = (word_ & ~(0xffffffffULL << shift_)) | word << shift_; }
  void set(unsigned semaphore, std::uint64_t count) {
    set(count == 0 ? 0 : std::uint64_t{semaphore} << 16 | count);
  }

 private:
  std::uint64_t& word_;
  unsigned shift_;
};

std::uint64_t unit_of(const systolith_command_t& c) { return SYSTOLITH_GET(c.words, HEADER_UNIT); }
std::uint64_t opcode_of(const systolith_command_t& c) {
  return SYSTOLITH_GET(c.words, HEADER_OPCODE);
}

class Planter {
 public:
  Planter(const model::Configuration& c, std::span<const systolith_command_t> commands,
          RacyKind kind, std::mt19937_64& random)
      : c_(c), original_(commands.begin(), commands.end()), kind_(kind), random_(random) {
    for (const systolith_command_t& command : original_)
      touches_.push_back(touches_by_row(c_, command));
  }

  std::optional<Planted> plant() {
    std::vector<std::tuple<std::uint32_t, std::uint32_t, unsigned>> places;
    for (std::uint32_t second = 0; second < original_.size(); ++second)
      for (std::uint32_t first = 0; first < second; ++first)
        if (fits(first, second))
          for (unsigned slot = 0; slot < kTries; ++slot) places.emplace_back(first, second, slot);
    std::shuffle(places.begin(), places.end(), random_);
    for (const auto& [first, second, slot] : places) {
      Commands commands = original_;
      std::uint64_t row = 0;  // of the first command, from which on it races
      const std::string change = make(commands, first, second, slot, row);
      if (change.empty()) continue;
      const auto edges = handovers(c_, commands);
      if (!edges || follows(commands, *edges, first, row, second)) continue;
      auto race = conflict(touches_by_row(c_, commands[first]),
                           touches_by_row(c_, commands[second]), kind_.space, row);
      if (!race) continue;
      race->first = first;
      race->second = second;
      return Planted{std::move(commands), change, *race};
    }
    return std::nullopt;
  }

 private:
  static constexpr unsigned kTries = 4;  // slots of a command, or ways to move it

  bool fits(std::uint32_t first, std::uint32_t second) const {
    if (unit_of(original_[first]) == unit_of(original_[second]) || touches_[first].empty() ||
        touches_[second].empty())
      return false;
    return kind_.mistake == Mistake::address_moved ||
           conflict(touches_[first], touches_[second], kind_.space).has_value();
  }

  // Whether waits, signals and the order within units lead from rows of `first` from `row` on to
  // `second`, where a command counts as one: its waits are for all of it, its signals tell of all.
  static bool follows(const Commands& commands, const std::vector<Handover>& edges,
                      std::uint32_t first, std::uint64_t row, std::uint32_t second) {
    std::vector<bool> after(commands.size());
    after[first] = true;
    for (std::uint32_t index = first + 1; index <= second; ++index) {
      for (std::uint32_t earlier = first; earlier < index; ++earlier)
        if (after[earlier] && unit_of(commands[earlier]) == unit_of(commands[index]))
          after[index] = true;
      for (const Handover& edge : edges)
        if (edge.to == index && after[edge.from] && (edge.from != first || edge.from_row >= row))
          after[index] = true;
    }
    return after[second];
  }

  std::string make(Commands& commands, std::uint32_t first, std::uint32_t second, unsigned slot,
                   std::uint64_t& row) {
    switch (kind_.mistake) {
      case Mistake::signal_dropped:
        return drop_signal(commands, first, second, slot);
      case Mistake::signal_early:
        return move_signal(commands, first, slot);
      case Mistake::address_moved:
        return move_address(commands, first, second, slot);
      default:
        break;
    }
    // The others are about a wait of the second for the first's unit.
    if (slot > 1) return {};
    Sync wait(commands[second], slot);
    const auto edges = handovers(c_, original_);
    if (wait.count() == 0 || signaller(*edges, wait.semaphore()) != unit_of(commands[first]))
      return {};
    const unsigned semaphore = wait.semaphore();
    const std::uint64_t count = wait.count();
    const std::string name =
        fmt::format("command {}'s wait for {} of semaphore {}", second, count, semaphore);
    switch (kind_.mistake) {
      case Mistake::wait_dropped:
        wait.set(0);
        return name + " is left out";
      case Mistake::wait_late: {
        const auto next = next_of_unit(commands, second);
        if (wait.by_rows() || next == 0) return {};
        wait.set(0);
        if (!add(commands[next], 0, semaphore, count)) return {};
        return fmt::format("{} stands in command {}", name, next);
      }
      case Mistake::wait_on_wrong_unit: {
        if (wait.by_rows()) return {};
        const auto other = std::find_if(edges->begin(), edges->end(), [&](const Handover& edge) {
          return unit_of(commands[edge.to]) == unit_of(commands[second]) &&
                 edge.semaphore != semaphore;
        });
        if (other == edges->end()) return {};
        wait.set(0);
        if (!add(commands[second], 0, other->semaphore, 1)) return {};
        return fmt::format("{} is one for 1 of semaphore {}", name, other->semaphore);
      }
      case Mistake::count_small:
        if (wait.by_rows() || count < 2) return {};
        wait.set(semaphore, 1 + random_() % (count - 1));
        return fmt::format("{} is one for {}", name, wait.count());
      case Mistake::rows_ahead: {
        if (!wait.by_rows()) return {};
        row = std::uint64_t{1} << (wait.word() >> 24 & 0x1f);
        wait.set(semaphore, 1);
        return fmt::format("{} by {} rows is one for the first of them", name, row);
      }
      default:
        return {};
    }
  }

  std::uint64_t signaller(const std::vector<Handover>& edges, unsigned semaphore) const {
    for (const Handover& edge : edges)
      if (edge.semaphore == semaphore) return unit_of(original_[edge.from]);
    return 0;
  }

  static std::uint32_t next_of_unit(const Commands& commands, std::uint32_t index) {
    for (std::uint32_t next = index + 1; next < commands.size(); ++next)
      if (unit_of(commands[next]) == unit_of(commands[index])) return next;
    return 0;
  }

  // Counts more for a semaphore, in the slots from `slot` on: its own or a free one.
  static bool add(systolith_command_t& command, unsigned slot, unsigned semaphore,
                  std::uint64_t count) {
    for (const bool free : {false, true})
      for (unsigned i = slot; i < slot + 2; ++i) {
        Sync sync(command, i);
        if (free ? sync.count() != 0
                 : sync.count() == 0 || sync.semaphore() != semaphore || sync.by_rows())
          continue;
        sync.set(semaphore, sync.count() + count);
        return true;
      }
    return false;
  }

  std::string drop_signal(Commands& commands, std::uint32_t first, std::uint32_t second,
                          unsigned slot) {
    if (slot < 2) return {};
    Sync signal(commands[first], slot);
    if (signal.count() == 0) return {};
    const auto edges = handovers(c_, original_);
    bool waited_for = false;
    for (const Handover& edge : *edges) {
      if (edge.semaphore != signal.semaphore() || edge.from != first) continue;
      waited_for = waited_for || edge.to == second;
      for (unsigned i = 0; i < 2; ++i) {
        Sync wait(commands[edge.to], i);
        if (wait.count() == 0 || wait.semaphore() != edge.semaphore) continue;
        if (wait.by_rows()) return {};
        wait.set(edge.semaphore, wait.count() - 1);
        break;
      }
    }
    if (!waited_for) return {};
    const unsigned semaphore = signal.semaphore();
    signal.set(0);
    return fmt::format("command {}'s signal of semaphore {} and what waits for it are left out",
                       first, semaphore);
  }

  std::string move_signal(Commands& commands, std::uint32_t first, unsigned slot) {
    if (slot < 2) return {};
    Sync signal(commands[first], slot);
    std::vector<std::uint32_t> earlier;
    for (std::uint32_t index = 0; index < first; ++index)
      if (unit_of(commands[index]) == unit_of(commands[first])) earlier.push_back(index);
    if (signal.count() == 0 || signal.by_rows() || earlier.empty()) return {};
    const std::uint32_t to = earlier[random_() % earlier.size()];
    const unsigned semaphore = signal.semaphore();
    if (!add(commands[to], 2, semaphore, signal.count())) return {};
    signal.set(0);
    return fmt::format("command {}'s signal of semaphore {} is given by command {}", first,
                       semaphore, to);
  }

  // One of the two goes to a place of the other's.
  std::string move_address(Commands& commands, std::uint32_t first, std::uint32_t second,
                           unsigned slot) {
    const std::uint32_t moved = slot % 2 == 0 ? second : first;
    const std::uint32_t kept = moved == second ? first : second;
    std::vector<Touch> targets;
    for (const std::vector<Touch>& row : touches_[kept])
      std::copy_if(row.begin(), row.end(), std::back_inserter(targets),
                   [&](const Touch& touch) { return touch.space == kind_.space; });
    if (targets.empty()) return {};
    const Touch& target = targets[random_() % targets.size()];
    const std::uint64_t to = target.begin + random_() % (target.last - target.begin + 1);
    std::uint64_t* words = commands[moved].words;
    const char* field = "local base";
    if (opcode_of(commands[moved]) == SYSTOLITH_OPCODE_MATRIX) {
      if (kind_.space == Space::accumulators) {
        field = "C base";
        SYSTOLITH_SET(words, MATRIX_C_BASE, to);
      } else if (slot < 2) {
        field = "A base";
        SYSTOLITH_SET(words, MATRIX_A_BASE, to);
      } else {
        field = "B base";
        SYSTOLITH_SET(words, MATRIX_B_BASE, to);
      }
    } else if (kind_.space == Space::memory) {
      field = "address";
      SYSTOLITH_SET(words, TRANSFER_ADDRESS, to);
    } else {
      SYSTOLITH_SET(words, TRANSFER_LOCAL_BASE, to);
    }
    // Only where the device has the place, and in memory one that stores may write.
    for (const std::vector<Touch>& row : touches_by_row(c_, commands[moved]))
      for (const Touch& touch : row) {
        const bool inside = touch.space == Space::scratchpad     ? touch.last < c_.scratchpad_lines
                            : touch.space == Space::accumulators ? touch.last < c_.accumulator_rows
                            : kind_.space == Space::memory
                                ? touch.begin >= kOutputs && touch.begin <= touch.last &&
                                      touch.last < kBase + kBytes
                                : true;
        if (!inside) return {};
      }
    const char* const form = kind_.space == Space::memory
                                 ? "command {}'s {} is moved to {:#x}, a place of command {}"
                                 : "command {}'s {} is moved to {}, a place of command {}";
    return fmt::format(fmt::runtime(form), moved, field, to, kept);
  }

  const model::Configuration& c_;
  const Commands original_;
  const RacyKind kind_;
  std::mt19937_64& random_;
  std::vector<std::vector<std::vector<Touch>>> touches_;
};

bool same(const Race& a, const Race& b) {
  return a.first == b.first && a.second == b.second && a.space == b.space && a.begin == b.begin &&
         a.last == b.last;
}

}  // namespace

std::span<const MistakeEntry> mistake_table() { return kTable; }

const char* space_name(Space space) {
  return space == Space::scratchpad     ? "scratchpad"
         : space == Space::accumulators ? "accumulators"
                                        : "memory";
}

std::string RacyKind::name() const {
  return fmt::format("{}:{}", kTable[static_cast<std::size_t>(mistake)].name, space_name(space));
}

std::vector<RacyKind> racy_kinds() {
  std::vector<RacyKind> kinds;
  for (const MistakeEntry& entry : kTable)
    for (const Space space : kSpaces)
      if (entry.mistake != Mistake::rows_ahead || space == Space::accumulators)
        kinds.push_back({entry.mistake, space});
  return kinds;
}

std::vector<RacyKind> parse_racy(const std::string& text) {
  std::vector<RacyKind> chosen;
  const std::size_t colon = text.find(':');
  const std::string mistake = fmt::format("{}:", text.substr(0, colon));
  for (const RacyKind& kind : racy_kinds()) {
    const std::string name = kind.name();
    if (text == "all" || name == text ||
        (colon == std::string::npos && name.starts_with(mistake)) ||
        (colon == 0 && name.ends_with(text)))
      chosen.push_back(kind);
  }
  if (chosen.empty() || text.empty() || text == ":") {
    std::string names;
    for (const RacyKind& kind : racy_kinds()) names += fmt::format(" {}", kind.name());
    throw std::invalid_argument(
        fmt::format("no kind of race '{}': write all, MISTAKE, :SPACE or one of{}", text, names));
  }
  return chosen;
}

std::optional<Planted> plant_race(const model::Configuration& configuration,
                                  std::span<const systolith_command_t> commands, RacyKind kind,
                                  std::mt19937_64& random) {
  return Planter(configuration, commands, kind, random).plant();
}

std::string to_text(const Race& race) {
  switch (race.space) {
    case Space::scratchpad:
      return fmt::format("commands {} and {} race for scratchpad lines {} to {}", race.first,
                         race.second, race.begin, race.last);
    case Space::accumulators:
      return fmt::format("commands {} and {} race for accumulator rows {} to {}", race.first,
                         race.second, race.begin, race.last);
    default:
      return fmt::format("commands {} and {} race for memory bytes {:#x} to {:#x}", race.first,
                         race.second, race.begin, race.last);
  }
}

std::string wrong_report(const model::Configuration& configuration,
                         std::span<const systolith_command_t> commands,
                         const std::optional<Race>& planted) {
  const model::RaceReport report = model::find_races(configuration, commands);
  if (report.stopped_at)
    return fmt::format("the search stops at command {} (cause {})", *report.stopped_at,
                       report.cause);
  const auto lists = [](const std::vector<Race>& races, const Race& race) {
    return std::any_of(races.begin(), races.end(),
                       [&](const Race& other) { return same(race, other); });
  };
  if (planted && !lists(report.races, *planted))
    return fmt::format("planted, not reported: {}", to_text(*planted));
  const auto expected = races_by_paths(configuration, commands);
  if (!expected) return "a wait has no signal";
  for (const Race& race : *expected)
    if (!lists(report.races, race)) return fmt::format("not reported so: {}", to_text(race));
  for (const Race& race : report.races)
    if (!lists(*expected, race))
      return fmt::format("reported, though there is a path: {}", to_text(race));
  if (report.races.size() != expected->size()) return "a race is reported twice";
  return {};
}

}  // namespace systolith::regress
