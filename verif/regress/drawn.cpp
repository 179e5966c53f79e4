#include "drawn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <random>
#include <sstream>
#include <stdexcept>

#include "program_generator.hpp"
#include "systolith/program/replay.h"

namespace systolith::regress {
namespace {

constexpr std::string_view kMark = "# conditions:";
constexpr std::uint8_t kUntouched = 0xA5;

constexpr ConditionEntry kTable[] = {
    {"seed", &Conditions::seed, 0, ~0U},
    {"read_latency_least", &Conditions::read_latency_least, 1, 100000},
    {"read_latency_most", &Conditions::read_latency_most, 1, 100000},
    {"write_latency_least", &Conditions::write_latency_least, 1, 100000},
    {"write_latency_most", &Conditions::write_latency_most, 1, 100000},
    {"read_interval", &Conditions::read_interval, 1, 64 << 16},
    {"write_interval", &Conditions::write_interval, 1, 64 << 16},
    {"stall_aw", &Conditions::stall_aw, 0, 95},
    {"stall_w", &Conditions::stall_w, 0, 95},
    {"stall_b", &Conditions::stall_b, 0, 95},
    {"stall_ar", &Conditions::stall_ar, 0, 95},
    {"stall_r", &Conditions::stall_r, 0, 95},
    {"outstanding", &Conditions::outstanding, 1, 256},
    {"aw_after_w", &Conditions::aw_after_w, 0, 1},
    {"w_after_aw", &Conditions::w_after_aw, 0, 1},
    {"interleave", &Conditions::interleave, 0, 1},
    {"noise", &Conditions::noise, 0, 1},
    {"commit_at_response", &Conditions::commit_at_response, 0, 1},
    {"read_at_request", &Conditions::read_at_request, 0, 1},
    {"batch", &Conditions::batch, 0, 65536},
    {"pause", &Conditions::pause, 0, 100000},
};

// Streams of a seed that do not depend on one another.
enum class Stream : std::uint64_t { configuration = 1, conditions = 2 };

std::mt19937_64 stream(std::uint64_t seed, Stream which) {
  return std::mt19937_64(seed * 0x9E3779B97F4A7C15 + static_cast<std::uint64_t>(which));
}

Conditions draw_conditions(std::uint64_t seed, const Weights& w) {
  std::mt19937_64 random = stream(seed, Stream::conditions);
  const auto pick = [&](std::uint32_t least, std::uint32_t most) {
    return static_cast<std::uint32_t>(least + random() % (std::uint64_t{most} - least + 1));
  };
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  Conditions c;
  c.seed = static_cast<std::uint32_t>(random());
  const auto latency = [&](std::uint32_t& least, std::uint32_t& most) {
    most = chance(w.long_latency) ? pick(21, w.latency) : pick(1, 20);
    least = chance(w.uneven_latency) ? pick(1, most) : most;
  };
  latency(c.read_latency_least, c.read_latency_most);
  latency(c.write_latency_least, c.write_latency_most);
  if (chance(w.narrow)) c.read_interval = pick(1 << 16, 6 << 16);
  if (chance(w.narrow)) c.write_interval = pick(1 << 16, 6 << 16);
  if (chance(w.stall))
    for (std::uint32_t* stall : {&c.stall_aw, &c.stall_w, &c.stall_b, &c.stall_ar, &c.stall_r})
      *stall = chance(30) ? 0 : pick(1, w.stall_most);
  if (chance(w.one_burst)) c.outstanding = pick(1, 4);
  if (chance(w.write_order)) (chance(50) ? c.aw_after_w : c.w_after_aw) = 1;
  c.interleave = chance(w.interleave) ? 1 : 0;
  c.noise = chance(w.noise) ? 1 : 0;
  c.commit_at_response = chance(w.commit_at_response) ? 1 : 0;
  c.read_at_request = chance(w.read_at_request) ? 1 : 0;
  if (chance(w.small_batch)) c.batch = pick(1, 6);
  if (chance(w.late_doorbell)) c.pause = pick(1, 200);
  return c;
}

// Calls `row(first, last)` for each row of memory that a LOAD reads.
template <typename Body>
void for_each_loaded_row(const systolith_command_t& command, Body row) {
  if (SYSTOLITH_GET(command.words, HEADER_OPCODE) != SYSTOLITH_OPCODE_LOAD) return;
  systolith_command_t store = command;  // same fields
  SYSTOLITH_SET(store.words, HEADER_OPCODE, SYSTOLITH_OPCODE_STORE);
  program::for_each_stored_row(store, row);
}

bool is_inside(std::uint64_t address, std::uint64_t bytes) {
  return address >= kBase && bytes <= kBytes && address - kBase <= kBytes - bytes;
}

std::uint32_t number(std::string_view name, std::string_view text, std::uint32_t least,
                     std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    throw std::invalid_argument(
        fmt::format("condition {}: '{}' is no number from {} to {}", name, text, least, most));
  return value;
}

Conditions parse_conditions(const std::string& text) {
  Conditions conditions;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto* entry =
        std::find_if(std::begin(kTable), std::end(kTable),
                     [&](const ConditionEntry& candidate) { return candidate.name == name; });
    if (entry == std::end(kTable) || equals == std::string::npos)
      throw std::invalid_argument(fmt::format(
          "no condition '{}': write name=value as systolith_regress --explain does", word));
    conditions.*entry->value = number(name, word.substr(equals + 1), entry->least, entry->most);
  }
  if (conditions.read_latency_least > conditions.read_latency_most ||
      conditions.write_latency_least > conditions.write_latency_most)
    throw std::invalid_argument("conditions: a latency's least is above its most");
  return conditions;
}

}  // namespace

std::span<const ConditionEntry> condition_table() { return kTable; }

harness::AxiMemoryTiming Conditions::timing() const {
  harness::AxiMemoryTiming t;
  t.read_latency_minimum = read_latency_least;
  t.read_latency_maximum = read_latency_most;
  t.write_latency_minimum = write_latency_least;
  t.write_latency_maximum = write_latency_most;
  t.read_interval = read_interval;
  t.write_interval = write_interval;
  t.stall_aw = static_cast<std::uint8_t>(stall_aw);
  t.stall_w = static_cast<std::uint8_t>(stall_w);
  t.stall_b = static_cast<std::uint8_t>(stall_b);
  t.stall_ar = static_cast<std::uint8_t>(stall_ar);
  t.stall_r = static_cast<std::uint8_t>(stall_r);
  t.aw_after_w = aw_after_w != 0;
  t.w_after_aw = w_after_aw != 0;
  t.interleave_reads = interleave != 0;
  t.maximum_outstanding = outstanding;
  return t;
}

std::string draw_configuration(std::uint64_t seed, std::span<const std::string> configurations) {
  return configurations[stream(seed, Stream::configuration)() % configurations.size()];
}

Drawn draw(std::uint64_t seed, std::span<const std::string> configurations,
           const Weights& weights) {
  Drawn drawn;
  drawn.configuration = draw_configuration(seed, configurations);
  drawn.conditions = draw_conditions(seed, weights);
  std::mt19937_64 random = stream(seed, Stream::configuration);
  random.discard(1);
  const auto count = static_cast<unsigned>(1 + random() % weights.commands);
  const unsigned slots_log2 =
      random() % 100 < weights.small_ring ? static_cast<unsigned>(random() % 5) : 8;

  const Program made = ProgramGenerator(drawn.configuration, seed, weights).generate(count);
  program::Program& p = drawn.program;
  p.configuration = drawn.configuration;
  p.ring = program::Ring{kRing, slots_log2, kRecords};
  p.windows = {{0, kRing, kInputs - 1, true, true},
               {1, kInputs, kOutputs - 1, true, false},
               {2, kOutputs, kBase + kBytes - 1, true, true}};
  p.contents = contents_of(made.commands, made.memory, kUntouched);
  p.outputs = {{kInputs, kBase + kBytes - kInputs}};
  p.commands = made.commands;
  return drawn;
}

std::vector<program::Contents> contents_of(std::span<const systolith_command_t> commands,
                                           std::span<const std::uint8_t> image, std::uint8_t fill) {
  std::vector<bool> read(image.size());
  for (const systolith_command_t& command : commands)
    for_each_loaded_row(command, [&](std::uint64_t first, std::uint64_t last) {
      for (std::uint64_t at = first; at <= last; ++at)
        if (is_inside(at, 1)) read[at - kBase] = image[at - kBase] != fill;
    });
  std::vector<program::Contents> contents = {
      {kInputs, program::FillValue{kBase + kBytes - kInputs, fill}}};
  constexpr std::size_t kGap = 16;  // shorter ones are written through
  std::size_t at = kInputs - kBase;
  while (at < image.size()) {
    if (!read[at]) {
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    for (std::size_t i = end; i < std::min(image.size(), end + kGap); ++i)
      if (read[i]) end = i + 1;
    std::vector<std::byte> bytes(end - at);
    std::memcpy(bytes.data(), image.data() + at, bytes.size());
    contents.push_back({kBase + at, std::move(bytes)});
    at = end;
  }
  return contents;
}

std::vector<std::uint8_t> image_of(const program::Program& program) {
  // Ring and records hold something, so that what is written there is seen.
  std::vector<std::uint8_t> image(kBytes, kUntouched);
  for (const program::Contents& contents : program.contents) {
    const std::vector<std::byte> bytes = contents.bytes();
    if (!bytes.empty())
      std::memcpy(image.data() + (contents.address - kBase), bytes.data(), bytes.size());
  }
  return image;
}

std::string to_text(const Drawn& drawn, const std::vector<std::string>& comment) {
  std::string text;
  for (const std::string& line : comment) text += line.empty() ? "#\n" : "# " + line + "\n";
  text += kMark;
  for (const ConditionEntry& entry : kTable)
    if (drawn.conditions.*entry.value != Conditions{}.*entry.value)
      text += fmt::format(" {}={}", entry.name, drawn.conditions.*entry.value);
  return text + "\n" + program::disassemble(drawn.program);
}

Drawn from_text(std::string_view text) {
  Drawn drawn;
  drawn.program = program::assemble(text);
  const program::Program& p = drawn.program;
  if (!p.configuration)
    throw std::invalid_argument("no configuration: write a line configuration NAME");
  if (!p.ring)
    throw std::invalid_argument(
        fmt::format("no ring: write a line ring {:#x} 8 {:#x}", kRing, kRecords));
  model::Configuration::named(*p.configuration);  // throws where there is none
  drawn.configuration = *p.configuration;
  const auto check = [](const char* what, std::uint64_t address, std::uint64_t bytes) {
    if (!is_inside(address, bytes))
      throw std::invalid_argument(
          fmt::format("{} at {:#x}: memory of regressions is {:#x} to {:#x}; move it there", what,
                      address, kBase, kBase + kBytes - 1));
  };
  for (const program::Contents& contents : p.contents)
    check("contents", contents.address, contents.size());
  if (p.ring->slots_log2 > 9)
    throw std::invalid_argument("ring: at most 2^9 slots here; write a smaller one");
  check("ring", p.ring->address, std::uint64_t{SYSTOLITH_COMMAND_BYTES} << p.ring->slots_log2);
  check("records", p.ring->records, std::uint64_t{SYSTOLITH_RECORD_BYTES} << p.ring->slots_log2);

  std::istringstream lines{std::string(text)};
  unsigned number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.starts_with(kMark)) continue;
    try {
      drawn.conditions = parse_conditions(line.substr(kMark.size()));
    } catch (const std::invalid_argument& error) {
      throw program::ProgramError(number, error.what());
    }
  }
  return drawn;
}

std::string device_uri(const Drawn& drawn) {
  const Conditions& c = drawn.conditions;
  std::string uri = fmt::format("sim:config={}", drawn.configuration);
  if (c == Conditions{}) return uri;
  uri += fmt::format(",latency={}", c.read_latency_most);
  const std::uint32_t stall = std::max({c.stall_aw, c.stall_w, c.stall_b, c.stall_ar, c.stall_r});
  if (stall != 0) uri += fmt::format(",stall={}", stall / 100.0);
  return uri + fmt::format(",seed={}", c.seed);
}

}  // namespace systolith::regress
