// The register map.
#include <bit>

#include "device_state.h"

namespace systolith::model {
namespace {

constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}
void set_low(std::uint64_t& pair, std::uint32_t value) {
  pair = (pair & ~std::uint64_t{0xFFFFFFFF}) | value;
}
void set_high(std::uint64_t& pair, std::uint32_t value) {
  pair = (pair & 0xFFFFFFFF) | std::uint64_t{value} << 32;
}

std::uint32_t log2(std::uint32_t power) {
  return static_cast<std::uint32_t>(std::countr_zero(power));
}

}  // namespace

std::uint32_t Device::State::read_window(std::uint32_t offset) const {
  const Window& w = windows_[(offset - SYSTOLITH_REGISTER_WINDOW_BASE_LO) /
                             SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE];
  switch (SYSTOLITH_REGISTER_WINDOW_BASE_LO + offset % SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE) {
    case SYSTOLITH_REGISTER_WINDOW_BASE_LO:
      return low(w.base);
    case SYSTOLITH_REGISTER_WINDOW_BASE_HI:
      return high(w.base);
    case SYSTOLITH_REGISTER_WINDOW_LAST_LO:
      return low(w.last);
    case SYSTOLITH_REGISTER_WINDOW_LAST_HI:
      return high(w.last);
    case SYSTOLITH_REGISTER_WINDOW_PERMIT:
      return (w.read ? 1u << SYSTOLITH_WINDOW_PERMIT_READ_LSB : 0u) |
             (w.write ? 1u << SYSTOLITH_WINDOW_PERMIT_WRITE_LSB : 0u);
    default:
      return 0;
  }
}

bool Device::State::write_window(std::uint32_t offset, std::uint32_t value) {
  const std::uint32_t from_first = offset - SYSTOLITH_REGISTER_WINDOW_BASE_LO;
  const std::uint32_t index = from_first / SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE;
  if (offset < SYSTOLITH_REGISTER_WINDOW_BASE_LO || index >= kMostWindows) return false;
  if (enable_bit_ || queue_ != Queue::kOff || index >= configuration_.windows) return true;
  Window& w = windows_[index];
  switch (SYSTOLITH_REGISTER_WINDOW_BASE_LO + offset % SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE) {
    case SYSTOLITH_REGISTER_WINDOW_BASE_LO:
      set_low(w.base, value);
      break;
    case SYSTOLITH_REGISTER_WINDOW_BASE_HI:
      set_high(w.base, value);
      break;
    case SYSTOLITH_REGISTER_WINDOW_LAST_LO:
      set_low(w.last, value);
      break;
    case SYSTOLITH_REGISTER_WINDOW_LAST_HI:
      set_high(w.last, value);
      break;
    case SYSTOLITH_REGISTER_WINDOW_PERMIT:
      w.read = (value >> SYSTOLITH_WINDOW_PERMIT_READ_LSB & 1) != 0;
      w.write = (value >> SYSTOLITH_WINDOW_PERMIT_WRITE_LSB & 1) != 0;
      break;
    default:
      break;
  }
  return true;
}

std::uint32_t Device::State::read_counter(std::uint32_t offset) const {
  const auto& counts = datapath_.counts();
  switch (offset) {
    case SYSTOLITH_REGISTER_MACS_LO:
      return low(counts.macs);
    case SYSTOLITH_REGISTER_MACS_HI:
      return high(counts.macs);
    case SYSTOLITH_REGISTER_BYTES_READ_LO:
      return low(counts.bytes_read);
    case SYSTOLITH_REGISTER_BYTES_READ_HI:
      return high(counts.bytes_read);
    case SYSTOLITH_REGISTER_BYTES_WRITTEN_LO:
      return low(counts.bytes_written);
    case SYSTOLITH_REGISTER_BYTES_WRITTEN_HI:
      return high(counts.bytes_written);
    case SYSTOLITH_REGISTER_COMMANDS_LO:
      return low(commands_);
    case SYSTOLITH_REGISTER_COMMANDS_HI:
      return high(commands_);
    default:
      return 0;  // counters of time
  }
}

std::uint32_t Device::State::read(std::uint32_t offset) const {
  const Configuration& c = configuration_;
  const FaultRegisters fault = fault_.value_or(FaultRegisters{});
  switch (offset) {
    case SYSTOLITH_REGISTER_MAGIC:
      return SYSTOLITH_MAGIC_RESET;
    case SYSTOLITH_REGISTER_VERSION:
      return SYSTOLITH_VERSION_RESET;
    case SYSTOLITH_REGISTER_ARRAY:
      return c.rows << SYSTOLITH_ARRAY_ROWS_LSB | c.cols << SYSTOLITH_ARRAY_COLUMNS_LSB;
    case SYSTOLITH_REGISTER_MEMORY:
      return c.scratchpad_lines << SYSTOLITH_MEMORY_LINES_LSB |
             log2(c.scratchpad_banks) << SYSTOLITH_MEMORY_BANKS_LOG2_LSB;
    case SYSTOLITH_REGISTER_LINE:
      return c.line_bytes() << SYSTOLITH_LINE_BYTES_LSB | c.bus_bytes
                                                              << SYSTOLITH_LINE_BUS_BYTES_LSB;
    case SYSTOLITH_REGISTER_ACCUMULATOR:
      return c.accumulator_rows << SYSTOLITH_ACCUMULATOR_ROWS_LSB;
    case SYSTOLITH_REGISTER_ELEMENT:
      return c.mac_depth << SYSTOLITH_ELEMENT_DEPTH_LSB |
             (c.mac_depth - 1) << SYSTOLITH_ELEMENT_ROW_LATENCY_LSB |
             c.drain_lanes << SYSTOLITH_ELEMENT_DRAIN_LANES_LSB |
             c.address_width << SYSTOLITH_ELEMENT_ADDRESS_WIDTH_LSB;
    case SYSTOLITH_REGISTER_FORMATS:
      return (c.format_int8 ? 1u << SYSTOLITH_FORMAT_INT8 : 0u) |
             (c.format_bf16 ? 1u << SYSTOLITH_FORMAT_BF16 : 0u);
    case SYSTOLITH_REGISTER_QUEUE:
      return c.unit_queue_depth << SYSTOLITH_QUEUE_UNIT_DEPTH_LSB |
             c.fetch_buffer << SYSTOLITH_QUEUE_FETCH_BUFFER_LSB |
             c.semaphores << SYSTOLITH_QUEUE_SEMAPHORES_LSB |
             c.windows << SYSTOLITH_QUEUE_WINDOWS_LSB;
    case SYSTOLITH_REGISTER_OUTSTANDING:
      return c.reads_outstanding << SYSTOLITH_OUTSTANDING_READS_LSB |
             c.writes_outstanding << SYSTOLITH_OUTSTANDING_WRITES_LSB;
    case SYSTOLITH_REGISTER_BUS_TIMEOUT:
      return bus_timeout_;
    case SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT:
      return semaphore_timeout_;
    case SYSTOLITH_REGISTER_RING_LO:
      return low(ring_);
    case SYSTOLITH_REGISTER_RING_HI:
      return high(ring_);
    case SYSTOLITH_REGISTER_RING_SIZE:
      return ring_size_;
    case SYSTOLITH_REGISTER_RECORD_LO:
      return low(record_);
    case SYSTOLITH_REGISTER_RECORD_HI:
      return high(record_);
    case SYSTOLITH_REGISTER_CONTROL:
      return enable_bit_ ? 1u << SYSTOLITH_CONTROL_ENABLE_LSB : 0u;
    case SYSTOLITH_REGISTER_COMPLETED:
      return completed_;
    case SYSTOLITH_REGISTER_STATUS:
      return (queue_ == Queue::kBlocked ? 1u << SYSTOLITH_STATUS_BUSY_LSB : 0u) |
             (queue_ == Queue::kFaulted ? 1u << SYSTOLITH_STATUS_FAULTED_LSB : 0u) |
             (queue_ != Queue::kOff ? 1u << SYSTOLITH_STATUS_ENABLED_LSB : 0u);
    case SYSTOLITH_REGISTER_FAULT:
      return std::uint32_t{fault.cause} << SYSTOLITH_FAULT_CAUSE_LSB |
             std::uint32_t{fault.unit} << SYSTOLITH_FAULT_UNIT_LSB;
    case SYSTOLITH_REGISTER_FAULT_INDEX:
      return fault.index;
    case SYSTOLITH_REGISTER_FAULT_ADDRESS_LO:
      return low(fault.address);
    case SYSTOLITH_REGISTER_FAULT_ADDRESS_HI:
      return high(fault.address);
    case SYSTOLITH_REGISTER_IRQ_STATUS:
      return irq_status_;
    case SYSTOLITH_REGISTER_IRQ_ENABLE:
      return irq_enable_;
    default:
      break;
  }
  if (offset >= SYSTOLITH_REGISTER_WINDOW_BASE_LO &&
      offset < SYSTOLITH_REGISTER_WINDOW_BASE_LO +
                   kMostWindows * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE) {
    return read_window(offset);
  }
  return read_counter(offset);
}

void Device::State::write(std::uint32_t offset, std::uint32_t value, unsigned strobes) {
  std::uint32_t written = 0;
  for (unsigned byte = 0; byte < 4; ++byte)
    written |= (strobes >> byte & 1) != 0 ? 0xFFu << 8 * byte : 0u;
  const bool stored =
      offset != SYSTOLITH_REGISTER_DOORBELL && offset != SYSTOLITH_REGISTER_IRQ_STATUS &&
      offset != SYSTOLITH_REGISTER_CONTROL && offset != SYSTOLITH_REGISTER_COUNTER_CLEAR;
  // Bytes that are not written keep their value in a register, and do nothing in a trigger.
  const std::uint32_t merged = (value & written) | (stored ? read(offset) & ~written : 0u);
  const bool locked = enable_bit_ || queue_ != Queue::kOff;
  switch (offset) {
    case SYSTOLITH_REGISTER_BUS_TIMEOUT:
      bus_timeout_ = merged;
      return;
    case SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT:
      semaphore_timeout_ = merged;
      return;
    case SYSTOLITH_REGISTER_RING_LO:
      if (!locked) set_low(ring_, merged);
      return;
    case SYSTOLITH_REGISTER_RING_HI:
      if (!locked) set_high(ring_, merged);
      return;
    case SYSTOLITH_REGISTER_RING_SIZE:
      if (!locked) ring_size_ = merged & ((1u << SYSTOLITH_RING_SIZE_LOG2_WIDTH) - 1);
      return;
    case SYSTOLITH_REGISTER_RECORD_LO:
      if (!locked) set_low(record_, merged);
      return;
    case SYSTOLITH_REGISTER_RECORD_HI:
      if (!locked) set_high(record_, merged);
      return;
    case SYSTOLITH_REGISTER_CONTROL:
      if ((strobes & 1) != 0) control(merged);
      return;
    case SYSTOLITH_REGISTER_DOORBELL:
      if ((strobes & 0xF) == 0xF) doorbell(value);
      return;
    case SYSTOLITH_REGISTER_IRQ_STATUS:
      irq_status_ &= ~merged;
      return;
    case SYSTOLITH_REGISTER_IRQ_ENABLE:
      irq_enable_ = merged & 0xF;
      return;
    case SYSTOLITH_REGISTER_COUNTER_CLEAR:
      if ((merged >> SYSTOLITH_COUNTER_CLEAR_CLEAR_LSB & 1) != 0) {
        commands_ = 0;
        datapath_.counts() = {};
      }
      return;
    default:
      write_window(offset, merged);
      return;
  }
}

}  // namespace systolith::model
