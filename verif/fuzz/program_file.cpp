// Assembled programs: what `systolith asm -o` wrote, as it is and with a header that fits, since a
// mutation hardly ever finds the checksum.
#include <zlib.h>

#include <cstring>
#include <map>
#include <stdexcept>

#include "programs.hpp"

namespace systolith::fuzz {
namespace {

constexpr std::size_t kHeader = 24;

/// What stands in the parts of an accepted file: of each kind in order, contents of all kinds in
/// one, commands in one piece.
std::map<std::uint64_t, std::string> parts_of(std::string_view file) {
  const auto word = [&](std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, file.data() + at, sizeof value);
    return value;
  };
  std::map<std::uint64_t, std::string> parts;
  for (std::size_t at = kHeader; at < file.size();) {
    constexpr std::uint64_t kMemory = 4, kFillSeed = 6, kCommands = 8;
    const std::uint64_t kind = word(at);
    const std::size_t size = (word(at + 8) + 7) / 8 * 8;
    const bool contents = kind > kMemory && kind <= kFillSeed;
    // With its header, but for commands, which may stand in several parts.
    parts[contents ? kMemory : kind] +=
        kind == kCommands ? file.substr(at + 16, size) : file.substr(at, 16 + size);
    at += 16 + size;
  }
  parts[8];  // may be left out where there are none
  return parts;
}

void check(const std::string& file) {
  const auto read =
      accepted<std::invalid_argument>([&] { return program::from_binary(file); },
                                      [](const std::invalid_argument& error) {
                                        const std::string_view what = error.what();
                                        require(what.find("assemble the text") != what.npos ||
                                                    what.find("systolith asm") != what.npos,
                                                "the error does not say what to do");
                                      });
  if (!read) return;
  check_round_trips(*read);
  require(parts_of(program::to_binary(*read)) == parts_of(file),
          "a part is ignored, or a bit of it");
  // The beginning of a file is none.
  const std::size_t step = 1 + file.size() / 4;
  for (std::size_t size = file.size() - 1; size > 0; size -= std::min(size, step))
    require(!accepted<std::invalid_argument>(
                [&] { return program::from_binary(std::string_view(file).substr(0, size)); },
                [](const std::invalid_argument&) {}),
            "a truncated file is accepted");
}

std::string sealed(std::string_view parts) {
  std::string file = "\x93SYSTPGM";
  const auto put = [&](std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) file.push_back(static_cast<char>(value >> 8 * i));
  };
  put(1, 4);
  put(crc32_z(0, reinterpret_cast<const Bytef*>(parts.data()), parts.size()), 4);
  put(parts.size(), 8);
  return file.append(parts);
}

}  // namespace

void test(std::string_view input) {
  check(std::string(input));
  if (input.size() >= kHeader) check(sealed(input.substr(kHeader)));
}

}  // namespace systolith::fuzz
