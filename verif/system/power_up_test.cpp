// Flip-flops without reset and on-chip memories begin with random bits: nothing that software sees
// depends on them.
#include <gtest/gtest.h>

#include "Vpower_up_control.h"
#include "Vsystolith_power_up.h"
#include "directed.hpp"
#include "program_generator.hpp"
#include "verilated_device.hpp"

namespace systolith::system_test {
namespace {

constexpr const char* kConfiguration = "3x5";

// The bits of a register and of a memory that nothing resets nor writes.
std::pair<std::uint64_t, std::uint64_t> bits_of(int seed) {
  VerilatedContext context;
  context.randReset(2);
  context.randSeed(seed);
  Vpower_up_control control(&context);
  control.clk_i = 0;
  control.eval();
  control.final();
  return {control.register_o, control.memory_o};
}

TEST(PowerUp, SeedsGiveOtherBitsToWhatIsNotReset) {
  const auto first = bits_of(1), second = bits_of(2);
  EXPECT_NE(first.first, second.first);
  EXPECT_NE(first.second, second.second);
  EXPECT_EQ(first, bits_of(1)) << "a seed can be run again";
}

TEST(PowerUp, ProgramsGiveTheModelsBitsWhateverTheDeviceBeganWith) {
  const model::Configuration c = model::Configuration::named(kConfiguration);
  harness::SimGeometry geometry;
  {
    harness::SimOptions small;
    small.memory_base = kBase;
    small.memory_bytes = kBytes;
    geometry = sim::make_device(kConfiguration, small)->geometry();
  }
  for (std::uint32_t power_up = 1; power_up <= 5; ++power_up) {
    harness::SimOptions options;
    options.memory_base = kBase;
    options.memory_bytes = kBytes;
    options.power_up_seed = power_up;
    SimRun run(std::make_unique<sim::VerilatedDevice<Vsystolith_power_up>>(geometry, options));
    // Before any queue reset: lines and rows of which a part was written are no errors, whatever
    // check bits the rest began with.
    LoadStep some = load(kInputs, 11, 3), seed = load_rows(kInputs + 64, 4, 7, SYSTOLITH_TAG_FP32);
    some.signal[0] = sync(2);
    seed.signal[0] = sync(3);
    StoreStep back = store(kOutputs, 11, 3), one = store_rows(kOutputs + 0x100, 4, 7);
    back.wait[0] = sync(2);
    one.wait[0] = sync(3);
    const Program partly =
        directed({command(some), command(seed), command(back), command(one)}, power_up);
    EXPECT_EQ(difference(run.run(partly), run_model(kConfiguration, partly)), "")
        << "power-up seed " << power_up;
    // A queue reset clears both memories: what was never written reads as zeros.
    ASSERT_TRUE(run.reset_queue());
    StoreStep lines = store(kOutputs, c.line_bytes(), 0, c.scratchpad_lines);
    StoreStep rows = store_rows(kOutputs + 0x8000, 4 * c.cols, 0, c.accumulator_rows);
    MatrixStep product = matrix(4, c.cols, c.rows, 0, c.scratchpad_lines / 2, 0);
    product.accumulate = true;
    product.wait[0] = sync(2);
    product.signal[0] = sync(3);
    rows.signal[0] = sync(2);
    StoreStep sums = store_rows(kOutputs + 0x10000, 4 * c.cols, 0, 4);
    sums.wait[0] = sync(3);
    const Program untouched =
        directed({command(lines), command(rows), command(product), command(sums)});
    EXPECT_EQ(difference(run.run(untouched), run_model(kConfiguration, untouched)), "")
        << "power-up seed " << power_up;
    ASSERT_TRUE(run.reset_queue());
    for (std::uint64_t seed = 2000; seed < 2006; ++seed) {
      expect_usable(run, kConfiguration, seed);
      ASSERT_TRUE(run.reset_queue());
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace systolith::system_test
