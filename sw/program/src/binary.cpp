#include <zlib.h>

#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "form.h"
#include "systolith/program/program.h"

namespace systolith::program {
namespace {

constexpr std::string_view kMagic = "\x93SYSTPGM";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kPartHeaderBytes = 16;
constexpr std::size_t kAlignment = 8;

enum Part : std::uint32_t {
  kConfiguration = 1,
  kRing = 2,
  kWindow = 3,
  kMemory = 4,
  kFillValue = 5,
  kFillSeed = 6,
  kOutput = 7,
  kCommands = 8,
};

constexpr std::size_t padded(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

[[noreturn]] void refuse(const std::string& text) { throw std::invalid_argument(text); }

void put(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> 8 * i));
}

std::uint64_t get(std::string_view in, std::size_t at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= std::uint64_t{static_cast<std::uint8_t>(in[at + i])} << 8 * i;
  return value;
}

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void put_part(std::string& out, Part part, std::string_view payload) {
  put(out, part, 4);
  put(out, 0, 4);
  put(out, payload.size(), 8);
  out += payload;
  out.append(padded(payload.size()) - payload.size(), '\0');
}

void put_part(std::string& out, Part part, std::initializer_list<std::uint64_t> words) {
  std::string payload;
  for (const std::uint64_t word : words) put(payload, word, 8);
  put_part(out, part, payload);
}

void put_contents(std::string& out, const Contents& contents) {
  if (const auto* fill = std::get_if<FillValue>(&contents.data)) {
    put_part(out, kFillValue, {contents.address, fill->size, fill->value});
  } else if (const auto* seeded = std::get_if<FillSeed>(&contents.data)) {
    put_part(out, kFillSeed, {contents.address, seeded->size, seeded->seed});
  } else {
    const auto& bytes = std::get<std::vector<std::byte>>(contents.data);
    std::string payload;
    put(payload, contents.address, 8);
    payload.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    put_part(out, kMemory, payload);
  }
}

/// The payload of one part, and its words.
struct Payload {
  Part part;
  std::string_view bytes;

  void expect_words(std::size_t count) const {
    if (bytes.size() != 8 * count)
      refuse(fmt::format("part {} has {} bytes, not {}: assemble the text again",
                         static_cast<unsigned>(part), bytes.size(), 8 * count));
  }
  std::uint64_t word(std::size_t index) const { return get(bytes, 8 * index, 8); }
  std::uint64_t word(std::size_t index, const char* what, unsigned width) const {
    const std::uint64_t value = word(index);
    if (value >> width != 0)
      refuse(
          fmt::format("{} {} does not fit {} bits: assemble the text again", what, value, width));
    return value;
  }
};

/// `why` of form.h.
void refuse_if(const std::string& why) {
  if (!why.empty()) refuse(fmt::format("{}: assemble the text again", why));
}

std::vector<std::byte> copy(std::string_view bytes) {
  std::vector<std::byte> copied(bytes.size());
  if (!bytes.empty()) std::memcpy(copied.data(), bytes.data(), bytes.size());
  return copied;
}

Window window_of(const Payload& p) {
  p.expect_words(4);
  const std::uint64_t permissions = p.word(3, "permissions", 2);
  return {static_cast<unsigned>(p.word(0, "window", kWindowIndexWidth)), p.word(1), p.word(2),
          (permissions & 1) != 0, (permissions & 2) != 0};
}

Contents contents_of(const Payload& p) {
  if (p.part == kMemory) {
    if (p.bytes.size() < 8) refuse("memory without an address: assemble the text again");
    return {p.word(0), copy(p.bytes.substr(8))};
  }
  p.expect_words(3);
  if (p.part == kFillSeed) return {p.word(0), FillSeed{p.word(1), p.word(2)}};
  const std::uint64_t value = p.word(2, "value", kFillValueWidth);
  return {p.word(0), FillValue{p.word(1), static_cast<std::uint8_t>(value)}};
}

void take(const Payload& p, Program& program) {
  switch (p.part) {
    case kConfiguration:
      refuse_if(why_wrong_configuration(p.bytes, program));
      program.configuration = std::string(p.bytes);
      return;
    case kRing: {
      p.expect_words(3);
      const Ring ring{p.word(0), static_cast<unsigned>(p.word(1, "slots_log2", kSlotsLog2Width)),
                      p.word(2)};
      refuse_if(why_wrong(ring, program));
      program.ring = ring;
      return;
    }
    case kWindow: {
      const Window window = window_of(p);
      refuse_if(why_wrong(window, program));
      program.windows.push_back(window);
      return;
    }
    case kMemory:
    case kFillValue:
    case kFillSeed: {
      Contents contents = contents_of(p);
      refuse_if(why_wrong(contents));
      program.contents.push_back(std::move(contents));
      return;
    }
    case kOutput:
      p.expect_words(2);
      program.outputs.push_back({p.word(0), p.word(1)});
      return;
    case kCommands:
      if (p.bytes.size() % SYSTOLITH_COMMAND_BYTES != 0)
        refuse("half a command: assemble the text again");
      for (std::size_t at = 0; at < p.bytes.size(); at += SYSTOLITH_COMMAND_BYTES) {
        systolith_command_t command{};
        for (std::size_t w = 0; w < SYSTOLITH_COMMAND_WORDS; ++w)
          command.words[w] = get(p.bytes, at + 8 * w, 8);
        program.commands.push_back(command);
      }
      return;
  }
  refuse(fmt::format("part {} is unknown: assemble the text again", static_cast<unsigned>(p.part)));
}

}  // namespace

std::string to_binary(const Program& program) {
  std::string parts;
  if (program.configuration) put_part(parts, kConfiguration, *program.configuration);
  if (program.ring)
    put_part(parts, kRing,
             {program.ring->address, program.ring->slots_log2, program.ring->records});
  for (const Window& w : program.windows)
    put_part(parts, kWindow, {w.index, w.base, w.last, (w.read ? 1u : 0u) | (w.write ? 2u : 0u)});
  for (const Contents& contents : program.contents) put_contents(parts, contents);
  for (const Range& output : program.outputs)
    put_part(parts, kOutput, {output.address, output.size});
  std::string commands;
  for (const systolith_command_t& command : program.commands)
    for (const std::uint64_t word : command.words) put(commands, word, 8);
  put_part(parts, kCommands, commands);

  std::string out(kMagic);
  put(out, kVersion, 4);
  put(out, checksum(parts), 4);
  put(out, parts.size(), 8);
  return out + parts;
}

bool is_binary(std::string_view bytes) { return !bytes.empty() && bytes[0] == kMagic[0]; }

Program from_binary(std::string_view bytes) {
  if (!bytes.starts_with(kMagic.substr(0, bytes.size())))
    refuse("neither program text nor an assembled program: write one with systolith asm");
  if (bytes.size() < kMagic.size() + 4)
    refuse(fmt::format("truncated: {} bytes, less than a header; assemble the text again",
                       bytes.size()));
  const std::uint64_t version = get(bytes, 8, 4);
  if (version != kVersion)
    refuse(
        fmt::format("an assembled program of version {}, this tool reads version {}: assemble "
                    "the text with this tool",
                    version, kVersion));
  if (bytes.size() < kHeaderBytes)
    refuse(fmt::format("truncated: {} bytes, less than a header; assemble the text again",
                       bytes.size()));
  const std::uint64_t size = get(bytes, 16, 8);
  const std::uint32_t sum = static_cast<std::uint32_t>(get(bytes, 12, 4));
  bytes.remove_prefix(kHeaderBytes);
  if (bytes.size() < size)
    refuse(fmt::format("truncated: {} of {} bytes after the header; assemble the text again",
                       bytes.size(), size));
  if (bytes.size() > size)
    refuse(fmt::format("{} bytes after the header, {} more than it says; assemble the text again",
                       bytes.size(), bytes.size() - size));
  if (checksum(bytes) != sum) refuse("damaged: the checksum does not fit; assemble the text again");

  Program program;
  while (!bytes.empty()) {
    if (bytes.size() < kPartHeaderBytes) refuse("half a part: assemble the text again");
    const auto part = static_cast<Part>(get(bytes, 0, 4));
    const std::uint64_t reserved = get(bytes, 4, 4);
    const std::uint64_t payload = get(bytes, 8, 8);
    bytes.remove_prefix(kPartHeaderBytes);
    if (payload > bytes.size() || padded(payload) > bytes.size())
      refuse("half a part: assemble the text again");
    const std::string_view padding = bytes.substr(payload, padded(payload) - payload);
    if (reserved != 0 || padding.find_first_not_of('\0') != padding.npos)
      refuse(fmt::format("part {}: bytes that must be 0 are not: assemble the text again",
                         static_cast<unsigned>(part)));
    take({part, bytes.substr(0, payload)}, program);
    bytes.remove_prefix(padded(payload));
  }
  return program;
}

}  // namespace systolith::program
