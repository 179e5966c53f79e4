// Programs with a comment of conditions: `systolith_regress --replay` and `--shrink-file`.
#include <algorithm>
#include <stdexcept>

#include "drawn.hpp"
#include "programs.hpp"

namespace systolith::fuzz {

void test(std::string_view input) {
  std::optional<regress::Drawn> drawn;
  try {
    drawn = regress::from_text(input);
  } catch (const program::ProgramError& error) {
    require(std::string_view(error.what()).starts_with("line "), "no line");
    return;
  } catch (const std::invalid_argument& error) {
    require(error.what()[0] != '\0', "no cause");
    return;
  }
  for (const regress::ConditionEntry& entry : regress::condition_table()) {
    const std::uint32_t value = drawn->conditions.*entry.value;
    require(value >= entry.least && value <= entry.most, "a condition past its limits");
  }
  const regress::Drawn again = regress::from_text(regress::to_text(*drawn, {"a comment"}));
  require(again.configuration == drawn->configuration && again.conditions == drawn->conditions &&
              same(again.program, drawn->program),
          "written and read again it is another");
  regress::image_of(drawn->program);
  regress::device_uri(*drawn);
}

}  // namespace systolith::fuzz
