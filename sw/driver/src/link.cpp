#include "link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <utility>

namespace systolith::driver {
namespace {

constexpr std::size_t kWindow = 16;
constexpr unsigned kSilentRounds = 8;
constexpr unsigned kRounds = 64;  // without progress, whatever else is answered
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kOpenMagic = 0x4b4e4c53;  // "SLNK"
constexpr std::size_t kRequestHeader = 16;
constexpr std::size_t kAnswerHeader = 4, kAnswerTail = 10;
constexpr std::size_t kOpenData = 8;
constexpr std::uint8_t kAnswer = 0x80;
constexpr std::size_t kMinimumPayload = 16, kMaximumPayload = 1008;

enum Status : std::uint8_t { ok, refused, bus_error, bus_timeout, no_session, gap };

std::uint64_t little(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << 8 * i;
  return value;
}

void put(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

}  // namespace

std::size_t Link::Request::answer_data() const {
  return kind == Kind::open ? kOpenData : reads() ? length : 0;
}

Link::Link(Channel& channel, LinkOptions options)
    : channel_(channel), options_(std::move(options)) {
  // At random, so that answers to an earlier process are told by their session.
  std::random_device random;
  while ((options_.draw & 0xffff) == 0) options_.draw = random();
  session_ = static_cast<std::uint16_t>(options_.draw);
  number_ = static_cast<std::uint8_t>(options_.draw >> 16);
  open();
}

void Link::open() {
  std::array<std::uint8_t, kOpenData> data{};
  send(Kind::open, kOpenMagic | kVersion << 32, 0, nullptr, data.data());
  flush();
  const std::span<const std::uint8_t> all(data);
  const std::size_t window = data[4];
  payload_ = little(all.subspan(2, 2));
  if (payload_ < kMinimumPayload || payload_ > kMaximumPayload || window == 0)
    end(LinkFault::no_board,
        fmt::format("{} answers with blocks of {} bytes and a window of {}: no Systolith board, or "
                    "a broken one",
                    options_.port, payload_, window));
  window_ = std::min(window, kWindow);
  opened_ = true;
}

void Link::read_memory(std::uint64_t address, void* data, std::size_t bytes) {
  auto* into = static_cast<std::uint8_t*>(data);
  for (std::size_t at = 0; at < bytes && !failed_;) {
    const std::size_t block = std::min(payload_, bytes - at);
    send(Kind::read_memory, address + at, block, nullptr, into + at);
    at += block;
  }
  flush();
}

void Link::write_memory(std::uint64_t address, const void* data, std::size_t bytes) {
  if (failed_) flush();  // throws
  const auto* from = static_cast<const std::uint8_t*>(data);
  for (std::size_t at = 0; at < bytes && !failed_;) {
    const std::size_t block = std::min(payload_, bytes - at);
    send(Kind::write_memory, address + at, block, from + at, nullptr);
    at += block;
  }
}

void Link::read_registers(std::span<const std::uint32_t> offsets, std::uint32_t* values) {
  Bytes data(4 * offsets.size());
  for (std::size_t i = 0; i < offsets.size() && !failed_; ++i)
    send(Kind::read_register, offsets[i], 4, nullptr, data.data() + 4 * i);
  flush();
  for (std::size_t i = 0; i < offsets.size(); ++i)
    values[i] = static_cast<std::uint32_t>(little(std::span(data).subspan(4 * i, 4)));
}

std::uint32_t Link::read_register(std::uint32_t offset) {
  std::uint32_t value = 0;
  read_registers({&offset, 1}, &value);
  return value;
}

void Link::write_register(std::uint32_t offset, std::uint32_t value) {
  if (failed_) flush();  // throws
  Bytes data;
  put(data, value, 4);
  send(Kind::write_register, offset, 4, data.data(), nullptr);
}

void Link::flush() {
  if (over_) throw LinkError(*over_);
  while (!flight_.empty()) receive();
  if (failed_) throw LinkError(*std::exchange(failed_, std::nullopt));
}

void Link::send(Kind kind, std::uint64_t address, std::size_t length, const std::uint8_t* data,
                std::uint8_t* into) {
  if (over_) throw LinkError(*over_);
  Request request{kind, 0, static_cast<std::uint16_t>(length), address, {}, into};
  // A read that is repeated must not see a write that came after it.
  if (!flight_.empty() && flight_.front().reads() != request.reads()) flush();
  while (flight_.size() >= window_) receive();
  request.number = number_++;
  Bytes content;
  content.reserve(kRequestHeader + length);
  put(content, static_cast<std::uint64_t>(kind), 1);
  put(content, request.number, 1);
  put(content, session_, 2);
  put(content, length, 2);
  put(content, 0, 2);
  put(content, address, 8);
  if (data != nullptr) content.insert(content.end(), data, data + length);
  request.frame = encode_frame(content);
  // After silence a zero ends what noise may have begun.
  Bytes bytes(flight_.empty() ? 1 : 0, 0);
  bytes.insert(bytes.end(), request.frame.begin(), request.frame.end());
  flight_.push_back(std::move(request));
  ++statistics_.sent;
  write(bytes);
  set_deadline();
}

void Link::write(const Bytes& bytes) {
  const auto line_time = std::chrono::nanoseconds(bytes.size() * 10'000'000'000 / options_.baud);
  line_free_ = std::max(line_free_, channel_.now()) + line_time;
  try {
    channel_.write(bytes.data(), bytes.size());
  } catch (const LinkError& error) {
    end(error.fault(), error.what());
  }
}

void Link::set_deadline() {
  std::size_t bytes = 0;
  for (const Request& request : flight_)
    bytes += line_bytes(kAnswerHeader + request.answer_data() + kAnswerTail);
  deadline_ = std::max(line_free_, channel_.now()) + options_.slack +
              std::chrono::nanoseconds(bytes * 10'000'000'000 / options_.baud);
}

void Link::repeat() {
  if (++rounds_ > kRounds)
    end(LinkFault::repetitions,
        fmt::format("a request on {} did not get through in {} repetitions, though answers come "
                    "({} frames were bad): use a shorter cable or a lower baud rate, and see that "
                    "host and board have a common ground",
                    options_.port, kRounds, statistics_.bad));
  Bytes bytes(1, 0);
  for (const Request& request : flight_)
    bytes.insert(bytes.end(), request.frame.begin(), request.frame.end());
  statistics_.repeated += flight_.size();
  write(bytes);
  set_deadline();
}

void Link::receive() {
  std::array<std::uint8_t, 4096> bytes;
  std::size_t count = 0;
  try {
    count = channel_.read(bytes.data(), bytes.size(), deadline_);
  } catch (const LinkError& error) {
    end(error.fault(), error.what());
  }
  if (count == 0) {
    if (channel_.now() < deadline_) return;
    if (silent_ == kSilentRounds) end(LinkFault::no_answer, silence());
    ++silent_;
    ++statistics_.timeouts;
    went_back_ = false;
    repeat();
    return;
  }
  statistics_.bytes += count;
  for (const std::uint8_t byte : std::span(bytes).first(count)) {
    if (byte != 0) {
      // What is kept of noise is longer than any frame, so no frame.
      if (code_.size() < line_bytes(kLongestContent)) code_.push_back(byte);
      continue;
    }
    const std::optional<Bytes> content = decode_frame(code_);
    const bool empty = code_.empty();
    code_.clear();
    if (content)
      take(*content);
    else if (!empty)
      ++statistics_.bad;
  }
}

void Link::take(const Bytes& content) {
  const std::span<const std::uint8_t> all(content);
  if (content.size() < kAnswerHeader + kAnswerTail) {
    ++statistics_.bad;
    return;
  }
  const std::uint8_t kind = content[0], number = content[1];
  if (little(all.subspan(2, 2)) != session_ || (kind & kAnswer) == 0) {
    echo_ = echo_ || little(all.subspan(2, 2)) == session_;
    ++statistics_.stale;
    return;
  }
  silent_ = 0;
  set_deadline();
  const std::size_t tail = content.size() - kAnswerTail;
  const std::uint8_t status = content[tail];
  if (status == no_session)
    end(LinkFault::no_session,
        fmt::format("the board on {} was reset or powered up again, or another process took its "
                    "line: what it held is lost; close the device and open it again",
                    options_.port));
  const std::uint8_t place =
      flight_.empty() ? 0 : static_cast<std::uint8_t>(number - flight_.front().number);
  if (place >= flight_.size() ||
      kind != (static_cast<std::uint8_t>(flight_[place].kind) | kAnswer)) {
    ++statistics_.stale;
    return;
  }
  // Answers come in order: the oldest request or its answer was lost. Once is enough, as answers to
  // what was sent before are still on their way.
  if (status == gap || place != 0) {
    ++statistics_.stale;
    if (went_back_) return;
    went_back_ = true;
    ++statistics_.gaps;
    repeat();
    return;
  }
  const Request& request = flight_.front();
  const bool with_data =
      request.kind == Kind::open || status == ok || status == bus_error || status == bus_timeout;
  const std::size_t bytes = with_data ? request.answer_data() : 0;
  if (status > gap || tail - kAnswerHeader != bytes) {
    ++statistics_.bad;
    return;
  }
  ++statistics_.answers;
  rounds_ = 0;
  went_back_ = false;
  answered(request, status, all.subspan(kAnswerHeader, bytes), little(all.subspan(tail + 2, 8)));
  flight_.pop_front();
  set_deadline();
}

void Link::answered(const Request& request, std::uint8_t status, std::span<const std::uint8_t> data,
                    std::uint64_t error_address) {
  if (request.kind == Kind::open && status != ok) {
    const std::uint64_t version = little(data.first(2));
    if (version == kVersion)
      end(LinkFault::no_board, fmt::format("the board on {} refuses a session", options_.port));
    end(LinkFault::version,
        fmt::format("the board on {} speaks version {} of the link, this driver version {}: {}",
                    options_.port, version, kVersion,
                    version > kVersion
                        ? "the bitstream is newer, use the driver that it was built with"
                        : "the bitstream is older, load one that was built with this driver"));
  }
  if (status == ok) {
    if (!data.empty()) std::memcpy(request.into, data.data(), data.size());
    return;
  }
  if (failed_) return;
  const bool of_register =
      request.kind == Kind::read_register || request.kind == Kind::write_register;
  const std::string what = fmt::format(
      "{} of {} at {:#x}", request.reads() ? "read" : "write",
      of_register ? "the register" : fmt::format("{} bytes of device memory", request.length),
      request.address);
  if (status == bus_error)
    failed_ = LinkError(
        LinkFault::bus_error,
        fmt::format("{}: the board's bus answered with an error at {:#x}", what, error_address));
  else if (status == bus_timeout)
    failed_ = LinkError(LinkFault::bus_timeout,
                        fmt::format("{}: the board's bus does not answer at {:#x}; "
                                    "systolith_reset_device resets it with the device",
                                    what, error_address));
  else
    failed_ = LinkError(
        LinkFault::refused,
        fmt::format("{}: the board refuses it: an address that it doesn't have, or a bitstream and "
                    "a driver that don't belong together",
                    what));
}

std::string Link::silence() const {
  const std::string& port = options_.port;
  const std::uint32_t baud = options_.baud;
  if (opened_)
    return fmt::format(
        "no answer from the board on {} to {} repetitions: was it unplugged, switched off or "
        "configured anew? Close the device and open it again",
        port, kSilentRounds);
  if (echo_)
    return fmt::format("{} sends back what it is sent: its line is looped, or the port is another",
                       port);
  if (statistics_.bytes != 0)
    return fmt::format(
        "no Systolith board answers on {}: {} bytes came, but no right answer. The baud rate "
        "({}) is wrong (uart:{},baud=...), or something else is at this port",
        port, statistics_.bytes, baud, port);
  return fmt::format(
      "nothing answers on {} at {} baud: is the board powered, its bitstream loaded, the port "
      "the right one (boards often have two), the baud rate that of the bitstream?",
      port, baud);
}

void Link::end(LinkFault fault, const std::string& text) {
  flight_.clear();
  failed_.reset();
  over_ = LinkError(fault, text);
  throw LinkError(*over_);
}

}  // namespace systolith::driver
