// Bits and bytes: what the receiver takes and counts, what the transmitter drives.
#include "bench.h"

namespace systolith::test {
namespace {

class Line : public Link {
 protected:
  void SetUp() override { bench.open(); }

  // A byte whose data bits begin with the wrong level for a while.
  void send_with_late_bits(uint8_t byte, double late) {
    bench.level(false, 1);
    for (int i = 0; i < 8; ++i) {
      const bool bit = (byte >> i & 1) != 0;
      bench.level(!bit, late);
      bench.level(bit, 1 - late);
    }
    bench.level(true, 1);
  }

  // A byte that ends low, and the line high for a while.
  void send_broken(uint8_t byte) {
    bench.level(false, 1);
    for (int i = 0; i < 8; ++i) bench.level((byte >> i & 1) != 0, 1);
    bench.level(false, 1);
    bench.level(true, 2);
    ++bench.reference.line_errors;
  }

  // Sends a request byte by byte, with `between` before byte `at`.
  void exchange_with(const std::function<void(size_t)>& before_byte) {
    const Request request =
        bench.next(kReadMemory, bench.base() + bench.random()() % 4096, 1 + bench.random()() % 16);
    const std::optional<Prediction> expected = bench.reference.serve(request.content());
    const Bytes frame = frame_of(request.content());
    for (size_t i = 0; i < frame.size(); ++i) {
      before_byte(i);
      bench.send(Bytes{frame[i]});
    }
    const std::optional<Received> got = bench.receive();
    ASSERT_TRUE(got);
    bench.compare(got->answer, *expected);
    bench.compare_traffic();
  }
};

TEST_F(Line, SenderAtAnyPhaseOfTheClock) {
  for (int i = 0; i < 100; ++i) {
    bench.run(bench.random()() % 100);
    bench.read(bench.base() + i, 1 + i % 16);
  }
}

TEST_F(Line, SenderThreePercentFastOrSlow) {
  for (double rate : {0.97, 0.975, 0.99, 1.0, 1.01, 1.025, 1.03}) {
    bench.sender_rate = rate;
    for (int i = 0; i < 12; ++i) {
      // Runs of equal bits and single ones, none of them with a gap.
      Bytes data = bench.random_bytes(60);
      std::fill(data.begin() + 20, data.begin() + 30, uint8_t{0xff});
      std::fill(data.begin() + 30, data.begin() + 40, uint8_t{0x80});
      std::fill(data.begin() + 40, data.begin() + 50, uint8_t{0x55});
      bench.write(bench.base() + bench.random()() % 4096, data);
    }
  }
  bench.sender_rate = 1;
  bench.compare_counts();
  EXPECT_EQ(bench.word(0x803c), 0u);
  EXPECT_EQ(bench.word(0x8034), 0u);
}

TEST_F(Line, GapsOfAnyLengthBetweenBytes) {
  for (int i = 0; i < 30; ++i) {
    exchange_with([&](size_t) {
      if (bench.random()() % 2 == 0) bench.level(true, (bench.random()() % 300) / 100.0);
    });
  }
  bench.compare_counts();
}

TEST_F(Line, ByteWithLowStopBitIsDroppedAndCounted) {
  // The byte is not of the frame: without it the frame is right.
  for (uint8_t byte : {0x00, 0x01, 0x55, 0x80, 0xaa, 0xfe, 0xff}) {
    exchange_with([&](size_t at) {
      if (at == 5) send_broken(byte);
    });
  }
  EXPECT_EQ(bench.word(0x803c), 7u);
  EXPECT_EQ(bench.word(0x8034), 0u);
}

TEST_F(Line, LineThatStaysLowIsOneError) {
  for (double bits : {10.0, 20.0, 33.3, 200.0}) {
    exchange_with([&](size_t at) {
      if (at != 7) return;
      bench.level(false, bits);
      bench.level(true, 2);
      ++bench.reference.line_errors;
    });
  }
  EXPECT_EQ(bench.word(0x803c), 4u);
}

TEST_F(Line, FrameThatLostAByteIsBad) {
  const Bytes frame = frame_of(bench.next(kReadMemory, bench.base(), 4).content());
  for (size_t i = 0; i < frame.size(); ++i) {
    if (i == 9) {
      send_broken(frame[i]);
    } else {
      bench.send(Bytes{frame[i]});
    }
  }
  ++bench.reference.frames_bad;
  bench.settle();
  EXPECT_TRUE(bench.received.empty());
  bench.compare_counts();
}

TEST_F(Line, PulseShorterThanHalfAStartBitIsNoByte) {
  for (double bits : {0.05, 0.1, 0.2, 0.3}) {
    exchange_with([&](size_t at) {
      if (at != 3 && at != 8) return;
      bench.level(true, 1);
      bench.level(false, bits);
      bench.level(true, 12);
    });
  }
  EXPECT_EQ(bench.word(0x803c), 0u);
  EXPECT_EQ(bench.word(0x8034), 0u);
}

TEST_F(Line, BitsCountAtTheirMiddle) {
  for (int i = 0; i < 20; ++i) {
    const Request request = bench.next(kReadMemory, bench.base() + i, 1 + i % 16);
    const std::optional<Prediction> expected = bench.reference.serve(request.content());
    for (uint8_t byte : frame_of(request.content())) send_with_late_bits(byte, 0.2);
    const std::optional<Received> got = bench.receive();
    ASSERT_TRUE(got);
    bench.compare(got->answer, *expected);
    bench.compare_traffic();
  }
}

TEST_F(Line, LampsAreOnWhileAByteIsOnTheLine) {
  bench.settle();
  EXPECT_FALSE(bench.receiving);
  EXPECT_FALSE(bench.board_sending);
  EXPECT_TRUE(bench.transmit_level);
  for (uint8_t byte : {0xff, 0x00, 0x5a}) {
    bench.send(Bytes{byte});
    const uint64_t first = bench.cycle + static_cast<uint64_t>(shape.bit()),
                   last = bench.cycle + static_cast<uint64_t>(9 * shape.bit());
    while (bench.cycle < last) {
      bench.step();
      if (bench.cycle > first) {
        EXPECT_TRUE(bench.receiving) << bench.cycle - first;
      }
    }
    bench.run(static_cast<uint64_t>(3 * shape.bit()));
    EXPECT_FALSE(bench.receiving);
    bench.send(Bytes{0});
    bench.settle();
  }
  bench.reference.frames_bad += 2;  // FF and 5A, codes cut short
  // From the start bit of the first byte to the stop bit of the last.
  bench.send(Bytes{0});
  bench.send(bench.next(kReadMemory, bench.base(), 4));
  const std::optional<Prediction> expected =
      bench.reference.serve(bench.next(kReadMemory, bench.base(), 4).content());
  while (bench.transmit_level) bench.step();
  const uint64_t start = bench.cycle;
  bench.run(2);
  while (bench.received.empty()) {
    EXPECT_TRUE(bench.board_sending) << bench.cycle - start;
    bench.step();
  }
  bench.compare(bench.receive()->answer, *expected);
  bench.run(static_cast<uint64_t>(2 * shape.bit()));
  EXPECT_FALSE(bench.board_sending);
}

TEST_F(Line, AnswersFollowEachOtherWithoutGaps) {
  // The first answer is long enough for the others to be ready: one run of bytes.
  const uint32_t length = std::min(shape.payload, 256u);
  std::vector<Prediction> expected;
  for (int i = 0; i < 4; ++i) {
    const Request request = bench.next(kReadMemory, bench.base() + i, length);
    bench.send(request);
    expected.push_back(*bench.reference.serve(request.content()));
  }
  std::vector<Received> got;
  for (int i = 0; i < 4; ++i) {
    got.push_back(*bench.receive());
    bench.compare(got.back().answer, expected[i]);
  }
  // Answers that are shorter than requests wait for them.
  for (int i = 1; length >= 64 && i < 4; ++i) {
    // From the middle of the last stop bit half a bit; zeros between frames are bytes, too.
    const double gap = static_cast<double>(got[i].start - got[i - 1].end);
    const double bytes = (gap - shape.bit() / 2) / shape.byte();
    EXPECT_LT(gap, shape.bit() / 2 + shape.byte() + 3) << bytes;
  }
}

}  // namespace
}  // namespace systolith::test
