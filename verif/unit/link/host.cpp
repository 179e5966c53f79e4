#include "host.h"

namespace systolith::test {

Bytes Damage::disturb(Bytes frame) {
  ++frames;
  if (random_() % 100 >= percent_) return frame;
  ++disturbed;
  const auto at = [&] { return frame.begin() + static_cast<ptrdiff_t>(below(frame.size())); };
  switch (random_() % 8) {
    case 0:
    case 1:
      for (size_t i = 1 + below(3); i > 0; --i) *at() ^= static_cast<uint8_t>(1 << below(8));
      break;
    case 2:
      frame.erase(at());
      break;
    case 3: {
      const auto which = at();
      frame.insert(which, *which);
      break;
    }
    case 4:
      frame.insert(at(), static_cast<uint8_t>(random_()));
      break;
    case 5:
      frame.insert(at(), 0);
      break;
    case 6:
      frame.resize(below(frame.size()));
      break;
    default:
      frame.resize(below(frame.size()));
      frame.push_back(0);
  }
  return frame;
}

Host::Host(LinkBench& bench, unsigned percent, uint64_t seed)
    : out(percent, seed), in(percent, seed + 1), bench_(bench) {
  bench_.on_byte = [this](uint8_t byte) { take(byte); };
}

void Host::take(uint8_t byte) {
  heard_ = bench_.cycle;
  raw_.push_back(byte);
  if (byte != 0) return;
  const bool empty = raw_.size() == 1;
  const Bytes disturbed = empty ? raw_ : in.disturb(raw_);
  raw_.clear();
  for (uint8_t arrived : disturbed) {
    if (arrived != 0) {
      frame_.push_back(arrived);
      continue;
    }
    if (!frame_.empty()) {
      const std::optional<Bytes> content = content_of(frame_);
      const std::optional<Answer> answer = content ? answer_of(*content) : std::nullopt;
      if (answer) take_answer(*answer);
    }
    frame_.clear();
  }
}

void Host::take_answer(const Answer& answer) {
  if (answer.session != requests_[0].session) return;
  const size_t ahead =
      static_cast<uint8_t>(answer.number - requests_[oldest_].number);  // of the oldest
  if (answer.status == kGap) {
    const size_t expected = static_cast<uint8_t>(answer.expected - requests_[oldest_].number);
    // The same gap is told once for each request behind it.
    if (oldest_ + expected < sent_ && went_back_to_ != answer.expected) {
      went_back_to_ = answer.expected;
      next_ = oldest_ + expected;
      ++repetitions;
    }
    return;
  }
  if (oldest_ + ahead >= sent_) return;  // of an earlier repetition
  const size_t which = oldest_ + ahead;
  EXPECT_NE(answer.status, kNoSession);
  EXPECT_EQ(answer.kind, requests_[which].kind + 0x80);
  if (answered_[which]) return;
  answered_[which] = true;
  answers_[which] = answer;
  went_back_to_.reset();
  last_byte = bench_.cycle;
  while (oldest_ < sent_ && answered_[oldest_]) ++oldest_;
}

bool Host::may_send() const {
  // The line takes the next frame just before it is through with the last.
  if (next_ >= requests_.size() || bench_.pending() > 12) return false;
  if (next_ >= oldest_ + kWindow || (oldest_ == 0 && next_ > 0)) return false;
  for (size_t i = oldest_; i < next_; ++i) {
    if (!answered_[i] && reads(requests_[i]) != reads(requests_[next_])) return false;
  }
  return true;
}

void Host::go_back() {
  bench_.send(Bytes{0});
  next_ = oldest_;
  went_back_to_.reset();
  heard_ = bench_.cycle;
  ++repetitions;
}

void Host::run(std::vector<Request> requests, uint16_t session, uint8_t number) {
  requests.insert(requests.begin(), Request{.kind = kOpen, .address = kMagicAndVersion});
  for (Request& request : requests) {
    request.session = session;
    request.number = number++;
  }
  requests_ = std::move(requests);
  answers_.assign(requests_.size(), {});
  answered_.assign(requests_.size(), false);
  oldest_ = next_ = sent_ = 0;
  first_bit = 0;
  bench_.send(Bytes{0});
  heard_ = bench_.cycle;
  // Line and memory time of the longest.
  const Shape& shape = bench_.shape;
  const uint64_t patience = static_cast<uint64_t>(30 * shape.byte()) +
                            64 * uint64_t{shape.payload / shape.bus_bytes} + 3000;
  uint64_t repeated = 0;
  size_t oldest = 0;
  while (oldest_ < requests_.size()) {
    if (may_send()) {
      if (next_ == 1 && first_bit == 0) first_bit = bench_.cycle;
      bench_.send(out.disturb(frame_of(requests_[next_].content())));
      sent_ = std::max(sent_, ++next_);
    }
    bench_.step();
    if (bench_.sending()) heard_ = bench_.cycle;
    if (bench_.cycle < heard_ + patience) continue;
    repeated = oldest == oldest_ ? repeated + 1 : 0;
    oldest = oldest_;
    if (repeated == 100) {
      FAIL() << "no answer to request " << oldest_ << " of " << requests_.size();
    }
    go_back();
  }
  // What is still on its way is of repetitions.
  bench_.settle();
}

void Host::compare() {
  for (size_t i = 0; i < requests_.size(); ++i) {
    std::optional<Prediction> expected = bench_.reference.serve(requests_[i].content());
    ASSERT_TRUE(expected);
    expected->any_expected = true;
    bench_.compare(answers_[i], *expected);
    if (testing::Test::HasFailure()) break;
  }
  // Reads may have been done again, writes never.
  for (std::deque<Beat>* beats : {&bench_.traffic, &bench_.reference.traffic}) {
    std::erase_if(*beats, [](const Beat& beat) { return !beat.write; });
  }
  bench_.compare_traffic();
}

}  // namespace systolith::test
