// The AXI4-Lite manager against a small register file, and the rules of its checker.
#include <gtest/gtest.h>

#include "systolith_harness/axi_checker.hpp"
#include "systolith_harness/axi_lite_manager.hpp"

namespace systolith::harness {
namespace {

// Sixteen registers; takes AW and W in any order, answers one of each kind at a time.
struct Registers {
  AxiLiteSubordinateSignals out{.aw_ready = true, .w_ready = true, .ar_ready = true};
  uint32_t values[16] = {};
  bool have_aw = false, have_w = false;
  uint32_t address = 0, data = 0;
  uint8_t strobe = 0;
  unsigned writes = 0;
  void clock(const AxiLiteManagerSignals& in) {
    if (in.aw_valid && out.aw_ready) {
      have_aw = true;
      address = in.aw_address;
    }
    if (in.w_valid && out.w_ready) {
      have_w = true;
      data = in.w_data;
      strobe = in.w_strobe;
    }
    if (out.b_valid && in.b_ready) out.b_valid = false;
    if (out.r_valid && in.r_ready) out.r_valid = false;
    if (have_aw && have_w && !out.b_valid) {
      uint32_t mask = 0;
      for (int i = 0; i < 4; ++i) mask |= strobe >> i & 1 ? 0xffu << (8 * i) : 0;
      uint32_t& value = values[address / 4 % 16];
      value = (value & ~mask) | (data & mask);
      ++writes;
      have_aw = have_w = false;
      out.b_valid = true;
    }
    if (in.ar_valid && out.ar_ready) {
      out.r_valid = true;
      out.r_data = values[in.ar_address / 4 % 16];
    }
    out.aw_ready = !have_aw;
    out.w_ready = !have_w;
    out.ar_ready = !out.r_valid;
  }
};

struct AxiLiteTest : testing::Test {
  AxiLiteTest() { tick(); }
  void tick(bool in_reset = false) {
    checker.clock(manager.outputs(), registers.out, in_reset);
    const AxiLiteManagerSignals in = manager.outputs();
    manager.clock(registers.out);
    registers.clock(in);
  }
  void run() {
    for (int i = 0; i < 300 && !manager.idle(); ++i) tick();
    EXPECT_TRUE(manager.idle());
  }
  AxiLiteManager manager;
  AxiLiteChecker checker;
  Registers registers;
};

TEST_F(AxiLiteTest, EveryOrderOfAddressAndDataWritesOnce) {
  unsigned expected = 0;
  for (uint32_t delay = 0; delay <= 20; ++delay) {
    for (uint32_t hold : {0u, 50u}) {
      manager.write({.address = 4, .data = delay, .aw_delay = delay, .b_delay = hold});
      run();
      EXPECT_EQ(registers.values[1], delay);
      manager.write({.address = 8, .data = delay, .w_delay = delay, .b_delay = hold});
      manager.read({.address = 4, .r_delay = hold});
      run();
      EXPECT_EQ(registers.values[2], delay);
      expected += 2;
    }
  }
  EXPECT_EQ(registers.writes, expected);
  EXPECT_TRUE(checker.log().empty()) << checker.log().summary();
}

TEST_F(AxiLiteTest, StrobesReachTheRegister) {
  manager.write({.address = 12, .data = 0x11223344});
  manager.write({.address = 12, .data = 0xaabbccdd, .strobe = 5});
  run();
  EXPECT_EQ(registers.values[3], 0x11bb33ddu);
}

TEST_F(AxiLiteTest, AnswersComeInOrder) {
  for (uint32_t i = 0; i < 8; ++i) manager.write({.address = 4 * i, .data = 100 + i});
  run();
  for (uint32_t i = 0; i < 8; ++i) manager.read({.address = 4 * i});
  run();
  AxiLiteManager::ReadAnswer answer;
  for (uint32_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(manager.pop_read(&answer));
    EXPECT_EQ(answer.data, 100 + i);
  }
  EXPECT_FALSE(manager.pop_read(&answer));
}

struct AxiLiteCheckerTest : testing::Test {
  AxiLiteCheckerTest() { tick(); }
  void tick(bool in_reset = false) { checker.clock(m, d, in_reset); }
  void expect_only(const char* rule) {
    EXPECT_FALSE(checker.log().empty()) << rule << " was not seen";
    for (const Violation& v : checker.log().violations())
      EXPECT_EQ(v.rule, rule) << checker.log().summary();
  }
  AxiLiteChecker checker;
  AxiLiteManagerSignals m;
  AxiLiteSubordinateSignals d;
};

TEST_F(AxiLiteCheckerTest, ValidInResetIsNamed) {
  d.b_valid = true;
  tick(true);
  expect_only("lite_reset_valid");
}

TEST_F(AxiLiteCheckerTest, UnaskedResponsesAreNamed) {
  m.aw_valid = d.aw_ready = true;
  tick();
  m.aw_valid = false;
  d.b_valid = m.b_ready = true;  // W has not come
  tick();
  expect_only("lite_b_unasked");
  checker.log().clear();
  d.b_valid = false;
  d.r_valid = m.r_ready = true;
  tick();
  expect_only("lite_r_unasked");
}

TEST_F(AxiLiteCheckerTest, UnstableResponsesAreNamed) {
  m.ar_valid = d.ar_ready = m.aw_valid = d.aw_ready = m.w_valid = d.w_ready = true;
  tick();
  m = {};
  d = {.b_valid = true, .r_valid = true};
  tick();
  d.r_data = 1;
  tick();
  expect_only("lite_r_stable");
  checker.log().clear();
  d.r_valid = false;
  tick();
  expect_only("lite_r_valid");
  checker.log().clear();
  d.b_valid = false;
  tick();
  expect_only("lite_b_valid");
}

TEST_F(AxiLiteCheckerTest, ErrorResponseIsNamed) {
  m.ar_valid = d.ar_ready = true;
  tick();
  m = {.r_ready = true};
  d = {.r_valid = true, .r_response = 2};
  tick();
  expect_only("lite_response");
}

TEST_F(AxiLiteCheckerTest, UnstableRequestsAreNamed) {
  m.aw_valid = true;
  tick();
  m.aw_address = 4;
  tick();
  expect_only("lite_aw_stable");
  checker.log().clear();
  m = {.w_valid = true};
  checker.clock({}, {}, true);
  tick();
  m.w_valid = false;
  tick();
  expect_only("lite_w_stable");
  checker.log().clear();
  m = {.ar_valid = true};
  tick();
  m.ar_address = 8;
  tick();
  expect_only("lite_ar_stable");
}

}  // namespace
}  // namespace systolith::harness
