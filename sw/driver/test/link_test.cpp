// The link against a board written from docs/link.md, over a line in virtual time.
#include "link.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "virtual_line.hpp"

namespace systolith::driver {
namespace {

using std::chrono::milliseconds;
using test::ArrayTarget;
using test::FakeBoard;
using test::Octets;
using test::pattern;
using test::VirtualLine;

constexpr std::uint64_t kBase = 0x80000000;
constexpr std::size_t kBytes = 1 << 17;
constexpr std::uint32_t kBaud = 3'000'000;
constexpr std::uint32_t kDraw = 0xf81234;  // numbers wrap soon

class LinkTest : public testing::Test {
 protected:
  Link open() { return Link(line, {"/dev/ttyTEST", kBaud, milliseconds(100), kDraw}); }
  /// What opening, or a call, throws.
  template <typename Body>
  LinkError error(Body body) {
    try {
      body();
    } catch (const LinkError& thrown) {
      return thrown;
    }
    ADD_FAILURE() << "nothing thrown";
    return LinkError(LinkFault::port, "");
  }
  LinkError open_error() {
    return error([&] { open(); });
  }
  static bool says(const LinkError& thrown, const std::string& text) {
    return std::string(thrown.what()).find(text) != std::string::npos;
  }

  ArrayTarget target{kBytes};
  FakeBoard board{target, kBase, kBytes};
  VirtualLine line{board, kBaud, 1};
};

TEST_F(LinkTest, BlocksOfAnySizeAndAlignmentArrive) {
  Link link = open();
  EXPECT_EQ(link.payload(), 512U);
  for (const std::size_t bytes : {1U, 3U, 511U, 512U, 513U, 1024U, 20000U}) {
    for (const std::uint64_t offset : {0U, 1U, 4093U}) {
      const Octets data = pattern(bytes, static_cast<std::uint32_t>(bytes + offset));
      Octets back(bytes);
      link.write_memory(kBase + offset, data.data(), bytes);
      link.read_memory(kBase + offset, back.data(), bytes);
      EXPECT_EQ(back, data) << bytes << " at " << offset;
      EXPECT_EQ(std::memcmp(target.memory() + offset, data.data(), bytes), 0);
    }
  }
  EXPECT_EQ(link.statistics().repeated + link.statistics().stale + link.statistics().bad, 0U);
  EXPECT_EQ(board.repetitions + board.frames_bad + board.gaps, 0U);
}

TEST_F(LinkTest, RegistersKeepOrderWithMemory) {
  Link link = open();
  board.writes.clear();
  link.write_memory(kBase, "abc", 3);
  link.write_register(0x1010, 0x11223344);
  link.write_memory(kBase + 3, "d", 1);
  EXPECT_EQ(link.read_register(0x1010), 0x11223344U);
  const std::vector<FakeBoard::Write> expected = {
      {kBase, {'a', 'b', 'c'}}, {0x1010, {0x44, 0x33, 0x22, 0x11}}, {kBase + 3, {'d'}}};
  EXPECT_EQ(board.writes, expected);
  target.registers[0x18] = 5;
  const std::uint32_t offsets[] = {0x18, 0x1010, 0x8000};
  std::uint32_t values[3];
  link.read_registers(offsets, values);
  EXPECT_EQ(values[0], 5U);
  EXPECT_EQ(values[1], 0x11223344U);
  EXPECT_EQ(values[2], 0x42535953U);
}

TEST_F(LinkTest, SixteenRequestsAreOpenAndReadsNeverWithWrites) {
  Link link = open();
  Octets data = pattern(40'000, 3);
  link.write_memory(kBase, data.data(), data.size());
  link.read_memory(kBase, data.data(), data.size());
  link.write_memory(kBase, data.data(), 100);
  link.read_register(0);
  EXPECT_EQ(line.most_open, 16U);
  EXPECT_FALSE(line.mixed);
}

TEST_F(LinkTest, BoardWithASmallerWindowGetsNoMore) {
  board.window = 3;
  Link link = open();
  const Octets data = pattern(40'000, 3);
  link.write_memory(kBase, data.data(), data.size());
  link.flush();
  EXPECT_EQ(line.most_open, 3U);
}

struct Busy {
  double line;  // share of the time from first to last byte in which the line carries one
  double call;  // of the time that the call takes
};

// While a block of 64 KiB goes over it.
Busy busy(VirtualLine& line, FakeBoard& board, bool reading, std::uint32_t baud) {
  Link link(line, {"/dev/ttyTEST", baud, milliseconds(100), kDraw});
  Octets data = pattern(65536, 4);
  VirtualLine::Direction& way = reading ? line.to_host : line.to_board;
  const auto before = way.busy;
  const auto start = line.now();
  way.first = VirtualLine::Time{-1};
  if (reading) {
    link.read_memory(kBase, data.data(), data.size());
  } else {
    link.write_memory(kBase, data.data(), data.size());
    link.flush();
  }
  EXPECT_EQ(board.repetitions, 0U);
  const auto share = [&](auto time) {
    return static_cast<double>((way.busy - before).count()) / static_cast<double>(time.count());
  };
  return {share(way.free - way.first), share(line.now() - start)};
}

TEST_F(LinkTest, LineStaysBusyWhileAChipHoldsAnswersBack) {
  line.to_host.delay = milliseconds(16);
  for (const bool reading : {false, true}) {
    const Busy got = busy(line, board, reading, kBaud);
    EXPECT_GE(got.line, 0.99) << reading;
    EXPECT_GE(got.call, 0.90) << reading;
  }
}

// 16 frames of 536 bytes take 28.6 ms of a round trip of 33.8 ms: a window gives no more.
TEST_F(LinkTest, LineStaysBusyWithDelaysInBothDirections) {
  line.to_host.delay = line.to_board.delay = milliseconds(16);
  for (const bool reading : {false, true}) {
    const Busy got = busy(line, board, reading, kBaud);
    EXPECT_GE(got.line, 0.85) << reading;
    EXPECT_GE(got.call, 0.75) << reading << ", the last answer's way included";
  }
}

TEST_F(LinkTest, SlowLinesAreNotTakenForSilentOnes) {
  VirtualLine slow(board, 9600, 1);
  EXPECT_GE(busy(slow, board, false, 9600).call, 0.99);
  EXPECT_GE(busy(slow, board, true, 9600).call, 0.99);
}

// ---- what the line does ----

TEST_F(LinkTest, SilenceOfHalfASecondIsBridged) {
  Link link = open();
  for (VirtualLine::Direction* way : {&line.to_board, &line.to_host}) {
    way->mute_from = line.now() + milliseconds(3);
    way->mute_to = line.now() + milliseconds(503);
    const Octets data = pattern(20'000, 5);
    Octets back(data.size());
    board.writes.clear();
    link.write_memory(kBase, data.data(), data.size());
    link.read_memory(kBase, back.data(), back.size());
    EXPECT_EQ(back, data);
    EXPECT_EQ(board.writes.size(), 40U) << "each write once";
  }
  EXPECT_GE(link.statistics().timeouts, 6U);
}

TEST_F(LinkTest, LostRequestIsRepeatedAtOnceByTheGap) {
  Link link = open();
  const Octets data = pattern(20'000, 6);
  link.write_memory(kBase, data.data(), 512);
  line.to_board.mute_from = line.to_board.free;
  line.to_board.mute_to = line.to_board.free + std::chrono::microseconds(100);
  link.write_memory(kBase, data.data(), data.size());
  link.flush();
  EXPECT_EQ(link.statistics().timeouts, 0U);
  EXPECT_EQ(link.statistics().gaps, 1U);
  EXPECT_LE(link.statistics().repeated, 16U);
  EXPECT_LT(line.now(), milliseconds(130));
}

TEST_F(LinkTest, RepetitionsAfterATimeoutStartWithAZeroAndTheOldest) {
  Link link = open();
  link.flush();
  line.keep_written = true;
  line.to_board.mute_from = line.now();
  line.to_board.mute_to = line.now() + milliseconds(50);
  link.write_memory(kBase, pattern(1200, 7).data(), 1200);
  link.flush();
  ASSERT_EQ(line.written.size(), 4U);
  EXPECT_EQ(line.written[0][0], 0) << "after silence";
  EXPECT_NE(line.written[1][0], 0);
  Octets all;
  for (int i = 0; i < 3; ++i) all.insert(all.end(), line.written[i].begin(), line.written[i].end());
  EXPECT_EQ(line.written[3], all);
}

TEST_F(LinkTest, AnswersOfAnEarlierProcessAreTold) {
  const Octets stale = {0x81, 0xf8, 0x99, 0x99, 9, 0, 16, 0, 16, 0, 0,
                        0,    0,    1,    0,    0, 0, 0,  0, 0,  0, 0};
  for (const std::uint8_t byte : test::frame_of(stale)) line.to_host.queue.emplace_back(0, byte);
  Link link = open();
  EXPECT_EQ(link.payload(), 512U);
  EXPECT_EQ(link.statistics().stale, 1U);
}

TEST_F(LinkTest, NoiseWithoutAZeroIsSkipped) {
  Link link = open();
  for (int i = 0; i < 5000; ++i) line.to_host.queue.emplace_back(line.now(), 0x55);
  EXPECT_EQ(link.read_register(0x8000), 0x42535953U) << "the next frame ends it";
  EXPECT_EQ(link.read_register(0x8004), 1U);
  EXPECT_EQ(link.statistics().bad, 1U);
}

// Right frames that no board sends.
TEST_F(LinkTest, AnswersOfAWrongShapeAreNotTaken) {
  Link link = open();
  const auto inject = [&](Octets content) {
    for (const std::uint8_t byte : test::frame_of(content))
      line.to_host.queue.emplace_back(line.now(), byte);
  };
  const std::uint8_t number = 0xf9;  // of the next request
  const auto answer = [&](std::uint8_t kind, std::size_t data, std::uint8_t status) {
    Octets content = {kind, number, 0x34, 0x12};
    content.insert(content.end(), data, 0xee);
    content.push_back(status);
    content.insert(content.end(), 9, 0);
    return content;
  };
  inject({0x84, number, 0x34, 0x12});  // too short
  inject(answer(0x84, 3, 0));          // data too short
  inject(answer(0x84, 5, 0));          // too long
  inject(answer(0x84, 0, 0));          // none
  inject(answer(0x84, 4, 1));          // data where there is none
  inject(answer(0x84, 4, 6));          // an unknown status
  inject(answer(0x85, 0, 0));          // of another kind
  inject(answer(0x82, 4, 0));          // of another kind
  Octets other = answer(0x84, 4, 0);   // of another session
  other[2] = 0x35;
  inject(other);
  EXPECT_EQ(link.read_register(0x8000), 0x42535953U);
  EXPECT_EQ(link.statistics().bad, 6U);
  EXPECT_EQ(link.statistics().stale, 3U);
}

// ---- what a call fails with ----

TEST_F(LinkTest, NothingAnswers) {
  line.to_host.mute_to = std::chrono::hours(1);
  const LinkError thrown = open_error();
  EXPECT_EQ(thrown.fault(), LinkFault::no_answer);
  EXPECT_TRUE(says(thrown, "nothing answers on /dev/ttyTEST at 3000000 baud")) << thrown.what();
  EXPECT_TRUE(says(thrown, "powered"));
  EXPECT_EQ(board.requests, 9U) << "the request and 8 repetitions";
  EXPECT_GE(line.now(), milliseconds(900));
  EXPECT_LE(line.now(), milliseconds(910));
}

TEST_F(LinkTest, GarbageAnswers) {
  line.mode = VirtualLine::Mode::garbage;
  const LinkError thrown = open_error();
  EXPECT_EQ(thrown.fault(), LinkFault::no_answer);
  EXPECT_TRUE(says(thrown, "The baud rate (3000000) is wrong")) << thrown.what();
}

TEST_F(LinkTest, LineIsLooped) {
  line.mode = VirtualLine::Mode::echo;
  const LinkError thrown = open_error();
  EXPECT_EQ(thrown.fault(), LinkFault::no_answer);
  EXPECT_TRUE(says(thrown, "sends back what it is sent")) << thrown.what();
}

TEST_F(LinkTest, AnotherVersionSaysWhichIsNewer) {
  board.link_version = 2;
  LinkError thrown = open_error();
  EXPECT_EQ(thrown.fault(), LinkFault::version);
  EXPECT_TRUE(says(thrown, "version 2 of the link, this driver version 1: the bitstream is newer"))
      << thrown.what();
  board.link_version = 0;
  EXPECT_TRUE(says(open_error(), "the bitstream is older"));
}

TEST_F(LinkTest, BoardThatMakesNoSense) {
  board.payload = 15;
  EXPECT_EQ(open_error().fault(), LinkFault::no_board);
  board.payload = 512;
  board.window = 0;
  EXPECT_EQ(open_error().fault(), LinkFault::no_board);
}

TEST_F(LinkTest, SilenceInMidCallEndsTheSession) {
  Link link = open();
  line.to_board.mute_to = std::chrono::hours(1);
  line.to_board.mute_from = line.now();
  Octets data(5000);
  const LinkError thrown = error([&] { link.read_memory(kBase, data.data(), data.size()); });
  EXPECT_EQ(thrown.fault(), LinkFault::no_answer);
  EXPECT_TRUE(says(thrown, "no answer from the board on /dev/ttyTEST to 8 repetitions"));
  line.to_board.mute_to = line.now();
  EXPECT_EQ(error([&] { link.write_register(0, 0); }).fault(), LinkFault::no_answer) << "over";
  EXPECT_EQ(error([&] { link.flush(); }).fault(), LinkFault::no_answer);
}

TEST_F(LinkTest, ResetInMidTransferEndsTheSession) {
  Link link = open();
  const std::uint64_t before = board.requests;
  board.on_request = [&] {
    if (board.requests == before + 10) board.power_cycle();
  };
  const Octets data = pattern(20'000, 8);
  const LinkError thrown = error([&] {
    link.write_memory(kBase, data.data(), data.size());
    link.flush();
  });
  EXPECT_EQ(thrown.fault(), LinkFault::no_session);
  EXPECT_TRUE(says(thrown, "was reset")) << thrown.what();
  EXPECT_EQ(board.writes.size(), 9U);
  EXPECT_TRUE(link.over());
  EXPECT_EQ(error([&] { link.read_register(0); }).fault(), LinkFault::no_session);
  Link again(line, {"/dev/ttyTEST", kBaud, milliseconds(100), kDraw + 1});
  EXPECT_EQ(board.writes.size(), 9U) << "nothing is repeated across sessions";
  again.write_register(0, 1);
  EXPECT_EQ(again.read_register(0), 1U);
}

TEST_F(LinkTest, AnotherProcessTakesTheSession) {
  Link link = open();
  link.write_register(0, 1);
  link.flush();
  board.inject({1, 7, 0x55, 0x55, 0, 0, 0, 0, 'S', 'L', 'N', 'K', 1, 0, 0, 0});
  const LinkError thrown = error([&] { link.read_register(0); });
  EXPECT_EQ(thrown.fault(), LinkFault::no_session);
  EXPECT_TRUE(says(thrown, "another process took its line"));
}

TEST_F(LinkTest, LongFramesThatNeverGetThroughEndTheSession) {
  Link link = open();
  // As on a line that damages what is long: gaps are answered, but no write.
  board.payload = 100;
  const Octets data = pattern(512, 9);
  const LinkError thrown = error([&] {
    link.write_memory(kBase, data.data(), data.size());
    link.write_register(0, 0);
    link.flush();
  });
  EXPECT_EQ(thrown.fault(), LinkFault::repetitions);
  EXPECT_TRUE(says(thrown, "lower baud rate")) << thrown.what();
  EXPECT_TRUE(board.writes.empty());
}

TEST_F(LinkTest, UnpluggedLine) {
  Link link = open();
  line.unplugged = true;
  EXPECT_EQ(error([&] { link.read_register(0); }).fault(), LinkFault::gone);
  EXPECT_EQ(error([&] { link.flush(); }).fault(), LinkFault::gone);
}

TEST_F(LinkTest, BusErrorsNameTheAddressAndTheSessionGoesOn) {
  Link link = open();
  board.on_access = [](std::uint8_t kind, std::uint64_t address, std::size_t length) {
    const std::uint64_t bad = kBase + 1030;
    if (kind <= 3 && address <= bad && bad < address + length)
      return FakeBoard::Outcome{FakeBoard::bus_error, bad};
    return FakeBoard::Outcome{};
  };
  Octets data = pattern(4000, 10);
  LinkError thrown = error([&] { link.read_memory(kBase, data.data(), data.size()); });
  EXPECT_EQ(thrown.fault(), LinkFault::bus_error);
  EXPECT_TRUE(says(thrown, "read of 512 bytes of device memory at 0x80000400")) << thrown.what();
  EXPECT_TRUE(says(thrown, "error at 0x80000406"));
  link.write_memory(kBase, data.data(), data.size());
  EXPECT_TRUE(says(error([&] { link.flush(); }), "write of 512 bytes"));
  EXPECT_NO_THROW(link.flush()) << "said once";
  link.write_register(4, 77);
  EXPECT_EQ(link.read_register(4), 77U);
}

TEST_F(LinkTest, BusTimeoutsNameTheRegister) {
  Link link = open();
  board.on_access = [](std::uint8_t kind, std::uint64_t address, std::size_t) {
    return kind >= 4 ? FakeBoard::Outcome{FakeBoard::bus_timeout, address} : FakeBoard::Outcome{};
  };
  const LinkError thrown = error([&] { link.read_register(0x1018); });
  EXPECT_EQ(thrown.fault(), LinkFault::bus_timeout);
  EXPECT_TRUE(says(thrown, "read of the register at 0x1018")) << thrown.what();
  EXPECT_TRUE(says(thrown, "systolith_reset_device"));
}

TEST_F(LinkTest, RefusedRequestsSayWhich) {
  Link link = open();
  const LinkError thrown = error([&] { link.read_register(0x7000); });
  EXPECT_EQ(thrown.fault(), LinkFault::refused);
  EXPECT_TRUE(says(thrown, "the register at 0x7000")) << thrown.what();
  EXPECT_EQ(link.read_register(0), 0U);
}

// What a write failed with is kept, so its answer may be lost.
TEST_F(LinkTest, LostAnswerOfAFailedWriteIsNotLost) {
  Link link = open();
  unsigned accesses = 0;
  board.on_access = [&](std::uint8_t, std::uint64_t address, std::size_t) {
    ++accesses;
    return FakeBoard::Outcome{FakeBoard::bus_error, address};
  };
  line.to_host.mute_from = line.now();
  line.to_host.mute_to = line.now() + milliseconds(50);
  link.write_memory(kBase, "x", 1);
  EXPECT_EQ(error([&] { link.flush(); }).fault(), LinkFault::bus_error);
  EXPECT_EQ(accesses, 1U);
  EXPECT_EQ(board.repetitions, 1U);
}

}  // namespace
}  // namespace systolith::driver
