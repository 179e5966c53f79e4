#include "form.h"

#include <fmt/format.h>

#include <algorithm>

namespace systolith::program {

std::string why_wrong(const Window& window, const Program& program) {
  if (window.last < window.base)
    return "last is before first; the last byte is meant, not the size";
  if (std::any_of(program.windows.begin(), program.windows.end(),
                  [&](const Window& other) { return other.index == window.index; }))
    return fmt::format("window {} is given twice; take another index", window.index);
  return "";
}

std::string why_wrong(const Ring&, const Program& program) {
  return program.ring ? "ring is given twice; keep one" : "";
}

std::string why_wrong_configuration(std::string_view name, const Program& program) {
  if (program.configuration) return "configuration is given twice; keep one";
  // The text could not say it.
  if (name.empty() || name.find_first_of(kBlank) != name.npos ||
      name.find_first_of("\n#") != name.npos)
    return "configuration has no name that is one word";
  return "";
}

std::string why_wrong(const Contents& contents) {
  const auto* bytes = std::get_if<std::vector<std::byte>>(&contents.data);
  return bytes != nullptr && bytes->empty() ? "memory without bytes" : "";
}

}  // namespace systolith::program
