// A device's registers and queue; what LOAD, MATRIX and STORE do is in `Datapath`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "datapath.h"
#include "decode.h"
#include "systolith/command.h"
#include "systolith/model/device.h"
#include "systolith/registers.h"

namespace systolith::model {

inline constexpr unsigned kMostWindows = SYSTOLITH_REGISTER_WINDOW_BASE_LO_COUNT;

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

}  // namespace systolith::model
