// The library as it is installed, over uart:, on the simulated board: pins, line, memory chip and
// device.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "simulated_board.hpp"
#include "systolith/library/run.hpp"
#include "systolith/systolith.hpp"

namespace systolith {
namespace {

// Simulated cycles take longer than real ones, so answers may.
std::string uri(const board::SimulatedBoard& board) {
  return "uart:" + board.path() + ",baud=3000000,timeout=20000,verbose=1";
}

struct Product {
  std::vector<std::uint8_t> a, b;
  library::HostGemm gemm;

  Product(std::uint64_t m, std::uint64_t n, std::uint64_t k, library::Format format)
      : a(m * k * 2), b(k * n * 2) {
    std::mt19937 random(static_cast<unsigned>(m + n + k));
    for (auto* matrix : {&a, &b})
      for (auto& element : *matrix) element = static_cast<std::uint8_t>(random());
    gemm.m = m;
    gemm.n = n;
    gemm.k = k;
    gemm.format = format;
    gemm.out =
        format == library::Format::int8 ? library::OutFormat::int32 : library::OutFormat::fp32;
    gemm.a = a.data();
    gemm.b = b.data();
  }
};

/// The chip's rules were kept, but that a reset of the memory controller leaves it without
/// refreshes for the time of its power-up.
void expect_rules(board::SimulatedBoard& board, unsigned resets) {
  board.stop();
  for (const sdram::SdramViolation& violation : board.violations()) {
    const bool by_reset = violation.rule == "refresh" || violation.rule == "tRAS_max";
    EXPECT_TRUE(by_reset && resets > 0) << violation.rule << ": " << violation.text;
    if (violation.rule == "refresh") --resets;
  }
}

void expect_product(Device& device, const Product& product) {
  EXPECT_EQ(library::run_gemm(device, product.gemm).d, library::reference_gemm(product.gemm));
}

// Opened twice: the second process finds what the first left.
TEST(Board, ComputesWhatEveryDeviceComputes) {
  board::SimulatedBoard board;
  for (const auto format : {library::Format::bf16, library::Format::int8}) {
    Device device(uri(board));
    expect_product(device, Product(13, 9, 21, format));
    EXPECT_FALSE(board.leds().error);
    EXPECT_TRUE(board.leds().busy);
  }
  expect_rules(board, 2);
}

TEST(Board, MemoryIsAllThereAndEndsWhereItSays) {
  board::SimulatedBoard board;
  {
    Device device(uri(board));
    const systolith_capabilities_t& have = device.capabilities();
    EXPECT_EQ(have.memory_base, 0x8000'0000U);
    EXPECT_EQ(have.memory_bytes, 32U << 20);
    std::vector<std::uint8_t> first(100), last(100), back(100);
    std::mt19937 random(2);
    for (auto* bytes : {&first, &last})
      for (auto& byte : *bytes) byte = static_cast<std::uint8_t>(random());
    const std::uint64_t end = have.memory_base + have.memory_bytes - 100;
    device.reserve(have.memory_base, 100);
    device.reserve(end, 100);
    device.copy_in(have.memory_base, first.data(), 100);
    device.copy_in(end, last.data(), 100);
    device.copy_out(have.memory_base, back.data(), 100);
    EXPECT_EQ(back, first);
    device.copy_out(end, back.data(), 100);
    EXPECT_EQ(back, last);
  }
  expect_rules(board, 1);
}

TEST(Board, ResetButtonEndsACallAndTheNextOpenIsGood) {
  board::SimulatedBoard board;
  {
    Device device(uri(board));
    const std::uint64_t at = device.allocate(4096);
    std::vector<std::uint8_t> bytes(4096, 1);
    device.copy_in(at, bytes.data(), bytes.size());
    board.press_reset();
    try {
      for (int call = 0; call < 100; ++call) device.copy_in(at, bytes.data(), bytes.size());
      FAIL() << "nothing was noticed";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), SYSTOLITH_DEVICE_GONE) << error.what();
      EXPECT_NE(std::string(error.what()).find("reset"), std::string::npos) << error.what();
    }
  }
  {
    Device device(uri(board));
    expect_product(device, Product(5, 6, 7, library::Format::int8));
  }
  expect_rules(board, 3);
}

}  // namespace
}  // namespace systolith
