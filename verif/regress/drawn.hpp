// What a seed draws: a device, a program, and memory and host around it. As text it is a program of
// docs/program-format.md whose conditions are a comment.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "systolith/program/program.h"
#include "systolith_harness/axi_memory.hpp"
#include "weights.hpp"

namespace systolith::regress {

/// Memory and host during a run. Untouched: what `systolith run` has.
struct Conditions {
  std::uint32_t seed = 1;  // of latencies, stalls and noise
  std::uint32_t read_latency_least = 100, read_latency_most = 100;
  std::uint32_t write_latency_least = 100, write_latency_most = 100;
  std::uint32_t read_interval = 1 << 16, write_interval = 1 << 16;  // of beats, 1/65536 cycles
  std::uint32_t stall_aw = 0, stall_w = 0, stall_b = 0, stall_ar = 0, stall_r = 0;  // percent
  std::uint32_t outstanding = 256;  // bursts that the memory takes
  std::uint32_t aw_after_w = 0, w_after_aw = 0, interleave = 0;
  std::uint32_t noise = 0, commit_at_response = 0, read_at_request = 0;
  std::uint32_t batch = 0;  // commands a doorbell adds at most; 0: as many as there is room
  std::uint32_t pause = 0;  // cycles before each doorbell

  harness::AxiMemoryTiming timing() const;
  bool operator==(const Conditions&) const = default;
};

struct ConditionEntry {
  const char* name;
  std::uint32_t Conditions::*value;
  std::uint32_t least, most;
};

/// Every member of Conditions, in order.
std::span<const ConditionEntry> condition_table();

struct Drawn {
  std::string configuration;
  program::Program program;  // with a ring
  Conditions conditions;
};

/// All that a seed draws. The configuration is one of `configurations`; what else is drawn depends
/// on the seed, the weights and the sizes of that configuration.
Drawn draw(std::uint64_t seed, std::span<const std::string> configurations, const Weights& weights);
/// The configuration alone.
std::string draw_configuration(std::uint64_t seed, std::span<const std::string> configurations);

/// Text that `systolith asm` takes. `comment`: lines without their "# ".
std::string to_text(const Drawn& drawn, const std::vector<std::string>& comment);
/// The inverse. Throws std::invalid_argument or program::ProgramError where the text is no program,
/// names no configuration or ring, or needs other memory than [kBase, kBase + kBytes).
Drawn from_text(std::string_view text);

/// Memory before the run: kBytes from kBase.
std::vector<std::uint8_t> image_of(const program::Program& program);
/// `contents` anew from an image: a fill, and what the commands read and the fill does not give.
std::vector<program::Contents> contents_of(std::span<const systolith_command_t> commands,
                                           std::span<const std::uint8_t> image, std::uint8_t fill);

/// How `systolith run` comes nearest to the conditions.
std::string device_uri(const Drawn& drawn);

}  // namespace systolith::regress
