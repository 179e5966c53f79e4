#include "worker.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "systolith/model/configuration.h"

namespace systolith::regress {
namespace {

std::FILE* results = stdout;

}  // namespace

void keep_results_apart() {
  std::fflush(stdout);
  results = fdopen(dup(STDOUT_FILENO), "w");
  if (results == nullptr || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    throw std::runtime_error("the standard output can't be kept apart");
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), results);
  std::fflush(results);
}

std::uint64_t parse_seed(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument(
        fmt::format("'{}' is no seed: write a number from 0 to 2^64 - 1", text));
  return value;
}

std::vector<std::string> configurations_of(const std::string& text) {
  const std::vector<std::string> all = model::Configuration::names();
  std::vector<std::string> chosen;
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');)
    if (!name.empty()) chosen.push_back(name);
  for (const std::string& name : chosen)
    if (std::find(all.begin(), all.end(), name) == all.end())
      throw std::invalid_argument(
          fmt::format("no configuration '{}': there are {}", name, fmt::join(all, ", ")));
  if (chosen.empty()) chosen = all;
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

bool run_seeds(const std::string& range, const std::function<bool(std::uint64_t)>& run) {
  if (range.empty())
    throw std::invalid_argument("nothing to do: say --seeds FIRST:COUNT, or see --help");
  const std::size_t colon = range.find(':');
  const std::uint64_t first = parse_seed(range.substr(0, colon));
  const std::uint64_t count = colon == std::string::npos ? 1 : parse_seed(range.substr(colon + 1));
  if (count == 0) throw std::invalid_argument("0 seeds: say at least 1");
  bool passed = true;
  for (std::uint64_t i = 0; i < count; ++i) passed = run(first + i) && passed;
  return passed;
}

void serve_seeds(const std::function<bool(std::uint64_t)>& run) {
  for (std::string line; std::getline(std::cin, line);) run(parse_seed(line));
}

}  // namespace systolith::regress
