#include "systolith/program/program.h"

#include <fmt/format.h>

namespace systolith::program {
namespace {

/// The splitmix64 generator.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace

ProgramError::ProgramError(unsigned line, const std::string& message)
    : std::runtime_error(fmt::format("line {}: {}", line, message)), line_(line) {}

std::uint64_t Contents::size() const {
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&data)) return bytes->size();
  if (const auto* fill = std::get_if<FillValue>(&data)) return fill->size;
  return std::get<FillSeed>(data).size;
}

std::vector<std::byte> Contents::bytes() const {
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&data)) return *bytes;
  if (const auto* fill = std::get_if<FillValue>(&data)) {
    return std::vector<std::byte>(fill->size, std::byte{fill->value});
  }
  const FillSeed& fill = std::get<FillSeed>(data);
  std::vector<std::byte> bytes(fill.size);
  Stream stream(fill.seed);
  std::uint64_t word = 0;
  for (std::uint64_t i = 0; i < fill.size; ++i) {
    if (i % 8 == 0) word = stream.next();
    bytes[i] = static_cast<std::byte>(word >> 8 * (i % 8));
  }
  return bytes;
}

}  // namespace systolith::program
