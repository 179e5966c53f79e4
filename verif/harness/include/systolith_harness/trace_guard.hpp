// Keeps a waveform file readable when the process ends before the device does.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

namespace systolith::harness {

// Closes one waveform file exactly once: by finish(), by the destructor, by exit(), by SIGINT,
// SIGTERM or SIGHUP, or by a signal of a crash (abort() and failed assertions of the C library
// included). A signal then does what it did before; SIGKILL can't be caught.
class TraceGuard {
 public:
  // `close` writes out and closes the file. Its argument: true between two cycles, so that the last
  // state may be added first; false in the middle of one, when only the file may be touched.
  explicit TraceGuard(std::function<void(bool)> close);
  ~TraceGuard();
  TraceGuard(const TraceGuard&) = delete;
  TraceGuard& operator=(const TraceGuard&) = delete;

  // Held by the simulation for a cycle at a time; makes way for whoever wants to close the file.
  std::timed_mutex& cycle_mutex() {
    if (wanted_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return cycle_mutex_;
  }
  void finish();

 private:
  friend class TraceRegistry;
  void finish_locked(bool whole);

  std::function<void(bool)> close_;
  std::timed_mutex cycle_mutex_;
  std::atomic<bool> wanted_{false};
  bool finished_ = false;
};

}  // namespace systolith::harness
