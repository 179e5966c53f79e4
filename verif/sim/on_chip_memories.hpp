// The on-chip memories of a Verilated model, for tests that flip their bits.
#pragma once

#include <fmt/format.h>
#include <verilated.h>
#include <verilated_syms.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "systolith_harness/sim_device.hpp"

namespace systolith::sim {

/// Every instance of `rtl/common/memory.sv` below `top` of the models in a context, by name. The
/// arrays are found in Verilator's tables (memories.vlt makes them public), so nothing is in the
/// RTL for it. Keep it no longer than the model.
class OnChipMemories {
 public:
  /// `top`: leading part of hierarchical names to keep to and to leave out.
  explicit OnChipMemories(VerilatedContext& context, const std::string& top = "") {
    for (const auto& [path, scope] : *context.scopeNameMap()) {
      std::string name = path;
      // A netlist is one level deeper than what it stands for (scripts/netlist-mutants).
      if (const auto level = name.find("u_netlist."); level != std::string::npos)
        name.erase(level, std::strlen("u_netlist."));
      if (!name.starts_with(top) || scope->varsp() == nullptr) continue;
      const auto found = scope->varsp()->find("mem");
      if (found == scope->varsp()->end() || found->second.udims() != 1) continue;
      const VerilatedVar& array = found->second;
      list_.push_back(
          {name.substr(top.size()), width(array), static_cast<unsigned>(array.elements(1))});
      places_.push_back({static_cast<std::uint8_t*>(array.datap()), array.entSize()});
    }
  }

  const std::vector<harness::OnChipMemory>& list() const { return list_; }

  /// Flips a stored bit at once. Between two clock cycles: the next edge reads the new value.
  /// std::out_of_range if there is no such bit.
  void flip(std::size_t memory, unsigned word, unsigned bit) {
    static_assert(std::endian::native == std::endian::little);
    const harness::OnChipMemory& m = list_.at(memory);
    if (word >= m.depth || bit >= m.width)
      throw std::out_of_range(fmt::format("{} has {} words of {} bits, not word {} bit {}", m.name,
                                          m.depth, m.width, word, bit));
    places_[memory].data[word * places_[memory].word_bytes + bit / 8] ^=
        static_cast<std::uint8_t>(1U << bit % 8);
  }

 private:
  struct Place {
    std::uint8_t* data;
    std::size_t word_bytes;
  };
  // Bits of a word; Verilator 5.048 has another name for it.
  static unsigned width(const auto& array) {
    if constexpr (requires { array.entBits(); })
      return array.entBits();
    else
      return static_cast<unsigned>(array.packed().elements());
  }

  std::vector<harness::OnChipMemory> list_;
  std::vector<Place> places_;
};

}  // namespace systolith::sim
