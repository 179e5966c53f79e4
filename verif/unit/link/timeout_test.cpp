// Ports that do not answer, and their revival.
#include "bench.h"

namespace systolith::test {
namespace {

enum class Channel { aw, w, b, ar, r };

bool& held(harness::AxiMemory::Hold& hold, Channel channel) {
  switch (channel) {
    case Channel::aw:
      return hold.aw;
    case Channel::w:
      return hold.w;
    case Channel::b:
      return hold.b;
    case Channel::ar:
      return hold.ar;
    default:
      return hold.r;
  }
}

class Timeouts : public Link {
 protected:
  void SetUp() override { bench.open(); }

  uint64_t address() const { return bench.base() + 0x800 + 3; }

  void hold(bool memory, Channel channel, bool on) {
    held(memory ? bench.memory->hold() : bench.registers.hold, channel) = on;
    bench.run(3);
  }
  Answer access(bool memory, bool write, uint64_t where) {
    if (memory) return write ? bench.write(where, {1, 2, 3}) : bench.read(where, 3);
    return write ? bench.write_register(where, 7) : bench.read_register(where);
  }
  // What a write that timed out did to memory and registers is not said.
  void take_over_unknown() {
    for (uint64_t i = 0; i < bench.reference.memory.size(); ++i) {
      bench.reference.memory[i] = *bench.memory->at(bench.base() + i);
    }
    bench.registers.values[0x40] = bench.reference.register_at(0x40);
    bench.traffic.clear();
  }
  void revive() {
    EXPECT_EQ(bench.write_register(0x8024, 1).status, kOk);
    bench.run(64);
    EXPECT_EQ(bench.reset_length, 16u);
    bench.reference.memory_fault = bench.reference.register_fault = nullptr;
  }

  void check(bool memory, Channel channel, bool release) {
    SCOPED_TRACE(testing::Message() << (memory ? "memory" : "registers") << " channel "
                                    << static_cast<int>(channel) << " release " << release);
    const bool write = channel <= Channel::b;
    const bool taken = channel == Channel::b || channel == Channel::r;
    const uint64_t where = memory ? address() : 0x40;
    hold(memory, channel, true);
    (memory ? bench.reference.memory_fault : bench.reference.register_fault) = [=](bool, uint64_t) {
      return taken ? Fault::unanswered : Fault::silent;
    };
    const Answer got = access(memory, write, where);
    EXPECT_EQ(got.status, kBusTimeout);
    EXPECT_EQ(got.error_address, where);
    EXPECT_EQ(got.data, Bytes(write ? 0 : memory ? 3 : 4));

    // Dead for all, at once; the other port lives.
    for (bool other_write : {false, true}) {
      const uint64_t other = memory ? bench.base() + 5 : 0x1004;
      uint64_t sent = 0;
      bench.on_cycle = [&] {
        if (bench.sending()) sent = bench.cycle;
      };
      const uint64_t valid = memory ? bench.memory_valid_since : bench.registers_valid_since;
      const Answer dead = access(memory, other_write, other);
      EXPECT_LT(bench.cycle - sent, 30 * shape.byte() + 300) << "not at once";
      bench.on_cycle = nullptr;
      EXPECT_EQ(dead.status, kBusTimeout);
      EXPECT_EQ(dead.error_address, other);
      EXPECT_EQ(valid, memory ? bench.memory_valid_since : bench.registers_valid_since);
      EXPECT_EQ(access(!memory, other_write, memory ? 0x80 : bench.base() + 16).status, kOk);
      EXPECT_EQ(bench.read_register(0x8000).status, kOk);
    }
    const auto& axi = bench.memory_port;
    const auto& lite = bench.register_port;
    const bool valid[] = {memory ? axi.aw.valid : lite.aw_valid,
                          memory ? axi.w_valid : lite.w_valid, false,
                          memory ? axi.ar.valid : lite.ar_valid, false};
    EXPECT_EQ(valid[static_cast<int>(channel)], !taken) << "a valid stays until its handshake";
    const auto ready = [&] {
      return write ? (memory ? axi.b_ready : lite.b_ready) : (memory ? axi.r_ready : lite.r_ready);
    };
    EXPECT_TRUE(ready());
    if (release) {
      hold(memory, channel, false);
      bench.run(100);
      EXPECT_FALSE(axi.aw.valid || axi.w_valid || axi.ar.valid);
      EXPECT_FALSE(lite.aw_valid || lite.w_valid || lite.ar_valid);
      EXPECT_TRUE(ready());
      take_over_unknown();
      EXPECT_EQ(access(memory, write, where).status, kBusTimeout) << "dead in spite of its answer";
      EXPECT_EQ(access(memory, !write, where).status, kBusTimeout);
    }
    revive();
    hold(memory, channel, false);
    take_over_unknown();
    for (bool again : {true, false}) {
      const uint64_t live = memory ? address() + 64 : 0x48;
      EXPECT_EQ(access(memory, again, live).status, kOk);
    }
  }

  // Answers an access when it has taken `cycles`, or never; gives the status.
  uint8_t answer_after(bool memory, bool write, uint64_t cycles) {
    const Channel channel = write ? Channel::b : Channel::r;
    hold(memory, channel, true);
    const uint64_t before = bench.cycle;
    bool& on = held(memory ? bench.memory->hold() : bench.registers.hold, channel);
    bench.on_cycle = [&] {
      const uint64_t since = memory ? bench.memory_valid_since : bench.registers_valid_since;
      // Valid in the cycle after its hold ends, which is the access's number `cycles`.
      if (since > before && bench.cycle + 2 >= since + cycles) on = false;
    };
    const bool dies = cycles > shape.timeout;
    (memory ? bench.reference.memory_fault : bench.reference.register_fault) = [=](bool, uint64_t) {
      return dies ? Fault::unanswered : Fault::none;
    };
    const Answer got = access(memory, write, memory ? address() : 0x40);
    bench.on_cycle = nullptr;
    on = false;
    bench.run(20);
    if (dies) {
      take_over_unknown();
      revive();
    }
    return got.status;
  }
};

TEST_F(Timeouts, EachChannelOfMemory) {
  for (bool release : {false, true}) {
    for (Channel c : {Channel::aw, Channel::w, Channel::b, Channel::ar, Channel::r}) {
      check(true, c, release);
    }
  }
}

TEST_F(Timeouts, EachChannelOfTheRegisters) {
  for (bool release : {false, true}) {
    for (Channel c : {Channel::aw, Channel::w, Channel::b, Channel::ar, Channel::r}) {
      check(false, c, release);
    }
  }
}

TEST_F(Timeouts, LongTime) { check(true, Channel::ar, false); }

TEST_F(Timeouts, AccessMayTakeTheWholeTime) {
  for (bool memory : {true, false}) {
    for (bool write : {true, false}) {
      SCOPED_TRACE(testing::Message() << memory << " " << write);
      EXPECT_EQ(answer_after(memory, write, shape.timeout), kOk);
      EXPECT_EQ(answer_after(memory, write, shape.timeout + 1), kBusTimeout);
    }
  }
}

TEST_F(Timeouts, AnswerComesWhenTheTimeIsOver) {
  hold(true, Channel::r, true);
  const Request request = bench.next(kReadMemory, address(), 4);
  bench.reference.memory_fault = [](bool, uint64_t) { return Fault::unanswered; };
  const std::optional<Prediction> expected = bench.reference.serve(request.content());
  bench.send(request);
  const std::optional<Received> got = bench.receive();
  ASSERT_TRUE(got);
  bench.compare(got->answer, *expected);
  EXPECT_GE(got->start + 2, bench.memory_valid_since + shape.timeout);
  EXPECT_LE(got->start, bench.memory_valid_since + shape.timeout + 300);
  hold(true, Channel::r, false);
  revive();
}

TEST_F(Timeouts, TimeIsOfEachBeatAlone) {
  auto& timing = bench.memory->timing();
  timing.read_latency_minimum = timing.read_latency_maximum = shape.timeout * 3 / 4;
  timing.write_latency_minimum = timing.write_latency_maximum = shape.timeout * 3 / 4;
  const uint32_t length = std::min(shape.payload, 6 * shape.bus_bytes);
  EXPECT_EQ(bench.write(address(), bench.random_bytes(length)).status, kOk);
  EXPECT_EQ(bench.read(address(), length).status, kOk);
}

TEST_F(Timeouts, BeatInTheMiddle) {
  const uint64_t beat = address() / shape.bus_bytes * shape.bus_bytes + shape.bus_bytes;
  for (bool write : {true, false}) {
    bench.memory->inject(
        {.kind = write ? harness::AxiInjection::Kind::Write : harness::AxiInjection::Kind::Read,
         .effect = harness::AxiInjection::Effect::NeverAnswer,
         .first_address = beat,
         .last_address = beat});
    bench.reference.memory_fault = [=](bool, uint64_t at) {
      return at == beat ? Fault::unanswered : Fault::none;
    };
    const uint32_t length = std::min(shape.payload, 3 * shape.bus_bytes);
    const uint64_t from = std::min(address(), beat - 1);
    const Answer got =
        write ? bench.write(from, bench.random_bytes(length)) : bench.read(from, length);
    EXPECT_EQ(got.status, kBusTimeout);
    EXPECT_EQ(got.error_address, beat);
    if (!write) {
      EXPECT_EQ(got.data[0], bench.reference.memory[from - bench.base()]);
    }
    take_over_unknown();
    bench.memory->clear_injections();
    revive();
    EXPECT_EQ(bench.read(from, length).status, kOk);
  }
}

TEST_F(Timeouts, RepeatedWriteIsStillTimedOutAfterTheRevival) {
  const Request request = bench.next(kWriteMemory, address(), 2, {8, 9});
  hold(true, Channel::aw, true);
  bench.reference.memory_fault = [](bool, uint64_t) { return Fault::silent; };
  EXPECT_EQ(bench.exchange(request).status, kBusTimeout);
  const Request dead = bench.next(kWriteMemory, address() + 9, 2, {8, 9});
  EXPECT_EQ(bench.exchange(dead).status, kBusTimeout);
  hold(true, Channel::aw, false);
  take_over_unknown();
  revive();
  EXPECT_EQ(bench.exchange(request).status, kBusTimeout);
  EXPECT_EQ(bench.exchange(dead).error_address, address() + 9);
}

}  // namespace
}  // namespace systolith::test
