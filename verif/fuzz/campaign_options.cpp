// --weights, --config and seeds of `systolith_regress` and `systolith_faults`.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "fuzz.hpp"
#include "systolith/model/configuration.h"
#include "weights.hpp"
#include "worker.hpp"

namespace systolith::fuzz {
namespace {

void said(const std::invalid_argument& error) { require(error.what()[0] != '\0', "no cause"); }

void weights(std::string_view text) {
  const auto parsed =
      accepted<std::invalid_argument>([&] { return regress::parse_weights(text); }, said);
  if (!parsed) return;
  std::string again;
  for (const regress::WeightEntry& entry : regress::weight_table()) {
    const unsigned value = (*parsed).*entry.value;
    require(value >= entry.least && value <= entry.most, "a weight past its limits");
    again += fmt::format("{}={},", entry.name, value);
  }
  const regress::Weights same = regress::parse_weights(again);
  for (const regress::WeightEntry& entry : regress::weight_table())
    require(same.*entry.value == (*parsed).*entry.value, "printed and parsed it is another");
}

void seed(const std::string& text) {
  const auto parsed =
      accepted<std::invalid_argument>([&] { return regress::parse_seed(text); }, said);
  if (!parsed) return;
  const std::size_t digits = std::min(text.find_first_not_of('0'), text.size() - 1);
  require(std::to_string(*parsed) == text.substr(digits), "another seed");
}

void seeds(const std::string& text) {
  // The first alone: a count may be as large as the user likes.
  struct Enough {};
  try {
    accepted<std::invalid_argument>(
        [&] { return regress::run_seeds(text, [](std::uint64_t) -> bool { throw Enough(); }); },
        said);
  } catch (const Enough&) {
  }
}

void configurations(const std::string& text) {
  const auto chosen =
      accepted<std::invalid_argument>([&] { return regress::configurations_of(text); }, said);
  if (!chosen) return;
  const std::vector<std::string> all = model::Configuration::names();
  require(!chosen->empty(), "no configuration");
  for (const std::string& name : *chosen)
    require(std::find(all.begin(), all.end(), name) != all.end(), "a configuration there is not");
}

}  // namespace

void test(std::string_view input) {
  const std::string text(input);
  weights(text);
  seed(text);
  seeds(text);
  configurations(text);
}

}  // namespace systolith::fuzz
