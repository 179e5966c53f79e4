// The driver on the model and on simulated devices: handles, arguments, faults, reset.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "systolith/registers.h"
#include "systolith/systolith.hpp"

namespace systolith {
namespace {

systolith_command_t nop(bool record) {
  systolith_command_t command{};
  SYSTOLITH_SET(command.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(command.words, HEADER_OPCODE, SYSTOLITH_OPCODE_NOP);
  SYSTOLITH_SET(command.words, HEADER_UNIT, SYSTOLITH_UNIT_COMMAND_PROCESSOR);
  SYSTOLITH_SET(command.words, HEADER_RECORD, record ? 1 : 0);
  return command;
}

systolith_command_t load(std::uint64_t address, std::uint32_t run) {
  systolith_command_t command{};
  SYSTOLITH_SET(command.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(command.words, HEADER_OPCODE, SYSTOLITH_OPCODE_LOAD);
  SYSTOLITH_SET(command.words, HEADER_UNIT, SYSTOLITH_UNIT_LOAD);
  SYSTOLITH_SET(command.words, TRANSFER_ADDRESS, address);
  SYSTOLITH_SET(command.words, TRANSFER_RUN, run);
  SYSTOLITH_SET(command.words, TRANSFER_LOCAL_PITCH, 1);
  SYSTOLITH_SET(command.words, TRANSFER_COUNT_0, 1);
  SYSTOLITH_SET(command.words, TRANSFER_COUNT_1, 1);
  SYSTOLITH_SET(command.words, TRANSFER_COUNT_2, 1);
  SYSTOLITH_SET(command.words, TRANSFER_COUNT_3, 1);
  return command;
}

class OnBackend : public testing::TestWithParam<const char*> {
 protected:
  void open_queue(Device& device, std::uint32_t slots_log2 = 3) {
    const systolith_capabilities_t c = device.capabilities();
    device.grant(0, c.memory_base, c.memory_bytes);
    device.create_queue(slots_log2);
  }
};

TEST_P(OnBackend, RingWrapsInBatchesOfAnySize) {
  Device device(GetParam());
  open_queue(device);
  std::uint32_t expected = 0;
  for (const std::size_t batch : {1U, 7U, 8U, 25U, 3U}) {
    const std::uint32_t last = device.submit(std::vector<systolith_command_t>(batch, nop(true)));
    expected += static_cast<std::uint32_t>(batch);
    EXPECT_EQ(last, expected - 1);
    device.wait(last);
    const systolith_record_t record = device.record(last);
    EXPECT_EQ(record.words[0] & 0xffffffff, last);
    EXPECT_EQ(record.words[0] >> 32 & 0xff, SYSTOLITH_STATE_COMPLETED);
  }
}

// An illegal command: the wait, polling or by interrupt, ends within a millisecond at 100 MHz with
// cause and index, and after a reset the device works.
TEST_P(OnBackend, FaultNamesCauseIndexAndAddressAndResetRecovers) {
  struct Case {
    systolith_command_t command;
    std::uint32_t cause;
    std::uint64_t address;
  };
  Device device(GetParam());
  const std::uint64_t base = device.capabilities().memory_base;
  Case cases[] = {
      {nop(false), SYSTOLITH_CAUSE_VERSION, 0},
      {nop(false), SYSTOLITH_CAUSE_OPCODE, 0},
      {nop(false), SYSTOLITH_CAUSE_RESERVED, 0},
      {load(base, 0), SYSTOLITH_CAUSE_SIZE, 0},
      {load(0x1000, 16), SYSTOLITH_CAUSE_WINDOW, 0x1000},
      {load(~std::uint64_t{0} - 4, 16), SYSTOLITH_CAUSE_ADDRESS, ~std::uint64_t{0} - 4}};
  SYSTOLITH_SET(cases[0].command.words, HEADER_VERSION, 9);
  SYSTOLITH_SET(cases[1].command.words, HEADER_OPCODE, 0x77);
  cases[2].command.words[15] = 1;
  constexpr std::uint64_t kMillisecond = 100'000;  // cycles
  bool by_interrupt = false;
  for (const Case& c : cases) {
    open_queue(device);
    device.wait(device.submit({nop(false), nop(false)}));
    by_interrupt = !by_interrupt;
    systolith_command_t last = nop(true);
    SYSTOLITH_SET(last.words, HEADER_INTERRUPT, 1);
    const std::uint32_t index = device.submit({nop(true), c.command, last});
    try {
      if (by_interrupt)
        device.wait_interrupt(index, kMillisecond);
      else
        device.wait(index, kMillisecond);
      ADD_FAILURE() << "cause " << c.cause << " was not reported";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), SYSTOLITH_FAULT) << error.what();
      EXPECT_NE(std::string(error.what()).find(systolith_cause_name(c.cause)), std::string::npos)
          << error.what();
    }
    const systolith_fault_t fault = device.fault();
    EXPECT_EQ(fault.cause, c.cause);
    EXPECT_EQ(fault.index, 3U);
    EXPECT_EQ(fault.address, c.address) << systolith_cause_name(c.cause);
    EXPECT_EQ(device.record(2).words[0] >> 32 & 0xff, SYSTOLITH_STATE_COMPLETED);
    EXPECT_EQ(device.record(3).words[0] >> 32 & 0xff, SYSTOLITH_STATE_FAILED);
    device.reset();
    EXPECT_EQ(device.fault().cause, SYSTOLITH_CAUSE_NONE);
  }
  open_queue(device);
  device.wait(device.submit({nop(true)}));
}

TEST_P(OnBackend, QueueWithoutAWindowIsRefusedWithWhatToDo) {
  Device device(GetParam());
  try {
    device.create_queue(2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("grant"), std::string::npos) << error.what();
  }
  device.reset();
  open_queue(device);
  device.wait(device.submit({nop(true)}));
}

TEST_P(OnBackend, MemoryIsAllocatedCopiedAndUsedUp) {
  Device device(GetParam());
  const std::uint64_t a = device.allocate(100, 4096);
  const std::uint64_t b = device.allocate(100);
  EXPECT_EQ(a % 4096, 0U);
  EXPECT_NE(a, b);
  std::string text = "bits that come back";
  device.copy_in(b, text.data(), text.size());
  std::string back(text.size(), ' ');
  device.copy_out(b, back.data(), back.size());
  EXPECT_EQ(back, text);
  EXPECT_THROW(device.allocate(std::uint64_t{1} << 40), Error);
  EXPECT_THROW(device.free(a + 1), Error);
  EXPECT_THROW(device.copy_in(device.capabilities().memory_base - 1, text.data(), 4), Error);
  device.free(a);
  device.free(b);
}

TEST_P(OnBackend, CapabilitiesAreThoseOfTheConfiguration) {
  const systolith_capabilities_t c = Device(GetParam()).capabilities();
  EXPECT_EQ(c.rows, 4U);
  EXPECT_EQ(c.columns, 4U);
  EXPECT_EQ(c.bus_bytes, 8U);
  EXPECT_EQ(c.lines, 32U);
  EXPECT_EQ(c.formats, 6U);
}

// What a device reset leaves on chip is what systolith_open found: nothing.
TEST_P(OnBackend, DeviceResetLeavesNothingOnChip) {
  Device device(GetParam());
  const std::uint64_t base = device.capabilities().memory_base;
  systolith_command_t in = load(base, 16);  // INT32 accumulator row 0
  SYSTOLITH_SET(in.words, LOAD_SPACE, SYSTOLITH_SPACE_ACCUMULATORS);
  SYSTOLITH_SET(in.words, LOAD_TAG, SYSTOLITH_TAG_INT32);
  open_queue(device);
  device.wait(device.submit({in}));
  device.reset_device();
  device.create_queue(3);
  systolith_command_t out = load(base + 4096, 8);  // row 0 as BF16: legal for a cleared row
  SYSTOLITH_SET(out.words, HEADER_OPCODE, SYSTOLITH_OPCODE_STORE);
  SYSTOLITH_SET(out.words, HEADER_UNIT, SYSTOLITH_UNIT_STORE);
  SYSTOLITH_SET(out.words, STORE_SPACE, SYSTOLITH_SPACE_ACCUMULATORS);
  SYSTOLITH_SET(out.words, STORE_CONVERSION, SYSTOLITH_CONVERSION_BF16);
  EXPECT_NO_THROW(device.wait(device.submit({out})));  // sim: type_tag fault, row 0
}

// Ring and records at addresses of the program's choice, in memory that was taken for them.
TEST_P(OnBackend, QueueAtFixedAddresses) {
  Device device(GetParam());
  const std::uint64_t base = device.capabilities().memory_base;
  device.grant(1, base + 0x1000, 0x1000);
  device.reserve(base + 0x1000, 0x1000);
  for (const std::uint64_t ring : {base + 0x1080, base + 0x1e00}) {
    device.create_queue(2, ring, base + 0x1420);
    const std::uint32_t last = device.submit(std::vector<systolith_command_t>(7, nop(true)));
    device.wait(last);
    systolith_command_t command{};
    device.copy_out(ring + last % 4 * SYSTOLITH_COMMAND_BYTES, &command, sizeof command);
    EXPECT_EQ(std::memcmp(&command, nop(true).words, sizeof command), 0);
    systolith_record_t record{};
    device.copy_out(base + 0x1420 + last % 4 * SYSTOLITH_RECORD_BYTES, &record, sizeof record);
    EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_INDEX), last);
    EXPECT_EQ(SYSTOLITH_GET(record.words, RECORD_STATE),
              static_cast<unsigned>(SYSTOLITH_STATE_COMPLETED));
    device.reset();
  }
}

// Each handle has a device of its own: memory, queue, faults.
TEST_P(OnBackend, TwoHandlesShareNothing) {
  Device first(GetParam()), second(GetParam());
  open_queue(first);
  open_queue(second);
  const std::uint64_t base = first.capabilities().memory_base;
  std::uint64_t one = 0x1111111111111111, two = 0x2222222222222222, back = 0;
  const std::uint64_t at = first.allocate(8);
  EXPECT_EQ(second.allocate(8), at);
  first.copy_in(at, &one, 8);
  second.copy_in(at, &two, 8);
  first.copy_out(at, &back, 8);
  EXPECT_EQ(back, one);
  first.submit({load(base - 0x1000, 16)});
  EXPECT_THROW(first.wait(0), Error);
  second.wait(second.submit({nop(true), nop(true)}));
  EXPECT_EQ(first.fault().cause, static_cast<unsigned>(SYSTOLITH_CAUSE_WINDOW));
  EXPECT_EQ(second.fault().cause, static_cast<unsigned>(SYSTOLITH_CAUSE_NONE));
  EXPECT_EQ(second.counters().commands, 2U);
  first.reset();
  EXPECT_NO_THROW(second.wait(second.submit({nop(true)})));
}

INSTANTIATE_TEST_SUITE_P(Backends, OnBackend,
                         testing::Values("model:config=tiny", "sim:config=tiny"),
                         [](const auto& info) {
                           return std::string(info.param).substr(0, std::strcspn(info.param, ":"));
                         });

TEST(Handles, NullAndClosedAreRefused) {
  EXPECT_EQ(systolith_close(nullptr), SYSTOLITH_BAD_HANDLE);
  EXPECT_EQ(systolith_reset(nullptr), SYSTOLITH_BAD_HANDLE);
  systolith_device_t* device = nullptr;
  ASSERT_EQ(systolith_open("model:config=tiny", &device), SYSTOLITH_OK);
  EXPECT_EQ(systolith_capabilities(device, nullptr), SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(systolith_close(device), SYSTOLITH_OK);
  EXPECT_EQ(systolith_close(device), SYSTOLITH_BAD_HANDLE);
  systolith_capabilities_t c;
  EXPECT_EQ(systolith_capabilities(device, &c), SYSTOLITH_BAD_HANDLE);
  EXPECT_STRNE(systolith_error(), "");
}

// Each is its own device, whichever is closed first.
TEST(Handles, SeveralSimulatedDevicesAreClosedInAnyOrder) {
  for (const bool newest_first : {false, true}) {
    std::vector<Device> devices;
    for (int i = 0; i < 3; ++i) {
      devices.emplace_back("sim:config=tiny");
      Device& device = devices.back();
      device.grant(0, device.capabilities().memory_base, device.capabilities().memory_bytes);
      device.create_queue(2);
    }
    for (std::uint32_t i = 0; i < 5; ++i)
      for (Device& device : devices) device.wait(device.submit({nop(true)}));
    while (!devices.empty()) {
      devices.erase(newest_first ? devices.end() - 1 : devices.begin());
      for (Device& device : devices) device.wait(device.submit({nop(true)}));
    }
  }
}

TEST(Uris, WhatIsUnknownIsRefusedWithWhatThereIs) {
  systolith_device_t* device = nullptr;
  EXPECT_EQ(systolith_open(nullptr, &device), SYSTOLITH_BAD_ARGUMENT);
  for (const char* uri : {"gpu:", "sim:config=7x7", "sim:rows=5,cols=99", "sim:colour=red",
                          "sim:latency=x", "model:stall=0.1", "sim:stall=1.5", "sim:latency=0"}) {
    EXPECT_EQ(systolith_open(uri, &device), SYSTOLITH_NO_DEVICE) << uri;
    EXPECT_EQ(device, nullptr);
    EXPECT_STRNE(systolith_error(), "") << uri;
  }
  for (const char* uri : {"nonsense", "sim:rows"})
    EXPECT_EQ(systolith_open(uri, &device), SYSTOLITH_BAD_ARGUMENT) << uri;
  EXPECT_EQ(systolith_open("sim:config=7x7", &device), SYSTOLITH_NO_DEVICE);
  EXPECT_NE(std::string(systolith_error()).find("rows=4,cols=4"), std::string::npos);
}

}  // namespace
}  // namespace systolith
