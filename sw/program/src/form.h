// What the text and the assembled file of a program both ask of its parts.
#pragma once

#include <string>
#include <string_view>

#include "systolith/program/program.h"

namespace systolith::program {

inline constexpr std::string_view kBlank = " \t\r";
inline constexpr unsigned kWindowIndexWidth = 3;
inline constexpr unsigned kSlotsLog2Width = 5;
inline constexpr unsigned kFillValueWidth = 8;

/// What is wrong with a part that follows those of `program` and what to do; empty if nothing is.
std::string why_wrong(const Window& window, const Program& program);
std::string why_wrong(const Ring& ring, const Program& program);
std::string why_wrong_configuration(std::string_view name, const Program& program);
std::string why_wrong(const Contents& contents);

}  // namespace systolith::program
