#include <algorithm>
#include <stdexcept>
#include <string>

#include "gemm_cut.hpp"

namespace systolith::library {
namespace {

// Rows of equal length in memory.
struct Place {
  std::uint64_t base, pitch, rows, row_bytes;

  std::uint64_t row(std::uint64_t r) const { return base + r * pitch; }
  std::uint64_t end() const { return row(rows - 1) + row_bytes; }
};

// Whether a byte of the one is a byte of the other; what lies between rows is not theirs.
bool overlap(const Place& x, const Place& y) {
  if (x.end() <= y.base || y.end() <= x.base) return false;
  for (std::uint64_t r = 0; r < x.rows; ++r) {
    const std::uint64_t begin = x.row(r), end = begin + x.row_bytes;
    if (end <= y.base) continue;
    // Of the rows of y that begin before `end`, the first that ends after `begin`.
    const bool shared = y.pitch == 0;
    const std::uint64_t last = shared ? 0 : std::min(y.rows - 1, (end - 1 - y.base) / y.pitch);
    const std::uint64_t passed = begin - std::min(begin, y.base);  // of y when row r begins
    std::uint64_t first = 0;
    if (passed >= y.row_bytes) {
      if (shared) continue;
      first = (passed - y.row_bytes) / y.pitch + 1;
    }
    if (first <= last) return true;
  }
  return false;
}

}  // namespace

void check_places(const GemmProblem& p, const DeviceShape& device) {
  const std::uint64_t element = bytes_of(p.format);
  const Place d{p.d, p.ldd, p.m, p.n * bytes_of(p.out)};
  const auto apart = [&d](const char* name, const Place& read) {
    if (overlap(d, read))
      throw std::invalid_argument(
          std::string("D lies over ") + name +
          ", which is still read while D is written: give D memory of its own (a C of all of D's "
          "rows may be in D's very place, with 32-bit results)");
  };
  apart("A", {p.a, p.lda, p.m, p.k * element});
  apart("B", {p.b, p.ldb, p.k, p.n * element});
  if (p.scaling == Scale::column) {
    const std::uint64_t strips = (p.n + device.cols - 1) / device.cols;
    apart("the scales", {p.scales, 0, 1, 4 * device.cols * strips});
  }
  // In place: an element of C is read before the product that it starts, and so before D's.
  const bool in_place =
      p.seed == Seed::matrix && p.c == p.d && p.ldc == p.ldd && bytes_of(p.out) == 4;
  if (p.seed == Seed::row) apart("C", {p.c, 0, 1, 4 * p.n});
  if (p.seed == Seed::matrix && !in_place) apart("C", {p.c, p.ldc, p.m, 4 * p.n});
}

}  // namespace systolith::library
