// COBS, CRC and frames, against vectors of the page and a codec written from it.
#include "frame.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "fake_board.hpp"

namespace systolith::driver {
namespace {

using test::Octets;

Octets run(std::size_t bytes, std::uint8_t first = 1) {
  Octets out(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    out[i] = static_cast<std::uint8_t>((first + i - 1) % 255 + 1);
  return out;
}

Octets join(std::initializer_list<Octets> parts) {
  Octets out;
  for (const Octets& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

TEST(Cobs, GoldenVectors) {
  const std::pair<Octets, Octets> vectors[] = {
      {{}, {0x01}},
      {{0x00}, {0x01, 0x01}},
      {{0x00, 0x00}, {0x01, 0x01, 0x01}},
      {{0x00, 0x11, 0x00}, {0x01, 0x02, 0x11, 0x01}},
      {{0x11, 0x22, 0x00, 0x33}, {0x03, 0x11, 0x22, 0x02, 0x33}},
      {{0x11, 0x22, 0x33, 0x44}, {0x05, 0x11, 0x22, 0x33, 0x44}},
      {{0x11, 0x00, 0x00, 0x00}, {0x02, 0x11, 0x01, 0x01, 0x01}},
      {run(253), join({{0xfe}, run(253)})},
      {join({{0}, run(254)}), join({{0x01, 0xff}, run(254), {0x01}})},
      {run(254), join({{0xff}, run(254), {0x01}})},
      {join({run(254), {0}}), join({{0xff}, run(254), {0x01, 0x01}})},
      {run(255), join({{0xff}, run(254), {0x02, 0xff}})},
      {join({run(253, 2), {0}}), join({{0xfe}, run(253, 2), {0x01}})},
      {join({run(253, 3), {0, 1}}), join({{0xfe}, run(253, 3), {0x02, 0x01}})},
      {run(508), join({{0xff}, run(254), {0xff}, run(254, 255), {0x01}})},
  };
  for (const auto& [data, code] : vectors) {
    EXPECT_EQ(cobs_encode(data), code) << data.size() << " bytes";
    EXPECT_EQ(cobs_decode(code), data) << data.size() << " bytes";
  }
}

TEST(Cobs, RunOf254AtTheEndIsReceivedWithAndWithoutItsCode) {
  EXPECT_EQ(cobs_decode(join({{0xff}, run(254)})), run(254));
  EXPECT_EQ(cobs_decode(join({{0xff}, run(254), {0x01}})), run(254));
}

TEST(Cobs, CodesThatAreCutShortAreRefused) {
  EXPECT_FALSE(cobs_decode(Octets{0x02}));
  EXPECT_FALSE(cobs_decode(Octets{0x03, 0x11}));
  EXPECT_FALSE(cobs_decode(Octets{0x02, 0x11, 0xff, 0x22}));
  EXPECT_FALSE(cobs_decode(Octets{0x00, 0x01}));
  EXPECT_FALSE(cobs_decode(Octets{0x03, 0x11, 0x00}));
}

TEST(Cobs, AnyLengthAndContentComesBackAndHasNoZero) {
  std::mt19937 random(1);
  for (std::size_t bytes = 0; bytes < 1100; ++bytes) {
    Octets data(bytes);
    const std::uint32_t zeros = random() % 300;  // one in as many bytes
    for (auto& byte : data)
      byte =
          static_cast<std::uint8_t>(zeros != 0 && random() % zeros == 0 ? 0 : random() % 255 + 1);
    const Octets code = cobs_encode(data);
    EXPECT_EQ(std::count(code.begin(), code.end(), 0), 0);
    EXPECT_EQ(cobs_decode(code), data);
    EXPECT_EQ(test::unstuff(code), data);
    EXPECT_EQ(cobs_decode(test::stuff(data)), data);
    EXPECT_LE(encode_frame(data).size(), line_bytes(bytes));
  }
}

TEST(FrameCrc, IsThatOfEthernet) {
  const std::string check = "123456789";
  EXPECT_EQ(frame_crc(Octets(check.begin(), check.end())), 0xcbf43926U);
  EXPECT_EQ(frame_crc(Octets{0}), 0xd202ef8dU);
  EXPECT_EQ(frame_crc(Octets(32, 0xff)), 0xff6cab0bU);
}

TEST(Frame, HoldsItsContentAndTheCrcLowestByteFirst) {
  const std::string check = "123456789";
  Octets expected{0x0e};
  expected.insert(expected.end(), check.begin(), check.end());
  for (const std::uint8_t byte : {0x26, 0x39, 0xf4, 0xcb, 0x00}) expected.push_back(byte);
  EXPECT_EQ(encode_frame(Octets(check.begin(), check.end())), expected);
}

TEST(Frame, WithoutContentOrWithAWrongCrcIsDropped) {
  EXPECT_FALSE(decode_frame(Octets{}));
  Octets empty = test::frame_of({});
  empty.pop_back();
  EXPECT_FALSE(decode_frame(empty));
  Octets frame = test::frame_of({1, 2, 3});
  frame.pop_back();
  EXPECT_EQ(decode_frame(frame), (Octets{1, 2, 3}));
  for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    Octets wrong = frame;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(decode_frame(wrong)) << bit;
  }
}

}  // namespace
}  // namespace systolith::driver
