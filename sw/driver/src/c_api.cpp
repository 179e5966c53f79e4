// The C interface: handles, and exceptions turned into a status and a text.
#include <fmt/format.h>

#include <mutex>
#include <new>
#include <stdexcept>
#include <unordered_set>

#include "device.hpp"

struct systolith_device {
  systolith::driver::DriverDevice device;
};

namespace {

using systolith::driver::DriverDevice;
using systolith::driver::Failure;

thread_local std::string last_error;
std::mutex handles_lock;
std::unordered_set<const systolith_device_t*> handles;

systolith_status_t fail(systolith_status_t status, std::string text) {
  last_error = std::move(text);
  return status;
}

template <typename Body>
systolith_status_t guard(Body body) {
  try {
    body();
    return SYSTOLITH_OK;
  } catch (const Failure& failure) {
    return fail(failure.status, failure.text);
  } catch (const std::invalid_argument& error) {
    return fail(SYSTOLITH_BAD_ARGUMENT, error.what());
  } catch (const std::bad_alloc&) {
    return fail(SYSTOLITH_NO_MEMORY, "the host is out of memory");
  } catch (const std::exception& error) {
    return fail(SYSTOLITH_INTERNAL, error.what());
  }
}

template <typename Body>
systolith_status_t with(systolith_device_t* device, Body body) {
  {
    const std::lock_guard lock(handles_lock);
    if (device == nullptr || handles.count(device) == 0)
      return fail(SYSTOLITH_BAD_HANDLE,
                  "the device handle is null or was closed: open a device first");
  }
  return guard([&] {
    body(device->device);
    device->device.settle();
  });
}

void need(const void* pointer, const char* name) {
  if (pointer == nullptr) throw std::invalid_argument(fmt::format("{} is null", name));
}

}  // namespace

uint32_t systolith_driver_version(void) { return SYSTOLITH_DRIVER_VERSION; }

const char* systolith_error(void) { return last_error.c_str(); }

const char* systolith_cause_name(uint32_t cause) { return systolith::driver::cause_name(cause); }

systolith_status_t systolith_open(const char* uri, systolith_device_t** device) {
  return guard([&] {
    need(uri, "uri");
    need(device, "device");
    *device = nullptr;
    const auto parsed = systolith::driver::Uri::parse(uri);
    std::unique_ptr<systolith::driver::Backend> backend;
    try {
      if (parsed.scheme == "model") {
        backend = systolith::driver::open_model(parsed);
#ifdef SYSTOLITH_WITH_SIM
      } else if (parsed.scheme == "sim") {
        backend = systolith::driver::open_sim(parsed);
#endif
      } else if (parsed.scheme == "uart") {
        backend = systolith::driver::open_uart(parsed);
      } else {
        throw Failure{
            SYSTOLITH_NO_DEVICE,
            fmt::format("unknown device '{}:'; there are model:, sim: and uart:", parsed.scheme)};
      }
    } catch (const std::invalid_argument& error) {
      throw Failure{SYSTOLITH_NO_DEVICE, error.what()};
    }
    std::unique_ptr<systolith_device> opened(
        new systolith_device{DriverDevice(std::move(backend))});
    systolith::driver::check_sizes(parsed, opened->device.capabilities());
    opened->device.settle();
    const std::lock_guard lock(handles_lock);
    handles.insert(opened.get());
    *device = opened.release();
  });
}

systolith_status_t systolith_close(systolith_device_t* device) {
  {
    const std::lock_guard lock(handles_lock);
    if (device == nullptr || handles.erase(device) == 0)
      return fail(SYSTOLITH_BAD_HANDLE, "the device handle is null or was closed already");
  }
  return guard([&] { delete device; });
}

systolith_status_t systolith_capabilities(systolith_device_t* device,
                                          systolith_capabilities_t* capabilities) {
  return with(device, [&](DriverDevice& d) {
    need(capabilities, "capabilities");
    *capabilities = d.capabilities();
  });
}

systolith_status_t systolith_allocate(systolith_device_t* device, uint64_t bytes,
                                      uint64_t alignment, uint64_t* address) {
  return with(device, [&](DriverDevice& d) {
    need(address, "address");
    *address = d.allocate(bytes, alignment);
  });
}

systolith_status_t systolith_reserve(systolith_device_t* device, uint64_t address, uint64_t bytes) {
  return with(device, [&](DriverDevice& d) { d.reserve(address, bytes); });
}

systolith_status_t systolith_free(systolith_device_t* device, uint64_t address) {
  return with(device, [&](DriverDevice& d) { d.free(address); });
}

systolith_status_t systolith_copy_in(systolith_device_t* device, uint64_t address, const void* data,
                                     size_t bytes) {
  return with(device, [&](DriverDevice& d) { d.copy_in(address, data, bytes); });
}

systolith_status_t systolith_copy_out(systolith_device_t* device, uint64_t address, void* data,
                                      size_t bytes) {
  return with(device, [&](DriverDevice& d) { d.copy_out(address, data, bytes); });
}

systolith_status_t systolith_grant(systolith_device_t* device, uint32_t window, uint64_t base,
                                   uint64_t bytes, uint32_t permit) {
  return with(device, [&](DriverDevice& d) { d.grant(window, base, bytes, permit); });
}

systolith_status_t systolith_queue_create(systolith_device_t* device, uint32_t slots_log2) {
  return with(device, [&](DriverDevice& d) { d.create_queue(slots_log2); });
}

systolith_status_t systolith_queue_create_at(systolith_device_t* device, uint32_t slots_log2,
                                             uint64_t ring, uint64_t records) {
  return with(device, [&](DriverDevice& d) { d.create_queue_at(slots_log2, ring, records); });
}

systolith_status_t systolith_submit(systolith_device_t* device, const systolith_command_t* commands,
                                    size_t count, uint32_t* last_index) {
  return with(device, [&](DriverDevice& d) {
    const uint32_t last = d.submit(commands, count);
    if (last_index != nullptr) *last_index = last;
  });
}

systolith_status_t systolith_wait(systolith_device_t* device, uint32_t index, uint64_t timeout) {
  return with(device, [&](DriverDevice& d) { d.wait(index, timeout); });
}

systolith_status_t systolith_wait_interrupt(systolith_device_t* device, uint32_t index,
                                            uint64_t timeout) {
  return with(device, [&](DriverDevice& d) { d.wait(index, timeout, true); });
}

systolith_status_t systolith_record(systolith_device_t* device, uint32_t index,
                                    systolith_record_t* record) {
  return with(device, [&](DriverDevice& d) {
    need(record, "record");
    *record = d.record(index);
  });
}

systolith_status_t systolith_fault(systolith_device_t* device, systolith_fault_t* fault) {
  return with(device, [&](DriverDevice& d) {
    need(fault, "fault");
    *fault = d.fault();
  });
}

systolith_status_t systolith_reset(systolith_device_t* device) {
  return with(device, [&](DriverDevice& d) { d.reset(); });
}

systolith_status_t systolith_reset_device(systolith_device_t* device) {
  return with(device, [&](DriverDevice& d) { d.reset_device(); });
}

systolith_status_t systolith_counters(systolith_device_t* device, systolith_counters_t* counters) {
  return with(device, [&](DriverDevice& d) {
    need(counters, "counters");
    *counters = d.counters();
  });
}

systolith_status_t systolith_counters_clear(systolith_device_t* device) {
  return with(device, [&](DriverDevice& d) { d.clear_counters(); });
}

systolith_status_t systolith_read_register(systolith_device_t* device, uint32_t offset,
                                           uint32_t* value) {
  return with(device, [&](DriverDevice& d) {
    need(value, "value");
    *value = d.read_register(offset);
  });
}

systolith_status_t systolith_write_register(systolith_device_t* device, uint32_t offset,
                                            uint32_t value) {
  return with(device, [&](DriverDevice& d) { d.write_register(offset, value); });
}
