// Memory: bytes, beats and strobes at every place; registers; what is refused.
#include "bench.h"

namespace systolith::test {
namespace {

class Access : public Link {
 protected:
  void SetUp() override { bench.open(); }

  // Latency and back-pressure of both ports.
  void slow_down(uint32_t latency, uint8_t stall) {
    auto& timing = bench.memory->timing();
    timing.read_latency_minimum = timing.write_latency_minimum = 1;
    timing.read_latency_maximum = timing.write_latency_maximum = latency;
    timing.stall_aw = timing.stall_w = timing.stall_b = timing.stall_ar = timing.stall_r = stall;
    bench.registers.latency = latency;
    bench.registers.stall = stall;
  }
  uint64_t random_address(uint32_t length) {
    return bench.base() + bench.random()() % (bench.reference.memory.size() - length + 1);
  }
  void random_requests(int count) {
    for (int i = 0; i < count; ++i) {
      const uint32_t length = 1 + bench.random()() % std::min(shape.payload, 80u);
      const uint32_t offset = bench.random()() % 2048 * 4;
      Answer got;
      switch (bench.random()() % 5) {
        case 0:
          got = bench.read_register(offset);
          break;
        case 1:
          got = bench.write_register(offset, static_cast<uint32_t>(bench.random()()));
          break;
        case 2:
          got = bench.read(random_address(length), length);
          break;
        default:
          got = bench.write(random_address(length), bench.random_bytes(length));
      }
      ASSERT_EQ(got.status, kOk);
    }
  }
};

TEST_F(Access, EveryOffsetWithSmallLengths) {
  for (uint32_t offset = 0; offset < shape.bus_bytes; ++offset) {
    for (uint32_t length = 1; length <= 9; ++length) {
      const uint64_t address = bench.base() + 1024 + offset;
      const Bytes data = bench.random_bytes(length);
      ASSERT_EQ(bench.write(address, data).status, kOk);
      ASSERT_EQ(bench.read(address, length).data, data);
    }
  }
}

TEST_F(Access, LengthsAroundBeats) {
  for (uint32_t beats = 1; beats <= 4; ++beats) {
    for (int around = -1; around <= 1; ++around) {
      const uint32_t length = beats * shape.bus_bytes + around;
      if (length > shape.payload) continue;
      for (uint32_t offset : {0u, 1u, shape.bus_bytes - 1}) {
        const Bytes data = bench.random_bytes(length);
        bench.write(bench.base() + 512 + offset, data);
        EXPECT_EQ(bench.read(bench.base() + 512 + offset, length).data, data);
      }
    }
  }
}

TEST_F(Access, LengthsAtTheEnds) {
  const uint64_t address = bench.base() + 100;
  EXPECT_EQ(bench.read(address, 0).status, kRefused);
  EXPECT_EQ(bench.write(address, {}).status, kRefused);
  EXPECT_EQ(bench.read(address, 1).status, kOk);
  EXPECT_EQ(bench.write(address, {1}).status, kOk);
  EXPECT_EQ(bench.read(address, shape.payload).status, kOk);
  EXPECT_EQ(bench.write(address, bench.random_bytes(shape.payload)).status, kOk);
  for (uint32_t length : {shape.payload + 1, shape.payload + 256, 0x8000u, 0xffffu}) {
    EXPECT_EQ(bench.read(address, length).status, kRefused) << length;
  }
  EXPECT_EQ(bench.write(address, bench.random_bytes(shape.payload + 1)).status, kRefused);
  EXPECT_EQ(bench.read(address, shape.payload).status, kOk);
}

TEST_F(Access, FirstAndLastByteOfMemory) {
  const uint64_t last = bench.base() + bench.reference.memory.size() - 1;
  for (uint64_t address : {bench.base(), last}) {
    EXPECT_EQ(bench.write(address, {0x42}).status, kOk);
    EXPECT_EQ(bench.read(address, 1).data, Bytes{0x42});
  }
  EXPECT_EQ(bench.read(last - shape.payload + 1, shape.payload).status, kOk);
}

TEST_F(Access, AddressesBeyondTheWidthAreRefused) {
  for (uint32_t bit = shape.address_width; bit < 64; ++bit) {
    const uint64_t address = bench.base() | uint64_t{1} << bit;
    EXPECT_EQ(bench.read(address, 1).status, kRefused) << bit;
    EXPECT_EQ(bench.write(address, {1}).status, kRefused) << bit;
  }
  EXPECT_EQ(bench.read(bench.base(), 4).status, kOk);
}

TEST_F(Access, LastByteMustNotBeBeyondTheWidth) {
  const uint64_t top = shape.address_width == 64 ? 0 : uint64_t{1} << shape.address_width;
  for (uint32_t inside = 1; inside <= 16; ++inside) {
    // No memory is there, but it may be asked.
    EXPECT_EQ(bench.read(top - inside, inside).status, kBusError);
    EXPECT_EQ(bench.write(top - inside, Bytes(inside)).status, kBusError);
    if (inside == shape.payload) continue;
    EXPECT_EQ(bench.read(top - inside, inside + 1).status, kRefused);
    EXPECT_EQ(bench.write(top - inside, Bytes(inside + 1)).status, kRefused);
    EXPECT_EQ(bench.read(top - inside, shape.payload).status, kRefused);
  }
}

TEST_F(Access, AnswersBeforeAndAfterTheirAddress) {
  for (bool address_first : {false, true}) {
    bench.memory->timing().w_after_aw = address_first;
    bench.memory->timing().aw_after_w = !address_first;
    for (int i = 0; i < 10; ++i) {
      const uint32_t length = 1 + bench.random()() % shape.payload;
      EXPECT_EQ(bench.write(random_address(length), bench.random_bytes(length)).status, kOk);
    }
  }
}

TEST_F(Access, RandomRequests) { random_requests(300); }

TEST_F(Access, RandomRequestsWithLatency) {
  slow_down(std::min(shape.timeout / 4, 40u), 0);
  random_requests(200);
}

TEST_F(Access, RandomRequestsWithBackPressure) {
  slow_down(3, 50);
  random_requests(200);
}

TEST_F(Access, RegistersAtTheEndsOfTheTable) {
  for (uint64_t offset : {0x0000u, 0x0004u, 0x0ffcu, 0x1000u, 0x1ff8u, 0x1ffcu}) {
    EXPECT_EQ(bench.read_register(offset).status, kOk);
    EXPECT_EQ(bench.write_register(offset, 0x1234'0000u + static_cast<uint32_t>(offset)).status,
              kOk);
    EXPECT_EQ(bench.read_register(offset).value(), 0x1234'0000u + offset);
  }
  for (uint64_t offset :
       {uint64_t{0x2000}, uint64_t{0x2004}, uint64_t{0x4000}, uint64_t{0x7ffc}, uint64_t{0x8100},
        uint64_t{0x8200}, uint64_t{0xa000}, uint64_t{0xfffc}, uint64_t{0x1'0000},
        uint64_t{0x1'8000}, uint64_t{0x8000'0000}, uint64_t{0x1'0000'0000}, uint64_t{1} << 63,
        (uint64_t{1} << 40) + 0x8000}) {
    EXPECT_EQ(bench.read_register(offset).status, kRefused) << std::hex << offset;
    EXPECT_EQ(bench.write_register(offset, 0).status, kRefused) << std::hex << offset;
  }
}

TEST_F(Access, RegistersAreWholeWords) {
  for (uint32_t base : {0x0100u, 0x8008u}) {
    for (uint32_t offset = base + 1; offset < base + 4; ++offset) {
      EXPECT_EQ(bench.read_register(offset).status, kRefused);
      EXPECT_EQ(bench.write_register(offset, 0).status, kRefused);
    }
    for (uint32_t length : {0u, 1u, 2u, 3u, 5u, 8u, 0x104u}) {
      EXPECT_EQ(bench.exchange(bench.next(kReadRegister, base, length)).status, kRefused);
      if (length > shape.payload) continue;
      EXPECT_EQ(bench.exchange(bench.next(kWriteRegister, base, length, Bytes(length))).status,
                kRefused);
    }
  }
}

TEST_F(Access, UnknownKindsAreRefused) {
  for (int kind = 0; kind < 256; kind = kind < 10 ? kind + 1 : kind + 7) {
    if (kind >= kOpen && kind <= kWriteRegister) continue;
    const Request request = bench.next(static_cast<uint8_t>(kind), bench.base(), 4);
    EXPECT_EQ(bench.exchange(request).status, kRefused) << kind;
  }
}

TEST_F(Access, ContentNotAsLongAsItsLengthIsRefused) {
  for (uint8_t kind : {kReadMemory, kWriteMemory, kReadRegister, kWriteRegister}) {
    const bool writes = kind == kWriteMemory || kind == kWriteRegister;
    const uint64_t address = kind <= kWriteMemory ? bench.base() : 0x0040;
    for (uint32_t bytes : {0u, 1u, 3u, 4u, 5u, 16u}) {
      if (bytes == (writes ? 4 : 0)) continue;
      const Request request = bench.next(kind, address, 4, bench.random_bytes(bytes));
      EXPECT_EQ(bench.exchange(request).status, kRefused) << int{kind} << " with " << bytes;
    }
  }
}

TEST_F(Access, BytesSixAndSevenAreZero) {
  for (int bit = 0; bit < 16; ++bit) {
    Request request = bench.next(kReadMemory, bench.base(), 4);
    request.reserved = static_cast<uint16_t>(1 << bit);
    EXPECT_EQ(bench.exchange(request).status, kRefused);
  }
  for (uint8_t kind : {kWriteMemory, kReadRegister, kWriteRegister}) {
    const bool writes = kind == kWriteMemory || kind == kWriteRegister;
    Request request = bench.next(kind, kind <= kWriteMemory ? bench.base() : 0x40, 4,
                                 writes ? Bytes(4) : Bytes{});
    request.reserved = 0x0100;
    EXPECT_EQ(bench.exchange(request).status, kRefused);
  }
}

}  // namespace
}  // namespace systolith::test
