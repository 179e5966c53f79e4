#include "reference.hpp"

#include <cstring>

#include "program_generator.hpp"
#include "systolith/command.h"

namespace systolith::faults {
namespace {

/// Notes what passes by. A command begins with the fetch of its first byte.
class Notes : public model::Bus {
 public:
  Notes(model::Memory& memory, const program::Ring& ring, Reference& reference)
      : memory_(memory), ring_(ring), reference_(reference) {}

  bool read(std::uint64_t address, std::span<std::byte> data) override {
    if (in(address, ring_.address, SYSTOLITH_COMMAND_BYTES)) {
      if ((address - ring_.address) % SYSTOLITH_COMMAND_BYTES == 0) ++command_;
    } else {
      reference_.loads.push_back({command_, address, data.size(), {}});
    }
    return memory_.read(address, data);
  }
  bool write(std::uint64_t address, std::span<const std::byte> data) override {
    if (!in(address, ring_.records, SYSTOLITH_RECORD_BYTES)) {
      std::vector<std::uint8_t> bytes(data.size());
      std::memcpy(bytes.data(), data.data(), data.size());
      reference_.stores.push_back({command_, address, data.size(), std::move(bytes)});
    }
    return memory_.write(address, data);
  }

 private:
  bool in(std::uint64_t address, std::uint64_t base, std::uint64_t slot_bytes) const {
    return address >= base && address < base + (slot_bytes << ring_.slots_log2);
  }

  model::Memory& memory_;
  const program::Ring& ring_;
  Reference& reference_;
  std::uint32_t command_ = ~0U;  // the one at work
};

}  // namespace

Reference refer(const regress::Drawn& drawn) {
  Reference reference;
  reference.before = regress::image_of(drawn.program);
  reference.run = regress::run_model(drawn, [&](model::Memory& memory) {
    return std::make_unique<Notes>(memory, *drawn.program.ring, reference);
  });
  return reference;
}

}  // namespace systolith::faults
