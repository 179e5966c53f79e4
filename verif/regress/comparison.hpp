// A drawn program on the simulated device and on the golden model, side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "drawn.hpp"

namespace systolith::regress {

/// Where device and model part.
struct Difference {
  std::string kind;           // illegal, assertion, hang, fault, completed, memory, record, ...
  std::string text;           // one line: what the device has and what the model
  std::int64_t command = -1;  // that wrote it, or faulted; -1: none
  std::string unit;           // of that command
  std::string statement;      // that command as text
  std::uint64_t address = 0;  // of the first byte, for memory and records
  std::uint64_t cycle = 0;    // in which it came to be; 0: not known
};

struct Result {
  std::optional<Difference> difference;
  std::uint64_t cycles = 0;    // with the device busy
  std::uint32_t commands = 0;  // of the program
};

/// Empty where the program has one result: the model takes every command, semaphores order all that
/// touches the same places, and nothing is stored that is undefined. Else why not.
std::string why_illegal(const Drawn& drawn);

/// Both runs, and all that software sees of them compared: fault, commands completed, the whole
/// memory image with the records (without times), interrupts, counters. The program is legal.
/// Throws std::invalid_argument where the configuration is not built.
Result compare(const Drawn& drawn);

/// The run again: the cycle in which `difference` came to be.
std::uint64_t locate(const Drawn& drawn, const Difference& difference);

}  // namespace systolith::regress
