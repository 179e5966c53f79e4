// systolith demo: the main job. Digits in BF16 and INT8, then two 512x512x512 products, every bit
// compared.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <random>

#include "commands.hpp"
#include "digits.hpp"
#include "report.hpp"
#include "systolith/model/formats.h"

namespace systolith::tool {
namespace {

class Job {
 public:
  explicit Job(const std::string& uri) : device_(uri), shape_(library::shape_of(device_)) {}

  // Runs, compares, prints a line; the output's bytes.
  std::vector<std::uint8_t> run(const std::string& name, const library::HostGemm& gemm) {
    const bool terminal = isatty(fileno(stderr)) != 0;
    if (terminal) fmt::print(stderr, "{}: running ...\r", name);
    const auto start = std::chrono::steady_clock::now();
    library::RunResult result = library::run_gemm(device_, gemm);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const bool match = result.d == library::reference_gemm(gemm);
    all_match_ = all_match_ && match;
    fmt::print("{}: {}\n  {}\n", name, match ? "every bit equals the golden model's" : "MISMATCH",
               summary(gemm, shape_, result));
    if (result.counters.cycles != 0)
      fmt::print("  simulated in {:.2f} s: {:.0f} kHz, {:.1f} MMAC/s\n", seconds,
                 static_cast<double>(result.counters.cycles) / seconds / 1e3,
                 static_cast<double>(gemm.m * gemm.n * gemm.k) / seconds / 1e6);
    std::fflush(stdout);
    return std::move(result.d);
  }

  bool all_match() const { return all_match_; }

 private:
  Device device_;
  library::DeviceShape shape_;
  bool all_match_ = true;
};

template <typename T>
std::vector<T> elements(const std::vector<std::uint8_t>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::uint16_t to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return model::fp32_to_bf16(bits);
}

void classify(Job& job, const std::string& path) {
  const Digits digits = read_digits(path);
  const LinearClassifier classifier = fit_least_squares(digits, kDigitTrainingRows);
  const int rows = static_cast<int>(digits.labels.size());
  library::HostGemm gemm;
  gemm.m = static_cast<std::uint64_t>(rows);
  gemm.n = kDigitClasses;
  gemm.k = kDigitPixels;
  gemm.seed = library::Seed::row;

  std::vector<std::uint16_t> pixels, weights;
  for (Eigen::Index i = 0; i < digits.pixels.size(); ++i)
    pixels.push_back(to_bf16(digits.pixels.data()[i]));
  for (Eigen::Index i = 0; i < classifier.weights.size(); ++i)
    weights.push_back(to_bf16(classifier.weights.data()[i]));
  gemm.a = pixels.data();
  gemm.b = weights.data();
  gemm.c = classifier.bias.data();
  const auto scores = elements<float>(job.run(fmt::format("{} digits, BF16", rows), gemm));
  fmt::print("  accuracy on the {} held-back digits: {:.1f} %\n", rows - kDigitTrainingRows,
             100 * accuracy(scores.data(), digits.labels, kDigitTrainingRows, rows));

  const QuantisedClassifier quantised = quantise(classifier);
  std::vector<std::int8_t> pixels8;
  for (Eigen::Index i = 0; i < digits.pixels.size(); ++i)
    pixels8.push_back(static_cast<std::int8_t>(digits.pixels.data()[i]));
  gemm.format = library::Format::int8;
  gemm.out = library::OutFormat::int32;
  gemm.a = pixels8.data();
  gemm.b = quantised.weights.data();
  gemm.c = quantised.bias.data();
  const auto scores8 = elements<std::int32_t>(job.run(fmt::format("{} digits, INT8", rows), gemm));
  fmt::print("  accuracy on the {} held-back digits: {:.1f} %\n", rows - kDigitTrainingRows,
             100 * accuracy(scores8.data(), digits.labels, kDigitTrainingRows, rows));
}

void multiply(Job& job, std::uint64_t size) {
  std::mt19937_64 random(1);
  library::HostGemm gemm;
  gemm.m = gemm.n = gemm.k = size;
  std::vector<std::uint16_t> a(size * size), b(size * size);
  for (auto* matrix : {&a, &b})
    for (std::uint16_t& value : *matrix) {
      const std::uint64_t r = random();
      value = static_cast<std::uint16_t>((r & 0x8000) | ((120 + (r >> 16) % 10) << 7) | (r & 0x7f));
    }
  gemm.out = library::OutFormat::bf16;
  gemm.a = a.data();
  gemm.b = b.data();
  job.run(fmt::format("{0}x{0}x{0}, BF16 to BF16", size), gemm);

  gemm.format = library::Format::int8;
  gemm.out = library::OutFormat::int8;
  gemm.scaling = library::Scale::tensor;
  gemm.scale = 1.0F / 2048;
  job.run(fmt::format("{0}x{0}x{0}, INT8 to INT8", size), gemm);
}

}  // namespace

void add_demo(CLI::App& app, int& status) {
  auto uri = std::make_shared<std::string>("sim:");
  auto data = std::make_shared<std::string>(SYSTOLITH_DATA);
  auto size = std::make_shared<std::uint64_t>(512);
  CLI::App* command = app.add_subcommand(
      "demo", "classify handwritten digits, then two square products, every bit compared");
  command->add_option("--device", *uri, kDeviceHelp)->capture_default_str();
  command->add_option("--data", *data, "digits as gzipped CSV");
  command->add_option("--size", *size, "of the square products")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command->callback([=, &status] {
    Job job(*uri);
    classify(job, *data);
    multiply(job, *size);
    fmt::print("{}\n", job.all_match() ? "PASS" : "FAIL");
    status = job.all_match() ? kSuccess : kFailure;
  });
}

}  // namespace systolith::tool
