// Sessions, numbers, repetitions and gaps.
#include "bench.h"

namespace systolith::test {
namespace {

class Sessions : public Link {
 protected:
  Answer open_at(uint64_t address, uint16_t session, uint8_t number) {
    return bench.exchange(
        Request{.kind = kOpen, .number = number, .session = session, .address = address});
  }
  Request request(uint8_t kind, uint16_t session, uint8_t number) {
    const bool memory = kind == kReadMemory || kind == kWriteMemory;
    const bool writes = kind == kWriteMemory || kind == kWriteRegister;
    return {.kind = kind,
            .number = number,
            .session = session,
            .length = 4,
            .address = memory ? bench.base() + 32 : 0x20,
            .data = writes ? bench.random_bytes(4) : Bytes{}};
  }
  uint8_t behind(int count) const { return static_cast<uint8_t>(bench.reference.expected - count); }
  void write_some(int count) {
    for (int i = 0; i < count; ++i) {
      const Answer got = bench.write(bench.base() + bench.random()() % 256, bench.random_bytes(4));
      ASSERT_EQ(got.status, kOk);
    }
  }
  static constexpr uint8_t kKinds[] = {kReadMemory, kWriteMemory, kReadRegister, kWriteRegister};
};

TEST_F(Sessions, NoneIsOpenAfterPowerUp) {
  for (uint16_t session : {uint16_t{0}, uint16_t{1}, uint16_t{0xffff}}) {
    for (uint8_t kind : kKinds) {
      const Answer got = bench.exchange(request(kind, session, 0));
      EXPECT_EQ(got.status, kNoSession);
      EXPECT_EQ(got.expected, 0);
    }
  }
}

TEST_F(Sessions, OpenTellsWhatTheBuildHas) {
  const Answer got = bench.open(0x1234, 77);
  EXPECT_EQ(got.status, kOk);
  EXPECT_EQ(got.kind, 0x81);
  EXPECT_EQ(got.number, 77);
  EXPECT_EQ(got.session, 0x1234);
  EXPECT_EQ(got.expected, 78);
  EXPECT_EQ(got.value(), 0x0010'0000'0001u | uint64_t{shape.payload} << 16);
}

TEST_F(Sessions, SessionZeroIsNeverOpen) {
  EXPECT_EQ(bench.open(0).status, kNoSession);
  for (uint8_t kind : kKinds) EXPECT_EQ(bench.exchange(request(kind, 0, 1)).status, kNoSession);
  // An open one stays.
  bench.open(9, 3);
  EXPECT_EQ(bench.open(0, 50).status, kNoSession);
  EXPECT_EQ(bench.read(bench.base(), 4).status, kOk);
  for (uint8_t kind : kKinds) EXPECT_EQ(bench.exchange(request(kind, 0, 4)).status, kNoSession);
}

TEST_F(Sessions, OtherSessionsDoNothing) {
  bench.open(0x5aa5, 10);
  for (int bit = 0; bit < 16; ++bit) {
    const uint16_t other = static_cast<uint16_t>(0x5aa5 ^ 1 << bit);
    for (uint8_t kind : kKinds) {
      const Request wrong = request(kind, other, bench.reference.expected);
      EXPECT_EQ(bench.exchange(wrong).status, kNoSession);
    }
  }
  EXPECT_EQ(bench.write(bench.base(), {1}).status, kOk);
}

TEST_F(Sessions, SessionIsCheckedBeforeTheRest) {
  bench.open(0x0101, 10);
  for (uint8_t number : {11, 200}) {
    Request wrong = request(kReadMemory, 0x0102, number);
    wrong.length = 0;
    EXPECT_EQ(bench.exchange(wrong).status, kNoSession);
    wrong = request(kReadMemory, 0x0102, number);
    wrong.kind = 0x33;
    EXPECT_EQ(bench.exchange(wrong).status, kNoSession);
    wrong = request(kWriteMemory, 0x0102, number);
    wrong.data.push_back(0);
    EXPECT_EQ(bench.exchange(wrong).status, kNoSession);
  }
  // Number before the rest.
  Request gap = request(kReadMemory, 0x0101, 200);
  gap.length = 0;
  EXPECT_EQ(bench.exchange(gap).status, kGap);
  gap.kind = 0x33;
  EXPECT_EQ(bench.exchange(gap).status, kGap);
  EXPECT_EQ(bench.read(bench.base(), 1).status, kOk);
}

TEST_F(Sessions, OpenOfAnotherMagicOrVersionIsRefused) {
  const std::vector<uint64_t> wrong{0,
                                    kMagicAndVersion ^ 1,
                                    kMagicAndVersion ^ 0x8000'0000,
                                    kMagicAndVersion & 0xffff'ffff,
                                    (kMagicAndVersion & 0xffff'ffff) | 0x0002'0000'0000,
                                    kMagicAndVersion | 0x8000'0000'0000};
  // With none open, and then with one that stays open.
  for (bool opened : {false, true}) {
    if (opened) bench.open(0x0777, 5);
    for (uint64_t address : wrong) {
      const Answer got = open_at(address, opened ? 0x0888 : 0x0777, 60);
      EXPECT_EQ(got.status, kRefused);
      EXPECT_EQ(got.value() & 0xffff, 1u);
      if (opened) {
        EXPECT_EQ(got.expected, bench.reference.expected);
      }
    }
    if (!opened) {
      EXPECT_EQ(bench.exchange(request(kReadMemory, 0x0777, 61)).status, kNoSession);
    } else {
      EXPECT_EQ(bench.read(bench.base(), 4).status, kOk);
      // Also in the open session, with its own number: not taken.
      EXPECT_EQ(open_at(0, 0x0777, bench.reference.expected).status, kRefused);
      EXPECT_EQ(bench.read(bench.base(), 4).status, kOk);
    }
  }
}

TEST_F(Sessions, MalformedOpenIsRefusedWithItsData) {
  bench.open(0x0222, 1);
  const Request right{.kind = kOpen, .number = 9, .session = 0x0333, .address = kMagicAndVersion};
  Request with_length = right, with_data = right, reserved = right;
  with_length.length = 4;
  with_data.data = {1, 2, 3, 4};
  reserved.reserved = 0x8000;
  Request with_both = with_length;
  with_both.data = with_data.data;
  for (const Request& wrong : {with_length, with_data, with_both, reserved}) {
    const Answer got = bench.exchange(wrong);
    EXPECT_EQ(got.status, kRefused);
    EXPECT_EQ(got.data.size(), 8u);
    EXPECT_EQ(bench.read(bench.base(), 4).status, kOk);
  }
}

TEST_F(Sessions, OpenTakesTheLineOver) {
  for (int i = 0; i < 20; ++i) {
    const uint16_t before = bench.reference.session;
    const uint8_t number = static_cast<uint8_t>(bench.random()());
    const uint16_t session = static_cast<uint16_t>(1 + bench.random()() % 0xffff);
    EXPECT_EQ(bench.open(session, number).expected, static_cast<uint8_t>(number + 1));
    write_some(3);
    if (before == session) continue;
    const Request old = request(kWriteMemory, before, bench.reference.expected);
    EXPECT_EQ(bench.exchange(old).status, kNoSession);
  }
}

TEST_F(Sessions, OpenAgainForgetsTheNumbers) {
  for (int taken : {0, 1, 5, 16}) {
    bench.open(0x0444, 100);
    write_some(40);
    // The same session again, so that the numbers taken before are the last 16.
    bench.open(0x0444, static_cast<uint8_t>(bench.reference.expected - 1));
    write_some(taken);
    // `open` itself is not among those taken since.
    for (int count = taken + 2; count <= 18; ++count) {
      for (uint8_t kind : {kWriteMemory, kReadMemory}) {
        EXPECT_EQ(bench.exchange(request(kind, 0x0444, behind(count))).status, kGap) << count;
      }
    }
    for (int count = 1; count <= taken; ++count) {
      EXPECT_EQ(bench.exchange(request(kWriteMemory, 0x0444, behind(count))).status, kOk);
    }
  }
}

TEST_F(Sessions, NumberOfTheOpenIsNoRepetition) {
  bench.open(0x0444, 100);
  EXPECT_EQ(bench.exchange(request(kWriteMemory, 0x0444, 100)).status, kGap);
  EXPECT_EQ(bench.exchange(request(kReadMemory, 0x0444, 100)).status, kGap);
}

TEST_F(Sessions, NumbersWrap) {
  bench.open(0x0555, 200);
  for (int i = 0; i < 800; ++i) {
    if (i % 3 == 0) {
      ASSERT_EQ(bench.read(bench.base() + i, 1).status, kOk);
    } else {
      ASSERT_EQ(bench.write(bench.base() + i, {static_cast<uint8_t>(i)}).status, kOk);
    }
    if (i % 37 != 36) continue;
    ASSERT_EQ(bench.exchange(request(kWriteMemory, 0x0555, behind(16))).status, kOk);
    ASSERT_EQ(bench.exchange(request(kWriteMemory, 0x0555, behind(17))).status, kGap);
    ASSERT_EQ(bench.exchange(request(kWriteMemory, 0x0555, behind(-1))).status, kGap);
  }
}

TEST_F(Sessions, EveryOtherNumberIsAGapThatDoesNothing) {
  bench.open(0x0666, 250);
  write_some(20);
  for (int count = 17; count < 256; ++count) {
    const uint8_t kind = kKinds[count % 4];
    const Answer got = bench.exchange(request(kind, 0x0666, behind(count)));
    ASSERT_EQ(got.status, kGap) << count;
    ASSERT_EQ(got.expected, static_cast<uint8_t>(250 + 21));
  }
  EXPECT_EQ(bench.write(bench.base(), {5}).status, kOk);
}

TEST_F(Sessions, LastSixteenWritesAreNotDoneAgain) {
  bench.open(0x0777, 240);
  std::vector<Request> done;
  for (int i = 0; i < 24; ++i) {
    const uint8_t kind = i % 4 == 3 ? kWriteRegister : kWriteMemory;
    done.push_back(request(kind, 0x0777, bench.reference.expected));
    bench.exchange(done.back());  // all to the same place
  }
  for (int round = 0; round < 2; ++round) {
    for (int count = 1; count <= 16; ++count) {
      const Answer got = bench.exchange(done[24 - count]);
      EXPECT_EQ(got.status, kOk);
      EXPECT_EQ(got.expected, bench.reference.expected);
    }
  }
  EXPECT_EQ(bench.exchange(done[24 - 17]).status, kGap);
  EXPECT_EQ(bench.read(bench.base() + 32, 4).data, done[22].data);
  EXPECT_EQ(bench.read_register(0x20).status, kOk);
}

TEST_F(Sessions, LastSixteenReadsAreDoneAgain) {
  bench.open(0x0888, 5);
  std::vector<Request> done;
  for (int i = 0; i < 20; ++i) {
    done.push_back(
        request(i % 3 == 2 ? kReadRegister : kReadMemory, 0x0888, bench.reference.expected));
    done.back().address += 4 * static_cast<uint64_t>(i);
    bench.exchange(done.back());
  }
  // What is there now: another master has written meanwhile.
  for (uint64_t i = 0; i < 256; ++i) {
    bench.reference.memory[i] ^= 0xff;
    *bench.memory->at(bench.base() + i) ^= 0xff;
  }
  for (int count = 1; count <= 16; ++count) {
    EXPECT_EQ(bench.exchange(done[20 - count]).status, kOk);
  }
  EXPECT_EQ(bench.exchange(done[20 - 17]).status, kGap);
}

TEST_F(Sessions, KindIsTheRepeatedRequests) {
  bench.open(0x0999, 1);
  const Request read = request(kReadMemory, 0x0999, 2);
  bench.exchange(read);
  Request write = request(kWriteMemory, 0x0999, 3);
  bench.exchange(write);
  // A write under the number of a read is answered, not done; a read under that of a write is done.
  Request other = request(kWriteMemory, 0x0999, 2);
  EXPECT_EQ(bench.exchange(other).kind, 0x83);
  EXPECT_EQ(bench.exchange(request(kReadMemory, 0x0999, 3)).data, write.data);
  EXPECT_EQ(bench.exchange(request(kReadRegister, 0x0999, 3)).status, kOk);
  EXPECT_EQ(bench.exchange(request(kWriteRegister, 0x0999, 3)).status, kOk);
}

TEST_F(Sessions, RepeatedReadLeavesTheKeptOutcome) {
  bench.open(0x0999, 1);
  bench.exchange(request(kReadRegister, 0x0999, 2));
  bench.registers.errors = {{0x20, 2}};
  bench.reference.register_fault = [](bool, uint64_t) { return Fault::error; };
  EXPECT_EQ(bench.exchange(request(kReadRegister, 0x0999, 2)).status, kBusError);
  // A write under this number is told what the first read was.
  const Answer got = bench.exchange(request(kWriteRegister, 0x0999, 2));
  EXPECT_EQ(got.status, kOk);
  EXPECT_EQ(got.error_address, 0u);
}

TEST_F(Sessions, RefusedTakesItsNumber) {
  bench.open(0x0aaa, 0);
  for (int i = 0; i < 20; ++i) {
    Request wrong = request(kKinds[i % 4], 0x0aaa, bench.reference.expected);
    wrong.reserved = 1;
    const uint8_t next = static_cast<uint8_t>(bench.reference.expected + 1);
    const Answer got = bench.exchange(wrong);
    EXPECT_EQ(got.status, kRefused);
    EXPECT_EQ(got.expected, next);
    EXPECT_EQ(bench.exchange(wrong).status, kRefused);
  }
}

TEST_F(Sessions, PowerUpResetForgetsAll) {
  bench.open(0x0bbb, 0);
  bench.read_register(0x8030);
  bench.power_up();
  const uint16_t session = bench.reference.session;
  bench.reference.session = 0;
  bench.reference.expected = 0;
  bench.reference.frames = 0;
  EXPECT_EQ(bench.exchange(request(kReadMemory, session, 2)).status, kNoSession);
  bench.open(0x0bbb, 7);
  EXPECT_EQ(bench.word(0x8030), 3u);
}

}  // namespace
}  // namespace systolith::test
