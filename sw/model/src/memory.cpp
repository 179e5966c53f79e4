#include "systolith/model/memory.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace systolith::model {

void Memory::add(std::uint64_t base, std::size_t size, std::byte fill) {
  std::vector<std::byte> bytes(size, fill);
  attach(base, bytes);
  owned_.push_back(std::move(bytes));  // its address stays: moving keeps the allocation
}

void Memory::attach(std::uint64_t base, std::span<std::byte> data) {
  if (data.empty() || base + (data.size() - 1) < base) {
    throw std::invalid_argument(fmt::format("no range of {} bytes at {:#x}", data.size(), base));
  }
  const std::uint64_t last = base + (data.size() - 1);
  for (const Range& range : ranges_) {
    if (base <= range.base + (range.data.size() - 1) && range.base <= last) {
      throw std::invalid_argument(
          fmt::format("the range at {:#x} overlaps the one at {:#x}", base, range.base));
    }
  }
  ranges_.push_back({base, data});
}

std::span<std::byte> Memory::at(std::uint64_t address, std::size_t size) {
  for (const Range& range : ranges_) {
    if (address < range.base) continue;
    const std::uint64_t offset = address - range.base;
    if (offset <= range.data.size() && size <= range.data.size() - offset) {
      return range.data.subspan(offset, size);
    }
  }
  return {};
}

void Memory::clear_failures() {
  bad_reads_.clear();
  bad_writes_.clear();
}

bool Memory::touches(const std::vector<Extent>& extents, std::uint64_t address, std::size_t size) {
  return std::any_of(extents.begin(), extents.end(), [&](const Extent& extent) {
    return address <= extent.last && extent.first <= address + (size - 1);
  });
}

bool Memory::read(std::uint64_t address, std::span<std::byte> data) {
  const std::span<std::byte> source = at(address, data.size());
  if (source.empty() || touches(bad_reads_, address, data.size())) return false;
  std::copy(source.begin(), source.end(), data.begin());
  return true;
}

bool Memory::write(std::uint64_t address, std::span<const std::byte> data) {
  const std::span<std::byte> target = at(address, data.size());
  if (target.empty() || touches(bad_writes_, address, data.size())) return false;
  std::copy(data.begin(), data.end(), target.begin());
  return true;
}

}  // namespace systolith::model
