#include "decode.h"

#include <algorithm>

#include "systolith/model/formats.h"

namespace systolith::model {
namespace {

constexpr std::uint64_t kMostRows = 1u << 16;
constexpr std::uint64_t kMostRun = 1u << 20;
constexpr std::uint64_t kMostBlocks = 65535;

using Result = std::optional<Fault>;

constexpr std::uint64_t ceiling(std::uint64_t value, std::uint64_t part) {
  return (value + part - 1) / part;
}

Sync parse_sync(std::uint64_t raw) {
  return {static_cast<std::uint32_t>(SYSTOLITH_GET(&raw, SYNC_COUNT)),
          static_cast<unsigned>(SYSTOLITH_GET(&raw, SYNC_SEMAPHORE)),
          static_cast<unsigned>(SYSTOLITH_GET(&raw, SYNC_ROWS_LOG2)),
          SYSTOLITH_GET(&raw, SYNC_BY_ROWS) != 0};
}

bool is_transfer(const Command& c) {
  return c.opcode == SYSTOLITH_OPCODE_LOAD || c.opcode == SYSTOLITH_OPCODE_STORE;
}

bool unit_matches(const Command& c) {
  switch (c.opcode) {
    case SYSTOLITH_OPCODE_NOP:
      return c.unit == SYSTOLITH_UNIT_COMMAND_PROCESSOR;
    case SYSTOLITH_OPCODE_LOAD:
      return c.unit == SYSTOLITH_UNIT_LOAD;
    case SYSTOLITH_OPCODE_MATRIX:
      return c.unit == SYSTOLITH_UNIT_MATRIX;
    case SYSTOLITH_OPCODE_STORE:
      return c.unit == SYSTOLITH_UNIT_STORE;
    default:
      return false;
  }
}

bool bad_sync(std::uint64_t raw) {
  return (raw & ~std::uint64_t{SYSTOLITH_SYNC_DEFINED}) != 0 ||
         (SYSTOLITH_GET(&raw, SYNC_COUNT) == 0 && raw != 0) ||
         (SYSTOLITH_GET(&raw, SYNC_BY_ROWS) == 0 && SYSTOLITH_GET(&raw, SYNC_ROWS_LOG2) != 0);
}

bool reserved_bits(const Command& c) {
  static constexpr std::uint64_t kNop[SYSTOLITH_COMMAND_WORDS] = {
      0x03FFFFFF};  // no waits, no signals
  static constexpr std::uint64_t kLoad[] = SYSTOLITH_LOAD_DEFINED;
  static constexpr std::uint64_t kMatrix[] = SYSTOLITH_MATRIX_DEFINED;
  static constexpr std::uint64_t kStore[] = SYSTOLITH_STORE_DEFINED;
  const std::uint64_t* defined = c.opcode == SYSTOLITH_OPCODE_LOAD     ? kLoad
                                 : c.opcode == SYSTOLITH_OPCODE_MATRIX ? kMatrix
                                 : c.opcode == SYSTOLITH_OPCODE_STORE  ? kStore
                                                                       : kNop;
  for (unsigned w = 0; w < SYSTOLITH_COMMAND_WORDS; ++w) {
    if ((c.raw.words[w] & ~defined[w]) != 0) return true;
  }
  const std::uint64_t* words = c.raw.words;
  return bad_sync(SYSTOLITH_GET(words, HEADER_WAIT_0)) ||
         bad_sync(SYSTOLITH_GET(words, HEADER_WAIT_1)) ||
         bad_sync(SYSTOLITH_GET(words, HEADER_SIGNAL_0)) ||
         bad_sync(SYSTOLITH_GET(words, HEADER_SIGNAL_1));
}

Result check_semaphores(const Command& c, const Configuration& configuration,
                        std::span<const Binding> bindings) {
  for (const auto* ends : {&c.waits, &c.signals}) {
    for (const Sync& sync : *ends) {
      if (sync.semaphore >= configuration.semaphores) {
        return Fault{SYSTOLITH_CAUSE_SEMAPHORE_INDEX, sync.semaphore};
      }
    }
  }
  const auto refused = [&](const Sync& sync, std::uint8_t bound) {
    return sync.count != 0 && bound != 0 && bound != c.unit;
  };
  for (const Sync& sync : c.waits) {
    if (refused(sync, bindings[sync.semaphore].wait_unit)) {
      return Fault{SYSTOLITH_CAUSE_SEMAPHORE_BINDING, sync.semaphore};
    }
  }
  for (const Sync& sync : c.signals) {
    if (refused(sync, bindings[sync.semaphore].signal_unit)) {
      return Fault{SYSTOLITH_CAUSE_SEMAPHORE_BINDING, sync.semaphore};
    }
  }
  return {};
}

bool bad_format(const Command& c, const Configuration& configuration) {
  const std::uint64_t* words = c.raw.words;
  switch (c.opcode) {
    case SYSTOLITH_OPCODE_LOAD: {
      const auto space = SYSTOLITH_GET(words, LOAD_SPACE);
      if (space == SYSTOLITH_SPACE_SCRATCHPAD) return c.tag != SYSTOLITH_TAG_NONE;
      return space != SYSTOLITH_SPACE_ACCUMULATORS ||
             (c.tag != SYSTOLITH_TAG_FP32 && c.tag != SYSTOLITH_TAG_INT32);
    }
    case SYSTOLITH_OPCODE_MATRIX: {
      const auto format = SYSTOLITH_GET(words, MATRIX_FORMAT);
      return !(format == SYSTOLITH_FORMAT_BF16 && configuration.format_bf16) &&
             !(format == SYSTOLITH_FORMAT_INT8 && configuration.format_int8);
    }
    case SYSTOLITH_OPCODE_STORE: {
      const auto space = SYSTOLITH_GET(words, STORE_SPACE);
      if (space == SYSTOLITH_SPACE_SCRATCHPAD) {
        return c.conversion != SYSTOLITH_CONVERSION_RAW || c.relu || c.scale_per_column ||
               c.scale != 0 || c.scale_line != 0;
      }
      const bool scaled = c.conversion == SYSTOLITH_CONVERSION_INT8;
      return space != SYSTOLITH_SPACE_ACCUMULATORS || c.conversion > SYSTOLITH_CONVERSION_INT8 ||
             (c.scale_per_column && !scaled) || (c.scale != 0 && (!scaled || c.scale_per_column)) ||
             (c.scale_line != 0 && !c.scale_per_column);
    }
    default:
      return false;
  }
}

bool bad_size(const Command& c, const Configuration& configuration) {
  if (is_transfer(c)) {
    const Transfer& t = c.transfer;
    std::uint64_t rows = 1;
    for (const std::uint32_t count : t.count) {
      rows *= count;
      if (count == 0 || rows > kMostRows) return true;
    }
    if (t.run == 0 || t.run > kMostRun) return true;
    if (!c.accumulators) return false;
    const unsigned element = c.stored_bytes();
    return t.run > configuration.cols * element || t.run % element != 0;
  }
  if (c.opcode == SYSTOLITH_OPCODE_MATRIX) {
    const unsigned element = c.int8 ? 1 : 2;
    if (c.m == 0 || c.n == 0 || c.k == 0 || c.m > kMostRows || c.k > kMostRows) return true;
    if (std::uint64_t{c.n} * element > kMostRun) return true;
    return c.blocks > kMostBlocks || (c.strips > 1 && c.c_pitch < c.m);
  }
  return false;
}

/// End of `rows` rows of `length` lines or accumulator rows.
std::uint64_t range_end(std::uint64_t base, std::uint64_t rows, std::uint64_t pitch,
                        std::uint64_t length) {
  return base + (rows - 1) * pitch + length;
}

Result check_local(const Command& c, const Configuration& configuration) {
  const std::uint64_t line = configuration.line_bytes();
  const auto within = [](std::uint64_t end, std::uint64_t size) -> Result {
    if (end <= size) return {};
    return Fault{SYSTOLITH_CAUSE_LOCAL_RANGE, end};
  };
  if (is_transfer(c)) {
    const Transfer& t = c.transfer;
    const std::uint64_t lines = c.accumulators ? 1 : ceiling(t.run, line);
    const std::uint64_t size =
        c.accumulators ? configuration.accumulator_rows : configuration.scratchpad_lines;
    const Result fault = within(range_end(t.local_base, t.rows, t.local_pitch, lines), size);
    if (fault || !c.scale_per_column) return fault;
    return within(
        std::uint64_t{c.scale_line} + ceiling(4 * std::uint64_t{configuration.cols}, line),
        configuration.scratchpad_lines);
  }
  if (c.opcode == SYSTOLITH_OPCODE_MATRIX) {
    const unsigned element = c.int8 ? 1 : 2;
    const std::uint64_t a_lines = ceiling(std::uint64_t{c.k} * element, line);
    const std::uint64_t b_lines = ceiling(std::uint64_t{c.n} * element, line);
    if (const Result fault =
            within(range_end(c.a_base, c.m, c.a_pitch, a_lines), configuration.scratchpad_lines)) {
      return fault;
    }
    if (const Result fault =
            within(range_end(c.b_base, c.k, c.b_pitch, b_lines), configuration.scratchpad_lines)) {
      return fault;
    }
    return within(range_end(c.c_base, c.strips, c.c_pitch, c.m), configuration.accumulator_rows);
  }
  return {};
}

Result check_memory(const Transfer& t, bool write, const Configuration& configuration,
                    std::span<const Window> windows) {
  using Wide = __int128;
  Wide first = t.address;
  Wide last = Wide{t.address} + t.run - 1;
  for (unsigned d = 0; d < 4; ++d) {
    const Wide reach = Wide{static_cast<std::int64_t>(t.stride[d])} * (t.count[d] - 1);
    (reach < 0 ? first : last) += reach;
  }
  const Wide limit = configuration.last_address();
  if (Wide{t.address} > limit || first < 0 || last > limit)
    return Fault{SYSTOLITH_CAUSE_ADDRESS, t.address};
  if (!granted(windows, static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last),
               write)) {
    return Fault{SYSTOLITH_CAUSE_WINDOW, t.address};
  }
  return {};
}

}  // namespace

std::uint64_t Sync::total(std::uint64_t rows) const {
  return by_rows ? count * ceiling(rows, std::uint64_t{1} << rows_log2) : count;
}

std::uint64_t Command::rows() const {
  return opcode == SYSTOLITH_OPCODE_MATRIX ? blocks * strips * m : transfer.rows;
}

unsigned Command::stored_bytes() const {
  if (opcode == SYSTOLITH_OPCODE_LOAD) return 4;
  return conversion == SYSTOLITH_CONVERSION_RAW    ? 4
         : conversion == SYSTOLITH_CONVERSION_BF16 ? 2
                                                   : 1;
}

bool granted(std::span<const Window> windows, std::uint64_t first, std::uint64_t last, bool write) {
  return std::any_of(windows.begin(), windows.end(), [&](const Window& w) {
    return (write ? w.write : w.read) && w.base <= first && last <= w.last;
  });
}

Command parse(const systolith_command_t& raw, const Configuration& configuration) {
  const std::uint64_t* words = raw.words;
  const auto half = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  Command c;
  c.raw = raw;
  c.opcode = static_cast<std::uint8_t>(SYSTOLITH_GET(words, HEADER_OPCODE));
  c.unit = static_cast<std::uint8_t>(SYSTOLITH_GET(words, HEADER_UNIT));
  c.record = SYSTOLITH_GET(words, HEADER_RECORD) != 0;
  c.interrupt = SYSTOLITH_GET(words, HEADER_INTERRUPT) != 0;
  c.waits = {parse_sync(SYSTOLITH_GET(words, HEADER_WAIT_0)),
             parse_sync(SYSTOLITH_GET(words, HEADER_WAIT_1))};
  c.signals = {parse_sync(SYSTOLITH_GET(words, HEADER_SIGNAL_0)),
               parse_sync(SYSTOLITH_GET(words, HEADER_SIGNAL_1))};
  if (is_transfer(c)) {
    Transfer& t = c.transfer;
    t.address = SYSTOLITH_GET(words, TRANSFER_ADDRESS);
    t.run = half(SYSTOLITH_GET(words, TRANSFER_RUN));
    t.local_base = half(SYSTOLITH_GET(words, TRANSFER_LOCAL_BASE));
    t.local_pitch = half(SYSTOLITH_GET(words, TRANSFER_LOCAL_PITCH));
    t.count = {
        half(SYSTOLITH_GET(words, TRANSFER_COUNT_0)), half(SYSTOLITH_GET(words, TRANSFER_COUNT_1)),
        half(SYSTOLITH_GET(words, TRANSFER_COUNT_2)), half(SYSTOLITH_GET(words, TRANSFER_COUNT_3))};
    t.stride = {SYSTOLITH_GET(words, TRANSFER_STRIDE_0), SYSTOLITH_GET(words, TRANSFER_STRIDE_1),
                SYSTOLITH_GET(words, TRANSFER_STRIDE_2), SYSTOLITH_GET(words, TRANSFER_STRIDE_3)};
    t.rows = 1;
    for (const std::uint32_t count : t.count) t.rows *= count;
  }
  if (c.opcode == SYSTOLITH_OPCODE_LOAD) {
    c.accumulators = SYSTOLITH_GET(words, LOAD_SPACE) == SYSTOLITH_SPACE_ACCUMULATORS;
    c.tag = static_cast<std::uint8_t>(SYSTOLITH_GET(words, LOAD_TAG));
  }
  if (c.opcode == SYSTOLITH_OPCODE_STORE) {
    c.accumulators = SYSTOLITH_GET(words, STORE_SPACE) == SYSTOLITH_SPACE_ACCUMULATORS;
    c.conversion = static_cast<std::uint8_t>(SYSTOLITH_GET(words, STORE_CONVERSION));
    c.relu = SYSTOLITH_GET(words, STORE_RELU) != 0;
    c.scale_per_column = SYSTOLITH_GET(words, STORE_SCALE_PER_COLUMN) != 0;
    c.scale = half(SYSTOLITH_GET(words, STORE_SCALE));
    c.scale_line = half(SYSTOLITH_GET(words, STORE_SCALE_LINE));
  }
  if (c.opcode == SYSTOLITH_OPCODE_MATRIX) {
    c.int8 = SYSTOLITH_GET(words, MATRIX_FORMAT) == SYSTOLITH_FORMAT_INT8;
    c.accumulate = SYSTOLITH_GET(words, MATRIX_ACCUMULATE) != 0;
    c.strip_outer = SYSTOLITH_GET(words, MATRIX_STRIP_OUTER) != 0;
    c.m = half(SYSTOLITH_GET(words, MATRIX_M));
    c.n = half(SYSTOLITH_GET(words, MATRIX_N));
    c.k = half(SYSTOLITH_GET(words, MATRIX_K));
    c.a_base = half(SYSTOLITH_GET(words, MATRIX_A_BASE));
    c.a_pitch = half(SYSTOLITH_GET(words, MATRIX_A_PITCH));
    c.b_base = half(SYSTOLITH_GET(words, MATRIX_B_BASE));
    c.b_pitch = half(SYSTOLITH_GET(words, MATRIX_B_PITCH));
    c.c_base = half(SYSTOLITH_GET(words, MATRIX_C_BASE));
    c.c_pitch = half(SYSTOLITH_GET(words, MATRIX_C_PITCH));
    c.strips = ceiling(c.n, configuration.cols);
    c.blocks = ceiling(c.k, configuration.block_k(c.int8));
  }
  return c;
}

std::optional<Fault> check(const Command& c, const Configuration& configuration,
                           std::span<const Window> windows, std::span<Binding> bindings) {
  if (SYSTOLITH_GET(c.raw.words, HEADER_VERSION) != SYSTOLITH_HEADER_VERSION_VALUE) {
    return Fault{SYSTOLITH_CAUSE_VERSION};
  }
  if (!unit_matches(c)) return Fault{SYSTOLITH_CAUSE_OPCODE};
  if (reserved_bits(c)) return Fault{SYSTOLITH_CAUSE_RESERVED};
  if (const Result fault = check_semaphores(c, configuration, bindings)) return fault;
  if (bad_format(c, configuration)) return Fault{SYSTOLITH_CAUSE_FORMAT};
  if (bad_size(c, configuration)) return Fault{SYSTOLITH_CAUSE_SIZE};
  if (const Result fault = check_local(c, configuration)) return fault;
  if (is_transfer(c)) {
    const bool write = c.opcode == SYSTOLITH_OPCODE_STORE;
    if (const Result fault = check_memory(c.transfer, write, configuration, windows)) return fault;
  }
  if (c.opcode == SYSTOLITH_OPCODE_STORE && c.conversion == SYSTOLITH_CONVERSION_INT8 &&
      !c.scale_per_column && !is_scale(c.scale)) {
    return Fault{SYSTOLITH_CAUSE_SCALE};
  }
  for (const Sync& sync : c.waits) {
    if (sync.count != 0) bindings[sync.semaphore].wait_unit = c.unit;
  }
  for (const Sync& sync : c.signals) {
    if (sync.count != 0) bindings[sync.semaphore].signal_unit = c.unit;
  }
  return {};
}

}  // namespace systolith::model
