// The C interface and its C++ wrapper on the golden model.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "systolith/systolith.hpp"

namespace systolith {
namespace {

systolith_command_t nop(bool record, bool interrupt = false) {
  systolith_command_t command{};
  SYSTOLITH_SET(command.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(command.words, HEADER_OPCODE, SYSTOLITH_OPCODE_NOP);
  SYSTOLITH_SET(command.words, HEADER_RECORD, record ? 1 : 0);
  SYSTOLITH_SET(command.words, HEADER_INTERRUPT, interrupt ? 1 : 0);
  return command;
}

systolith_command_t copy_command(bool store, std::uint64_t address, std::uint32_t bytes,
                                 bool record) {
  systolith_command_t command{};
  std::uint64_t* w = command.words;
  SYSTOLITH_SET(w, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(w, HEADER_OPCODE, store ? SYSTOLITH_OPCODE_STORE : SYSTOLITH_OPCODE_LOAD);
  SYSTOLITH_SET(w, HEADER_UNIT, store ? SYSTOLITH_UNIT_STORE : SYSTOLITH_UNIT_LOAD);
  SYSTOLITH_SET(w, HEADER_RECORD, record ? 1 : 0);
  if (store) {
    SYSTOLITH_SET(w, HEADER_WAIT_0, 1);
  } else {
    SYSTOLITH_SET(w, HEADER_SIGNAL_0, 1);
  }
  SYSTOLITH_SET(w, TRANSFER_ADDRESS, address);
  SYSTOLITH_SET(w, TRANSFER_RUN, bytes);
  SYSTOLITH_SET(w, TRANSFER_COUNT_0, 1);
  SYSTOLITH_SET(w, TRANSFER_COUNT_1, 1);
  SYSTOLITH_SET(w, TRANSFER_COUNT_2, 1);
  SYSTOLITH_SET(w, TRANSFER_COUNT_3, 1);
  return command;
}

void ready(Device& device) {
  const systolith_capabilities_t c = device.capabilities();
  device.grant(0, c.memory_base, c.memory_bytes);
  device.create_queue(3);
}

std::string open_error(const char* uri) {
  systolith_device_t* device = nullptr;
  const systolith_status_t status = systolith_open(uri, &device);
  // A text that is no URI at all is a bad argument.
  EXPECT_TRUE(status == SYSTOLITH_NO_DEVICE || status == SYSTOLITH_BAD_ARGUMENT) << uri;
  EXPECT_EQ(device, nullptr);
  return systolith_error();
}

TEST(Api, CopiesThroughTheScratchpad) {
  Device device("model:config=4x4");
  ready(device);
  std::vector<std::uint8_t> data(150), back(150);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(3 * i + 1);
  const std::uint64_t from = device.allocate(150), to = device.allocate(150);
  device.copy_in(from, data.data(), data.size());
  const std::uint32_t last =
      device.submit({copy_command(false, from, 150, true), copy_command(true, to, 150, true)});
  device.wait(last);
  device.copy_out(to, back.data(), back.size());
  EXPECT_EQ(data, back);
  const systolith_record_t record = device.record(last);
  EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_INDEX), 1U);
  EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_STATE),
            static_cast<unsigned>(SYSTOLITH_STATE_COMPLETED));
  EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_OPCODE),
            static_cast<unsigned>(SYSTOLITH_OPCODE_STORE));
  EXPECT_EQ(device.counters().commands, 2U);
}

TEST(Api, FaultGivesCauseIndexAndAddressAndAResetRecovers) {
  Device device("model:config=4x4");
  ready(device);
  for (int round = 0; round < 100; ++round) {
    const std::uint64_t outside = device.capabilities().memory_base - 64;
    device.submit({nop(false), copy_command(false, outside, 8, false), nop(true)});
    try {
      device.wait(2);
      FAIL() << "no fault";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), SYSTOLITH_FAULT);
      EXPECT_NE(std::string(error.what()).find("command 1: window"), std::string::npos)
          << error.what();
    }
    const systolith_fault_t fault = device.fault();
    EXPECT_EQ(fault.cause, static_cast<unsigned>(SYSTOLITH_CAUSE_WINDOW));
    EXPECT_EQ(fault.index, 1U);
    EXPECT_EQ(fault.address, outside);
    EXPECT_NO_THROW(device.wait(0)) << "the command before it completed";
    EXPECT_EQ(SYSTOLITH_GET(device.record(1).words, RECORD_STATE),
              static_cast<unsigned>(SYSTOLITH_STATE_FAILED));
    device.reset();
    device.create_queue(3);
    device.wait(device.submit({nop(true)}));
    device.reset();
    device.create_queue(3);
  }
}

TEST(Api, InterruptWait) {
  Device device("model:config=4x4");
  ready(device);
  device.wait_interrupt(device.submit({nop(false), nop(false, true)}));
  const std::uint32_t silent = device.submit({nop(false)});
  EXPECT_EQ(systolith_wait_interrupt(device.handle(), silent, 1000), SYSTOLITH_TIMEOUT);
  EXPECT_NE(std::string(systolith_error()).find("no interrupt"), std::string::npos);
}

TEST(Api, CommandWithoutARecordFlagHasNone) {
  Device device("model:config=4x4");
  ready(device);
  device.wait(device.submit({nop(true), nop(false)}));
  EXPECT_NO_THROW(device.record(0));
  EXPECT_THROW(device.record(1), Error);
}

TEST(Api, DeviceResetKeepsMemoryAndWindows) {
  Device device("model:config=4x4");
  ready(device);
  const std::uint64_t at = device.allocate(8);
  std::uint64_t value = 0x1122334455667788, back = 0;
  device.copy_in(at, &value, 8);
  device.reset_device();
  device.create_queue(3);
  device.wait(device.submit({copy_command(false, at, 8, false)}));
  device.copy_out(at, &back, 8);
  EXPECT_EQ(back, value);
}

TEST(Api, QueueNeedsAWindow) {
  Device device("model:config=4x4");
  EXPECT_EQ(systolith_queue_create(device.handle(), 3), SYSTOLITH_FAULT);
  EXPECT_NE(std::string(systolith_error()).find("grant a window"), std::string::npos);
}

// Ring, records and buffers at addresses that the caller chose, as a command program fixes them.
TEST(Api, ProgramsWithFixedAddressesRunWhereTheyAre) {
  Device device("model:config=4x4");
  const std::uint64_t base = device.capabilities().memory_base;
  device.grant(1, base + 0x10000, 0x10000);
  device.reserve(base + 0x10000, 0x1000);
  device.reserve(base + 0x12000, 0x40);
  for (int round = 0; round < 2; ++round) {
    device.create_queue(2, base + 0x10200, base + 0x10040);
    std::vector<std::uint8_t> data(8, static_cast<std::uint8_t>(7 + round)), back(8);
    device.copy_in(base + 0x12000, data.data(), 8);
    const std::uint32_t last = device.submit({copy_command(false, base + 0x12000, 8, false),
                                              copy_command(true, base + 0x12008, 8, true)});
    device.wait(last);
    device.copy_out(base + 0x12008, back.data(), 8);
    EXPECT_EQ(data, back);
    systolith_record_t record{}, placed{};
    record = device.record(last);
    device.copy_out(base + 0x10040 + 32, &placed, sizeof placed);
    EXPECT_EQ(std::memcmp(&record, &placed, sizeof record), 0);
    device.reset();
  }
  EXPECT_EQ(systolith_reserve(device.handle(), base + 0x10fff, 1), SYSTOLITH_NO_MEMORY);
}

TEST(Api, QueueWithItsRingMisplacedFaultsAndAResetRecovers) {
  Device device("model:config=4x4");
  const std::uint64_t base = device.capabilities().memory_base;
  device.grant(0, base, 0x1000);
  device.reserve(base, 0x2000);
  for (const auto& [ring, records] : {std::pair{base + 0x20, base + 0x800},   // alignment
                                      std::pair{base, base + 0x810},          // alignment
                                      std::pair{base + 0xf00, base + 0x800},  // past the window
                                      std::pair{base, base + 0xfa0}}) {       // past the window
    EXPECT_EQ(systolith_queue_create_at(device.handle(), 2, ring, records), SYSTOLITH_FAULT);
    EXPECT_NE(std::string(systolith_error()).find("128 bytes, records on 32"), std::string::npos);
    EXPECT_EQ(device.fault().cause, static_cast<unsigned>(SYSTOLITH_CAUSE_RING));
    device.reset();
  }
  device.create_queue(2, base + 0xe00, base + 0x800);
  device.wait(device.submit({nop(true)}));
}

TEST(Api, NullAndStaleHandlesAreRefused) {
  systolith_device_t* device = nullptr;
  ASSERT_EQ(systolith_open("model:config=4x4", &device), SYSTOLITH_OK);
  ASSERT_EQ(systolith_close(device), SYSTOLITH_OK);
  uint32_t value = 0;
  uint64_t address = 0;
  for (systolith_device_t* bad : {device, static_cast<systolith_device_t*>(nullptr)}) {
    systolith_capabilities_t c;
    EXPECT_EQ(systolith_close(bad), SYSTOLITH_BAD_HANDLE);
    EXPECT_EQ(systolith_capabilities(bad, &c), SYSTOLITH_BAD_HANDLE);
    EXPECT_EQ(systolith_allocate(bad, 8, 0, &address), SYSTOLITH_BAD_HANDLE);
    EXPECT_EQ(systolith_reserve(bad, 0, 8), SYSTOLITH_BAD_HANDLE);
    EXPECT_EQ(systolith_queue_create_at(bad, 0, 0, 0), SYSTOLITH_BAD_HANDLE);
    EXPECT_EQ(systolith_wait(bad, 0, 0), SYSTOLITH_BAD_HANDLE);
    EXPECT_EQ(systolith_reset_device(bad), SYSTOLITH_BAD_HANDLE);
    EXPECT_EQ(systolith_read_register(bad, 0, &value), SYSTOLITH_BAD_HANDLE);
  }
  EXPECT_EQ(systolith_open("model:", nullptr), SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(systolith_open(nullptr, &device), SYSTOLITH_BAD_ARGUMENT);
}

TEST(Api, UriChoosesAndRefusesWithTheList) {
  EXPECT_EQ(Device("model:").capabilities().rows, 16U);
  EXPECT_EQ(Device("model:rows=3,cols=5").capabilities().columns, 5U);
  EXPECT_EQ(Device("model:rows=4,bus=512").capabilities().bus_bytes, 64U);
  EXPECT_NE(open_error("model:rows=7").find("config=16x16"), std::string::npos);
  EXPECT_NE(open_error("model:config=nonsense").find("config=4x4"), std::string::npos);
  EXPECT_NE(open_error("model:colour=red").find("rows"), std::string::npos) << systolith_error();
  EXPECT_NE(open_error("model:rows").find("key=value"), std::string::npos);
  EXPECT_NE(open_error("model:rows=x").find("whole number"), std::string::npos);
  EXPECT_NE(open_error("model:rows=4,rows=4").find("twice"), std::string::npos);
  EXPECT_NE(open_error("pcie:").find("model:"), std::string::npos);
  EXPECT_NE(open_error("").find("URI"), std::string::npos);
}

TEST(Api, VersionIsThatOfTheHeader) {
  EXPECT_EQ(systolith_driver_version(), SYSTOLITH_DRIVER_VERSION + 0U);
}

TEST(Api, CausesHaveNames) {
  EXPECT_STREQ(systolith_cause_name(SYSTOLITH_CAUSE_BUS_READ), "bus_read");
  EXPECT_STREQ(systolith_cause_name(SYSTOLITH_CAUSE_ABORTED), "aborted");
  EXPECT_STREQ(systolith_cause_name(200), "unknown");
}

}  // namespace
}  // namespace systolith
