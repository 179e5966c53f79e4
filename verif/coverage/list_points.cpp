// Prints the cover points of command programs, in the order of their counts, for scripts/coverage.
#include <iostream>
#include <nlohmann/json.hpp>

#include "points.hpp"

int main() {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& [cross, values] : systolith::coverage::points())
    all.push_back({{"cross", cross}, {"values", values}});
  std::cout << all.dump(1) << '\n';
}
