#include "session.hpp"

#include <algorithm>
#include <cstring>

#include "program_generator.hpp"
#include "sim.hpp"
#include "systolith/registers.h"

namespace systolith::faults {
namespace {

using regress::kBase;
using regress::kBytes;

constexpr std::uint32_t kBusy = 1, kFaulted = 2, kStuck = 4;

std::unique_ptr<harness::SimDevice> make(const regress::Drawn& drawn) {
  harness::SimOptions options;
  options.memory_base = kBase;
  options.memory_bytes = kBytes;
  options.seed = drawn.conditions.seed;
  return sim::make_device(drawn.configuration, options);
}

void set_conditions(harness::AxiMemory& memory, const regress::Conditions& c) {
  memory.timing() = c.timing();
  memory.set_noise(c.noise != 0);
  memory.set_commit_at_response(c.commit_at_response != 0);
  memory.set_read_at_request(c.read_at_request != 0);
}

}  // namespace

Session::Session(Case c)
    : case_(std::move(c)),
      device_(make(case_.drawn)),
      monitor_(device_->geometry().bus_bytes),
      random_(case_.drawn.conditions.seed) {
  harness::AxiMemory& memory = device_->memory();
  set_conditions(memory, case_.drawn.conditions);
  for (const harness::AxiInjection& error : case_.injection.errors) memory.inject(error);
  const std::vector<std::uint8_t> image = regress::image_of(case_.drawn.program);
  std::memcpy(memory.at(kBase), image.data(), image.size());
  const program::Ring& ring = *case_.drawn.program.ring;
  const std::uint8_t* first = memory.at(ring.address);
  host_ring_.assign(first, first + (SYSTOLITH_COMMAND_BYTES << ring.slots_log2));
}

// Each cycle of the run, before the memory's.
void Session::clock() {
  const Injection& injection = case_.injection;
  harness::AxiMemory& memory = device_->memory();
  const std::uint64_t now = device_->cycle() + 1;
  if (hit_cycle_ == 0 && !memory.hits().empty()) hit_cycle_ = now;
  if (stuck_cycle_ == 0 && device_->reset_request()) stuck_cycle_ = now;
  if (injection.answer_after != 0 && hit_cycle_ != 0 && !answered_ &&
      now >= hit_cycle_ + injection.answer_after) {
    memory.release_unanswered();
    answered_ = true;
  }
  const Moment& moment = injection.moment;
  const std::uint64_t beats = moment.id ? monitor_.beats(*moment.id) : monitor_.beats();
  if (reached_cycle_ == 0 && beats >= moment.beats) reached_cycle_ = now;
  if (reached_cycle_ == 0 || now < reached_cycle_ + injection.moment.cycles) return;
  if (fired_cycle_ == 0) {
    fired_cycle_ = now;
    fire();
  }
  const bool over = now >= fired_cycle_ + injection.span;
  if (injection.hold) {
    const Hold& hold = *injection.hold;
    const bool held = !over && (now - fired_cycle_) % (hold.held + hold.free) < hold.held;
    memory.hold() = held ? hold.channels : harness::AxiMemory::Hold{};
  }
  if (over && before_) {
    memory.timing() = *before_;
    before_.reset();
  }
}

void Session::fire() {
  const Injection& injection = case_.injection;
  if (injection.timing) {
    before_ = device_->memory().timing();
    device_->memory().timing() = *injection.timing;
  }
  if (injection.flip) {
    const std::vector<harness::OnChipMemory>& all = device_->memories();
    const auto found = std::find_if(all.begin(), all.end(), [&](const harness::OnChipMemory& m) {
      return m.name == injection.flip->memory;
    });
    if (found == all.end()) throw std::logic_error("no on-chip memory " + injection.flip->memory);
    for (const unsigned bit : injection.flip->bits)
      device_->flip(static_cast<std::size_t>(found - all.begin()), injection.flip->word, bit);
  }
  if (injection.rewrite_distance) {
    const std::int64_t index =
        static_cast<std::int64_t>(monitor_.fetched().size()) + *injection.rewrite_distance;
    const std::int64_t slots = std::int64_t{1} << case_.drawn.program.ring->slots_log2;
    if (index < 0 || index >= rung_ || index + slots < rung_) return;
    rewritten_ = static_cast<std::uint32_t>(index);
    systolith_command_t command = case_.drawn.program.commands[*rewritten_];
    constexpr unsigned kScaleLineWord = 13;  // zeroed alone it would leave a legal command
    switch (injection.rewrite) {
      case 0:
        for (unsigned word = 0; word < std::size(command.words); ++word)
          if (word != kScaleLineWord) command.words[word] = 0;
        break;
      case 1:
        command.words[15] = std::uint64_t{1} << 63;
        break;
      default:
        SYSTOLITH_SET(command.words, HEADER_VERSION, 9);
    }
    put(*rewritten_ % static_cast<std::uint32_t>(slots), command.words);
  }
  stopping_ = injection.host != HostAction::none;
}

void Session::adopt_fetched() {
  const std::vector<systolith_command_t> fetched = monitor_.fetched();
  if (rewritten_ && *rewritten_ < fetched.size())
    case_.drawn.program.commands[*rewritten_] = fetched[*rewritten_];
}

void Session::put(std::uint32_t slot, const void* command) {
  const std::uint64_t at = std::uint64_t{slot} * SYSTOLITH_COMMAND_BYTES;
  std::memcpy(device_->memory().at(case_.drawn.program.ring->address + at), command,
              SYSTOLITH_COMMAND_BYTES);
  if (injecting_) std::memcpy(host_ring_.data() + at, command, SYSTOLITH_COMMAND_BYTES);
}

// Some of the slots that no command is in.
void Session::scatter_rubbish() {
  const std::uint32_t slots = 1U << case_.drawn.program.ring->slots_log2;
  for (unsigned n = 0; n < 4 && rung_ - completed_ < slots; ++n) {
    const std::uint32_t index =
        rung_ + static_cast<std::uint32_t>(random_() % (slots - (rung_ - completed_)));
    std::uint64_t words[SYSTOLITH_COMMAND_BYTES / 8];
    for (std::uint64_t& word : words) word = random_();
    put(index % slots, words);
  }
}

void Session::step(std::uint64_t cycles) {
  if (!injecting_) {
    device_->step(cycles);
    return;
  }
  if (case_.injection.rubbish) scatter_rubbish();
  if (case_.injection.storm) {
    // A part of a doorbell rings nothing.
    device_->write32(SYSTOLITH_REGISTER_DOORBELL, rung_);
    const auto strobes = static_cast<std::uint8_t>(random_() % 15);
    device_->write32(SYSTOLITH_REGISTER_DOORBELL, static_cast<std::uint32_t>(random_()), strobes);
  }
  if (case_.injection.host == HostAction::none) {
    device_->step(cycles);
    return;
  }
  for (std::uint64_t i = 0; i < cycles; ++i) {
    if (stopping_) throw Stopped();
    device_->step(1);
  }
}

std::vector<std::uint8_t> Session::image() const {
  const std::uint8_t* memory = const_cast<harness::SimDevice&>(*device_).memory().at(kBase);
  return {memory, memory + kBytes};
}

// False: a fault, or nothing moves any more.
template <typename Done>
bool Session::wait(Done done) {
  while (!hangs_) {
    if (done()) return true;
    step(20);
    const std::uint32_t status = read32(SYSTOLITH_REGISTER_STATUS);
    if ((status & kStuck) != 0 || ((status & kFaulted) != 0 && (status & kBusy) == 0)) return false;
    const std::uint32_t completed = read32(SYSTOLITH_REGISTER_COMPLETED);
    if (completed != completed_) {
      completed_ = completed;
      progress_ = device_->cycle();
    }
    hangs_ = device_->cycle() - progress_ > regress::kStill;
  }
  return false;
}

End Session::feed(const regress::Drawn& drawn) {
  const program::Ring& ring = *drawn.program.ring;
  const regress::Conditions& c = drawn.conditions;
  completed_ = rung_ = 0;
  progress_ = device_->cycle();
  hangs_ = false;
  try {
    program::enable(*device_, drawn.program.windows, ring);
    program::feed(
        *device_, ring, drawn.program.commands,
        [&](std::uint32_t) {
          step(injecting_ ? c.pause + 1 : c.pause);
          return c.batch == 0 ? ~0U : c.batch;
        },
        [&](std::uint32_t slot, const systolith_command_t& command) {
          put(slot, command.words);
          ++rung_;
        },
        [&](std::uint32_t target) {
          return wait([&] {
            return static_cast<std::int32_t>(read32(SYSTOLITH_REGISTER_COMPLETED) - target) >= 0;
          });
        });
    return end_of(true);
  } catch (const Stopped&) {
    return End::stopped;
  } catch (const harness::HarnessError& error) {
    text_ = error.what();
    std::replace(text_.begin(), text_.end(), '\n', ' ');
    return End::broken;
  }
}

End Session::end_of(bool await) {
  if (await) wait([&] { return (read32(SYSTOLITH_REGISTER_STATUS) & kBusy) == 0; });
  if (hangs_) return End::hung;
  const std::uint32_t status = read32(SYSTOLITH_REGISTER_STATUS);
  // Where the bus is stuck, commands that other units run go on, and are recorded.
  if ((status & kStuck) != 0) {
    std::uint64_t beats = 0;
    do {
      beats = monitor_.beats();
      step(1000);
    } while (beats != monitor_.beats());
  }
  completed_ = read32(SYSTOLITH_REGISTER_COMPLETED);
  return (status & kStuck) != 0 ? End::stuck : (status & kFaulted) != 0 ? End::faulted : End::idle;
}

End Session::run() {
  device_->set_monitor([this](const harness::AxiManagerSignals& device,
                              const harness::AxiSubordinateSignals& memory) {
    monitor_.clock(device, memory);
    clock();
  });
  const Injection& injection = case_.injection;
  // Scratchpad and accumulators tell of flipped bits only once they were cleared.
  if (injection.flip && !reset_queue()) return End::hung;
  injecting_ = true;
  if (injection.bus_timeout != 0)
    device_->write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, injection.bus_timeout);
  if (injection.semaphore_timeout != 0)
    device_->write32(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, injection.semaphore_timeout);
  End end = feed(case_.drawn);
  // The moment may come after all is done.
  if (end == End::idle && injection.host != HostAction::none) end = End::stopped;
  injecting_ = false;
  return end;
}

End Session::act() {
  const Injection& injection = case_.injection;
  const auto begin_reset = [&] {
    device_->write32(SYSTOLITH_REGISTER_CONTROL, 1U << SYSTOLITH_CONTROL_RESET_LSB);
  };
  try {
    switch (injection.host) {
      case HostAction::overrun:
        device_->write32(SYSTOLITH_REGISTER_DOORBELL,
                         rung_ + (1U << case_.drawn.program.ring->slots_log2) + injection.value);
        return end_of(true);
      case HostAction::reset_queue:
        break;
      case HostAction::reset_queue_twice:
        begin_reset();
        device_->step(injection.value + 1);
        break;
      case HostAction::reset_device_later:
        begin_reset();
        device_->step(injection.value + 1);
        [[fallthrough]];
      case HostAction::reset_device:
        // A register access that is under way is cut off, too.
        if (injection.moment.cycles % 2 != 0)
          device_->registers().write({.address = SYSTOLITH_REGISTER_IRQ_STATUS, .data = 15});
        device_->reset(1 + injection.moment.cycles % 5);
        break;
      default:
        device_->step(injection.value + 1);
    }
  } catch (const harness::HarnessError& error) {
    text_ = error.what();
    std::replace(text_.begin(), text_.end(), '\n', ' ');
    return End::broken;
  }
  return End::stopped;
}

bool Session::reset_queue(std::uint64_t limit) {
  device_->write32(SYSTOLITH_REGISTER_CONTROL, 1U << SYSTOLITH_CONTROL_RESET_LSB);
  const std::uint64_t end = device_->cycle() + limit;
  while (device_->cycle() < end) {
    if ((read32(SYSTOLITH_REGISTER_STATUS) & kBusy) == 0) return true;
    step(20);
  }
  return false;
}

End Session::run_plain(const regress::Drawn& drawn) {
  harness::AxiMemory& memory = device_->memory();
  device_->set_monitor({});
  memory.clear_injections();
  memory.hold() = {};
  set_conditions(memory, drawn.conditions);
  device_->write32(SYSTOLITH_REGISTER_BUS_TIMEOUT, SYSTOLITH_BUS_TIMEOUT_RESET);
  device_->write32(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, SYSTOLITH_SEMAPHORE_TIMEOUT_RESET);
  const std::vector<std::uint8_t> image = regress::image_of(drawn.program);
  std::memcpy(memory.at(kBase), image.data(), image.size());
  return feed(drawn);
}

}  // namespace systolith::faults
