#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include "fields.h"
#include "systolith/program/program.h"

namespace systolith::program {
namespace {

bool same(const systolith_command_t& x, const systolith_command_t& y) {
  return std::memcmp(x.words, y.words, sizeof x.words) == 0;
}

std::uint64_t value_of(const systolith_command_t& command, const Field& field) {
  return systolith_field_get(command.words, field.word, field.lsb, field.width);
}

std::string text_of(const Field& field, std::uint64_t value) {
  switch (field.kind) {
    case Kind::kFlag:
      return std::string(field.name);
    case Kind::kSigned:
      return fmt::format("{}={}", field.name, static_cast<std::int64_t>(value));
    case Kind::kSync: {
      std::string text = fmt::format("{}={}:{}", field.name, SYSTOLITH_GET(&value, SYNC_SEMAPHORE),
                                     SYSTOLITH_GET(&value, SYNC_COUNT));
      if (SYSTOLITH_GET(&value, SYNC_BY_ROWS) != 0)
        text += fmt::format("/{}", SYSTOLITH_GET(&value, SYNC_ROWS_LOG2));
      return text;
    }
    case Kind::kName:
      for (const NamedValue& entry : field.names) {
        if (entry.value == value) return fmt::format("{}={}", field.name, entry.name);
      }
      return {};  // no name: the command goes raw
    case Kind::kFloat: {
      const float number = std::bit_cast<float>(static_cast<std::uint32_t>(value));
      if (!std::isfinite(number)) return fmt::format("{}={:#010x}", field.name, value);
      return fmt::format("{}={}", field.name, number);  // shortest text that comes back the same
    }
    case Kind::kNumber:
      break;
  }
  if (field.width == 64) return fmt::format("{}={:#x}", field.name, value);  // an address
  return fmt::format("{}={}", field.name, value);
}

std::string raw_text(const systolith_command_t& command) {
  std::size_t words = SYSTOLITH_COMMAND_WORDS;
  while (words > 1 && command.words[words - 1] == 0) --words;
  std::string text = "raw";
  for (std::size_t i = 0; i < words; ++i) text += fmt::format(" {:#x}", command.words[i]);
  return text;
}

std::string hex(const std::vector<std::byte>& bytes, std::size_t first, std::size_t last) {
  std::string text;
  for (std::size_t i = first; i < last; ++i)
    text += fmt::format("{:02x}", static_cast<unsigned>(bytes[i]));
  return text;
}

void write(std::string& text, const Contents& contents) {
  if (const auto* fill = std::get_if<FillValue>(&contents.data)) {
    text += fmt::format("fill {:#x} {} value={:#04x}\n", contents.address, fill->size, fill->value);
  } else if (const auto* seeded = std::get_if<FillSeed>(&contents.data)) {
    text += fmt::format("fill {:#x} {} seed={}\n", contents.address, seeded->size, seeded->seed);
  } else {
    const auto& bytes = std::get<std::vector<std::byte>>(contents.data);
    text += fmt::format("memory {:#x}", contents.address);
    constexpr std::size_t kGroup = 8;
    for (std::size_t i = 0; i < bytes.size(); i += kGroup) {
      text += ' ' + hex(bytes, i, std::min(i + kGroup, bytes.size()));
    }
    text += '\n';
  }
}

}  // namespace

std::string disassemble(const systolith_command_t& command) {
  const auto opcode = static_cast<std::uint8_t>(SYSTOLITH_GET(command.words, HEADER_OPCODE));
  const auto unit = static_cast<std::uint8_t>(SYSTOLITH_GET(command.words, HEADER_UNIT));
  const Layout* layout = find_layout(opcode, unit);
  if (layout == nullptr) return raw_text(command);
  std::string text(layout->name);
  for (const Field& field : layout->fields) {
    const std::uint64_t value = value_of(command, field);
    if (!field.required && value == field.fallback) continue;
    const std::string part = text_of(field, value);
    if (part.empty()) return raw_text(command);
    text += ' ' + part;
  }
  // Bits that no field holds, or that the text cannot say.
  return same(assemble_command(text), command) ? text : raw_text(command);
}

std::string disassemble(const Program& program) {
  std::string text;
  const auto out = std::back_inserter(text);
  if (program.configuration) fmt::format_to(out, "configuration {}\n", *program.configuration);
  if (program.ring) {
    fmt::format_to(out, "ring {:#x} {} {:#x}\n", program.ring->address, program.ring->slots_log2,
                   program.ring->records);
  }
  for (const Window& window : program.windows) {
    fmt::format_to(out, "window {} {:#x} {:#x}{}{}\n", window.index, window.base, window.last,
                   window.read ? " read" : "", window.write ? " write" : "");
  }
  for (const Contents& contents : program.contents) write(text, contents);
  for (const Range& output : program.outputs)
    fmt::format_to(out, "output {:#x} {}\n", output.address, output.size);
  for (const systolith_command_t& command : program.commands) {
    text += disassemble(command);
    text += '\n';
  }
  return text;
}

}  // namespace systolith::program
