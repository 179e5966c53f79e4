// Where operands lie: up to the last byte of the memory, between rubbish, at high addresses.
// Outside of what is mapped the memory answers DECERR, so that a byte read too many is a fault.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "directed.hpp"
#include "planned_product.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

using library::Format;
using library::OutFormat;

constexpr std::uint64_t kEnd = kBase + kBytes;

class PlacementOf : public testing::TestWithParam<std::string> {
 protected:
  PlacementOf() : c_(model::Configuration::named(GetParam())), sim_(GetParam()) {
    sim_.device().memory().timing().read_latency_minimum = 1;
    sim_.device().memory().timing().read_latency_maximum = 20;
  }

  void expect_product(const library::HostGemm& gemm, const Placement& placement) {
    const PlannedProduct product = planned(sim_, gemm, placement);
    ASSERT_LE(product.program.commands.size(), 256U);
    const Outcome got = sim_.run(product.program);  // fails when memory outside was touched
    EXPECT_FALSE(got.faulted()) << "command " << got.fault_index << " cause " << got.cause;
    const auto begin = got.memory.begin() + (kInputs - kBase);
    const auto [is, must] =
        std::mismatch(begin, got.memory.end(), product.expected.begin(), product.expected.end());
    EXPECT_EQ(is, got.memory.end())
        << "at " << std::hex << kInputs + static_cast<std::uint64_t>(is - begin) << ": "
        << unsigned{*is} << " for " << unsigned{*must};
    ASSERT_TRUE(sim_.reset_queue());
  }

  // Rows that together have `bytes`, as long as the scratchpad can hold.
  std::uint32_t run_of(std::uint64_t bytes) const {
    std::uint64_t run = std::min<std::uint64_t>(bytes, c_.scratchpad_bytes() / 4);
    while (bytes % run != 0) --run;
    return static_cast<std::uint32_t>(run);
  }

  model::Configuration c_;
  SimRun sim_;
};

// Whole bursts, pages and lines, and one byte less and more: the last burst ends on the last byte.
TEST_P(PlacementOf, TransfersUpToTheLastByteOfTheMemory) {
  const std::uint64_t burst = c_.max_burst_beats * c_.bus_bytes;
  std::vector<std::uint64_t> sizes;
  for (const std::uint64_t size :
       {std::uint64_t{c_.bus_bytes}, burst, 2 * burst, std::uint64_t{4096}, std::uint64_t{8192},
        std::uint64_t{c_.line_bytes()}, std::uint64_t{2 * c_.rows}, std::uint64_t{4 * c_.cols}})
    for (const std::uint64_t bytes : {size - 1, size, size + 1}) sizes.push_back(bytes);
  for (const std::uint64_t bytes : sizes) {
    const std::uint32_t run = run_of(bytes);
    const auto rows = static_cast<std::uint32_t>(bytes / run);
    const std::uint32_t span = (run + c_.line_bytes() - 1) / c_.line_bytes();
    SCOPED_TRACE(GetParam() + ": " + std::to_string(rows) + " x " + std::to_string(run));
    // All rows land on, and leave from, the same lines.
    LoadStep from_end = load(kEnd - bytes, run, 0, rows);
    from_end.transfer.local_pitch = 0;
    from_end.signal[0] = sync(2);
    StoreStep show = store(kOutputs, run, 0);
    show.wait[0] = sync(2);
    LoadStep in = load(kInputs, run, span);
    in.signal[0] = sync(3);
    Program reading = directed({command(from_end), command(show)});
    for (std::uint64_t i = 0; i < bytes; ++i)
      reading.memory[kBytes - bytes + i] = static_cast<std::uint8_t>(i * 7 + i / 256 + 1);
    const Outcome read = sim_.run(reading);
    EXPECT_FALSE(read.faulted()) << "cause " << read.cause;
    EXPECT_EQ(std::memcmp(read.memory.data() + (kOutputs - kBase),
                          reading.memory.data() + kBytes - run, run),
              0);
    EXPECT_EQ(changed_outside(read.memory, reading, {{kOutputs, kOutputs + run - 1}}), "");
    ASSERT_TRUE(sim_.reset_queue());

    StoreStep to_end = store(kEnd - bytes, run, span, rows);
    to_end.transfer.local_pitch = 0;
    to_end.wait[0] = sync(3);
    const Program writing = directed({command(in), command(to_end)});
    const Outcome written = sim_.run(writing);
    EXPECT_FALSE(written.faulted()) << "cause " << written.cause;
    for (std::uint32_t row = 0; row < rows; ++row)
      EXPECT_EQ(std::memcmp(written.memory.data() + kBytes - bytes + std::uint64_t{row} * run,
                            writing.memory.data() + (kInputs - kBase), run),
                0)
          << "row " << row;
    EXPECT_EQ(changed_outside(written.memory, writing, {{kEnd - bytes, kEnd - 1}}), "");
    ASSERT_TRUE(sim_.reset_queue());
    if (HasFailure()) return;
  }
}

TEST_P(PlacementOf, RingAndRecordsUpToTheLastByteOfTheMemory) {
  constexpr std::uint32_t kSlots = 8;
  for (const bool records_last : {false, true}) {
    const std::uint64_t ring_bytes = kSlots * SYSTOLITH_COMMAND_BYTES;
    const std::uint64_t record_bytes = kSlots * SYSTOLITH_RECORD_BYTES;
    const std::uint64_t ring = kEnd - ring_bytes - (records_last ? record_bytes : 0);
    const std::uint64_t records = records_last ? kEnd - record_bytes : ring - record_bytes;
    const Program empty = directed(std::vector<systolith_command_t>{});
    sim_.start(empty);
    ASSERT_TRUE(sim_.reset_queue());
    sim_.write32(SYSTOLITH_REGISTER_RING_LO, static_cast<std::uint32_t>(ring));
    sim_.write32(SYSTOLITH_REGISTER_RECORD_LO, static_cast<std::uint32_t>(records));
    sim_.write32(SYSTOLITH_REGISTER_RING_SIZE, 3);
    sim_.write32(SYSTOLITH_REGISTER_CONTROL, 1);
    ASSERT_TRUE(sim_.finish());
    std::uint32_t tail = 0;
    for (const std::uint32_t batch : {1U, 7U, 8U, 3U, 5U, 8U}) {
      for (std::uint32_t i = 0; i < batch; ++i, ++tail) {
        const systolith_command_t command = nop();
        std::memcpy(sim_.device().memory().at(ring + tail % kSlots * SYSTOLITH_COMMAND_BYTES),
                    command.words, SYSTOLITH_COMMAND_BYTES);
      }
      sim_.write32(SYSTOLITH_REGISTER_DOORBELL, tail);
      ASSERT_TRUE(sim_.finish());
      ASSERT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), tail);
    }
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS), 8U);
    EXPECT_EQ(sim_.device().memory().statistics().unmapped_reads, 0U);
    EXPECT_EQ(sim_.device().memory().statistics().unmapped_writes, 0U);
    ASSERT_TRUE(sim_.reset_queue());
  }
}

// Each operand in turn ends on the last byte; sizes around whole blocks and strips.
TEST_P(PlacementOf, OperandsOfProductsUpToTheLastByteOfTheMemory) {
  std::uint64_t seed = 1;
  const std::uint64_t rows = c_.rows, cols = c_.cols;
  for (const std::uint64_t n : {cols - 1, cols, 2 * cols, 2 * cols + 1}) {
    for (const std::uint64_t k : {rows, 2 * rows, 4 * rows, 4 * rows - 1}) {
      const std::uint64_t m = 1 + seed % 9;
      for (const bool int8 : {false, true}) {
        const auto drawn = seed++;
        Operands o(m, n, k, int8 ? Format::int8 : Format::bf16,
                   int8 ? OutFormat::int8 : OutFormat::fp32, drawn,
                   seed % 2 ? library::Seed::row : library::Seed::matrix);
        if (int8) o.scale_by_column(seed);
        const std::uint64_t operand = int8 ? 1 : 2;
        for (unsigned last = 0; last < 5; ++last) {
          SCOPED_TRACE(GetParam() + ": " + std::to_string(m) + "x" + std::to_string(n) + "x" +
                       std::to_string(k) + (int8 ? " INT8" : " BF16") + ", operand " +
                       std::to_string(last) + " at the end");
          Placement at;
          switch (last) {
            case 0:
              at.a = kEnd - m * k * operand;
              break;
            case 1:
              at.b = kEnd - k * n * operand;
              break;
            case 2:
              at.c = kEnd - 4 * n * (o.gemm.seed == library::Seed::row ? 1 : m);
              break;
            case 3:
              at.d = kEnd - m * n * library::bytes_of(o.gemm.out);
              break;
            default:
              if (!int8) continue;
              at.scales = kEnd - 4 * ((n + cols - 1) / cols * cols);
          }
          expect_product(o.gemm, at);
          if (HasFailure()) return;
        }
      }
    }
  }
}

// Everything around the operands is NaN, then infinity, then ones: what is read too much changes
// the result, and what is written too much is seen.
TEST_P(PlacementOf, RubbishAroundOperandsStaysOut) {
  const std::vector<std::vector<std::uint8_t>> fillers = {
      {0xC0, 0x7F}, {0x80, 0x7F}, {0x80, 0xFF}, {0xFF}};
  std::uint64_t seed = 50;
  for (const auto& filler : fillers) {
    for (const std::uint64_t k : {1, 5, 7, 33}) {
      for (const std::uint64_t n : {1, 5, 9}) {
        for (const bool int8 : {false, true}) {
          SCOPED_TRACE(GetParam() + ": 3x" + std::to_string(n) + "x" + std::to_string(k) +
                       (int8 ? " INT8" : " BF16"));
          ++seed;
          Operands o(3, n, k, int8 ? Format::int8 : Format::bf16,
                     int8 ? OutFormat::int32 : OutFormat::fp32, seed,
                     seed % 2 ? library::Seed::none : library::Seed::matrix);
          Placement at;
          at.gap = seed % 3 == 0 ? 14 : 32 - n * k % 32;
          at.a += 2 * (seed % 20);
          at.b += 2 * (seed % 12);
          at.d += 2 * (seed % 9);
          at.filler = filler;
          expect_product(o.gemm, at);
          if (HasFailure()) return;
        }
      }
    }
  }
}

// D = D + A x B, whatever the latency: an element of C is read before D's is written.
TEST_P(PlacementOf, CInTheVeryPlaceOfD) {
  const std::uint64_t m = 2 * c_.rows + 1, n = 2 * c_.cols + 1;
  for (const bool int8 : {false, true}) {
    const Operands o(m, n, m, int8 ? Format::int8 : Format::bf16,
                     int8 ? OutFormat::int32 : OutFormat::fp32, 5, library::Seed::matrix);
    Placement at;
    at.c = at.d;
    at.gap = 4;
    for (const unsigned latency : {1U, 300U}) {
      SCOPED_TRACE(fmt::format("{}, latency {}", int8 ? "INT8" : "BF16", latency));
      sim_.device().memory().timing().read_latency_minimum = latency;
      sim_.device().memory().timing().read_latency_maximum = latency;
      expect_product(o.gemm, at);
    }
  }
}

// NaN in rows of A that lie between others, in memory and on chip, reaches those rows only.
TEST_P(PlacementOf, RowsOfNanNextToAGoodRowLeaveIt) {
  const std::uint64_t k = 7, n = 5;
  std::vector<std::uint16_t> a(3 * k, 0x7FC0), b(k * n, 0x3F80);
  std::fill_n(a.begin(), k, 0x3F80);
  library::HostGemm gemm;
  gemm.m = 3;
  gemm.n = n;
  gemm.k = k;
  gemm.a = a.data();
  gemm.b = b.data();
  Placement at;
  at.gap = 32 - 2 * n;
  at.filler = {0xC0, 0x7F};
  const PlannedProduct product = planned(sim_, gemm, at);
  const Outcome got = sim_.run(product.program);
  for (std::uint64_t i = 0; i < 3 * n; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, got.memory.data() + (at.d - kBase) + i / n * (4 * n + at.gap) + i % n * 4,
                4);
    EXPECT_EQ(bits, i < n ? 0x40E00000U : 0x7FC00000U) << "row " << i / n << " column " << i % n;
  }
}

// On devices with them: bits 32 and up of an address choose other memory.
class FarPlacementOf : public PlacementOf {};

std::vector<std::string> devices_with_high_addresses() {
  std::vector<std::string> names = sim::prebuilt();
  std::erase_if(names, [](const std::string& name) {
    return model::Configuration::named(name).address_width < 40;
  });
  return names;
}

TEST_P(FarPlacementOf, AddressesThatDifferInHighBitsOnly) {
  constexpr std::uint64_t kFar = 0x1'0000'0000;
  harness::SimOptions options;
  options.memory_base = kBase;
  options.memory_bytes = kFar + kBytes;
  SimRun sim(GetParam(), options);
  LoadStep near = load(kInputs, 40, 0), far = load(kInputs + kFar, 40, 8);
  near.signal[0] = sync(2);
  far.signal[0] = sync(2);
  StoreStep near_out = store(kOutputs + kFar, 40, 0), far_out = store(kOutputs, 40, 8);
  near_out.wait[0] = sync(2, 2);
  const Program program =
      directed({command(near), command(far), command(near_out), command(far_out)});
  sim.start(program);
  ASSERT_TRUE(sim.reset_queue());
  // The last window, over both.
  const std::uint32_t at = (c_.windows - 1) * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE;
  sim.write32(SYSTOLITH_REGISTER_WINDOW_BASE_LO + at, static_cast<std::uint32_t>(kBase));
  sim.write32(SYSTOLITH_REGISTER_WINDOW_LAST_LO + at, static_cast<std::uint32_t>(kEnd - 1));
  sim.write32(SYSTOLITH_REGISTER_WINDOW_LAST_LO + at + 4, 1);
  sim.write32(SYSTOLITH_REGISTER_WINDOW_PERMIT + at, 3);
  std::uint8_t there[40];
  for (unsigned i = 0; i < 40; ++i) there[i] = static_cast<std::uint8_t>(200 - i);
  std::memcpy(sim.device().memory().at(kInputs + kFar), there, 40);
  sim.write32(SYSTOLITH_REGISTER_CONTROL, 1);
  ASSERT_TRUE(sim.finish());
  sim.ring(program);
  ASSERT_TRUE(sim.finish());
  const Outcome got = sim.outcome();
  EXPECT_FALSE(got.faulted()) << "cause " << got.cause;
  EXPECT_EQ(std::memcmp(sim.device().memory().at(kOutputs), there, 40), 0);
  EXPECT_EQ(std::memcmp(sim.device().memory().at(kOutputs + kFar),
                        program.memory.data() + (kInputs - kBase), 40),
            0);
}

INSTANTIATE_TEST_SUITE_P(Devices, FarPlacementOf, testing::ValuesIn(devices_with_high_addresses()),
                         [](const auto& info) { return "config_" + info.param; });
INSTANTIATE_TEST_SUITE_P(Devices, PlacementOf, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
