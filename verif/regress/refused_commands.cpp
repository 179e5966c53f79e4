#include "refused_commands.hpp"

#include "program_generator.hpp"
#include "steps.hpp"

namespace systolith::regress {
// A field other than what it should be.
#define WITH(base, field, value)                 \
  [&] {                                          \
    systolith_command_t command_ = (base);       \
    SYSTOLITH_SET(command_.words, field, value); \
    return command_;                             \
  }()

std::vector<RefusedCommand> refused_commands(const model::Configuration& c) {
  const std::uint32_t row_bytes = 4 * c.cols;
  const systolith_command_t read = command(load(kInputs, kRefusedBytes, 0));
  const systolith_command_t seed = command(load_rows(kInputs, row_bytes, 0, SYSTOLITH_TAG_FP32));
  const systolith_command_t product =
      command(matrix(2, c.cols, c.rows, 0, c.scratchpad_lines / 2, 0));
  const systolith_command_t write = command(store(kOutputs + 4096, kRefusedBytes, 0));
  const systolith_command_t drain = command(store_rows(kOutputs + 4096, row_bytes, 0));
  const systolith_command_t scaled =
      WITH(WITH(WITH(drain, TRANSFER_RUN, c.cols), STORE_CONVERSION, SYSTOLITH_CONVERSION_INT8),
           STORE_SCALE, 0x3f800000);
  const auto raw = [](const systolith_command_t& base, unsigned word, std::uint64_t bits) {
    systolith_command_t command = base;
    command.words[word] ^= bits;
    return command;
  };
  constexpr unsigned kL = SYSTOLITH_UNIT_LOAD, kM = SYSTOLITH_UNIT_MATRIX,
                     kS = SYSTOLITH_UNIT_STORE;
  std::vector<RefusedCommand> rows;
  const auto add = [&](const char* name, const systolith_command_t& command, unsigned cause,
                       unsigned unit, std::uint64_t address = 0) {
    rows.push_back({name, command, cause, unit, address});
  };

  add("version 0", WITH(read, HEADER_VERSION, 0), SYSTOLITH_CAUSE_VERSION, kNoUnit);
  add("version of the future", WITH(read, HEADER_VERSION, 2), SYSTOLITH_CAUSE_VERSION, kNoUnit);
  add("nothing but zeros", systolith_command_t{}, SYSTOLITH_CAUSE_VERSION, kNoUnit);
  add("opcode 0", WITH(read, HEADER_OPCODE, 0), SYSTOLITH_CAUSE_OPCODE, kNoUnit);
  add("unknown opcode", WITH(read, HEADER_OPCODE, 0x40), SYSTOLITH_CAUSE_OPCODE, kNoUnit);
  add("unit of another opcode", WITH(read, HEADER_UNIT, SYSTOLITH_UNIT_STORE),
      SYSTOLITH_CAUSE_OPCODE, kNoUnit);
  add("unit that does not exist", WITH(write, HEADER_UNIT, 4), SYSTOLITH_CAUSE_OPCODE, kNoUnit);

  add("reserved bit of the header", raw(read, 0, 1ull << 26), SYSTOLITH_CAUSE_RESERVED, kL);
  add("reserved bit of a load", raw(read, 13, 1), SYSTOLITH_CAUSE_RESERVED, kL);
  add("reserved bit of a product", raw(product, 3, 1 << 10), SYSTOLITH_CAUSE_RESERVED, kM);
  add("reserved bit of a store", raw(write, 15, 1ull << 63), SYSTOLITH_CAUSE_RESERVED, kS);
  add("reserved bit of a wait", raw(read, 1, 1 | 1ull << 30), SYSTOLITH_CAUSE_RESERVED, kL);
  add("semaphore without a count", raw(read, 2, 3 << 16), SYSTOLITH_CAUSE_RESERVED, kL);
  add("rows_log2 without by_rows", raw(read, 2, 1 | 1ull << 24), SYSTOLITH_CAUSE_RESERVED, kL);
  add("NOP that waits", raw(nop(), 1, 1), SYSTOLITH_CAUSE_RESERVED,
      SYSTOLITH_UNIT_COMMAND_PROCESSOR);

  add("semaphore that is not built", raw(read, 2, 1 | std::uint64_t{c.semaphores} << 16),
      SYSTOLITH_CAUSE_SEMAPHORE_INDEX, kL, c.semaphores);
  add("last possible semaphore", raw(read, 1, 1 | 255ull << 16), SYSTOLITH_CAUSE_SEMAPHORE_INDEX,
      kL, 255);
  add("signal of another unit's semaphore", raw(product, 2, 1 | 2 << 16),
      SYSTOLITH_CAUSE_SEMAPHORE_BINDING, kM, 2);
  add("wait for another unit's semaphore", raw(product, 1, 1 | 2 << 16),
      SYSTOLITH_CAUSE_SEMAPHORE_BINDING, kM, 2);

  add("unknown operand format", WITH(product, MATRIX_FORMAT, 0), SYSTOLITH_CAUSE_FORMAT, kM);
  add("reserved operand format", WITH(product, MATRIX_FORMAT, SYSTOLITH_FORMAT_FP16),
      SYSTOLITH_CAUSE_FORMAT, kM);
  add("unknown space of a load", WITH(read, LOAD_SPACE, 2), SYSTOLITH_CAUSE_FORMAT, kL);
  add("unknown space of a store", WITH(write, STORE_SPACE, 2), SYSTOLITH_CAUSE_FORMAT, kS);
  add("tag of scratchpad lines", WITH(read, LOAD_TAG, SYSTOLITH_TAG_FP32), SYSTOLITH_CAUSE_FORMAT,
      kL);
  add("accumulator rows without a tag", WITH(seed, LOAD_TAG, 0), SYSTOLITH_CAUSE_FORMAT, kL);
  add("unknown tag", WITH(seed, LOAD_TAG, 3), SYSTOLITH_CAUSE_FORMAT, kL);
  add("unknown conversion", WITH(drain, STORE_CONVERSION, 3), SYSTOLITH_CAUSE_FORMAT, kS);
  add("conversion of scratchpad lines", WITH(write, STORE_CONVERSION, SYSTOLITH_CONVERSION_BF16),
      SYSTOLITH_CAUSE_FORMAT, kS);
  add("ReLU of scratchpad lines", WITH(write, STORE_RELU, 1), SYSTOLITH_CAUSE_FORMAT, kS);
  add("scale where none is used", WITH(drain, STORE_SCALE, 0x3f800000), SYSTOLITH_CAUSE_FORMAT, kS);
  add("scale line where none is used", WITH(drain, STORE_SCALE_LINE, 1), SYSTOLITH_CAUSE_FORMAT,
      kS);
  add("two kinds of scale", WITH(scaled, STORE_SCALE_PER_COLUMN, 1), SYSTOLITH_CAUSE_FORMAT, kS);

  add("run of 0", WITH(read, TRANSFER_RUN, 0), SYSTOLITH_CAUSE_SIZE, kL);
  add("run past 2^20", WITH(read, TRANSFER_RUN, (1 << 20) + 1), SYSTOLITH_CAUSE_SIZE, kL);
  add("run of 2^32 - 1", WITH(write, TRANSFER_RUN, 0xffffffff), SYSTOLITH_CAUSE_SIZE, kS);
  add("count of 0", WITH(read, TRANSFER_COUNT_2, 0), SYSTOLITH_CAUSE_SIZE, kL);
  add("2^16 + 1 rows", WITH(read, TRANSFER_COUNT_0, 65537), SYSTOLITH_CAUSE_SIZE, kL);
  add("counts whose product overflows",
      WITH(WITH(write, TRANSFER_COUNT_0, 0x80000000), TRANSFER_COUNT_1, 2), SYSTOLITH_CAUSE_SIZE,
      kS);
  add("seed wider than the array", WITH(seed, TRANSFER_RUN, row_bytes + 4), SYSTOLITH_CAUSE_SIZE,
      kL);
  add("seed of a part of an element", WITH(seed, TRANSFER_RUN, 3), SYSTOLITH_CAUSE_SIZE, kL);
  add("store wider than the array", WITH(drain, TRANSFER_RUN, row_bytes + 4), SYSTOLITH_CAUSE_SIZE,
      kS);
  add("converted store wider than the array", WITH(scaled, TRANSFER_RUN, c.cols + 1),
      SYSTOLITH_CAUSE_SIZE, kS);
  add("M of 0", WITH(product, MATRIX_M, 0), SYSTOLITH_CAUSE_SIZE, kM);
  add("N of 0", WITH(product, MATRIX_N, 0), SYSTOLITH_CAUSE_SIZE, kM);
  add("K of 0", WITH(product, MATRIX_K, 0), SYSTOLITH_CAUSE_SIZE, kM);
  add("M past 2^16", WITH(product, MATRIX_M, 65537), SYSTOLITH_CAUSE_SIZE, kM);
  add("K past 2^16", WITH(product, MATRIX_K, 65537), SYSTOLITH_CAUSE_SIZE, kM);
  add("N of 2^32 - 1", WITH(product, MATRIX_N, 0xffffffff), SYSTOLITH_CAUSE_SIZE, kM);
  add("strips on top of each other", WITH(WITH(product, MATRIX_N, c.cols + 1), MATRIX_C_PITCH, 1),
      SYSTOLITH_CAUSE_SIZE, kM);

  const std::uint64_t lines = c.scratchpad_lines, accumulators = c.accumulator_rows;
  const std::uint64_t span =
      (kRefusedBytes + c.line_bytes() - 1) / c.line_bytes();  // lines of a run
  add("load past the last line", WITH(read, TRANSFER_LOCAL_BASE, lines),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kL, lines + span);
  add("load whose local range overflows",
      WITH(WITH(WITH(read, TRANSFER_COUNT_0, 3), TRANSFER_LOCAL_BASE, 2), TRANSFER_LOCAL_PITCH,
           0xffffffff),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kL, 2 + 2 * 0xffffffffull + span);
  add("seed past the last row", WITH(seed, TRANSFER_LOCAL_BASE, accumulators),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kL, accumulators + 1);
  add("store past the last line", WITH(write, TRANSFER_LOCAL_BASE, 0xffffffff),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kS, 0xffffffff + span);
  add("store past the last row", WITH(drain, TRANSFER_LOCAL_BASE, accumulators),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kS, accumulators + 1);
  add("scales past the last line",
      WITH(WITH(WITH(scaled, STORE_SCALE, 0), STORE_SCALE_PER_COLUMN, 1), STORE_SCALE_LINE, lines),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kS, lines + (row_bytes + c.line_bytes() - 1) / c.line_bytes());
  add("A past the last line", WITH(product, MATRIX_A_BASE, lines - 1), SYSTOLITH_CAUSE_LOCAL_RANGE,
      kM, lines + 1);
  add("B past the last line", WITH(product, MATRIX_B_BASE, lines - c.rows + 1),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kM, lines + 1);
  add("C past the last row", WITH(product, MATRIX_C_BASE, accumulators - 1),
      SYSTOLITH_CAUSE_LOCAL_RANGE, kM, accumulators + 1);

  const std::uint64_t end = c.last_address() + 1;  // of addresses
  add("address past the width", WITH(read, TRANSFER_ADDRESS, end | kInputs),
      SYSTOLITH_CAUSE_ADDRESS, kL, end | kInputs);
  add("address with bit 63", WITH(write, TRANSFER_ADDRESS, 1ull << 63 | kOutputs),
      SYSTOLITH_CAUSE_ADDRESS, kS, 1ull << 63 | kOutputs);
  add("last bytes past the width", WITH(read, TRANSFER_ADDRESS, end - kRefusedBytes + 1),
      SYSTOLITH_CAUSE_ADDRESS, kL, end - kRefusedBytes + 1);
  add("last bytes past 64 bits", WITH(read, TRANSFER_ADDRESS, ~0ull), SYSTOLITH_CAUSE_ADDRESS, kL,
      ~0ull);
  add("stride below address 0",
      WITH(WITH(read, TRANSFER_COUNT_0, 2), TRANSFER_STRIDE_0, -kInputs - 1),
      SYSTOLITH_CAUSE_ADDRESS, kL, kInputs);
  add("strides that wrap to the start",
      WITH(WITH(WITH(read, TRANSFER_COUNT_0, 3), TRANSFER_LOCAL_PITCH, 0), TRANSFER_STRIDE_0,
           end / 2),
      SYSTOLITH_CAUSE_ADDRESS, kL, kInputs);

  add("outside of every window", WITH(read, TRANSFER_ADDRESS, kBase - 64), SYSTOLITH_CAUSE_WINDOW,
      kL, kBase - 64);
  add("one byte before a window", WITH(read, TRANSFER_ADDRESS, kBase - 1), SYSTOLITH_CAUSE_WINDOW,
      kL, kBase - 1);
  add("one byte past the last window",
      WITH(write, TRANSFER_ADDRESS, kBase + kBytes - kRefusedBytes + 1), SYSTOLITH_CAUSE_WINDOW, kS,
      kBase + kBytes - kRefusedBytes + 1);
  add("write to a window for reading", WITH(write, TRANSFER_ADDRESS, kInputs),
      SYSTOLITH_CAUSE_WINDOW, kS, kInputs);
  add("in two windows", WITH(read, TRANSFER_ADDRESS, kOutputs - 1), SYSTOLITH_CAUSE_WINDOW, kL,
      kOutputs - 1);
  add("second row outside", WITH(WITH(write, TRANSFER_COUNT_1, 2), TRANSFER_STRIDE_1, kBytes),
      SYSTOLITH_CAUSE_WINDOW, kS, kOutputs + 4096);

  for (const std::uint32_t bits : {0U, 0x80000000U, 0xbf800000U, 0x7f800000U, 0x7fc00000U})
    add("scale that is not finite and positive", WITH(scaled, STORE_SCALE, bits),
        SYSTOLITH_CAUSE_SCALE, kS);
  return rows;
}

}  // namespace systolith::regress
