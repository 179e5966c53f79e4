#include "serial_port.hpp"

// Not <termios.h>: only these have a baud rate of any number.
#include <asm/termbits.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/serial.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace systolith::driver {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStall{5};  // of a line that takes no byte

[[noreturn]] void fail(const std::string& text) { throw LinkError(LinkFault::port, text); }

std::string group_of(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return "dialout";
  group entry{}, *found = nullptr;
  std::vector<char> text(16384);
  getgrgid_r(about.st_gid, &entry, text.data(), text.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(about.st_gid);
}

/// Who has the port open, as far as this user may see.
std::string holders(const std::string& path) {
  std::string list;
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  for (fs::directory_iterator process("/proc", error), end; !error && process != end;
       process.increment(error)) {
    const std::string pid = process->path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code hidden;  // another user's
    for (fs::directory_iterator file(process->path() / "fd", hidden); !hidden && file != end;
         file.increment(hidden)) {
      std::error_code closed;
      if (fs::read_symlink(file->path(), closed) != target) continue;
      std::string name;
      std::getline(std::ifstream(process->path() / "comm"), name);
      list += fmt::format("{}{} (process {})", list.empty() ? "" : ", ", name, pid);
      break;
    }
  }
  return list.empty() ? "a process of another user" : list;
}

[[noreturn]] void busy(const std::string& path) {
  fail(fmt::format("{} is in use by {}: close that first; two programs can't share a board", path,
                   holders(path)));
}

[[noreturn]] void fail_to_open(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      fail(fmt::format("there is no port '{}'; {}", path, list_ports()));
    case EACCES:
    case EPERM: {
      const std::string group = group_of(path);
      fail(
          fmt::format("no permission for {}: it is of the group {}; join it (sudo usermod -aG {} "
                      "$USER, then log in again), or add a udev rule "
                      "(SUBSYSTEM==\"tty\", TAG+=\"uaccess\")",
                      path, group, group));
    }
    case EBUSY:
      busy(path);
    case EISDIR:
      fail(fmt::format("{} is a folder, not a serial line; {}", path, list_ports()));
    case ENXIO:
    case ENODEV:
    case EIO:
      fail(fmt::format("{} exists, but no serial line is behind it: plug the board in; {}", path,
                       list_ports()));
    default:
      fail(fmt::format("{} can't be opened: {}", path, std::generic_category().message(error)));
  }
}

}  // namespace

std::string list_ports() {
  std::vector<std::string> ports;
  std::error_code error;
  for (fs::directory_iterator entry("/dev/serial/by-id", error), end; !error && entry != end;
       entry.increment(error))
    ports.push_back(entry->path());
  if (ports.empty()) {
    for (fs::directory_iterator entry("/dev", error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename();
      if (name.starts_with("ttyUSB") || name.starts_with("ttyACM")) ports.push_back(entry->path());
    }
  }
  if (ports.empty())
    return "no USB serial port is there at all: is the board plugged in, and its cable one for "
           "data?";
  std::sort(ports.begin(), ports.end());
  std::string list = "there are";
  for (const std::string& port : ports) list += "\n  " + port;
  return list;
}

SerialPort::SerialPort(const std::string& path, std::uint32_t baud) : path_(path) {
  // Without waiting for a carrier, which boards don't have.
  file_ = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (file_ < 0) fail_to_open(path, errno);
  try {
    lock();
    set_up(baud);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

SerialPort::~SerialPort() {
  ioctl(file_, TIOCNXCL);  // a pty would stay closed to others
  ::close(file_);
}

void SerialPort::lock() {
  if (isatty(file_) == 0) fail(fmt::format("{} is not a serial line; {}", path_, list_ports()));
  // flock also keeps out root and who opened before; TIOCEXCL those that don't ask for the lock.
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) busy(path_);
    fail(fmt::format("{} can't be locked: {}", path_, std::generic_category().message(errno)));
  }
  ioctl(file_, TIOCEXCL);
}

void SerialPort::set_up(std::uint32_t baud) {
  const auto refused = [&] {
    fail(fmt::format("{} can't be set to {} baud, 8N1: {}", path_, baud,
                     std::generic_category().message(errno)));
  };
  termios2 line{};
  if (ioctl(file_, TCGETS2, &line) != 0) refused();
  line.c_iflag = 0;
  line.c_oflag = 0;
  line.c_lflag = 0;
  // The speed of input as that of output; DTR stays up at close, as some boards reset by it.
  line.c_cflag = CS8 | CREAD | CLOCAL | BOTHER;
  line.c_ispeed = line.c_ospeed = baud;
  line.c_cc[VMIN] = 1;
  line.c_cc[VTIME] = 0;
  if (ioctl(file_, TCSETS2, &line) != 0 || ioctl(file_, TCGETS2, &line) != 0) refused();
  // Beyond 3 % the board doesn't understand it.
  const std::uint64_t got = line.c_ospeed;
  if (100 * got < 97 * std::uint64_t{baud} || 100 * got > 103 * std::uint64_t{baud})
    fail(
        fmt::format("{} can't do {} baud, the nearest is {}: use another adapter, or a bitstream "
                    "of another rate",
                    path_, baud, got));
  // FTDI's chips hold bytes back for 16 ms otherwise. Not all drivers know it.
  serial_struct serial{};
  if (ioctl(file_, TIOCGSERIAL, &serial) == 0) {
    serial.flags |= ASYNC_LOW_LATENCY;
    ioctl(file_, TIOCSSERIAL, &serial);
  }
  ioctl(file_, TCFLSH, TCIOFLUSH);
}

SerialPort::Time SerialPort::now() { return std::chrono::steady_clock::now().time_since_epoch(); }

void SerialPort::gone(const std::string& why) const {
  throw LinkError(LinkFault::gone,
                  fmt::format("{} is gone ({}): the cable was pulled or the board switched off; "
                              "connect it and open the device again",
                              path_, why));
}

short SerialPort::wait(short events, Time deadline) const {
  for (;;) {
    const Time left = deadline - std::chrono::steady_clock::now().time_since_epoch();
    // Rounded up: waking early would spin.
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(left, Time{0}));
    pollfd entry{file_, events, 0};
    const int ready =
        poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(wait.count(), 1'000'000)));
    if (ready > 0) return entry.revents;
    if (ready < 0 && errno != EINTR) gone(std::generic_category().message(errno));
    if (ready == 0 && left <= Time{0}) return 0;
  }
}

std::size_t SerialPort::read(std::uint8_t* data, std::size_t bytes, Time deadline) {
  for (;;) {
    const short ready = wait(POLLIN, deadline);
    if (ready == 0) return 0;
    const ssize_t got = ::read(file_, data, bytes);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) gone("hung up");
    if (errno != EAGAIN && errno != EINTR) gone(std::generic_category().message(errno));
    if ((ready & (POLLHUP | POLLERR | POLLNVAL)) != 0) gone("hung up");
  }
}

void SerialPort::write(const std::uint8_t* data, std::size_t bytes) {
  while (bytes != 0) {
    const ssize_t put = ::write(file_, data, bytes);
    if (put > 0) {
      data += put;
      bytes -= static_cast<std::size_t>(put);
      continue;
    }
    if (put < 0 && errno != EAGAIN && errno != EINTR) gone(std::generic_category().message(errno));
    const short ready = wait(POLLOUT, now() + kStall);
    if (ready == 0) gone(fmt::format("it took no byte for {} s", kStall.count()));
    if ((ready & (POLLHUP | POLLERR | POLLNVAL)) != 0) gone("hung up");
  }
}

}  // namespace systolith::driver
