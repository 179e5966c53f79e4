// C++ wrapper of the driver: RAII, exceptions. Shapes and errors as in systolith.h.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "systolith/systolith.h"

namespace systolith {

/// A call that failed; what() is the driver's text.
class Error : public std::runtime_error {
 public:
  Error(systolith_status_t status, const std::string& text)
      : std::runtime_error(text), status_(status) {}
  systolith_status_t status() const { return status_; }

 private:
  systolith_status_t status_;
};

inline void check(systolith_status_t status) {
  if (status != SYSTOLITH_OK) throw Error(status, systolith_error());
}

/// An open device; closed by the destructor. Moved, not copied.
class Device {
 public:
  explicit Device(const std::string& uri) {
    if (systolith_driver_version() >> 16 != SYSTOLITH_DRIVER_VERSION >> 16)
      throw Error(SYSTOLITH_NO_DEVICE,
                  "the installed driver library is of another version than this program's headers");
    check(systolith_open(uri.c_str(), &handle_));
  }
  Device(Device&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Device& operator=(Device&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Device() {
    if (handle_ != nullptr) systolith_close(handle_);
  }

  systolith_device_t* handle() const { return handle_; }

  systolith_capabilities_t capabilities() const {
    systolith_capabilities_t value{};
    check(systolith_capabilities(handle_, &value));
    return value;
  }
  std::uint64_t allocate(std::uint64_t bytes, std::uint64_t alignment = 0) {
    std::uint64_t address = 0;
    check(systolith_allocate(handle_, bytes, alignment, &address));
    return address;
  }
  void reserve(std::uint64_t address, std::uint64_t bytes) {
    check(systolith_reserve(handle_, address, bytes));
  }
  void free(std::uint64_t address) { check(systolith_free(handle_, address)); }
  void copy_in(std::uint64_t address, const void* data, std::size_t bytes) {
    check(systolith_copy_in(handle_, address, data, bytes));
  }
  void copy_out(std::uint64_t address, void* data, std::size_t bytes) {
    check(systolith_copy_out(handle_, address, data, bytes));
  }
  void grant(std::uint32_t window, std::uint64_t base, std::uint64_t bytes,
             std::uint32_t permit = 3) {
    check(systolith_grant(handle_, window, base, bytes, permit));
  }
  void create_queue(std::uint32_t slots_log2) {
    check(systolith_queue_create(handle_, slots_log2));
  }
  void create_queue(std::uint32_t slots_log2, std::uint64_t ring, std::uint64_t records) {
    check(systolith_queue_create_at(handle_, slots_log2, ring, records));
  }
  std::uint32_t submit(const std::vector<systolith_command_t>& commands) {
    std::uint32_t last = 0;
    check(systolith_submit(handle_, commands.data(), commands.size(), &last));
    return last;
  }
  void wait(std::uint32_t index, std::uint64_t timeout = 0) {
    check(systolith_wait(handle_, index, timeout));
  }
  void wait_interrupt(std::uint32_t index, std::uint64_t timeout = 0) {
    check(systolith_wait_interrupt(handle_, index, timeout));
  }
  systolith_record_t record(std::uint32_t index) {
    systolith_record_t value{};
    check(systolith_record(handle_, index, &value));
    return value;
  }
  systolith_fault_t fault() const {
    systolith_fault_t value{};
    check(systolith_fault(handle_, &value));
    return value;
  }
  void reset() { check(systolith_reset(handle_)); }
  void reset_device() { check(systolith_reset_device(handle_)); }
  systolith_counters_t counters() const {
    systolith_counters_t value{};
    check(systolith_counters(handle_, &value));
    return value;
  }
  void clear_counters() { check(systolith_counters_clear(handle_)); }
  std::uint32_t read_register(std::uint32_t offset) const {
    std::uint32_t value = 0;
    check(systolith_read_register(handle_, offset, &value));
    return value;
  }
  void write_register(std::uint32_t offset, std::uint32_t value) {
    check(systolith_write_register(handle_, offset, value));
  }

 private:
  systolith_device_t* handle_ = nullptr;
};

}  // namespace systolith
