#include "device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <iterator>
#include <vector>

#include "systolith/registers.h"

namespace systolith::driver {
namespace {

constexpr std::uint64_t kPollCycles = 4096;  // between two looks at the status while waiting
constexpr std::uint64_t kDefaultTimeout = 1'000'000'000;
constexpr std::uint64_t kResetTimeout = 4'000'000;
constexpr std::uint32_t kGone = 0xffffffff;
constexpr std::uint64_t kDefaultAlignment = 64;
constexpr std::uint64_t kCacheLine = 64;             // buffers never share one
constexpr std::chrono::minutes kWallClockLimit{30};  // of a wait without any progress

// Bits of the status register.
constexpr std::uint32_t kBusy = 1, kFaulted = 2, kStuck = 4;

std::uint32_t field(std::uint32_t value, unsigned lsb, unsigned width) {
  return (value >> lsb) & (width >= 32 ? ~0U : (1U << width) - 1);
}

constexpr std::array<const char*, 24> kCauses = {"none",
                                                 "version",
                                                 "opcode",
                                                 "reserved",
                                                 "semaphore_index",
                                                 "semaphore_binding",
                                                 "format",
                                                 "size",
                                                 "local_range",
                                                 "address",
                                                 "window",
                                                 "scale",
                                                 "type_tag",
                                                 "semaphore_overflow",
                                                 "bus_read",
                                                 "bus_write",
                                                 "bus_fetch",
                                                 "bus_record",
                                                 "bus_timeout",
                                                 "semaphore_timeout",
                                                 "ring",
                                                 "ring_overrun",
                                                 "memory",
                                                 "aborted"};

}  // namespace

const char* cause_name(std::uint32_t cause) {
  return cause < kCauses.size() ? kCauses[cause] : "unknown";
}

#define FIELD(value, name) field(value, SYSTOLITH_##name##_LSB, SYSTOLITH_##name##_WIDTH)

DriverDevice::DriverDevice(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {
  const std::uint32_t magic = backend_->read32(SYSTOLITH_REGISTER_MAGIC);
  if (magic == kGone)
    throw Failure{SYSTOLITH_DEVICE_GONE,
                  "every read answers all ones: the device is gone or not powered"};
  if (magic != SYSTOLITH_MAGIC_RESET)
    throw Failure{SYSTOLITH_NO_DEVICE,
                  fmt::format("not a Systolith device: magic {:#010x} instead of {:#010x}", magic,
                              SYSTOLITH_MAGIC_RESET)};
  const std::uint32_t version = backend_->read32(SYSTOLITH_REGISTER_VERSION);
  if (version >> 16 != SYSTOLITH_VERSION_RESET >> 16)
    throw Failure{SYSTOLITH_NO_DEVICE,
                  fmt::format("the device's interface has version {}.{}, this driver was built for "
                              "{}.{}: use a driver of "
                              "the device's first number",
                              version >> 16, version & 0xffff, SYSTOLITH_VERSION_RESET >> 16,
                              SYSTOLITH_VERSION_RESET & 0xffff)};
  systolith_capabilities_t& c = capabilities_;
  c.version = version;
  const std::uint32_t array = backend_->read32(SYSTOLITH_REGISTER_ARRAY);
  c.rows = FIELD(array, ARRAY_ROWS);
  c.columns = FIELD(array, ARRAY_COLUMNS);
  const std::uint32_t memory = backend_->read32(SYSTOLITH_REGISTER_MEMORY);
  c.lines = FIELD(memory, MEMORY_LINES);
  c.banks = 1U << FIELD(memory, MEMORY_BANKS_LOG2);
  const std::uint32_t line = backend_->read32(SYSTOLITH_REGISTER_LINE);
  c.line_bytes = FIELD(line, LINE_BYTES);
  c.bus_bytes = FIELD(line, LINE_BUS_BYTES);
  c.accumulator_rows = FIELD(backend_->read32(SYSTOLITH_REGISTER_ACCUMULATOR), ACCUMULATOR_ROWS);
  const std::uint32_t element = backend_->read32(SYSTOLITH_REGISTER_ELEMENT);
  c.mac_depth = FIELD(element, ELEMENT_DEPTH);
  c.row_latency = FIELD(element, ELEMENT_ROW_LATENCY);
  c.drain_lanes = FIELD(element, ELEMENT_DRAIN_LANES);
  c.address_width = FIELD(element, ELEMENT_ADDRESS_WIDTH);
  c.formats = backend_->read32(SYSTOLITH_REGISTER_FORMATS);
  const std::uint32_t queue = backend_->read32(SYSTOLITH_REGISTER_QUEUE);
  c.unit_queue_depth = FIELD(queue, QUEUE_UNIT_DEPTH);
  c.semaphores = FIELD(queue, QUEUE_SEMAPHORES);
  c.windows = FIELD(queue, QUEUE_WINDOWS);
  c.memory_base = backend_->memory_base();
  c.memory_bytes = backend_->memory_bytes();
  if (c.rows == 0 || c.columns == 0 || c.line_bytes == 0 || c.bus_bytes == 0)
    throw Failure{
        SYSTOLITH_NO_DEVICE,
        "the device's capability registers make no sense: wrong bitstream or a broken link"};
  if (backend_->used()) reset();
}

std::uint64_t DriverDevice::allocate(std::uint64_t bytes, std::uint64_t alignment) {
  if (alignment == 0) alignment = kDefaultAlignment;
  if (bytes == 0) throw Failure{SYSTOLITH_BAD_ARGUMENT, "0 bytes can't be allocated"};
  if (!std::has_single_bit(alignment))
    throw Failure{SYSTOLITH_BAD_ARGUMENT, "the alignment must be a power of two"};
  if (bytes > capabilities_.memory_bytes)
    throw Failure{SYSTOLITH_NO_MEMORY,
                  fmt::format("{} bytes are more than the device's {}; split the work", bytes,
                              capabilities_.memory_bytes)};
  bytes = (bytes + kCacheLine - 1) & ~(kCacheLine - 1);
  alignment = std::max(alignment, kCacheLine);
  const std::uint64_t end = capabilities_.memory_base + capabilities_.memory_bytes;
  std::uint64_t place = (capabilities_.memory_base + alignment - 1) & ~(alignment - 1);
  for (const auto& [address, size] : used_) {
    if (place + bytes <= address && place + bytes > place) break;
    place = std::max(place, (address + size + alignment - 1) & ~(alignment - 1));
  }
  if (bytes > capabilities_.memory_bytes || place > end - bytes)
    throw Failure{SYSTOLITH_NO_MEMORY,
                  fmt::format("no {} bytes left of the device's {}; free buffers or split the work",
                              bytes, capabilities_.memory_bytes)};
  used_[place] = bytes;
  return place;
}

void DriverDevice::reserve(std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0) throw Failure{SYSTOLITH_BAD_ARGUMENT, "0 bytes can't be reserved"};
  check_range(address, bytes);
  const auto first_line = [](std::uint64_t at) { return at & ~(kCacheLine - 1); };
  const std::uint64_t end = first_line(address + bytes + kCacheLine - 1);
  for (const auto& [other, size] : used_) {
    if (address < other + size && first_line(other) < end)
      throw Failure{SYSTOLITH_NO_MEMORY,
                    fmt::format("{} bytes at {:#x} are not free: a buffer of {} bytes is at {:#x}; "
                                "free it, or reserve before you allocate",
                                bytes, address, size, other)};
  }
  used_[address] = end - address;
}

void DriverDevice::free(std::uint64_t address) {
  if (used_.erase(address) == 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  fmt::format("{:#x} is not the start of an allocated buffer", address)};
}

void DriverDevice::check_range(std::uint64_t address, std::uint64_t bytes) const {
  const std::uint64_t base = capabilities_.memory_base;
  if (address < base || bytes > capabilities_.memory_bytes ||
      address - base > capabilities_.memory_bytes - bytes)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  fmt::format("{} bytes at {:#x} are not in device memory ({:#x}, {} bytes)", bytes,
                              address, base, capabilities_.memory_bytes)};
}

void DriverDevice::copy_in(std::uint64_t address, const void* data, std::size_t bytes) {
  check_range(address, bytes);
  if (bytes == 0) return;
  if (data == nullptr) throw Failure{SYSTOLITH_BAD_ARGUMENT, "null data"};
  backend_->invalidate(address, bytes);  // a line written in part keeps what the device wrote to it
  backend_->write(address, data, bytes);
  backend_->clean(address, bytes);
}

void DriverDevice::copy_out(std::uint64_t address, void* data, std::size_t bytes) {
  check_range(address, bytes);
  if (bytes == 0) return;
  if (data == nullptr) throw Failure{SYSTOLITH_BAD_ARGUMENT, "null data"};
  backend_->invalidate(address, bytes);
  backend_->read(address, data, bytes);
}

void DriverDevice::write64(std::uint32_t offset, std::uint64_t value) {
  backend_->write32(offset, static_cast<std::uint32_t>(value));
  backend_->write32(offset + 4, static_cast<std::uint32_t>(value >> 32));
}

std::uint64_t DriverDevice::read64(std::uint32_t offset) {
  // Between two reads the upper half can change once, unless 2^32 cycles lie between them.
  std::uint32_t high = backend_->read32(offset + 4);
  for (int tries = 0; tries < 4; ++tries) {
    const std::uint32_t low = backend_->read32(offset);
    const std::uint32_t again = backend_->read32(offset + 4);
    if (again == high) return std::uint64_t{high} << 32 | low;
    high = again;
  }
  throw Failure{SYSTOLITH_DEVICE_GONE,
                fmt::format("register {:#x} reads differently each time", offset)};
}

void DriverDevice::grant(std::uint32_t window, std::uint64_t base, std::uint64_t bytes,
                         std::uint32_t permit) {
  if (window >= capabilities_.windows)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  fmt::format("window {}: the device has {}", window, capabilities_.windows)};
  if (bytes == 0 || permit > 3 || base + (bytes - 1) < base)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  "a window has at least one byte, does not wrap, and permits 0 to 3"};
  if (slots_ != 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  "windows are locked while the queue is enabled: reset it first"};
  windows_[window] = {base, base + (bytes - 1), permit};
  write_window(window);
}

void DriverDevice::write_window(std::uint32_t window) {
  const Window& w = windows_.at(window);
  const std::uint32_t at = window * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE;
  write64(SYSTOLITH_REGISTER_WINDOW_BASE_LO + at, w.base);
  write64(SYSTOLITH_REGISTER_WINDOW_LAST_LO + at, w.last);
  backend_->write32(SYSTOLITH_REGISTER_WINDOW_PERMIT + at, w.permit);
}

std::uint32_t DriverDevice::status() {
  const std::uint32_t value = backend_->read32(SYSTOLITH_REGISTER_STATUS);
  if (value == kGone)
    throw Failure{SYSTOLITH_DEVICE_GONE, "every read answers all ones: the device is gone"};
  return value;
}

std::uint32_t DriverDevice::completed() {
  const std::uint32_t value = backend_->read32(SYSTOLITH_REGISTER_COMPLETED);
  // All ones may be a count, if the status can still be read.
  if (value == kGone) status();
  return value;
}

systolith_fault_t DriverDevice::fault() {
  systolith_fault_t fault{};
  if ((status() & (kFaulted | kStuck)) == 0) return fault;
  const std::uint32_t value = backend_->read32(SYSTOLITH_REGISTER_FAULT);
  fault.cause = value & 0xff;
  fault.unit = value >> 8 & 0xff;
  fault.index = backend_->read32(SYSTOLITH_REGISTER_FAULT_INDEX);
  fault.address = read64(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO);
  return fault;
}

void DriverDevice::throw_fault(std::uint32_t status) {
  if ((status & (kFaulted | kStuck)) == 0) return;
  const systolith_fault_t f = fault();
  const std::string text = fmt::format("command {}: {} (address, line or row {:#x})", f.index,
                                       cause_name(f.cause), f.address);
  if ((status & kStuck) != 0)
    throw Failure{SYSTOLITH_DEVICE_GONE,
                  text +
                      "; a bus response never came: use systolith_reset_device, which resets the "
                      "interconnect too"};
  throw Failure{SYSTOLITH_FAULT, text + "; the queue stands until systolith_reset"};
}

void DriverDevice::check_queue(std::uint32_t slots_log2) const {
  if (slots_log2 > 16) throw Failure{SYSTOLITH_BAD_ARGUMENT, "a queue has at most 2^16 slots"};
  if (slots_ != 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  "the device has one queue, and it exists: reset it first"};
}

void DriverDevice::create_queue(std::uint32_t slots_log2) {
  check_queue(slots_log2);
  const std::uint64_t ring_bytes = std::uint64_t{SYSTOLITH_COMMAND_BYTES} << slots_log2;
  const std::uint64_t record_bytes = std::uint64_t{SYSTOLITH_RECORD_BYTES} << slots_log2;
  ring_ = allocate(ring_bytes + record_bytes, SYSTOLITH_COMMAND_BYTES);
  queue_memory_ = ring_;
  records_ = ring_ + ring_bytes;
  enable_queue(slots_log2);
}

void DriverDevice::check_taken(const char* what, std::uint64_t address, std::uint64_t bytes) const {
  check_range(address, bytes);
  const auto after = used_.upper_bound(address);
  if (after != used_.begin()) {
    const auto& [start, size] = *std::prev(after);
    if (address - start <= size && bytes <= size - (address - start)) return;
  }
  throw Failure{SYSTOLITH_BAD_ARGUMENT,
                fmt::format("the {} of {} bytes at {:#x} is in no buffer: reserve or allocate its "
                            "memory first",
                            what, bytes, address)};
}

void DriverDevice::create_queue_at(std::uint32_t slots_log2, std::uint64_t ring,
                                   std::uint64_t records) {
  check_queue(slots_log2);
  const std::uint64_t ring_bytes = std::uint64_t{SYSTOLITH_COMMAND_BYTES} << slots_log2;
  const std::uint64_t record_bytes = std::uint64_t{SYSTOLITH_RECORD_BYTES} << slots_log2;
  check_taken("ring", ring, ring_bytes);
  check_taken("record area", records, record_bytes);
  if (ring < records + record_bytes && records < ring + ring_bytes)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  fmt::format("ring ({:#x}, {} bytes) and records ({:#x}, {} bytes) overlap: move "
                              "one of them",
                              ring, ring_bytes, records, record_bytes)};
  ring_ = ring;
  records_ = records;
  enable_queue(slots_log2);
}

void DriverDevice::enable_queue(std::uint32_t slots_log2) {
  const std::uint32_t slots = 1U << slots_log2;
  write64(SYSTOLITH_REGISTER_RING_LO, ring_);
  backend_->write32(SYSTOLITH_REGISTER_RING_SIZE, slots_log2);
  write64(SYSTOLITH_REGISTER_RECORD_LO, records_);
  backend_->write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
  backend_->write32(SYSTOLITH_REGISTER_IRQ_ENABLE, 0x3);
  backend_->write32(SYSTOLITH_REGISTER_CONTROL, 1);
  slots_ = slots;
  tail_ = 0;
  backend_->advance(64);  // the checks of ring and records take a while
  for (int tries = 0; tries < 100; ++tries) {
    const std::uint32_t value = status();
    if ((value & (kFaulted | kStuck)) != 0) {
      throw Failure{
          SYSTOLITH_FAULT,
          fmt::format(
              "the queue can't be enabled ({}): grant a window that holds ring and records, "
              "or all of device memory, first; a ring starts on 128 bytes, records on 32",
              cause_name(fault().cause))};
    }
    if ((value & 8) != 0) return;
    backend_->advance(16);
  }
  throw Failure{SYSTOLITH_TIMEOUT, "the queue does not come up"};
}

std::uint32_t DriverDevice::submit(const systolith_command_t* commands, std::size_t count) {
  if (slots_ == 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT, "no queue: call systolith_queue_create first"};
  if (count == 0 || commands == nullptr) throw Failure{SYSTOLITH_BAD_ARGUMENT, "no commands"};
  while (count != 0) {
    const std::uint32_t open = tail_ - completed();
    if (open > slots_)
      throw Failure{SYSTOLITH_INTERNAL,
                    fmt::format("the device counts {} commands as completed, of {} rung",
                                tail_ - open, tail_)};
    const std::uint32_t room = slots_ - open;
    if (room == 0) {
      wait_completed(tail_ - slots_ + 1, kDefaultTimeout, false);
      continue;
    }
    const std::uint32_t batch = static_cast<std::uint32_t>(std::min<std::size_t>(room, count));
    for (std::uint32_t i = 0; i < batch; ++i) {
      const std::uint64_t slot =
          ring_ + std::uint64_t{(tail_ + i) & (slots_ - 1)} * SYSTOLITH_COMMAND_BYTES;
      backend_->write(slot, commands[i].words, SYSTOLITH_COMMAND_BYTES);
      backend_->clean(slot, SYSTOLITH_COMMAND_BYTES);
      // What an earlier command left must not pass for this one's record.
      constexpr std::array<std::uint64_t, SYSTOLITH_RECORD_WORDS> kNone{};
      const std::uint64_t record =
          records_ + std::uint64_t{(tail_ + i) & (slots_ - 1)} * SYSTOLITH_RECORD_BYTES;
      backend_->write(record, kNone.data(), SYSTOLITH_RECORD_BYTES);
      backend_->clean(record, SYSTOLITH_RECORD_BYTES);
    }
    backend_->barrier();
    tail_ += batch;
    commands += batch;
    count -= batch;
    backend_->write32(SYSTOLITH_REGISTER_DOORBELL, tail_);
  }
  return tail_ - 1;
}

void DriverDevice::wait_completed(std::uint32_t target, std::uint64_t timeout, bool by_interrupt) {
  const auto reached = [&](std::uint32_t count) {
    return static_cast<std::int32_t>(count - target) >= 0;
  };
  std::uint64_t waited = 0;
  std::uint32_t before = completed();
  auto progress = std::chrono::steady_clock::now();
  bool cleared = false;
  for (;;) {
    // Cleared before the count is read: what completes later raises it again.
    if (by_interrupt && backend_->interrupt()) {
      backend_->write32(SYSTOLITH_REGISTER_IRQ_STATUS, 1);
      cleared = true;
    }
    const std::uint32_t now = status();
    const std::uint32_t count = completed();
    if (cleared) interrupted_ = count;
    cleared = false;
    const bool come = !by_interrupt || reached(interrupted_);
    if ((now & (kFaulted | kStuck)) != 0) {
      // Commands before the fault in ring order did complete.
      const bool earlier = static_cast<std::int32_t>(fault().index - (target - 1)) > 0;
      if ((now & kStuck) != 0 || !earlier || !reached(count)) throw_fault(now);
    }
    if (reached(count) && come) return;
    const auto time = std::chrono::steady_clock::now();
    if (count != before) {
      before = count;
      progress = time;
    }
    if (waited >= timeout || time - progress > kWallClockLimit) {
      const std::string state = fmt::format(
          "{} commands completed, {} rung, waiting for {}; status {:#x}, irq_status {:#x}", count,
          tail_, target, now, backend_->read32(SYSTOLITH_REGISTER_IRQ_STATUS));
      if (reached(count))
        throw Failure{
            SYSTOLITH_TIMEOUT,
            fmt::format("done, but no interrupt came in {} cycles ({}): set the command's "
                        "interrupt flag and check the line, or wait without interrupts",
                        waited, state)};
      throw Failure{
          SYSTOLITH_TIMEOUT,
          fmt::format("not done after {} cycles ({}): wait again, or reset", waited, state)};
    }
    // An interrupt that is left set would end each pause at once.
    if (!by_interrupt) {
      backend_->write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0x5);
      cleared = true;
    }
    waited +=
        std::max<std::uint64_t>(1, backend_->advance(std::min(kPollCycles, timeout - waited)));
  }
}

void DriverDevice::wait(std::uint32_t index, std::uint64_t timeout, bool by_interrupt) {
  if (slots_ == 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT, "no queue: call systolith_queue_create first"};
  if (static_cast<std::int32_t>(tail_ - index) <= 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT, fmt::format("command {} was not submitted", index)};
  wait_completed(index + 1, timeout == 0 ? kDefaultTimeout : timeout, by_interrupt);
}

systolith_record_t DriverDevice::record(std::uint32_t index) {
  if (slots_ == 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT, "no queue: call systolith_queue_create first"};
  systolith_record_t record{};
  const std::uint64_t address =
      records_ + std::uint64_t{index & (slots_ - 1)} * SYSTOLITH_RECORD_BYTES;
  backend_->invalidate(address, SYSTOLITH_RECORD_BYTES);
  backend_->read(address, record.words, SYSTOLITH_RECORD_BYTES);
  if ((record.words[0] & 0xffffffff) != index || (record.words[0] >> 32 & 0xff) == 0)
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  fmt::format("command {} left no record: set its record flag", index)};
  return record;
}

void DriverDevice::reset() {
  backend_->write32(SYSTOLITH_REGISTER_CONTROL, 2);
  for (std::uint64_t waited = 0; waited < kResetTimeout;) {
    const std::uint32_t value = status();
    if ((value & kStuck) != 0) throw_fault(value);
    if ((value & kBusy) == 0) {
      forget_queue();
      backend_->write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
      return;
    }
    backend_->write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
    waited += std::max<std::uint64_t>(1, backend_->advance(kPollCycles));
  }
  throw Failure{SYSTOLITH_DEVICE_GONE,
                "the reset does not end: a bus response never comes; use systolith_reset_device"};
}

void DriverDevice::forget_queue() {
  slots_ = 0;
  tail_ = 0;
  interrupted_ = 0;
  if (queue_memory_) used_.erase(*queue_memory_);
  queue_memory_.reset();
  ring_ = records_ = 0;
}

void DriverDevice::reset_device() {
  if (!backend_->reset())
    throw Failure{SYSTOLITH_BAD_ARGUMENT,
                  "this platform can't reset the device by itself: do it by hand, then open again"};
  forget_queue();
  reset();  // the reset line alone leaves the on-chip memories as they are
  for (const auto& [window, granted] : windows_) write_window(window);
}

systolith_counters_t DriverDevice::counters() {
  systolith_counters_t c{};
#define COUNTER(member, name) c.member = read64(SYSTOLITH_REGISTER_##name##_LO)
  COUNTER(cycles, CYCLES);
  COUNTER(mac_cycles, MAC_CYCLES);
  COUNTER(lost_start, LOST_START);
  COUNTER(lost_fill, LOST_FILL);
  COUNTER(lost_loads, LOST_LOADS);
  COUNTER(lost_store, LOST_STORE);
  COUNTER(lost_other, LOST_OTHER);
  COUNTER(lost_reentry, LOST_REENTRY);
  COUNTER(lost_drain, LOST_DRAIN);
  COUNTER(lost_tail, LOST_TAIL);
  COUNTER(macs, MACS);
  COUNTER(bytes_read, BYTES_READ);
  COUNTER(bytes_written, BYTES_WRITTEN);
  COUNTER(load_busy, LOAD_BUSY);
  COUNTER(store_busy, STORE_BUSY);
  COUNTER(commands, COMMANDS);
  COUNTER(dropped_beats, DROPPED_BEATS);
  COUNTER(corrected, CORRECTED);
#undef COUNTER
  return c;
}

void check_sizes(const Uri& uri, const systolith_capabilities_t& c) {
  const auto check = [&](const char* key, std::uint64_t built) {
    if (uri.number(key, built) != built)
      throw Failure{
          SYSTOLITH_NO_DEVICE,
          fmt::format("the URI asks for {}={}, the device has {}: choose another device or "
                      "rebuild for this one",
                      key, uri.number(key, built), built)};
  };
  check("rows", c.rows);
  check("cols", c.columns);
  check("bus", std::uint64_t{c.bus_bytes} * 8);
  check("depth", c.mac_depth);
}

void DriverDevice::clear_counters() { backend_->write32(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1); }

}  // namespace systolith::driver
