// A board behind any channel, as `uart:` opens it on a serial port.
#pragma once

#include "backend.hpp"
#include "link.hpp"

namespace systolith::driver {

struct UartOptions {
  LinkOptions link;
  bool reset = true;     // the board, at open; else it is taken as it is
  bool verbose = false;  // to stderr: what the board is at open, statistics of the line at close
};

/// Opens a session with the board on `channel`. Throws LinkError when it can't; what fails later is
/// a Failure with SYSTOLITH_DEVICE_GONE, or SYSTOLITH_INTERNAL when the board finds a request
/// wrong.
std::unique_ptr<Backend> open_board(std::unique_ptr<Channel> channel, const UartOptions& options);

}  // namespace systolith::driver
