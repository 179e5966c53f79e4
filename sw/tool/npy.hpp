// NumPy .npy files of one and two dimensions, read and written without NumPy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace systolith::tool {

/// A matrix or vector from a .npy file, row-major, in the host's byte order.
struct Array {
  std::string type;  ///< NumPy's kind and size without byte order: "f4", "u2", "i1", "i4"
  std::vector<std::uint64_t> shape;  ///< one or two dimensions
  std::vector<std::uint8_t> bytes;   ///< product of the shape times the element's size

  std::uint64_t rows() const { return shape.size() == 2 ? shape[0] : 1; }
  std::uint64_t columns() const { return shape.empty() ? 0 : shape.back(); }
  unsigned element() const { return static_cast<unsigned>(type[1] - '0'); }
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
};

/// Parses the whole file's content (format versions 1 to 3, little-endian or single-byte types, C
/// order). Throws std::invalid_argument that names `name` and says what to do.
Array parse_npy(const std::string& name, const std::string& content);

/// Reads a file; errors as read_file and parse_npy.
Array read_npy(const std::string& path);

/// The content of a file of format version 1.0.
std::string to_npy(const Array& array);

/// Writes it; errors as write_file.
void write_npy(const std::string& path, const Array& array);

}  // namespace systolith::tool
