// Rates: the line is the limit in both directions.
#include "host.h"

namespace systolith::test {
namespace {

class Throughput : public Link {
 protected:
  void measure(bool write) {
    auto& timing = bench.memory->timing();
    timing.read_latency_minimum = timing.read_latency_maximum = 30;
    timing.write_latency_minimum = timing.write_latency_maximum = 30;
    const uint32_t bytes = 0x1'0000;
    std::vector<Request> requests;
    for (uint32_t at = 0; at < bytes; at += shape.payload) {
      const uint32_t length = std::min(shape.payload, bytes - at);
      requests.push_back({.kind = write ? kWriteMemory : kReadMemory,
                          .length = static_cast<uint16_t>(length),
                          .address = bench.base() + at,
                          .data = write ? bench.random_bytes(length) : Bytes{}});
    }
    Host host(bench, 0, 1);
    host.run(requests, 0x1357, 0);
    host.compare();
    EXPECT_EQ(host.repetitions, 0u);
    const double cycles = static_cast<double>(host.last_byte - host.first_bit);
    const double share = bytes * shape.byte() / cycles;
    RecordProperty("share", std::to_string(share));
    RecordProperty("cycles", std::to_string(host.last_byte - host.first_bit));
    EXPECT_GE(share, 0.94) << cycles << " cycles";
  }
};

TEST_F(Throughput, Reads64KiB) { measure(false); }

TEST_F(Throughput, Writes64KiB) { measure(true); }

}  // namespace
}  // namespace systolith::test
