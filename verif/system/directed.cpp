#include "directed.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "program_run.hpp"

namespace systolith::system_test {

Program directed(std::vector<systolith_command_t> commands, std::uint64_t seed) {
  Program program;
  program.commands = std::move(commands);
  program.memory = fresh_memory(seed);
  return program;
}

Program directed(std::initializer_list<systolith_command_t> commands, std::uint64_t seed) {
  return directed(std::vector<systolith_command_t>(commands), seed);
}

Record record_of(const std::uint8_t* memory, const Program& program, std::uint32_t index) {
  const std::uint8_t* at =
      memory + (kRecords - kBase) +
      std::uint64_t{index % (1U << program.slots_log2)} * SYSTOLITH_RECORD_BYTES;
  systolith_record_t r;
  std::memcpy(r.words, at, sizeof r.words);
  return {static_cast<std::uint32_t>(SYSTOLITH_GET(r.words, RECORD_INDEX)),
          static_cast<unsigned>(SYSTOLITH_GET(r.words, RECORD_STATE)),
          static_cast<unsigned>(SYSTOLITH_GET(r.words, RECORD_CAUSE)),
          static_cast<unsigned>(SYSTOLITH_GET(r.words, RECORD_UNIT)),
          static_cast<unsigned>(SYSTOLITH_GET(r.words, RECORD_OPCODE)),
          SYSTOLITH_GET(r.words, RECORD_ADDRESS),
          SYSTOLITH_GET(r.words, RECORD_START),
          SYSTOLITH_GET(r.words, RECORD_END),
          r.words[0] != 0xa5a5a5a5a5a5a5a5};
}

std::string changed_outside(const std::vector<std::uint8_t>& memory, const Program& program,
                            const std::vector<Extent>& except) {
  for (std::uint64_t address = kInputs; address < kBase + kBytes; ++address) {
    const std::uint64_t i = address - kBase;
    if (memory[i] == program.memory[i]) continue;
    if (std::any_of(except.begin(), except.end(),
                    [&](const Extent& e) { return address >= e.first && address <= e.last; }))
      continue;
    return fmt::format("{:#x} was {:#04x}, is {:#04x}", address, program.memory[i], memory[i]);
  }
  return "";
}

Traffic::Traffic(SimRun& sim) {
  const unsigned bus_bytes = sim.device().geometry().bus_bytes;
  sim.device().set_monitor([this, bus_bytes](const harness::AxiManagerSignals& device,
                                             const harness::AxiSubordinateSignals& memory) {
    const auto note = [&](bool write, const harness::AxiAddress& a) {
      const std::uint64_t first = a.address & ~std::uint64_t{bus_bytes - 1};
      bursts_.push_back({write, a.id, a.address, first + (a.length + 1U) * bus_bytes - 1});
    };
    if (device.ar.valid && memory.ar_ready) note(false, device.ar);
    if (device.aw.valid && memory.aw_ready) note(true, device.aw);
  });
}

std::uint64_t Traffic::burst_with(unsigned id, std::uint64_t byte) const {
  for (const Burst& burst : bursts_)
    if (burst.id == id && byte >= burst.address && byte <= burst.last) return burst.address;
  return ~std::uint64_t{0};
}

unsigned Traffic::count(unsigned id) const {
  return static_cast<unsigned>(
      std::count_if(bursts_.begin(), bursts_.end(), [&](const Burst& b) { return b.id == id; }));
}

void expect_usable(SimRun& sim, const std::string& configuration, std::uint64_t seed) {
  ProgramGenerator generator(configuration, seed);
  const Program program = generator.generate(12);
  EXPECT_EQ(difference(sim.run(program), run_model(configuration, program)), "")
      << configuration << " seed " << seed;
}

}  // namespace systolith::system_test
