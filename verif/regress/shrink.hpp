// From a failing program to a small one that fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "comparison.hpp"
#include "systolith/model/configuration.h"

namespace systolith::regress {

/// A command of a changed program, and its place in the program that it comes from.
struct Kept {
  std::size_t origin = 0;
  systolith_command_t command{};
};

/// `kept` with waits that ask for the same signals as before, as far as the commands that gave them
/// are still there: what a command waited for, it and the later ones of its unit wait for. None
/// where a wait has no place, or loses a part of its rows.
std::optional<std::vector<systolith_command_t>> relink(
    const model::Configuration& configuration, const std::vector<systolith_command_t>& original,
    const std::vector<Kept>& kept);

struct ShrinkLimits {
  unsigned runs = 4000;  // of the device
  std::chrono::seconds time{60};
};

struct Shrunk {
  Drawn drawn;
  unsigned runs = 0;
};

/// Leaves out commands (delta debugging: Zeller, Hildebrandt 2002), then makes memory and host
/// plain, sizes small and values zero, as long as `fails` holds and the program is legal
/// (why_illegal). `drawn` itself must fail.
Shrunk shrink(const Drawn& drawn, const std::function<bool(const Drawn&)>& fails,
              const ShrinkLimits& limits = {});

}  // namespace systolith::regress
