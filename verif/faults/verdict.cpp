#include "verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "program_generator.hpp"
#include "systolith/program/replay.h"
#include "systolith/registers.h"
#include "systolith/systolith.h"

namespace systolith::faults {
namespace {

using harness::AxiInjection;
using regress::kBase;
using regress::kBytes;

constexpr std::uint8_t kUntouched = 0xA5;

std::string text_of(const std::optional<Fault>& fault) {
  program::Ending ending;
  if (fault) {
    ending.faulted = true;
    ending.cause = fault->cause;
    ending.unit = fault->unit;
    ending.fault_index = fault->index;
    ending.fault_address = fault->address;
  }
  return program::fault_text(ending);
}

bool asks_record(const systolith_command_t& command) {
  return SYSTOLITH_GET(command.words, HEADER_RECORD) != 0;
}

std::uint32_t unit_of(const systolith_command_t& command) {
  return static_cast<std::uint32_t>(SYSTOLITH_GET(command.words, HEADER_UNIT));
}

bool waits_by_rows(const systolith_command_t& command) {
  const std::uint64_t both = command.words[SYSTOLITH_HEADER_WAIT_0_WORD];
  for (const std::uint64_t wait : {both & 0xffffffff, both >> 32})
    if (SYSTOLITH_GET(&wait, SYNC_BY_ROWS) != 0) return true;
  return false;
}

/// Bursts of a unit are the model's, as far as they came.
void check_bursts(Session& session, unsigned id, const std::vector<Burst>& model, bool whole) {
  const std::vector<Monitor::Burst>& device = session.monitor().bursts(id);
  const unsigned bus = session.device().geometry().bus_bytes;
  for (std::size_t i = 0; i < device.size(); ++i) {
    if (i == model.size())
      throw Wrong("burst", fmt::format("burst {} of ID {} at {:#x}: the model has no more", i, id,
                                       device[i].address));
    const std::uint64_t first = model[i].address & ~std::uint64_t{bus - 1};
    if ((device[i].address & ~std::uint64_t{bus - 1}) != first ||
        device[i].beats != model[i].beats(bus))
      throw Wrong("burst", fmt::format("burst {} of ID {}: device {:#x}, {} beats, model {:#x}, {} "
                                       "beats, command {}",
                                       i, id, device[i].address, device[i].beats, first,
                                       model[i].beats(bus), model[i].command));
    if (device[i].after_error)
      throw Wrong("burst", fmt::format("burst {} of ID {} at {:#x} was asked for after an error", i,
                                       id, device[i].address));
  }
  if (whole && device.size() != model.size())
    throw Wrong("burst", fmt::format("{} bursts of ID {}, the model has {}", device.size(), id,
                                     model.size()));
}

/// First burst of the record that the burst of records with this number is a part of.
const Monitor::RecordBurst& record_begin(const Session& session, std::uint64_t ordinal) {
  const std::vector<Monitor::RecordBurst>& all = session.monitor().records();
  if (ordinal >= all.size()) throw Wrong("burst", "a record's burst without data");
  const std::uint64_t address = all[ordinal].address;
  for (std::uint64_t n = ordinal + 1; n-- > 0;)
    if (all[n].address == address - address % SYSTOLITH_RECORD_BYTES) return all[n];
  throw Wrong("burst", fmt::format("record at {:#x} without its beginning", address));
}

/// Command whose record the burst of records with this number is a part of.
std::uint32_t record_command(const Session& session, std::uint64_t ordinal) {
  const std::vector<Monitor::RecordBurst>& all = session.monitor().records();
  const regress::Drawn& drawn = session.test().drawn;
  const program::Ring& ring = *drawn.program.ring;
  const std::uint32_t slots = 1U << ring.slots_log2;
  if (ordinal >= all.size()) throw Wrong("burst", "a record's burst without data");
  const std::uint64_t address = all[ordinal].address;
  const auto slot = static_cast<std::uint32_t>((address - ring.records) / SYSTOLITH_RECORD_BYTES);
  if (session.test().injection.errors.size() > 1) {
    // Commands that the other error failed or aborted have records, too. What the record says is
    // checked where it lies in memory.
    const auto index = static_cast<std::uint32_t>(
        SYSTOLITH_GET(&record_begin(session, ordinal).word, RECORD_INDEX));
    if (index % slots != slot || index >= session.rung())
      throw Wrong("record", fmt::format("index {} in slot {}", index, slot));
    return index;
  }
  // Earlier records in the slot; of a record in several bursts each part has its own count.
  auto earlier = std::count_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(ordinal),
                               [&](const auto& burst) { return burst.address == address; });
  for (std::uint64_t i = slot; i < drawn.program.commands.size(); i += slots)
    if (asks_record(drawn.program.commands[i]) && earlier-- == 0)
      return static_cast<std::uint32_t>(i);
  throw Wrong("burst", fmt::format("record {} at {:#x} is no command's", ordinal, address));
}

std::uint64_t record_address(const program::Ring& ring, std::uint32_t index) {
  return ring.records +
         std::uint64_t{index & ((1U << ring.slots_log2) - 1)} * SYSTOLITH_RECORD_BYTES;
}

/// The fault that a burst with an error, or without an answer, is.
Fault fault_of(Session& session, const Reference& reference, const harness::AxiHit& hit) {
  const Case& c = session.test();
  const bool silent = c.injection.errors[hit.injection].effect == AxiInjection::Effect::NeverAnswer;
  const auto cause = [&](std::uint32_t other) -> std::uint32_t {
    return silent ? static_cast<std::uint32_t>(SYSTOLITH_CAUSE_BUS_TIMEOUT) : other;
  };
  switch (hit.id) {
    case kFetchId: {
      const std::uint64_t slot =
          (hit.address - c.drawn.program.ring->address) / SYSTOLITH_COMMAND_BYTES;
      const std::uint32_t slots = 1U << c.drawn.program.ring->slots_log2;
      const std::uint32_t aimed = c.injection.slot_command;
      // Silent: the burst's first command, which is the aimed one or shortly before it.
      const std::uint32_t first =
          aimed - ((aimed - static_cast<std::uint32_t>(slot)) & (slots - 1));
      return {cause(SYSTOLITH_CAUSE_BUS_FETCH), SYSTOLITH_UNIT_COMMAND_PROCESSOR,
              silent ? first : aimed, hit.address};
    }
    case kLoadId: {
      const Burst& burst = reference.loads.at(hit.ordinal);
      const std::uint64_t bus = session.device().geometry().bus_bytes;
      return {cause(SYSTOLITH_CAUSE_BUS_READ), SYSTOLITH_UNIT_LOAD, burst.command,
              burst.address & ~(bus - 1)};
    }
    case kStoreId: {
      const Burst& burst = reference.stores.at(hit.ordinal);
      const std::uint64_t bus = session.device().geometry().bus_bytes;
      return {cause(SYSTOLITH_CAUSE_BUS_WRITE), SYSTOLITH_UNIT_STORE, burst.command,
              burst.address & ~(bus - 1)};
    }
    default: {
      const std::uint32_t index = record_command(session, hit.ordinal);
      return {cause(SYSTOLITH_CAUSE_BUS_RECORD), SYSTOLITH_UNIT_COMMAND_PROCESSOR, index,
              record_address(*c.drawn.program.ring, index)};
    }
  }
}

// ---- how each command ended ----

enum class State { completed, failed, aborted, never, unknown, loose };

struct States {
  std::vector<State> of;
  std::vector<bool> record_lost;  // its record's write had an error or no answer
};

/// From records and `completed`; checks them against each other on the way. `settled`: the queue
/// stands, so that what has no record did not end.
class Reader {
 public:
  Reader(Session& session, const std::vector<std::uint8_t>& image, const Expected& expected,
         bool settled)
      : session_(session),
        drawn_(session.test().drawn),
        ring_(*drawn_.program.ring),
        image_(image),
        expected_(expected),
        settled_(settled),
        completed_(session.completed()),
        rung_(session.rung()) {}

  States read() {
    States states;
    states.of.resize(drawn_.program.commands.size(), State::never);
    states.record_lost.resize(states.of.size());
    for (const harness::AxiHit& hit : session_.device().memory().hits()) {
      if (hit.id != kRecordId) continue;
      const std::uint32_t index = record_command(session_, hit.ordinal);
      states.record_lost[index] = true;
      if (settled_) states.of[index] = lost_state(index, record_begin(session_, hit.ordinal).word);
    }
    if (completed_ > rung_)
      throw Wrong("completed", fmt::format("{} completed of {} rung", completed_, rung_));
    read_slots(states);
    std::array<bool, 4> started{};  // a younger command of the unit
    for (std::uint32_t i = rung_; i-- > 0;) {
      State& state = states.of[i];
      const systolith_command_t& command = drawn_.program.commands[i];
      const std::uint32_t unit = unit_of(command) & 3;
      if (state == State::never) {
        if (i < completed_ || (started[unit] && unit != SYSTOLITH_UNIT_COMMAND_PROCESSOR)) {
          state = State::completed;
        } else if (!settled_) {
          state = State::loose;
        } else if (!asks_record(command) && i != completed_ && !precise()) {
          state = State::unknown;
        }
      }
      if (state != State::never && state != State::unknown && state != State::loose &&
          !(state == State::failed && failed_in_queue()))
        started[unit] = true;
    }
    if (settled_) check_states(states);
    return states;
  }

  /// Everything before the fault is done, and nothing behind it began.
  bool precise() const {
    if (!expected_.first) return false;
    const std::optional<Flip>& flip = session_.test().injection.flip;
    if (flip) return flip->space == Flip::Space::buffer;
    program::Ending ending;
    ending.faulted = true;
    ending.cause = expected_.first->cause;
    ending.fault_index = expected_.first->index;
    return ending.cause == SYSTOLITH_CAUSE_RING_OVERRUN ||
           program::is_precise(ending, drawn_.program.commands);
  }

 private:
  /// The failed command is one that its unit never saw: older ones of the unit may wait there.
  bool failed_in_queue() const {
    const std::optional<Flip>& flip = session_.test().injection.flip;
    return flip && flip->space == Flip::Space::queue;
  }

  /// The device's reset ends bursts between two beats; those before it may be in memory.
  bool cuts_bursts() const {
    const HostAction host = session_.test().injection.host;
    return (host == HostAction::reset_device || host == HostAction::reset_device_later) &&
           drawn_.conditions.commit_at_response == 0;
  }

  /// What a record that memory lost said, on the bus.
  State lost_state(std::uint32_t i, std::uint64_t word) const {
    const auto state = SYSTOLITH_GET(&word, RECORD_STATE),
               cause = SYSTOLITH_GET(&word, RECORD_CAUSE);
    if (state == SYSTOLITH_STATE_COMPLETED && cause == 0 && asks_record(drawn_.program.commands[i]))
      return State::completed;
    if (state == SYSTOLITH_STATE_FAILED &&
        std::any_of(expected_.all.begin(), expected_.all.end(),
                    [&](const Fault& f) { return f.index == i && f.cause == cause; }))
      return State::failed;
    if (state == SYSTOLITH_STATE_ABORTED && cause == SYSTOLITH_CAUSE_ABORTED) return State::aborted;
    throw Wrong("record",
                fmt::format("lost record of command {}: state {}, cause {}", i, state, cause));
  }

  /// Every slot of the record area holds its fill, or the record that belongs there.
  void read_slots(States& states) {
    const std::uint32_t slots = 1U << ring_.slots_log2;
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      systolith_record_t record;
      const std::uint64_t at = ring_.records - kBase + std::uint64_t{slot} * SYSTOLITH_RECORD_BYTES;
      std::memcpy(record.words, image_.data() + at, sizeof record.words);
      const bool fill =
          std::all_of(image_.begin() + static_cast<std::ptrdiff_t>(at),
                      image_.begin() + static_cast<std::ptrdiff_t>(at) + SYSTOLITH_RECORD_BYTES,
                      [](std::uint8_t byte) { return byte == kUntouched; });
      const auto index = static_cast<std::uint32_t>(SYSTOLITH_GET(record.words, RECORD_INDEX));
      std::uint32_t youngest = slot;
      while (youngest + slots < rung_) youngest += slots;
      bool torn = false;  // a part of a record may be there
      for (std::uint32_t i = youngest; i < rung_; i -= slots) {
        if (states.record_lost[i] || !settled_) torn = true;
        if (!fill && index == i) {
          read_record(states, i, record, torn);
          break;
        }
        if (i < completed_ && asks_record(drawn_.program.commands[i]) && !states.record_lost[i]) {
          if (torn) break;
          throw Wrong("record",
                      fmt::format("command {} of {} completed left no record", i, completed_));
        }
        if (i < slots && !fill && !torn)
          throw Wrong("record",
                      fmt::format("slot {} holds {:#x}, no record of it", slot, record.words[0]));
      }
      if (slot >= rung_ && !fill)
        throw Wrong("record", fmt::format("slot {} of no command was written", slot));
    }
  }

  void read_record(States& states, std::uint32_t i, const systolith_record_t& record, bool torn) {
    const systolith_command_t& command = drawn_.program.commands[i];
    const std::uint64_t* w = record.words;
    const auto state = SYSTOLITH_GET(w, RECORD_STATE), cause = SYSTOLITH_GET(w, RECORD_CAUSE);
    const std::uint64_t address = SYSTOLITH_GET(w, RECORD_ADDRESS);
    const auto wrong = [&](const char* what) {
      throw Wrong("record", fmt::format("record of command {}: {}: state {}, cause {}, unit {}, "
                                        "opcode {:#x}, address {:#x}",
                                        i, what, state, cause, SYSTOLITH_GET(w, RECORD_UNIT),
                                        SYSTOLITH_GET(w, RECORD_OPCODE), address));
    };
    // One in several bursts may lack its later parts; so may one whose burst was cut off.
    const std::uint64_t part =
        std::uint64_t{session_.device().geometry().bus_bytes} *
        (cuts_bursts() ? 1 : session_.device().geometry().maximum_burst_beats);
    const bool torn_now = torn && part < SYSTOLITH_RECORD_BYTES;
    // Of a command that is not known, and of one that its queue lost.
    const bool own =
        expected_.first && (expected_.first->cause == SYSTOLITH_CAUSE_BUS_FETCH ||
                            (expected_.first->cause == SYSTOLITH_CAUSE_MEMORY &&
                             expected_.first->unit == SYSTOLITH_UNIT_COMMAND_PROCESSOR));
    if (!(own && state == SYSTOLITH_STATE_FAILED) &&
        (SYSTOLITH_GET(w, RECORD_UNIT) != unit_of(command) ||
         SYSTOLITH_GET(w, RECORD_OPCODE) != SYSTOLITH_GET(command.words, HEADER_OPCODE)))
      wrong("unit or opcode is not the command's");
    if (!torn_now && SYSTOLITH_GET(w, RECORD_START) > SYSTOLITH_GET(w, RECORD_END))
      wrong("its end is before its start");
    switch (state) {
      case SYSTOLITH_STATE_COMPLETED:
        states.of[i] = State::completed;
        if (!asks_record(command)) wrong("none was asked for");
        if (cause != 0 || (address != 0 && !torn_now)) wrong("it completed");
        break;
      case SYSTOLITH_STATE_FAILED:
        states.of[i] = State::failed;
        if (!settled_ ||
            std::none_of(expected_.all.begin(), expected_.all.end(), [&](const Fault& f) {
              return f.index == i && f.cause == cause && (f.address == address || torn_now);
            }))
          wrong("it was not to fail so");
        if (expected_.first && i < expected_.first->index) wrong("it is before the first fault");
        break;
      case SYSTOLITH_STATE_ABORTED:
        states.of[i] = State::aborted;
        if (!settled_ || cause != SYSTOLITH_CAUSE_ABORTED || (address != 0 && !torn_now))
          wrong("aborted");
        break;
      default:
        wrong("no state");
    }
  }

  void check_states(const States& states) {
    // `completed` is the number of commands before the first that did not end.
    if (completed_ < rung_ && states.of[completed_] != State::never)
      throw Wrong("completed",
                  fmt::format("{} completed, but command {} ended", completed_, completed_));
    if (!expected_.first) return;
    const Fault& first = *expected_.first;
    const bool has_record =
        first.cause != SYSTOLITH_CAUSE_BUS_RECORD && first.cause != SYSTOLITH_CAUSE_RING_OVERRUN;
    if (has_record && first.index < rung_ && !states.record_lost[first.index] &&
        states.of[first.index] != State::failed)
      throw Wrong("record", fmt::format("command {} failed and left no record of it", first.index));
    for (std::uint32_t i = 0; i < rung_; ++i) {
      const State state = states.of[i];
      if (precise() && i < first.index && state != State::completed)
        throw Wrong("completed",
                    fmt::format("command {} did not complete, before a refused one", i));
      if (precise() && i > first.index && state != State::never)
        throw Wrong("completed", fmt::format("command {} ran, after a refused one", i));
      if (state != State::aborted) continue;
      const systolith_command_t& command = drawn_.program.commands[i];
      const bool behind =
          std::any_of(expected_.all.begin(), expected_.all.end(), [&](const Fault& fault) {
            return fault.index < i && fault.unit == unit_of(command) &&
                   states.of[fault.index] == State::failed;
          });
      if (!behind && !waits_by_rows(command))
        throw Wrong("record", fmt::format("command {} was aborted without a reason", i));
    }
  }

  Session& session_;
  const regress::Drawn& drawn_;
  const program::Ring& ring_;
  const std::vector<std::uint8_t>& image_;
  const Expected& expected_;
  const bool settled_;
  const std::uint32_t completed_, rung_;
};

// ---- memory ----

/// Every byte is one that it may be. `host`: what the host wrote, ring included.
void check_memory(const Session& session, const Reference& reference, const States& states,
                  const std::vector<std::uint8_t>& image) {
  const regress::Drawn& drawn = session.test().drawn;
  const program::Ring& ring = *drawn.program.ring;
  std::vector<std::uint8_t> want = reference.before;
  const std::uint32_t slots = 1U << ring.slots_log2;
  for (std::uint32_t i = 0; i < session.rung(); ++i)
    std::memcpy(
        want.data() + (ring.address - kBase) + std::uint64_t{i % slots} * SYSTOLITH_COMMAND_BYTES,
        drawn.program.commands[i].words, SYSTOLITH_COMMAND_BYTES);
  // Records are checked one by one elsewhere.
  std::memcpy(want.data() + (ring.records - kBase), image.data() + (ring.records - kBase),
              std::size_t{slots} * SYSTOLITH_RECORD_BYTES);
  std::vector<std::uint8_t> all = want;  // with what every store writes
  for (const Burst& burst : reference.stores)
    std::memcpy(all.data() + (burst.address - kBase), burst.data.data(), burst.data.size());

  std::vector<std::uint8_t> loose(kBytes);  // 1: an old or a new byte, as it is, is good
  // Per command: is any byte old where the model's differs, is any new?
  std::vector<std::array<std::uint64_t, 2>> seen(drawn.program.commands.size());
  for (const Burst& burst : reference.stores) {
    const State state = states.of[burst.command];
    if (state == State::never) continue;
    for (std::uint64_t b = 0; b < burst.bytes; ++b) {
      const std::uint64_t i = burst.address - kBase + b;
      if (state == State::completed) {
        want[i] = all[i];
      } else if (state == State::unknown) {
        if (image[i] == all[i] && all[i] != reference.before[i]) seen[burst.command][1] = i + kBase;
        if (image[i] == reference.before[i] && all[i] != reference.before[i])
          seen[burst.command][0] = i + kBase;
        if (image[i] == all[i] || image[i] == reference.before[i]) loose[i] = 1;
      } else if (image[i] == burst.data[b] || image[i] == reference.before[i]) {
        loose[i] = 1;
      }
    }
  }
  for (std::uint32_t i = 0; i < seen.size(); ++i)
    if (seen[i][0] != 0 && seen[i][1] != 0)
      throw Wrong("memory", fmt::format("command {} ran by half: {:#x} is new, {:#x} old", i,
                                        seen[i][1], seen[i][0]));
  for (std::uint64_t i = 0; i < kBytes; ++i) {
    if (image[i] == want[i] || loose[i] != 0) continue;
    std::int64_t command = -1;
    for (const Burst& burst : reference.stores)
      if (i + kBase >= burst.address && i + kBase < burst.address + burst.bytes)
        command = burst.command;
    const char* names[] = {"completed", "failed", "aborted", "never started", "not known", "open"};
    throw Wrong(
        command < 0 ? "stray write" : "memory",
        fmt::format(
            "memory at {:#x} is {:#04x}, was {:#04x}; {}", i + kBase, image[i], reference.before[i],
            command < 0
                ? "no command writes there"
                : fmt::format(
                      "the model has {:#04x}, of command {}, which {}", all[i], command,
                      names[static_cast<int>(states.of[static_cast<std::size_t>(command)])])));
  }
}

void check_interrupts(Session& session, const States& states, bool faulted) {
  const std::uint32_t interrupts = session.read32(SYSTOLITH_REGISTER_IRQ_STATUS);
  if ((interrupts >> SYSTOLITH_IRQ_STATUS_FAULT_LSB & 1) != (faulted ? 1U : 0U))
    throw Wrong("interrupt", fmt::format("irq_status {:#x}, faulted {}", interrupts, faulted));
  bool must = false, may = false;
  std::uint64_t least = 0, most = 0;
  for (std::uint32_t i = 0; i < states.of.size(); ++i) {
    const bool flag =
        SYSTOLITH_GET(session.test().drawn.program.commands[i].words, HEADER_INTERRUPT) != 0;
    const bool sure = states.of[i] == State::completed && !states.record_lost[i];
    const bool maybe = sure || states.of[i] == State::unknown;
    must = must || (sure && flag);
    may = may || (maybe && flag);
    least += sure ? 1 : 0;
    most += maybe ? 1 : 0;
  }
  const bool raised = (interrupts >> SYSTOLITH_IRQ_STATUS_COMMAND_LSB & 1) != 0;
  if (raised ? !may : must)
    throw Wrong("interrupt", fmt::format("irq_status {:#x}: {} command with the flag completed",
                                         interrupts, must ? "a" : "no"));
  const std::uint32_t counted = session.read32(SYSTOLITH_REGISTER_COMMANDS_LO);
  if (counted < least || counted > most)
    throw Wrong("counter",
                fmt::format("counter commands is {}, {} to {} completed", counted, least, most));
}

/// What the device says of a flip, if it may say it: nothing, or that a command which reads the
/// place read it wrong.
Expected flip_fault(Session& session) {
  const Flip& flip = *session.test().injection.flip;
  const regress::Drawn& drawn = session.test().drawn;
  const program::Ending ending = regress::look(session.device(), *drawn.program.ring).ending;
  if (!ending.faulted) return {};
  const Fault fault{ending.cause, ending.unit, ending.fault_index, ending.fault_address};
  const auto configuration = model::Configuration::named(drawn.configuration);
  const std::vector<systolith_command_t>& commands = drawn.program.commands;
  if (flip.correctable || fault.cause != SYSTOLITH_CAUSE_MEMORY || fault.address != flip.address ||
      !reads(configuration, flip, commands, fault.index))
    throw Wrong("fault", fmt::format("fault: device {}", text_of(fault)));
  const bool inside = flip.space == Flip::Space::buffer || flip.space == Flip::Space::queue;
  if (fault.unit != (inside ? 0 : unit_of(commands[fault.index])))
    throw Wrong("fault", fmt::format("fault: device {}, of another unit", text_of(fault)));
  Expected expected(fault);
  // Commands of two units may read the place at the same time.
  for (std::uint32_t i = fault.index + 1; i < commands.size() && !inside; ++i)
    if (reads(configuration, flip, commands, i))
      expected.all.push_back({fault.cause, unit_of(commands[i]), i, fault.address});
  return expected;
}

}  // namespace

Expected expected_fault(Session& session, const Reference& reference,
                        const program::Ending& ending) {
  const Injection& injection = session.test().injection;
  const auto& hits = session.device().memory().hits();
  if (injection.host == HostAction::overrun)
    return Expected(Fault{
        SYSTOLITH_CAUSE_RING_OVERRUN, SYSTOLITH_UNIT_COMMAND_PROCESSOR, session.rung(),
        session.rung() + (1U << session.test().drawn.program.ring->slots_log2) + injection.value});
  if (injection.flip) return flip_fault(session);
  if (!injection.errors.empty() && hits.empty())
    throw Wrong("injection", "no burst that the injection is for ever came");
  Expected expected;
  std::optional<Fault>& first = expected.first;
  for (const harness::AxiHit& hit : hits) {
    if (injection.errors[hit.injection].effect == AxiInjection::Effect::NeverAnswer &&
        injection.bus_timeout == 0)
      continue;  // it comes in time
    const Fault fault = fault_of(session, reference, hit);
    expected.all.push_back(fault);
    if (!first || static_cast<std::int32_t>(fault.index - first->index) < 0 ||
        // A unit's own fault comes before its record's.
        (fault.index == first->index && fault.cause != SYSTOLITH_CAUSE_BUS_RECORD))
      first = fault;
  }
  if (!first && ending.faulted)
    return Expected(Fault{ending.cause, ending.unit, ending.fault_index, ending.fault_address});
  return expected;
}

void check_run(Session& session, const Reference& reference, End end, const Expected& expected) {
  if (end == End::broken) throw Wrong("assertion", session.text());
  if (end == End::hung)
    throw Wrong("hang",
                fmt::format("{} of {} commands completed, then none in {} cycles; due: {}",
                            session.completed(), session.test().drawn.program.commands.size(),
                            regress::kStill, text_of(expected.first)));
  if (end == End::stuck) {
    // Nothing else is silent for as long, and no one waits much longer.
    const std::uint64_t timeout = session.test().injection.bus_timeout, slack = 3000;
    if (session.silence() + 500 < timeout || session.silence() > timeout + slack)
      throw Wrong("time-out", fmt::format("of {} cycles: after {}", timeout, session.silence()));
  }
  const bool whole = end == End::idle;
  check_bursts(session, kLoadId, reference.loads, whole);
  check_bursts(session, kStoreId, reference.stores, whole);
  const regress::Drawn& drawn = session.test().drawn;
  regress::Seen seen = regress::look(session.device(), *drawn.program.ring);
  const program::Ending& ending = seen.ending;
  std::optional<Fault> has;
  if (ending.faulted)
    has = Fault{ending.cause, ending.unit, ending.fault_index, ending.fault_address};
  if (has != expected.first)
    throw Wrong("fault",
                fmt::format("fault: device {}; due {}", text_of(has), text_of(expected.first)));
  regress::sample(drawn, seen);
  const std::optional<Flip>& flip = session.test().injection.flip;
  if (!expected.first) {
    // The host may have left rubbish in the ring.
    const auto at = static_cast<std::ptrdiff_t>(drawn.program.ring->address - kBase);
    if (!std::equal(session.ring().begin(), session.ring().end(), seen.image.begin() + at))
      throw Wrong("stray write", "the ring is not as the host left it");
    std::copy_n(reference.run.seen.image.begin() + at, session.ring().size(),
                seen.image.begin() + at);
    std::optional<regress::Difference> difference =
        regress::difference_of(drawn, seen, reference.run.seen);
    if (!difference)
      difference = regress::totals_difference(drawn, session.device(), reference.run,
                                              flip && flip->correctable);
    if (difference) throw Wrong(difference->kind, difference->text);
    return;
  }
  const std::vector<std::uint8_t> image = session.image();
  const bool settled = end == End::faulted;
  const States states = Reader(session, image, expected, settled).read();
  check_memory(session, reference, states, image);
  if (settled) {
    if (const unsigned owed =
            session.device().checker().reads_open() + session.device().checker().writes_open())
      throw Wrong("debt", fmt::format("{} bursts owed while the queue stands", owed));
    check_interrupts(session, states, true);
  }
  const harness::AxiMemoryStatistics& s = session.device().memory().statistics();
  if (s.unmapped_reads + s.unmapped_writes != 0) throw Wrong("stray", "beats outside of memory");
}

void check_cut(Session& session, const Reference& reference) {
  check_bursts(session, kLoadId, reference.loads, false);
  check_bursts(session, kStoreId, reference.stores, false);
  const std::vector<std::uint8_t> image = session.image();
  const States states = Reader(session, image, {}, false).read();
  check_memory(session, reference, states, image);
}

}  // namespace systolith::faults
