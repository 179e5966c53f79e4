// When the steps of a plan run: a row and beat level model of the device's units.
#pragma once

#include "systolith/library/gemm.hpp"

namespace systolith::library {

/// Cycles from the doorbell to the completion record that the plan is expected to take, with
/// external memory of `memory_latency` cycles. Follows the units, the semaphores and the bus;
/// arithmetic, refreshes and bank conflicts are left out. Gives up and returns a larger number once
/// it is past `limit`.
double expected_cycles(const GemmPlan& plan, const DeviceShape& device, double memory_latency,
                       double limit);

}  // namespace systolith::library
