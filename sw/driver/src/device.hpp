// A device behind the C interface: allocator, queue, errors.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "backend.hpp"
#include "systolith/systolith.h"

namespace systolith::driver {

/// A refused or failed call.
struct Failure {
  systolith_status_t status;
  std::string text;
};

class DriverDevice {
 public:
  /// Throws Failure when the device answers with all ones, another identity or another major
  /// version.
  explicit DriverDevice(std::unique_ptr<Backend> backend);

  /// Waits until everything written has been done; throws what failed. Ends each call.
  void settle() { backend_->barrier(); }
  const systolith_capabilities_t& capabilities() const { return capabilities_; }
  std::uint64_t allocate(std::uint64_t bytes, std::uint64_t alignment);
  void reserve(std::uint64_t address, std::uint64_t bytes);
  void free(std::uint64_t address);
  void copy_in(std::uint64_t address, const void* data, std::size_t bytes);
  void copy_out(std::uint64_t address, void* data, std::size_t bytes);
  void grant(std::uint32_t window, std::uint64_t base, std::uint64_t bytes, std::uint32_t permit);
  void create_queue(std::uint32_t slots_log2);
  void create_queue_at(std::uint32_t slots_log2, std::uint64_t ring, std::uint64_t records);
  std::uint32_t submit(const systolith_command_t* commands, std::size_t count);
  void wait(std::uint32_t index, std::uint64_t timeout, bool by_interrupt = false);
  systolith_record_t record(std::uint32_t index);
  systolith_fault_t fault();
  void reset();
  void reset_device();
  systolith_counters_t counters();
  void clear_counters();
  std::uint32_t read_register(std::uint32_t offset) { return backend_->read32(offset); }
  void write_register(std::uint32_t offset, std::uint32_t value) {
    backend_->write32(offset, value);
  }

 private:
  void write64(std::uint32_t offset, std::uint64_t value);
  std::uint64_t read64(std::uint32_t offset);
  std::uint32_t status();  // throws when the device is gone
  void throw_fault(std::uint32_t status);
  std::uint32_t completed();  // throws when the device is gone
  void forget_queue();
  void write_window(std::uint32_t window);
  void check_range(std::uint64_t address, std::uint64_t bytes) const;
  void check_taken(const char* what, std::uint64_t address, std::uint64_t bytes) const;
  void check_queue(std::uint32_t slots_log2) const;
  void enable_queue(std::uint32_t slots_log2);
  void wait_completed(std::uint32_t target, std::uint64_t timeout, bool by_interrupt);

  std::unique_ptr<Backend> backend_;
  systolith_capabilities_t capabilities_{};
  std::map<std::uint64_t, std::uint64_t> used_;  // address -> bytes
  struct Window {
    std::uint64_t base = 0, last = 0;
    std::uint32_t permit = 0;
  };
  std::map<std::uint32_t, Window> windows_;  // granted
  std::uint64_t ring_ = 0, records_ = 0;
  std::optional<std::uint64_t> queue_memory_;  // of a ring that the driver allocated
  std::uint32_t slots_ = 0;
  std::uint32_t tail_ = 0;
  std::uint32_t interrupted_ = 0;  // commands that had completed when an interrupt was cleared last
};

const char* cause_name(std::uint32_t cause);

/// A device whose registers say other sizes than the URI asked for is refused (Failure).
void check_sizes(const Uri& uri, const systolith_capabilities_t& capabilities);

}  // namespace systolith::driver
