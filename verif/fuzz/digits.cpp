// The digits of `systolith demo --data`, after decompression.
#include "digits.hpp"

#include <stdexcept>

#include "fuzz.hpp"

namespace systolith::fuzz {

void test(std::string_view input) {
  const auto digits = accepted<std::invalid_argument>(
      [&] { return tool::parse_digits("d.csv", std::string(input)); },
      [](const std::invalid_argument& error) {
        require(std::string_view(error.what()).starts_with("d.csv:"), "no file name");
      });
  if (!digits) return;
  const auto rows = static_cast<Eigen::Index>(digits->labels.size());
  require(digits->pixels.rows() == rows && digits->pixels.cols() == tool::kDigitPixels,
          "images without labels");
  require((digits->pixels.array() >= 0).all() && (digits->pixels.array() <= 16).all(),
          "a pixel past its limits");
  for (const int label : digits->labels)
    require(label >= 0 && label < tool::kDigitClasses, "a label past its limits");
}

}  // namespace systolith::fuzz
