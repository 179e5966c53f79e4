// A serial line of the host, raw, 8N1, at any baud rate.
#pragma once

#include <string>

#include "link.hpp"

namespace systolith::driver {

/// An open terminal device (or a pty), this process's alone; closed by the destructor. Throws
/// LinkError: `port` when it can't be opened, with what to do, `gone` once it is no more.
class SerialPort final : public Channel {
 public:
  /// Opens `path`, sets it up and drops what it had received.
  SerialPort(const std::string& path, std::uint32_t baud);
  ~SerialPort() override;
  SerialPort(const SerialPort&) = delete;
  SerialPort& operator=(const SerialPort&) = delete;

  /// Of the steady clock.
  Time now() override;
  std::size_t read(std::uint8_t* data, std::size_t bytes, Time deadline) override;
  void write(const std::uint8_t* data, std::size_t bytes) override;

 private:
  void lock();
  void set_up(std::uint32_t baud);
  [[noreturn]] void gone(const std::string& why) const;
  short wait(short events, Time deadline) const;

  std::string path_;
  int file_ = -1;
};

/// The ports that look like a board's, one a line, each after "\n  ": of /dev/serial/by-id, else
/// ttyUSB* and ttyACM*; a sentence when there is none.
std::string list_ports();

}  // namespace systolith::driver
