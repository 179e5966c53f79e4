// Speed of the chain kernels on one core beside Eigen's float product for the same instruction set,
// and beside a scalar loop of dependent fma, all in one run.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "scalar_chain.hpp"
#include "systolith/model/chain.h"

void eigen_product_portable(const float* a, const float* b, float* c, long size);
#if defined(SYSTOLITH_X86_KERNELS)
void eigen_product_avx2(const float* a, const float* b, float* c, long size);
void eigen_product_avx512(const float* a, const float* b, float* c, long size);
#endif

namespace {

using systolith::model::accumulate;
using systolith::model::Bf16;
using systolith::model::Instructions;
using systolith::model::RowMajor;

struct Variant {
  Instructions set;
  const char* name;
  void (*eigen)(const float*, const float*, float*, long);
};

/// Processor time, so that other load on the machine counts little.
template <typename Work>
double seconds(Work work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::max<std::clock_t>(1, std::clock() - start)) / CLOCKS_PER_SEC;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Chain kernels of the golden model against Eigen's float product");
  int size = 512;
  int rounds = 25;
  app.add_option("--size", size, "M = N = K")->check(CLI::Range(1, 8192));
  app.add_option("--rounds", rounds, "interleaved rounds; medians are printed")
      ->check(CLI::Range(1, 10000));
  CLI11_PARSE(app, argc, argv);

  std::vector<Variant> variants = {{Instructions::kPortable, "portable", eigen_product_portable}};
#if defined(SYSTOLITH_X86_KERNELS)
  variants.push_back({Instructions::kAvx2, "AVX2", eigen_product_avx2});
  variants.push_back({Instructions::kAvx512, "AVX-512", eigen_product_avx512});
#endif

  const RowMajor<float> a = RowMajor<float>::Random(size, size);
  const RowMajor<float> b = RowMajor<float>::Random(size, size);
  const RowMajor<Bf16> a_bf16 = a.cast<Bf16>();
  const RowMajor<Bf16> b_bf16 = b.cast<Bf16>();
  const RowMajor<std::int8_t> a_int8 = (a * 127.0f).cast<std::int8_t>();
  const RowMajor<std::int8_t> b_int8 = (b * 127.0f).cast<std::int8_t>();
  RowMajor<float> c(size, size);
  RowMajor<std::int32_t> c_int32(size, size);

  const double macs = std::pow(static_cast<double>(size), 3);
  fmt::print("{0} x {0} x {0}, one core, median of {1} interleaved rounds, GMAC/s\n", size, rounds);
  fmt::print("{:<10}{:>10}{:>10}{:>10}{:>14}{:>14}\n", "kernels", "Eigen", "BF16", "INT8",
             "BF16/Eigen", "INT8/Eigen");
  for (const Variant& variant : variants) {
    if (!systolith::model::is_supported(variant.set)) continue;
    std::vector<double> eigen;
    std::vector<double> bf16;
    std::vector<double> int8;
    std::vector<double> bf16_ratio;
    std::vector<double> int8_ratio;
    for (int round = 0; round < rounds; ++round) {
      eigen.push_back(seconds([&] { variant.eigen(a.data(), b.data(), c.data(), size); }));
      bf16.push_back(seconds([&] { multiply(a_bf16, b_bf16, c, variant.set); }));
      int8.push_back(seconds([&] { multiply(a_int8, b_int8, c_int32, variant.set); }));
      bf16_ratio.push_back(eigen.back() / bf16.back());
      int8_ratio.push_back(eigen.back() / int8.back());
    }
    fmt::print("{:<10}{:>10.1f}{:>10.1f}{:>10.1f}{:>14.2f}{:>14.2f}\n", variant.name,
               macs / median(eigen) / 1e9, macs / median(bf16) / 1e9, macs / median(int8) / 1e9,
               median(bf16_ratio), median(int8_ratio));
  }
  fmt::print("scalar dependent fma loop: {:.2f} GMAC/s\n",
             systolith::bench::scalar_chain_rate() / 1e9);
  return 0;
}
