#include "product.hpp"

#include <fmt/format.h>

#include <cstring>
#include <random>
#include <stdexcept>

#include "commands.hpp"
#include "npy.hpp"
#include "systolith/model/formats.h"

namespace systolith::tool {
namespace {

library::Format format_of(const std::string& name) {
  return name == "int8" ? library::Format::int8 : library::Format::bf16;
}

library::OutFormat out_format_of(const std::string& name, bool int8) {
  if (name.empty()) return int8 ? library::OutFormat::int32 : library::OutFormat::fp32;
  if (name == "fp32") return library::OutFormat::fp32;
  if (name == "bf16") return library::OutFormat::bf16;
  return name == "int32" ? library::OutFormat::int32 : library::OutFormat::int8;
}

// The operand's bytes as the device takes them.
std::vector<std::uint8_t> operand(const std::string& path, const Array& array,
                                  library::Format format) {
  if (array.shape.size() != 2)
    throw std::invalid_argument(fmt::format("{}: an operand is a matrix of 2 dimensions", path));
  if (format == library::Format::int8) {
    if (array.type != "i1")
      throw std::invalid_argument(
          fmt::format("{}: --format int8 takes an int8 array, not {}", path, array.type));
    return array.bytes;
  }
  if (array.type == "u2") return array.bytes;
  if (array.type != "f4")
    throw std::invalid_argument(
        fmt::format("{}: --format bf16 takes float32 (rounded) or uint16 (raw bits), not {}", path,
                    array.type));
  std::vector<std::uint8_t> bytes(array.bytes.size() / 2);
  for (std::size_t i = 0; i < bytes.size() / 2; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, array.bytes.data() + 4 * i, 4);
    const std::uint16_t rounded = model::fp32_to_bf16(bits);
    std::memcpy(bytes.data() + 2 * i, &rounded, 2);
  }
  return bytes;
}

std::vector<std::uint8_t> random_operand(std::uint64_t elements, library::Format format,
                                         std::mt19937_64& random) {
  std::vector<std::uint8_t> bytes(elements * library::bytes_of(format));
  if (format == library::Format::int8) {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 56);
    return bytes;
  }
  for (std::size_t i = 0; i < elements; ++i) {
    // Normal values of moderate size, so that sums stay finite and still round.
    const std::uint64_t r = random();
    const auto bits =
        static_cast<std::uint16_t>((r & 0x8000) | ((120 + (r >> 16) % 10) << 7) | (r & 0x7f));
    std::memcpy(bytes.data() + 2 * i, &bits, 2);
  }
  return bytes;
}

// Before operands of this size are made.
void check_memory(const library::HostGemm& gemm, std::uint64_t memory_bytes) {
  const double operand = library::bytes_of(gemm.format);
  const auto m = static_cast<double>(gemm.m);
  const auto n = static_cast<double>(gemm.n);
  const auto k = static_cast<double>(gemm.k);
  const double bytes = (m * k + k * n) * operand + m * n * library::bytes_of(gemm.out);
  if (bytes > static_cast<double>(memory_bytes))
    throw Error(
        SYSTOLITH_NO_MEMORY,
        fmt::format("the matrices have {:.4g} bytes, the device's memory {}: choose smaller "
                    "ones or split the product",
                    bytes, memory_bytes));
}

float number(const std::string& text) {
  std::size_t used = 0;
  float value = 0;
  try {
    value = std::stof(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != text.size() || text.empty())
    throw std::invalid_argument(fmt::format("--scale {}: not a number that binary32 holds", text));
  return value;
}

}  // namespace

void ProductOptions::add_to(CLI::App& command) {
  command.add_option("--format", format, "operand format")
      ->check(CLI::IsMember({"bf16", "int8"}))
      ->capture_default_str();
  command
      .add_option("--out-format", out_format,
                  "fp32 or bf16 for bf16, int32 or int8 for int8; fp32 or int32 if not given")
      ->check(CLI::IsMember({"fp32", "bf16", "int32", "int8"}));
  command.add_option("--scale", scale, "for int8 output: a number, or a .npy of N float32");
  command.add_flag("--relu", relu, "ReLU before the result is written");
  command.add_option("--seed", seed, "of the random operands")
      ->check(why_no_number)
      ->capture_default_str();
}

Product::Product(const ProductOptions& o, std::uint64_t memory_bytes) {
  library::HostGemm& gemm = gemm_;
  gemm.format = format_of(o.format);
  const bool int8 = gemm.format == library::Format::int8;
  gemm.out = out_format_of(o.out_format, int8);
  gemm.relu = o.relu;
  if (o.random()) {
    if (!o.a.empty() || !o.b.empty() || !o.c.empty())
      throw std::invalid_argument("give either M N K or --a and --b, not both");
    gemm.m = o.shape[0];
    gemm.n = o.shape[1];
    gemm.k = o.shape[2];
    check_memory(gemm, memory_bytes);
    std::mt19937_64 generator(o.seed);
    a_ = random_operand(gemm.m * gemm.k, gemm.format, generator);
    b_ = random_operand(gemm.k * gemm.n, gemm.format, generator);
  } else {
    if (o.a.empty() || o.b.empty())
      throw std::invalid_argument("give --a and --b, or M N K for a random product");
    const Array a = read_npy(o.a);
    const Array b = read_npy(o.b);
    a_ = operand(o.a, a, gemm.format);
    b_ = operand(o.b, b, gemm.format);
    if (a.columns() != b.rows())
      throw std::invalid_argument(
          fmt::format("shapes do not match: {} has {} columns, {} has {} rows", o.a, a.columns(),
                      o.b, b.rows()));
    gemm.m = a.rows();
    gemm.k = a.columns();
    gemm.n = b.columns();
    if (!o.c.empty()) {
      Array c = read_npy(o.c);
      if (c.type != (int8 ? "i4" : "f4"))
        throw std::invalid_argument(
            fmt::format("{}: C must be {}, not {}", o.c, int8 ? "int32" : "float32", c.type));
      if (c.columns() != gemm.n || (c.rows() != gemm.m && c.rows() != 1))
        throw std::invalid_argument(
            fmt::format("{}: C must be {} x {} or one row of {}", o.c, gemm.m, gemm.n, gemm.n));
      gemm.seed = c.rows() == 1 ? library::Seed::row : library::Seed::matrix;
      c_ = std::move(c.bytes);
      gemm.c = c_.data();
    }
  }
  gemm.a = a_.data();
  gemm.b = b_.data();
  if (!o.scale.empty()) {
    if (gemm.out != library::OutFormat::int8)
      throw std::invalid_argument("--scale goes with --out-format int8 only");
    if (o.scale.size() > 4 && o.scale.substr(o.scale.size() - 4) == ".npy") {
      const Array file = read_npy(o.scale);
      if (file.type != "f4" || file.rows() != 1 || file.columns() != gemm.n)
        throw std::invalid_argument(
            fmt::format("{}: scales are {} float32 values in one dimension", o.scale, gemm.n));
      scales_.assign(file.data<float>(), file.data<float>() + gemm.n);
      gemm.scaling = library::Scale::column;
      gemm.scales = scales_.data();
    } else {
      gemm.scale = number(o.scale);
      gemm.scaling = library::Scale::tensor;
    }
  } else if (gemm.out == library::OutFormat::int8) {
    if (!o.random()) throw std::invalid_argument("--out-format int8 needs --scale");
    gemm.scaling = library::Scale::tensor;
    gemm.scale = 1.0F / 512;
  }
  library::check(gemm);
}

}  // namespace systolith::tool
