// What goes wrong around a device: drawn for a seed, beside the program that it meets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drawn.hpp"
#include "systolith_harness/axi_memory.hpp"

namespace systolith::faults {

/// After so many beats of the device, and then so many cycles.
struct Moment {
  std::uint64_t beats = 0;
  std::uint64_t cycles = 0;
};

struct Injection {
  std::string kind;
  std::string text;  // exactly what, in one line

  std::vector<harness::AxiInjection> errors;
  std::uint32_t slot_command = 0;  // that an error of a fetch is aimed at
};

/// A program and what happens to it.
struct Case {
  regress::Drawn drawn;
  Injection injection;
};

struct Kind {
  const char* name;
  const char* meaning;
};

/// Every kind. Bit flips in on-chip memories (with ECC) will be more entries.
std::vector<Kind> kinds();

/// Throws std::invalid_argument where no kind has `part` in its name.
void check_kinds(std::string_view part);

/// All that a seed draws. The kind is one whose name contains `part`.
Case draw_case(std::uint64_t seed, std::span<const std::string> configurations,
               std::string_view part);

}  // namespace systolith::faults
