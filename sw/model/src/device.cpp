// The queue's life, and its commands one by one.
#include "systolith/model/device.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "device_state.h"

namespace systolith::model {
namespace {

constexpr unsigned kMostSlotsLog2 = 16;
constexpr std::uint32_t kIrqCommand = 1u << SYSTOLITH_IRQ_STATUS_COMMAND_LSB;
constexpr std::uint32_t kIrqFault = 1u << SYSTOLITH_IRQ_STATUS_FAULT_LSB;
constexpr std::uint32_t kIrqIdle = 1u << SYSTOLITH_IRQ_STATUS_IDLE_LSB;
constexpr std::uint32_t kIrqResetDone = 1u << SYSTOLITH_IRQ_STATUS_RESET_DONE_LSB;

}  // namespace

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
