#include "files.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace systolith::tool {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

}  // namespace

std::string read_file(const std::string& path) {
  std::string content;
  std::array<char, 1 << 16> block;
  const File file(std::fopen(path.c_str(), "rb"));
  if (file) {
    while (const std::size_t size = std::fread(block.data(), 1, block.size(), file.get()))
      content.append(block.data(), size);
  }
  if (!file || std::ferror(file.get()) != 0)
    throw std::invalid_argument(fmt::format("{}: can't be read ({}); check path and permissions",
                                            path, std::strerror(errno)));
  return content;
}

void write_file(const std::string& path, const std::string& content) {
  File file(std::fopen(path.c_str(), "wb"));
  const bool written =
      file && std::fwrite(content.data(), 1, content.size(), file.get()) == content.size();
  if (!written || std::fclose(file.release()) != 0)
    throw std::runtime_error(
        fmt::format("{}: can't be written ({}); check the folder and its free space", path,
                    std::strerror(errno)));
}

}  // namespace systolith::tool
