// Copies a buffer through the device's scratchpad. Usage: copy [DEVICE], say copy sim:latency=300
#include <cstdio>

#include "systolith/systolith.hpp"

// One row of `bytes` between memory and line 0; `sync` is a count on a semaphore.
systolith_command_t transfer(bool store, std::uint64_t address, std::uint32_t bytes,
                             unsigned sync) {
  systolith_command_t command{};
  std::uint64_t* words = command.words;
  SYSTOLITH_SET(words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(words, HEADER_OPCODE, store ? SYSTOLITH_OPCODE_STORE : SYSTOLITH_OPCODE_LOAD);
  SYSTOLITH_SET(words, HEADER_UNIT, store ? SYSTOLITH_UNIT_STORE : SYSTOLITH_UNIT_LOAD);
  if (store) SYSTOLITH_SET(words, HEADER_WAIT_0, sync);
  if (!store) SYSTOLITH_SET(words, HEADER_SIGNAL_0, sync);
  SYSTOLITH_SET(words, TRANSFER_ADDRESS, address);
  SYSTOLITH_SET(words, TRANSFER_RUN, bytes);
  words[7] = words[8] = 1ULL << 32 | 1;  // each of the four loops runs once
  return command;
}

int main(int argc, char** argv) try {
  systolith::Device device(argc > 1 ? argv[1] : "sim:");
  const systolith_capabilities_t has = device.capabilities();
  device.grant(0, has.memory_base, has.memory_bytes);  // the device may touch all of its memory
  device.create_queue(3);                              // eight slots
  const std::string text = "every bit of it";
  std::string back(text.size(), ' ');
  const std::uint64_t from = device.allocate(text.size()), to = device.allocate(text.size());
  device.copy_in(from, text.data(), text.size());
  const unsigned third =
      3 << 16 | 1;  // one count on semaphore 3: the load signals, the store waits
  device.wait(device.submit(
      {transfer(false, from, text.size(), third), transfer(true, to, text.size(), third)}));
  device.copy_out(to, back.data(), back.size());
  const unsigned long long cycles = device.counters().cycles;
  std::printf("%s after %llu cycles\n", back == text ? "equal" : "DIFFERENT", cycles);
  return back == text ? 0 : 1;
} catch (const systolith::Error& error) {
  std::fprintf(stderr, "copy: %s\n", error.what());
  return 1;
}
