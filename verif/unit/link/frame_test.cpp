// Frames: COBS corners, CRC, what is dropped and counted.
#include "bench.h"

namespace systolith::test {
namespace {

class Frames : public Link {
 protected:
  void SetUp() override { bench.open(); }

  void expect_dropped(const Bytes& raw) {
    bench.send(raw);
    bench.settle();
    EXPECT_TRUE(bench.received.empty()) << "an answer to a frame that is to be dropped";
    bench.received.clear();
    ++bench.reference.frames_bad;
    EXPECT_EQ(bench.word(0x8034), bench.reference.frames_bad) << raw.size() << " bytes";
  }
  void expect_dropped_coded(Bytes plain) {
    Bytes coded = cobs_encode(plain);
    coded.push_back(0);
    expect_dropped(coded);
  }
  // Sends a frame as it is, of a request that must be answered.
  void expect_answered(const Bytes& content, const Bytes& frame) {
    const std::optional<Prediction> expected = bench.reference.serve(content);
    bench.send(frame);
    const std::optional<Received> got = bench.receive();
    ASSERT_TRUE(got && expected);
    bench.compare(got->answer, *expected);
    bench.compare_traffic();
  }
  uint32_t longest() const { return shape.payload + 18; }
};

TEST(Codec, KnownValues) {
  const Bytes digits{'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  EXPECT_EQ(crc32(digits), 0xcbf4'3926u);
  EXPECT_EQ(crc32({}), 0u);
  EXPECT_EQ(cobs_encode({}), (Bytes{1}));
  EXPECT_EQ(cobs_encode({0}), (Bytes{1, 1}));
  EXPECT_EQ(cobs_encode({0x11, 0x22, 0, 0x33}), (Bytes{3, 0x11, 0x22, 2, 0x33}));
  EXPECT_EQ(cobs_encode({0x11, 0, 0, 0}), (Bytes{2, 0x11, 1, 1, 1}));
  for (size_t run : {253, 254, 255, 508, 509}) {
    const Bytes plain(run, 7);
    EXPECT_EQ(cobs_encode(plain).size(), run + (run + 253) / 254);
    EXPECT_EQ(cobs_decode(cobs_encode(plain)), plain);
    Bytes with_zero = plain;
    with_zero.push_back(0);
    EXPECT_EQ(cobs_decode(cobs_encode(with_zero)), with_zero);
  }
  EXPECT_EQ(cobs_encode(Bytes(254, 7), true).size(), 256u);
  EXPECT_EQ(cobs_decode(cobs_encode(Bytes(254, 7), true)), Bytes(254, 7));
  EXPECT_FALSE(cobs_decode({5, 1, 2}));
}

TEST_F(Frames, ZerosAndOnesOnly) {
  for (uint32_t length : {1u, 2u, 15u, 16u, std::min(shape.payload, 300u), shape.payload}) {
    for (uint8_t byte : {0x00, 0xff, 0x01}) {
      bench.write(bench.base() + 3, Bytes(length, byte));
      const Answer got = bench.read(bench.base() + 3, length);
      EXPECT_EQ(got.data, Bytes(length, byte));
    }
  }
}

TEST_F(Frames, RunsWithoutZeroInBothDirections) {
  // Around every length of a group, with the zero before, behind or none.
  std::vector<uint32_t> runs{1, 2, 16};
  for (uint32_t run : {250, 251, 252, 253, 254, 255, 256, 257, 507, 508, 509, 510}) {
    if (run <= shape.payload) runs.push_back(run);
  }
  for (uint32_t run : runs) {
    for (uint32_t zero = 0; zero < 3; ++zero) {
      if (run + (zero != 0) > shape.payload) continue;
      Bytes data = bench.random_bytes(run, false);
      if (zero == 1) data.insert(data.begin(), 0);
      if (zero == 2) data.push_back(0);
      bench.write(bench.base() + run, data);
      EXPECT_EQ(bench.read(bench.base() + run, static_cast<uint32_t>(data.size())).data, data);
    }
  }
}

TEST_F(Frames, AnswersWithAZeroAtEveryPlaceOfALongRun) {
  Bytes data = bench.random_bytes(300, false);
  bench.write(bench.base(), data);
  // Header and data together run to 254 where the zero is about 250 bytes into the data.
  for (uint32_t at = 240; at < 262; ++at) {
    bench.write(bench.base() + at, {0});
    bench.read(bench.base(), 300);
    bench.write(bench.base() + at, {data[at]});
  }
}

TEST_F(Frames, LastCodeAfterAFullGroupMayBeLeftOut) {
  // The last zero, 250 bytes and a CRC without zeros: a group of 254 ends the frame.
  for (int i = 0; i < 4; ++i) {
    for (bool trailing : {false, true}) {
      Request request;
      Bytes plain;
      do {
        Bytes data{0};
        const Bytes run = bench.random_bytes(250, false);
        data.insert(data.end(), run.begin(), run.end());
        request = bench.next(kWriteMemory, bench.base() + i, 251, data);
        plain = with_crc(request.content());
      } while (std::find(plain.end() - 254, plain.end(), 0) != plain.end());
      const Bytes frame = frame_of(request.content(), trailing);
      ASSERT_EQ(frame[frame.size() - 2] == 1 && trailing, trailing);
      expect_answered(request.content(), frame);
    }
  }
  EXPECT_EQ(bench.word(0x8034), 0u);
}

TEST_F(Frames, AnyNumberOfZerosBetweenFrames) {
  for (size_t zeros : {1u, 2u, 3u, 50u, 700u}) {
    bench.send(Bytes(zeros, 0));
    bench.read(bench.base(), 5);
  }
  EXPECT_EQ(bench.word(0x8034), 0u);
  bench.compare_counts();
}

TEST_F(Frames, ContentOfEveryShortLengthIsDropped) {
  for (size_t length = 1; length < kHeaderBytes; ++length) {
    Bytes content = bench.next(kReadMemory, bench.base(), 4).content();
    content.resize(length);
    expect_dropped_coded(with_crc(content));
  }
  bench.compare_counts();
}

TEST_F(Frames, NoContentIsDropped) {
  expect_dropped_coded({0, 0, 0, 0});  // the CRC of nothing
  expect_dropped_coded({1, 2, 3, 4});
  expect_dropped_coded({1});
  expect_dropped_coded({1, 2});
  expect_dropped_coded({0, 0, 0});
  bench.compare_counts();
}

TEST_F(Frames, CodeCutShortIsDropped) {
  const Bytes frame = frame_of(bench.next(kReadMemory, bench.base(), 4).content());
  for (size_t kept : {1u, 2u, 5u, 12u}) {
    Bytes cut(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(kept));
    cut.push_back(0);
    expect_dropped(cut);
  }
  // Right up to its last code, which promises one byte too many.
  Bytes last = frame;
  size_t code = 0;
  while (code + last[code] + 1 < last.size()) code += last[code];
  ++last[code];
  expect_dropped(last);
  expect_dropped({0xff, 0});
  expect_dropped({2, 0});
  bench.compare_counts();
}

TEST_F(Frames, EveryWrongBitIsFound) {
  const Bytes content = bench.next(kWriteMemory, bench.base(), 3, {1, 0, 3}).content();
  const Bytes plain = with_crc(content);
  for (size_t i = 0; i < plain.size(); ++i) {
    Bytes wrong = plain;
    wrong[i] ^= static_cast<uint8_t>(1 << i % 8);
    expect_dropped_coded(wrong);
  }
  // Nothing was done.
  bench.compare_counts();
  bench.exchange(content);
}

TEST_F(Frames, WrongByteOrderOfTheCrcIsFound) {
  Bytes plain = with_crc(bench.next(kReadMemory, bench.base(), 4).content());
  std::reverse(plain.end() - 4, plain.end());
  expect_dropped_coded(plain);
  plain = with_crc(bench.next(kReadMemory, bench.base(), 4).content());
  for (auto byte = plain.end() - 4; byte != plain.end(); ++byte)
    *byte = static_cast<uint8_t>(~*byte);
  expect_dropped_coded(plain);
}

TEST_F(Frames, LongestContentIsReceivedAndOneMoreDropped) {
  for (uint32_t more = 0; more < 3; ++more) {
    const Bytes data = bench.random_bytes(shape.payload + more);
    const Request request = bench.next(kWriteMemory, bench.base(), shape.payload + more, data);
    ASSERT_LE(request.content().size(), longest());
    EXPECT_EQ(bench.exchange(request).status, more == 0 ? kOk : kRefused) << more;
  }
  bench.compare_counts();
  for (uint32_t more : {3u, 4u, 5u, 20u, 255u, 2048u, 3000u}) {
    const Bytes data = bench.random_bytes(shape.payload + more);
    const Request request = bench.next(kWriteMemory, bench.base(), shape.payload + more, data);
    ASSERT_GT(request.content().size(), longest());
    expect_dropped(frame_of(request.content()));
  }
  bench.compare_counts();
}

TEST_F(Frames, NoiseIsEndedByAZero) {
  for (int i = 0; i < 40; ++i) {
    Bytes noise = bench.random_bytes(1 + bench.random()() % 40, false);
    noise.push_back(0);
    if (content_of(Bytes(noise.begin(), noise.end() - 1))) continue;
    bench.send(noise);
    ++bench.reference.frames_bad;
    bench.read(bench.base() + i, 7);
  }
  bench.compare_counts();
}

TEST_F(Frames, EndlessNoiseIsOneBadFrame) {
  bench.send(bench.random_bytes(6000, false));
  bench.send(Bytes{0});
  ++bench.reference.frames_bad;
  bench.settle();
  bench.compare_counts();
  bench.read(bench.base(), 16);
}

}  // namespace
}  // namespace systolith::test
