// A drawn program on the simulated device and on the golden model, side by side.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drawn.hpp"
#include "systolith/model/memory.h"
#include "systolith/program/replay.h"
#include "systolith_harness/sim_device.hpp"

namespace systolith::regress {

/// Where device and model part.
struct Difference {
  std::string kind;           // illegal, assertion, hang, fault, completed, memory, record, ...
  std::string text;           // one line: what the device has and what the model
  std::int64_t command = -1;  // that wrote it, or faulted; -1: none
  std::string unit;           // of that command
  std::string statement;      // that command as text
  std::uint64_t address = 0;  // of the first byte, for memory and records
  std::uint64_t cycle = 0;    // in which it came to be; 0: not known
};

struct Result {
  std::optional<Difference> difference;
  std::uint64_t cycles = 0;    // with the device busy
  std::uint32_t commands = 0;  // of the program
};

/// Cycles without a command completed after which a device hangs.
inline constexpr std::uint64_t kStill = 200'000;

/// What software sees of a run.
struct Seen {
  program::Ending ending;  // without records, which are in the image
  std::uint32_t interrupts = 0;
  std::vector<std::uint8_t> image;  // kBytes from kBase, records without times
};

/// Of a device that stands still.
Seen look(harness::SimDevice& device, const program::Ring& ring);

struct ModelRun {
  Seen seen;
  std::uint64_t issued_rows = 0;
};

/// Puts something between the model and its memory.
using Wrap = std::function<std::unique_ptr<model::Bus>(model::Memory&)>;

/// The program on the golden model.
ModelRun run_model(const Drawn& drawn, const Wrap& wrap = {});

/// Fault, commands completed, memory and records, interrupts.
std::optional<Difference> difference_of(const Drawn& drawn, const Seen& device, const Seen& model);

/// Counters, and that nothing is owed or was asked for outside of memory, after a fresh device's
/// run. `may_correct`: flipped bits may have been corrected.
std::optional<Difference> totals_difference(const Drawn& drawn, harness::SimDevice& device,
                                            const ModelRun& model, bool may_correct = false);

/// Counts the cover points of a run that went as it had to.
void sample(const Drawn& drawn, const Seen& seen);

/// Empty where the program has one result: the model takes every command, semaphores order all that
/// touches the same places, and nothing is stored that is undefined. Else why not.
std::string why_illegal(const Drawn& drawn);

/// Both runs, and all that software sees of them compared: fault, commands completed, the whole
/// memory image with the records (without times), interrupts, counters. The program is legal.
/// Throws std::invalid_argument where the configuration is not built.
Result compare(const Drawn& drawn);

/// The run again: the cycle in which `difference` came to be.
std::uint64_t locate(const Drawn& drawn, const Difference& difference);

}  // namespace systolith::regress
