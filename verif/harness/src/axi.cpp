#include "systolith_harness/axi.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systolith::harness {

void ViolationLog::report(const char* rule, uint64_t cycle, std::string text) {
  ++count_;
  if (violations_.size() < 64) violations_.push_back({rule, cycle, std::move(text)});
}

bool ViolationLog::has(const std::string& rule) const {
  return std::any_of(violations_.begin(), violations_.end(),
                     [&](const Violation& v) { return v.rule == rule; });
}

void ViolationLog::clear() {
  count_ = 0;
  violations_.clear();
}

std::string ViolationLog::summary() const {
  std::string text;
  for (const Violation& v : violations_) {
    text += fmt::format("cycle {}: {}: {}\n", v.cycle, v.rule, v.text);
  }
  if (count_ > violations_.size())
    text += fmt::format("and {} more\n", count_ - violations_.size());
  return text;
}

}  // namespace systolith::harness
