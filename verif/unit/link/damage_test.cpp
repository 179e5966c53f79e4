// A host under the page's rules against a line that damages frames in both directions.
#include "host.h"

namespace systolith::test {
namespace {

class DamagedLine : public Link {
 protected:
  // Runs of reads and of writes, in memory and registers, over few addresses: each write done twice
  // or too late would be seen.
  std::vector<Request> random_requests(int count) {
    std::vector<Request> requests;
    auto& random = bench.random();
    bool write = false;
    for (int i = 0; i < count; ++i) {
      if (random() % 12 == 0) write = !write;
      const bool memory = random() % 4 != 0;
      const uint32_t length =
          memory ? 1 + random() % std::min(shape.payload, random() % 8 == 0 ? 48u : 8u) : 4;
      Request request;
      request.kind =
          memory ? (write ? kWriteMemory : kReadMemory) : (write ? kWriteRegister : kReadRegister);
      request.length = static_cast<uint16_t>(length);
      request.address = memory ? bench.base() + 0x400 + random() % 128 : random() % 8 * 4;
      if (write) request.data = bench.random_bytes(length);
      if (random() % 20 == 0) request.reserved = 1;  // refused
      requests.push_back(request);
    }
    return requests;
  }

  // Until that many frames have been disturbed.
  void disturb(uint64_t frames, unsigned percent, uint64_t seed) {
    Host host(bench, percent, seed);
    while (host.out.disturbed + host.in.disturbed < frames && !HasFailure()) {
      const uint16_t session = static_cast<uint16_t>(1 + bench.random()() % 0xffff);
      host.run(random_requests(400), session, static_cast<uint8_t>(bench.random()()));
      if (HasFailure()) return;
      host.compare();
    }
    EXPECT_GE(host.out.disturbed, frames / 4);
    EXPECT_GE(host.in.disturbed, frames / 4);
    EXPECT_GE(host.repetitions, 10u);
  }
  // A beat that answers writes with an error: its outcome is repeated, too.
  void add_bus_error() {
    const uint64_t beat = (bench.base() + 0x440) / shape.bus_bytes * shape.bus_bytes;
    bench.memory->inject({.kind = harness::AxiInjection::Kind::Write,
                          .first_address = beat,
                          .last_address = beat + shape.bus_bytes - 1});
    bench.reference.memory_fault = [=](bool write, uint64_t address) {
      return write && address == beat ? Fault::error : Fault::none;
    };
  }
};

TEST_F(DamagedLine, HostAloneWithoutDamage) {
  Host host(bench, 0, 1);
  host.run(random_requests(300), 0x4242, 99);
  host.compare();
  EXPECT_EQ(host.repetitions, 0u);
}

TEST_F(DamagedLine, OneFrameInTen) { disturb(shape.bit() < 16 ? 400 : 100, 10, 3); }

TEST_F(DamagedLine, OneFrameInThree) {
  add_bus_error();
  bench.memory->timing().stall_aw = bench.memory->timing().stall_r = 30;
  disturb(shape.bit() < 16 ? 3700 : 300, 33, 5);
}

}  // namespace
}  // namespace systolith::test
