#include "systolith/model/races.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "decode.h"

namespace systolith::model {
namespace {

constexpr unsigned kUnits = 3;  // load, matrix, store

// Rows of each unit, from its first command on, that are known to be over.
using Clock = std::array<std::uint64_t, kUnits>;

void merge(Clock& clock, const Clock& other) {
  for (unsigned unit = 0; unit < kUnits; ++unit) clock[unit] = std::max(clock[unit], other[unit]);
}

class RaceFinder {
 public:
  explicit RaceFinder(const Configuration& configuration)
      : c_(configuration),
        lines_(configuration.scratchpad_lines),
        rows_(configuration.accumulator_rows) {}

  RaceReport run(std::span<const systolith_command_t> raw) {
    const Window everything{0, c_.last_address(), true, true};
    std::vector<Binding> bindings(c_.semaphores);
    std::vector<Command> commands;
    for (const systolith_command_t& one : raw) {
      Command command = parse(one, c_);
      if (const auto fault = check(command, c_, {&everything, 1}, bindings)) {
        stop(static_cast<std::uint32_t>(commands.size()), fault->cause, 0);
        break;
      }
      commands.push_back(command);
      note_written_memory(command);
    }
    tokens_.resize(c_.semaphores);
    for (index_ = 0; index_ < commands.size() && report_.races.size() < kMostRaces; ++index_) {
      own_races_ = report_.races.size();
      if (commands[index_].opcode == SYSTOLITH_OPCODE_NOP) continue;
      if (!follow(commands[index_])) break;
    }
    std::sort(report_.races.begin(), report_.races.end(), [](const Race& x, const Race& y) {
      return std::tie(x.second, x.first, x.space) < std::tie(y.second, y.first, y.space);
    });
    return report_;
  }

 private:
  // Last rows of a command that read and wrote a place, 0 for none.
  struct Touch {
    std::uint32_t command;
    std::uint64_t read, written;
  };
  using Place = std::array<std::vector<Touch>, kUnits>;
  struct Segment {
    std::uint64_t last;
    Place place;
  };
  struct Token {
    std::uint64_t count;
    Clock known;
  };

  void stop(std::uint32_t index, std::uint8_t cause, unsigned semaphore) {
    if (report_.stopped_at && *report_.stopped_at <= index) return;
    report_.stopped_at = index;
    report_.cause = cause;
    report_.semaphore = semaphore;
  }

  // ---- a command, row by row ----
  bool follow(const Command& command) {
    unit_ = command.unit - 1U;
    const std::uint64_t rows = command.rows();
    for (std::uint64_t row = 0; row < rows; ++row) {
      for (const Sync& wait : command.waits) {
        if (wait.count == 0) continue;
        const bool asks = wait.by_rows ? row % (std::uint64_t{1} << wait.rows_log2) == 0 : row == 0;
        if (asks && !take(wait)) {
          stop(index_, SYSTOLITH_CAUSE_NONE, wait.semaphore);
          return false;
        }
      }
      row_ = done_[unit_] + row + 1;
      if (command.opcode == SYSTOLITH_OPCODE_MATRIX) {
        matrix_row(command, row);
      } else {
        transfer_row(command, row);
      }
      for (const Sync& signal : command.signals) {
        if (signal.count == 0) continue;
        const std::uint64_t unit = std::uint64_t{1} << signal.rows_log2;
        if (row + 1 == rows || (signal.by_rows && (row + 1) % unit == 0)) give(signal);
      }
    }
    done_[unit_] += rows;
    return true;
  }

  bool take(const Sync& wait) {
    std::deque<Token>& queue = tokens_[wait.semaphore];
    for (std::uint64_t left = wait.count; left != 0;) {
      if (queue.empty()) return false;
      Token& token = queue.front();
      const std::uint64_t taken = std::min(left, token.count);
      merge(known_[unit_], token.known);
      left -= taken;
      token.count -= taken;
      if (token.count == 0) queue.pop_front();
    }
    return true;
  }

  void give(const Sync& signal) {
    Clock known = known_[unit_];
    known[unit_] = row_;
    tokens_[signal.semaphore].push_back({signal.count, known});
  }

  void transfer_row(const Command& command, std::uint64_t row) {
    const Transfer& t = command.transfer;
    const bool store = command.opcode == SYSTOLITH_OPCODE_STORE;
    std::uint64_t address = t.address;
    std::uint64_t rest = row;
    for (unsigned loop = 0; loop < 4; ++loop) {
      address += rest % t.count[loop] * t.stride[loop];
      rest /= t.count[loop];
    }
    memory(address, address + t.run - 1, store);
    const std::uint64_t local = t.local_base + row * t.local_pitch;
    if (command.accumulators) {
      touch(rows_[local], !store, Space::accumulators, local, local);
    } else {
      for (std::uint64_t line = 0; line < lines_of(t.run); ++line)
        touch(lines_[local + line], !store, Space::scratchpad, local + line, local + line);
    }
    if (command.scale_per_column && row == 0) {
      for (std::uint64_t line = 0; line < lines_of(4ULL * c_.cols); ++line)
        touch(lines_[command.scale_line + line], false, Space::scratchpad,
              command.scale_line + line, command.scale_line + line);
    }
  }

  void matrix_row(const Command& command, std::uint64_t row) {
    const std::uint64_t pass = row / command.m;
    const std::uint64_t m = row % command.m;
    const std::uint64_t block = command.strip_outer ? pass % command.blocks : pass / command.strips;
    const std::uint64_t strip = command.strip_outer ? pass / command.blocks : pass % command.strips;
    const std::uint64_t element = command.int8 ? 1 : 2;
    const std::uint64_t depth = c_.block_k(command.int8);
    const auto read_line = [&](std::uint64_t line) {
      touch(lines_[line], false, Space::scratchpad, line, line);
    };
    // The stationary block is read when the first row of its pass is allowed.
    if (m == 0) {
      for (std::uint64_t k = block * depth;
           k < std::min<std::uint64_t>((block + 1) * depth, command.k); ++k)
        read_line(command.b_base + k * command.b_pitch +
                  strip * c_.cols * element / c_.line_bytes());
    }
    read_line(command.a_base + m * command.a_pitch + block * depth * element / c_.line_bytes());
    const std::uint64_t sum = command.c_base + strip * command.c_pitch + m;
    touch(rows_[sum], true, Space::accumulators, sum, sum);
  }

  std::uint64_t lines_of(std::uint64_t bytes) const {
    return (bytes + c_.line_bytes() - 1) / c_.line_bytes();
  }

  // ---- places ----
  void touch(Place& place, bool write, Space space, std::uint64_t begin, std::uint64_t last) {
    for (unsigned other = 0; other < kUnits; ++other) {
      if (other == unit_) continue;
      const std::uint64_t known = known_[unit_][other];
      for (auto it = place[other].rbegin(); it != place[other].rend(); ++it) {
        if (std::max(it->read, it->written) <= known) break;
        if ((write ? std::max(it->read, it->written) : it->written) > known)
          found(it->command, space, begin, last);
      }
    }
    std::vector<Touch>& own = place[unit_];
    if (own.empty() || own.back().command != index_) own.push_back({index_, 0, 0});
    (write ? own.back().written : own.back().read) = row_;
  }

  void found(std::uint32_t first, Space space, std::uint64_t begin, std::uint64_t last) {
    const auto same = [&](const Race& race) {
      return race.first == first && race.second == index_ && race.space == space;
    };
    // Those of this command are at the end.
    const auto begin_of_own = report_.races.begin() + static_cast<std::ptrdiff_t>(own_races_);
    const auto race = std::find_if(begin_of_own, report_.races.end(), same);
    if (race == report_.races.end()) {
      if (report_.races.size() >= kMostRaces) return;
      report_.races.push_back({first, index_, space, begin, last});
    } else {
      race->begin = std::min(race->begin, begin);
      race->last = std::max(race->last, last);
    }
  }

  // Only memory that some command writes can be raced for.
  void note_written_memory(const Command& command) {
    if (command.opcode != SYSTOLITH_OPCODE_STORE) return;
    const Transfer& t = command.transfer;
    std::uint64_t begin = t.address, last = t.address + t.run - 1;
    for (unsigned loop = 0; loop < 4; ++loop) {
      const std::uint64_t reach = (t.count[loop] - 1) * t.stride[loop];
      (static_cast<std::int64_t>(reach) < 0 ? begin : last) += reach;
    }
    written_.push_back({begin, last});
  }

  void memory(std::uint64_t begin, std::uint64_t last, bool write) {
    const bool shared = write || std::any_of(written_.begin(), written_.end(), [&](const auto& w) {
                          return w.first <= last && begin <= w.second;
                        });
    if (!shared) return;
    // Segments that cover the range exactly, made where there are none.
    split(begin);
    if (last != ~std::uint64_t{0}) split(last + 1);
    std::uint64_t at = begin;
    auto it = memory_.lower_bound(begin);
    while (at <= last) {
      if (it == memory_.end() || it->first > at) {
        const std::uint64_t end = it == memory_.end() ? last : std::min(last, it->first - 1);
        it = memory_.emplace_hint(it, at, Segment{end, {}});
      }
      touch(it->second.place, write, Space::memory, it->first, it->second.last);
      if (it->second.last == last) break;
      at = it->second.last + 1;
      ++it;
    }
  }

  void split(std::uint64_t at) {
    auto it = memory_.upper_bound(at);
    if (it == memory_.begin()) return;
    --it;
    if (it->first == at || it->second.last < at) return;
    Segment rest = it->second;
    it->second.last = at - 1;
    memory_.emplace(at, std::move(rest));
  }

  const Configuration& c_;
  std::vector<Place> lines_, rows_;
  std::map<std::uint64_t, Segment> memory_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> written_;
  std::vector<std::deque<Token>> tokens_;
  std::array<Clock, kUnits> known_{};
  Clock done_{};
  unsigned unit_ = 0;
  std::uint64_t row_ = 0;
  std::uint32_t index_ = 0;
  std::size_t own_races_ = 0;  // races of commands before this one
  RaceReport report_;
};

}  // namespace

RaceReport find_races(const Configuration& configuration,
                      std::span<const systolith_command_t> commands) {
  return RaceFinder(configuration).run(commands);
}

}  // namespace systolith::model
