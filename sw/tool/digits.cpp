#include "digits.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <Eigen/Cholesky>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace systolith::tool {

Digits parse_digits(const std::string& name, const std::string& content) {
  std::vector<float> pixels;
  Digits digits;
  std::istringstream lines(content);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    std::istringstream fields(line);
    std::string field;
    int count = 0;
    while (std::getline(fields, field, ',')) {
      int value = 0;
      const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
      if (error != std::errc() || end != field.data() + field.size())
        throw std::invalid_argument(
            fmt::format("{}:{}: '{}' is not a number", name, number, field));
      if (count < kDigitPixels) {
        if (value < 0 || value > 16)
          throw std::invalid_argument(
              fmt::format("{}:{}: pixel {} is not 0 to 16", name, number, value));
        pixels.push_back(static_cast<float>(value));
      } else {
        if (value < 0 || value > 9)
          throw std::invalid_argument(
              fmt::format("{}:{}: label {} is not 0 to 9", name, number, value));
        digits.labels.push_back(value);
      }
      ++count;
    }
    if (count != kDigitPixels + 1)
      throw std::invalid_argument(
          fmt::format("{}:{}: {} fields, not {}", name, number, count, kDigitPixels + 1));
  }
  digits.pixels = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
      pixels.data(), static_cast<Eigen::Index>(digits.labels.size()), kDigitPixels);
  return digits;
}

Digits read_digits(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file)
    throw std::invalid_argument(
        fmt::format("{}: can't be opened; run from the project's folder", path));
  std::string content;
  std::array<char, 1 << 16> block;
  int size = 0;
  while ((size = gzread(file.get(), block.data(), block.size())) > 0)
    content.append(block.data(), static_cast<std::size_t>(size));
  int error = Z_OK;
  const char* const reason = gzerror(file.get(), &error);
  // A file that ends too early is told apart from one that ends only here.
  if (error != Z_OK)
    throw std::invalid_argument(fmt::format("{}: can't be read ({}); copy it again", path, reason));
  Digits digits = parse_digits(path, content);
  if (digits.labels.size() <= kDigitTrainingRows)
    throw std::invalid_argument(fmt::format("{}: only {} rows", path, digits.labels.size()));
  return digits;
}

LinearClassifier fit_least_squares(const Digits& digits, int rows) {
  constexpr double kRidge = 1.0;
  Eigen::MatrixXd x(rows, kDigitPixels + 1);
  x.leftCols(kDigitPixels) = digits.pixels.topRows(rows).cast<double>();
  x.col(kDigitPixels).setOnes();
  Eigen::MatrixXd y = Eigen::MatrixXd::Zero(rows, kDigitClasses);
  for (int row = 0; row < rows; ++row) y(row, digits.labels[static_cast<std::size_t>(row)]) = 1.0;
  Eigen::MatrixXd normal = x.transpose() * x;
  normal.diagonal().array() += kRidge;
  const Eigen::MatrixXd solution = normal.ldlt().solve(x.transpose() * y);
  LinearClassifier classifier;
  classifier.weights = solution.topRows(kDigitPixels).cast<float>();
  classifier.bias = solution.row(kDigitPixels).cast<float>();
  return classifier;
}

QuantisedClassifier quantise(const LinearClassifier& classifier) {
  QuantisedClassifier result;
  const float largest = classifier.weights.cwiseAbs().maxCoeff();
  result.scale = largest / 127.0F;
  for (Eigen::Index i = 0; i < classifier.weights.rows(); ++i)
    for (Eigen::Index j = 0; j < classifier.weights.cols(); ++j)
      result.weights.push_back(
          static_cast<std::int8_t>(std::lround(classifier.weights(i, j) / result.scale)));
  for (Eigen::Index j = 0; j < classifier.bias.cols(); ++j)
    result.bias.push_back(
        static_cast<std::int32_t>(std::lround(classifier.bias(j) / result.scale)));
  return result;
}

}  // namespace systolith::tool
