// Multiply-accumulates a second of processor time of the bare array in simulation, a row in every
// cycle.
#include <fmt/core.h>
#include <verilated.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <ctime>
#include <memory>
#include <random>

#include "Vsystolic_array.h"

namespace {

using Model = Vsystolic_array;
constexpr int kRows = sizeof(Model::operand_i) / sizeof(uint16_t);
constexpr int kCols = sizeof(Model::sum_i) / sizeof(uint32_t);

// Seconds for `cycles` cycles; stationary operands change every `period` rows.
double Run(bool int8, int64_t cycles) {
  constexpr int kPeriod = 8 * (kRows + kCols);
  VerilatedContext context;
  const auto model = std::make_unique<Model>(&context);
  std::minstd_rand random(1);
  const auto operand = [&]() -> uint16_t {
    const uint32_t bits = random();
    if (int8) return bits >> 8;
    return (bits & 0x8000) | (120 + (bits >> 16) % 8) << 7 | (bits >> 4 & 127);
  };
  model->rst_ni = 0;
  model->eval();
  model->rst_ni = 1;
  model->operand_valid_i = 1;
  model->k_valid_i = 2 * kRows;
  model->int8_i = int8;
  model->stationary_int8_i = int8;
  const std::clock_t start = std::clock();
  for (int64_t cycle = 0; cycle < cycles; ++cycle) {
    const int phase = static_cast<int>(cycle % kPeriod);
    model->swap_i = phase == 0;
    for (int r = 0; r < kRows; ++r) model->operand_i[r] = operand();
    model->stationary_valid_i = phase >= kPeriod - kRows - 2 && phase < kPeriod - 2;
    if (model->stationary_valid_i) {
      model->stationary_row_i = phase - (kPeriod - kRows - 2);
      for (int c = 0; c < kCols; ++c) model->stationary_i[c] = operand();
    }
    model->clk_i = 0;
    model->eval();
    model->clk_i = 1;
    model->eval();
  }
  const std::clock_t end = std::clock();
  model->final();
  return static_cast<double>(end - start) / CLOCKS_PER_SEC;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Speed of the bare array in simulation");
  int64_t cycles = 500'000;
  app.add_option("--cycles", cycles, "cycles to run in each format")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  for (const bool int8 : {false, true}) {
    const double rate = static_cast<double>(cycles) / Run(int8, cycles);
    fmt::print("{}x{} {}: {:.1f} kHz, {:.1f} MMAC/s\n", kRows, kCols, int8 ? "INT8" : "BF16",
               rate / 1e3, rate * kRows * kCols * (int8 ? 2 : 1) / 1e6);
  }
}
