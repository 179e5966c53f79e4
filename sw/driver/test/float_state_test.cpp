// The host's floating-point state changes nothing: products through driver and library, plans and
// conversions have the bits of the default state under every rounding mode, with subnormals flushed
// or taken as zeros, and leave the host's state as it was.
#include <gtest/gtest.h>
#include <pmmintrin.h>
#include <xmmintrin.h>

#include <cfenv>
#include <cmath>
#include <cstring>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "systolith/library/encode.hpp"
#include "systolith/library/run.hpp"

namespace systolith {
namespace {

using library::Format;
using library::HostGemm;
using library::OutFormat;

struct State {
  const char* name;
  int rounding;
  bool flush_to_zero, denormals_are_zero;
};

void PrintTo(const State& state, std::ostream* out) { *out << state.name; }

constexpr State kStates[] = {{"upward", FE_UPWARD, false, false},
                             {"downward", FE_DOWNWARD, false, false},
                             {"toward_zero", FE_TOWARDZERO, false, false},
                             {"flush_to_zero", FE_TONEAREST, true, false},
                             {"denormals_are_zero", FE_TONEAREST, false, true},
                             {"flushed", FE_TONEAREST, true, true},
                             {"flushed_upward", FE_UPWARD, true, true},
                             {"flushed_downward", FE_DOWNWARD, true, true}};

class HostState {
 public:
  explicit HostState(const State& state) {
    std::fegetenv(&saved_);
    std::fesetround(state.rounding);
    _MM_SET_FLUSH_ZERO_MODE(state.flush_to_zero ? _MM_FLUSH_ZERO_ON : _MM_FLUSH_ZERO_OFF);
    _MM_SET_DENORMALS_ZERO_MODE(state.denormals_are_zero ? _MM_DENORMALS_ZERO_ON
                                                         : _MM_DENORMALS_ZERO_OFF);
    control_ = control();
  }
  ~HostState() { std::fesetenv(&saved_); }
  HostState(const HostState&) = delete;
  HostState& operator=(const HostState&) = delete;
  bool unchanged() const { return control() == control_; }

 private:
  // Without the exception flags.
  static unsigned control() { return _mm_getcsr() & ~0x3fU; }
  std::fenv_t saved_;
  unsigned control_ = 0;
};

// Products that end in the subnormals, sums that are ties, and everything usual.
std::vector<std::uint16_t> operands(std::size_t count, std::mt19937_64& random) {
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) {
    const std::uint64_t r = random();
    const auto sign_and_fraction = static_cast<std::uint16_t>(r >> 32 & 0x807f);
    switch (r % 5) {
      case 0:  // subnormal
        value = sign_and_fraction;
        break;
      case 1:  // about 2^-70: the product of two is about the smallest subnormal
        value = static_cast<std::uint16_t>(sign_and_fraction | (57 + (r >> 8) % 8) << 7);
        break;
      case 2:  // powers of two from 2^-12 to 2^12
        value = static_cast<std::uint16_t>((r >> 32 & 0x8000) | (115 + (r >> 8) % 25) << 7);
        break;
      default:
        value = static_cast<std::uint16_t>(sign_and_fraction | (120 + (r >> 8) % 12) << 7);
    }
  }
  return values;
}

// A product with its data; everything is made in the default state.
struct Work {
  std::string name;
  HostGemm gemm;
  std::vector<std::uint16_t> a16, b16;
  std::vector<std::int8_t> a8, b8;
  std::vector<std::uint32_t> c;
  std::vector<float> scales;
};

std::vector<Work> works() {
  std::vector<Work> all(6);
  std::mt19937_64 random(5);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Work& w = all[i];
    w.gemm.m = 9;
    w.gemm.n = 11;
    w.gemm.k = 21;
    const bool int8 = i >= 3;
    w.gemm.format = int8 ? Format::int8 : Format::bf16;
    if (int8) {
      w.a8.resize(9 * 21);
      w.b8.resize(21 * 11);
      for (std::int8_t& x : w.a8) x = static_cast<std::int8_t>(random());
      for (std::int8_t& x : w.b8) x = static_cast<std::int8_t>(random());
      w.gemm.a = w.a8.data();
      w.gemm.b = w.b8.data();
      w.gemm.out = i == 3 ? OutFormat::int32 : OutFormat::int8;
    } else {
      w.a16 = operands(9 * 21, random);
      w.b16 = operands(21 * 11, random);
      w.gemm.a = w.a16.data();
      w.gemm.b = w.b16.data();
      w.gemm.out = i == 1 ? OutFormat::bf16 : OutFormat::fp32;
      w.gemm.relu = i == 2;
    }
    switch (i) {
      case 0:
        w.name = "BF16 to FP32";
        break;
      case 1:
        w.name = "BF16 to BF16 with seeds";
        w.gemm.seed = library::Seed::matrix;
        w.c.resize(9 * 11);
        // Odd last bits and subnormals: the next half step is a tie.
        for (std::uint32_t& c : w.c)
          c = random() % 2 ? 0x3F800001U | (static_cast<std::uint32_t>(random()) & 0x80000002U)
                           : static_cast<std::uint32_t>(random()) & 0x807FFFFFU;
        w.gemm.c = w.c.data();
        break;
      case 2:
        w.name = "BF16 to FP32 with ReLU";
        break;
      case 3:
        w.name = "INT8 to INT32";
        break;
      case 4:
        w.name = "INT8 to INT8, one scale";
        w.gemm.scaling = library::Scale::tensor;
        w.gemm.scale = 0x1p-9F;  // ties
        break;
      default:
        w.name = "INT8 to INT8, a scale a column";
        w.gemm.scaling = library::Scale::column;
        for (int n = 0; n < 11; ++n)
          w.scales.push_back(n % 4 == 3 ? 0x1p-140F : std::ldexp(1.0F, -6 - n % 4));
        w.gemm.scales = w.scales.data();
    }
  }
  return all;
}

std::vector<std::uint64_t> words(const library::GemmPlan& plan) {
  std::vector<std::uint64_t> all;
  for (const systolith_command_t& command : library::encode(plan))
    all.insert(all.end(), command.words, command.words + SYSTOLITH_COMMAND_WORDS);
  return all;
}

class FloatState : public testing::TestWithParam<State> {};

TEST_P(FloatState, IsReallyAnother) {
  const State& state = GetParam();
  const HostState host(state);
  volatile float one = 1.0F, tiny = 0x1p-30F, smallest = 0x1p-126F, subnormal = 0x1p-140F;
  const float up = one + tiny, down = one - tiny;
  EXPECT_EQ(up > 1.0F, state.rounding == FE_UPWARD);
  EXPECT_EQ(down < 1.0F, state.rounding == FE_DOWNWARD || state.rounding == FE_TOWARDZERO);
  volatile float half = smallest * 0.5F;
  std::uint32_t bits;
  float value = half;
  std::memcpy(&bits, &value, 4);
  // Flushing does not depend on the direction, unless the result is rounded away from zero first.
  EXPECT_EQ(bits == 0, state.flush_to_zero);
  EXPECT_EQ(subnormal == 0.0F, state.denormals_are_zero);
}

TEST_P(FloatState, ProductsHaveTheBitsOfTheDefaultState) {
  for (const char* uri : {"model:config=4x4", "sim:config=4x4", "sim:config=tiny"}) {
    for (const Work& work : works()) {
      SCOPED_TRACE(std::string(uri) + ": " + work.name);
      Device device(uri);
      const library::RunResult want = library::run_gemm(device, work.gemm);
      const std::vector<std::uint8_t> reference = library::reference_gemm(work.gemm);
      ASSERT_EQ(want.d, reference);
      library::RunResult got;
      std::vector<std::uint8_t> again;
      bool unchanged = false;
      {
        const HostState host(GetParam());
        Device fresh(uri);
        ASSERT_NO_THROW(got = library::run_gemm(fresh, work.gemm));
        ASSERT_NO_THROW(again = library::reference_gemm(work.gemm));
        unchanged = host.unchanged();
      }
      EXPECT_TRUE(unchanged) << "the host's state comes back";
      EXPECT_EQ(got.d, want.d);
      EXPECT_EQ(again, reference);
      EXPECT_EQ(words(got.plan), words(want.plan)) << "another plan";
    }
  }
}

TEST_P(FloatState, PlansAreThoseOfTheDefaultState) {
  const library::DeviceShape shape;
  std::mt19937_64 random(9);
  for (int i = 0; i < 5; ++i) {
    library::GemmProblem p;
    p.m = 1 + random() % 300;
    p.n = 1 + random() % 300;
    p.k = 1 + random() % 300;
    p.lda = 2 * p.k;
    p.ldb = 2 * p.n;
    p.ldd = 4 * p.n;
    p.a = 0x80000000;
    p.b = 0x81000000;
    p.d = 0x82000000;
    const std::vector<std::uint64_t> want = words(library::plan_gemm(p, shape));
    std::vector<std::uint64_t> got;
    {
      const HostState host(GetParam());
      got = words(library::plan_gemm(p, shape));
    }
    EXPECT_EQ(got, want) << p.m << "x" << p.n << "x" << p.k;
  }
}

INSTANTIATE_TEST_SUITE_P(States, FloatState, testing::ValuesIn(kStates),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace systolith
