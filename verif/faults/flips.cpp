#include "flips.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "systolith/systolith.h"

namespace systolith::faults {
namespace {

// rtl/common/memory.sv: a granule's data and above them the check bits of its code words.
unsigned checks(const model::Configuration& c, unsigned data) {
  if (!c.memory_secded) return 1;
  unsigned bits = 1;
  while ((std::uint64_t{1} << (bits - 1)) - bits < data) ++bits;
  return bits;
}

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

/// Places of a memory that a command reads or writes: `count` runs of `length`, the first at
/// `base`, `pitch` apart.
struct Rows {
  Flip::Space space;
  std::uint64_t base, pitch, count, length;

  bool hold(std::uint64_t place) const {
    for (std::uint64_t i = 0; i < count; ++i)
      if (place >= base + i * pitch && place < base + i * pitch + length) return true;
    return false;
  }
};

/// What a LOAD writes or a STORE reads; of accumulators the copy that drains.
Rows transfer_rows(const model::Configuration& c, const std::uint64_t* w) {
  const std::uint64_t rows =
      SYSTOLITH_GET(w, TRANSFER_COUNT_0) * SYSTOLITH_GET(w, TRANSFER_COUNT_1) *
      SYSTOLITH_GET(w, TRANSFER_COUNT_2) * SYSTOLITH_GET(w, TRANSFER_COUNT_3);
  const bool lines = SYSTOLITH_GET(w, STORE_SPACE) == SYSTOLITH_SPACE_SCRATCHPAD;
  return {lines ? Flip::Space::lines : Flip::Space::drain_rows,
          SYSTOLITH_GET(w, TRANSFER_LOCAL_BASE), SYSTOLITH_GET(w, TRANSFER_LOCAL_PITCH), rows,
          lines ? ceil_div(SYSTOLITH_GET(w, TRANSFER_RUN), c.line_bytes()) : 1};
}

/// The rows that a MATRIX command writes, and reads if it continues a chain.
Rows product_rows(const model::Configuration& c, const std::uint64_t* w) {
  return {Flip::Space::array_rows, SYSTOLITH_GET(w, MATRIX_C_BASE),
          SYSTOLITH_GET(w, MATRIX_C_PITCH), ceil_div(SYSTOLITH_GET(w, MATRIX_N), c.cols),
          SYSTOLITH_GET(w, MATRIX_M)};
}

std::vector<Rows> store_reads(const model::Configuration& c, const std::uint64_t* w) {
  std::vector<Rows> all = {transfer_rows(c, w)};
  if (all[0].space != Flip::Space::lines && SYSTOLITH_GET(w, STORE_SCALE_PER_COLUMN) != 0)
    all.push_back({Flip::Space::lines, SYSTOLITH_GET(w, STORE_SCALE_LINE), 0, 1,
                   ceil_div(4 * c.cols, c.line_bytes())});
  return all;
}

std::vector<Rows> matrix_reads(const model::Configuration& c, const std::uint64_t* w) {
  const std::uint64_t m = SYSTOLITH_GET(w, MATRIX_M), n = SYSTOLITH_GET(w, MATRIX_N),
                      k = SYSTOLITH_GET(w, MATRIX_K);
  const unsigned bytes = SYSTOLITH_GET(w, MATRIX_FORMAT) == SYSTOLITH_FORMAT_BF16 ? 2 : 1;
  std::vector<Rows> all = {
      {Flip::Space::lines, SYSTOLITH_GET(w, MATRIX_A_BASE), SYSTOLITH_GET(w, MATRIX_A_PITCH), m,
       ceil_div(k * bytes, c.line_bytes())},
      {Flip::Space::lines, SYSTOLITH_GET(w, MATRIX_B_BASE), SYSTOLITH_GET(w, MATRIX_B_PITCH), k,
       ceil_div(n * bytes, c.line_bytes())}};
  if (SYSTOLITH_GET(w, MATRIX_ACCUMULATE) != 0) all.push_back(product_rows(c, w));
  return all;
}

bool writes(const model::Configuration& c, const systolith_command_t& command, bool lines,
            std::uint64_t place) {
  const std::uint64_t opcode = SYSTOLITH_GET(command.words, HEADER_OPCODE);
  if (opcode != SYSTOLITH_OPCODE_LOAD && opcode != SYSTOLITH_OPCODE_MATRIX) return false;
  const Rows rows = opcode == SYSTOLITH_OPCODE_LOAD ? transfer_rows(c, command.words)
                                                    : product_rows(c, command.words);
  return (rows.space == Flip::Space::lines) == lines && rows.hold(place);
}

/// Lines and rows that a command reads; nothing of a LOAD or NOP.
std::vector<Rows> rows_read(const model::Configuration& c, const systolith_command_t& command) {
  switch (SYSTOLITH_GET(command.words, HEADER_OPCODE)) {
    case SYSTOLITH_OPCODE_MATRIX:
      return matrix_reads(c, command.words);
    case SYSTOLITH_OPCODE_STORE:
      return store_reads(c, command.words);
    default:
      return {};
  }
}

}  // namespace

std::optional<PlaceRead> draw_place_read(const model::Configuration& c,
                                         std::span<const systolith_command_t> commands,
                                         const Pick& pick) {
  const auto reader = static_cast<std::uint32_t>(pick(0, commands.size() - 1));
  const auto unit_of = [&](std::uint32_t i) {
    return static_cast<unsigned>(SYSTOLITH_GET(commands[i].words, HEADER_UNIT));
  };
  PlaceRead place{Flip::Space::buffer, 0, unit_of(reader), reader, std::nullopt};
  switch (pick(0, 5)) {
    case 0: {
      const unsigned beats = SYSTOLITH_COMMAND_BYTES / c.bus_bytes;
      place.address = reader % c.fetch_buffer * beats + pick(0, beats - 1);
      return place;
    }
    case 1: {
      if (place.unit == 0) return std::nullopt;  // it has no queue
      std::uint32_t earlier = 0;
      for (std::uint32_t i = 0; i < reader; ++i)
        if (unit_of(i) == place.unit) ++earlier;
      place.space = Flip::Space::queue;
      place.address = earlier % c.unit_queue_depth;
      return place;
    }
    default: {
      const std::vector<Rows> all = rows_read(c, commands[reader]);
      if (all.empty()) return std::nullopt;
      const Rows& rows = all[pick(0, all.size() - 1)];
      place.space = rows.space;
      place.address = rows.base + pick(0, rows.count - 1) * rows.pitch + pick(0, rows.length - 1);
      for (std::uint32_t i = 0; i < reader; ++i)
        if (writes(c, commands[i], rows.space == Flip::Space::lines, place.address))
          place.writer = i;
      return place;
    }
  }
}

Flip draw_flip(const model::Configuration& c, bool two, const std::optional<PlaceRead>& aim,
               const Pick& pick) {
  Flip flip;
  flip.correctable = c.memory_secded && !two;
  // Places of a power of two, each of which is as likely as the next.
  const auto low = [&](std::uint64_t places) {
    return std::min(places - 1,
                    pick(0, (std::uint64_t{2} << pick(0, std::bit_width(places) - 1)) - 1));
  };
  unsigned data = 0;   // bits of a granule
  unsigned words = 1;  // code words in it
  unsigned granules = 1;
  constexpr Flip::Space kSpaces[] = {Flip::Space::lines,      Flip::Space::lines,
                                     Flip::Space::array_rows, Flip::Space::drain_rows,
                                     Flip::Space::buffer,     Flip::Space::queue};
  flip.space = aim ? aim->space : kSpaces[pick(0, std::size(kSpaces) - 1)];
  switch (flip.space) {
    case Flip::Space::lines: {
      flip.address = aim ? aim->address : low(c.scratchpad_lines);
      const std::uint64_t in_bank = c.scratchpad_lines / c.scratchpad_banks;
      flip.memory = fmt::format("u_scratchpad.gen_bank[{}].gen_word[{}].u_memory",
                                flip.address / in_bank, pick(0, c.line_bytes() / c.bus_bytes - 1));
      flip.word = static_cast<unsigned>(flip.address % in_bank);
      data = 8;
      granules = c.bus_bytes;
      break;
    }
    case Flip::Space::array_rows:
    case Flip::Space::drain_rows: {
      flip.address = aim ? aim->address : low(c.accumulator_rows);
      flip.word = static_cast<unsigned>(flip.address);
      const char* copy = flip.space == Flip::Space::array_rows ? "array" : "drain";
      if (pick(0, 4) == 0) {
        flip.memory = fmt::format("u_accumulators.u_{}_tag", copy);
        data = 2;
      } else {
        flip.memory = fmt::format("u_accumulators.gen_column[{}].u_{}", pick(0, c.cols - 1), copy);
        data = 32;
      }
      break;
    }
    case Flip::Space::buffer: {
      flip.memory = "u_command_processor.u_fetch.u_buffer";
      flip.address = aim ? aim->address
                         : pick(0, c.fetch_buffer * (SYSTOLITH_COMMAND_BYTES / c.bus_bytes) - 1);
      flip.word = static_cast<unsigned>(flip.address);
      words = c.bus_bytes / 8;
      data = 64 * words;
      break;
    }
    case Flip::Space::queue: {
      flip.memory = "u_command_processor.u_dispatch.u_queues.u_memory";
      flip.unit =
          aim ? aim->unit : static_cast<unsigned>(pick(SYSTOLITH_UNIT_LOAD, SYSTOLITH_UNIT_STORE));
      flip.address = aim ? aim->address : pick(0, c.unit_queue_depth - 1);
      flip.word = static_cast<unsigned>(
          (flip.unit - 1) * std::max(2U, std::bit_ceil(c.unit_queue_depth)) + flip.address);
      words = 7;  // at least, whatever the width of addresses
      data = 64 * words;
    }
  }
  // Data bits are enough: check bits are those of words that nobody wrote so.
  const unsigned code = words == 1 ? data : 64;
  const unsigned granule = static_cast<unsigned>(pick(0, granules - 1));
  const unsigned first = granule * (data + words * checks(c, code));
  const unsigned bit = static_cast<unsigned>(pick(0, data - 1));
  flip.bits.push_back(first + bit);
  if (two && c.memory_secded) {
    const unsigned word = bit / code * code;
    flip.bits.push_back(first + word +
                        (bit - word + static_cast<unsigned>(pick(1, code - 1))) % code);
  } else if (two && granules > 1) {
    const unsigned other = (granule + static_cast<unsigned>(pick(1, granules - 1))) % granules;
    flip.bits.push_back(other * (data + words * checks(c, code)) +
                        static_cast<unsigned>(pick(0, data - 1)));
  } else if (two && words > 1) {
    const unsigned other = (bit / 64 + static_cast<unsigned>(pick(1, words - 1))) % words;
    flip.bits.push_back(other * 64 + static_cast<unsigned>(pick(0, 63)));
  }
  return flip;
}

bool reads(const model::Configuration& c, const Flip& flip,
           std::span<const systolith_command_t> commands, std::uint32_t index) {
  if (index >= commands.size()) return false;
  switch (flip.space) {
    case Flip::Space::buffer:
      return index % c.fetch_buffer == flip.address / (SYSTOLITH_COMMAND_BYTES / c.bus_bytes);
    case Flip::Space::queue:
      return SYSTOLITH_GET(commands[index].words, HEADER_UNIT) == flip.unit;
    default: {
      const std::vector<Rows> all = rows_read(c, commands[index]);
      return std::any_of(all.begin(), all.end(), [&](const Rows& rows) {
        return rows.space == flip.space && rows.hold(flip.address);
      });
    }
  }
}

}  // namespace systolith::faults
