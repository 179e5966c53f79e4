#include "pty_board.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>

namespace systolith::driver::test {

PtyBoard::PtyBoard(FakeBoard& board, Mode mode) : board_(board), mode_(mode) {
  file_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  std::array<char, 128> name{};
  if (file_ < 0 || grantpt(file_) != 0 || unlockpt(file_) != 0 ||
      ptsname_r(file_, name.data(), name.size()) != 0)
    throw std::runtime_error("no pseudo-terminal");
  path_ = name.data();
  thread_ = std::thread([this] { serve(); });
}

PtyBoard::~PtyBoard() { unplug(); }

void PtyBoard::unplug() {
  end_ = true;
  if (thread_.joinable()) thread_.join();
}

void PtyBoard::serve() {
  std::array<std::uint8_t, 4096> bytes;
  while (!end_) {
    pollfd entry{file_, POLLIN, 0};
    if (poll(&entry, 1, 5) <= 0) continue;
    const ssize_t count = ::read(file_, bytes.data(), bytes.size());
    if (count <= 0) {  // nobody has the line open
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    if (chunks_left_ == 0) break;
    if (chunks_left_ > 0) --chunks_left_;
    Octets out(bytes.begin(), bytes.begin() + count);
    if (mode_ == Mode::silent) continue;
    if (mode_ == Mode::garbage)
      for (auto& byte : out) byte = static_cast<std::uint8_t>(byte * 37 + 11);
    else
      out = board_.receive(out);
    for (std::size_t at = 0; at < out.size() && !end_;) {
      const ssize_t put = ::write(file_, out.data() + at, out.size() - at);
      if (put <= 0) break;
      at += static_cast<std::size_t>(put);
    }
  }
  ::close(file_);
}

}  // namespace systolith::driver::test
