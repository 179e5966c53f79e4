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

/// A fresh device of a configuration, out of reset, with a waveform if `options` or the environment
/// ask for one (harness::with_environment). Throws std::invalid_argument with the list when there
/// is none of that name, harness::HarnessError when it can't start or this build has no waveforms
/// of it.
std::unique_ptr<harness::SimDevice> make_device(const std::string& configuration,
                                                const harness::SimOptions& options);

}  // namespace systolith::sim
