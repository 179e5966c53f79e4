#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace systolith::test {

/// What was built.
struct Sizes {
  unsigned rows, cols, line_bytes, scratchpad_lines, accumulator_rows, address_width, semaphores,
      windows, bus_bytes, max_burst_beats, fetch_buffer, queue_depth;
  bool bf16, int8;
};

struct Command {
  std::array<uint64_t, 16> word{};
  /// Replaces bits lsb .. lsb + width - 1 of a word.
  Command& Set(unsigned index, unsigned lsb, unsigned width, uint64_t value) {
    const uint64_t mask = (width == 64 ? ~uint64_t{0} : ((uint64_t{1} << width) - 1)) << lsb;
    word[index] = (word[index] & ~mask) | ((value << lsb) & mask);
    return *this;
  }
  uint64_t Get(unsigned index, unsigned lsb, unsigned width) const {
    return (word[index] >> lsb) & (width == 64 ? ~uint64_t{0} : ((uint64_t{1} << width) - 1));
  }
};

struct Window {
  uint64_t base, last;
  unsigned permit;  // bit 0 read, bit 1 write
};

/// A command as its unit takes it; only the fields of its unit are set.
struct Observed {
  unsigned unit = 0;  // 1 load, 2 matrix, 3 store
  uint32_t index = 0;
  bool record = false, raise_irq = false;
  std::array<uint32_t, 4> sync{};
  // transfers
  uint64_t base = 0;
  uint32_t run = 0, merged_run = 0, rows = 0, local_base = 0, local_pitch = 0;
  bool merge = false, accumulators = false;
  std::array<uint32_t, 4> count{};
  std::array<uint64_t, 4> stride{};
  unsigned tag = 0, conversion = 0;
  bool relu = false, per_column = false;
  uint32_t scale = 0, scale_line = 0;
  // matrix
  bool int8 = false, accumulate = false, strip_outer = false;
  uint32_t m = 0, blocks = 0, strips = 0, last_k = 0, last_n = 0;
  uint32_t a_base = 0, a_pitch = 0, b_base = 0, b_pitch = 0, c_base = 0, c_pitch = 0;

  bool operator==(const Observed&) const = default;
};

struct Decoded {
  unsigned cause = 0;  // 0: accepted
  uint64_t address = 0;
  Observed command;  // if accepted and not NOP (unit 0)
};

/// Section 4 of docs/interfaces.md as a program: checks in the order of 4.6 with exact arithmetic,
/// in one go. Keeps the semaphores' bindings of the commands it accepted.
class ReferenceDecoder {
 public:
  ReferenceDecoder(const Sizes& sizes, std::vector<Window> windows)
      : sizes_(sizes),
        windows_(std::move(windows)),
        signaller_(sizes.semaphores),
        waiter_(sizes.semaphores) {}

  Decoded Decode(uint32_t index, const Command& command);

 private:
  Sizes sizes_;
  std::vector<Window> windows_;
  std::vector<unsigned> signaller_, waiter_;
};

}  // namespace systolith::test
