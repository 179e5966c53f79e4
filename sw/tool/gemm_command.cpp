// systolith gemm and systolith info.
#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>

#include "commands.hpp"
#include "npy.hpp"
#include "report.hpp"
#include "systolith/model/formats.h"

namespace systolith::tool {
namespace {

struct Options {
  std::vector<std::uint64_t> shape;
  std::string a, b, c, out, format = "bf16", out_format, scale, device = "sim:";
  std::uint64_t seed = 1;
  bool relu = false, stats = false, json = false;
};

library::Format format_of(const std::string& name) {
  return name == "int8" ? library::Format::int8 : library::Format::bf16;
}

library::OutFormat out_format_of(const std::string& name) {
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

int run(const Options& o) {
  library::HostGemm gemm;
  gemm.format = format_of(o.format);
  const bool int8 = gemm.format == library::Format::int8;
  gemm.out = o.out_format.empty() ? (int8 ? library::OutFormat::int32 : library::OutFormat::fp32)
                                  : out_format_of(o.out_format);
  gemm.relu = o.relu;
  std::vector<std::uint8_t> a, b;
  Array c;
  const bool random = !o.shape.empty();
  if (random) {
    if (o.shape.size() != 3) throw std::invalid_argument("a random product takes M N K");
    if (!o.a.empty() || !o.b.empty() || !o.c.empty())
      throw std::invalid_argument("give either M N K or --a and --b, not both");
    gemm.m = o.shape[0];
    gemm.n = o.shape[1];
    gemm.k = o.shape[2];
    if (gemm.m * gemm.k > (1ULL << 27) || gemm.k * gemm.n > (1ULL << 27) ||
        gemm.m * gemm.n > (1ULL << 26))
      throw std::invalid_argument(
          "the matrices do not fit the device's memory of 256 MiB; choose smaller ones");
    std::mt19937_64 generator(o.seed);
    a = random_operand(gemm.m * gemm.k, gemm.format, generator);
    b = random_operand(gemm.k * gemm.n, gemm.format, generator);
  } else {
    if (o.a.empty() || o.b.empty())
      throw std::invalid_argument("give --a and --b, or M N K for a random product");
    if (o.out.empty()) throw std::invalid_argument("give --out for the result");
    const Array file_a = read_npy(o.a);
    const Array file_b = read_npy(o.b);
    a = operand(o.a, file_a, gemm.format);
    b = operand(o.b, file_b, gemm.format);
    if (file_a.columns() != file_b.rows())
      throw std::invalid_argument(
          fmt::format("shapes do not match: {} has {} columns, {} has {} rows", o.a,
                      file_a.columns(), o.b, file_b.rows()));
    gemm.m = file_a.rows();
    gemm.k = file_a.columns();
    gemm.n = file_b.columns();
    if (!o.c.empty()) {
      c = read_npy(o.c);
      if (c.type != (int8 ? "i4" : "f4"))
        throw std::invalid_argument(
            fmt::format("{}: C must be {}, not {}", o.c, int8 ? "int32" : "float32", c.type));
      if (c.columns() != gemm.n || (c.rows() != gemm.m && c.rows() != 1))
        throw std::invalid_argument(
            fmt::format("{}: C must be {} x {} or one row of {}", o.c, gemm.m, gemm.n, gemm.n));
      gemm.seed = c.rows() == 1 ? library::Seed::row : library::Seed::matrix;
      gemm.c = c.bytes.data();
    }
  }
  gemm.a = a.data();
  gemm.b = b.data();
  std::vector<float> scales;
  if (!o.scale.empty()) {
    if (gemm.out != library::OutFormat::int8)
      throw std::invalid_argument("--scale goes with --out-format int8 only");
    if (o.scale.size() > 4 && o.scale.substr(o.scale.size() - 4) == ".npy") {
      const Array file = read_npy(o.scale);
      if (file.type != "f4" || file.rows() != 1 || file.columns() != gemm.n)
        throw std::invalid_argument(
            fmt::format("{}: scales are {} float32 values in one dimension", o.scale, gemm.n));
      scales.assign(file.data<float>(), file.data<float>() + gemm.n);
      gemm.scaling = library::Scale::column;
      gemm.scales = scales.data();
    } else {
      std::size_t used = 0;
      try {
        gemm.scale = std::stof(o.scale, &used);
      } catch (const std::exception&) {
        used = 0;
      }
      if (used != o.scale.size())
        throw std::invalid_argument(
            fmt::format("--scale {}: not a number that binary32 holds", o.scale));
      gemm.scaling = library::Scale::tensor;
    }
  } else if (gemm.out == library::OutFormat::int8) {
    if (!random) throw std::invalid_argument("--out-format int8 needs --scale");
    gemm.scaling = library::Scale::tensor;
    gemm.scale = 1.0F / 512;
  }
  library::check(gemm);

  Device device(o.device);
  const library::DeviceShape shape = library::shape_of(device);
  const library::RunResult result = library::run_gemm(device, gemm);
  bool match = true;
  if (random || o.json || o.stats) match = result.d == library::reference_gemm(gemm);
  if (!o.out.empty()) {
    Array array;
    array.type = gemm.out == library::OutFormat::fp32    ? "f4"
                 : gemm.out == library::OutFormat::bf16  ? "u2"
                 : gemm.out == library::OutFormat::int32 ? "i4"
                                                         : "i1";
    array.shape = {gemm.m, gemm.n};
    array.bytes = result.d;
    write_npy(o.out, array);
  }
  if (o.json) {
    nlohmann::json json = to_json(gemm, shape, result);
    json["match"] = match;
    fmt::print("{}\n", json.dump());
  } else {
    if (random || o.stats)
      fmt::print("{} x {} x {} {}: {}\n{}\n", gemm.m, gemm.n, gemm.k, o.format,
                 match ? "every bit equals the golden model's" : "MISMATCH with the golden model",
                 summary(gemm, shape, result));
    if (o.stats) fmt::print("{}", statistics(result.counters));
  }
  return match ? kSuccess : kFailure;
}

int info(const std::string& uri, bool json) {
  Device device(uri);
  const systolith_capabilities_t c = device.capabilities();
  if (json) {
    nlohmann::json j = {{"version", fmt::format("{}.{}", c.version >> 16, c.version & 0xffff)},
                        {"rows", c.rows},
                        {"columns", c.columns},
                        {"depth", c.mac_depth},
                        {"row_latency", c.row_latency},
                        {"drain_lanes", c.drain_lanes},
                        {"line_bytes", c.line_bytes},
                        {"lines", c.lines},
                        {"banks", c.banks},
                        {"accumulator_rows", c.accumulator_rows},
                        {"bus_bytes", c.bus_bytes},
                        {"address_width", c.address_width},
                        {"formats", c.formats},
                        {"semaphores", c.semaphores},
                        {"windows", c.windows},
                        {"queue_depth", c.unit_queue_depth}};
    fmt::print("{}\n", j.dump());
    return kSuccess;
  }
  fmt::print("interface        {}.{}\n", c.version >> 16, c.version & 0xffff);
  fmt::print("array            {} rows x {} columns, element depth {}, row latency {}\n", c.rows,
             c.columns, c.mac_depth, c.row_latency);
  fmt::print("formats          {}{}\n", (c.formats & 2) != 0 ? "INT8 " : "",
             (c.formats & 4) != 0 ? "BF16" : "");
  fmt::print("scratchpad       {} lines of {} bytes in {} banks ({} KiB)\n", c.lines, c.line_bytes,
             c.banks, c.lines * c.line_bytes / 1024);
  fmt::print("accumulators     {} rows ({} KiB)\n", c.accumulator_rows,
             c.accumulator_rows * c.columns * 4 / 1024);
  fmt::print("bus              {} bits, {}-bit addresses\n", c.bus_bytes * 8, c.address_width);
  fmt::print("drain            {} columns a cycle\n", c.drain_lanes);
  fmt::print("semaphores       {}, windows {}, commands queued a unit {}\n", c.semaphores,
             c.windows, c.unit_queue_depth);
  fmt::print("device memory    {} MiB at {:#x}\n", c.memory_bytes >> 20, c.memory_base);
  return kSuccess;
}

}  // namespace

void add_gemm(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "gemm", "D = A x B (+ C): NumPy files, or a seeded random product compared with the model");
  command->add_option("shape", options->shape, "M N K of a random product")->expected(3);
  command->add_option("--a", options->a, "A, M x K: float32, uint16 (BF16 bits) or int8 .npy");
  command->add_option("--b", options->b, "B, K x N: as A");
  command->add_option("--c", options->c,
                      "seed of the chain: float32 or int32, M x N or one row of N");
  command->add_option("--out", options->out, "where D goes, .npy");
  command->add_option("--format", options->format, "operand format")
      ->check(CLI::IsMember({"bf16", "int8"}))
      ->capture_default_str();
  command
      ->add_option("--out-format", options->out_format,
                   "fp32 or bf16 for bf16, int32 or int8 for int8")
      ->check(CLI::IsMember({"fp32", "bf16", "int32", "int8"}));
  command->add_option("--scale", options->scale,
                      "for int8 output: a number, or a .npy of N float32");
  command->add_flag("--relu", options->relu, "ReLU before the result is written");
  command->add_option("--seed", options->seed, "of the random operands")->capture_default_str();
  command->add_option("--device", options->device, kDeviceHelp)->capture_default_str();
  command->add_flag("--stats", options->stats, "cycles by cause, bytes, comparison with the model");
  command->add_flag("--json", options->json, "one JSON object");
  command->callback([options, &status] { status = run(*options); });
}

void add_info(CLI::App& app, int& status) {
  auto uri = std::make_shared<std::string>("sim:");
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("info", "what was built, from the capability registers");
  command->add_option("--device", *uri, kDeviceHelp)->capture_default_str();
  command->add_flag("--json", *json, "one JSON object");
  command->callback([uri, json, &status] { status = info(*uri, *json); });
}

}  // namespace systolith::tool
