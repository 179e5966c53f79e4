// Every rule of the AXI4 checker is broken once and must be named; a clean exchange names none.
#include "systolith_harness/axi_checker.hpp"

#include <gtest/gtest.h>

namespace systolith::harness {
namespace {

// A bus of 8 bytes, at most 16 beats; two reads for IDs 0 and 1, two writes for IDs 2 and 3.
class AxiCheckerTest : public testing::Test {
 protected:
  AxiCheckerTest() : checker(options()) { tick(); }

  static AxiCheckerOptions options() {
    AxiCheckerOptions options;
    options.bus_bytes = 8;
    options.address_width = 40;
    options.maximum_beats = 16;
    options.maximum_reads[0] = options.maximum_reads[1] = 2;
    options.maximum_writes[2] = options.maximum_writes[3] = 2;
    return options;
  }
  static AxiAddress address(uint8_t id, uint64_t where, unsigned beats) {
    AxiAddress a;
    a.valid = true;
    a.id = id;
    a.address = where;
    a.length = static_cast<uint8_t>(beats - 1);
    a.size = 3;
    a.burst = 1;
    a.cache = 3;
    return a;
  }
  void tick(bool in_reset = false) { checker.clock(device, memory, in_reset); }
  // One cycle with AR (AW) offered and taken.
  void read_address(const AxiAddress& a) {
    device.ar = a;
    memory.ar_ready = true;
    tick();
    device.ar = {};
  }
  void write_address(const AxiAddress& a) {
    device.aw = a;
    memory.aw_ready = true;
    tick();
    device.aw = {};
  }
  void write_beat(bool last, uint64_t strobe = 0xff) {
    device.w_valid = true;
    device.w_last = last;
    device.w_strobe = strobe;
    memory.w_ready = true;
    tick();
    device.w_valid = false;
  }
  void response(uint8_t id) {
    memory.b_valid = device.b_ready = true;
    memory.b_id = id;
    tick();
    memory.b_valid = false;
  }
  void read_beat(uint8_t id, bool last) {
    memory.r_valid = device.r_ready = true;
    memory.r_id = id;
    memory.r_last = last;
    tick();
    memory.r_valid = false;
  }
  // The rule was broken, and no other.
  void expect_only(const char* rule) {
    EXPECT_FALSE(checker.log().empty()) << rule << " was not seen";
    for (const Violation& v : checker.log().violations())
      EXPECT_EQ(v.rule, rule) << checker.log().summary();
  }

  AxiChecker checker;
  AxiManagerSignals device;
  AxiSubordinateSignals memory;
};

TEST_F(AxiCheckerTest, CleanExchangeBreaksNoRule) {
  read_address(address(1, 0x1000, 2));
  write_address(address(2, 0x2ff8, 1));
  write_beat(true, 0x0f);
  read_beat(1, false);
  response(2);
  read_beat(1, true);
  checker.finish();
  EXPECT_TRUE(checker.log().empty()) << checker.log().summary();
}

TEST_F(AxiCheckerTest, WriteDataMayOvertakeItsAddressHandshake) {
  device.aw = address(2, 0x2000, 1);
  memory.aw_ready = false;
  write_beat(true);
  memory.aw_ready = true;
  tick();
  device.aw = {};
  response(2);
  checker.finish();
  EXPECT_TRUE(checker.log().empty()) << checker.log().summary();
}

TEST_F(AxiCheckerTest, BurstThatEndsAtTheBoundaryIsLegal) {
  read_address(address(1, 0x0fc0, 8));
  // Unaligned start: 255 bytes at 0x...01 are 32 beats of 8 for a bus with longer bursts; here 16
  // beats to 0x1000.
  read_address(address(1, 0x0f81, 16));
  EXPECT_TRUE(checker.log().empty()) << checker.log().summary();
}

TEST_F(AxiCheckerTest, ValidInResetIsNamed) {
  device.ar = address(1, 0x1000, 1);
  tick(true);
  expect_only("reset_valid");
}

TEST_F(AxiCheckerTest, ValidInTheFirstCycleAfterResetIsNamed) {
  tick(true);
  device.w_valid = true;
  memory.w_ready = false;
  tick();
  expect_only("reset_valid");
}

TEST_F(AxiCheckerTest, WithdrawnAddressIsNamed) {
  device.ar = address(1, 0x1000, 1);
  tick();
  device.ar = {};
  tick();
  expect_only("ar_valid");
}

TEST_F(AxiCheckerTest, WithdrawnWriteAddressIsNamed) {
  device.aw = address(2, 0x1000, 1);
  tick();
  device.aw = {};
  tick();
  expect_only("aw_valid");
}

TEST_F(AxiCheckerTest, WithdrawnWriteDataIsNamed) {
  device.w_valid = true;
  tick();
  device.w_valid = false;
  tick();
  expect_only("w_valid");
}

TEST_F(AxiCheckerTest, ChangedAddressUnderStallIsNamed) {
  device.ar = address(1, 0x1000, 1);
  tick();
  device.ar.address = 0x1008;
  tick();
  expect_only("ar_stable");
}

TEST_F(AxiCheckerTest, ChangedWriteAddressUnderStallIsNamed) {
  device.aw = address(2, 0x1000, 1);
  tick();
  device.aw.length = 1;
  tick();
  expect_only("aw_stable");
}

TEST_F(AxiCheckerTest, ChangedWriteDataUnderStallIsNamed) {
  device.w_valid = true;
  tick();
  device.w_data[7] = 1;
  tick();
  expect_only("w_stable");
}

TEST_F(AxiCheckerTest, BurstOtherThanIncrementingIsNamed) {
  AxiAddress a = address(1, 0x1000, 2);
  a.burst = 2;
  read_address(a);
  expect_only("burst_type");
}

TEST_F(AxiCheckerTest, NarrowBeatIsNamed) {
  AxiAddress a = address(1, 0x1000, 2);
  a.size = 2;
  read_address(a);
  expect_only("burst_size");
}

TEST_F(AxiCheckerTest, TooLongBurstIsNamed) {
  read_address(address(1, 0x1000, 17));
  expect_only("burst_length");
}

TEST_F(AxiCheckerTest, CrossingOf4KiBIsNamed) {
  read_address(address(1, 0x0ff8, 2));
  expect_only("boundary_4k");
}

TEST_F(AxiCheckerTest, AddressPastTheWidthIsNamed) {
  read_address(address(1, uint64_t{1} << 40, 1));
  expect_only("address_width");
}

TEST_F(AxiCheckerTest, LockCacheAndProtAreFixed) {
  AxiAddress a = address(1, 0x1000, 1);
  a.lock = 1;
  read_address(a);
  expect_only("lock");
  checker.log().clear();
  a = address(1, 0x1000, 1);
  a.cache = 0;
  read_address(a);
  expect_only("cache");
  checker.log().clear();
  a = address(2, 0x1000, 1);
  a.prot = 2;
  write_address(a);
  expect_only("prot");
}

TEST_F(AxiCheckerTest, IdOfAnotherRequesterIsNamed) {
  read_address(address(2, 0x1000, 1));
  expect_only("id");
}

TEST_F(AxiCheckerTest, TooManyOpenReadsAreNamed) {
  read_address(address(1, 0x1000, 1));
  read_address(address(1, 0x1000, 1));
  EXPECT_TRUE(checker.log().empty());
  read_address(address(1, 0x1000, 1));
  expect_only("outstanding");
}

TEST_F(AxiCheckerTest, TooManyOpenWritesAreNamed) {
  for (int i = 0; i < 3; ++i) write_address(address(2, 0x1000, 1));
  expect_only("outstanding");
}

TEST_F(AxiCheckerTest, WriteBeatWithoutAddressIsNamed) {
  write_beat(true);
  expect_only("w_before_aw");
}

TEST_F(AxiCheckerTest, EarlyLastIsNamed) {
  write_address(address(2, 0x1000, 2));
  write_beat(true);
  expect_only("w_last");
}

TEST_F(AxiCheckerTest, MissingLastIsNamed) {
  write_address(address(2, 0x1000, 1));
  write_beat(false);
  expect_only("w_last");
}

TEST_F(AxiCheckerTest, StrobeBelowAnUnalignedStartIsNamed) {
  write_address(address(2, 0x1003, 1));
  write_beat(true, 0xf8);
  EXPECT_TRUE(checker.log().empty()) << checker.log().summary();
  write_address(address(2, 0x1003, 1));
  write_beat(true, 0xfc);
  expect_only("w_strobe");
}

TEST_F(AxiCheckerTest, StrobePastTheBusIsNamed) {
  write_address(address(2, 0x1000, 1));
  write_beat(true, 0x1ff);
  expect_only("w_strobe");
}

TEST_F(AxiCheckerTest, ResponseBeforeTheLastBeatIsNamed) {
  write_address(address(2, 0x1000, 2));
  write_beat(false);
  response(2);
  expect_only("b_before_w");
}

TEST_F(AxiCheckerTest, ResponseBeforeTheAddressIsNamed) {
  device.aw = address(2, 0x2000, 1);
  memory.aw_ready = false;
  write_beat(true);
  response(2);
  expect_only("b_id");
}

TEST_F(AxiCheckerTest, ResponseToAnIdThatOwesNoneIsNamed) {
  write_address(address(2, 0x1000, 1));
  write_beat(true);
  response(3);
  expect_only("b_id");
}

TEST_F(AxiCheckerTest, ReadDataWithAnUnknownIdIsNamed) {
  read_address(address(1, 0x1000, 1));
  read_beat(0, true);
  expect_only("r_id");
}

TEST_F(AxiCheckerTest, WrongReadLastIsNamed) {
  read_address(address(1, 0x1000, 2));
  read_beat(1, true);
  expect_only("r_last");
}

TEST_F(AxiCheckerTest, UnstableResponsesAreNamed) {
  read_address(address(1, 0x1000, 2));
  memory.r_valid = true;
  memory.r_id = 1;
  tick();
  memory.r_data[0] = 1;
  tick();
  expect_only("r_stable");
  checker.log().clear();
  memory.r_valid = false;
  tick();
  expect_only("r_valid");
  checker.log().clear();
  memory.b_valid = true;
  tick();
  memory.b_response = 2;
  tick();
  expect_only("b_stable");
  checker.log().clear();
  memory.b_valid = false;
  tick();
  expect_only("b_valid");
}

TEST_F(AxiCheckerTest, DebtAtTheEndIsNamed) {
  read_address(address(1, 0x1000, 2));
  read_beat(1, false);
  checker.finish();
  expect_only("owed_at_end");
}

TEST_F(AxiCheckerTest, ViolationNamesItsCycle) {
  for (int i = 0; i < 9; ++i) tick();
  read_address(address(1, 0x0ff8, 2));  // cycle 10: the constructor ran cycle 0
  ASSERT_EQ(checker.log().count(), 1u);
  EXPECT_EQ(checker.log().violations()[0].cycle, 10u);
  EXPECT_NE(checker.log().summary().find("cycle 10: boundary_4k"), std::string::npos);
}

}  // namespace
}  // namespace systolith::harness
