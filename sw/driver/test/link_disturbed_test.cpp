// The link over lines that flip, lose, repeat and invent: no wrong data, each write once, in order.
#include <gtest/gtest.h>

#include <cstring>

#include "link.hpp"
#include "virtual_line.hpp"

namespace systolith::driver {
namespace {

using test::ArrayTarget;
using test::FakeBoard;
using test::Octets;
using test::pattern;
using test::VirtualLine;

constexpr std::uint64_t kBase = 0x80000000;
constexpr std::uint32_t kBaud = 3'000'000;

struct Case {
  std::size_t payload;
  double to_board, to_host;
};

class DisturbedLine : public testing::TestWithParam<Case> {
 protected:
  ArrayTarget target{8192};
  FakeBoard board{target, kBase, 8192};
  VirtualLine line{board, kBaud, 1};
};

// Random reads and writes beside a copy of what the board should hold.
TEST_P(DisturbedLine, LosesRepeatsAndInventsNothing) {
  const Case& c = GetParam();
  board.payload = c.payload;
  line.to_board.damaged = c.to_board;
  line.to_host.damaged = c.to_host;
  std::mt19937 random(static_cast<std::uint32_t>(c.payload));
  Octets memory(8192, 0);
  std::map<std::uint32_t, std::uint32_t> registers;
  std::vector<FakeBoard::Write> expected;
  Link link(line, {"/dev/ttyTEST", kBaud, std::chrono::milliseconds(100), 0xf81234});
  unsigned calls = 0;
  const auto damaged = [&] { return line.to_board.frames_damaged + line.to_host.frames_damaged; };
  while (damaged() < 2000) {
    ++calls;
    const std::size_t at = random() % memory.size();
    const std::size_t bytes = random() % std::min(memory.size() - at, 40 * c.payload) + 1;
    const std::uint32_t offset = 4 * (random() % 16);
    switch (random() % 5) {
      case 0:
      case 1: {
        const Octets data = pattern(bytes, random());
        link.write_memory(kBase + at, data.data(), bytes);
        std::copy(data.begin(), data.end(), memory.begin() + static_cast<std::ptrdiff_t>(at));
        for (std::size_t i = 0; i < bytes; i += c.payload)
          expected.push_back(
              {kBase + at + i,
               Octets(data.begin() + static_cast<std::ptrdiff_t>(i),
                      data.begin() + static_cast<std::ptrdiff_t>(std::min(bytes, i + c.payload)))});
        break;
      }
      case 2: {
        Octets back(bytes);
        link.read_memory(kBase + at, back.data(), bytes);
        ASSERT_TRUE(
            std::equal(back.begin(), back.end(), memory.begin() + static_cast<std::ptrdiff_t>(at)));
        break;
      }
      case 3: {
        const std::uint32_t value = random();
        link.write_register(offset, value);
        registers[offset] = value;
        Octets data(4);
        std::memcpy(data.data(), &value, 4);
        expected.push_back({offset, data});
        break;
      }
      default:
        ASSERT_EQ(link.read_register(offset), registers[offset]);
    }
  }
  link.flush();
  ASSERT_EQ(board.writes.size(), expected.size());
  EXPECT_EQ(board.writes, expected) << "each write once, in order";
  EXPECT_LE(line.most_open, 16U);
  EXPECT_FALSE(line.mixed);
  EXPECT_GT(link.statistics().repeated, 0U);
  RecordProperty("frames_damaged", static_cast<int>(damaged()));
  RecordProperty("calls", static_cast<int>(calls));
}

INSTANTIATE_TEST_SUITE_P(Lines, DisturbedLine,
                         testing::Values(Case{16, 0.1, 0}, Case{64, 0, 0.1}, Case{512, 0.1, 0.1},
                                         Case{1008, 0.05, 0.05}, Case{200, 0.25, 0.25},
                                         Case{253, 0.03, 0.03}));

}  // namespace
}  // namespace systolith::driver
