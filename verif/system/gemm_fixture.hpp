// Random products on simulated devices, compared bit for bit with the golden model's kernels.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "systolith/library/run.hpp"

namespace systolith::system_test {

/// Operands of one product, biased to what breaks arithmetic, and the product that uses them.
struct Operands {
  library::HostGemm gemm;
  std::vector<std::uint8_t> a, b, c;
  std::vector<float> scales;

  Operands(std::uint64_t m, std::uint64_t n, std::uint64_t k, library::Format format,
           library::OutFormat out, std::uint64_t seed,
           library::Seed chain_seed = library::Seed::none) {
    gemm.m = m;
    gemm.n = n;
    gemm.k = k;
    gemm.format = format;
    gemm.out = out;
    std::mt19937_64 random(seed);
    a = fill(m * k, random);
    b = fill(k * n, random);
    gemm.a = a.data();
    gemm.b = b.data();
    gemm.seed = chain_seed;
    if (chain_seed != library::Seed::none) {
      c.resize(4 * n * (chain_seed == library::Seed::row ? 1 : m));
      for (std::size_t i = 0; i < c.size(); i += 4) {
        const auto bits = format == library::Format::int8 ? static_cast<std::uint32_t>(random())
                                                          : any_fp32(random);
        std::memcpy(c.data() + i, &bits, 4);
      }
      gemm.c = c.data();
    }
    if (out == library::OutFormat::int8) {
      gemm.scaling = library::Scale::tensor;
      gemm.scale = 0x1.8p-7F;
    }
  }

  void scale_by_column(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (std::uint64_t i = 0; i < gemm.n; ++i)
      scales.push_back(std::ldexp(1.0F + static_cast<float>(random() % 1000) / 1000,
                                  -static_cast<int>(random() % 14)));
    gemm.scaling = library::Scale::column;
    gemm.scales = scales.data();
  }

 private:
  static std::uint32_t any_fp32(std::mt19937_64& random) {
    const std::uint64_t r = random();
    switch (r % 8) {
      case 0:
        return static_cast<std::uint32_t>(r >> 32);  // anything, NaN and infinity too
      case 1:
        return static_cast<std::uint32_t>(r >> 32) & 0x807fffff;  // subnormal
      case 2:
        return 0x80000000;  // -0
      default:
        return (static_cast<std::uint32_t>(r >> 32) & 0x80ffffff) | 0x3f000000;
    }
  }

  std::vector<std::uint8_t> fill(std::uint64_t elements, std::mt19937_64& random) const {
    std::vector<std::uint8_t> bytes(elements * library::bytes_of(gemm.format));
    if (gemm.format == library::Format::int8) {
      for (std::uint8_t& byte : bytes) {
        const std::uint64_t r = random();
        byte = r % 8 == 0 ? 0x80 : static_cast<std::uint8_t>(r >> 56);
      }
      return bytes;
    }
    for (std::uint64_t i = 0; i < elements; ++i) {
      const std::uint64_t r = random();
      std::uint16_t bits;
      if (r % 256 == 0) {
        bits = static_cast<std::uint16_t>(r >> 32);  // anything
      } else if (r % 16 == 1) {
        bits = static_cast<std::uint16_t>((r >> 32) & 0x80ff);  // tiny or zero
      } else {
        bits = static_cast<std::uint16_t>(((r >> 32) & 0x807f) | ((122 + (r >> 20) % 8) << 7));
      }
      std::memcpy(bytes.data() + 2 * i, &bits, 2);
    }
    return bytes;
  }
};

inline std::string first_difference(const library::HostGemm& gemm,
                                    const std::vector<std::uint8_t>& got,
                                    const std::vector<std::uint8_t>& want) {
  const std::size_t bytes = library::bytes_of(gemm.out);
  for (std::size_t i = 0; i < want.size() && i < got.size(); ++i) {
    if (got[i] == want[i]) continue;
    const std::size_t element = i / bytes;
    std::uint32_t g = 0, w = 0;
    std::memcpy(&g, got.data() + element * bytes, bytes);
    std::memcpy(&w, want.data() + element * bytes, bytes);
    char text[160];
    std::snprintf(text, sizeof text, "row %zu column %zu: device %0*x, model %0*x",
                  element / gemm.n, element % gemm.n, static_cast<int>(2 * bytes), g,
                  static_cast<int>(2 * bytes), w);
    return text;
  }
  return got.size() == want.size() ? "equal" : "sizes differ";
}

/// Runs and compares; the counters for more checks.
inline systolith_counters_t expect_equal(Device& device, const library::HostGemm& gemm,
                                         const library::GemmTiling* tiling = nullptr) {
  const library::RunResult result = library::run_gemm(device, gemm, tiling);
  const std::vector<std::uint8_t> want = library::reference_gemm(gemm);
  EXPECT_EQ(result.d == want, true)
      << gemm.m << "x" << gemm.n << "x" << gemm.k << ": " << first_difference(gemm, result.d, want);
  return result.counters;
}

/// The same on a fresh device.
inline systolith_counters_t expect_equal(const std::string& uri, const library::HostGemm& gemm,
                                         const library::GemmTiling* tiling = nullptr) {
  SCOPED_TRACE(uri);
  Device device(uri);
  return expect_equal(device, gemm, tiling);
}

}  // namespace systolith::system_test
