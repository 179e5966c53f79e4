#include "run_program.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>

#include "files.hpp"
#include "systolith/model/races.h"

namespace systolith::tool {
namespace {

using program::Contents;
using program::Extent;
using program::Program;
using program::Range;
using program::Ring;
using program::Window;

constexpr unsigned kMostSlotsLog2 = 16;
constexpr std::uint64_t kCacheLine = 64;  // buffers of the driver never share one

// Ranges of device memory, merged where they touch the same lines.
class Ranges {
 public:
  void add(std::uint64_t address, std::uint64_t bytes) {
    if (bytes == 0) return;
    std::uint64_t first = address / kCacheLine * kCacheLine;
    std::uint64_t end = (address + bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    auto next = all_.lower_bound(first);
    if (next != all_.begin() && std::prev(next)->second >= first) --next;
    while (next != all_.end() && next->first <= end) {
      first = std::min(first, next->first);
      end = std::max(end, next->second);
      next = all_.erase(next);
    }
    all_[first] = end;
  }
  const std::map<std::uint64_t, std::uint64_t>& all() const { return all_; }

 private:
  std::map<std::uint64_t, std::uint64_t> all_;  // first byte -> end
};

bool is_granted(const std::vector<Window>& windows, std::uint64_t first, std::uint64_t last,
                bool write) {
  return std::any_of(windows.begin(), windows.end(), [&](const Window& w) {
    return (write ? w.write : w.read) && w.base <= first && last <= w.last;
  });
}

// Everything that the program names or its commands may touch, as the device's memory holds it.
Ranges touched(const Program& program, const systolith_capabilities_t& c) {
  Ranges ranges;
  const auto add = [&](const char* what, std::uint64_t address, std::uint64_t bytes) {
    if (bytes == 0) return;
    if (address < c.memory_base || bytes > c.memory_bytes ||
        address - c.memory_base > c.memory_bytes - bytes)
      throw std::invalid_argument(
          fmt::format("{} {:#x}: {} bytes are not in the device's memory ({:#x}, {} bytes): move "
                      "them, or choose another device",
                      what, address, bytes, c.memory_base, c.memory_bytes));
    ranges.add(address, bytes);
  };
  for (const Contents& contents : program.contents)
    add("contents at", contents.address, contents.size());
  for (const Range& output : program.outputs) add("output", output.address, output.size);
  if (program.ring) {
    const Ring& ring = *program.ring;
    if (ring.slots_log2 > kMostSlotsLog2)
      throw std::invalid_argument(
          fmt::format("ring of 2^{} slots: at most 2^{}", ring.slots_log2, kMostSlotsLog2));
    add("ring", ring.address, std::uint64_t{SYSTOLITH_COMMAND_BYTES} << ring.slots_log2);
    add("records at", ring.records, std::uint64_t{SYSTOLITH_RECORD_BYTES} << ring.slots_log2);
  }
  const std::uint64_t memory_last = c.memory_base + (c.memory_bytes - 1);
  for (const systolith_command_t& command : program.commands) {
    const std::optional<Extent> extent = program::extent_of(command);
    const bool write = SYSTOLITH_GET(command.words, HEADER_OPCODE) == SYSTOLITH_OPCODE_STORE;
    // What no window grants is refused, and memory that is not there answers with errors.
    if (!extent || !is_granted(program.windows, extent->first, extent->last, write)) continue;
    const std::uint64_t first = std::max(extent->first, c.memory_base);
    const std::uint64_t last = std::min(extent->last, memory_last);
    if (first <= last) ranges.add(first, last - first + 1);
  }
  return ranges;
}

// The first place of so many bytes in [first, last] that is not taken.
std::optional<std::uint64_t> find_free(const Ranges& taken, std::uint64_t first, std::uint64_t last,
                                       std::uint64_t bytes) {
  const auto aligned = [](std::uint64_t address) {
    return (address + SYSTOLITH_COMMAND_BYTES - 1) / SYSTOLITH_COMMAND_BYTES *
           SYSTOLITH_COMMAND_BYTES;
  };
  std::uint64_t place = aligned(first);
  for (const auto& [used, end] : taken.all()) {
    if (place + bytes <= used) break;
    place = std::max(place, aligned(end));
  }
  return place <= last && last - place >= bytes - 1 ? std::optional(place) : std::nullopt;
}

// A ring for all commands where nothing else lies: in a window of the program, or in one that it
// leaves out.
Ring choose_ring(const Program& program, const systolith_capabilities_t& c, const Ranges& taken,
                 std::vector<Window>& windows) {
  const auto slots_log2 = std::min<unsigned>(
      kMostSlotsLog2, static_cast<unsigned>(std::bit_width(program.commands.size() - 1)));
  const std::uint64_t ring_bytes = std::uint64_t{SYSTOLITH_COMMAND_BYTES} << slots_log2;
  const std::uint64_t bytes = ring_bytes + (std::uint64_t{SYSTOLITH_RECORD_BYTES} << slots_log2);
  const std::uint64_t memory_last = c.memory_base + (c.memory_bytes - 1);
  for (const Window& w : windows) {
    if (!w.read || !w.write) continue;
    const auto place =
        find_free(taken, std::max(w.base, c.memory_base), std::min(w.last, memory_last), bytes);
    if (place) return {*place, slots_log2, *place + ring_bytes};
  }
  const auto place = find_free(taken, c.memory_base, memory_last, bytes);
  for (unsigned index = 0; place && index < c.windows; ++index) {
    if (std::any_of(windows.begin(), windows.end(),
                    [&](const Window& w) { return w.index == index; }))
      continue;
    windows.push_back({index, *place, *place + (bytes - 1), true, true});
    return {*place, slots_log2, *place + ring_bytes};
  }
  throw std::invalid_argument(
      fmt::format("no place for a ring of {} bytes: leave a window out, or room in one that may be "
                  "read and written, or write a line ring ADDRESS SLOTS_LOG2 RECORDS",
                  bytes));
}

void grant(Device& device, const std::vector<Window>& windows) {
  for (const Window& w : windows) {
    const std::uint64_t bytes = w.last - w.base + 1;
    if (bytes == 0)
      throw std::invalid_argument(
          fmt::format("window {}: ends past {:#x}; no address is as high", w.index, w.last - 1));
    device.grant(w.index, w.base, bytes, (w.read ? 1u : 0u) | (w.write ? 2u : 0u));
  }
}

/// The golden model's copy of a device's memory; pages come only when touched.
class Image {
 public:
  Image(std::uint64_t base, std::uint64_t bytes)
      : base_(base), bytes_(static_cast<std::byte*>(std::calloc(bytes, 1))) {
    if (!bytes_) throw std::bad_alloc();
    memory_.attach(base, {bytes_.get(), bytes});
  }
  std::byte* at(std::uint64_t address) { return bytes_.get() + (address - base_); }
  model::Memory& memory() { return memory_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::uint64_t base_;
  std::unique_ptr<std::byte, Free> bytes_;
  model::Memory memory_;
};

// The one in rtl/config that this device was built from.
model::Configuration configuration_of(const systolith_capabilities_t& c) {
  for (const std::string& name : model::Configuration::names()) {
    const model::Configuration m = model::Configuration::named(name);
    const std::uint32_t formats = (m.format_int8 ? 1u << SYSTOLITH_FORMAT_INT8 : 0u) |
                                  (m.format_bf16 ? 1u << SYSTOLITH_FORMAT_BF16 : 0u);
    if (m.rows == c.rows && m.cols == c.columns && m.mac_depth == c.mac_depth &&
        m.drain_lanes == c.drain_lanes && m.line_bytes() == c.line_bytes &&
        m.scratchpad_lines == c.lines && m.scratchpad_banks == c.banks &&
        m.accumulator_rows == c.accumulator_rows && m.bus_bytes == c.bus_bytes &&
        m.address_width == c.address_width && formats == c.formats &&
        m.semaphores == c.semaphores && m.windows == c.windows &&
        m.unit_queue_depth == c.unit_queue_depth)
      return m;
  }
  throw std::invalid_argument(
      "no configuration of rtl/config has this device's sizes: add its folder and build again, or "
      "run with --no-compare");
}

// Rings all commands and waits for them; a fault ends it. How many were rung.
std::uint32_t submit(Device& device, const Program& program, std::uint32_t slots) {
  std::uint32_t rung = 0;
  try {
    const auto count = static_cast<std::uint32_t>(program.commands.size());
    while (rung != count) {
      const std::uint32_t room =
          slots - (rung - device.read_register(SYSTOLITH_REGISTER_COMPLETED));
      if (room == 0) {
        device.wait(rung - slots);
        continue;
      }
      const auto first = program.commands.begin() + rung;
      const std::uint32_t batch = std::min(room, count - rung);
      // Counted first: what a fault ends was rung.
      rung += batch;
      device.submit({first, first + batch});
    }
    device.wait(count - 1);
  } catch (const Error& error) {
    if (error.status() != SYSTOLITH_FAULT) throw;
  }
  return rung;
}

program::Ending ending_of(Device& device, const Ring& ring) {
  program::Ending ending;
  const systolith_fault_t fault = device.fault();
  ending.faulted = fault.cause != SYSTOLITH_CAUSE_NONE;
  ending.cause = fault.cause;
  ending.unit = fault.unit;
  ending.fault_index = fault.index;
  ending.fault_address = fault.address;
  ending.completed = device.read_register(SYSTOLITH_REGISTER_COMPLETED);
  std::vector<systolith_record_t> area(std::size_t{1} << ring.slots_log2);
  device.copy_out(ring.records, area.data(), area.size() * sizeof area[0]);
  ending.records = program::records_in(area);
  return ending;
}

// The youngest command that writes the byte.
std::string writer_of(const Program& program, std::uint64_t address) {
  for (std::size_t i = program.commands.size(); i-- > 0;) {
    bool writes = false;
    program::for_each_stored_row(program.commands[i], [&](std::uint64_t first, std::uint64_t last) {
      writes = writes || (first <= address && address <= last);
    });
    if (writes)
      return fmt::format("written by command {}: {}", i, program::disassemble(program.commands[i]));
  }
  return "no command writes it";
}

// The first byte of the outputs that differs, by address; rows that `undefined` holds may.
std::string memory_difference(const Program& program,
                              const std::vector<std::vector<std::uint8_t>>& outputs, Image& image,
                              const std::vector<systolith_command_t>& undefined) {
  constexpr std::uint64_t kShown = 8;
  for (std::size_t n = 0; n < outputs.size(); ++n) {
    const Range& range = program.outputs[n];
    std::vector<bool> excepted(range.size);
    for (const systolith_command_t& command : undefined)
      program::for_each_stored_row(command, [&](std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t at = std::max(first, range.address);
             at <= last && at - range.address < range.size; ++at)
          excepted[at - range.address] = true;
      });
    for (std::uint64_t i = 0; i < range.size; ++i) {
      const std::uint64_t address = range.address + i;
      if (excepted[i] || static_cast<std::byte>(outputs[n][i]) == *image.at(address)) continue;
      std::string device_bytes, model_bytes;
      for (std::uint64_t b = i; b < std::min(i + kShown, range.size); ++b) {
        device_bytes += fmt::format(" {:02x}", outputs[n][b]);
        model_bytes += fmt::format(" {:02x}", static_cast<unsigned>(*image.at(range.address + b)));
      }
      return fmt::format("memory at {:#x}, byte {} of output {:#x}: device{}; model{}; {}", address,
                         i, range.address, device_bytes, model_bytes, writer_of(program, address));
    }
  }
  return "";
}

// Looks at longer and longer beginnings: the effort for all races would grow with the cube of
// their number.
bool is_ordered(const model::Configuration& configuration,
                std::span<const systolith_command_t> commands) {
  for (std::size_t count = 256;; count += count / 4) {
    count = std::min(count, commands.size());
    const model::RaceReport report = model::find_races(configuration, commands.first(count));
    if (!report.races.empty()) return false;
    // What is refused at decode is a fault with a defined result.
    if (report.stopped_at) return report.cause != SYSTOLITH_CAUSE_NONE;
    if (count == commands.size()) return true;
  }
}

}  // namespace

Program parse_program(const std::string& name, const std::string& content) {
  try {
    Program program =
        program::is_binary(content) ? program::from_binary(content) : program::assemble(content);
    if (program.commands.empty())
      throw std::invalid_argument("no commands; write at least one, nop for example");
    return program;
  } catch (const program::ProgramError& error) {
    throw std::invalid_argument(fmt::format("{}: {}", name, error.what()));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("{}: {}", name, error.what()));
  }
}

Program read_program(const std::string& path) { return parse_program(path, read_file(path)); }

std::string default_device(const Program& program) {
  return program.configuration ? "sim:config=" + *program.configuration : "sim:";
}

ProgramRun run_program(Device& device, const Program& program, bool compare) {
  const systolith_capabilities_t capabilities = device.capabilities();
  std::optional<model::Configuration> configuration;
  if (compare) configuration = configuration_of(capabilities);

  Ranges ranges = touched(program, capabilities);
  std::vector<Window> windows = program.windows;
  Ring ring;
  if (program.ring) {
    ring = *program.ring;
  } else {
    ring = choose_ring(program, capabilities, ranges, windows);
    ranges.add(ring.address, ring.records - ring.address);
    ranges.add(ring.records, std::uint64_t{SYSTOLITH_RECORD_BYTES} << ring.slots_log2);
  }
  for (const auto& [first, end] : ranges.all()) device.reserve(first, end - first);
  grant(device, windows);

  std::optional<Image> image;
  if (compare) {
    image.emplace(capabilities.memory_base, capabilities.memory_bytes);
    // Memory that the program does not lay down may hold anything.
    for (const auto& [first, end] : ranges.all())
      device.copy_out(first, image->at(first), end - first);
  }
  for (const Contents& contents : program.contents) {
    const std::vector<std::byte> bytes = contents.bytes();
    device.copy_in(contents.address, bytes.data(), bytes.size());
    if (image && !bytes.empty())
      std::memcpy(image->at(contents.address), bytes.data(), bytes.size());
  }

  ProgramRun run;
  std::uint32_t rung = 0;
  bool enabled = true;
  try {
    device.create_queue(ring.slots_log2, ring.address, ring.records);
  } catch (const Error& error) {
    if (error.status() != SYSTOLITH_FAULT) throw;
    enabled = false;
  }
  device.clear_counters();
  if (enabled) rung = submit(device, program, 1u << ring.slots_log2);
  run.counters = device.counters();
  run.ending = ending_of(device, ring);
  for (const Range& output : program.outputs) {
    run.outputs.emplace_back(output.size);
    device.copy_out(output.address, run.outputs.back().data(), output.size);
  }
  device.reset();
  if (!compare) return run;

  // Of what a refusal keeps from running nothing is to be ordered.
  const std::span<const systolith_command_t> commands(program.commands);
  const bool precise = program::is_precise(run.ending, commands);
  run.ordered = is_ordered(*configuration,
                           run.ending.faulted && precise
                               ? commands.first(std::min<std::size_t>(run.ending.fault_index, rung))
                               : commands);
  program::Outcomes outcomes;
  if (!precise) outcomes = program::outcomes_of(commands.first(rung), run.ending);
  if (!outcomes.unknown.empty()) {
    run.reason = fmt::format(
        "whether command {} ran before the fault is not known: add record to every command",
        outcomes.unknown.front());
    return run;
  }
  std::vector<systolith_command_t> undefined;
  for (const model::Outcome& outcome : outcomes.known)
    if (outcome.state != SYSTOLITH_STATE_COMPLETED)
      undefined.push_back(program.commands[outcome.index]);
  const program::Ending model =
      program::run_on_model(*configuration, image->memory(), windows, ring, program.commands, rung,
                            std::move(outcomes.known));
  run.reason = program::difference(run.ending, model, program.commands);
  if (run.reason.empty()) run.reason = memory_difference(program, run.outputs, *image, undefined);
  run.match = run.reason.empty() ? ProgramRun::Match::equal : ProgramRun::Match::different;
  return run;
}

}  // namespace systolith::tool
