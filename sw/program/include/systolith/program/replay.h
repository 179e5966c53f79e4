// A command program on the golden model, beside a run of it on a device: how it ends, record by
// record, and what of memory can be compared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "systolith/command.h"
#include "systolith/model/device.h"
#include "systolith/program/program.h"
#include "systolith/registers.h"

namespace systolith::program {

/// What software sees of a program that ended, memory aside.
struct Ending {
  bool faulted = false;
  std::uint32_t cause = 0;
  std::uint32_t unit = 0;
  std::uint32_t fault_index = 0;
  std::uint64_t fault_address = 0;
  std::uint32_t completed = 0;
  /// By command, of those whose slot no later command took.
  std::map<std::uint32_t, systolith_record_t> records;
};

/// "command 3: window in the load unit, address, line or row 0x1000", or "none".
std::string fault_text(const Ending& ending);

/// The record area of a queue, slot by slot: records by command. Slots without one hold zeros.
std::map<std::uint32_t, systolith_record_t> records_in(std::span<const systolith_record_t> slots);

/// How each command ended, as far as a run's records, its fault and the rules of the queue tell.
struct Outcomes {
  std::vector<model::Outcome> known;
  /// Commands that may or may not have run: they ask for no record, and an earlier command failed.
  std::vector<std::uint32_t> unknown;
};
Outcomes outcomes_of(std::span<const systolith_command_t> commands, const Ending& ending);

/// True where all commands before the faulting one ran and none after it: a refusal at decode.
bool is_precise(const Ending& ending, std::span<const systolith_command_t> commands);

/// Runs the first `rung` commands on a model whose memory is as it was before the run. `outcomes`
/// as in model::Device::set_outcomes, unless empty. Ring and records are written to `memory`.
Ending run_on_model(const model::Configuration& configuration, model::Memory& memory,
                    std::span<const Window> windows, const Ring& ring,
                    std::span<const systolith_command_t> commands, std::uint32_t rung,
                    std::vector<model::Outcome> outcomes);

/// First and last byte that a LOAD or STORE touches; none for other commands, and for addresses
/// that do not fit 64 bits.
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
std::optional<Extent> extent_of(const systolith_command_t& command);

/// Calls `row(first, last)` for each row of memory that a STORE writes; nothing for others.
template <typename Body>
void for_each_stored_row(const systolith_command_t& command, Body row) {
  const std::uint64_t* w = command.words;
  constexpr std::uint64_t kMostRows = 1 << 16;  // more are refused at decode
  if (SYSTOLITH_GET(w, HEADER_OPCODE) != SYSTOLITH_OPCODE_STORE) return;
  const std::uint64_t run = SYSTOLITH_GET(w, TRANSFER_RUN);
  const std::uint64_t counts[4] = {
      SYSTOLITH_GET(w, TRANSFER_COUNT_0), SYSTOLITH_GET(w, TRANSFER_COUNT_1),
      SYSTOLITH_GET(w, TRANSFER_COUNT_2), SYSTOLITH_GET(w, TRANSFER_COUNT_3)};
  std::uint64_t rows = 1;
  for (const std::uint64_t count : counts) {
    if (count == 0 || count > kMostRows) return;
    rows *= count;
  }
  if (rows > kMostRows || run == 0) return;
  for (std::uint64_t i = 0; i < rows; ++i) {
    std::uint64_t address = SYSTOLITH_GET(w, TRANSFER_ADDRESS);
    std::uint64_t rest = i;
    for (unsigned loop = 0; loop < 4; ++loop) {
      address += rest % counts[loop] * w[SYSTOLITH_TRANSFER_STRIDE_0_WORD + loop];
      rest /= counts[loop];
    }
    row(address, address + (run - 1));
  }
}

/// Empty where both ended alike, else the first thing that differs: fault, completed commands,
/// records without their times.
std::string difference(const Ending& device, const Ending& model,
                       std::span<const systolith_command_t> commands);

/// Register writes that grant windows and enable a queue, for anything with write32.
template <typename Device>
void enable(Device& device, std::span<const Window> windows, const Ring& ring) {
  const auto write64 = [&](std::uint32_t offset, std::uint64_t value) {
    device.write32(offset, static_cast<std::uint32_t>(value));
    device.write32(offset + 4, static_cast<std::uint32_t>(value >> 32));
  };
  for (const Window& window : windows) {
    const std::uint32_t at = window.index * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE;
    write64(SYSTOLITH_REGISTER_WINDOW_BASE_LO + at, window.base);
    write64(SYSTOLITH_REGISTER_WINDOW_LAST_LO + at, window.last);
    device.write32(SYSTOLITH_REGISTER_WINDOW_PERMIT + at,
                   (window.read ? 1u << SYSTOLITH_WINDOW_PERMIT_READ_LSB : 0u) |
                       (window.write ? 1u << SYSTOLITH_WINDOW_PERMIT_WRITE_LSB : 0u));
  }
  write64(SYSTOLITH_REGISTER_RING_LO, ring.address);
  device.write32(SYSTOLITH_REGISTER_RING_SIZE, ring.slots_log2);
  write64(SYSTOLITH_REGISTER_RECORD_LO, ring.records);
  device.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
  device.write32(SYSTOLITH_REGISTER_CONTROL, 1u << SYSTOLITH_CONTROL_ENABLE_LSB);
}

/// Writes commands into a ring and rings its doorbell, for anything with read32 and write32: at
/// most `batch(rung so far)` at a time, and as slots are free. `put(slot, command)` stores one;
/// `wait(n)` is called while the ring is full, until n commands have completed; false ends the
/// feeding. How many were rung.
template <typename Device, typename Batch, typename Put, typename Wait>
std::uint32_t feed(Device& device, const Ring& ring, std::span<const systolith_command_t> commands,
                   Batch batch, Put put, Wait wait) {
  const std::uint32_t slots = 1u << ring.slots_log2;
  const auto count = static_cast<std::uint32_t>(commands.size());
  std::uint32_t tail = 0;
  while (tail != count) {
    const std::uint32_t room = slots - (tail - device.read32(SYSTOLITH_REGISTER_COMPLETED));
    if (room == 0 || room > slots) {
      if (!wait(tail - slots + 1)) break;
      continue;
    }
    const std::uint32_t end = tail + std::min<std::uint32_t>({room, count - tail, batch(tail)});
    for (; tail != end; ++tail) put(tail % slots, commands[tail]);
    device.write32(SYSTOLITH_REGISTER_DOORBELL, tail);
  }
  return tail;
}

}  // namespace systolith::program
