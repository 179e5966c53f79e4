#include "systolith/program/replay.h"

#include <set>

#include <fmt/format.h>

#include "systolith/systolith.h"

namespace systolith::program {
namespace {

std::uint32_t field(std::uint32_t value, unsigned lsb, unsigned width) {
  return value >> lsb & ((1u << width) - 1);
}

const char* name_of_state(std::uint64_t state) {
  switch (state) {
    case SYSTOLITH_STATE_COMPLETED:
      return "completed";
    case SYSTOLITH_STATE_FAILED:
      return "failed";
    case SYSTOLITH_STATE_ABORTED:
      return "aborted";
    default:
      return "unknown";
  }
}

const char* name_of_unit(std::uint64_t unit) {
  switch (unit) {
    case SYSTOLITH_UNIT_COMMAND_PROCESSOR:
      return "command processor";
    case SYSTOLITH_UNIT_LOAD:
      return "load";
    case SYSTOLITH_UNIT_MATRIX:
      return "matrix";
    case SYSTOLITH_UNIT_STORE:
      return "store";
    default:
      return "unknown";
  }
}

std::string cause_text(std::uint64_t cause, std::uint64_t unit, std::uint64_t address) {
  return fmt::format("{} in the {} unit, address, line or row {:#x}",
                     systolith_cause_name(static_cast<std::uint32_t>(cause)), name_of_unit(unit),
                     address);
}

std::string text_of(const systolith_record_t* record) {
  if (record == nullptr) return "none";
  const std::uint64_t* w = record->words;
  return fmt::format("{}, opcode {:#04x}, cause {}", name_of_state(SYSTOLITH_GET(w, RECORD_STATE)),
                     SYSTOLITH_GET(w, RECORD_OPCODE),
                     cause_text(SYSTOLITH_GET(w, RECORD_CAUSE), SYSTOLITH_GET(w, RECORD_UNIT),
                                SYSTOLITH_GET(w, RECORD_ADDRESS)));
}

}  // namespace

std::string fault_text(const Ending& ending) {
  if (!ending.faulted) return "none";
  return fmt::format("command {}: {}", ending.fault_index,
                     cause_text(ending.cause, ending.unit, ending.fault_address));
}

std::map<std::uint32_t, systolith_record_t> records_in(std::span<const systolith_record_t> slots) {
  std::map<std::uint32_t, systolith_record_t> records;
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    const std::uint64_t* words = slots[slot].words;
    const auto index = static_cast<std::uint32_t>(SYSTOLITH_GET(words, RECORD_INDEX));
    if (SYSTOLITH_GET(words, RECORD_STATE) != 0 && index % slots.size() == slot)
      records[index] = slots[slot];
  }
  return records;
}

bool is_precise(const Ending& ending, std::span<const systolith_command_t> commands) {
  if (!ending.faulted) return true;
  if (ending.cause == SYSTOLITH_CAUSE_RING || ending.cause == SYSTOLITH_CAUSE_BUS_FETCH)
    return true;
  if (ending.cause == SYSTOLITH_CAUSE_SCALE && ending.fault_index < commands.size())
    return SYSTOLITH_GET(commands[ending.fault_index].words, STORE_SCALE_PER_COLUMN) == 0;
  return ending.cause < SYSTOLITH_CAUSE_SCALE;
}

Outcomes outcomes_of(std::span<const systolith_command_t> commands, const Ending& ending) {
  Outcomes outcomes;
  // From the youngest on: what started later on a unit says that what came earlier ran.
  std::set<std::uint64_t> started;
  for (auto i = static_cast<std::uint32_t>(commands.size()); i-- > 0;) {
    const std::uint64_t* words = commands[i].words;
    const std::uint64_t unit = SYSTOLITH_GET(words, HEADER_UNIT);
    const auto record = ending.records.find(i);
    if (record != ending.records.end()) {
      const std::uint64_t* w = record->second.words;
      outcomes.known.push_back({i, static_cast<std::uint8_t>(SYSTOLITH_GET(w, RECORD_STATE)),
                                static_cast<std::uint8_t>(SYSTOLITH_GET(w, RECORD_CAUSE)),
                                SYSTOLITH_GET(w, RECORD_ADDRESS)});
    } else if (i < ending.completed || started.contains(unit)) {
      // What fails or is aborted leaves a record.
      outcomes.known.push_back({i, SYSTOLITH_STATE_COMPLETED, SYSTOLITH_CAUSE_NONE, 0});
    } else if (i > ending.completed && SYSTOLITH_GET(words, HEADER_RECORD) == 0 &&
               unit != SYSTOLITH_UNIT_COMMAND_PROCESSOR) {
      outcomes.unknown.push_back(i);
      continue;
    } else {
      continue;
    }
    started.insert(unit);
  }
  std::reverse(outcomes.known.begin(), outcomes.known.end());
  std::reverse(outcomes.unknown.begin(), outcomes.unknown.end());
  return outcomes;
}

Ending run_on_model(const model::Configuration& configuration, model::Memory& memory,
                    std::span<const Window> windows, const Ring& ring,
                    std::span<const systolith_command_t> commands, std::uint32_t rung,
                    std::vector<model::Outcome> outcomes) {
  model::Device device(configuration, memory);
  const std::uint32_t slots = 1u << ring.slots_log2;
  // In a replay one doorbell rings the faulting command and all that may have run beside it.
  std::uint32_t before = 0;
  if (!outcomes.empty()) {
    const auto failed = std::find_if(
        outcomes.begin(), outcomes.end(),
        [](const model::Outcome& outcome) { return outcome.state == SYSTOLITH_STATE_FAILED; });
    before = rung - std::min(rung, slots);
    if (failed != outcomes.end()) before = std::min(before, failed->index);
    device.set_outcomes(std::move(outcomes));
  }
  enable(device, windows, ring);
  const auto put = [&](std::uint32_t slot, const systolith_command_t& command) {
    constexpr systolith_record_t kNone{};
    memory.write(ring.address + std::uint64_t{slot} * SYSTOLITH_COMMAND_BYTES,
                 std::as_bytes(std::span(command.words)));
    memory.write(ring.records + std::uint64_t{slot} * SYSTOLITH_RECORD_BYTES,
                 std::as_bytes(std::span(kNone.words)));
  };
  const auto batch = [&](std::uint32_t tail) { return tail < before ? before - tail : slots; };
  feed(device, ring, commands.first(rung), batch, put, [](std::uint32_t) { return false; });

  Ending ending;
  ending.completed = device.read32(SYSTOLITH_REGISTER_COMPLETED);
  ending.faulted =
      field(device.read32(SYSTOLITH_REGISTER_STATUS), SYSTOLITH_STATUS_FAULTED_LSB, 1) != 0;
  if (ending.faulted) {
    const std::uint32_t fault = device.read32(SYSTOLITH_REGISTER_FAULT);
    ending.cause = field(fault, SYSTOLITH_FAULT_CAUSE_LSB, SYSTOLITH_FAULT_CAUSE_WIDTH);
    ending.unit = field(fault, SYSTOLITH_FAULT_UNIT_LSB, SYSTOLITH_FAULT_UNIT_WIDTH);
    ending.fault_index = device.read32(SYSTOLITH_REGISTER_FAULT_INDEX);
    ending.fault_address = device.read32(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO) |
                           std::uint64_t{device.read32(SYSTOLITH_REGISTER_FAULT_ADDRESS_HI)} << 32;
  }
  std::vector<systolith_record_t> area(slots);
  memory.read(ring.records, std::as_writable_bytes(std::span(area)));
  ending.records = records_in(area);
  return ending;
}

std::optional<Extent> extent_of(const systolith_command_t& command) {
  const std::uint64_t* w = command.words;
  const std::uint64_t opcode = SYSTOLITH_GET(w, HEADER_OPCODE);
  if (opcode != SYSTOLITH_OPCODE_LOAD && opcode != SYSTOLITH_OPCODE_STORE) return {};
  using Wide = __int128;
  const std::uint64_t counts[4] = {
      SYSTOLITH_GET(w, TRANSFER_COUNT_0), SYSTOLITH_GET(w, TRANSFER_COUNT_1),
      SYSTOLITH_GET(w, TRANSFER_COUNT_2), SYSTOLITH_GET(w, TRANSFER_COUNT_3)};
  Wide first = SYSTOLITH_GET(w, TRANSFER_ADDRESS);
  Wide last = first + SYSTOLITH_GET(w, TRANSFER_RUN) - 1;
  for (unsigned loop = 0; loop < 4; ++loop) {
    const auto stride = static_cast<std::int64_t>(w[SYSTOLITH_TRANSFER_STRIDE_0_WORD + loop]);
    if (counts[loop] == 0) return {};
    const Wide way = Wide{stride} * (counts[loop] - 1);
    (way < 0 ? first : last) += way;
  }
  if (first < 0 || last < first || last >> 64 != 0) return {};
  return Extent{static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last)};
}

std::string difference(const Ending& device, const Ending& model,
                       std::span<const systolith_command_t> commands) {
  if (fault_text(device) != fault_text(model))
    return fmt::format("fault: device {}; model {}", fault_text(device), fault_text(model));
  if (device.completed != model.completed)
    return fmt::format("commands completed: device {}, model {}", device.completed,
                       model.completed);
  const auto record_of = [](const Ending& ending, std::uint32_t index) {
    const auto found = ending.records.find(index);
    return found == ending.records.end() ? nullptr : &found->second;
  };
  for (std::uint32_t i = 0; i < commands.size(); ++i) {
    const systolith_record_t* d = record_of(device, i);
    const systolith_record_t* m = record_of(model, i);
    // Words 2 and 3 are times, which the model does not have.
    const bool equal = d == nullptr || m == nullptr
                           ? d == m
                           : d->words[0] == m->words[0] && d->words[1] == m->words[1];
    if (!equal)
      return fmt::format("record of command {}: device {}; model {}", i, text_of(d), text_of(m));
  }
  return "";
}

}  // namespace systolith::program
