#include "systolith/model/device.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "datapath.h"
#include "decode.h"
#include "systolith/command.h"
#include "systolith/registers.h"

namespace systolith::model {
namespace {

constexpr unsigned kMostWindows = SYSTOLITH_REGISTER_WINDOW_BASE_LO_COUNT;
constexpr unsigned kMostSlotsLog2 = 16;
constexpr std::uint32_t kIrqCommand = 1u << SYSTOLITH_IRQ_STATUS_COMMAND_LSB;
constexpr std::uint32_t kIrqFault = 1u << SYSTOLITH_IRQ_STATUS_FAULT_LSB;
constexpr std::uint32_t kIrqIdle = 1u << SYSTOLITH_IRQ_STATUS_IDLE_LSB;
constexpr std::uint32_t kIrqResetDone = 1u << SYSTOLITH_IRQ_STATUS_RESET_DONE_LSB;

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

class Device::State {
 public:
  State(const Configuration& configuration, Bus& bus)
      : configuration_(configuration),
        bus_(bus),
        datapath_(configuration, bus),
        semaphores_(configuration.semaphores),
        bindings_(configuration.semaphores) {}

  std::uint32_t read(std::uint32_t offset) const;
  void write(std::uint32_t offset, std::uint32_t value, unsigned strobes);
  bool interrupt() const { return (irq_status_ & irq_enable_) != 0; }

  const Configuration configuration_;
  Bus& bus_;
  Datapath datapath_;
  std::vector<std::uint16_t> semaphores_;
  std::vector<Binding> bindings_;
  std::vector<Outcome> outcomes_;
  bool replay_ = false;

 private:
  enum class Queue { kOff, kRunning, kBlocked, kFaulted };

  struct FaultRegisters {
    std::uint8_t cause = 0;
    std::uint8_t unit = 0;
    std::uint32_t index = 0;
    std::uint64_t address = 0;
  };

  std::uint32_t read_window(std::uint32_t offset) const;
  bool write_window(std::uint32_t offset, std::uint32_t value);
  std::uint32_t read_counter(std::uint32_t offset) const;

  void control(std::uint32_t value);
  void enable();
  void reset_queue();
  void doorbell(std::uint32_t tail);

  void run();
  void run_next();
  std::optional<Fault> execute(const Command& command, const Outcome* outcome);
  std::optional<Fault> take_waits(const Command& command, bool trusted);
  std::optional<Fault> give_signals(const Command& command);
  bool fetch(std::uint32_t index, systolith_command_t& command, std::uint64_t& burst);
  bool write_record(std::uint32_t index, const Command& command, std::uint8_t state,
                    const Fault& fault);
  void finish(std::uint32_t index, const Command& command, std::uint8_t state, const Fault& fault,
              bool record);
  void fail_queue(std::uint8_t cause, std::uint8_t unit, std::uint32_t index,
                  std::uint64_t address);
  std::span<const Window> windows() const { return {windows_.data(), configuration_.windows}; }

  std::array<Window, kMostWindows> windows_{};
  std::uint32_t bus_timeout_ = SYSTOLITH_BUS_TIMEOUT_RESET;
  std::uint32_t semaphore_timeout_ = SYSTOLITH_SEMAPHORE_TIMEOUT_RESET;
  std::uint64_t ring_ = 0;
  std::uint64_t record_ = 0;
  std::uint32_t ring_size_ = 0;
  bool enable_bit_ = false;
  Queue queue_ = Queue::kOff;
  std::uint32_t tail_ = 0;
  std::uint32_t completed_ = 0;
  std::uint32_t irq_status_ = 0;
  std::uint32_t irq_enable_ = 0;
  std::optional<FaultRegisters> fault_;
  std::uint64_t commands_ = 0;
  // the fetch burst at hand, as indices of commands
  std::uint32_t fetched_ = 0;
};

// ---- registers ----

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
  const auto& counts = const_cast<State*>(this)->datapath_.counts();
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

// ---- the queue's life ----

void Device::State::control(std::uint32_t value) {
  if ((value >> SYSTOLITH_CONTROL_RESET_LSB & 1) != 0) {
    reset_queue();
    return;
  }
  enable_bit_ = (value >> SYSTOLITH_CONTROL_ENABLE_LSB & 1) != 0;
  if (enable_bit_ && queue_ == Queue::kOff) enable();
}

void Device::State::enable() {
  queue_ = Queue::kRunning;
  const auto area_is_good = [&](std::uint64_t base, std::uint64_t slot_bytes, bool write) {
    const std::uint64_t last = base + (slot_bytes << ring_size_) - 1;
    return base % slot_bytes == 0 && last >= base && last <= configuration_.last_address() &&
           granted(windows(), base, last, write);
  };
  if (ring_size_ > kMostSlotsLog2 || !area_is_good(ring_, SYSTOLITH_COMMAND_BYTES, false) ||
      !area_is_good(record_, SYSTOLITH_RECORD_BYTES, true)) {
    fail_queue(SYSTOLITH_CAUSE_RING, SYSTOLITH_UNIT_COMMAND_PROCESSOR, 0, 0);
    return;
  }
  irq_status_ |= kIrqIdle;  // busy was set for the checks
}

void Device::State::reset_queue() {
  datapath_.clear();
  std::fill(semaphores_.begin(), semaphores_.end(), 0);
  std::fill(bindings_.begin(), bindings_.end(), Binding{});
  outcomes_.clear();
  replay_ = false;
  enable_bit_ = false;
  queue_ = Queue::kOff;
  tail_ = 0;
  completed_ = 0;
  fetched_ = 0;
  fault_.reset();
  irq_status_ |= kIrqResetDone;
}

void Device::State::fail_queue(std::uint8_t cause, std::uint8_t unit, std::uint32_t index,
                               std::uint64_t address) {
  if (!fault_) fault_ = FaultRegisters{cause, unit, index, address};
  queue_ = Queue::kFaulted;
  irq_status_ |= kIrqFault;
}

void Device::State::doorbell(std::uint32_t tail) {
  if (!enable_bit_ || (queue_ != Queue::kRunning && queue_ != Queue::kBlocked)) return;
  const std::uint32_t ahead = tail - completed_;
  if (ahead > (std::uint32_t{1} << ring_size_)) {
    if (queue_ == Queue::kRunning) {
      fail_queue(SYSTOLITH_CAUSE_RING_OVERRUN, SYSTOLITH_UNIT_COMMAND_PROCESSOR, tail_, tail);
    }
    return;
  }
  if (ahead <= tail_ - completed_) return;
  tail_ = tail;
  run();
}

// ---- commands ----

void Device::State::run() {
  if (queue_ != Queue::kRunning) return;
  if (replay_) {
    // After a fault the outcomes say which of the others ran.
    bool contiguous = true;
    for (std::uint32_t index = completed_; index != tail_; ++index) {
      const auto found =
          std::find_if(outcomes_.begin(), outcomes_.end(),
                       [&](const Outcome& outcome) { return outcome.index == index; });
      if (found == outcomes_.end()) {
        contiguous = false;
        continue;
      }
      systolith_command_t raw;
      std::uint64_t burst = 0;
      Command command;
      std::optional<Fault> fault;
      if (!fetch(index, raw, burst)) {
        fault = Fault{SYSTOLITH_CAUSE_BUS_FETCH, burst};
      } else {
        command = parse(raw, configuration_);
        fault = check(command, configuration_, windows(), bindings_);
        if (!fault) fault = execute(command, &*found);
      }
      const std::uint8_t state = !fault ? SYSTOLITH_STATE_COMPLETED
                                 : fault->cause == SYSTOLITH_CAUSE_ABORTED ? SYSTOLITH_STATE_ABORTED
                                                                           : SYSTOLITH_STATE_FAILED;
      finish(index, command, state, fault.value_or(Fault{}), fault || command.record);
      if (contiguous) completed_ = index + 1;
    }
    if (queue_ == Queue::kRunning && completed_ == tail_) irq_status_ |= kIrqIdle;
    return;
  }
  while (queue_ == Queue::kRunning && completed_ != tail_) run_next();
  if (queue_ == Queue::kRunning) irq_status_ |= kIrqIdle;
}

void Device::State::run_next() {
  const std::uint32_t index = completed_;
  systolith_command_t raw;
  std::uint64_t burst = 0;
  if (!fetch(index, raw, burst)) {
    finish(index, Command{}, SYSTOLITH_STATE_FAILED, Fault{SYSTOLITH_CAUSE_BUS_FETCH, burst}, true);
    ++completed_;
    return;
  }
  const Command command = parse(raw, configuration_);
  std::optional<Fault> fault = check(command, configuration_, windows(), bindings_);
  if (!fault) {
    fault = execute(command, nullptr);
    if (fault && fault->cause == SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT && semaphore_timeout_ == 0) {
      queue_ = Queue::kBlocked;  // for good: only a queue reset helps
      return;
    }
  }
  finish(index, command, fault ? SYSTOLITH_STATE_FAILED : SYSTOLITH_STATE_COMPLETED,
         fault.value_or(Fault{}), fault || command.record);
  ++completed_;
}

// The record, the fault registers and the interrupt of a command that ended.
void Device::State::finish(std::uint32_t index, const Command& command, std::uint8_t state,
                           const Fault& fault, bool record) {
  if (state == SYSTOLITH_STATE_FAILED) fail_queue(fault.cause, command.unit, index, fault.address);
  if (record && !write_record(index, command, state, fault)) {
    const std::uint64_t place =
        record_ + (index & ((1u << ring_size_) - 1)) * std::uint64_t{SYSTOLITH_RECORD_BYTES};
    fail_queue(SYSTOLITH_CAUSE_BUS_RECORD, SYSTOLITH_UNIT_COMMAND_PROCESSOR, index, place);
    return;
  }
  if (state != SYSTOLITH_STATE_COMPLETED) return;
  ++commands_;
  if (command.interrupt) irq_status_ |= kIrqCommand;
}

std::optional<Fault> Device::State::take_waits(const Command& command, bool trusted) {
  const std::uint64_t rows = command.rows();
  std::vector<std::uint16_t> left = semaphores_;
  for (const Sync& wait : command.waits) {
    if (wait.count == 0) continue;
    const std::uint64_t total = wait.total(rows);
    if (total > left[wait.semaphore] && !trusted) {
      return Fault{SYSTOLITH_CAUSE_SEMAPHORE_TIMEOUT, wait.semaphore};
    }
    left[wait.semaphore] -=
        static_cast<std::uint16_t>(std::min<std::uint64_t>(total, left[wait.semaphore]));
  }
  semaphores_ = left;
  return {};
}

std::optional<Fault> Device::State::give_signals(const Command& command) {
  for (const Sync& signal : command.signals) {
    if (signal.count == 0) continue;
    const std::uint64_t sum = semaphores_[signal.semaphore] + signal.total(command.rows());
    if (sum > 0xFFFF) return Fault{SYSTOLITH_CAUSE_SEMAPHORE_OVERFLOW, signal.semaphore};
    semaphores_[signal.semaphore] = static_cast<std::uint16_t>(sum);
  }
  return {};
}

std::optional<Fault> Device::State::execute(const Command& command, const Outcome* outcome) {
  if (outcome != nullptr && outcome->state == SYSTOLITH_STATE_ABORTED) {
    return Fault{SYSTOLITH_CAUSE_ABORTED, outcome->address};
  }
  const bool ran = outcome != nullptr && outcome->state == SYSTOLITH_STATE_COMPLETED;
  if (const auto fault = take_waits(command, ran)) return fault;
  std::optional<Fault> fault;
  switch (command.opcode) {
    case SYSTOLITH_OPCODE_LOAD:
      fault = datapath_.load(command);
      break;
    case SYSTOLITH_OPCODE_MATRIX:
      fault = datapath_.matrix(command);
      break;
    case SYSTOLITH_OPCODE_STORE:
      fault = datapath_.store(command);
      break;
    default:
      break;
  }
  if (!fault) fault = give_signals(command);
  // A fault that the model cannot find itself: of timing or of the hardware.
  if (!fault && outcome != nullptr && !ran) fault = Fault{outcome->cause, outcome->address};
  return fault;
}

// Commands come in bursts that end at the ring's wrap, at 4 KiB, at the greatest burst and at
// FetchBurst commands; a burst shorter than a command is a part of it.
bool Device::State::fetch(std::uint32_t index, systolith_command_t& command, std::uint64_t& burst) {
  const std::uint32_t slots = std::uint32_t{1} << ring_size_;
  const auto place = [&](std::uint32_t i) {
    return ring_ + (i & (slots - 1)) * std::uint64_t{SYSTOLITH_COMMAND_BYTES};
  };
  if (static_cast<std::int32_t>(index - fetched_) < 0) fetched_ = index;
  const std::uint64_t longest =
      std::uint64_t{configuration_.max_burst_beats} * configuration_.bus_bytes;
  const std::uint32_t most = std::max<std::uint32_t>(
      1, std::min<std::uint32_t>(configuration_.fetch_burst,
                                 static_cast<std::uint32_t>(longest / SYSTOLITH_COMMAND_BYTES)));
  const auto end_of_burst = [&](std::uint32_t first) {
    std::uint32_t end = first + std::min(most, tail_ - first);
    const std::uint32_t to_wrap = slots - (first & (slots - 1));
    const std::uint32_t to_page =
        static_cast<std::uint32_t>((0x1000 - place(first) % 0x1000) / SYSTOLITH_COMMAND_BYTES);
    end = std::min(end, first + std::min(to_wrap, to_page));
    return end;
  };
  while (static_cast<std::int32_t>(end_of_burst(fetched_) - index) <= 0)
    fetched_ = end_of_burst(fetched_);

  const std::uint64_t address = place(index);
  datapath_.counts().bytes_read += SYSTOLITH_COMMAND_BYTES;
  std::array<std::byte, SYSTOLITH_COMMAND_BYTES> bytes;
  const std::uint64_t part = std::min<std::uint64_t>(longest, SYSTOLITH_COMMAND_BYTES);
  for (std::uint64_t done = 0; done < SYSTOLITH_COMMAND_BYTES; done += part) {
    if (!bus_.read(address + done, std::span(bytes).subspan(done, part))) {
      burst = part < SYSTOLITH_COMMAND_BYTES ? address + done : place(fetched_);
      return false;
    }
  }
  std::memcpy(command.words, bytes.data(), bytes.size());
  return true;
}

bool Device::State::write_record(std::uint32_t index, const Command& command, std::uint8_t state,
                                 const Fault& fault) {
  systolith_record_t record{};
  SYSTOLITH_SET(record.words, RECORD_INDEX, index);
  SYSTOLITH_SET(record.words, RECORD_STATE, state);
  SYSTOLITH_SET(record.words, RECORD_CAUSE, fault.cause);
  SYSTOLITH_SET(record.words, RECORD_UNIT, command.unit);
  SYSTOLITH_SET(record.words, RECORD_OPCODE, command.opcode);
  SYSTOLITH_SET(record.words, RECORD_ADDRESS, fault.address);
  const std::uint64_t place =
      record_ + (index & ((1u << ring_size_) - 1)) * std::uint64_t{SYSTOLITH_RECORD_BYTES};
  datapath_.counts().bytes_written +=
      std::max<std::uint64_t>(SYSTOLITH_RECORD_BYTES, configuration_.bus_bytes);
  return bus_.write(place, std::as_bytes(std::span(record.words)));
}

// ---- the public face ----

Device::Device(const Configuration& configuration, Bus& bus)
    : state_(std::make_unique<State>(configuration, bus)) {}
Device::~Device() = default;
Device::Device(Device&&) noexcept = default;

std::uint32_t Device::read32(std::uint32_t offset) const { return state_->read(offset); }
void Device::write32(std::uint32_t offset, std::uint32_t value, unsigned strobes) {
  state_->write(offset, value, strobes);
}
bool Device::interrupt() const { return state_->interrupt(); }
const Configuration& Device::configuration() const { return state_->configuration_; }
std::span<const std::byte> Device::scratchpad() const { return state_->datapath_.scratchpad(); }
std::span<const std::uint32_t> Device::accumulators() const {
  return state_->datapath_.accumulators();
}
std::span<const std::uint8_t> Device::tags() const { return state_->datapath_.tags(); }
std::span<const std::uint16_t> Device::semaphores() const { return state_->semaphores_; }
std::uint64_t Device::issued_rows() const { return state_->datapath_.counts().issued_rows; }
void Device::set_outcomes(std::vector<Outcome> outcomes) {
  state_->outcomes_ = std::move(outcomes);
  state_->replay_ = true;
}

}  // namespace systolith::model
