// Products from the command line: operands from files, or seeded random ones.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "systolith/library/run.hpp"

namespace systolith::tool {

struct ProductOptions {
  std::vector<std::uint64_t> shape;  // M N K of a random product
  std::string a, b, c, format = "bf16", out_format, scale;
  std::uint64_t seed = 1;
  bool relu = false;

  bool random() const { return !shape.empty(); }
  /// --format, --out-format, --scale, --relu and --seed.
  void add_to(CLI::App& command);
};

/// A product and the buffers that it points into.
class Product {
 public:
  /// Throws std::invalid_argument where options and files do not go together, systolith::Error
  /// (SYSTOLITH_NO_MEMORY) where the matrices are more than `memory_bytes`.
  Product(const ProductOptions& options, std::uint64_t memory_bytes);
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  const library::HostGemm& gemm() const { return gemm_; }

 private:
  library::HostGemm gemm_;
  std::vector<std::uint8_t> a_, b_, c_;
  std::vector<float> scales_;
};

}  // namespace systolith::tool
