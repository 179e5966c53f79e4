// What programs have in common that run seeds for a script: numbers in, a JSON line each out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace systolith::regress {

/// Keeps the standard output for `print` alone: failed assertions of the RTL, which Verilator
/// prints there, go to the standard error from now on.
void keep_results_apart();

/// To the standard output, at once, for who reads along.
void print(const std::string& text);

/// Throws std::invalid_argument that says what a seed is.
std::uint64_t parse_seed(const std::string& text);

/// "name,name", sorted; all for an empty text. Throws std::invalid_argument that lists them.
std::vector<std::string> configurations_of(const std::string& text);

/// Runs "FIRST" or "FIRST:COUNT"; true where all do.
bool run_seeds(const std::string& range, const std::function<bool(std::uint64_t)>& run);

/// Runs the seeds that come from the standard input, one a line.
void serve_seeds(const std::function<bool(std::uint64_t)>& run);

}  // namespace systolith::regress
