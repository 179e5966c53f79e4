#include "systolith/library/run.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "systolith/library/encode.hpp"
#include "systolith/model/chain.h"
#include "systolith/model/formats.h"
#include "systolith/registers.h"

namespace systolith::library {
namespace {

constexpr std::uint64_t kRowAlignment =
    64;  // rows that begin on a beat of any bus are read without waste
constexpr std::uint64_t kPageBytes = 4096;
constexpr unsigned kReportedLatency = 100;

// Frees device buffers at the end of a scope.
class Buffers {
 public:
  explicit Buffers(Device& device) : device_(device) {}
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  ~Buffers() {
    for (const std::uint64_t address : addresses_) systolith_free(device_.handle(), address);
  }
  std::uint64_t add(std::uint64_t bytes) {
    addresses_.push_back(device_.allocate(bytes, kPageBytes));
    return addresses_.back();
  }

 private:
  Device& device_;
  std::vector<std::uint64_t> addresses_;
};

// Rows at a pitch that aligns them, unless they are shorter than that would be worth.
std::uint64_t pitch_of(std::uint64_t row_bytes) {
  if (row_bytes <= kRowAlignment / 2) return row_bytes;
  return (row_bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
}

std::uint64_t place(Device& device, Buffers& buffers, const void* data, std::uint64_t rows,
                    std::uint64_t row_bytes, std::uint64_t pitch) {
  const std::uint64_t address = buffers.add(rows * pitch);
  if (pitch == row_bytes) {
    device.copy_in(address, data, rows * row_bytes);
  } else {
    std::vector<std::uint8_t> padded(rows * pitch);
    for (std::uint64_t row = 0; row < rows; ++row)
      std::memcpy(padded.data() + row * pitch,
                  static_cast<const std::uint8_t*>(data) + row * row_bytes, row_bytes);
    device.copy_in(address, padded.data(), padded.size());
  }
  return address;
}

// The chain's end to the output format.
std::vector<std::uint8_t> convert(const HostGemm& gemm, const std::vector<std::uint32_t>& sums) {
  std::vector<std::uint8_t> d(sums.size() * bytes_of(gemm.out));
  for (std::size_t i = 0; i < sums.size(); ++i) {
    std::uint32_t value = sums[i];
    switch (gemm.out) {
      case OutFormat::fp32:
        if (gemm.relu) value = model::relu_fp32(value);
        std::memcpy(d.data() + 4 * i, &value, 4);
        break;
      case OutFormat::int32:
        if (gemm.relu)
          value = static_cast<std::uint32_t>(model::relu_int32(static_cast<std::int32_t>(value)));
        std::memcpy(d.data() + 4 * i, &value, 4);
        break;
      case OutFormat::bf16: {
        const std::uint16_t rounded =
            model::fp32_to_bf16(gemm.relu ? model::relu_fp32(value) : value);
        std::memcpy(d.data() + 2 * i, &rounded, 2);
        break;
      }
      case OutFormat::int8: {
        const float scale = gemm.scaling == Scale::column ? gemm.scales[i % gemm.n] : gemm.scale;
        const std::int8_t scaled = model::int32_to_int8(static_cast<std::int32_t>(value),
                                                        std::bit_cast<std::uint32_t>(scale));
        d[i] = static_cast<std::uint8_t>(gemm.relu && scaled < 0 ? 0 : scaled);
        break;
      }
    }
  }
  return d;
}

std::vector<std::uint32_t> seeds(const HostGemm& gemm) {
  std::vector<std::uint32_t> sums(gemm.m * gemm.n, 0);
  const auto* c = static_cast<const std::uint32_t*>(gemm.c);
  if (gemm.seed == Seed::matrix) std::copy(c, c + sums.size(), sums.begin());
  if (gemm.seed == Seed::row)
    for (std::uint64_t row = 0; row < gemm.m; ++row)
      std::copy(c, c + gemm.n, sums.begin() + static_cast<std::ptrdiff_t>(row * gemm.n));
  return sums;
}

}  // namespace

DeviceShape shape_of(const Device& device) {
  const systolith_capabilities_t c = device.capabilities();
  std::uint32_t outstanding = 0;
  systolith::check(
      systolith_read_register(device.handle(), SYSTOLITH_REGISTER_OUTSTANDING, &outstanding));
  DeviceShape shape;
  shape.rows = c.rows;
  shape.cols = c.columns;
  shape.row_latency = c.row_latency;
  shape.line_bytes = c.line_bytes;
  shape.lines = c.lines;
  shape.banks = c.banks;
  shape.accumulator_rows = c.accumulator_rows;
  shape.bus_bytes = c.bus_bytes;
  shape.drain_lanes = c.drain_lanes;
  shape.reads_outstanding = outstanding & 0xffff;
  shape.writes_outstanding = outstanding >> 16;
  return shape;
}

void check(const HostGemm& gemm) {
  const bool int8 = gemm.format == Format::int8;
  if (int8 != (gemm.out == OutFormat::int32 || gemm.out == OutFormat::int8))
    throw std::invalid_argument("int8 operands give int32 or int8, bf16 operands fp32 or bf16");
  if ((gemm.out == OutFormat::int8) != (gemm.scaling != Scale::none))
    throw std::invalid_argument("a scale is needed for int8 output, and only there");
  // By its bits: a host that takes subnormals as zeros must not refuse a subnormal scale.
  const auto good = [](float scale) {
    return model::is_scale(std::bit_cast<std::uint32_t>(scale));
  };
  if (gemm.scaling == Scale::tensor && !good(gemm.scale))
    throw std::invalid_argument("the scale must be finite and positive");
  if (gemm.scaling == Scale::column && !std::all_of(gemm.scales, gemm.scales + gemm.n, good))
    throw std::invalid_argument("every scale must be finite and positive");
  if (gemm.m > 0xffffffff || gemm.n > 0xffffffff || gemm.k > 0xffffffff)
    throw std::invalid_argument("a dimension has at most 32 bits");
}

RunResult run_gemm(Device& device, const HostGemm& gemm, const GemmTiling* tiling) {
  check(gemm);
  RunResult result;
  if (gemm.m == 0 || gemm.n == 0) return result;
  if (gemm.k == 0) {
    result.d = reference_gemm(gemm);  // the empty chain is its seed
    return result;
  }
  const systolith_capabilities_t capabilities = device.capabilities();
  const DeviceShape shape = shape_of(device);
  Buffers buffers(device);
  GemmProblem p;
  p.m = gemm.m;
  p.n = gemm.n;
  p.k = gemm.k;
  p.format = gemm.format;
  p.out = gemm.out;
  p.relu = gemm.relu;
  p.seed = gemm.seed;
  p.scaling = gemm.scaling;
  p.scale = gemm.scale;
  const std::uint64_t a_row = gemm.k * bytes_of(gemm.format);
  const std::uint64_t b_row = gemm.n * bytes_of(gemm.format);
  const std::uint64_t d_row = gemm.n * bytes_of(gemm.out);
  p.lda = pitch_of(a_row);
  p.ldb = pitch_of(b_row);
  p.ldd = pitch_of(d_row);
  p.a = place(device, buffers, gemm.a, gemm.m, a_row, p.lda);
  p.b = place(device, buffers, gemm.b, gemm.k, b_row, p.ldb);
  p.d = buffers.add(gemm.m * p.ldd);
  if (gemm.seed != Seed::none) {
    p.ldc = pitch_of(4 * gemm.n);
    p.c = place(device, buffers, gemm.c, gemm.seed == Seed::row ? 1 : gemm.m, 4 * gemm.n, p.ldc);
  }
  if (gemm.scaling == Scale::column) {
    std::vector<float> scales(gemm.scales, gemm.scales + gemm.n);
    scales.resize((gemm.n + shape.cols - 1) / shape.cols * shape.cols, 1.0F);
    p.scales = place(device, buffers, scales.data(), 1, 4 * scales.size(), 4 * scales.size());
  }

  result.plan = tiling != nullptr ? plan_gemm(p, shape, *tiling) : plan_gemm(p, shape);
  result.bound = bound_of(p, shape, kReportedLatency);
  const std::vector<systolith_command_t> commands = encode(result.plan);
  device.grant(0, capabilities.memory_base, capabilities.memory_bytes);
  device.create_queue(std::min<unsigned>(16, std::bit_width(commands.size() - 1)));
  device.clear_counters();
  device.wait(device.submit(commands));
  result.counters = device.counters();
  device.reset();

  result.d.resize(gemm.m * d_row);
  if (p.ldd == d_row) {
    device.copy_out(p.d, result.d.data(), result.d.size());
  } else {
    std::vector<std::uint8_t> padded(gemm.m * p.ldd);
    device.copy_out(p.d, padded.data(), padded.size());
    for (std::uint64_t row = 0; row < gemm.m; ++row)
      std::memcpy(result.d.data() + row * d_row, padded.data() + row * p.ldd, d_row);
  }
  return result;
}

std::vector<std::uint8_t> reference_gemm(const HostGemm& gemm) {
  check(gemm);
  std::vector<std::uint32_t> sums = seeds(gemm);
  const auto m = static_cast<Eigen::Index>(gemm.m);
  const auto n = static_cast<Eigen::Index>(gemm.n);
  const auto k = static_cast<Eigen::Index>(gemm.k);
  if (gemm.m != 0 && gemm.n != 0 && gemm.k != 0) {
    if (gemm.format == Format::bf16) {
      using Operand = Eigen::Map<const model::RowMajor<model::Bf16>>;
      Eigen::Map<model::RowMajor<float>> sum(reinterpret_cast<float*>(sums.data()), m, n);
      model::accumulate(Operand(static_cast<const model::Bf16*>(gemm.a), m, k),
                        Operand(static_cast<const model::Bf16*>(gemm.b), k, n), sum);
    } else {
      using Operand = Eigen::Map<const model::RowMajor<std::int8_t>>;
      Eigen::Map<model::RowMajor<std::int32_t>> sum(reinterpret_cast<std::int32_t*>(sums.data()), m,
                                                    n);
      model::accumulate(Operand(static_cast<const std::int8_t*>(gemm.a), m, k),
                        Operand(static_cast<const std::int8_t*>(gemm.b), k, n), sum);
    }
  } else if (gemm.format == Format::bf16) {
    for (std::uint32_t& sum : sums) sum = model::canonical(sum);
  }
  return convert(gemm, sums);
}

}  // namespace systolith::library
