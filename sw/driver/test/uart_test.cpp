// uart: devices: the backend over a virtual line, and all of it over pseudo-terminals.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>

#include "backend_uart.hpp"
#include "device.hpp"
#include "model_target.hpp"
#include "pty_board.hpp"
#include "serial_port.hpp"
#include "systolith/registers.h"
#include "systolith/systolith.hpp"
#include "virtual_line.hpp"

namespace systolith::driver {
namespace {

using test::FakeBoard;
using test::ModelTarget;
using test::Octets;
using test::PtyBoard;
using test::VirtualLine;

constexpr std::uint64_t kBase = 0x80000000;
constexpr std::size_t kBytes = 1 << 20;

systolith_command_t nop(bool interrupt) {
  systolith_command_t command{};
  SYSTOLITH_SET(command.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(command.words, HEADER_OPCODE, SYSTOLITH_OPCODE_NOP);
  SYSTOLITH_SET(command.words, HEADER_RECORD, 1);
  SYSTOLITH_SET(command.words, HEADER_INTERRUPT, interrupt ? 1 : 0);
  return command;
}

Octets pattern(std::size_t bytes) {
  Octets out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(i * i / 7);
  return out;
}

class UartTest : public testing::Test {
 protected:
  std::unique_ptr<Backend> open_virtual() {
    auto made = std::make_unique<VirtualLine>(board, 3'000'000, 1);
    line = made.get();
    return open_board(std::move(made), options);
  }
  template <typename Body>
  static Failure failure(Body body) {
    try {
      body();
    } catch (const Failure& thrown) {
      return thrown;
    } catch (const LinkError& thrown) {
      return {SYSTOLITH_NO_DEVICE, thrown.what()};
    }
    ADD_FAILURE() << "nothing thrown";
    return {};
  }
  /// Status and text of a failed open.
  static Failure open_failure(const std::string& uri) {
    systolith_device_t* device = nullptr;
    const systolith_status_t status = systolith_open(uri.c_str(), &device);
    EXPECT_EQ(device, nullptr);
    return {status, systolith_error()};
  }
  static void expect(const Failure& got, systolith_status_t status, const std::string& text) {
    EXPECT_EQ(got.status, status) << got.text;
    EXPECT_NE(got.text.find(text), std::string::npos) << got.text << "\nwithout: " << text;
  }
  static std::string uri(const PtyBoard& pty, const std::string& keys = ",timeout=2000") {
    return "uart:" + pty.path() + keys;
  }

  ModelTarget target{"4x4", kBase, kBytes};
  FakeBoard board{target, kBase, kBytes};
  UartOptions options{
      {"/dev/ttyTEST", 3'000'000, std::chrono::milliseconds(100), 0x10101}, true, false};
  VirtualLine* line = nullptr;
};

// ---- the backend ----

TEST_F(UartTest, OpeningResetsTheBoardAndWaitsForItsMemory) {
  board.reset_lasts = 20;
  const auto backend = open_virtual();
  EXPECT_EQ(board.resets, 1U);
  EXPECT_EQ(backend->read32(0x8024), 0U) << "the reset is over";
  EXPECT_TRUE(backend->used());
  EXPECT_EQ(backend->memory_base(), kBase);
  EXPECT_EQ(backend->memory_bytes(), kBytes);
  EXPECT_EQ(backend->read32(SYSTOLITH_REGISTER_MAGIC), SYSTOLITH_MAGIC_RESET);
  EXPECT_TRUE(backend->reset());
  EXPECT_EQ(board.resets, 2U);
}

TEST_F(UartTest, BoardThatIsTakenAsItIsIsNotReset) {
  options.reset = false;
  const auto backend = open_virtual();
  EXPECT_EQ(board.resets, 0U);
  EXPECT_FALSE(backend->used());
}

TEST_F(UartTest, DriverZeroesWhatAnEarlierProcessLeft) {
  bool zeroed = false;
  board.on_access = [&](std::uint8_t kind, std::uint64_t address, std::size_t) {
    zeroed = zeroed || (kind == 5 && address == SYSTOLITH_REGISTER_CONTROL);
    return FakeBoard::Outcome{};
  };
  DriverDevice device(open_virtual());
  EXPECT_TRUE(zeroed);
}

TEST_F(UartTest, ProgramRunsAndInterrupts) {
  DriverDevice device(open_virtual());
  device.grant(0, kBase, kBytes, 3);
  device.create_queue(3);
  const systolith_command_t commands[] = {nop(false), nop(true)};
  device.wait(device.submit(commands, 2), 1'000'000, true);
  EXPECT_EQ(device.record(1).words[0] & 0xffffffff, 1U);
  const systolith_command_t silent = nop(false);
  expect(failure([&] { device.wait(device.submit(&silent, 1), 1'000'000, true); }),
         SYSTOLITH_TIMEOUT, "no interrupt");
}

TEST_F(UartTest, CyclesAreTheBoards) {
  const auto backend = open_virtual();
  board.cycles_a_request = 1000;
  const std::uint64_t requests = board.requests;
  const std::uint64_t passed = backend->advance(100'000);
  EXPECT_GE(passed, 100'000U);
  EXPECT_LE(passed, 102'000U);
  EXPECT_EQ(board.requests - requests, 102U);
  board.cycles_a_request = 0x6000'0000;  // the low word wraps
  const std::uint64_t wrapped = backend->advance(0x2'0000'0000);
  EXPECT_GE(wrapped, 0x2'0000'0000U);
  EXPECT_LE(wrapped, 0x2'6000'0000U);
  board.cycles_a_request = 0;
  expect(failure([&] { backend->advance(1); }), SYSTOLITH_DEVICE_GONE, "stands still");
}

TEST_F(UartTest, AnotherBoardOrVersionIsRefused) {
  board.words[0x8000] = 0x12345678;
  expect(failure([&] { open_virtual(); }), SYSTOLITH_NO_DEVICE, "magic 0x12345678 instead");
  board.words[0x8000] = 0x42535953;
  board.words[0x8004] = 2;
  expect(failure([&] { open_virtual(); }), SYSTOLITH_NO_DEVICE, "the bitstream is newer");
  board.words[0x8004] = 1;
  board.words[0x8018] = 0;
  expect(failure([&] { open_virtual(); }), SYSTOLITH_NO_DEVICE, "0 bytes of memory");
}

TEST_F(UartTest, MemoryThatDoesNotBecomeReady) {
  board.memory_ready = false;
  expect(failure([&] { open_virtual(); }), SYSTOLITH_NO_DEVICE, "does not become ready");
}

TEST_F(UartTest, FailuresHaveTheirStatus) {
  const auto backend = open_virtual();
  FakeBoard::Outcome outcome{FakeBoard::bus_timeout, 0x1004};
  board.on_access = [&](std::uint8_t, std::uint64_t, std::size_t) { return outcome; };
  expect(failure([&] { backend->read32(0x1004); }), SYSTOLITH_DEVICE_GONE, "does not answer");
  outcome = {FakeBoard::bus_error, kBase + 3};
  backend->write(kBase, "abcd", 4);
  expect(failure([&] { backend->barrier(); }), SYSTOLITH_DEVICE_GONE, "error at 0x80000003");
  outcome = {FakeBoard::refused, 0};
  expect(failure([&] { backend->read32(0x1004); }), SYSTOLITH_INTERNAL, "refuses");
  outcome = {};
  EXPECT_NO_THROW(backend->read32(0x1004));
  for (const std::uint32_t offset : {2U, 0x2000U, 0x7ffcU, 0x8100U})
    expect(failure([&] { backend->read32(offset); }), SYSTOLITH_BAD_ARGUMENT, "is no register");
  board.power_cycle();
  expect(failure([&] { backend->interrupt(); }), SYSTOLITH_DEVICE_GONE, "was reset");
}

TEST_F(UartTest, UriHasItsPathBeforeTheKeys) {
  const Uri parsed = Uri::parse("uart:/dev/serial/by-id/a=b:c,baud=115200,rows=8");
  EXPECT_EQ(parsed.path, "/dev/serial/by-id/a=b:c");
  EXPECT_EQ(parsed.number("baud", 0), 115200U);
  EXPECT_EQ(Uri::parse("uart:").path, "");
  EXPECT_EQ(Uri::parse("uart:,baud=9600").number("baud", 0), 9600U);
  EXPECT_THROW(Uri::parse("uart:/dev/ttyUSB0,baud"), std::invalid_argument);
  EXPECT_THROW(Uri::parse("sim:/dev/ttyUSB0"), std::invalid_argument);
}

// ---- a whole device over a pseudo-terminal ----

TEST_F(UartTest, OpensAndCopies) {
  PtyBoard pty(board);
  for (int round = 0; round < 2; ++round) {  // the port is free again after a close
    Device device(uri(pty));
    EXPECT_EQ(device.capabilities().rows, 4U);
    EXPECT_EQ(device.capabilities().memory_bytes, kBytes);
    const Octets data = pattern(100'001);
    Octets back(data.size());
    const std::uint64_t at = device.allocate(data.size());
    device.copy_in(at, data.data(), data.size());
    device.copy_out(at, back.data(), back.size());
    EXPECT_EQ(back, data);
    device.grant(0, kBase, kBytes);
    device.create_queue(3);
    device.wait(device.submit({nop(false)}));
    device.reset_device();
    EXPECT_EQ(board.resets, 2U * static_cast<unsigned>(round) + 2);
  }
}

// Writes need no answer before the next is sent, but before the call returns.
TEST_F(UartTest, EachCallSaysWhatItsWritesFailedWith) {
  PtyBoard pty(board);
  Device device(uri(pty));
  board.on_access = [](std::uint8_t kind, std::uint64_t address, std::size_t) {
    return kind == 3 || address == SYSTOLITH_REGISTER_BUS_TIMEOUT
               ? FakeBoard::Outcome{FakeBoard::bus_error, address}
               : FakeBoard::Outcome{};
  };
  EXPECT_EQ(systolith_copy_in(device.handle(), kBase, "x", 1), SYSTOLITH_DEVICE_GONE);
  EXPECT_EQ(systolith_write_register(device.handle(), SYSTOLITH_REGISTER_BUS_TIMEOUT, 1),
            SYSTOLITH_DEVICE_GONE);
  EXPECT_EQ(systolith_grant(device.handle(), 0, kBase, kBytes, 3), SYSTOLITH_OK);
}

TEST_F(UartTest, SizesAndKeysAreChecked) {
  PtyBoard pty(board);
  expect(open_failure(uri(pty, ",rows=16")), SYSTOLITH_NO_DEVICE, "rows=16");
  expect(open_failure(uri(pty, ",colour=red")), SYSTOLITH_NO_DEVICE, "known are baud");
  expect(open_failure(uri(pty, ",baud=100")), SYSTOLITH_NO_DEVICE, "1200 to 12000000");
  expect(open_failure("uart:"), SYSTOLITH_NO_DEVICE, "uart:/dev/ttyUSB0");
}

TEST_F(UartTest, WrongBaudRate) {
  PtyBoard pty(board, PtyBoard::Mode::garbage);
  expect(open_failure(uri(pty, ",timeout=10,baud=115200")), SYSTOLITH_NO_DEVICE,
         "The baud rate (115200) is wrong");
}

TEST_F(UartTest, NothingAnswers) {
  PtyBoard pty(board, PtyBoard::Mode::silent);
  expect(open_failure(uri(pty, ",timeout=10")), SYSTOLITH_NO_DEVICE,
         "nothing answers on " + pty.path());
}

TEST_F(UartTest, SomethingElseAnswers) {
  board.words[0x8000] = 0;
  PtyBoard pty(board);
  expect(open_failure(uri(pty)), SYSTOLITH_NO_DEVICE, "is no Systolith board");
  board.words[0x8000] = 0x42535953;
  target.registers[SYSTOLITH_REGISTER_MAGIC] = 7;
  expect(open_failure(uri(pty)), SYSTOLITH_NO_DEVICE, "not a Systolith device");
}

TEST_F(UartTest, NewerLink) {
  board.link_version = 2;
  PtyBoard pty(board);
  expect(open_failure(uri(pty)), SYSTOLITH_NO_DEVICE, "the bitstream is newer");
}

TEST_F(UartTest, UnpluggedWhileOpen) {
  PtyBoard pty(board);
  Device device(uri(pty));
  const Octets data = pattern(500'000);
  pty.unplug_after(3);
  EXPECT_EQ(systolith_copy_in(device.handle(), kBase, data.data(), data.size()),
            SYSTOLITH_DEVICE_GONE);
  EXPECT_NE(std::string(systolith_error()).find(pty.path() + " is gone"), std::string::npos)
      << systolith_error();
  std::uint32_t value = 0;
  EXPECT_EQ(systolith_read_register(device.handle(), 0, &value), SYSTOLITH_DEVICE_GONE);
  EXPECT_NO_THROW(device.free(device.allocate(64))) << "needs no board";
}

TEST_F(UartTest, UnpluggedBetweenCalls) {
  PtyBoard pty(board);
  Device device(uri(pty));
  pty.unplug();
  std::uint32_t value = 0;
  EXPECT_EQ(systolith_read_register(device.handle(), 0, &value), SYSTOLITH_DEVICE_GONE);
  EXPECT_NE(std::string(systolith_error()).find("is gone"), std::string::npos) << systolith_error();
}

TEST_F(UartTest, BoardResetInMidCall) {
  PtyBoard pty(board);
  Device device(uri(pty));
  const std::uint64_t before = board.requests;
  board.on_request = [&] {
    if (board.requests == before + 5) board.power_cycle();
  };
  const Octets data = pattern(20'000);
  EXPECT_EQ(systolith_copy_in(device.handle(), kBase, data.data(), data.size()),
            SYSTOLITH_DEVICE_GONE);
  EXPECT_NE(std::string(systolith_error()).find("open it again"), std::string::npos);
}

// ---- ports that can't be opened ----

TEST_F(UartTest, BusyPortNamesWhoHasIt) {
  PtyBoard pty(board);
  Device device(uri(pty));
  const Failure f = open_failure(uri(pty));
  expect(f, SYSTOLITH_NO_DEVICE, "is in use by ");
  expect(f, SYSTOLITH_NO_DEVICE, "(process " + std::to_string(getpid()) + ")");
}

TEST_F(UartTest, PortWithoutPermissionNamesItsGroup) {
  PtyBoard pty(board);
  chmod(pty.path().c_str(), 0);
  const bool root = geteuid() == 0;
  ASSERT_EQ(root ? seteuid(65534) : 0, 0);
  const Failure f = open_failure(uri(pty));
  ASSERT_EQ(root ? seteuid(0) : 0, 0);
  expect(f, SYSTOLITH_NO_DEVICE, "no permission for " + pty.path());
  expect(f, SYSTOLITH_NO_DEVICE, "sudo usermod -aG ");
  expect(f, SYSTOLITH_NO_DEVICE, "udev rule");
}

TEST_F(UartTest, NoSuchPortListsThoseThatAre) {
  const Failure f = open_failure("uart:/dev/ttyUSB999");
  expect(f, SYSTOLITH_NO_DEVICE, "there is no port '/dev/ttyUSB999'; ");
  expect(f, SYSTOLITH_NO_DEVICE, list_ports());
  expect(open_failure("uart:ttyUSB0"), SYSTOLITH_NO_DEVICE, "there is no port 'ttyUSB0'");
}

TEST_F(UartTest, FilesAreNoSerialLines) {
  expect(open_failure("uart:/dev/null"), SYSTOLITH_NO_DEVICE, "is not a serial line");
  expect(open_failure("uart:/dev"), SYSTOLITH_NO_DEVICE, "is a folder");
  const std::string file = testing::TempDir() + "no_serial_line";
  ::close(::open(file.c_str(), O_CREAT | O_RDWR, 0600));
  expect(open_failure("uart:" + file), SYSTOLITH_NO_DEVICE, "is not a serial line");
  ::unlink(file.c_str());
}

TEST(SerialPort, PassesEveryByteAndKeepsDeadlines) {
  const int other = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(other, 0);
  ASSERT_EQ(grantpt(other) + unlockpt(other), 0);
  char name[128];
  ASSERT_EQ(ptsname_r(other, name, sizeof name), 0);
  // A line as a shell has it, with a line of text in it that was not echoed.
  const int holder = ::open(name, O_RDWR | O_NOCTTY);
  termios usual{}, silent{};
  ASSERT_EQ(tcgetattr(holder, &usual), 0);
  silent = usual;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  tcsetattr(holder, TCSANOW, &silent);
  ASSERT_EQ(::write(other, "old\n", 4), 4);
  pollfd waiting{holder, POLLIN, 0};
  ASSERT_EQ(poll(&waiting, 1, 5000), 1);
  tcsetattr(holder, TCSANOW, &usual);
  SerialPort port(name, 3'000'000);
  std::uint8_t bytes[300];
  const auto deadline = port.now() + std::chrono::milliseconds(20);
  EXPECT_EQ(port.read(bytes, sizeof bytes, deadline), 0U) << "what was there before is dropped";
  EXPECT_GE(port.now(), deadline);
  Octets all(256);
  for (int i = 0; i < 256; ++i) all[i] = static_cast<std::uint8_t>(i);
  for (const bool inward : {true, false}) {
    if (inward)
      ASSERT_EQ(::write(other, all.data(), 256), 256);
    else
      port.write(all.data(), 256);
    Octets got;
    while (got.size() < 256) {
      const std::size_t count =
          inward ? port.read(bytes, sizeof bytes, port.now() + std::chrono::seconds(5))
                 : static_cast<std::size_t>(::read(other, bytes, sizeof bytes));
      ASSERT_GT(count, 0U);
      got.insert(got.end(), bytes, bytes + count);
    }
    EXPECT_EQ(got, all) << "neither echo nor control characters nor flow control";
  }
  ::close(other);
  ::close(holder);
  try {
    port.read(bytes, sizeof bytes, port.now() + std::chrono::seconds(1));
    FAIL();
  } catch (const LinkError& error) {
    EXPECT_EQ(error.fault(), LinkFault::gone);
  }
}

}  // namespace
}  // namespace systolith::driver
