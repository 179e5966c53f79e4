// Flipped bits of on-chip memories: which there are, and what a device may say of one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "systolith/command.h"
#include "systolith/model/configuration.h"

namespace systolith::faults {

struct Flip {
  enum class Space { lines, array_rows, drain_rows, buffer, queue };
  Space space = Space::lines;
  std::string memory;          // as `SimDevice::memories` names it
  unsigned word = 0;           // in it
  std::vector<unsigned> bits;  // stored bits that change
  std::uint64_t address = 0;   // line, row or place, as it is reported
  unsigned unit = 0;           // of a queue
  bool correctable = false;
};

/// Draws a number from `least` to `most`.
using Pick = std::function<std::uint64_t(std::uint64_t least, std::uint64_t most)>;

/// A place that a command reads, or that it lies in on its way to its unit.
struct PlaceRead {
  Flip::Space space;
  std::uint64_t address;
  unsigned unit;  // the reader's
  std::uint32_t reader;
  std::optional<std::uint32_t> writer;  // of a line or row, the last one before it in ring order
};

/// One of what one of the commands reads; none where that reads nothing.
std::optional<PlaceRead> draw_place_read(const model::Configuration& configuration,
                                         std::span<const systolith_command_t> commands,
                                         const Pick& pick);

/// A flip of one bit, or of two that the device's code finds: two of one code word with SECDED, of
/// two code words with parity. At `aim`, or anywhere: then low places are likelier, as programs use
/// them more.
Flip draw_flip(const model::Configuration& configuration, bool two,
               const std::optional<PlaceRead>& aim, const Pick& pick);

/// Whether a command reads what flipped: then alone it may be the one that is reported. Always true
/// of the command buffer's and the queues' own commands.
bool reads(const model::Configuration& configuration, const Flip& flip,
           std::span<const systolith_command_t> commands, std::uint32_t index);

}  // namespace systolith::faults
