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

/// Whether `place` is in one of `count` runs of `length`, the first at `base`, `pitch` apart.
bool in_rows(std::uint64_t place, std::uint64_t base, std::uint64_t pitch, std::uint64_t count,
             std::uint64_t length) {
  for (std::uint64_t i = 0; i < count; ++i)
    if (place >= base + i * pitch && place < base + i * pitch + length) return true;
  return false;
}

bool transfer_reads(const model::Configuration& c, const std::uint64_t* w, bool lines,
                    std::uint64_t place) {
  const std::uint64_t rows =
      SYSTOLITH_GET(w, TRANSFER_COUNT_0) * SYSTOLITH_GET(w, TRANSFER_COUNT_1) *
      SYSTOLITH_GET(w, TRANSFER_COUNT_2) * SYSTOLITH_GET(w, TRANSFER_COUNT_3);
  const std::uint64_t base = SYSTOLITH_GET(w, TRANSFER_LOCAL_BASE),
                      pitch = SYSTOLITH_GET(w, TRANSFER_LOCAL_PITCH);
  const bool from_lines = SYSTOLITH_GET(w, STORE_SPACE) == SYSTOLITH_SPACE_SCRATCHPAD;
  if (!lines) return !from_lines && in_rows(place, base, pitch, rows, 1);
  if (from_lines)
    return in_rows(place, base, pitch, rows,
                   ceil_div(SYSTOLITH_GET(w, TRANSFER_RUN), c.line_bytes()));
  return SYSTOLITH_GET(w, STORE_SCALE_PER_COLUMN) != 0 &&
         in_rows(place, SYSTOLITH_GET(w, STORE_SCALE_LINE), 0, 1,
                 ceil_div(4 * c.cols, c.line_bytes()));
}

bool matrix_reads(const model::Configuration& c, const std::uint64_t* w, bool lines,
                  std::uint64_t place) {
  const std::uint64_t m = SYSTOLITH_GET(w, MATRIX_M), n = SYSTOLITH_GET(w, MATRIX_N),
                      k = SYSTOLITH_GET(w, MATRIX_K);
  if (!lines)
    return SYSTOLITH_GET(w, MATRIX_ACCUMULATE) != 0 &&
           in_rows(place, SYSTOLITH_GET(w, MATRIX_C_BASE), SYSTOLITH_GET(w, MATRIX_C_PITCH),
                   ceil_div(n, c.cols), m);
  const unsigned bytes = SYSTOLITH_GET(w, MATRIX_FORMAT) == SYSTOLITH_FORMAT_BF16 ? 2 : 1;
  return in_rows(place, SYSTOLITH_GET(w, MATRIX_A_BASE), SYSTOLITH_GET(w, MATRIX_A_PITCH), m,
                 ceil_div(k * bytes, c.line_bytes())) ||
         in_rows(place, SYSTOLITH_GET(w, MATRIX_B_BASE), SYSTOLITH_GET(w, MATRIX_B_PITCH), k,
                 ceil_div(n * bytes, c.line_bytes()));
}

}  // namespace

Flip draw_flip(const model::Configuration& c, bool two,
               const std::function<std::uint64_t(std::uint64_t, std::uint64_t)>& pick) {
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
  switch (pick(0, 5)) {
    case 0:
    case 1: {
      flip.space = Flip::Space::lines;
      flip.address = low(c.scratchpad_lines);
      const std::uint64_t in_bank = c.scratchpad_lines / c.scratchpad_banks;
      flip.memory = fmt::format("u_scratchpad.gen_bank[{}].gen_word[{}].u_memory",
                                flip.address / in_bank, pick(0, c.line_bytes() / c.bus_bytes - 1));
      flip.word = static_cast<unsigned>(flip.address % in_bank);
      data = 8;
      granules = c.bus_bytes;
      break;
    }
    case 2:
    case 3: {
      const bool array = pick(0, 1) == 0;
      flip.space = array ? Flip::Space::array_rows : Flip::Space::drain_rows;
      flip.address = low(c.accumulator_rows);
      flip.word = static_cast<unsigned>(flip.address);
      const char* copy = array ? "array" : "drain";
      if (pick(0, 4) == 0) {
        flip.memory = fmt::format("u_accumulators.u_{}_tag", copy);
        data = 2;
      } else {
        flip.memory = fmt::format("u_accumulators.gen_column[{}].u_{}", pick(0, c.cols - 1), copy);
        data = 32;
      }
      break;
    }
    case 4: {
      flip.space = Flip::Space::buffer;
      flip.memory = "u_command_processor.u_fetch.u_buffer";
      flip.address = pick(0, c.fetch_buffer * (SYSTOLITH_COMMAND_BYTES / c.bus_bytes) - 1);
      flip.word = static_cast<unsigned>(flip.address);
      words = c.bus_bytes / 8;
      data = 64 * words;
      break;
    }
    default: {
      flip.space = Flip::Space::queue;
      flip.memory = "u_command_processor.u_dispatch.u_queues.u_memory";
      flip.unit = static_cast<unsigned>(pick(SYSTOLITH_UNIT_LOAD, SYSTOLITH_UNIT_STORE));
      flip.address = pick(0, c.unit_queue_depth - 1);
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
  const std::uint64_t* w = commands[index].words;
  const std::uint64_t opcode = SYSTOLITH_GET(w, HEADER_OPCODE);
  const bool lines = flip.space == Flip::Space::lines;
  switch (flip.space) {
    case Flip::Space::buffer:
      return index % c.fetch_buffer == flip.address / (SYSTOLITH_COMMAND_BYTES / c.bus_bytes);
    case Flip::Space::queue:
      return SYSTOLITH_GET(w, HEADER_UNIT) == flip.unit;
    default:
      if (opcode == SYSTOLITH_OPCODE_MATRIX && flip.space != Flip::Space::drain_rows)
        return matrix_reads(c, w, lines, flip.address);
      if (opcode == SYSTOLITH_OPCODE_STORE && flip.space != Flip::Space::array_rows)
        return transfer_reads(c, w, lines, flip.address);
      return false;
  }
}

}  // namespace systolith::faults
