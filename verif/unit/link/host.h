// A host that keeps to docs/link.md: windows of 16, repetition from the oldest unanswered request.
#pragma once

#include "bench.h"

namespace systolith::test {

/// What happens to frames on their way; the counts are of frames that were disturbed.
class Damage {
 public:
  Damage(unsigned percent, uint64_t seed) : percent_(percent), random_(seed) {}
  /// A frame with its zero, maybe changed.
  Bytes disturb(Bytes frame);

  uint64_t disturbed = 0, frames = 0;

 private:
  size_t below(size_t limit) { return random_() % limit; }

  unsigned percent_;
  std::mt19937_64 random_;
};

class Host {
 public:
  Host(LinkBench& bench, unsigned percent, uint64_t seed);
  ~Host() { bench_.on_byte = nullptr; }

  /// Opens a session and does `requests` (numbers and session are set here), all answers right.
  void run(std::vector<Request> requests, uint16_t session, uint8_t number);
  /// Compares answers and traffic of the last run with the reference.
  void compare();

  Damage out, in;
  uint64_t repetitions = 0;
  uint64_t first_bit = 0, last_byte = 0;  // cycles of the run, after its `open`
  const std::vector<Answer>& answers() const { return answers_; }

 private:
  void take(uint8_t byte);
  void take_answer(const Answer& answer);
  bool may_send() const;
  void go_back();
  static bool reads(const Request& r) { return r.kind == kReadMemory || r.kind == kReadRegister; }

  LinkBench& bench_;
  std::vector<Request> requests_;  // the first is `open`
  std::vector<Answer> answers_;
  std::vector<bool> answered_;
  size_t oldest_ = 0, next_ = 0, sent_ = 0;
  std::optional<uint8_t> went_back_to_;
  uint64_t heard_ = 0;  // cycle of the last sign of life
  Bytes raw_, frame_;
};

}  // namespace systolith::test
