// Errors on the bus: what was done before, what is not asked for after, which address is told.
#include "bench.h"

namespace systolith::test {
namespace {

using harness::AxiInjection;

class BusErrors : public Link {
 protected:
  void SetUp() override { bench.open(); }

  // From now on `beat` fails in one direction.
  void fail_at(bool write, uint64_t beat, bool decode) {
    bench.memory->clear_injections();
    bench.memory->inject({.kind = write ? AxiInjection::Kind::Write : AxiInjection::Kind::Read,
                          .effect = decode ? AxiInjection::Effect::DecodeError
                                           : AxiInjection::Effect::SubordinateError,
                          .first_address = beat,
                          .last_address = beat + shape.bus_bytes - 1});
    bench.reference.memory_fault = [=](bool w, uint64_t address) {
      return w == write && address == beat ? Fault::error : Fault::none;
    };
  }
  // Each beat of some requests fails once.
  void fail_every_beat(bool write) {
    for (uint32_t offset : {0u, 1u, shape.bus_bytes - 1}) {
      const uint64_t address = bench.base() + 0x1000 + offset;
      const uint32_t length = std::min(shape.payload, 7 * shape.bus_bytes);
      const uint64_t first = address / shape.bus_bytes * shape.bus_bytes;
      bool decode = false;
      for (uint64_t beat = first; beat < address + length; beat += shape.bus_bytes) {
        fail_at(write, beat, decode = !decode);
        const Answer got =
            write ? bench.write(address, bench.random_bytes(length)) : bench.read(address, length);
        EXPECT_EQ(got.status, kBusError);
        EXPECT_EQ(got.error_address, std::max(beat, address));
        EXPECT_EQ(got.data.size(), write ? 0 : length);
      }
      // The beat before and the one behind are not the request's.
      fail_at(write, first - shape.bus_bytes, false);
      EXPECT_EQ((write ? bench.write(address, {1}) : bench.read(address, 1)).status, kOk);
      fail_at(write, first + shape.bus_bytes, false);
      EXPECT_EQ((write ? bench.write(address, {1}) : bench.read(address, 1)).status, kOk);
    }
  }
};

TEST_F(BusErrors, ReadsFailAtEachBeat) { fail_every_beat(false); }

TEST_F(BusErrors, WritesFailAtEachBeat) { fail_every_beat(true); }

TEST_F(BusErrors, MemoryEndsWithinARequest) {
  const uint64_t end = bench.base() + bench.reference.memory.size();
  for (uint32_t inside : {1u, 2u, 5u, 16u}) {
    const uint32_t length = std::min(shape.payload, inside + 3);
    if (inside >= length) continue;
    const uint64_t address = end - inside;
    Answer got = bench.read(address, length);
    EXPECT_EQ(got.status, kBusError);
    EXPECT_EQ(got.error_address, end);
    got = bench.write(address, bench.random_bytes(length));
    EXPECT_EQ(got.status, kBusError);
    EXPECT_EQ(got.error_address, end);
  }
  EXPECT_EQ(bench.read(end + 3, 1).error_address, end + 3);
  EXPECT_EQ(bench.write(end + 5, {1}).error_address, end + 5);
}

TEST_F(BusErrors, NextRequestsAreNotTouched) {
  const uint64_t beat = bench.base() + 0x2000;
  for (bool write : {false, true}) {
    fail_at(write, beat, false);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(bench.read(beat + i, 3).status, write ? kOk : kBusError);
      EXPECT_EQ(bench.write(beat + i, {1, 2, 3}).status, write ? kBusError : kOk);
      EXPECT_EQ(bench.read(bench.base(), 3).status, kOk);
      EXPECT_EQ(bench.write(bench.base(), {1, 2, 3}).status, kOk);
      EXPECT_EQ(bench.read_register(8).status, kOk);
    }
  }
}

TEST_F(BusErrors, Registers) {
  for (uint8_t response : {2, 3}) {
    for (uint32_t offset : {0x0000u, 0x0a04u, 0x1ffcu}) {
      bench.registers.errors = {{offset, response}};
      bench.reference.register_fault = [=](bool, uint64_t address) {
        return address == offset ? Fault::error : Fault::none;
      };
      Answer got = bench.read_register(offset);
      EXPECT_EQ(got.status, kBusError);
      EXPECT_EQ(got.error_address, offset);
      EXPECT_EQ(got.data, Bytes(4));
      got = bench.write_register(offset, 17);
      EXPECT_EQ(got.status, kBusError);
      EXPECT_EQ(got.error_address, offset);
      EXPECT_EQ(bench.read_register(offset ^ 4).status, kOk);
      EXPECT_EQ(bench.write_register(offset ^ 4, 18).status, kOk);
    }
  }
}

TEST_F(BusErrors, RepeatedWriteHasItsOutcomeAndAddress) {
  // Outcomes of every sort, then each of them again, newest first and oldest first.
  const uint64_t beat = bench.base() + 0x3000;
  std::vector<Request> done;
  for (uint32_t i = 0; i < kWindow; ++i) {
    if (i % 3 == 0) fail_at(true, beat + i / 3 * shape.bus_bytes, false);
    const uint64_t address = i % 3 == 2 ? bench.base() : beat + i / 3 * shape.bus_bytes + i % 4;
    Request request = bench.next(kWriteMemory, address, 4, bench.random_bytes(4));
    if (i % 5 == 4) request.length = 5;
    bench.exchange(request);
    done.push_back(request);
  }
  // The bus would take them now.
  bench.memory->clear_injections();
  bench.reference.memory_fault = nullptr;
  for (uint32_t i = 0; i < kWindow; ++i) {
    for (const Request& request : {done[i], done[kWindow - 1 - i]}) {
      const bool refused = request.length == 5;
      const Answer got = bench.exchange(request);
      if (refused) {
        EXPECT_EQ(got.status, kRefused);
      }
      if (got.status == kBusError) {
        EXPECT_EQ(got.error_address, request.address);
      }
    }
  }
  EXPECT_EQ(bench.exchange(done[0]).status, kBusError);
}

}  // namespace
}  // namespace systolith::test
