// A board behind a pseudo-terminal, served by a thread.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "fake_board.hpp"

namespace systolith::driver::test {

class PtyBoard {
 public:
  enum class Mode { board, silent, garbage };

  explicit PtyBoard(FakeBoard& board, Mode mode = Mode::board);
  ~PtyBoard();
  PtyBoard(const PtyBoard&) = delete;
  PtyBoard& operator=(const PtyBoard&) = delete;

  /// Path of the serial line.
  const std::string& path() const { return path_; }
  /// Hangs up after this many chunks of bytes.
  void unplug_after(unsigned chunks) { chunks_left_ = static_cast<int>(chunks); }
  void unplug();

 private:
  void serve();

  FakeBoard& board_;
  Mode mode_;
  int file_ = -1;
  std::string path_;
  std::atomic<bool> end_{false};
  std::atomic<int> chunks_left_{-1};
  std::thread thread_;
};

}  // namespace systolith::driver::test
