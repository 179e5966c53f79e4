#include "happens_before.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace systolith::regress {
namespace {

using model::Space;

std::uint64_t opcode_of(const systolith_command_t& c) {
  return SYSTOLITH_GET(c.words, HEADER_OPCODE);
}

std::vector<std::vector<Touch>> transfer_touches(const model::Configuration& c,
                                                 const systolith_command_t& command) {
  const bool store = opcode_of(command) == SYSTOLITH_OPCODE_STORE;
  const std::uint64_t* w = command.words;
  const std::uint64_t address = SYSTOLITH_GET(w, TRANSFER_ADDRESS);
  const std::uint64_t run = SYSTOLITH_GET(w, TRANSFER_RUN);
  const std::uint64_t base = SYSTOLITH_GET(w, TRANSFER_LOCAL_BASE);
  const std::uint64_t pitch = SYSTOLITH_GET(w, TRANSFER_LOCAL_PITCH);
  const bool accumulators = (store ? SYSTOLITH_GET(w, STORE_SPACE)
                                   : SYSTOLITH_GET(w, LOAD_SPACE)) == SYSTOLITH_SPACE_ACCUMULATORS;
  std::vector<std::vector<Touch>> rows;
  for (std::uint64_t i3 = 0; i3 < SYSTOLITH_GET(w, TRANSFER_COUNT_3); ++i3)
    for (std::uint64_t i2 = 0; i2 < SYSTOLITH_GET(w, TRANSFER_COUNT_2); ++i2)
      for (std::uint64_t i1 = 0; i1 < SYSTOLITH_GET(w, TRANSFER_COUNT_1); ++i1)
        for (std::uint64_t i0 = 0; i0 < SYSTOLITH_GET(w, TRANSFER_COUNT_0); ++i0) {
          const std::uint64_t byte = address + i0 * SYSTOLITH_GET(w, TRANSFER_STRIDE_0) +
                                     i1 * SYSTOLITH_GET(w, TRANSFER_STRIDE_1) +
                                     i2 * SYSTOLITH_GET(w, TRANSFER_STRIDE_2) +
                                     i3 * SYSTOLITH_GET(w, TRANSFER_STRIDE_3);
          const std::uint64_t local = base + rows.size() * pitch;
          const std::uint64_t end = accumulators ? local : local + (run - 1) / c.line_bytes();
          rows.push_back(
              {{Space::memory, byte, byte + run - 1, store},
               {accumulators ? Space::accumulators : Space::scratchpad, local, end, !store}});
        }
  if (store && SYSTOLITH_GET(w, STORE_SCALE_PER_COLUMN) != 0) {
    const std::uint64_t line = SYSTOLITH_GET(w, STORE_SCALE_LINE);
    rows[0].push_back(
        {Space::scratchpad, line, line + (4ULL * c.cols - 1) / c.line_bytes(), false});
  }
  return rows;
}

std::vector<std::vector<Touch>> matrix_touches(const model::Configuration& c,
                                               const systolith_command_t& command) {
  const std::uint64_t* w = command.words;
  const bool int8 = SYSTOLITH_GET(w, MATRIX_FORMAT) == SYSTOLITH_FORMAT_INT8;
  const std::uint64_t bytes = int8 ? 1 : 2;  // of an element
  const std::uint64_t depth = int8 ? 2ULL * c.rows : c.rows;
  const std::uint64_t m_size = SYSTOLITH_GET(w, MATRIX_M), k_size = SYSTOLITH_GET(w, MATRIX_K);
  const std::uint64_t strips = (SYSTOLITH_GET(w, MATRIX_N) + c.cols - 1) / c.cols;
  const std::uint64_t blocks = (k_size + depth - 1) / depth;
  const auto line_of = [&](std::uint64_t base, std::uint64_t pitch, std::uint64_t row,
                           std::uint64_t element) {
    return base + row * pitch + element * bytes / c.line_bytes();
  };
  std::vector<std::vector<Touch>> rows;
  const auto add_pass = [&](std::uint64_t block, std::uint64_t strip) {
    const std::uint64_t k_end = std::min((block + 1) * depth, k_size);
    for (std::uint64_t m = 0; m < m_size; ++m) {
      std::vector<Touch> row;
      const auto read = [&](std::uint64_t line) {
        row.push_back({Space::scratchpad, line, line, false});
      };
      for (std::uint64_t k = block * depth; m == 0 && k < k_end; ++k)
        read(line_of(SYSTOLITH_GET(w, MATRIX_B_BASE), SYSTOLITH_GET(w, MATRIX_B_PITCH), k,
                     strip * c.cols));
      read(line_of(SYSTOLITH_GET(w, MATRIX_A_BASE), SYSTOLITH_GET(w, MATRIX_A_PITCH), m,
                   block * depth));
      const std::uint64_t sum =
          SYSTOLITH_GET(w, MATRIX_C_BASE) + strip * SYSTOLITH_GET(w, MATRIX_C_PITCH) + m;
      row.push_back({Space::accumulators, sum, sum, true});
      rows.push_back(std::move(row));
    }
  };
  if (SYSTOLITH_GET(w, MATRIX_STRIP_OUTER) != 0) {
    for (std::uint64_t strip = 0; strip < strips; ++strip)
      for (std::uint64_t block = 0; block < blocks; ++block) add_pass(block, strip);
  } else {
    for (std::uint64_t block = 0; block < blocks; ++block)
      for (std::uint64_t strip = 0; strip < strips; ++strip) add_pass(block, strip);
  }
  return rows;
}

void extend(std::optional<model::Race>& race, const Touch& x, const Touch& y) {
  const std::uint64_t begin = std::max(x.begin, y.begin), last = std::min(x.last, y.last);
  if (x.space != y.space || !(x.write || y.write) || begin > last) return;
  if (!race) race = model::Race{0, 0, x.space, begin, last};
  race->begin = std::min(race->begin, begin);
  race->last = std::max(race->last, last);
}

}  // namespace

std::vector<std::vector<Touch>> touches_by_row(const model::Configuration& configuration,
                                               const systolith_command_t& command) {
  switch (opcode_of(command)) {
    case SYSTOLITH_OPCODE_LOAD:
    case SYSTOLITH_OPCODE_STORE:
      return transfer_touches(configuration, command);
    case SYSTOLITH_OPCODE_MATRIX:
      return matrix_touches(configuration, command);
    default:
      return {};
  }
}

std::optional<model::Race> conflict(const std::vector<std::vector<Touch>>& first,
                                    const std::vector<std::vector<Touch>>& second,
                                    model::Space space, std::uint64_t first_row) {
  // Lines and sums are touched by many rows: each once.
  const auto once = [&](const std::vector<std::vector<Touch>>& rows, std::uint64_t from) {
    std::vector<Touch> touches;
    for (std::uint64_t row = from; row < rows.size(); ++row)
      std::copy_if(rows[row].begin(), rows[row].end(), std::back_inserter(touches),
                   [&](const Touch& touch) { return touch.space == space; });
    std::sort(touches.begin(), touches.end());
    touches.erase(std::unique(touches.begin(), touches.end()), touches.end());
    return touches;
  };
  const std::vector<Touch> others = once(second, 0);
  std::optional<model::Race> race;
  for (const Touch& x : once(first, first_row))
    for (const Touch& y : others) extend(race, x, y);
  return race;
}

std::optional<std::vector<Handover>> handovers(const model::Configuration& configuration,
                                               std::span<const systolith_command_t> commands) {
  struct End {
    std::uint32_t command;
    std::uint64_t row;
  };
  std::map<unsigned, std::vector<End>> given, taken;  // by semaphore, each count alone
  for (std::uint32_t index = 0; index < commands.size(); ++index) {
    const std::uint64_t* w = commands[index].words;
    const std::uint64_t rows = touches_by_row(configuration, commands[index]).size();
    const auto add = [&](std::map<unsigned, std::vector<End>>& ends, std::uint64_t sync,
                         bool wait) {
      const std::uint64_t step = SYSTOLITH_GET(&sync, SYNC_BY_ROWS) != 0
                                     ? 1ULL << SYSTOLITH_GET(&sync, SYNC_ROWS_LOG2)
                                     : std::max<std::uint64_t>(rows, 1);
      for (std::uint64_t row = 0; row < rows; row += step)
        for (std::uint64_t n = 0; n < SYSTOLITH_GET(&sync, SYNC_COUNT); ++n)
          ends[static_cast<unsigned>(SYSTOLITH_GET(&sync, SYNC_SEMAPHORE))].push_back(
              {index, wait ? row : std::min(row + step, rows) - 1});
    };
    add(taken, SYSTOLITH_GET(w, HEADER_WAIT_0), true);
    add(taken, SYSTOLITH_GET(w, HEADER_WAIT_1), true);
    add(given, SYSTOLITH_GET(w, HEADER_SIGNAL_0), false);
    add(given, SYSTOLITH_GET(w, HEADER_SIGNAL_1), false);
  }
  // Two waits of a command on one semaphore: its rows take in their order.
  for (auto* ends : {&given, &taken})
    for (auto& [semaphore, list] : *ends)
      std::sort(list.begin(), list.end(), [](const End& a, const End& b) {
        return a.command != b.command ? a.command < b.command : a.row < b.row;
      });
  std::vector<Handover> all;
  for (const auto& [semaphore, list] : taken)
    for (std::size_t n = 0; n < list.size(); ++n) {
      if (n >= given[semaphore].size()) return std::nullopt;
      const End& from = given[semaphore][n];
      if (from.command >= list[n].command) return std::nullopt;
      all.push_back({semaphore, from.command, from.row, list[n].command, list[n].row});
    }
  return all;
}

std::optional<std::vector<model::Race>> races_by_paths(
    const model::Configuration& configuration, std::span<const systolith_command_t> commands) {
  const auto edges = handovers(configuration, commands);
  if (!edges) return std::nullopt;
  // A node for each row, in ring order: edges go to later ones alone.
  std::vector<std::vector<std::vector<Touch>>> touches;
  std::vector<std::size_t> node_of{0};
  for (const systolith_command_t& command : commands) {
    touches.push_back(touches_by_row(configuration, command));
    node_of.push_back(node_of.back() + touches.back().size());
  }
  const std::size_t nodes = node_of.back();
  std::vector<std::vector<std::size_t>> into(nodes);
  std::map<std::uint64_t, std::size_t> last_of_unit;
  for (std::uint32_t index = 0; index < commands.size(); ++index)
    for (std::size_t node = node_of[index]; node < node_of[index + 1]; ++node) {
      const std::uint64_t unit = SYSTOLITH_GET(commands[index].words, HEADER_UNIT);
      if (const auto last = last_of_unit.find(unit); last != last_of_unit.end())
        into[node].push_back(last->second);
      last_of_unit[unit] = node;
    }
  for (const Handover& edge : *edges)
    into[node_of[edge.to] + edge.to_row].push_back(node_of[edge.from] + edge.from_row);
  std::vector<std::vector<bool>> before(nodes, std::vector<bool>(nodes));
  for (std::size_t node = 0; node < nodes; ++node)
    for (const std::size_t from : into[node]) {
      before[node][from] = true;
      for (std::size_t i = 0; i < from; ++i)
        if (before[from][i]) before[node][i] = true;
    }

  std::vector<model::Race> races;
  for (std::uint32_t second = 0; second < commands.size(); ++second)
    for (std::uint32_t first = 0; first < second; ++first) {
      if (SYSTOLITH_GET(commands[first].words, HEADER_UNIT) ==
          SYSTOLITH_GET(commands[second].words, HEADER_UNIT))
        continue;
      for (const Space space : {Space::scratchpad, Space::accumulators, Space::memory}) {
        if (!conflict(touches[first], touches[second], space)) continue;
        std::optional<model::Race> race;
        for (std::size_t y = 0; y < touches[second].size(); ++y)
          for (std::size_t x = 0; x < touches[first].size(); ++x) {
            if (before[node_of[second] + y][node_of[first] + x]) continue;
            for (const Touch& one : touches[first][x])
              for (const Touch& other : touches[second][y])
                if (one.space == space) extend(race, one, other);
          }
        if (race) races.push_back({first, second, space, race->begin, race->last});
      }
    }
  return races;
}

}  // namespace systolith::regress
