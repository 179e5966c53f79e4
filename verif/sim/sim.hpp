// The prebuilt simulated devices.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "systolith/model/configuration.h"
#include "systolith_harness/sim_device.hpp"

namespace systolith::sim {

/// Names of the configurations that have a Verilated model in this build.
std::vector<std::string> prebuilt();

/// A fresh device of a configuration, out of reset. Throws std::invalid_argument with the list when
/// there is none of that name, harness::HarnessError when it can't start.
std::unique_ptr<harness::SimDevice> make_device(const std::string& configuration,
                                                const harness::SimOptions& options);

}  // namespace systolith::sim
