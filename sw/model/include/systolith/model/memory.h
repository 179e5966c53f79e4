// Memory that a device sees on its bus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace systolith::model {

/// What stands behind the device's manager port. The model calls it in program order, once a burst,
/// with exactly the bytes that the command needs.
class Bus {
 public:
  virtual ~Bus() = default;
  /// Fills `data` from `address` on. False is an error response (SLVERR or DECERR).
  virtual bool read(std::uint64_t address, std::span<std::byte> data) = 0;
  /// False is an error response; what was written by then is undefined.
  virtual bool write(std::uint64_t address, std::span<const std::byte> data) = 0;
};

/// Ranges of bytes at any addresses; an access that is not wholly inside one range is an error.
class Memory : public Bus {
 public:
  /// Adds `size` > 0 bytes of value `fill` at `base`. Throws std::invalid_argument if the range
  /// wraps or overlaps another.
  void add(std::uint64_t base, std::size_t size, std::byte fill = std::byte{0});
  /// Adds a range that is `data`, which the caller owns and keeps alive. Errors as `add`.
  void attach(std::uint64_t base, std::span<std::byte> data);
  /// The bytes of [address, address + size) where one range holds them all, else an empty span.
  std::span<std::byte> at(std::uint64_t address, std::size_t size);

  /// Accesses that touch [first, last] answer with an error from now on.
  void fail_reads(std::uint64_t first, std::uint64_t last) { bad_reads_.push_back({first, last}); }
  void fail_writes(std::uint64_t first, std::uint64_t last) {
    bad_writes_.push_back({first, last});
  }
  void clear_failures();

  bool read(std::uint64_t address, std::span<std::byte> data) override;
  bool write(std::uint64_t address, std::span<const std::byte> data) override;

 private:
  struct Extent {
    std::uint64_t first;
    std::uint64_t last;
  };
  struct Range {
    std::uint64_t base;
    std::span<std::byte> data;
  };
  static bool touches(const std::vector<Extent>& extents, std::uint64_t address, std::size_t size);

  std::vector<std::vector<std::byte>> owned_;
  std::vector<Range> ranges_;
  std::vector<Extent> bad_reads_;
  std::vector<Extent> bad_writes_;
};

}  // namespace systolith::model
