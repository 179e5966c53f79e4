#include "reference_decoder.h"

#include <algorithm>

namespace systolith::test {
namespace {

using Wide = __int128;
constexpr uint64_t kAll = ~uint64_t{0};

enum Cause : unsigned {
  kNone = 0,
  kVersion = 1,
  kOpcode = 2,
  kReserved = 3,
  kSemaphoreIndex = 4,
  kSemaphoreBinding = 5,
  kFormat = 6,
  kSize = 7,
  kLocalRange = 8,
  kAddress = 9,
  kWindow = 10,
  kScale = 11
};

// Bits with a meaning, from the tables of sections 4 and 4.3 to 4.5.
std::array<uint64_t, 16> Meaning(unsigned opcode) {
  std::array<uint64_t, 16> bits{};
  bits[0] = 0x03ff'ffff;
  if (opcode == 0x01) return bits;
  bits[1] = bits[2] = 0x3fff'ffff'3fff'ffff;
  if (opcode == 0x20) {
    bits[3] = 0x3ff;
    bits[4] = kAll;
    bits[5] = 0xffff'ffff;
    bits[6] = bits[7] = bits[8] = kAll;
    return bits;
  }
  bits[3] = kAll;
  bits[4] = 0xffff'ffff;
  bits[5] = kAll;
  bits[6] = opcode == 0x10 ? 0xffff : 0xffff'ffff'0003'ffff;
  for (int w = 7; w <= 12; ++w) bits[w] = kAll;
  if (opcode == 0x30) bits[13] = 0xffff'ffff;
  return bits;
}

Wide CeilDivide(Wide x, Wide y) { return (x + y - 1) / y; }

uint64_t Truncate(uint64_t value, unsigned width) {
  return width >= 64 ? value : value & ((uint64_t{1} << width) - 1);
}

unsigned Log2Ceil(unsigned x) {
  unsigned n = 0;
  while ((1u << n) < x) ++n;
  return n;
}

}  // namespace

Decoded ReferenceDecoder::Decode(uint32_t index, const Command& command) {
  Decoded out;
  const auto refuse = [&](unsigned cause, uint64_t address = 0) {
    out.cause = cause;
    out.address = address;
    return out;
  };
  const unsigned opcode = command.Get(0, 8, 8), unit = command.Get(0, 16, 8);
  if (command.Get(0, 0, 8) != 1) return refuse(kVersion);
  const bool nop = opcode == 0x01, load = opcode == 0x10, matrix = opcode == 0x20,
             store = opcode == 0x30;
  const unsigned wanted = load ? 1 : matrix ? 2 : store ? 3 : 0;
  if (!(nop || load || matrix || store) || unit != wanted) return refuse(kOpcode);

  const auto meaning = Meaning(opcode);
  for (int w = 0; w < 16; ++w) {
    if (command.word[w] & ~meaning[w]) return refuse(kReserved);
  }
  std::array<uint32_t, 4> sync;
  for (int s = 0; s < 4; ++s) {
    sync[s] = static_cast<uint32_t>(command.Get(1 + s / 2, 32 * (s % 2), 32));
    const bool by_rows = (sync[s] >> 29) & 1;
    if ((sync[s] & 0xffff) == 0 && sync[s] != 0) return refuse(kReserved);
    if (!by_rows && ((sync[s] >> 24) & 31) != 0) return refuse(kReserved);
  }
  for (int s = 0; s < 4; ++s) {
    const unsigned semaphore = (sync[s] >> 16) & 0xff;
    if (sync[s] != 0 && semaphore >= sizes_.semaphores) return refuse(kSemaphoreIndex, semaphore);
  }
  for (int s = 0; s < 4; ++s) {
    const unsigned semaphore = (sync[s] >> 16) & 0xff;
    if (sync[s] == 0) continue;
    const unsigned bound = (s < 2 ? waiter_ : signaller_)[semaphore];
    if (bound != 0 && bound != unit) return refuse(kSemaphoreBinding, semaphore);
  }

  Observed& o = out.command;
  o.unit = unit;
  o.index = index;
  o.record = command.Get(0, 24, 1);
  o.raise_irq = command.Get(0, 25, 1);
  o.sync = sync;

  // Local indices are kept in one bit more than the larger memory's.
  const unsigned local_width = std::max(std::max(Log2Ceil(sizes_.scratchpad_lines), 1u),
                                        std::max(Log2Ceil(sizes_.accumulator_rows), 1u)) +
                               1;
  const auto local = [&](uint64_t value) {
    return static_cast<uint32_t>(Truncate(value, local_width));
  };

  if (load || store) {
    const unsigned space = command.Get(6, 0, 8);
    const unsigned tag = command.Get(6, 8, 8), conversion = command.Get(6, 8, 8);
    const bool relu = store && command.Get(6, 16, 1), per_column = store && command.Get(6, 17, 1);
    const uint32_t scale = store ? command.Get(6, 32, 32) : 0;
    const uint32_t scale_line = store ? command.Get(13, 0, 32) : 0;
    if (space > 1) return refuse(kFormat);
    if (load && (space == 1 ? tag != 1 && tag != 2 : tag != 0)) return refuse(kFormat);
    if (store && space == 0 && (conversion || relu || per_column || scale || scale_line))
      return refuse(kFormat);
    if (store && space == 1) {
      if (conversion > 2) return refuse(kFormat);
      if (per_column && conversion != 2) return refuse(kFormat);
      if (scale && (conversion != 2 || per_column)) return refuse(kFormat);
      if (scale_line && !per_column) return refuse(kFormat);
    }

    const uint64_t run = command.Get(4, 0, 32);
    Wide rows = 1;
    std::array<Wide, 4> count, stride;
    for (int d = 0; d < 4; ++d) {
      count[d] = command.Get(7 + d / 2, 32 * (d % 2), 32);
      stride[d] = static_cast<int64_t>(command.word[9 + d]);
    }
    for (int d = 0; d < 4; ++d) {
      if (count[d] == 0) return refuse(kSize);
      rows *= count[d];
      if (rows > 65536) rows = 65537;  // stays too large
    }
    if (rows > 65536 || run == 0 || run > (1u << 20)) return refuse(kSize);
    if (space == 1) {
      const unsigned element = load || conversion == 0 ? 4 : conversion == 1 ? 2 : 1;
      if (run % element != 0 || run / element > sizes_.cols) return refuse(kSize);
    }

    const Wide base = command.Get(5, 0, 32), pitch = command.Get(5, 32, 32);
    const Wide lines = space == 1 ? Wide{1} : CeilDivide(run, sizes_.line_bytes);
    const Wide end = base + (rows - 1) * pitch + lines;
    if (end > (space == 1 ? sizes_.accumulator_rows : sizes_.scratchpad_lines)) {
      return refuse(kLocalRange, static_cast<uint64_t>(end));
    }
    if (per_column) {
      const Wide scale_end = Wide{scale_line} + CeilDivide(4 * sizes_.cols, sizes_.line_bytes);
      if (scale_end > sizes_.scratchpad_lines)
        return refuse(kLocalRange, static_cast<uint64_t>(scale_end));
    }

    const uint64_t address = command.word[3];
    Wide least = address, greatest = Wide{address} + run - 1;
    for (int d = 0; d < 4; ++d) (stride[d] < 0 ? least : greatest) += (count[d] - 1) * stride[d];
    const Wide top = Wide{1} << sizes_.address_width;
    if (Wide{address} >= top || least < 0 || greatest >= top) return refuse(kAddress, address);
    bool granted = false;
    for (const Window& w : windows_) {
      granted = granted || (((w.permit >> (store ? 1 : 0)) & 1) && least >= Wide{w.base} &&
                            greatest <= Wide{w.last});
    }
    if (!granted) return refuse(kWindow, address);
    if (store && space == 1 && conversion == 2 && !per_column) {
      const bool negative = scale >> 31, finite = ((scale >> 23) & 0xff) != 0xff,
                 zero = (scale << 1) == 0;
      if (negative || !finite || zero) return refuse(kScale);
    }

    o.base = address;
    o.run = run;
    o.rows = static_cast<uint32_t>(rows);
    o.local_base = local(command.Get(5, 0, 32));
    o.local_pitch = local(command.Get(5, 32, 32));
    const bool row_wait = ((sync[0] | sync[1]) >> 29) & 1;
    o.merge = stride[0] == Wide{run} && count[0] > 1 && !row_wait &&
              Wide{run} * count[0] < (Wide{1} << 32);
    o.merged_run = o.merge ? static_cast<uint32_t>(Wide{run} * count[0]) : 0;
    o.accumulators = space == 1;
    for (int d = 0; d < 4; ++d) {
      o.count[d] = static_cast<uint32_t>(count[d]);
      o.stride[d] = Truncate(command.word[9 + d], sizes_.address_width);
    }
    if (load) o.tag = tag;
    if (store) {
      o.conversion = conversion;
      o.relu = relu;
      o.per_column = per_column;
      o.scale = scale;
      o.scale_line = local(scale_line);
    }
  }

  if (matrix) {
    const unsigned format = command.Get(3, 0, 8);
    if (!(format == 1 && sizes_.int8) && !(format == 2 && sizes_.bf16)) return refuse(kFormat);
    const unsigned bytes = format == 2 ? 2 : 1;
    const uint64_t m = command.Get(4, 0, 32), n = command.Get(4, 32, 32), k = command.Get(5, 0, 32);
    const uint64_t block = uint64_t{sizes_.rows} * (format == 1 ? 2 : 1);
    if (m == 0 || n == 0 || k == 0 || m > 65536 || k > 65536 || n * bytes > (1u << 20))
      return refuse(kSize);
    const uint64_t blocks = (k + block - 1) / block, strips = (n + sizes_.cols - 1) / sizes_.cols;
    const Wide c_pitch = command.Get(8, 32, 32);
    if (blocks > 65535 || (strips > 1 && c_pitch < Wide{m})) return refuse(kSize);
    const Wide a_end = Wide{command.Get(6, 0, 32)} + (Wide{m} - 1) * command.Get(6, 32, 32) +
                       CeilDivide(k * bytes, sizes_.line_bytes);
    const Wide b_end = Wide{command.Get(7, 0, 32)} + (Wide{k} - 1) * command.Get(7, 32, 32) +
                       CeilDivide(n * bytes, sizes_.line_bytes);
    const Wide c_end = Wide{command.Get(8, 0, 32)} + (Wide{strips} - 1) * c_pitch + m;
    if (a_end > sizes_.scratchpad_lines) return refuse(kLocalRange, static_cast<uint64_t>(a_end));
    if (b_end > sizes_.scratchpad_lines) return refuse(kLocalRange, static_cast<uint64_t>(b_end));
    if (c_end > sizes_.accumulator_rows) return refuse(kLocalRange, static_cast<uint64_t>(c_end));
    o.int8 = format == 1;
    o.accumulate = command.Get(3, 8, 1);
    o.strip_outer = command.Get(3, 9, 1);
    o.m = m;
    o.blocks = blocks;
    o.strips = strips;
    o.last_k = k - (blocks - 1) * block;
    o.last_n = n - (strips - 1) * sizes_.cols;
    o.a_base = local(command.Get(6, 0, 32));
    o.a_pitch = local(command.Get(6, 32, 32));
    o.b_base = local(command.Get(7, 0, 32));
    o.b_pitch = local(command.Get(7, 32, 32));
    o.c_base = local(command.Get(8, 0, 32));
    o.c_pitch = local(command.Get(8, 32, 32));
  }

  for (int s = 0; s < 4; ++s) {
    if (sync[s] != 0) (s < 2 ? waiter_ : signaller_)[(sync[s] >> 16) & 0xff] = unit;
  }
  return out;
}

}  // namespace systolith::test
