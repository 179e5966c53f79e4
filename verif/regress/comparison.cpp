#include "comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "points.hpp"
#include "program_generator.hpp"
#include "sim.hpp"
#include "systolith/model/device.h"
#include "systolith/model/races.h"
#include "systolith/program/replay.h"
#include "systolith/registers.h"
#include "systolith/systolith.h"

namespace systolith::regress {
namespace {

constexpr std::uint32_t kBusy = 1, kFaulted = 2, kStuck = 4;
constexpr std::uint32_t kInterrupts = 7;  // command, fault, idle

const char* unit_name(std::uint64_t unit) {
  static constexpr const char* kNames[] = {"command processor", "load", "matrix", "store"};
  return unit < std::size(kNames) ? kNames[unit] : "unknown";
}

std::uint64_t rows_of(const systolith_command_t& c) {
  return SYSTOLITH_GET(c.words, TRANSFER_COUNT_0) * SYSTOLITH_GET(c.words, TRANSFER_COUNT_1) *
         SYSTOLITH_GET(c.words, TRANSFER_COUNT_2) * SYSTOLITH_GET(c.words, TRANSFER_COUNT_3);
}

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

template <typename Device>
Seen look_at(Device& device, const std::uint8_t* memory, const program::Ring& ring) {
  Seen seen;
  program::Ending& e = seen.ending;
  e.faulted = (device.read32(SYSTOLITH_REGISTER_STATUS) & kFaulted) != 0;
  if (e.faulted) {
    const std::uint32_t fault = device.read32(SYSTOLITH_REGISTER_FAULT);
    e.cause = fault & 0xff;
    e.unit = fault >> 8 & 0xff;
    e.fault_index = device.read32(SYSTOLITH_REGISTER_FAULT_INDEX);
    e.fault_address = device.read32(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO) |
                      std::uint64_t{device.read32(SYSTOLITH_REGISTER_FAULT_ADDRESS_HI)} << 32;
  }
  e.completed = device.read32(SYSTOLITH_REGISTER_COMPLETED);
  seen.interrupts = device.read32(SYSTOLITH_REGISTER_IRQ_STATUS) & kInterrupts;
  seen.image.assign(memory, memory + kBytes);
  for (std::uint32_t slot = 0; slot < 1U << ring.slots_log2; ++slot) {
    std::uint8_t* record =
        seen.image.data() + (ring.records - kBase) + std::uint64_t{slot} * SYSTOLITH_RECORD_BYTES;
    // Times; a slot without a record keeps its fill.
    if (record[4] != 0xA5) std::memset(record + 16, 0, 16);
  }
  return seen;
}

ModelRun model_on(const Drawn& drawn, std::vector<std::uint8_t>& image, model::Bus& bus) {
  model::Device device(model::Configuration::named(drawn.configuration), bus);
  const program::Ring& ring = *drawn.program.ring;
  program::enable(device, drawn.program.windows, ring);
  program::feed(
      device, ring, drawn.program.commands, [](std::uint32_t) { return ~0U; },
      [&](std::uint32_t slot, const systolith_command_t& command) {
        std::memcpy(
            image.data() + (ring.address - kBase) + std::uint64_t{slot} * SYSTOLITH_COMMAND_BYTES,
            command.words, SYSTOLITH_COMMAND_BYTES);
      },
      [](std::uint32_t) { return false; });
  return {look_at(device, image.data(), ring), device.issued_rows()};
}

/// The simulated device with the program in its memory.
class DeviceRun {
 public:
  explicit DeviceRun(const Drawn& drawn) : drawn_(drawn), ring_(*drawn.program.ring) {
    harness::SimOptions options;
    options.memory_base = kBase;
    options.memory_bytes = kBytes;
    options.seed = drawn.conditions.seed;
    device_ = sim::make_device(drawn.configuration, options);
    harness::AxiMemory& memory = device_->memory();
    memory.timing() = drawn.conditions.timing();
    memory.set_noise(drawn.conditions.noise != 0);
    memory.set_commit_at_response(drawn.conditions.commit_at_response != 0);
    memory.set_read_at_request(drawn.conditions.read_at_request != 0);
    const std::vector<std::uint8_t> image = image_of(drawn.program);
    std::memcpy(memory.at(kBase), image.data(), image.size());
  }

  /// Empty, or how the run ended early: an assertion, a hang. Its kind is set then.
  std::optional<Difference> run() {
    try {
      program::enable(*device_, drawn_.program.windows, ring_);
      const Conditions& c = drawn_.conditions;
      program::feed(
          *device_, ring_, drawn_.program.commands,
          [&](std::uint32_t) {
            if (c.pause != 0) device_->step(c.pause);
            return c.batch == 0 ? ~0U : c.batch;
          },
          [&](std::uint32_t slot, const systolith_command_t& command) {
            std::memcpy(
                device_->memory().at(ring_.address + std::uint64_t{slot} * SYSTOLITH_COMMAND_BYTES),
                command.words, SYSTOLITH_COMMAND_BYTES);
          },
          [&](std::uint32_t target) {
            return wait([&] {
              return static_cast<std::int32_t>(device_->read32(SYSTOLITH_REGISTER_COMPLETED) -
                                               target) >= 0;
            });
          });
      wait([&] { return (device_->read32(SYSTOLITH_REGISTER_STATUS) & kBusy) == 0; });
    } catch (const harness::HarnessError& error) {
      return end_of("assertion", error.what());
    }
    if (hangs_)
      return end_of("hang", fmt::format("{} of {} commands completed, then none in {} cycles",
                                        completed_, drawn_.program.commands.size(), kStill));
    return std::nullopt;
  }

  harness::SimDevice& device() { return *device_; }
  Seen seen() { return look(*device_, ring_); }
  /// Cycle of the last command that completed.
  std::uint64_t progress() const { return progress_; }

 private:
  static Difference end_of(const char* kind, std::string text) {
    Difference difference;
    difference.kind = kind;
    std::replace(text.begin(), text.end(), '\n', ' ');
    difference.text = std::move(text);
    return difference;
  }

  // False: a fault, or nothing moves any more.
  template <typename Done>
  bool wait(Done done) {
    while (!hangs_) {
      if (done()) return true;
      device_->step(20);
      const std::uint32_t status = device_->read32(SYSTOLITH_REGISTER_STATUS);
      if ((status & kStuck) != 0 || ((status & kFaulted) != 0 && (status & kBusy) == 0))
        return false;
      const std::uint32_t completed = device_->read32(SYSTOLITH_REGISTER_COMPLETED);
      if (completed != completed_) {
        completed_ = completed;
        progress_ = device_->cycle();
      }
      hangs_ = device_->cycle() - progress_ > kStill;
    }
    return false;
  }

  const Drawn& drawn_;
  program::Ring ring_;
  std::unique_ptr<harness::SimDevice> device_;
  std::uint32_t completed_ = 0;
  std::uint64_t progress_ = 0;
  bool hangs_ = false;
};

void name_command(Difference& difference, const Drawn& drawn, std::int64_t index) {
  if (index < 0 || index >= static_cast<std::int64_t>(drawn.program.commands.size())) return;
  const systolith_command_t& command = drawn.program.commands[static_cast<std::size_t>(index)];
  difference.command = index;
  difference.unit = unit_name(SYSTOLITH_GET(command.words, HEADER_UNIT));
  difference.statement = program::disassemble(command);
}

Difference value(const char* kind, std::uint64_t device, std::uint64_t model) {
  Difference difference;
  difference.kind = kind;
  difference.text = fmt::format("{}: device {:#x}, model {:#x}", kind, device, model);
  return difference;
}

// Which command's row holds a byte, the youngest one's.
struct Writer {
  std::int64_t command = -1;
  std::uint64_t row = 0, first = 0;
};

std::vector<Writer> writers_of(const Drawn& drawn, const std::vector<std::uint64_t>& bytes) {
  std::vector<Writer> writers(bytes.size());
  for (std::size_t i = 0; i < drawn.program.commands.size(); ++i) {
    std::uint64_t row = 0;
    program::for_each_stored_row(
        drawn.program.commands[i], [&](std::uint64_t first, std::uint64_t last) {
          for (auto at = std::lower_bound(bytes.begin(), bytes.end(), first);
               at != bytes.end() && *at <= last; ++at)
            writers[static_cast<std::size_t>(at - bytes.begin())] = {static_cast<std::int64_t>(i),
                                                                     row, first};
          ++row;
        });
  }
  return writers;
}

// Bytes of one element as the command stores them.
unsigned element_bytes(const systolith_command_t& command) {
  if (SYSTOLITH_GET(command.words, STORE_SPACE) == SYSTOLITH_SPACE_SCRATCHPAD) return 1;
  switch (SYSTOLITH_GET(command.words, STORE_CONVERSION)) {
    case SYSTOLITH_CONVERSION_BF16:
      return 2;
    case SYSTOLITH_CONVERSION_INT8:
      return 1;
    default:
      return 4;
  }
}

std::uint64_t element(const std::vector<std::uint8_t>& image, std::uint64_t address,
                      unsigned bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, image.data() + (address - kBase), bytes);
  return word;
}

Difference memory_difference(const Drawn& drawn, const Seen& device, const Seen& model) {
  const program::Ring& ring = *drawn.program.ring;
  std::vector<std::uint64_t> bytes;
  for (std::uint64_t i = 0; i < kBytes; ++i)
    if (device.image[i] != model.image[i]) bytes.push_back(kBase + i);
  Difference d;
  const auto is_record = [&](std::uint64_t at) {
    return at >= ring.records &&
           at < ring.records + (std::uint64_t{SYSTOLITH_RECORD_BYTES} << ring.slots_log2);
  };
  // What the oldest command wrote comes first; then records; then what none writes.
  std::vector<std::uint64_t> data;
  std::copy_if(bytes.begin(), bytes.end(), std::back_inserter(data),
               [&](std::uint64_t at) { return !is_record(at); });
  const std::vector<Writer> writers = writers_of(drawn, data);
  std::size_t oldest = data.size();
  for (std::size_t i = 0; i < data.size(); ++i)
    if (writers[i].command >= 0 &&
        (oldest == data.size() || writers[i].command < writers[oldest].command ||
         (writers[i].command == writers[oldest].command && writers[i].row < writers[oldest].row)))
      oldest = i;
  if (oldest != data.size()) {
    const Writer& w = writers[oldest];
    const systolith_command_t& command =
        drawn.program.commands[static_cast<std::size_t>(w.command)];
    const unsigned size = element_bytes(command);
    const std::uint64_t column = (data[oldest] - w.first) / size;
    d.kind = "memory";
    d.address = data[oldest];
    const std::uint64_t at = w.first + column * size;
    d.text = fmt::format(
        "memory at {:#x}, row {} element {} of command {}: device {:#0{}x}, "
        "model {:#0{}x}; {} bytes differ",
        at, w.row, column, w.command, element(device.image, at, size), 2 + 2 * size,
        element(model.image, at, size), 2 + 2 * size, bytes.size());
    name_command(d, drawn, w.command);
    return d;
  }
  d.address = data.empty() ? bytes.front() : data.front();
  const unsigned has = device.image[d.address - kBase], wants = model.image[d.address - kBase];
  if (!data.empty()) {
    d.kind = "stray write";
    d.text = fmt::format("memory at {:#x}, which no command writes: device {:#04x}, model {:#04x}",
                         d.address, has, wants);
    return d;
  }
  const std::uint64_t slot = (d.address - ring.records) / SYSTOLITH_RECORD_BYTES;
  const std::uint64_t slots = std::uint64_t{1} << ring.slots_log2;
  const std::uint64_t count = drawn.program.commands.size();
  // The last command in this slot.
  const auto index = static_cast<std::int64_t>(
      slot >= count ? -1 : static_cast<std::int64_t>(slot + (count - 1 - slot) / slots * slots));
  d.kind = "record";
  d.text = fmt::format("record of command {}, byte {}: device {:#04x}, model {:#04x}", index,
                       (d.address - ring.records) % SYSTOLITH_RECORD_BYTES, has, wants);
  name_command(d, drawn, index);
  return d;
}

std::uint64_t read64(harness::SimDevice& device, std::uint32_t offset) {
  const std::uint64_t low = device.read32(offset);
  return low | std::uint64_t{device.read32(offset + 4)} << 32;
}

std::optional<Difference> counters_difference(const Drawn& drawn, harness::SimDevice& device,
                                              std::uint64_t issued_rows, bool may_correct) {
  const std::uint64_t cycles = read64(device, SYSTOLITH_REGISTER_CYCLES_LO);
  std::uint64_t sum = 0, macs = 0;
  for (std::uint32_t at = SYSTOLITH_REGISTER_MAC_CYCLES_LO; at <= SYSTOLITH_REGISTER_LOST_TAIL_LO;
       at += 8)
    sum += read64(device, at);
  for (const systolith_command_t& c : drawn.program.commands)
    if (SYSTOLITH_GET(c.words, HEADER_OPCODE) == SYSTOLITH_OPCODE_MATRIX)
      macs += SYSTOLITH_GET(c.words, MATRIX_M) * SYSTOLITH_GET(c.words, MATRIX_N) *
              SYSTOLITH_GET(c.words, MATRIX_K);
  const harness::AxiMemoryStatistics& s = device.memory().statistics();
  const std::uint64_t beat = device.geometry().bus_bytes;
  if (sum != cycles) return value("counter cycles, and the sum of its parts", cycles, sum);
  const auto check = [&](const char* name, std::uint32_t offset,
                         std::uint64_t want) -> std::optional<Difference> {
    const std::uint64_t has = read64(device, offset);
    if (has == want) return std::nullopt;
    Difference d = value(name, has, want);
    d.kind = "counter";
    return d;
  };
  const auto commands = drawn.program.commands.size();
  if (auto d = check("counter commands", SYSTOLITH_REGISTER_COMMANDS_LO, commands)) return d;
  if (auto d = check("counter mac_cycles", SYSTOLITH_REGISTER_MAC_CYCLES_LO, issued_rows)) return d;
  if (auto d = check("counter macs", SYSTOLITH_REGISTER_MACS_LO, macs)) return d;
  if (auto d = check("counter bytes_read", SYSTOLITH_REGISTER_BYTES_READ_LO, s.read_beats * beat))
    return d;
  if (auto d =
          check("counter bytes_written", SYSTOLITH_REGISTER_BYTES_WRITTEN_LO, s.write_beats * beat))
    return d;
  if (auto d = check("counter corrected", SYSTOLITH_REGISTER_CORRECTED_LO, 0); d && !may_correct)
    return d;
  return check("counter dropped_beats", SYSTOLITH_REGISTER_DROPPED_BEATS_LO, 0);
}

}  // namespace

Seen look(harness::SimDevice& device, const program::Ring& ring) {
  return look_at(device, device.memory().at(kBase), ring);
}

ModelRun run_model(const Drawn& drawn, const Wrap& wrap) {
  std::vector<std::uint8_t> image = image_of(drawn.program);
  model::Memory memory;
  memory.attach(kBase, std::as_writable_bytes(std::span(image)));
  if (!wrap) return model_on(drawn, image, memory);
  const std::unique_ptr<model::Bus> bus = wrap(memory);
  return model_on(drawn, image, *bus);
}

std::optional<Difference> difference_of(const Drawn& drawn, const Seen& device, const Seen& model) {
  const program::Ending &has = device.ending, &wants = model.ending;
  if (has.faulted != wants.faulted || has.cause != wants.cause || has.unit != wants.unit ||
      has.fault_index != wants.fault_index || has.fault_address != wants.fault_address) {
    Difference d;
    d.kind = "fault";
    d.text = fmt::format("fault: device {}; model {}", program::fault_text(has),
                         program::fault_text(wants));
    name_command(d, drawn, has.faulted ? has.fault_index : wants.fault_index);
    return d;
  }
  if (has.completed != wants.completed) return value("completed", has.completed, wants.completed);
  if (device.image != model.image) return memory_difference(drawn, device, model);
  if (device.interrupts != model.interrupts)
    return value("irq_status", device.interrupts, model.interrupts);
  return std::nullopt;
}

std::optional<Difference> totals_difference(const Drawn& drawn, harness::SimDevice& device,
                                            const ModelRun& model, bool may_correct) {
  if (const unsigned owed = device.checker().reads_open() + device.checker().writes_open())
    return value("bursts owed while idle", owed, 0);
  const harness::AxiMemoryStatistics& s = device.memory().statistics();
  if (const std::uint64_t unmapped = s.unmapped_reads + s.unmapped_writes)
    return value("beats outside of memory", unmapped, 0);
  return counters_difference(drawn, device, model.issued_rows, may_correct);
}

namespace {

// Empty where every stored accumulator column has a value.
std::string undefined_store(const Drawn& drawn) {
  const model::Configuration c = model::Configuration::named(drawn.configuration);
  std::vector<std::vector<bool>> defined(c.accumulator_rows, std::vector<bool>(c.cols, true));
  for (std::size_t i = 0; i < drawn.program.commands.size(); ++i) {
    const systolith_command_t& command = drawn.program.commands[i];
    const std::uint64_t* w = command.words;
    const std::uint64_t opcode = SYSTOLITH_GET(w, HEADER_OPCODE);
    const auto local = [&](std::uint64_t row) -> std::vector<bool>& {
      return defined[SYSTOLITH_GET(w, TRANSFER_LOCAL_BASE) +
                     row * SYSTOLITH_GET(w, TRANSFER_LOCAL_PITCH)];
    };
    if (opcode == SYSTOLITH_OPCODE_LOAD &&
        SYSTOLITH_GET(w, LOAD_SPACE) == SYSTOLITH_SPACE_ACCUMULATORS) {
      for (std::uint64_t row = 0; row < rows_of(command); ++row)
        for (std::uint64_t column = 0; column < SYSTOLITH_GET(w, TRANSFER_RUN) / 4; ++column)
          local(row)[column] = true;
    } else if (opcode == SYSTOLITH_OPCODE_MATRIX) {
      const std::uint64_t n = SYSTOLITH_GET(w, MATRIX_N), m = SYSTOLITH_GET(w, MATRIX_M);
      const bool accumulate = SYSTOLITH_GET(w, MATRIX_ACCUMULATE) != 0;
      for (std::uint64_t strip = 0; strip < ceil_div(n, c.cols); ++strip)
        for (std::uint64_t row = 0; row < m; ++row) {
          std::vector<bool>& target = defined[SYSTOLITH_GET(w, MATRIX_C_BASE) +
                                              strip * SYSTOLITH_GET(w, MATRIX_C_PITCH) + row];
          for (std::uint64_t column = 0; column < c.cols; ++column)
            target[column] = strip * c.cols + column < n && (!accumulate || target[column]);
        }
    } else if (opcode == SYSTOLITH_OPCODE_STORE &&
               SYSTOLITH_GET(w, STORE_SPACE) == SYSTOLITH_SPACE_ACCUMULATORS) {
      const std::uint64_t columns = SYSTOLITH_GET(w, TRANSFER_RUN) / element_bytes(command);
      for (std::uint64_t row = 0; row < rows_of(command); ++row)
        for (std::uint64_t column = 0; column < columns; ++column)
          if (!local(row)[column])
            return fmt::format("command {} stores column {} of its row {}, which is undefined", i,
                               column, row);
    }
  }
  return "";
}

}  // namespace

void sample(const Drawn& drawn, const Seen& seen) {
  const program::Ending& e = seen.ending;
  coverage::sample(drawn.configuration, drawn.program.commands,
                   e.faulted ? coverage::Ended{e.completed, e.cause, e.unit, e.fault_index}
                             : coverage::Ended{e.completed});
}

std::string why_illegal(const Drawn& drawn) {
  const model::RaceReport races =
      model::find_races(model::Configuration::named(drawn.configuration), drawn.program.commands);
  if (races.stopped_at)
    return races.cause != 0 ? fmt::format("command {} is refused: {}", *races.stopped_at,
                                          systolith_cause_name(races.cause))
                            : fmt::format("command {} waits for ever on semaphore {}",
                                          *races.stopped_at, races.semaphore);
  if (!races.races.empty())
    return fmt::format("commands {} and {} race", races.races[0].first, races.races[0].second);
  if (std::string text = undefined_store(drawn); !text.empty()) return text;
  const program::Ending ending = run_model(drawn).seen.ending;
  if (ending.faulted) return "the model faults: " + program::fault_text(ending);
  return "";
}

Result compare(const Drawn& drawn) {
  Result result;
  result.commands = static_cast<std::uint32_t>(drawn.program.commands.size());
  const ModelRun model = run_model(drawn);
  DeviceRun run(drawn);
  result.difference = run.run();
  if (result.difference) {
    result.difference->cycle =
        result.difference->kind == "hang" ? run.progress() : run.device().cycle();
    result.cycles = run.device().cycle();
    return result;
  }
  const Seen seen = run.seen();
  result.cycles = read64(run.device(), SYSTOLITH_REGISTER_CYCLES_LO);
  result.difference = difference_of(drawn, seen, model.seen);
  if (!result.difference) result.difference = totals_difference(drawn, run.device(), model);
  if (!result.difference) sample(drawn, seen);
  return result;
}

std::uint64_t locate(const Drawn& drawn, const Difference& difference) {
  if (difference.cycle != 0) return difference.cycle;
  DeviceRun run(drawn);
  harness::SimDevice& device = run.device();
  std::uint64_t cycle = 0;
  if (difference.address != 0) {
    // The last change of the byte; where it never comes, the last command that completed.
    std::uint8_t last = *device.memory().at(difference.address);
    device.set_monitor([&](const auto&, const auto&) {
      const std::uint8_t now = *device.memory().at(difference.address);
      if (now != last) cycle = device.cycle();
      last = now;
    });
  }
  run.run();
  if (cycle == 0) cycle = run.progress();
  return cycle != 0 ? cycle : device.cycle();
}

}  // namespace systolith::regress
