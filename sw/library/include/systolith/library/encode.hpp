// From the planner's steps to the device's 128-byte commands.
#pragma once

#include <vector>

#include "systolith/command.h"
#include "systolith/library/gemm.hpp"

namespace systolith::library {

/// The command of one step, without record or interrupt.
systolith_command_t encode(const Step& step);

/// The commands of a plan in ring order; the last one asks for a completion record and an
/// interrupt.
std::vector<systolith_command_t> encode(const GemmPlan& plan);

}  // namespace systolith::library
