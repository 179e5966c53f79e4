// `board_system` and the model of its memory chip behind a pseudo-terminal: what a driver opens as
// uart:PATH.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sdram_model.hpp"

namespace systolith::board {

inline constexpr std::uint64_t kClockHz = 50'000'000;  // as the model is built
inline constexpr std::uint64_t kBaud = 6'250'000;

/// Simulates in a thread of its own from construction on. Bytes of the terminal become bits of the
/// line, and back; while nobody has anything to say the board still runs.
class SimulatedBoard {
 public:
  explicit SimulatedBoard(const sdram::SdramFaults& faults = {});
  ~SimulatedBoard();
  SimulatedBoard(const SimulatedBoard&) = delete;
  SimulatedBoard& operator=(const SimulatedBoard&) = delete;

  /// Of the terminal.
  const std::string& path() const { return path_; }
  /// Presses the button that resets all, for some cycles.
  void press_reset() { button_ = 100; }
  std::uint64_t cycles() const { return cycle_; }
  /// Ends the simulation; then the rest may be asked.
  void stop();
  /// What the chip found wrong.
  std::vector<sdram::SdramViolation> violations() const;
  struct Leds {
    bool heartbeat, busy, error;
  };
  Leds leds() const { return {heartbeat_, busy_, error_}; }

 private:
  class Model;
  void simulate();

  std::unique_ptr<Model> model_;
  int terminal_ = -1;
  int keep_open_ = -1;  // so that the terminal outlives its users
  std::string path_;
  std::atomic<bool> end_{false}, heartbeat_{false}, busy_{false}, error_{false};
  std::atomic<int> button_{0};
  std::atomic<std::uint64_t> cycle_{0};
  std::thread thread_;
};

}  // namespace systolith::board
