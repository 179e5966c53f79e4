// One seed of the fault campaign, from the draw to the product after recovery.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "injection.hpp"

namespace systolith::faults {

struct Result {
  std::string outcome;  // masked, corrected, reset, or the name of the cause that was reported
  std::string wrong;    // kind of what is not as it must be; empty: all is
  std::string text;     // what
  std::uint64_t cycles = 0;
};

/// Runs the case: injection, end, recovery. Throws nothing but std::bad_alloc and the like.
Result run_case(const Case& c, std::uint64_t seed);

}  // namespace systolith::faults
