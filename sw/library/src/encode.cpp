#include "systolith/library/encode.hpp"

#include <bit>

namespace systolith::library {
namespace {

std::uint32_t encode_sync(const Sync& sync) {
  std::uint64_t word = 0;
  if (sync.count != 0) {
    SYSTOLITH_SET(&word, SYNC_COUNT, sync.count);
    SYSTOLITH_SET(&word, SYNC_SEMAPHORE, sync.semaphore);
    SYSTOLITH_SET(&word, SYNC_ROWS_LOG2, sync.rows_log2);
    SYSTOLITH_SET(&word, SYNC_BY_ROWS, sync.by_rows ? 1 : 0);
  }
  return static_cast<std::uint32_t>(word);
}

template <typename T>
systolith_command_t header(const T& step, std::uint8_t opcode, std::uint8_t unit) {
  systolith_command_t command{};
  std::uint64_t* words = command.words;
  SYSTOLITH_SET(words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(words, HEADER_OPCODE, opcode);
  SYSTOLITH_SET(words, HEADER_UNIT, unit);
  SYSTOLITH_SET(words, HEADER_WAIT_0, encode_sync(step.wait[0]));
  SYSTOLITH_SET(words, HEADER_WAIT_1, encode_sync(step.wait[1]));
  SYSTOLITH_SET(words, HEADER_SIGNAL_0, encode_sync(step.signal[0]));
  SYSTOLITH_SET(words, HEADER_SIGNAL_1, encode_sync(step.signal[1]));
  return command;
}

void encode_transfer(std::uint64_t* words, const Transfer& transfer) {
  SYSTOLITH_SET(words, TRANSFER_ADDRESS, transfer.address);
  SYSTOLITH_SET(words, TRANSFER_RUN, transfer.run);
  SYSTOLITH_SET(words, TRANSFER_LOCAL_BASE, transfer.local_base);
  SYSTOLITH_SET(words, TRANSFER_LOCAL_PITCH, transfer.local_pitch);
  SYSTOLITH_SET(words, TRANSFER_COUNT_0, transfer.count[0]);
  SYSTOLITH_SET(words, TRANSFER_COUNT_1, transfer.count[1]);
  SYSTOLITH_SET(words, TRANSFER_COUNT_2, transfer.count[2]);
  SYSTOLITH_SET(words, TRANSFER_COUNT_3, transfer.count[3]);
  SYSTOLITH_SET(words, TRANSFER_STRIDE_0, static_cast<std::uint64_t>(transfer.stride[0]));
  SYSTOLITH_SET(words, TRANSFER_STRIDE_1, static_cast<std::uint64_t>(transfer.stride[1]));
  SYSTOLITH_SET(words, TRANSFER_STRIDE_2, static_cast<std::uint64_t>(transfer.stride[2]));
  SYSTOLITH_SET(words, TRANSFER_STRIDE_3, static_cast<std::uint64_t>(transfer.stride[3]));
}

struct Encoder {
  systolith_command_t operator()(const LoadStep& step) const {
    systolith_command_t command = header(step, SYSTOLITH_OPCODE_LOAD, SYSTOLITH_UNIT_LOAD);
    encode_transfer(command.words, step.transfer);
    SYSTOLITH_SET(command.words, LOAD_SPACE,
                  step.accumulators ? SYSTOLITH_SPACE_ACCUMULATORS : SYSTOLITH_SPACE_SCRATCHPAD);
    SYSTOLITH_SET(command.words, LOAD_TAG, step.tag);
    return command;
  }

  systolith_command_t operator()(const MatrixStep& step) const {
    systolith_command_t command = header(step, SYSTOLITH_OPCODE_MATRIX, SYSTOLITH_UNIT_MATRIX);
    std::uint64_t* words = command.words;
    SYSTOLITH_SET(words, MATRIX_FORMAT, static_cast<std::uint8_t>(step.format));
    SYSTOLITH_SET(words, MATRIX_ACCUMULATE, step.accumulate ? 1 : 0);
    SYSTOLITH_SET(words, MATRIX_STRIP_OUTER, step.strip_outer ? 1 : 0);
    SYSTOLITH_SET(words, MATRIX_M, step.m);
    SYSTOLITH_SET(words, MATRIX_N, step.n);
    SYSTOLITH_SET(words, MATRIX_K, step.k);
    SYSTOLITH_SET(words, MATRIX_A_BASE, step.a_base);
    SYSTOLITH_SET(words, MATRIX_A_PITCH, step.a_pitch);
    SYSTOLITH_SET(words, MATRIX_B_BASE, step.b_base);
    SYSTOLITH_SET(words, MATRIX_B_PITCH, step.b_pitch);
    SYSTOLITH_SET(words, MATRIX_C_BASE, step.c_base);
    SYSTOLITH_SET(words, MATRIX_C_PITCH, step.c_pitch);
    return command;
  }

  systolith_command_t operator()(const StoreStep& step) const {
    systolith_command_t command = header(step, SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE);
    std::uint64_t* words = command.words;
    encode_transfer(words, step.transfer);
    SYSTOLITH_SET(words, STORE_SPACE,
                  step.accumulators ? SYSTOLITH_SPACE_ACCUMULATORS : SYSTOLITH_SPACE_SCRATCHPAD);
    SYSTOLITH_SET(words, STORE_CONVERSION, step.conversion);
    SYSTOLITH_SET(words, STORE_RELU, step.relu ? 1 : 0);
    SYSTOLITH_SET(words, STORE_SCALE_PER_COLUMN, step.scale_per_column ? 1 : 0);
    SYSTOLITH_SET(words, STORE_SCALE, std::bit_cast<std::uint32_t>(step.scale));
    SYSTOLITH_SET(words, STORE_SCALE_LINE, step.scale_line);
    return command;
  }
};

}  // namespace

systolith_command_t encode(const Step& step) { return std::visit(Encoder{}, step); }

std::vector<systolith_command_t> encode(const GemmPlan& plan) {
  std::vector<systolith_command_t> commands;
  commands.reserve(plan.steps.size());
  for (const Step& step : plan.steps) commands.push_back(encode(step));
  if (!commands.empty()) {
    SYSTOLITH_SET(commands.back().words, HEADER_RECORD, 1);
    SYSTOLITH_SET(commands.back().words, HEADER_INTERRUPT, 1);
  }
  return commands;
}

}  // namespace systolith::library
