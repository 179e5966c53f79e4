// What the driver needs of a device, whatever is behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "uri.hpp"

namespace systolith::driver {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::uint32_t read32(std::uint32_t offset) = 0;
  virtual void write32(std::uint32_t offset, std::uint32_t value) = 0;
  /// Device memory; the caller keeps to [memory_base, memory_base + memory_bytes).
  virtual void read(std::uint64_t address, void* data, std::size_t bytes) = 0;
  virtual void write(std::uint64_t address, const void* data, std::size_t bytes) = 0;
  /// Lets `cycles` device cycles pass, fewer once the interrupt is high; how many passed. More may,
  /// where time passes by itself.
  virtual std::uint64_t advance(std::uint64_t cycles) = 0;
  /// The interrupt line.
  virtual bool interrupt() = 0;
  /// Resets the device together with the interconnect; registers are as after power-up, memory
  /// keeps its contents. False when the platform can't.
  virtual bool reset() { return false; }
  /// Cache maintenance around transfers, for platforms that need it: `clean` before the device
  /// reads, `invalidate` after it wrote. Both round outward to whole lines; the driver gives no two
  /// buffers a common line and leaves no line dirty, so nothing of a neighbour is lost.
  virtual void clean(std::uint64_t address, std::size_t bytes) { (void)address, (void)bytes; }
  virtual void invalidate(std::uint64_t address, std::size_t bytes) { (void)address, (void)bytes; }
  /// Orders memory writes before the doorbell. Where write and write32 only send, it waits until
  /// all are done, and throws what one failed with.
  virtual void barrier() {}
  /// Whether on-chip memories may hold what an earlier process left: the driver zeroes them.
  virtual bool used() const { return false; }
  virtual std::uint64_t memory_base() const = 0;
  virtual std::uint64_t memory_bytes() const = 0;
};

/// Throw std::invalid_argument for keys that they don't know, naming those that they do.
std::unique_ptr<Backend> open_model(const Uri& uri);
std::unique_ptr<Backend> open_sim(const Uri& uri);
/// A board on a serial port. Throws Failure, too, when it can't be opened.
std::unique_ptr<Backend> open_uart(const Uri& uri);

}  // namespace systolith::driver
