#include <bit>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fields.h"
#include "form.h"
#include "systolith/program/program.h"

namespace systolith::program {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  for (std::size_t start = line.find_first_not_of(kBlank); start != std::string_view::npos;) {
    const std::size_t end = line.find_first_of(kBlank, start);
    words.push_back(line.substr(start, end - start));
    start = end == std::string_view::npos ? end : line.find_first_not_of(kBlank, end);
  }
  return words;
}

/// One line: its words and where it stands.
class Line {
 public:
  Line(unsigned number, std::vector<std::string_view> words)
      : number_(number), words_(std::move(words)) {}

  std::string_view keyword() const { return words_.front(); }
  std::size_t arguments() const { return words_.size() - 1; }
  std::string_view argument(std::size_t index) const { return words_[index + 1]; }

  [[noreturn]] void fail(const std::string& message) const { throw ProgramError(number_, message); }
  /// `why` of form.h.
  void refuse(const std::string& why) const {
    if (!why.empty()) fail(why);
  }

  void expect_arguments(std::size_t least, std::size_t most, std::string_view form) const {
    if (arguments() < least || arguments() > most) fail(fmt::format("write: {}", form));
  }

  std::uint64_t number(std::string_view text, std::string_view what) const {
    std::string digits(text);
    std::erase(digits, '_');
    const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
    const char* first = digits.data() + (hexadecimal ? 2 : 0);
    const char* last = digits.data() + digits.size();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(first, last, value, hexadecimal ? 16 : 10);
    if (error == std::errc::result_out_of_range)
      fail(fmt::format("{}: {} does not fit 64 bits", what, text));
    if (error != std::errc{} || end != last || first == last) {
      fail(fmt::format("{}: '{}' is no number; write decimal digits or 0x and hexadecimal ones",
                       what, text));
    }
    return value;
  }

  std::uint64_t number(std::string_view text, std::string_view what, unsigned width) const {
    const std::uint64_t value = number(text, what);
    const std::uint64_t greatest = ~std::uint64_t{0} >> (64 - width);
    if (value > greatest)
      fail(fmt::format("{}: {} is past {:#x}, the greatest for {} bits", what, text, greatest,
                       width));
    return value;
  }

  std::uint64_t signed_number(std::string_view text, std::string_view what) const {
    if (!text.starts_with('-')) return number(text, what);
    const std::uint64_t magnitude = number(text.substr(1), what);
    if (magnitude > std::uint64_t{1} << 63)
      fail(fmt::format("{}: {} does not fit 64 bits", what, text));
    return std::uint64_t{0} - magnitude;
  }

 private:
  unsigned number_;
  std::vector<std::string_view> words_;
};

std::uint64_t parse_sync(const Line& line, const Field& field, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    line.fail(fmt::format("{}: write {}=SEMAPHORE:COUNT or {}=SEMAPHORE:COUNT/ROWS_LOG2",
                          field.name, field.name, field.name));
  }
  const std::size_t slash = text.find('/', colon);
  std::uint64_t sync = 0;
  SYSTOLITH_SET(&sync, SYNC_SEMAPHORE,
                line.number(text.substr(0, colon), "semaphore", SYSTOLITH_SYNC_SEMAPHORE_WIDTH));
  SYSTOLITH_SET(
      &sync, SYNC_COUNT,
      line.number(text.substr(colon + 1, slash - colon - 1), "count", SYSTOLITH_SYNC_COUNT_WIDTH));
  if (slash != std::string_view::npos) {
    SYSTOLITH_SET(&sync, SYNC_BY_ROWS, 1);
    SYSTOLITH_SET(&sync, SYNC_ROWS_LOG2,
                  line.number(text.substr(slash + 1), "rows_log2", SYSTOLITH_SYNC_ROWS_LOG2_WIDTH));
  }
  return sync;
}

std::uint64_t parse_float(const Line& line, const Field& field, std::string_view text) {
  if (text.starts_with("0x")) return line.number(text, field.name, 32);
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    line.fail(fmt::format("{}: '{}' is no binary32; write a decimal number, or 0x and its bits",
                          field.name, text));
  }
  return std::bit_cast<std::uint32_t>(value);
}

std::uint64_t parse_name(const Line& line, const Field& field, std::string_view text) {
  std::vector<std::string_view> names;
  for (const NamedValue& entry : field.names) {
    if (entry.name == text) return entry.value;
    names.push_back(entry.name);
  }
  line.fail(fmt::format("{}: '{}' is unknown; it is one of {}", field.name, text,
                        fmt::join(names, ", ")));
}

std::uint64_t parse_value(const Line& line, const Field& field, std::string_view text) {
  switch (field.kind) {
    case Kind::kSigned:
      return line.signed_number(text, field.name);
    case Kind::kName:
      return parse_name(line, field, text);
    case Kind::kSync:
      return parse_sync(line, field, text);
    case Kind::kFloat:
      return parse_float(line, field, text);
    case Kind::kNumber:
    case Kind::kFlag:
      break;
  }
  return line.number(text, field.name, field.width);
}

systolith_command_t parse_command(const Line& line, const Layout& layout) {
  systolith_command_t command = blank(layout);
  std::map<std::string_view, bool> seen;
  for (std::size_t i = 0; i < line.arguments(); ++i) {
    const std::string_view argument = line.argument(i);
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const Field* field = layout.find(name);
    if (field == nullptr) {
      std::vector<std::string_view> names;
      for (const Field& known : layout.fields) names.push_back(known.name);
      line.fail(fmt::format("{} has no field '{}'; its fields are {}", layout.name, name,
                            fmt::join(names, ", ")));
    }
    if (seen[name]) line.fail(fmt::format("{} is given twice; keep one", name));
    seen[name] = true;
    const bool is_flag = field->kind == Kind::kFlag;
    if (is_flag != (equals == std::string_view::npos)) {
      line.fail(is_flag ? fmt::format("{} is a flag; write it without a value", name)
                        : fmt::format("{} needs a value; write {}=VALUE", name, name));
    }
    const std::uint64_t value =
        is_flag ? 1 : parse_value(line, *field, argument.substr(equals + 1));
    systolith_field_set(command.words, field->word, field->lsb, field->width, value);
  }
  for (const Field& field : layout.fields) {
    if (field.required && !seen[field.name])
      line.fail(fmt::format("{} needs {}=VALUE", layout.name, field.name));
  }
  return command;
}

systolith_command_t parse_raw(const Line& line) {
  line.expect_arguments(1, SYSTOLITH_COMMAND_WORDS,
                        "raw WORD..., up to 16 words of 64 bits; the rest is zero");
  systolith_command_t command{};
  for (std::size_t i = 0; i < line.arguments(); ++i)
    command.words[i] = line.number(line.argument(i), "word");
  return command;
}

// ---- directives ----

void parse_memory(const Line& line, Program& program) {
  line.expect_arguments(2, ~std::size_t{0}, "memory ADDRESS HEX..., two digits a byte");
  std::vector<std::byte> bytes;
  for (std::size_t i = 1; i < line.arguments(); ++i) {
    const std::string_view digits = line.argument(i);
    if (digits.size() % 2 != 0)
      line.fail(fmt::format("'{}' has an odd number of digits; write two a byte", digits));
    for (std::size_t d = 0; d < digits.size(); d += 2) {
      unsigned value = 0;
      const auto [end, error] =
          std::from_chars(digits.data() + d, digits.data() + d + 2, value, 16);
      if (error != std::errc{} || end != digits.data() + d + 2) {
        line.fail(fmt::format("'{}' is no byte; write two hexadecimal digits, without 0x",
                              digits.substr(d, 2)));
      }
      bytes.push_back(static_cast<std::byte>(value));
    }
  }
  program.contents.push_back({line.number(line.argument(0), "address"), std::move(bytes)});
}

void parse_fill(const Line& line, Program& program) {
  constexpr std::string_view kForm =
      "fill ADDRESS BYTES value=BYTE, or fill ADDRESS BYTES seed=NUMBER";
  line.expect_arguments(3, 3, kForm);
  const std::uint64_t address = line.number(line.argument(0), "address");
  const std::uint64_t size = line.number(line.argument(1), "bytes");
  const std::string_view how = line.argument(2);
  if (how.starts_with("value=")) {
    const auto value =
        static_cast<std::uint8_t>(line.number(how.substr(6), "value", kFillValueWidth));
    program.contents.push_back({address, FillValue{size, value}});
  } else if (how.starts_with("seed=")) {
    program.contents.push_back({address, FillSeed{size, line.number(how.substr(5), "seed")}});
  } else {
    line.fail(fmt::format("write: {}", kForm));
  }
}

void parse_window(const Line& line, Program& program) {
  constexpr std::string_view kForm = "window INDEX FIRST LAST [read] [write]";
  line.expect_arguments(3, 5, kForm);
  Window window{static_cast<unsigned>(line.number(line.argument(0), "index", kWindowIndexWidth)),
                line.number(line.argument(1), "first"), line.number(line.argument(2), "last"),
                false, false};
  for (std::size_t i = 3; i < line.arguments(); ++i) {
    if (line.argument(i) == "read")
      window.read = true;
    else if (line.argument(i) == "write")
      window.write = true;
    else
      line.fail(fmt::format("write: {}", kForm));
  }
  line.refuse(why_wrong(window, program));
  program.windows.push_back(window);
}

void parse_output(const Line& line, Program& program) {
  line.expect_arguments(2, 2, "output ADDRESS BYTES");
  program.outputs.push_back(
      {line.number(line.argument(0), "address"), line.number(line.argument(1), "bytes")});
}

void parse_ring(const Line& line, Program& program) {
  line.expect_arguments(3, 3, "ring ADDRESS SLOTS_LOG2 RECORDS_ADDRESS");
  const Ring ring{
      line.number(line.argument(0), "address"),
      static_cast<unsigned>(line.number(line.argument(1), "slots_log2", kSlotsLog2Width)),
      line.number(line.argument(2), "records address")};
  line.refuse(why_wrong(ring, program));
  program.ring = ring;
}

void parse_configuration(const Line& line, Program& program) {
  line.expect_arguments(1, 1, "configuration NAME");
  line.refuse(why_wrong_configuration(line.argument(0), program));
  program.configuration = std::string(line.argument(0));
}

using Directive = void (*)(const Line&, Program&);

const std::map<std::string_view, Directive>& directives() {
  static const std::map<std::string_view, Directive> map = {
      {"configuration", parse_configuration},
      {"fill", parse_fill},
      {"memory", parse_memory},
      {"output", parse_output},
      {"ring", parse_ring},
      {"window", parse_window},
  };
  return map;
}

bool parse_command_line(const Line& line, std::vector<systolith_command_t>& commands) {
  if (line.keyword() == "raw") {
    commands.push_back(parse_raw(line));
    return true;
  }
  const Layout* layout = find_layout(line.keyword());
  if (layout == nullptr) return false;
  commands.push_back(parse_command(line, *layout));
  return true;
}

}  // namespace

Program assemble(std::string_view text) {
  Program program;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::vector<std::string_view> words = words_of(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (words.empty()) continue;
    const Line line(number, std::move(words));
    const auto directive = directives().find(line.keyword());
    if (directive != directives().end()) {
      directive->second(line, program);
    } else if (!parse_command_line(line, program.commands)) {
      line.fail(
          fmt::format("'{}' is neither a command (load, matrix, nop, raw, store) nor a directive "
                      "(configuration, fill, memory, output, ring, window)",
                      line.keyword()));
    }
  }
  return program;
}

systolith_command_t assemble_command(std::string_view text) {
  const Program program = assemble(text);
  if (program.commands.size() != 1) throw ProgramError(1, "exactly one command is expected");
  return program.commands.front();
}

}  // namespace systolith::program
