// Products from files to files against a scalar loop that uses nothing of the project: std::fma in
// binary32 for BF16, wrapping 32-bit sums for INT8, exact products for the scales.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>

#include "tool_test.hpp"

namespace systolith::tool::test {
namespace {

constexpr int kM = 9, kN = 6, kK = 11;  // whole tiles and rests on 4x4

struct Case {
  const char* format;
  const char* out;
  int scale;  // of INT8 output: 0 none, 1 number, 2 file
};

void PrintTo(const Case& c, std::ostream* stream) {
  constexpr const char* kScales[] = {"", "_by_number", "_by_file"};
  *stream << c.format << "_to_" << c.out << kScales[c.scale];
}

float widen(std::uint16_t bf16) {
  const std::uint32_t bits = std::uint32_t{bf16} << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return std::isnan(value) ? 0x7FC00000 : bits;
}

// Nearest even among the two BF16 neighbours, by their distances, which double holds exactly.
std::uint16_t narrow(float value) {
  if (std::isnan(value)) return 0x7FC0;
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const auto low = static_cast<std::uint16_t>(bits >> 16);
  if (std::isinf(value) || (bits & 0xffff) == 0) return low;
  const auto high = static_cast<std::uint16_t>(low + 1);
  // Past the largest finite value the next step is where it would be without infinity.
  const double above = std::isinf(widen(high)) ? std::copysign(std::ldexp(1.0, 128), value)
                                               : static_cast<double>(widen(high));
  const double to_low = std::abs(static_cast<double>(value) - static_cast<double>(widen(low)));
  const double to_high = std::abs(above - static_cast<double>(value));
  if (to_low != to_high) return to_low < to_high ? low : high;
  return low % 2 == 0 ? low : high;
}

std::int8_t scaled(std::int32_t sum, float scale) {
  const long double exact = static_cast<long double>(sum) * static_cast<long double>(scale);
  const long double rounded = std::nearbyintl(exact);
  return static_cast<std::int8_t>(rounded < -128 ? -128 : rounded > 127 ? 127 : rounded);
}
static_assert(std::numeric_limits<long double>::digits >= 32 + 24, "products are exact");

std::string shape(int rows, int columns) {
  return std::to_string(rows) + ", " + std::to_string(columns);
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

class FileProducts : public ToolTest, public testing::WithParamInterface<Case> {
 protected:
  std::mt19937_64 random{1};

  // Values of usual size, now and then a subnormal, an infinity, a NaN or a zero of either sign.
  std::uint16_t any_bf16() {
    const std::uint64_t r = random();
    switch (r % 64) {
      case 0:
        return static_cast<std::uint16_t>(r >> 48 & 0x807f);
      case 1:
        return static_cast<std::uint16_t>(r >> 48);
      default:
        return static_cast<std::uint16_t>((r >> 48 & 0x807f) | (122 + (r >> 40) % 10) << 7);
    }
  }
  template <typename T>
  std::vector<T> ints(int count, std::uint64_t range) {
    std::vector<T> values;
    for (int i = 0; i < count; ++i)
      values.push_back(static_cast<T>(range == 0 ? random() : random() % range - range / 2));
    return values;
  }
};

TEST_P(FileProducts, EqualTheScalarLoop) {
  const Case& c = GetParam();
  const bool int8 = std::string(c.format) == "int8";
  const std::string out = c.out;
  for (const char* device : {"sim:config=tiny,latency=5", "sim:config=4x4,latency=20,stall=0.1"}) {
    for (const int seed : {0, 1, 2}) {  // none, matrix, row
      for (const bool relu : {false, true}) {
        const int c_rows = seed == 2 ? 1 : kM;
        std::vector<std::string> arguments = {
            "gemm",     "--a",    path("a.npy"),  "--b", path("b.npy"), "--out", path("d.npy"),
            "--format", c.format, "--out-format", out,   "--device",    device};
        if (seed != 0) arguments.insert(arguments.end(), {"--c", path("c.npy")});
        if (relu) arguments.push_back("--relu");
        std::string expected;
        if (int8) {
          const auto a = ints<std::int8_t>(kM * kK, 0), b = ints<std::int8_t>(kK * kN, 0);
          // Small ones so that scaled sums differ, and whole words so that sums wrap.
          auto seeds = ints<std::int32_t>(c_rows * kN, 20000);
          seeds[0] = std::numeric_limits<std::int32_t>::max();
          seeds[1] = std::numeric_limits<std::int32_t>::min();
          std::vector<float> scales(kN, 0.00390625F);
          if (c.scale == 2)
            for (float& scale : scales)
              scale = std::ldexp(1.0F + static_cast<float>(random() % 4096) / 4096,
                                 -static_cast<int>(random() % 16));
          file("a.npy", npy("|i1", shape(kM, kK), a));
          file("b.npy", npy("|i1", shape(kK, kN), b));
          file("c.npy", npy("<i4", seed == 2 ? std::to_string(kN) + "," : shape(kM, kN), seeds));
          file("s.npy", npy("<f4", std::to_string(kN) + ",", scales));
          if (c.scale == 1) arguments.insert(arguments.end(), {"--scale", "0.00390625"});
          if (c.scale == 2) arguments.insert(arguments.end(), {"--scale", path("s.npy")});
          std::vector<std::int32_t> sums;
          std::vector<std::int8_t> narrowed;
          for (int m = 0; m < kM; ++m) {
            for (int n = 0; n < kN; ++n) {
              std::uint32_t sum =
                  seed == 0 ? 0 : static_cast<std::uint32_t>(seeds[(seed == 2 ? 0 : m) * kN + n]);
              for (int k = 0; k < kK; ++k)
                sum += static_cast<std::uint32_t>(a[m * kK + k] * b[k * kN + n]);
              auto value = static_cast<std::int32_t>(sum);
              if (relu && value < 0) value = 0;
              sums.push_back(value);
              narrowed.push_back(scaled(value, scales[n]));
            }
          }
          expected = out == "int32" ? npy("<i4", shape(kM, kN), sums)
                                    : npy("|i1", shape(kM, kN), narrowed);
        } else {
          std::vector<std::uint16_t> a, b;
          std::vector<float> a_floats;  // A comes as float32 and is rounded
          std::vector<float> seeds;
          for (int i = 0; i < kM * kK; ++i) {
            std::uint32_t bits = std::uint32_t{any_bf16()} << 16;
            if (random() % 4 != 0) bits |= random() % 3 == 0 ? 0x8000 : random() & 0xffff;
            float value;
            std::memcpy(&value, &bits, 4);
            a_floats.push_back(value);
            a.push_back(narrow(value));
          }
          for (int i = 0; i < kK * kN; ++i) b.push_back(any_bf16());
          for (int i = 0; i < c_rows * kN; ++i) seeds.push_back(widen(any_bf16()) * 1.0001F);
          file("a.npy", npy("<f4", shape(kM, kK), a_floats));
          file("b.npy", npy("<u2", shape(kK, kN), b));
          file("c.npy", npy("<f4", seed == 2 ? std::to_string(kN) + "," : shape(kM, kN), seeds));
          std::vector<std::uint32_t> sums;
          std::vector<std::uint16_t> narrowed;
          for (int m = 0; m < kM; ++m) {
            for (int n = 0; n < kN; ++n) {
              float sum = seed == 0 ? 0.0F : seeds[(seed == 2 ? 0 : m) * kN + n];
              for (int k = 0; k < kK; ++k)
                sum = std::fma(widen(a[m * kK + k]), widen(b[k * kN + n]), sum);
              if (relu && !std::isnan(sum) && std::signbit(sum)) sum = 0.0F;
              sums.push_back(bits_of(sum));
              narrowed.push_back(narrow(sum));
            }
          }
          expected =
              out == "fp32" ? npy("<f4", shape(kM, kN), sums) : npy("<u2", shape(kM, kN), narrowed);
        }
        const Result result = run(arguments);
        ASSERT_EQ(result.status, 0) << result;
        ASSERT_EQ(read(path("d.npy")), expected)
            << device << ", C " << seed << ", relu " << relu << "\n"
            << result;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FileProducts,
                         testing::Values(Case{"bf16", "fp32", 0}, Case{"bf16", "bf16", 0},
                                         Case{"int8", "int32", 0}, Case{"int8", "int8", 1},
                                         Case{"int8", "int8", 2}),
                         [](const auto& info) { return testing::PrintToString(info.param); });

// A device lives in the process that opened it: what two do at the same time is what each does
// alone.
TEST_F(ToolTest, TwoProcessesAtOnceEachHaveADevice) {
  const auto product = [&](const char* size, const char* out, const char* device) {
    return std::vector<std::string>{"gemm", size,    size,      size,       "--seed",
                                    size,   "--out", path(out), "--device", device};
  };
  bool overlapped = false;
  for (int tries = 0; tries < 10 && !overlapped; ++tries) {
    Process longer(product("24", "longer.npy", "sim:config=tiny"));
    const Result shorter = run(product("5", "shorter.npy", "sim:config=tiny"));
    overlapped = longer.runs();
    for (const Result& result : {shorter, longer.wait()}) {
      EXPECT_EQ(result.status, 0) << result;
      EXPECT_TRUE(result.says("every bit equals")) << result;
    }
  }
  EXPECT_TRUE(overlapped);
  EXPECT_EQ(run(product("24", "longer_alone.npy", "model:config=4x4")).status, 0);
  EXPECT_EQ(run(product("5", "shorter_alone.npy", "model:config=4x4")).status, 0);
  EXPECT_EQ(read(path("longer.npy")), read(path("longer_alone.npy")));
  EXPECT_EQ(read(path("shorter.npy")), read(path("shorter_alone.npy")));
}

TEST_F(ToolTest, DeviceMemoryThatIsUsedUpIsTold) {
  for (const std::vector<std::string>& shape :
       {std::vector<std::string>{"8192", "8192", "1"},  // 2^26 binary32 results are all of it
        {"3000000", "17", "1"},                         // with its rows aligned it does not fit
        {"1000000", "1000000", "1000000"},
        {"18446744073709551615", "18446744073709551615", "18446744073709551615"}}) {
    std::vector<std::string> arguments = {"gemm", "--device", "model:config=4x4"};
    arguments.insert(arguments.end(), shape.begin(), shape.end());
    const Result result = run(arguments);
    EXPECT_EQ(result.status, 1) << result;
    EXPECT_TRUE(result.says("split the")) << result;
    EXPECT_TRUE(result.says("device's")) << result;
  }
}

TEST_F(ToolTest, DevicesThatAreNone) {
  const auto refused = [](const char* uri, const char* text) {
    const Result result = run({"info", "--device", uri});
    EXPECT_EQ(result.status, 2) << uri << result;
    EXPECT_TRUE(result.says(text)) << uri << "\n" << result;
    EXPECT_EQ(result.out, "");
  };
  refused("", "is no device URI");
  refused("sim", "is no device URI");
  refused(":rows=4", "is no device URI");
  refused("pcie:", "unknown device 'pcie:'; there are model:, sim: and uart:");
  refused("sim:colour=red", "unknown key 'colour'");
  refused("model:latency=3", "unknown key 'latency'");
  refused("sim:rows", "'rows' in device URI");
  refused("sim:rows=", "no key=value");
  refused("sim:=4", "no key=value");
  refused("sim:rows=4,rows=4", "stands twice");
  refused("sim:rows=4x", "rows=4x: not a whole number");
  refused("sim:rows=-4", "not a whole number");
  refused("sim:rows=77", "no prebuilt device fits");
  refused("sim:config=5x5", "config=tiny");
  refused("sim:latency=0", "latency: 1 to 100000 cycles");
  refused("sim:latency=100001", "latency: 1 to 100000 cycles");
  refused("sim:stall=1", "not a share from 0 up to, but not, 1");
  refused("sim:stall=nan", "not a share");
  refused("sim:seed=x", "seed=x: not a whole number");
  refused("uart:", "needs its port");
  refused("uart:/dev/no_such_port", "there is no port");
  refused("uart:/dev/null", "is not a serial line");
  refused("uart:/dev/ttyUSB0,colour=red", "unknown key 'colour'");
}

}  // namespace
}  // namespace systolith::tool::test
