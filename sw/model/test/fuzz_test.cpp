// Any bits in the ring are refused with a cause or run, inside the windows, and never reach
// undefined behaviour.
#include <gtest/gtest.h>

#include "device_fixture.h"
#include "reference.h"

namespace systolith::model {
namespace {

using test::Bench;
using test::CommandBuilder;
using test::Random;

class AnyBits : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Configurations, AnyBits, testing::ValuesIn(Configuration::names()),
                         [](const auto& info) { return "c" + info.param; });

/// A command that often passes: sizes that fit the smallest device, then some bits flipped.
CommandBuilder any_command(Random& random) {
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  const auto address = [&] { return Bench::kData + random() % 0x4000; };
  CommandBuilder builder = test::nop();
  switch (below(6)) {
    case 0:
      builder = test::load_scratchpad()
                    .rows(address(), 1 + below(40), 1 + below(4),
                          static_cast<std::int64_t>(below(90)) - 40)
                    .local(below(20), below(6));
      break;
    case 1:
      builder = test::load_accumulators(static_cast<std::uint8_t>(1 + below(2)))
                    .rows(address(), 4 * (1 + below(4)), 1 + below(6), below(64))
                    .local(below(20), below(3));
      break;
    case 2:
    case 3:
      builder = test::matrix({.m = 1 + below(6),
                              .n = 1 + below(9),
                              .k = 1 + below(9),
                              .a_base = below(8),
                              .a_pitch = below(4),
                              .b_base = below(8),
                              .b_pitch = below(3),
                              .c_base = below(10),
                              .c_pitch = 6,
                              .int8 = below(2) == 0,
                              .accumulate = below(2) == 0,
                              .strip_outer = below(2) == 0});
      break;
    case 4:
      builder = test::store_accumulators(static_cast<std::uint8_t>(below(3)), below(2) == 0, 0)
                    .rows(address(), 4, 1 + below(6), below(64))
                    .local(below(20), below(3));
      break;
    case 5:
      builder = test::store_scratchpad()
                    .rows(address(), 1 + below(40), 1 + below(4), below(90))
                    .local(below(20), below(6));
      break;
  }
  if (below(3) == 0)
    builder.signal(below(16), 1 + below(3), below(2) == 0 ? std::optional(below(3)) : std::nullopt);
  if (below(6) == 0) builder.wait(below(16), 1);
  if (below(3) == 0) {
    for (std::uint32_t flips = 1 + below(4); flips > 0; --flips) {
      builder.command.words[below(16)] ^= std::uint64_t{1} << below(64);
    }
  }
  return builder;
}

TEST_P(AnyBits, AreRefusedOrRunInsideTheWindows) {
  Random random(3);
  Bench bench(GetParam());
  // A window in the middle; what lies around it is a canary.
  bench.window(0, Bench::kRing, Bench::kData + 0x3FFF, 3);
  bench.enable();
  unsigned completed = 0;
  std::array<unsigned, 32> causes{};
  for (int i = 0; i < 20000; ++i) {
    const std::uint32_t before = bench.completed();
    bench.run(any_command(random));
    ASSERT_EQ(bench.completed(), before + 1);
    if (bench.faulted()) {
      const unsigned cause = bench.reg(SYSTOLITH_REGISTER_FAULT) & 0xFF;
      ASSERT_GE(cause, 1u);
      ASSERT_LE(cause, 19u);
      ++causes[cause];
      bench.reset();
      bench.enable();
    } else {
      ++completed;
    }
  }
  for (const std::byte byte : bench.memory.at(Bench::kData + 0x4000, 0x4000)) {
    ASSERT_EQ(byte, std::byte{0xA5});
  }
  EXPECT_GT(completed, 5000u);
  for (const unsigned cause :
       {SYSTOLITH_CAUSE_VERSION, SYSTOLITH_CAUSE_OPCODE, SYSTOLITH_CAUSE_RESERVED,
        SYSTOLITH_CAUSE_FORMAT, SYSTOLITH_CAUSE_SIZE, SYSTOLITH_CAUSE_LOCAL_RANGE,
        SYSTOLITH_CAUSE_ADDRESS, SYSTOLITH_CAUSE_WINDOW, SYSTOLITH_CAUSE_SCALE,
        SYSTOLITH_CAUSE_TYPE_TAG, SYSTOLITH_CAUSE_SEMAPHORE_BINDING,
        SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT}) {
    EXPECT_GT(causes[cause], 0u) << "cause " << cause;
  }
}

}  // namespace
}  // namespace systolith::model
