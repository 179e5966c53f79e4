// Stands in for libFuzzer where there is g++ alone: runs a target over files and over mutations of
// them, always the same ones.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

constexpr unsigned kSeconds = 20;  // for one input; it takes a millisecond
constexpr std::size_t kMostBytes = 1 << 16;

std::string input;
std::string kept;  // where an input that fails goes

// What the handler may call is little; the process ends right after.
void keep_input(int signal) {
  std::signal(signal, SIG_DFL);
  std::FILE* file = std::fopen(kept.c_str(), "wb");
  if (file != nullptr) {
    std::fwrite(input.data(), 1, input.size(), file);
    std::fclose(file);
  }
  std::fprintf(stderr, "%s; the input is in %s\n",
               signal == SIGALRM ? "WRONG: no end" : "the target ended", kept.c_str());
  std::raise(signal);
}

void run() {
  alarm(kSeconds);
  systolith::fuzz::test(input);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Words of a libFuzzer dictionary: lines with "word", \xHH, \\ and \" in it.
std::vector<std::string> dictionary(const std::string& path) {
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find('"');
    const std::size_t last = line.rfind('"');
    if (line.starts_with('#') || first == last) continue;
    std::string word;
    for (std::size_t i = first + 1; i < last; ++i) {
      if (line[i] == '\\' && line[i + 1] == 'x') {
        word.push_back(static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16)));
        i += 3;
      } else {
        word.push_back(line[i] == '\\' ? line[++i] : line[i]);
      }
    }
    words.push_back(word);
  }
  return words;
}

class Mutations {
 public:
  Mutations(std::vector<std::string> seeds, std::vector<std::string> words)
      : seeds_(std::move(seeds)), words_(std::move(words)) {}

  std::string next() {
    std::string text = seeds_[below(seeds_.size())];
    for (std::size_t n = 1 + below(4); n > 0; --n) change(text);
    return text.substr(0, kMostBytes);
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = below(std::min<std::size_t>(text.size() - at, 32) + 1);
    switch (below(9)) {
      case 0:  // one bit
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ 1 << below(8));
        return;
      case 1:  // one byte
        if (at < text.size()) text[at] = static_cast<char>(random_());
        return;
      case 2:  // digits, signs and bounds
        if (at < text.size()) text[at] = "0123456789-+xXe.,:=/\n \0\xff"[below(24)];
        return;
      case 3:
        text.insert(at, 1, static_cast<char>(random_()));
        return;
      case 4:
        text.erase(at, length);
        return;
      case 5:
        text.insert(at, text.substr(below(text.size() + 1), length));
        return;
      case 6:
        text.resize(at);
        return;
      case 7: {
        const std::string& other = seeds_[below(seeds_.size())];
        text = text.substr(0, at) + other.substr(below(other.size() + 1));
        return;
      }
      default:
        if (!words_.empty()) text.replace(at, below(2) * length, words_[below(words_.size())]);
    }
  }

  std::mt19937_64 random_{1};
  std::vector<std::string> seeds_, words_;
};

}  // namespace

// TARGET MUTATIONS DICTIONARY FILE_OR_FOLDER...    DICTIONARY: may be empty
int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s MUTATIONS DICTIONARY FILE_OR_FOLDER...\n", argv[0]);
    return 2;
  }
  std::vector<fs::path> paths;
  for (int i = 3; i < argc; ++i) {
    if (!fs::exists(argv[i])) {
      std::fprintf(stderr, "%s is not there\n", argv[i]);
      return 2;
    }
    if (!fs::is_directory(argv[i])) {
      paths.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argv[i])) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  kept = fs::absolute(fs::path(argv[0]).filename().string() + "-failed").string();
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM})
    std::signal(signal, keep_input);

  std::vector<std::string> seeds;
  for (const fs::path& path : paths) {
    input = read(path);
    run();
    seeds.push_back(input);
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds\n");
    return 2;
  }
  const long count = std::strtol(argv[1], nullptr, 10);
  Mutations mutations(seeds, dictionary(argv[2]));
  for (long i = 0; i < count; ++i) {
    input = mutations.next();
    run();
  }
  std::printf("%zu files and %ld mutations of them\n", seeds.size(), count);
  return 0;
}
