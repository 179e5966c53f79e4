// A command program on a device and beside it on the golden model.
#pragma once

#include <string>
#include <vector>

#include "systolith/program/program.h"
#include "systolith/program/replay.h"
#include "systolith/systolith.hpp"

namespace systolith::tool {

/// A program from the content of a file, text or assembled. Throws std::invalid_argument that names
/// `name`, line and remedy.
program::Program parse_program(const std::string& name, const std::string& content);

/// Reads it; errors as read_file and parse_program.
program::Program read_program(const std::string& path);

/// The simulated device of the program's configuration, or the default one.
std::string default_device(const program::Program& program);

struct ProgramRun {
  program::Ending ending;                          ///< of the device
  std::vector<std::vector<std::uint8_t>> outputs;  ///< of the device, one an `output` statement
  systolith_counters_t counters{};
  enum class Match { equal, different, not_compared } match = Match::not_compared;
  std::string reason;  ///< what differs first, or why nothing was compared
  /// With `compare`: false where commands race or wait for what no earlier one signals, so that no
  /// result is defined.
  bool ordered = true;
};

/// Lays down the program's memory, grants its windows, runs its commands on a device that has no
/// queue yet, and leaves it without one. With `compare` the golden model of the device's sizes runs
/// them too. A fault of a command is a result, not an error. Throws systolith::Error,
/// std::invalid_argument where the program's memory is not the device's.
ProgramRun run_program(Device& device, const program::Program& program, bool compare);

}  // namespace systolith::tool
