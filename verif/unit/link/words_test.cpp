// The board's words, its counts, reset and the receive buffer.
#include "bench.h"

namespace systolith::test {
namespace {

class Words : public Link {
 protected:
  void SetUp() override { bench.open(); }
};

TEST_F(Words, AllOfThem) {
  EXPECT_EQ(bench.word(0x8000), 0x4253'5953u);
  EXPECT_EQ(bench.word(0x8004), 1u);
  EXPECT_EQ(bench.word(0x8008), shape.clock_hz);
  EXPECT_EQ(bench.word(0x800c), shape.baud);
  for (uint32_t offset = 0x8000; offset < 0x8100; offset += 4) bench.word(offset);
}

TEST_F(Words, WritesOfOthersThanControlAreIgnored) {
  for (uint32_t offset = 0x8000; offset < 0x8100; offset += 4) {
    if (offset == 0x8024) continue;
    EXPECT_EQ(bench.write_register(offset, 0xffff'ffff).status, kOk) << std::hex << offset;
    bench.word(offset);
  }
  EXPECT_EQ(bench.reset_pulses, 0u);
}

TEST_F(Words, StatusFollowsItsPins) {
  for (uint32_t bits = 0; bits < 16; ++bits) {
    bench.irq = bits & 1;
    bench.reset_request = bits & 2;
    bench.memory_ready = bits & 4;
    bench.clock_locked = bits & 8;
    bench.reference.status_bits = bits;
    EXPECT_EQ(bench.word(0x8020), bits);
  }
}

TEST_F(Words, ControlResetsForSixteenCycles) {
  for (uint32_t value : {0x0u, 0x2u, 0xffff'fffeu}) {
    EXPECT_EQ(bench.write_register(0x8024, value).status, kOk);
    EXPECT_EQ(bench.word(0x8024), 0u);
    EXPECT_EQ(bench.reset_pulses, 0u) << value;
  }
  uint32_t pulses = 0;
  for (uint32_t value : {0x1u, 0xffff'ffffu, 0x1u}) {
    EXPECT_EQ(bench.write_register(0x8024, value).status, kOk);
    EXPECT_EQ(bench.word(0x8024), 0u);
    EXPECT_EQ(bench.reset_pulses, ++pulses);
    EXPECT_EQ(bench.reset_length, 16u);
    // Neither the session nor the counts are lost.
    bench.compare_counts();
    EXPECT_EQ(bench.write(bench.base(), {1, 2}).status, kOk);
  }
}

TEST_F(Words, RepeatedResetIsNotDoneAgain) {
  const Request reset = bench.next(kWriteRegister, 0x8024, 4, {1, 0, 0, 0});
  bench.exchange(reset);
  bench.exchange(reset);
  bench.exchange(reset);
  bench.run(100);
  EXPECT_EQ(bench.reset_pulses, 1u);
}

TEST_F(Words, AccessesWaitForTheReset) {
  // While the first answer is on the line the others are received: what follows the reset is
  // there when it begins.
  std::vector<Request> requests;
  std::vector<Prediction> expected;
  const auto add = [&](const Request& request) {
    bench.send(request);
    expected.push_back(*bench.reference.serve(request.content()));
  };
  for (int i = 0; i < 3; ++i) add(bench.next(kReadMemory, bench.base(), shape.payload));
  for (uint8_t kind : {kReadMemory, kWriteMemory, kReadRegister, kWriteRegister}) {
    const bool writes = kind == kWriteMemory || kind == kWriteRegister;
    add(bench.next(kWriteRegister, 0x8024, 4, {1, 0, 0, 0}));
    add(bench.next(kind, kind <= kWriteMemory ? bench.base() : 0x10, 4,
                   writes ? Bytes{1, 2, 3, 4} : Bytes{}));
  }
  for (const Prediction& prediction : expected) {
    const std::optional<Received> got = bench.receive();
    ASSERT_TRUE(got);
    bench.compare(got->answer, prediction);
  }
  bench.compare_traffic();
}

TEST_F(Words, CyclesCountTheClock) {
  uint64_t last_value = 0, last_low = 0, last_high = 0;
  for (int i = 0; i < 6; ++i) {
    bench.run(1000 * i);
    const Request request = bench.next(kReadRegister, 0x8028, 4);
    const std::optional<Prediction> expected = bench.reference.serve(request.content());
    bench.send(request);
    while (bench.sending()) bench.step();
    // The read is after the middle of the last stop bit and before its answer's first bit.
    const uint64_t low = bench.cycle - static_cast<uint64_t>(shape.bit());
    const std::optional<Received> got = bench.receive();
    ASSERT_TRUE(got);
    bench.compare(got->answer, *expected);
    const uint64_t value = got->answer.value();
    if (i != 0) {
      EXPECT_GE(value - last_value + (last_high - last_low), low - last_low);
      EXPECT_LE(value - last_value, got->start - last_low);
    }
    EXPECT_LE(value, bench.cycle);
    last_value = value;
    last_low = low;
    last_high = got->start;
    EXPECT_EQ(bench.word(0x802c), 0u);
  }
}

TEST_F(Words, CountsOfEverySort) {
  for (int i = 0; i < 5; ++i) {
    bench.read(bench.base(), 1);
    bench.send(Bytes{2, 7, 0});
    ++bench.reference.frames_bad;
    bench.settle();
    // A byte with a low stop bit between frames.
    bench.level(false, 10);
    bench.level(true, 3);
    ++bench.reference.line_errors;
    bench.send(Bytes{0});
    bench.settle();
    bench.compare_counts();
  }
  EXPECT_EQ(bench.word(0x8034), 5u);
  EXPECT_EQ(bench.word(0x803c), 5u);
}

class ReceiveBuffer : public Link {
 protected:
  void SetUp() override { bench.open(); }

  // All answers until the board is quiet.
  std::vector<Answer> rest() {
    bench.settle();
    std::vector<Answer> answers;
    while (!bench.received.empty()) {
      answers.push_back(bench.received.front().answer);
      bench.received.pop_front();
    }
    return answers;
  }
};

TEST_F(ReceiveBuffer, WindowOfTheLongestReadsFits) {
  std::vector<Prediction> expected;
  for (uint32_t i = 0; i < kWindow; ++i) {
    const Request request = bench.next(kReadMemory, bench.base() + i, shape.payload);
    bench.send(request);
    expected.push_back(*bench.reference.serve(request.content()));
  }
  for (const Prediction& prediction : expected) {
    const std::optional<Received> got = bench.receive();
    ASSERT_TRUE(got);
    bench.compare(got->answer, prediction);
  }
  bench.compare_traffic();
  EXPECT_EQ(bench.word(0x8038), 0u);
}

TEST_F(ReceiveBuffer, LostFramesAreCountedAndLaterOnesAreFine) {
  // Repetitions of one read, whose answers are longer: those that are not lost are all the same.
  const Request request = bench.next(kReadMemory, bench.base(), shape.payload);
  const std::optional<Prediction> expected = bench.reference.serve(request.content());
  const Bytes frame = frame_of(request.content());
  const double share = static_cast<double>(frame.size()) / (shape.payload + 20);
  const uint32_t sent = static_cast<uint32_t>(300 / (1 - share));
  for (uint32_t i = 0; i < sent; ++i) bench.send(frame);
  const std::vector<Answer> answers = rest();
  for (const Answer& answer : answers) bench.compare(answer, *expected);
  const uint32_t lost = sent - static_cast<uint32_t>(answers.size());
  EXPECT_GE(lost, 100u);
  EXPECT_GE(answers.size(), 128u);
  bench.reference.frames_lost = lost;
  bench.reference.frames += static_cast<uint32_t>(answers.size()) - 1;
  bench.traffic.clear();
  bench.reference.traffic.clear();
  bench.compare_counts();
  EXPECT_EQ(bench.word(0x8034), 0u);
  bench.write(bench.base(), bench.random_bytes(shape.payload));
  bench.read(bench.base(), shape.payload);
}

TEST_F(ReceiveBuffer, HoldsAllItPromisesWhileMemoryStalls) {
  bench.memory->hold().r = true;
  bench.run(2);
  // 128 requests of 16 bytes fill it; the one in work may have left it.
  std::vector<Prediction> expected;
  for (int i = 0; i < 170; ++i) {
    const Request request = bench.next(kReadMemory, bench.base() + 16 * i, 4);  // of one beat
    bench.send(request);
    expected.push_back(*bench.reference.serve(request.content()));
  }
  // Wrong and without room counts as wrong.
  Bytes wrong = with_crc(bench.next(kReadMemory, bench.base(), 4).content());
  wrong.back() ^= 1;
  Bytes coded = cobs_encode(wrong);
  coded.push_back(0);
  bench.send(coded);
  ++bench.reference.frames_bad;
  while (bench.sending()) bench.step();
  EXPECT_TRUE(bench.received.empty());
  bench.memory->hold().r = false;
  const std::vector<Answer> answers = rest();
  EXPECT_GE(answers.size(), 128u);
  EXPECT_LE(answers.size(), 131u);
  for (size_t i = 0; i < answers.size(); ++i) bench.compare(answers[i], expected[i]);
  // The lost ones never were.
  const uint32_t lost = 170 - static_cast<uint32_t>(answers.size());
  bench.reference.expected = static_cast<uint8_t>(bench.reference.expected - lost);
  bench.reference.frames -= lost;
  bench.reference.frames_lost += lost;
  bench.reference.traffic.resize(answers.size());
  bench.compare_traffic();
  bench.compare_counts();
}

TEST_F(ReceiveBuffer, ShorterFrameFitsBehindOneThatWasLost) {
  bench.memory->hold().r = true;
  bench.run(2);
  std::vector<Prediction> expected;
  const auto send = [&](const Request& request, bool lost) {
    bench.send(request);
    if (lost) return;
    expected.push_back(*bench.reference.serve(request.content()));
  };
  // 16 and three times 528 bytes leave 448: too few for one more, enough for a short one.
  send(bench.next(kReadMemory, bench.base(), 4), false);
  for (int i = 0; i < 3; ++i) {
    send(bench.next(kWriteMemory, bench.base() + 600 * i, 512, bench.random_bytes(512)), false);
  }
  send(bench.next(kWriteMemory, bench.base() + 4000, 512, bench.random_bytes(512)), true);
  send(bench.next(kWriteMemory, bench.base() + 4000, 300, bench.random_bytes(300)), false);
  while (bench.sending()) bench.step();
  bench.memory->hold().r = false;
  const std::vector<Answer> answers = rest();
  ASSERT_EQ(answers.size(), expected.size());
  for (size_t i = 0; i < answers.size(); ++i) bench.compare(answers[i], expected[i]);
  bench.compare_traffic();
  ++bench.reference.frames_lost;
  bench.compare_counts();
}

}  // namespace
}  // namespace systolith::test
