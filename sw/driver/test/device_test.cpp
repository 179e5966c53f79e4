// The driver against a mock register file: what it does when the device misbehaves, and in which
// order it does things.
#include "device.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mock_backend.hpp"
#include "uri.hpp"

namespace systolith::driver::test {
namespace {

struct DriverTest : testing::Test {
  // The mock stays reachable after the device took it.
  std::unique_ptr<MockBackend> owned = std::make_unique<MockBackend>();
  MockBackend* mock = owned.get();
  std::unique_ptr<DriverDevice> device;

  void open() { device = std::make_unique<DriverDevice>(std::move(owned)); }
  void open_queue(std::uint32_t slots_log2 = 3) {
    open();
    device->grant(0, kMockBase, kMockBytes, 3);
    device->create_queue(slots_log2);
  }
  // Commands complete when the doorbell rings.
  void complete_at_once() {
    mock->on_write = [this](std::uint32_t offset, std::uint32_t value) {
      if (offset == SYSTOLITH_REGISTER_DOORBELL)
        mock->registers[SYSTOLITH_REGISTER_COMPLETED] = value;
    };
  }
  template <typename Body>
  Failure failure(Body body) {
    try {
      body();
    } catch (const Failure& f) {
      return f;
    }
    ADD_FAILURE() << "no failure";
    return {SYSTOLITH_OK, ""};
  }
  static std::vector<systolith_command_t> nops(std::size_t count) {
    systolith_command_t nop{};
    SYSTOLITH_SET(nop.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
    SYSTOLITH_SET(nop.words, HEADER_OPCODE, SYSTOLITH_OPCODE_NOP);
    return std::vector<systolith_command_t>(count, nop);
  }
};

// ---- identity ----

TEST_F(DriverTest, DeadBusIsNoDevice) {
  mock->gone = true;
  const Failure f = failure([&] { open(); });
  EXPECT_EQ(f.status, SYSTOLITH_DEVICE_GONE);
  EXPECT_NE(f.text.find("gone"), std::string::npos);
}

TEST_F(DriverTest, WrongMagicIsNamed) {
  mock->registers[SYSTOLITH_REGISTER_MAGIC] = 0x12345678;
  const Failure f = failure([&] { open(); });
  EXPECT_EQ(f.status, SYSTOLITH_NO_DEVICE);
  EXPECT_NE(f.text.find("0x12345678"), std::string::npos);
}

TEST_F(DriverTest, AnotherMajorVersionIsRefusedAnotherMinorIsNot) {
  mock->registers[SYSTOLITH_REGISTER_VERSION] = 2 << 16;
  const Failure f = failure([&] { open(); });
  EXPECT_EQ(f.status, SYSTOLITH_NO_DEVICE);
  EXPECT_NE(f.text.find("2.0"), std::string::npos);
  owned = std::make_unique<MockBackend>();
  owned->registers[SYSTOLITH_REGISTER_VERSION] = 1 << 16 | 7;
  EXPECT_NO_THROW(open());
}

TEST(UriShares, AreRoundedToWholePercentBelowAHundred) {
  for (unsigned percent = 0; percent < 100; ++percent) {
    const std::string text = fmt::format("sim:stall={:.2f}", percent / 100.0);
    EXPECT_EQ(Uri::parse(text).percent("stall"), percent) << text;
  }
  EXPECT_EQ(Uri::parse("sim:").percent("stall"), 0);
  EXPECT_EQ(Uri::parse("sim:stall=0.004").percent("stall"), 0);
  EXPECT_EQ(Uri::parse("sim:stall=0.006").percent("stall"), 1);
  EXPECT_EQ(Uri::parse("sim:stall=0.999").percent("stall"), 99) << "memory that never moves";
}

TEST_F(DriverTest, SizesOtherThanTheUriAsksForAreRefused) {
  open();
  EXPECT_NO_THROW(
      check_sizes(Uri::parse("uart:/dev/ttyUSB0,rows=4,cols=8,bus=128"), device->capabilities()));
  const Failure f =
      failure([&] { check_sizes(Uri::parse("uart:/dev/ttyUSB0,rows=8"), device->capabilities()); });
  EXPECT_EQ(f.status, SYSTOLITH_NO_DEVICE);
  EXPECT_NE(f.text.find("rows=8"), std::string::npos);
}

// ---- waiting ----

TEST_F(DriverTest, AllOnesNeverReadAsDone) {
  open_queue();
  device->submit(nops(1).data(), 1);
  mock->gone = true;
  EXPECT_EQ(failure([&] { device->wait(0, 1000); }).status, SYSTOLITH_DEVICE_GONE);
  EXPECT_EQ(failure([&] { device->submit(nops(1).data(), 1); }).status, SYSTOLITH_DEVICE_GONE);
  EXPECT_EQ(failure([&] { device->reset(); }).status, SYSTOLITH_DEVICE_GONE);
}

TEST_F(DriverTest, WaitThatIsNeverDoneEndsWithTheTimeGivenAndTheState) {
  open_queue();
  device->submit(nops(3).data(), 3);
  mock->passed = 0;
  mock->registers[SYSTOLITH_REGISTER_COMPLETED] = 1;
  const Failure f = failure([&] { device->wait(2, 10000); });
  EXPECT_EQ(f.status, SYSTOLITH_TIMEOUT);
  EXPECT_EQ(mock->passed, 10000U);
  EXPECT_NE(f.text.find("1 commands completed, 3 rung, waiting for 3"), std::string::npos)
      << f.text;
}

TEST_F(DriverTest, ResetThatNeverEndsIsGivenUp) {
  open_queue();
  mock->enables = false;
  mock->registers[SYSTOLITH_REGISTER_STATUS] = 9;
  EXPECT_EQ(failure([&] { device->reset(); }).status, SYSTOLITH_DEVICE_GONE);
  EXPECT_LT(mock->reads, 100000U);
}

TEST_F(DriverTest, QueueThatNeverComesUpIsGivenUp) {
  mock->enables = false;
  open();
  EXPECT_EQ(failure([&] { device->create_queue(3); }).status, SYSTOLITH_TIMEOUT);
}

TEST_F(DriverTest, SubmitToAFullRingThatNeverMovesIsGivenUp) {
  open_queue(1);
  const Failure f = failure([&] { device->submit(nops(3).data(), 3); });
  EXPECT_EQ(f.status, SYSTOLITH_TIMEOUT);
}

TEST_F(DriverTest, FaultEndsAWaitAtOnceWithCauseIndexAndAddress) {
  open_queue();
  device->submit(nops(3).data(), 3);
  mock->registers[SYSTOLITH_REGISTER_STATUS] = 8 | 2;
  mock->registers[SYSTOLITH_REGISTER_FAULT] = SYSTOLITH_UNIT_LOAD << 8 | SYSTOLITH_CAUSE_BUS_READ;
  mock->registers[SYSTOLITH_REGISTER_FAULT_INDEX] = 1;
  mock->registers[SYSTOLITH_REGISTER_FAULT_ADDRESS_HI] = 0x12;
  mock->registers[SYSTOLITH_REGISTER_FAULT_ADDRESS_LO] = 0x34;
  mock->passed = 0;
  const Failure f = failure([&] { device->wait(2, 0); });
  EXPECT_EQ(f.status, SYSTOLITH_FAULT);
  EXPECT_EQ(mock->passed, 0U);
  EXPECT_NE(f.text.find("command 1: bus_read"), std::string::npos) << f.text;
  EXPECT_NE(f.text.find("0x1200000034"), std::string::npos) << f.text;
  const systolith_fault_t fault = device->fault();
  EXPECT_EQ(fault.cause, SYSTOLITH_CAUSE_BUS_READ);
  EXPECT_EQ(fault.index, 1U);
  EXPECT_EQ(fault.address, 0x1200000034U);
  // The command before it did complete.
  mock->registers[SYSTOLITH_REGISTER_COMPLETED] = 2;
  EXPECT_NO_THROW(device->wait(0, 0));
  EXPECT_EQ(failure([&] { device->wait(1, 0); }).status, SYSTOLITH_FAULT);
}

TEST_F(DriverTest, StuckBusIsGoneUntilTheDeviceIsReset) {
  open_queue();
  device->submit(nops(1).data(), 1);
  mock->registers[SYSTOLITH_REGISTER_STATUS] = 8 | 4 | 1;
  EXPECT_EQ(failure([&] { device->wait(0, 0); }).status, SYSTOLITH_DEVICE_GONE);
  EXPECT_EQ(failure([&] { device->reset_device(); }).status, SYSTOLITH_BAD_ARGUMENT);
  mock->may_reset = true;
  mock->registers[SYSTOLITH_REGISTER_STATUS] = 0;
  mock->registers[SYSTOLITH_REGISTER_WINDOW_PERMIT] = 0;
  device->reset_device();
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_WINDOW_PERMIT], 3U) << "windows are granted again";
  complete_at_once();
  device->create_queue(3);
  EXPECT_NO_THROW(device->wait(device->submit(nops(2).data(), 2), 0));
}

TEST_F(DriverTest, MissingInterruptIsTold) {
  open_queue();
  complete_at_once();
  mock->line = false;
  const std::uint32_t last = device->submit(nops(2).data(), 2);
  const Failure f = failure([&] { device->wait(last, 5000, true); });
  EXPECT_EQ(f.status, SYSTOLITH_TIMEOUT);
  EXPECT_NE(f.text.find("done, but no interrupt came"), std::string::npos) << f.text;
  EXPECT_NO_THROW(device->wait(last, 5000)) << "without interrupts it works";
}

TEST_F(DriverTest, InterruptEndsAWaitAndIsCleared) {
  open_queue();
  const std::uint32_t last = device->submit(nops(2).data(), 2);
  int pauses = 0;
  mock->on_advance = [&] {
    if (++pauses != 3) return;
    mock->registers[SYSTOLITH_REGISTER_COMPLETED] = 2;
    mock->registers[SYSTOLITH_REGISTER_IRQ_STATUS] |= 1;
  };
  EXPECT_NO_THROW(device->wait(last, 0, true));
  EXPECT_EQ(pauses, 3);
  EXPECT_FALSE(mock->interrupt());
  // Its interrupt was cleared with a later command's: a wait for the earlier one does not hang.
  EXPECT_NO_THROW(device->wait(0, 0, true));
}

TEST_F(DriverTest, FaultEndsAnInterruptWaitToo) {
  open_queue();
  device->submit(nops(1).data(), 1);
  mock->registers[SYSTOLITH_REGISTER_STATUS] = 8 | 2;
  EXPECT_EQ(failure([&] { device->wait(0, 0, true); }).status, SYSTOLITH_FAULT);
}

TEST_F(DriverTest, CounterThatNeverHoldsStillIsGivenUp) {
  open();
  mock->on_read = [&](std::uint32_t offset) { ++mock->registers[offset]; };
  EXPECT_EQ(failure([&] { device->counters(); }).status, SYSTOLITH_DEVICE_GONE);
}

// ---- order of things ----

TEST_F(DriverTest, CachesAreCleanedBeforeTheDoorbellAndInvalidatedAfterTheWait) {
  open_queue(0);
  complete_at_once();
  const std::uint64_t a = device->allocate(100, 0), b = device->allocate(100, 0),
                      c = device->allocate(100, 0);
  mock->name("A", a);
  mock->name("B", b);
  mock->name("C", c);
  mock->name("queue", mock->registers[SYSTOLITH_REGISTER_RING_LO]);
  mock->name("records", mock->registers[SYSTOLITH_REGISTER_RECORD_LO]);
  mock->log.clear();
  std::uint8_t bytes[100] = {};
  device->copy_in(a, bytes, 100);
  device->copy_in(b, bytes, 100);
  device->wait(device->submit(nops(1).data(), 1), 0);
  device->copy_out(c, bytes, 100);
  const std::vector<std::string> expected = {"invalidate A", "clean A",     "invalidate B",
                                             "clean B",      "clean queue", "clean records",
                                             "barrier",      "doorbell",    "invalidate C"};
  EXPECT_EQ(mock->log, expected);
}

TEST_F(DriverTest, BuffersNeverShareACacheLine) {
  open();
  const std::uint64_t a = device->allocate(1, 1), b = device->allocate(1, 1);
  EXPECT_EQ(a % 64, 0U);
  EXPECT_EQ(b - a, 64U);
}

TEST_F(DriverTest, OldRecordDoesNotPassForANewOne) {
  open_queue(0);
  complete_at_once();
  systolith_record_t old{};
  SYSTOLITH_SET(old.words, RECORD_STATE, SYSTOLITH_STATE_COMPLETED);
  std::memcpy(mock->memory.data() + (mock->registers[SYSTOLITH_REGISTER_RECORD_LO] - kMockBase),
              old.words, sizeof old.words);
  device->wait(device->submit(nops(1).data(), 1), 0);
  EXPECT_EQ(failure([&] { device->record(0); }).status, SYSTOLITH_BAD_ARGUMENT);
}

// ---- ring ----

TEST_F(DriverTest, RingWrapsWithEveryBatch) {
  open_queue(3);
  complete_at_once();
  std::uint32_t next = 0;
  for (const std::size_t batch : {1, 1, 1, 1, 1, 1, 1, 1, 1, 7, 7, 7, 8, 8, 25, 3}) {
    std::vector<systolith_command_t> commands = nops(batch);
    for (std::size_t i = 0; i < batch; ++i) commands[i].words[15] = next + i;
    next += static_cast<std::uint32_t>(batch);
    EXPECT_EQ(device->submit(commands.data(), batch), next - 1);
    EXPECT_NO_THROW(device->wait(next - 1, 0));
    const std::uint64_t ring = mock->registers[SYSTOLITH_REGISTER_RING_LO] - kMockBase;
    std::uint64_t mark;
    std::memcpy(&mark, mock->memory.data() + ring + (next - 1) % 8 * 128 + 120, 8);
    EXPECT_EQ(mark, next - 1);
  }
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_DOORBELL], next);
}

TEST_F(DriverTest, SubmitNeverOverwritesASlotInUse) {
  open_queue(2);
  std::uint32_t completed = 0;
  mock->on_write = [&](std::uint32_t offset, std::uint32_t value) {
    if (offset == SYSTOLITH_REGISTER_DOORBELL) {
      EXPECT_LE(value - completed, 4U);
    }
  };
  mock->on_advance = [&] { mock->registers[SYSTOLITH_REGISTER_COMPLETED] = ++completed; };
  device->submit(nops(100).data(), 100);
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_DOORBELL], 100U);
}

TEST_F(DriverTest, WaitForWhatWasNotSubmittedIsRefused) {
  open_queue(2);
  const Failure f = failure([&] { device->wait(0, 10); });
  EXPECT_EQ(f.status, SYSTOLITH_BAD_ARGUMENT);
}

// ---- memory ----

TEST_F(DriverTest, AllocatorFillsTheMemoryExactlyAndReuses) {
  open();
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 0; i < kMockBytes / 1024; ++i) all.push_back(device->allocate(1024, 0));
  EXPECT_EQ(failure([&] { device->allocate(1, 0); }).status, SYSTOLITH_NO_MEMORY);
  std::sort(all.begin(), all.end());
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i] - all[i - 1], 1024U);
  device->free(all[5]);
  EXPECT_EQ(device->allocate(1000, 512), all[5]);
  EXPECT_EQ(failure([&] { device->free(all[5] + 64); }).status, SYSTOLITH_BAD_ARGUMENT);
}

TEST_F(DriverTest, AllocatorRefusesNonsense) {
  open();
  EXPECT_EQ(failure([&] { device->allocate(0, 0); }).status, SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { device->allocate(8, 48); }).status, SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { device->allocate(~0ULL, 0); }).status, SYSTOLITH_NO_MEMORY);
  EXPECT_EQ(failure([&] { device->allocate(~0ULL - 63, 0); }).status, SYSTOLITH_NO_MEMORY);
  EXPECT_EQ(failure([&] { device->allocate(8, 1ULL << 63); }).status, SYSTOLITH_NO_MEMORY);
}

TEST_F(DriverTest, ReservedRangesAreTakenAndNothingIsAllocatedIntoThem) {
  open();
  device->reserve(kMockBase + 100, 28);  // the second line, wholly
  device->reserve(kMockBase + 128, 1);
  device->reserve(kMockBase + kMockBytes - 1, 1);
  EXPECT_EQ(device->allocate(64, 0), kMockBase);
  EXPECT_EQ(device->allocate(64, 0), kMockBase + 192);
  EXPECT_EQ(failure([&] { device->allocate(kMockBytes - 256, 0); }).status, SYSTOLITH_NO_MEMORY);
  EXPECT_EQ(device->allocate(kMockBytes - 320, 0), kMockBase + 256) << "up to the last line";
  device->free(kMockBase + 100);
  EXPECT_EQ(device->allocate(64, 0), kMockBase + 64);
}

TEST_F(DriverTest, ReservationsNeverShareACacheLine) {
  open();
  device->reserve(kMockBase + 256, 64);
  for (const auto& [address, bytes] : {std::pair<std::uint64_t, std::uint64_t>{256, 64},
                                       {319, 1},
                                       {0, 257},
                                       {200, 1000},
                                       {300, 4}}) {
    const Failure f = failure(
        [&, address = address, bytes = bytes] { device->reserve(kMockBase + address, bytes); });
    EXPECT_EQ(f.status, SYSTOLITH_NO_MEMORY) << address;
    EXPECT_NE(f.text.find("0x80000100"), std::string::npos) << f.text;
  }
  device->reserve(kMockBase + 330, 1);
  for (const unsigned byte : {320, 340})
    EXPECT_EQ(failure([&] { device->reserve(kMockBase + byte, 1); }).status, SYSTOLITH_NO_MEMORY)
        << "the same line as byte 330";
  EXPECT_NO_THROW(device->reserve(kMockBase + 255, 1)) << "the line before";
  EXPECT_NO_THROW(device->reserve(kMockBase + 384, 1)) << "the line after";
}

TEST_F(DriverTest, ReservationsOutsideOfTheMemoryAreRefused) {
  open();
  for (const auto& [address, bytes] : {std::pair<std::uint64_t, std::uint64_t>{kMockBase - 1, 1},
                                       {kMockBase + kMockBytes, 1},
                                       {kMockBase, kMockBytes + 1},
                                       {kMockBase, ~0ULL},
                                       {kMockBase, 0}})
    EXPECT_EQ(
        failure([&, address = address, bytes = bytes] { device->reserve(address, bytes); }).status,
        SYSTOLITH_BAD_ARGUMENT)
        << address;
  EXPECT_NO_THROW(device->reserve(kMockBase, kMockBytes));
}

TEST_F(DriverTest, QueueAtGivenAddressesStaysTheCallers) {
  open();
  complete_at_once();
  device->grant(0, kMockBase, kMockBytes, 3);
  device->reserve(kMockBase + 0x1000, 0x500);
  device->create_queue_at(3, kMockBase + 0x1000, kMockBase + 0x1400);
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_RING_LO], kMockBase + 0x1000);
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_RECORD_LO], kMockBase + 0x1400);
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_RING_SIZE], 3U);
  std::vector<systolith_command_t> commands = nops(9);
  commands[8].words[15] = 0x1234;
  device->submit(commands.data(), 9);
  std::uint64_t mark;
  std::memcpy(&mark, mock->memory.data() + 0x1000 + 120, 8);
  EXPECT_EQ(mark, 0x1234U) << "the ninth is in the first slot";
  EXPECT_EQ(
      failure([&] { device->create_queue_at(3, kMockBase + 0x1000, kMockBase + 0x1400); }).status,
      SYSTOLITH_BAD_ARGUMENT)
      << "it exists";
  device->reset();
  EXPECT_EQ(failure([&] { device->reserve(kMockBase + 0x1000, 1); }).status, SYSTOLITH_NO_MEMORY)
      << "the reset frees nothing of the caller's";
  EXPECT_NO_THROW(device->create_queue_at(0, kMockBase + 0x1080, kMockBase + 0x1000));
}

TEST_F(DriverTest, QueueOfTheDriversOwnMemoryIsFreedByTheReset) {
  open();
  device->grant(0, kMockBase, kMockBytes, 3);
  for (int round = 0; round < 3; ++round) {
    device->create_queue(8);  // 40 KiB of 64
    device->reset();
  }
  EXPECT_NO_THROW(device->allocate(kMockBytes, 0));
}

TEST_F(DriverTest, QueueAtAddressesThatNobodyTookIsRefused) {
  open();
  device->grant(0, kMockBase, kMockBytes, 3);
  device->reserve(kMockBase, 0x400);
  const auto refused = [&](std::uint32_t slots_log2, std::uint64_t ring, std::uint64_t records,
                           const char* text) {
    const Failure f = failure([&] { device->create_queue_at(slots_log2, ring, records); });
    EXPECT_EQ(f.status, SYSTOLITH_BAD_ARGUMENT);
    EXPECT_NE(f.text.find(text), std::string::npos) << f.text;
  };
  refused(3, kMockBase, kMockBase + 0x400, "record area");
  refused(3, kMockBase + 0x80, kMockBase, "the ring of 1024 bytes");
  refused(2, kMockBase, kMockBase + 0x1e0, "overlap");
  refused(2, kMockBase + 0x60, kMockBase, "overlap");
  refused(2, kMockBase - 0x80, kMockBase + 0x200, "not in device memory");
  refused(17, kMockBase, kMockBase, "2^16");
  EXPECT_NO_THROW(device->create_queue_at(2, kMockBase + 0x80, kMockBase));
}

TEST_F(DriverTest, CopiesOutsideOfTheMemoryAreRefused) {
  open();
  char byte = 0;
  EXPECT_EQ(failure([&] { device->copy_in(kMockBase - 1, &byte, 1); }).status,
            SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { device->copy_out(kMockBase + kMockBytes, &byte, 1); }).status,
            SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { device->copy_in(kMockBase, &byte, ~0ULL); }).status,
            SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { device->copy_in(kMockBase, nullptr, 1); }).status,
            SYSTOLITH_BAD_ARGUMENT);
  EXPECT_NO_THROW(device->copy_in(kMockBase + kMockBytes - 1, &byte, 1));
}

TEST_F(DriverTest, WindowsAreLockedWhileAQueueExists) {
  open_queue();
  EXPECT_EQ(failure([&] { device->grant(1, kMockBase, 64, 1); }).status, SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { device->create_queue(3); }).status, SYSTOLITH_BAD_ARGUMENT);
  device->reset();
  EXPECT_NO_THROW(device->grant(1, kMockBase, 64, 1));
  EXPECT_EQ(failure([&] { device->grant(4, kMockBase, 64, 1); }).status, SYSTOLITH_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { device->grant(0, ~0ULL, 64, 1); }).status, SYSTOLITH_BAD_ARGUMENT);
}

TEST_F(DriverTest, WindowHoldsFirstAndLastByte) {
  open();
  device->grant(2, 0x123456789aULL, 0x10, 1);
  const std::uint32_t at = 2 * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE;
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_WINDOW_BASE_LO + at], 0x3456789aU);
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_WINDOW_BASE_HI + at], 0x12U);
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_WINDOW_LAST_LO + at], 0x345678a9U);
  EXPECT_EQ(mock->registers[SYSTOLITH_REGISTER_WINDOW_PERMIT + at], 1U);
}

}  // namespace
}  // namespace systolith::driver::test
