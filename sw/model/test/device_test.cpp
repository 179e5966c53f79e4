// Datapath of the device: transfers, products and conversions against scalar loops.
#include "systolith/model/device.h"

#include <numeric>

#include "device_fixture.h"
#include "reference.h"
#include "systolith/model/formats.h"

namespace systolith::model {
namespace {

using test::Bench;
using test::bits;
using test::from_bits;
using test::load_accumulators;
using test::load_scratchpad;
using test::matrix;
using test::Product;
using test::Random;
using test::store_accumulators;
using test::store_scratchpad;

constexpr std::uint64_t kData = Bench::kData;

class DeviceOf : public testing::TestWithParam<std::string> {
 protected:
  DeviceOf() : bench(GetParam()), configuration(bench.device.configuration()) { bench.enable(); }
  std::uint32_t lines(std::uint64_t bytes) const {
    return static_cast<std::uint32_t>((bytes + configuration.line_bytes() - 1) /
                                      configuration.line_bytes());
  }
  void expect_all_completed() {
    EXPECT_EQ(bench.completed(), bench.tail);
    EXPECT_FALSE(bench.faulted()) << "cause " << (bench.reg(SYSTOLITH_REGISTER_FAULT) & 0xFF);
  }
  Bench bench;
  const Configuration& configuration;
};

INSTANTIATE_TEST_SUITE_P(Configurations, DeviceOf, testing::ValuesIn(Configuration::names()),
                         [](const auto& info) { return "c" + info.param; });

TEST_P(DeviceOf, IdentityRegistersSayWhatIsBuilt) {
  const Configuration& c = configuration;
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_MAGIC), 0x54535953u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_VERSION), 0x00010000u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_ARRAY), c.rows | c.cols << 16);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_LINE), c.line_bytes() | c.bus_bytes << 16);
  EXPECT_EQ(1u << (bench.reg(SYSTOLITH_REGISTER_MEMORY) >> 24), c.scratchpad_banks);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_FORMATS), 6u);
  EXPECT_EQ(bench.reg(SYSTOLITH_REGISTER_ELEMENT) >> 24, c.address_width);
}

TEST_P(DeviceOf, RowsOfAnyStartLengthAndStrideComeBackAsTheyWere) {
  Random random(41);
  for (const std::uint32_t run : {1u, 7u, 33u, 130u}) {
    for (const std::uint64_t start : {0u, 1u, 6u, 13u}) {
      for (const std::int64_t stride :
           {std::int64_t{run}, std::int64_t{run} + 3, std::int64_t{200}}) {
        const std::uint32_t rows = 3;
        const std::uint32_t pitch = lines(run);
        if (1 + rows * pitch > configuration.scratchpad_lines) continue;  // the tiny device
        std::vector<std::uint8_t> data(1024);
        for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
        bench.poke(kData, data.data(), data.size());
        const std::vector<std::uint8_t> canary(1024, 0xA5);
        bench.poke(kData + 0x1000, canary.data(), canary.size());
        bench.put(load_scratchpad().rows(kData + start, run, rows, stride).local(1, pitch));
        bench.ring();
        bench.put(
            store_scratchpad().rows(kData + 0x1000 + start, run, rows, stride).local(1, pitch));
        bench.ring();
        expect_all_completed();
        for (std::uint64_t byte = 0; byte < 1024; ++byte) {
          bool inside = false;
          for (std::uint64_t r = 0; r < rows; ++r) {
            const std::uint64_t first = start + r * static_cast<std::uint64_t>(stride);
            inside = inside || (byte >= first && byte < first + run);
          }
          ASSERT_EQ(bench.peek<std::uint8_t>(kData + 0x1000 + byte), inside ? data[byte] : 0xA5)
              << byte;
        }
      }
    }
  }
}

TEST_P(DeviceOf, FourLoopsWithNegativeAndZeroStridesWalkLoopZeroFastest) {
  std::vector<std::uint8_t> data(4096);
  std::iota(data.begin(), data.end(), 0);
  bench.poke(kData, data.data(), data.size());
  bench.put(load_scratchpad()
                .rows(kData + 600, 4, 3, 5)
                .local(0, 1)
                .loop(1, 2, -64)
                .loop(2, 1, 1 << 20)
                .loop(3, 2, 0));
  bench.put(store_scratchpad().rows(kData + 0x2000, 4, 12, 4).local(0, 1));
  bench.ring();
  expect_all_completed();
  std::uint64_t place = kData + 0x2000;
  for (int i3 = 0; i3 < 2; ++i3) {
    for (int i1 = 0; i1 < 2; ++i1) {
      for (int i0 = 0; i0 < 3; ++i0) {
        for (int byte = 0; byte < 4; ++byte) {
          EXPECT_EQ(bench.peek<std::uint8_t>(place++), data[600 + 5 * i0 - 64 * i1 + byte]);
        }
      }
    }
  }
}

TEST_P(DeviceOf, BytesPastARunInItsLastLineKeepTheirValue) {
  const std::vector<std::uint8_t> ones(configuration.line_bytes(), 0x11);
  bench.poke(kData, ones.data(), ones.size());
  bench.put(load_scratchpad().rows(kData, configuration.line_bytes(), 1, 0).local(2, 0));
  bench.put(load_scratchpad().rows(kData + 0x1000, 3, 1, 0).local(2, 0));
  bench.ring();
  expect_all_completed();
  const auto line =
      bench.device.scratchpad().subspan(2 * configuration.line_bytes(), configuration.line_bytes());
  EXPECT_EQ(line[2], std::byte{0xA5});
  EXPECT_EQ(line[3], std::byte{0x11});
}

TEST_P(DeviceOf, LaterRowWinsWhereLocalOrMemoryRowsOverlap) {
  const std::uint8_t bytes[] = {1, 2, 3, 4};
  bench.poke(kData, bytes, 4);
  bench.put(load_scratchpad().rows(kData, 1, 4, 1).local(0, 0));
  bench.put(load_scratchpad().rows(kData, 1, 4, 1).local(1, 1));
  bench.put(store_scratchpad().rows(kData + 0x100, 1, 1, 0).local(0, 0));
  bench.put(store_scratchpad().rows(kData + 0x101, 1, 4, 0).local(1, 1));
  bench.ring();
  expect_all_completed();
  EXPECT_EQ(bench.peek<std::uint8_t>(kData + 0x100), 4);
  EXPECT_EQ(bench.peek<std::uint8_t>(kData + 0x101), 4);
}

struct Shape {
  std::uint32_t m, n, k;
};

TEST_P(DeviceOf, Bf16ProductsWithSeedAndSplitKEqualTheScalarChain) {
  Random random(43);
  const std::uint32_t r = configuration.rows;
  const std::uint32_t c = configuration.cols;
  for (const Shape shape :
       {Shape{1, 1, 1}, Shape{3, c, r}, Shape{2, c + 1, r + 1}, Shape{5, 2 * c - 1, 2 * r + 1}}) {
    for (const int kind : {0, 1, 2, 3, 4, 5}) {
      const bool seeded = kind % 2 != 0;
      bench.reset();
      bench.enable();
      std::vector<std::uint16_t> a(shape.m * shape.k);
      std::vector<std::uint16_t> b(shape.k * shape.n);
      std::vector<float> seed(shape.m * shape.n);
      for (auto& x : a) x = test::bf16_of_kind(kind / 2, random);
      for (auto& x : b) x = test::bf16_of_kind(kind / 2, random);
      for (auto& x : seed) {
        x = seeded ? from_bits(std::uint32_t{test::bf16_of_kind(kind / 2, random)} << 16 |
                               (random() & 0xFFFF))
                   : 0.0f;
      }
      bench.poke(kData, a.data(), 2 * a.size());
      bench.poke(kData + 0x4000, b.data(), 2 * b.size());
      bench.poke(kData + 0x8000, seed.data(), 4 * seed.size());
      const std::uint32_t a_pitch = lines(2 * shape.k);
      const std::uint32_t b_pitch = lines(2 * shape.n);
      const std::uint32_t b_base = shape.m * a_pitch;
      if (b_base + shape.k * b_pitch > configuration.scratchpad_lines) continue;  // the tiny device
      const std::uint32_t strips = (shape.n + c - 1) / c;
      bench.put(load_scratchpad().rows(kData, 2 * shape.k, shape.m, 2 * shape.k).local(0, a_pitch));
      bench.put(load_scratchpad()
                    .rows(kData + 0x4000, 2 * shape.n, shape.k, 2 * shape.n)
                    .local(b_base, b_pitch));
      const auto width = [&](std::uint32_t s) { return std::min(c, shape.n - s * c); };
      for (std::uint32_t s = 0; seeded && s < strips; ++s) {
        bench.put(load_accumulators(SYSTOLITH_TAG_FP32)
                      .rows(kData + 0x8000 + 4 * s * c, 4 * width(s), shape.m, 4 * shape.n)
                      .local(4 + s * (shape.m + 1), 1));
      }
      bench.put(matrix(Product{.m = shape.m,
                               .n = shape.n,
                               .k = shape.k,
                               .a_base = 0,
                               .a_pitch = a_pitch,
                               .b_base = b_base,
                               .b_pitch = b_pitch,
                               .c_base = 4,
                               .c_pitch = shape.m + 1,
                               .accumulate = seeded}));
      for (std::uint32_t s = 0; s < strips; ++s) {
        bench.put(store_accumulators(SYSTOLITH_CONVERSION_RAW)
                      .rows(kData + 0xC000 + 4 * s * c, 4 * width(s), shape.m, 4 * shape.n)
                      .local(4 + s * (shape.m + 1), 1));
      }
      bench.ring();
      expect_all_completed();
      for (std::uint32_t m = 0; m < shape.m; ++m) {
        for (std::uint32_t n = 0; n < shape.n; ++n) {
          const float expected = test::scalar_chain(
              shape.k, seed[m * shape.n + n],
              [&](std::size_t k) { return from_bits(std::uint32_t{a[m * shape.k + k]} << 16); },
              [&](std::size_t k) { return from_bits(std::uint32_t{b[k * shape.n + n]} << 16); });
          ASSERT_EQ(bench.peek<std::uint32_t>(kData + 0xC000 + 4 * (m * shape.n + n)),
                    bits(expected));
        }
      }
    }
  }
}

TEST_P(DeviceOf, Int8ProductsStoredAsInt8AreScaledOnceClampedAndRectified) {
  Random random(47);
  const std::uint32_t m_size = 3;
  const std::uint32_t n_size = configuration.cols;
  const std::uint32_t k_size = 2 * configuration.rows - 1;
  std::vector<std::int8_t> a(m_size * k_size);
  std::vector<std::int8_t> b(k_size * n_size);
  for (auto& x : a) x = static_cast<std::int8_t>(random());
  for (auto& x : b) x = static_cast<std::int8_t>(random());
  std::vector<std::uint32_t> scales(n_size);
  for (std::uint32_t n = 0; n < n_size; ++n) scales[n] = bits(0.01f * static_cast<float>(n + 1));
  bench.poke(kData, a.data(), a.size());
  bench.poke(kData + 0x1000, b.data(), b.size());
  bench.poke(kData + 0x2000, scales.data(), 4 * scales.size());
  const std::uint32_t a_pitch = lines(k_size);
  const std::uint32_t b_pitch = lines(n_size);
  const std::uint32_t b_base = m_size * a_pitch;
  const std::uint32_t scale_line = b_base + k_size * b_pitch;
  bench.put(load_scratchpad().rows(kData, k_size, m_size, k_size).local(0, a_pitch));
  bench.put(load_scratchpad().rows(kData + 0x1000, n_size, k_size, n_size).local(b_base, b_pitch));
  bench.put(load_scratchpad().rows(kData + 0x2000, 4 * n_size, 1, 0).local(scale_line, 0));
  bench.put(matrix(Product{.m = m_size,
                           .n = n_size,
                           .k = k_size,
                           .a_base = 0,
                           .a_pitch = a_pitch,
                           .b_base = b_base,
                           .b_pitch = b_pitch,
                           .c_base = 0,
                           .c_pitch = 0,
                           .int8 = true}));
  bench.put(store_accumulators(SYSTOLITH_CONVERSION_RAW)
                .rows(kData + 0x3000, 4 * n_size, m_size, 4 * n_size)
                .local(0, 1));
  bench.put(store_accumulators(SYSTOLITH_CONVERSION_INT8, false, bits(0.05f))
                .rows(kData + 0x4000, n_size, m_size, n_size)
                .local(0, 1));
  auto per_column = store_accumulators(SYSTOLITH_CONVERSION_INT8, true)
                        .rows(kData + 0x5000, n_size, m_size, n_size)
                        .local(0, 1);
  SYSTOLITH_SET(per_column.command.words, STORE_SCALE_PER_COLUMN, 1);
  SYSTOLITH_SET(per_column.command.words, STORE_SCALE_LINE, scale_line);
  bench.put(per_column);
  bench.ring();
  expect_all_completed();
  for (std::uint32_t m = 0; m < m_size; ++m) {
    for (std::uint32_t n = 0; n < n_size; ++n) {
      std::int32_t sum = 0;
      for (std::uint32_t k = 0; k < k_size; ++k)
        sum += int{a[m * k_size + k]} * int{b[k * n_size + n]};
      const std::uint64_t at = m * n_size + n;
      EXPECT_EQ(bench.peek<std::int32_t>(kData + 0x3000 + 4 * at), sum);
      const auto scaled =
          [&](std::uint32_t scale) {  // exact: 55 bits are less than a long double's 64
            return std::fmin(127.0L,
                             std::fmax(-128.0L, std::nearbyint(static_cast<long double>(sum) *
                                                               from_bits(scale))));
          };
      EXPECT_EQ(bench.peek<std::int8_t>(kData + 0x4000 + at), scaled(bits(0.05f)));
      EXPECT_EQ(bench.peek<std::int8_t>(kData + 0x5000 + at), std::fmax(0.0L, scaled(scales[n])));
    }
  }
}

TEST_P(DeviceOf, RepeatedRowOfAGivesEqualRows) {
  std::vector<std::uint16_t> a(configuration.rows, 0x3FC0);
  std::vector<std::uint16_t> b(configuration.rows * configuration.cols, 0x4000);
  bench.poke(kData, a.data(), 2 * a.size());
  bench.poke(kData + 0x1000, b.data(), 2 * b.size());
  bench.put(load_scratchpad().rows(kData, 2 * configuration.rows, 1, 0).local(0, 0));
  bench.put(
      load_scratchpad()
          .rows(kData + 0x1000, 2 * configuration.cols, configuration.rows, 2 * configuration.cols)
          .local(4, 1));
  bench.put(matrix(Product{.m = 3,
                           .n = configuration.cols,
                           .k = configuration.rows,
                           .a_base = 0,
                           .a_pitch = 0,
                           .b_base = 4,
                           .b_pitch = 1,
                           .c_base = 0,
                           .c_pitch = 0}));
  bench.ring();
  expect_all_completed();
  for (std::size_t i = 0; i < 3 * configuration.cols; ++i) {
    EXPECT_EQ(from_bits(bench.device.accumulators()[i]),
              3.0f * static_cast<float>(configuration.rows));
  }
  EXPECT_EQ(bench.device.tags()[2], SYSTOLITH_TAG_FP32);
  EXPECT_EQ(bench.device.tags()[3], SYSTOLITH_TAG_NONE);
}

TEST_P(DeviceOf, ConversionsOfASeedThatWasLoaded) {
  const std::uint32_t words[] = {0x80000000, 0xFFC12345, 0xC0400000, 0x3F80C000};
  bench.poke(kData, words, sizeof words);
  bench.put(load_accumulators(SYSTOLITH_TAG_FP32).rows(kData, 16, 1, 0).local(1, 0));
  bench.put(store_accumulators(SYSTOLITH_CONVERSION_RAW).rows(kData + 0x100, 16, 1, 0).local(1, 0));
  bench.put(
      store_accumulators(SYSTOLITH_CONVERSION_RAW, true).rows(kData + 0x200, 16, 1, 0).local(1, 0));
  bench.put(store_accumulators(SYSTOLITH_CONVERSION_BF16).rows(kData + 0x300, 8, 1, 0).local(1, 0));
  bench.put(
      store_accumulators(SYSTOLITH_CONVERSION_BF16, true).rows(kData + 0x400, 8, 1, 0).local(1, 0));
  bench.put(
      store_accumulators(SYSTOLITH_CONVERSION_RAW, true).rows(kData + 0x500, 16, 1, 0).local(2, 0));
  bench.ring();
  expect_all_completed();
  const std::uint32_t rectified[] = {0, 0x7FC00000, 0, 0x3F80C000};
  const std::uint16_t halves[] = {0x8000, 0x7FC0, 0xC040, 0x3F81};
  const std::uint16_t rectified_halves[] = {0, 0x7FC0, 0, 0x3F81};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(bench.peek<std::uint32_t>(kData + 0x100 + 4 * i), words[i])
        << "a plain copy touches no bit";
    EXPECT_EQ(bench.peek<std::uint32_t>(kData + 0x200 + 4 * i), rectified[i]);
    EXPECT_EQ(bench.peek<std::uint16_t>(kData + 0x300 + 2 * i), halves[i]);
    EXPECT_EQ(bench.peek<std::uint16_t>(kData + 0x400 + 2 * i), rectified_halves[i]);
    EXPECT_EQ(bench.peek<std::uint32_t>(kData + 0x500 + 4 * i), 0u)
        << "a cleared row reads as zeros";
  }
}

}  // namespace
}  // namespace systolith::model
