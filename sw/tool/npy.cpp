#include "npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>

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

/// The header: a dictionary in Python's notation.
class Header {
 public:
  Header(const std::string& name, std::string_view text) : name_(name), text_(text) {}

  std::optional<std::string> descr, fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;

  /// All of it; a key that is missing stays empty.
  void read() {
    expect('{');
    while (!take('}')) {
      const std::string key = text();
      expect(':');
      read_value(key);
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (!text_.empty()) no_dictionary();
  }

  [[noreturn]] void unusable(std::string_view key) const {
    refuse(name_, fmt::format("the .npy header has no usable '{}'; save it with numpy.save", key));
  }

 private:
  [[noreturn]] void no_dictionary() const {
    refuse(name_,
           "the .npy header is not a dictionary of descr, fortran_order and shape; save it "
           "with numpy.save");
  }
  void skip() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n\r"), text_.size())); }
  bool take(char c) {
    skip();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) no_dictionary();
  }
  /// What stands between quotes; no type or key has an escape in it.
  std::string text() {
    skip();
    const char quote = text_.empty() ? ' ' : text_[0];
    const std::size_t end = quote == '\'' || quote == '"' ? text_.find(quote, 1) : text_.npos;
    if (end == text_.npos) no_dictionary();
    std::string found(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return found;
  }
  std::string word() {
    skip();
    const std::size_t size = std::min(text_.find_first_of(" \t\n\r,:()}"), text_.size());
    std::string found(text_.substr(0, size));
    text_.remove_prefix(size);
    return found;
  }
  std::uint64_t extent() {
    const std::string digits = word();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc::invalid_argument || end != digits.data() + digits.size() ||
        (digits[0] == '0' && digits.size() > 1))
      unusable("shape");
    if (error != std::errc() || value > kMaximumElements) refuse(name_, "the shape is too large");
    return value;
  }
  void read_value(const std::string& key) {
    skip();
    const bool is_text = text_.starts_with('\'') || text_.starts_with('"');
    if (key == "descr" && !descr) {
      if (!is_text) unusable(key);
      descr = text();
    } else if (key == "fortran_order" && !fortran_order) {
      fortran_order = word();
    } else if (key == "shape" && !shape) {
      if (!take('(')) unusable(key);
      shape.emplace();
      bool comma = true;
      while (!take(')')) {
        if (!comma) unusable(key);
        shape->push_back(extent());
        comma = take(',');
      }
      if (shape->size() == 1 && !comma) unusable(key);  // a number in brackets
    } else {
      no_dictionary();
    }
  }

  const std::string& name_;
  std::string_view text_;
};

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
  Header header(name, std::string_view(content).substr(start, length));
  header.read();
  if (!header.descr) header.unusable("descr");
  if (header.fortran_order != "True" && header.fortran_order != "False")
    header.unusable("fortran_order");
  if (!header.shape) header.unusable("shape");
  if (header.fortran_order == "True")
    refuse(name, "the array is in Fortran order; save numpy.ascontiguousarray(x)");
  const std::string& descr = *header.descr;

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

  std::uint64_t elements = 1;
  for (const std::uint64_t extent : *header.shape) {
    array.shape.push_back(extent);
    if (extent != 0 && elements > kMaximumElements / extent) refuse(name, "the shape is too large");
    elements *= extent;
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
