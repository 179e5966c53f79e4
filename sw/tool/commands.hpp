// The subcommands of the tool; each adds itself and says in its callback what the exit status is.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <string>

namespace systolith::tool {

// Exit statuses, the same for every subcommand.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;  // a mismatch, a device error, a result that can't be written
inline constexpr int kUsage = 2;    // options, or input files that can't be used

inline constexpr const char* kDeviceHelp =
    "device URI: model:, sim:, sim:rows=8,cols=8,latency=100,stall=0.2,seed=7, uart:/dev/ttyUSB0";

inline constexpr const char* kProgramDeviceHelp =
    "device URI: model:, sim:, sim:rows=8,cols=8,latency=100,stall=0.2,seed=7, uart:/dev/ttyUSB0; "
    "sim: of the program's configuration if not given";

/// Of options that are whole numbers: CLI11 takes -1 as 2^64 - 1 and cuts what is too large.
inline std::string why_no_number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return "";
  return "'" + text + "' is no whole number from 0 to 2^64 - 1";
}

void add_gemm(CLI::App& app, int& status);
void add_demo(CLI::App& app, int& status);
void add_info(CLI::App& app, int& status);
void add_program_commands(CLI::App& app, int& status);  // asm, disasm, run
void add_check(CLI::App& app, int& status);
void add_counters(CLI::App& app, int& status);

}  // namespace systolith::tool
