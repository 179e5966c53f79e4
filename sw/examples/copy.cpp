// Copies a buffer through the device's scratchpad: a LOAD, and a STORE that waits for it.
// usage: copy [DEVICE]     for example copy sim:config=8x8,latency=300
#include <cstdio>
#include <string>

#include "systolith/systolith.hpp"

namespace {

constexpr std::uint32_t kThirdSemaphore = 3 << 16 | 1;  // count 1 on semaphore 3

systolith_command_t transfer(unsigned opcode, unsigned unit, std::uint64_t address,
                             std::uint32_t bytes) {
  systolith_command_t command{};
  std::uint64_t* words = command.words;
  SYSTOLITH_SET(words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(words, HEADER_OPCODE, opcode);
  SYSTOLITH_SET(words, HEADER_UNIT, unit);
  SYSTOLITH_SET(words, TRANSFER_ADDRESS, address);
  SYSTOLITH_SET(words, TRANSFER_RUN, bytes);  // one row, to or from scratchpad line 0
  for (unsigned loop = 0; loop < 4; ++loop)
    systolith_field_set(words, SYSTOLITH_TRANSFER_COUNT_0_WORD + loop / 2, loop % 2 * 32, 32, 1);
  return command;
}

}  // namespace

int main(int argc, char** argv) try {
  systolith::Device device(argc > 1 ? argv[1] : "sim:");
  const systolith_capabilities_t has = device.capabilities();
  device.grant(0, has.memory_base, has.memory_bytes);  // the device may touch all of its memory
  device.create_queue(3);                              // eight slots

  const std::string text = "every bit of it";
  std::string back(text.size(), ' ');
  const std::uint64_t from = device.allocate(text.size()), to = device.allocate(text.size());
  device.copy_in(from, text.data(), text.size());

  const auto bytes = static_cast<std::uint32_t>(text.size());
  systolith_command_t load = transfer(SYSTOLITH_OPCODE_LOAD, SYSTOLITH_UNIT_LOAD, from, bytes);
  systolith_command_t store = transfer(SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE, to, bytes);
  SYSTOLITH_SET(load.words, HEADER_SIGNAL_0, kThirdSemaphore);
  SYSTOLITH_SET(store.words, HEADER_WAIT_0, kThirdSemaphore);
  device.wait(device.submit({load, store}));

  device.copy_out(to, back.data(), back.size());
  std::printf("%s: '%s' after %llu cycles\n", back == text ? "equal" : "DIFFERENT", back.c_str(),
              static_cast<unsigned long long>(device.counters().cycles));
  return back == text ? 0 : 1;
} catch (const systolith::Error& error) {
  std::fprintf(stderr, "copy: %s\n", error.what());
  return 1;
}
