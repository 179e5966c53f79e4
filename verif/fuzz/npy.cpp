// NumPy files: operands, seeds and scales of `systolith gemm`.
#include "npy.hpp"

#include <algorithm>
#include <stdexcept>

#include "fuzz.hpp"

namespace systolith::fuzz {
namespace {

constexpr const char* kName = "a.npy";

std::optional<tool::Array> parse(const std::string& content) {
  return accepted<std::invalid_argument>([&] { return tool::parse_npy(kName, content); },
                                         [](const std::invalid_argument& error) {
                                           const std::string_view what = error.what();
                                           require(what.starts_with("a.npy: ") && what.size() > 7,
                                                   "no file name, or no cause");
                                         });
}

/// Whether the header has this shape, and nothing else in its brackets.
bool says(std::string header, const std::vector<std::uint64_t>& shape) {
  std::erase_if(header, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
  std::string extents;
  for (const std::uint64_t extent : shape) extents += std::to_string(extent) + ",";
  const auto has = [&](const std::string& text) { return header.find(text) != header.npos; };
  return has(":(" + extents + ")") ||
         (shape.size() == 2 && has(":(" + extents.substr(0, extents.size() - 1) + ")"));
}

bool same(const tool::Array& x, const tool::Array& y) {
  return x.type == y.type && x.shape == y.shape && x.bytes == y.bytes;
}

}  // namespace

void test(std::string_view input) {
  const std::string content(input);
  const auto array = parse(content);
  if (!array) return;
  unsigned __int128 elements = 1;  // does not wrap
  for (const std::uint64_t extent : array->shape) elements *= extent;
  require(array->shape.size() == 1 || array->shape.size() == 2, "neither a matrix nor a row");
  require(array->bytes.size() == elements * array->element(), "the data is not that of the shape");
  require(array->rows() * array->columns() == elements, "rows and columns are not the shape");
  require(content.ends_with(std::string(array->bytes.begin(), array->bytes.end())),
          "the data is not that of the file");
  require(says(content.substr(0, content.size() - array->bytes.size()), array->shape),
          "the header has another shape");
  const auto again = parse(tool::to_npy(*array));
  require(again && same(*again, *array), "written and read again it is another array");
  // The beginning of a file is none, where there is data.
  if (elements == 0) return;
  const std::size_t step = 1 + content.size() / 4;
  for (std::size_t size = content.size() - 1; size > 0; size -= std::min(size, step))
    require(!parse(content.substr(0, size)), "a truncated file is accepted");
}

}  // namespace systolith::fuzz
