// The tool as a user starts it: its exit status, what it prints, the files that it reads and
// writes.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

extern char** environ;

namespace systolith::tool::test {

struct Result {
  int status = -1;
  std::string out, err;

  bool says(const std::string& text) const {
    return out.find(text) != std::string::npos || err.find(text) != std::string::npos;
  }
};

inline std::ostream& operator<<(std::ostream& stream, const Result& result) {
  return stream << "exit status " << result.status << "\n" << result.out << result.err;
}

/// A running tool.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments) {
    std::vector<char*> argv = {const_cast<char*>(SYSTOLITH_TOOL)};
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(out_.get()), 1);
    posix_spawn_file_actions_adddup2(&actions, fileno(err_.get()), 2);
    const int error = posix_spawn(&pid_, SYSTOLITH_TOOL, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("the tool can't be started");
  }
  bool runs() const {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }
  Result wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(out_.get()), content(err_.get())};
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  static std::string content(std::FILE* file) {
    std::string text;
    std::rewind(file);
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file))
      text.push_back(static_cast<char>(c));
    return text;
  }
  File out_{std::tmpfile()}, err_{std::tmpfile()};
  pid_t pid_ = 0;
};

inline Result run(const std::vector<std::string>& arguments) { return Process(arguments).wait(); }

/// A folder of its own for each test.
class ToolTest : public testing::Test {
 protected:
  ToolTest() {
    std::string name = testing::TempDir() + "systolith_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
  }
  ~ToolTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// Writes a file; its path.
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  std::filesystem::path folder_;
};

/// An .npy file of format version `version` with this header dictionary, padded as NumPy does.
inline std::string npy(const std::string& dictionary, const std::string& data, int version = 1) {
  const std::size_t prefix = version == 1 ? 10 : 12;
  std::string header = dictionary;
  while ((prefix + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (unsigned i = 0; i < (version == 1 ? 2u : 4u); ++i)
    file += static_cast<char>(header.size() >> 8 * i);
  return file + header + data;
}

inline std::string dictionary(const std::string& type, const std::string& shape,
                              bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': (" + shape + "), }";
}

/// An .npy file of these values.
template <typename T>
std::string npy(const std::string& type, const std::string& shape, const std::vector<T>& values) {
  return npy(dictionary(type, shape),
             std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
}

}  // namespace systolith::tool::test
