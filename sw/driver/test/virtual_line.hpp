// A serial line in virtual time between a Link and a FakeBoard, with disturbances.
#pragma once

#include <deque>
#include <map>
#include <random>

#include "fake_board.hpp"
#include "link.hpp"

namespace systolith::driver::test {

/// Bytes at random, a quarter of them 0.
inline Octets pattern(std::size_t bytes, std::uint32_t seed) {
  std::mt19937 random(seed);
  Octets out(bytes);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? 0 : random());
  return out;
}

class VirtualLine : public Channel {
 public:
  struct Direction {
    Time delay{0};       // from the line to the other side
    double damaged = 0;  // share of frames
    Time mute_from{0}, mute_to{0};
    std::uint64_t frames_damaged = 0, bytes = 0;
    Time busy{0};    // time of the line with bytes on it
    Time first{-1};  // start of the first byte, once there is one

    std::deque<std::pair<Time, std::uint8_t>> queue;  // arrival
    Time free{0};
  };
  enum class Mode { board, echo, garbage };

  VirtualLine(FakeBoard& board, std::uint32_t baud, std::uint32_t seed)
      : board_(board), baud_(baud), random_(seed) {}

  Time now() override { return now_; }
  std::size_t read(std::uint8_t* data, std::size_t bytes, Time deadline) override;
  void write(const std::uint8_t* data, std::size_t bytes) override;

  Direction to_board, to_host;
  Mode mode = Mode::board;
  bool unplugged = false;
  std::size_t most_open = 0;    // requests without an answer
  bool mixed = false;           // reads and writes were open together
  std::vector<Octets> written;  // each call of write, if kept
  bool keep_written = false;

 private:
  void put(Direction& way, const Octets& bytes, Time from);
  Octets disturb(Direction& way, const Octets& bytes);
  void damage(Octets& frame);
  void watch_out(std::uint8_t byte);
  void watch_in(std::uint8_t byte);
  std::uint32_t draw(std::size_t below) {
    return static_cast<std::uint32_t>(random_() % (below != 0 ? below : 1));
  }

  FakeBoard& board_;
  std::uint32_t baud_;
  std::mt19937 random_;
  Time now_{0};
  Octets out_, in_;
  std::map<std::uint8_t, bool> open_;  // number of a request without an answer: is it a read?
};

inline std::size_t VirtualLine::read(std::uint8_t* data, std::size_t bytes, Time deadline) {
  if (unplugged) throw LinkError(LinkFault::gone, "unplugged");
  for (;;) {
    std::size_t count = 0;
    while (count < bytes && !to_host.queue.empty() && to_host.queue.front().first <= now_) {
      data[count] = to_host.queue.front().second;
      to_host.queue.pop_front();
      watch_in(data[count++]);
    }
    if (count != 0) return count;
    const bool board_next =
        !to_board.queue.empty() &&
        (to_host.queue.empty() || to_board.queue.front().first <= to_host.queue.front().first);
    const auto& next = board_next ? to_board.queue : to_host.queue;
    if (next.empty() || next.front().first > deadline) {
      now_ = std::max(now_, deadline);
      return 0;
    }
    const Time at = next.front().first;
    if (!board_next) {
      now_ = std::max(now_, at);
      continue;
    }
    const std::uint8_t byte = to_board.queue.front().second;
    to_board.queue.pop_front();
    if (mode == Mode::echo)
      put(to_host, {byte}, at);
    else if (mode == Mode::garbage)
      put(to_host, {static_cast<std::uint8_t>(random_())}, at);
    else if (const Octets sent = board_.receive({byte}); !sent.empty())
      put(to_host, sent, at);
  }
}

inline void VirtualLine::write(const std::uint8_t* data, std::size_t bytes) {
  if (unplugged) throw LinkError(LinkFault::gone, "unplugged");
  const Octets all(data, data + bytes);
  if (keep_written) written.push_back(all);
  for (const std::uint8_t byte : all) watch_out(byte);
  put(to_board, all, now_);
}

inline void VirtualLine::put(Direction& way, const Octets& bytes, Time from) {
  const Time one(10'000'000'000 / baud_);
  for (const std::uint8_t byte : disturb(way, bytes)) {
    way.free = std::max(way.free, from);
    if (way.first < Time{0}) way.first = way.free;
    way.free += one;
    way.busy += one;
    ++way.bytes;
    if (way.free >= way.mute_from && way.free < way.mute_to) continue;
    way.queue.emplace_back(way.free + way.delay, byte);
  }
}

inline Octets VirtualLine::disturb(Direction& way, const Octets& bytes) {
  if (way.damaged == 0) return bytes;
  Octets out, frame;
  for (const std::uint8_t byte : bytes) {
    frame.push_back(byte);
    if (byte != 0) continue;
    if (frame.size() > 1 && random_() < way.damaged * 4294967296.0) {
      ++way.frames_damaged;
      damage(frame);
    }
    out.insert(out.end(), frame.begin(), frame.end());
    frame.clear();
  }
  out.insert(out.end(), frame.begin(), frame.end());
  return out;
}

inline void VirtualLine::damage(Octets& frame) {
  const std::size_t at = draw(frame.size());
  switch (draw(9)) {
    case 0:
      frame[at] ^= static_cast<std::uint8_t>(1U << draw(8));
      break;
    case 1:
      for (int i = 0; i < 5; ++i) frame[draw(frame.size())] ^= static_cast<std::uint8_t>(random_());
      break;
    case 2:
      frame.erase(frame.begin() + at);
      break;
    case 3:
      frame.insert(frame.begin() + at, frame[at]);
      break;
    case 4:
      frame.insert(frame.begin() + at, static_cast<std::uint8_t>(random_()));
      break;
    case 5:
      frame.insert(frame.begin() + at, 0);
      break;
    case 6:  // the rest, and the zero with it
      frame.resize(at);
      break;
    case 7: {  // whole, twice
      const Octets again = frame;
      frame.insert(frame.end(), again.begin(), again.end());
      break;
    }
    default:  // a burst of noise before it
      for (int i = 0; i < 20; ++i)
        frame.insert(frame.begin(), static_cast<std::uint8_t>(random_()));
  }
}

inline void VirtualLine::watch_out(std::uint8_t byte) {
  if (byte != 0) {
    out_.push_back(byte);
    return;
  }
  if (const auto content = content_of(out_)) {
    const bool is_read = (*content)[0] == 2 || (*content)[0] == 4;
    open_[(*content)[1]] = is_read;
    most_open = std::max(most_open, open_.size());
    for (const auto& [number, read] : open_) mixed = mixed || read != is_read;
  }
  out_.clear();
}

// A request counts as open until an answer that takes it has come and all before it have, too.
inline void VirtualLine::watch_in(std::uint8_t byte) {
  if (byte != 0) {
    in_.push_back(byte);
    return;
  }
  if (const auto content = content_of(in_); content && content->size() >= 14) {
    const std::uint8_t status = (*content)[content->size() - 10];
    if (status < FakeBoard::no_session || (*content)[0] == 0x81) open_.erase((*content)[1]);
  }
  in_.clear();
}

}  // namespace systolith::driver::test
