// What goes wrong around a device: drawn for a seed, beside the program that it meets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drawn.hpp"
#include "flips.hpp"
#include "systolith_harness/axi_memory.hpp"

namespace systolith::faults {

/// After so many beats of the device or of one requester, and then so many cycles.
struct Moment {
  std::optional<unsigned> id;
  std::uint64_t beats = 0;
  std::uint64_t cycles = 0;
};

/// What the host does at the moment of an injection, beside running its program.
enum class HostAction {
  none,
  reset_queue,
  reset_queue_twice,   // again while the first one drains
  reset_device,        // rst_ni, with the interconnect's
  reset_device_later,  // while a queue reset drains
  leave,               // it is gone; another one comes later and resets the queue
  overrun,             // a doorbell past the ring
  die,                 // the process is killed, with the device in it
};

/// A channel that moves only in `free` of `free + held` cycles.
struct Hold {
  harness::AxiMemory::Hold channels;
  std::uint32_t held = 0, free = 0;
};

struct Injection {
  std::string kind;
  std::string text;  // exactly what, in one line

  std::vector<harness::AxiInjection> errors;
  std::uint32_t slot_command = 0;  // that an error of a fetch is aimed at
  std::uint64_t answer_after = 0;  // cycles after which unanswered bursts are answered; 0: never
  std::uint32_t bus_timeout = 0;   // 0: as after reset
  std::uint32_t semaphore_timeout = 0;

  Moment moment;           // of all that follows
  std::uint64_t span = 0;  // cycles that memory is other than before
  std::optional<harness::AxiMemoryTiming> timing;
  std::optional<Hold> hold;
  /// The host overwrites a slot that it rang: of the command so far from the next one to fetch,
  /// with `rewrite`.
  std::optional<int> rewrite_distance;
  unsigned rewrite = 0;  // 0: zeros, 1: a reserved bit, 2: another version
  std::optional<Flip> flip;
  bool rubbish = false;  // the host fills free slots with random bits, all the time
  bool storm = false;    // doorbells that ring nothing new, all the time
  HostAction host = HostAction::none;
  std::uint32_t value = 0;  // of the action: cycles until its second part, slots past the ring
};

/// A program and what happens to it.
struct Case {
  regress::Drawn drawn;
  Injection injection;
  /// The program without what is wrong in it, where something is: what the other commands do.
  std::optional<regress::Drawn> clean;
};

struct Kind {
  const char* name;
  const char* meaning;
};

/// Every kind.
std::vector<Kind> kinds();

/// Throws std::invalid_argument where no kind has `part` in its name.
void check_kinds(std::string_view part);

/// All that a seed draws. The kind is `part`, or one whose name contains it.
Case draw_case(std::uint64_t seed, std::span<const std::string> configurations,
               std::string_view part);

}  // namespace systolith::faults
