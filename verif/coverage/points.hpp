// Cover points of command programs: what kinds of commands ran to their end, and which faults ended
// programs. Each is met by some test, or `make coverage` fails. Those of what units do at the same
// time are rtl/top/cover_points.sv.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "systolith/command.h"

namespace systolith::coverage {

/// One combination of one cross.
struct Point {
  std::string cross;
  std::vector<std::string> values;
};

/// All that are declared.
const std::vector<Point>& points();

/// How a program ended.
struct Ended {
  std::uint32_t completed = 0;  // commands
  std::uint32_t cause = 0;      // of the fault; 0: none
  std::uint32_t unit = 0;
  std::uint32_t index = 0;  // of the command at fault
};

/// Counts what a run covers that went as it had to. `commands`: in ring order, from index 0.
void sample(const std::string& configuration, std::span<const systolith_command_t> commands,
            const Ended& ended);

}  // namespace systolith::coverage
