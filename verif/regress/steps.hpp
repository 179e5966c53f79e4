// Commands written by hand: everything filled in that one does not care about.
#pragma once

#include <cstdint>

#include "systolith/command.h"
#include "systolith/library/encode.hpp"

namespace systolith::regress {

using library::LoadStep;
using library::MatrixStep;
using library::StoreStep;
using library::Sync;

inline Sync sync(unsigned semaphore, unsigned count = 1) {
  return {static_cast<std::uint16_t>(count), static_cast<std::uint8_t>(semaphore), false, 0};
}

/// `rows` rows of `run` bytes, one behind the other in memory.
inline LoadStep load(std::uint64_t address, std::uint32_t run, std::uint32_t line,
                     std::uint32_t rows = 1) {
  LoadStep step;
  step.transfer.address = address;
  step.transfer.run = run;
  step.transfer.local_base = line;
  step.transfer.local_pitch = 1;
  step.transfer.count[0] = rows;
  step.transfer.stride[0] = run;
  return step;
}

/// The same into accumulator rows.
inline LoadStep load_rows(std::uint64_t address, std::uint32_t run, std::uint32_t row,
                          std::uint8_t tag, std::uint32_t rows = 1) {
  LoadStep step = load(address, run, row, rows);
  step.accumulators = true;
  step.tag = tag;
  return step;
}

inline StoreStep store(std::uint64_t address, std::uint32_t run, std::uint32_t line,
                       std::uint32_t rows = 1) {
  StoreStep step;
  step.accumulators = false;
  step.transfer = load(address, run, line, rows).transfer;
  return step;
}

inline StoreStep store_rows(std::uint64_t address, std::uint32_t run, std::uint32_t row,
                            std::uint32_t rows = 1) {
  StoreStep step = store(address, run, row, rows);
  step.accumulators = true;
  return step;
}

inline MatrixStep matrix(std::uint32_t m, std::uint32_t n, std::uint32_t k, std::uint32_t a_base,
                         std::uint32_t b_base, std::uint32_t c_base,
                         library::Format format = library::Format::bf16) {
  MatrixStep step;
  step.format = format;
  step.m = m;
  step.n = n;
  step.k = k;
  step.a_base = a_base;
  step.a_pitch = 1;
  step.b_base = b_base;
  step.b_pitch = 1;
  step.c_base = c_base;
  step.c_pitch = m;
  return step;
}

/// The step's command, with a record.
systolith_command_t command(const library::Step& step);
systolith_command_t nop(bool record = true, bool interrupt = false);

}  // namespace systolith::regress
