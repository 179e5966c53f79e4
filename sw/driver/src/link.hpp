// The host's side of the UART link: sessions, requests and their repetition (docs/link.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "frame.hpp"

namespace systolith::driver {

enum class LinkFault : std::uint8_t {
  port,         // can't be opened or set up
  gone,         // the port was open and is no more
  no_answer,    // nothing that is an answer
  no_board,     // something else answers
  version,      // of the link or of the board's words
  no_session,   // the board was reset, or another process took the line
  repetitions,  // answers come, but a request never gets through
  bus_error,
  bus_timeout,
  refused,  // the board finds the request wrong
};

/// What went wrong on the line or behind it; what() says what to do. After `bus_error`,
/// `bus_timeout` and `refused` the session goes on, after all others it is over.
class LinkError : public std::runtime_error {
 public:
  LinkError(LinkFault fault, const std::string& text) : std::runtime_error(text), fault_(fault) {}
  LinkFault fault() const { return fault_; }

 private:
  LinkFault fault_;
};

/// A line for bytes in both directions, with a clock.
class Channel {
 public:
  using Time = std::chrono::nanoseconds;  // since any moment that stays the same

  virtual ~Channel() = default;
  virtual Time now() = 0;
  /// Waits for a byte until `deadline`, takes at most `bytes` into `data`, returns how many: 0 once
  /// the deadline has passed. Throws LinkError when the line is gone.
  virtual std::size_t read(std::uint8_t* data, std::size_t bytes, Time deadline) = 0;
  /// Writes all bytes; may wait while the line takes them. Throws LinkError when the line is gone.
  virtual void write(const std::uint8_t* data, std::size_t bytes) = 0;
};

struct LinkOptions {
  std::string port = "the port";  // its name, for texts
  std::uint32_t baud = 3'000'000;
  /// What an answer may take beyond its line time.
  std::chrono::milliseconds slack{100};
  /// Session [15:0] and first number [23:16]; drawn at random where the session is 0.
  std::uint32_t draw = 0;
};

/// Of one Link, since it was opened.
struct LinkStatistics {
  std::uint64_t sent = 0;      // requests, each counted once
  std::uint64_t repeated = 0;  // requests sent again
  std::uint64_t timeouts = 0;  // rounds of repetition because no answer came in time
  std::uint64_t gaps = 0;      // rounds because an answer showed that something was lost
  std::uint64_t answers = 0;   // taken
  std::uint64_t stale = 0;     // right frames that answer nothing that is open
  std::uint64_t bad = 0;       // frames with a wrong code, CRC or length
  std::uint64_t bytes = 0;     // received
};

/// One session with a board. Reads return when they are answered; writes are sent in order and may
/// be answered later: flush() waits for them and throws what one of them failed with, as every read
/// does. All functions throw LinkError; once a session is over, each throws what ended it.
class Link {
 public:
  /// Opens a session on `channel`, which outlives the link.
  Link(Channel& channel, LinkOptions options);

  /// `bytes` bytes of device memory from `address` on, any number and alignment.
  void read_memory(std::uint64_t address, void* data, std::size_t bytes);
  void write_memory(std::uint64_t address, const void* data, std::size_t bytes);
  /// Registers at these offsets, read in this order, into as many values.
  void read_registers(std::span<const std::uint32_t> offsets, std::uint32_t* values);
  std::uint32_t read_register(std::uint32_t offset);
  void write_register(std::uint32_t offset, std::uint32_t value);
  /// Waits until every write is answered.
  void flush();

  /// Bytes of the board's largest block.
  std::size_t payload() const { return payload_; }
  const LinkStatistics& statistics() const { return statistics_; }
  Channel& channel() { return channel_; }
  const LinkOptions& options() const { return options_; }
  /// Whether the session is over.
  bool over() const { return over_.has_value(); }

 private:
  enum class Kind : std::uint8_t {
    open = 1,
    read_memory = 2,
    write_memory = 3,
    read_register = 4,
    write_register = 5
  };
  struct Request {
    Kind kind;
    std::uint8_t number;
    std::uint16_t length;
    std::uint64_t address;
    Bytes frame;
    std::uint8_t* into;  // of reads, where the data goes
    bool reads() const { return kind == Kind::read_memory || kind == Kind::read_register; }
    std::size_t answer_data() const;
  };

  void open();
  void send(Kind kind, std::uint64_t address, std::size_t length, const std::uint8_t* data,
            std::uint8_t* into);
  void write(const Bytes& bytes);
  void repeat();
  void set_deadline();
  void receive();
  void take(const Bytes& content);
  void answered(const Request& request, std::uint8_t status, std::span<const std::uint8_t> data,
                std::uint64_t error_address);
  std::string silence() const;
  [[noreturn]] void end(LinkFault fault, const std::string& text);

  Channel& channel_;
  LinkOptions options_;
  LinkStatistics statistics_;
  std::uint16_t session_ = 0;
  std::uint8_t number_ = 0;  // of the next request
  std::size_t payload_ = 0;
  std::size_t window_ = 1;
  std::deque<Request> flight_;       // sent, unanswered, oldest first
  Channel::Time line_free_{0};       // when what was written has left, by the baud rate
  Channel::Time deadline_{0};        // of the next answer
  Bytes code_;                       // of a frame that has not ended
  bool opened_ = false;              // a session
  bool went_back_ = false;           // for the oldest request, since it was sent or timed out
  bool echo_ = false;                // a request came back
  unsigned silent_ = 0;              // time-outs since the last answer
  unsigned rounds_ = 0;              // repetitions since a request was answered
  std::optional<LinkError> failed_;  // of a request; thrown once none is open
  std::optional<LinkError> over_;    // what ended the session
};

}  // namespace systolith::driver
