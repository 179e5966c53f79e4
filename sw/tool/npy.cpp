#include "npy.hpp"

#include <fmt/format.h>

#include <cstring>
#include <regex>
#include <stdexcept>

#include "files.hpp"

namespace systolith::tool {
namespace {

constexpr std::size_t kMagicBytes = 6;
constexpr char kMagic[] = "\x93NUMPY";
constexpr std::size_t kMaximumHeader = 4096;  // numpy writes 118 bytes
constexpr std::uint64_t kMaximumElements = std::uint64_t{1} << 32;

[[noreturn]] void refuse(const std::string& name, const std::string& text) {
  throw std::invalid_argument(fmt::format("{}: {}", name, text));
}

std::string field(const std::string& name, const std::string& header, const char* key,
                  const char* pattern) {
  std::smatch match;
  if (!std::regex_search(header, match, std::regex(fmt::format("'{}'\\s*:\\s*{}", key, pattern))))
    refuse(name, fmt::format("the .npy header has no usable '{}'; save it with numpy.save", key));
  return match[1];
}

}  // namespace

Array parse_npy(const std::string& name, const std::string& content) {
  if (content.empty()) refuse(name, "the file is empty; save it with numpy.save");
  if (content.size() < 10 || content.compare(0, kMagicBytes, kMagic, kMagicBytes) != 0)
    refuse(name, "not a NumPy .npy file; save it with numpy.save");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<std::uint8_t>(content[i]));
  };
  const std::size_t version = byte(6);
  std::size_t start = 10;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version == 2 || version == 3) {
    if (content.size() < 12) refuse(name, "the .npy header is truncated");
    start = 12;
    length |= byte(10) << 16 | byte(11) << 24;
  } else if (version != 1) {
    refuse(name, fmt::format("unknown .npy format version {}", version));
  }
  if (length > kMaximumHeader)
    refuse(name, fmt::format("the .npy header of {} bytes is no matrix's; save it with numpy.save",
                             length));
  if (content.size() < start + length) refuse(name, "the .npy header is truncated");
  const std::string header = content.substr(start, length);

  const std::string descr = field(name, header, "descr", "'([^']*)'");
  if (field(name, header, "fortran_order", "(True|False)") == "True")
    refuse(name, "the array is in Fortran order; save numpy.ascontiguousarray(x)");
  const std::string shape = field(name, header, "shape", "\\(([^)]*)\\)");

  Array array;
  if (descr.size() != 3 || std::strchr("<|=>", descr[0]) == nullptr)
    refuse(name,
           fmt::format("type '{}' is not supported; use float32, uint16, int32 or int8", descr));
  array.type = descr.substr(1);
  if (array.type != "f4" && array.type != "u2" && array.type != "i4" && array.type != "i1")
    refuse(name,
           fmt::format("type '{}' is not supported; use float32, uint16, int32 or int8", descr));
  if (descr[0] == '>')
    refuse(name, "big-endian data; convert with x.astype(x.dtype.newbyteorder('<'))");

  const std::regex number("[0-9]+");
  std::uint64_t elements = 1;
  for (auto it = std::sregex_iterator(shape.begin(), shape.end(), number);
       it != std::sregex_iterator(); ++it) {
    const std::string digits = it->str();
    if (digits.size() > 10) refuse(name, "the shape is too large");
    array.shape.push_back(std::stoull(digits));
    if (array.shape.back() > kMaximumElements) refuse(name, "the shape is too large");
    elements *= array.shape.back();
    if (elements > kMaximumElements) refuse(name, "the shape is too large");
  }
  if (array.shape.empty() || array.shape.size() > 2)
    refuse(name, fmt::format("{} dimensions; a matrix has 2, a row 1", array.shape.size()));

  const std::uint64_t bytes = elements * array.element();
  if (content.size() - start - length < bytes)
    refuse(name, fmt::format("truncated: {} bytes of data, the shape needs {}",
                             content.size() - start - length, bytes));
  if (content.size() - start - length > bytes)
    refuse(name, fmt::format("{} bytes of data, more than the {} of its shape",
                             content.size() - start - length, bytes));
  array.bytes.assign(content.begin() + static_cast<std::ptrdiff_t>(start + length), content.end());
  return array;
}

Array read_npy(const std::string& path) { return parse_npy(path, read_file(path)); }

std::string to_npy(const Array& array) {
  std::string shape;
  for (const std::uint64_t extent : array.shape) shape += fmt::format("{}, ", extent);
  if (array.shape.size() > 1) shape.resize(shape.size() - 2);
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   array.element() == 1 ? '|' : '<', array.type, shape);
  header.append(63 - (10 + header.size()) % 64, ' ');
  header.push_back('\n');
  std::string content(kMagic, kMagicBytes);
  for (const std::size_t byte :
       {std::size_t{1}, std::size_t{0}, header.size() & 0xff, header.size() >> 8})
    content.push_back(static_cast<char>(byte));
  content += header;
  content.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return content;
}

void write_npy(const std::string& path, const Array& array) { write_file(path, to_npy(array)); }

}  // namespace systolith::tool
