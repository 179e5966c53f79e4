// Commands that a device must refuse at decode, one of each kind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "systolith/command.h"
#include "systolith/model/configuration.h"

namespace systolith::regress {

inline constexpr std::uint64_t kRefusedBytes = 16;  // of their short transfers
inline constexpr unsigned kNoUnit = 99;             // the unit of a command whose header is wrong

struct RefusedCommand {
  std::string name;
  systolith_command_t command;
  unsigned cause;
  unsigned unit;
  std::uint64_t address = 0;  // that the fault names
};

/// What a device of configuration `c` must refuse at decode, with the windows of random programs.
/// Semaphore 2 is signalled by the load unit and waited for by the store unit.
std::vector<RefusedCommand> refused_commands(const model::Configuration& c);

}  // namespace systolith::regress
