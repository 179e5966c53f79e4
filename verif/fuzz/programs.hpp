// What targets of programs share.
#pragma once

#include "fuzz.hpp"
#include "systolith/program/program.h"

namespace systolith::fuzz {

/// Every part is the same.
bool same(const program::Program& x, const program::Program& y);

/// A program that a parser accepted: its text and its file give the same program again.
void check_round_trips(const program::Program& program);

/// `text` was refused: the error names its first wrong line. So the lines before it are a program,
/// and with it they are refused with the same words.
void check_error(std::string_view text, const program::ProgramError& error);

}  // namespace systolith::fuzz
