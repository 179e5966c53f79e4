// The handwritten digits and a linear classifier for them, fitted on the host.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

namespace systolith::tool {

inline constexpr int kDigitPixels = 64;
inline constexpr int kDigitClasses = 10;
inline constexpr int kDigitTrainingRows = 1437;

/// All images: one row of 64 pixels (0 to 16) each, and their labels.
struct Digits {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> pixels;
  std::vector<int> labels;
};

/// The content of a CSV file, 64 pixels and the label a row. Throws std::invalid_argument naming
/// `name` and the line.
Digits parse_digits(const std::string& name, const std::string& content);

/// Reads a gzipped file of more rows than are for training; errors as parse_digits.
Digits read_digits(const std::string& path);

/// Scores = pixels x weights + bias; 64 x 10 and 10.
struct LinearClassifier {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> weights;
  Eigen::Matrix<float, 1, Eigen::Dynamic> bias;
};

/// Least squares (ridge, so that pixels that are always 0 do no harm) of one-hot targets on the
/// first `rows` images.
LinearClassifier fit_least_squares(const Digits& digits, int rows);

/// The classifier in INT8 weights and INT32 bias, one scale for all: scores times `scale`
/// approximate the float's.
struct QuantisedClassifier {
  std::vector<std::int8_t> weights;  // 64 x 10, row-major
  std::vector<std::int32_t> bias;    // 10
  float scale = 1.0F;
};
QuantisedClassifier quantise(const LinearClassifier& classifier);

/// Share of rows first..last-1 whose largest score (row-major, 10 a row) is that of the label.
template <typename T>
double accuracy(const T* scores, const std::vector<int>& labels, int first, int last) {
  int right = 0;
  for (int row = first; row < last; ++row) {
    int best = 0;
    for (int c = 1; c < kDigitClasses; ++c)
      if (scores[row * kDigitClasses + c] > scores[row * kDigitClasses + best]) best = c;
    right += best == labels[static_cast<std::size_t>(row)] ? 1 : 0;
  }
  return static_cast<double>(right) / (last - first);
}

}  // namespace systolith::tool
