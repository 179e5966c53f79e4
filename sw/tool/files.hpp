// Whole files.
#pragma once

#include <string>

namespace systolith::tool {

/// Throws std::invalid_argument that names the file and says what to do.
std::string read_file(const std::string& path);

/// Throws std::runtime_error when the file can't be written.
void write_file(const std::string& path, const std::string& content);

}  // namespace systolith::tool
