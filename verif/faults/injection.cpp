#include "injection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>

#include "monitor.hpp"
#include "program_generator.hpp"
#include "reference.hpp"
#include "refused_commands.hpp"
#include "steps.hpp"
#include "systolith/model/device.h"
#include "systolith/systolith.h"

namespace systolith::faults {
namespace {

using harness::AxiInjection;
using harness::AxiMemoryTiming;
using library::Step;
using regress::command;
using regress::kBase;
using regress::kBytes;
using regress::kInputs;
using regress::load;
using regress::load_rows;
using regress::matrix;
using regress::nop;
using regress::store;
using regress::store_rows;
using regress::sync;

constexpr int kLoad = 0, kStore = 2;  // units, as in the semaphores of random programs
constexpr std::uint8_t kFree = 9;     // the first semaphore that they leave
constexpr std::uint64_t kOwnOutputs = kBase + kBytes - 0x2000;  // past those of random programs
constexpr std::uint64_t kOwnInputs = kInputs + 0x1F000;

systolith_command_t plain_nop() { return nop(false); }

class Draw {
 public:
  Draw(std::uint64_t seed, regress::Drawn drawn)
      : random_(seed * 0xD1342543DE82EF95 + 3),
        case_{std::move(drawn), {}, {}},
        configuration_(model::Configuration::named(case_.drawn.configuration)) {
    // Half of the programs leave a record of each command: then nothing is left unknown.
    if (chance(50))
      for (systolith_command_t& c : commands()) SYSTOLITH_SET(c.words, HEADER_RECORD, 1);
    reference_ = refer(case_.drawn);
  }

  std::uint64_t pick(std::uint64_t least, std::uint64_t most) {
    return least + random_() % (most - least + 1);
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  // ---- errors of the bus ----

  void read_error() { add_error(kLoadId); }
  void write_error() { add_error(kStoreId); }
  void fetch_error() { add_error(kFetchId); }
  void record_error() { add_error(kRecordId); }
  void two_errors() {
    const unsigned first = static_cast<unsigned>(pick(0, 3));
    add_error(first);
    add_error((first + static_cast<unsigned>(pick(1, 3))) % 4);
  }

  // ---- answers that come late or never ----

  void silent_load() { add_silence(kLoadId); }
  void silent_store() { add_silence(kStoreId); }
  void silent_fetch() { add_silence(kFetchId); }
  void silent_record() { add_silence(kRecordId); }
  void late_answer() {
    case_.drawn.conditions.commit_at_response = 0;  // what comes late would write
    add_silence(static_cast<unsigned>(pick(0, 3)));
    injection().answer_after = injection().bus_timeout + 4000 + pick(0, 3000);
    injection().text += fmt::format(", an answer after {}", injection().answer_after);
  }
  void delayed_answer() {
    add_error(static_cast<unsigned>(pick(0, 3)), true);
    injection().answer_after = pick(1000, 50000);
    injection().text += fmt::format(", for {} cycles", injection().answer_after);
  }
  void slow_answers() {
    AxiMemoryTiming timing = case_.drawn.conditions.timing();
    timing.read_latency_minimum = timing.write_latency_minimum = 1000;
    timing.read_latency_maximum = timing.write_latency_maximum =
        static_cast<std::uint32_t>(pick(1000, 8000));
    change_memory(timing, fmt::format("latencies up to {}", timing.read_latency_maximum));
  }
  void bandwidth_collapse() {
    AxiMemoryTiming timing = case_.drawn.conditions.timing();
    const bool read = chance(66), write = !read || chance(50);
    if (read) timing.read_interval = static_cast<std::uint32_t>(pick(8, 64)) << 16;
    if (write) timing.write_interval = static_cast<std::uint32_t>(pick(8, 64)) << 16;
    change_memory(timing, fmt::format("{} and {} cycles from one beat to the next, read and write",
                                      timing.read_interval >> 16, timing.write_interval >> 16));
  }

  // ---- one channel at a time ----

  void pressure_ar() { press("AR", &harness::AxiMemory::Hold::ar, &AxiMemoryTiming::stall_ar); }
  void pressure_r() { press("R", &harness::AxiMemory::Hold::r, &AxiMemoryTiming::stall_r); }
  void pressure_aw() { press("AW", &harness::AxiMemory::Hold::aw, &AxiMemoryTiming::stall_aw); }
  void pressure_w() { press("W", &harness::AxiMemory::Hold::w, &AxiMemoryTiming::stall_w); }
  void pressure_b() { press("B", &harness::AxiMemory::Hold::b, &AxiMemoryTiming::stall_b); }

  // ---- bits of on-chip memories ----

  void flip_one() { add_flip(false); }
  void flip_two() { add_flip(true); }

  // ---- commands ----

  void refused_command() {
    const std::vector<regress::RefusedCommand> all = regress::refused_commands(configuration_);
    case_.clean = case_.drawn;
    const auto index = static_cast<std::uint32_t>(pick(0, commands().size()));
    for (unsigned tries = 0; tries < 20; ++tries) {
      const regress::RefusedCommand& bad = all[pick(0, all.size() - 1)];
      regress::Drawn with = case_.drawn;
      insert(with, index, bad.command);
      const program::Ending ending = regress::run_model(with).seen.ending;
      // What is refused for its semaphores is so only once these are bound.
      if (!ending.faulted || ending.fault_index != index || ending.cause != bad.cause) continue;
      case_.drawn = std::move(with);
      insert(*case_.clean, index, plain_nop());
      injection().text = fmt::format("command {}: {}", index, bad.name);
      break;
    }
    if (injection().text.empty()) {
      insert(case_.drawn, index, systolith_command_t{});
      insert(*case_.clean, index, plain_nop());
      injection().text = fmt::format("command {}: zeros", index);
    }
    // More of them, which are not reached.
    for (unsigned more = static_cast<unsigned>(pick(0, 2)); more-- > 0;) {
      const auto later = static_cast<std::uint32_t>(pick(index + 1, commands().size()));
      insert(case_.drawn, later, all[pick(0, all.size() - 1)].command);
      insert(*case_.clean, later, plain_nop());
    }
  }
  void refused_bits() {
    case_.clean = case_.drawn;
    const auto index = static_cast<std::uint32_t>(pick(0, commands().size() - 1));
    for (unsigned tries = 0; tries < 50; ++tries) {
      regress::Drawn with = case_.drawn;
      std::uint64_t* words = with.program.commands[index].words;
      injection().text = fmt::format("command {}, bits", index);
      for (unsigned flips = static_cast<unsigned>(pick(1, 6)); flips-- > 0;) {
        const std::uint64_t bit = pick(0, 8 * SYSTOLITH_COMMAND_BYTES - 1);
        words[bit / 64] ^= std::uint64_t{1} << bit % 64;
        injection().text += fmt::format(" {}", bit);
      }
      const program::Ending ending = regress::run_model(with).seen.ending;
      if (!ending.faulted || ending.fault_index != index ||
          !program::is_precise(ending, with.program.commands))
        continue;
      case_.drawn = std::move(with);
      return;
    }
    SYSTOLITH_SET(commands()[index].words, HEADER_VERSION, 0);
    injection().text = fmt::format("command {}: version 0", index);
  }
  void wrong_tag() {
    // Rows of one tag, and a command that needs the other.
    const bool int32 = chance(50);
    const auto rows = static_cast<std::uint32_t>(pick(1, 6));
    const auto base = static_cast<std::uint32_t>(pick(0, configuration_.accumulator_rows - rows));
    library::LoadStep tags = load_rows(kInputs, 4 * configuration_.cols, base,
                                       int32 ? SYSTOLITH_TAG_INT32 : SYSTOLITH_TAG_FP32, rows);
    const bool product = configuration_.format_int8 && configuration_.format_bf16 && chance(50);
    tags.signal[0] = sync(kFree);
    append(command(after_all(tags, kLoad)));
    if (product) {
      library::MatrixStep step = matrix(rows, configuration_.cols, configuration_.rows, 0,
                                        configuration_.scratchpad_lines / 2, base,
                                        int32 ? library::Format::bf16 : library::Format::int8);
      step.accumulate = true;
      step.wait[0] = sync(kFree);
      append_faulty(command(step), plain_nop());
    } else {
      library::StoreStep step =
          store_rows(kOwnOutputs, configuration_.cols * (int32 ? 2 : 1), base, rows);
      step.conversion = int32 ? SYSTOLITH_CONVERSION_BF16 : SYSTOLITH_CONVERSION_INT8;
      step.scale = int32 ? 0.0F : 1.0F;
      step.wait[0] = sync(kFree);
      append_faulty(command(step), from_lines(step));
    }
    injection().text =
        fmt::format("{} rows of {} from {} on, {}", rows, int32 ? "INT32" : "FP32", base,
                    product ? "continued by the other" : "stored as the other");
  }
  void wrong_scale() {
    const auto column = static_cast<std::uint32_t>(pick(0, configuration_.cols - 1));
    constexpr std::uint32_t kBad[] = {0, 0x80000000, 0xbf800000, 0x7f800000, 0x7fc00000};
    std::vector<std::uint32_t> scales(configuration_.cols, 0x3f800000);
    scales[column] = kBad[pick(0, 4)];
    std::vector<std::byte> bytes(4 * scales.size());
    std::memcpy(bytes.data(), scales.data(), bytes.size());
    case_.drawn.program.contents.push_back({kOwnInputs, std::move(bytes)});
    const std::uint32_t line = configuration_.scratchpad_lines / 2;
    library::LoadStep brings = load(kOwnInputs, 4 * configuration_.cols, line);
    brings.signal[0] = sync(kFree);
    library::StoreStep uses = store_rows(kOwnOutputs, configuration_.cols, 0, 2);
    uses.conversion = SYSTOLITH_CONVERSION_INT8;
    uses.scale_per_column = true;
    uses.scale_line = line;
    uses.wait[0] = sync(kFree);
    append(command(after_all(brings, kLoad)));
    append_faulty(command(uses), from_lines(uses));
    injection().text = fmt::format("scale {:#010x} of column {}", scales[column], column);
  }
  void semaphore_overflow() {
    library::LoadStep full = load(kInputs, 16, 0);
    full.signal[0] = sync(kFree, 65535);
    library::LoadStep over = load(kInputs, 16, 0);
    const systolith_command_t clean = command(over);
    over.signal[pick(0, 1)] = sync(kFree, static_cast<unsigned>(pick(1, 65535)));
    append(command(after_all(full, kLoad)));
    append_faulty(command(over), clean);
    injection().text = "a signal past 65535";
  }
  void unmet_wait() {
    const auto index = static_cast<std::uint32_t>(pick(0, commands().size()));
    const auto semaphore = static_cast<std::uint8_t>(pick(kFree, configuration_.semaphores - 1));
    const std::uint64_t unit = pick(0, 2), port = pick(0, 1);
    Step step;
    if (unit == 0) step = load(kInputs, 16, 0, 4);
    if (unit == 1)
      step = matrix(2, configuration_.cols, configuration_.rows, 0,
                    configuration_.scratchpad_lines / 2, 0);
    if (unit == 2) step = store(kOwnOutputs, 16, 0, 4);
    const bool by_rows = chance(50);
    std::visit(
        [&](auto& s) {
          s.wait[port] = {1, semaphore, by_rows, by_rows ? std::uint8_t{1} : std::uint8_t{0}};
        },
        step);
    case_.clean = case_.drawn;
    insert(case_.drawn, index, command(step));
    insert(*case_.clean, index, plain_nop());
    injection().semaphore_timeout = static_cast<std::uint32_t>(pick(200, 3000));
    injection().text = fmt::format("command {} waits for semaphore {}, for {} cycles", index,
                                   semaphore, injection().semaphore_timeout);
  }

  // ---- ring and doorbell ----

  void ring_rewritten() {
    moment();
    // Mostly while commands are fetched.
    if (chance(70))
      injection().moment.beats %= 8 * SYSTOLITH_COMMAND_BYTES / configuration_.bus_bytes;
    injection().text = fmt::format("{} cycles after beat {}: ", injection().moment.cycles,
                                   injection().moment.beats);
    injection().rewrite_distance = static_cast<int>(pick(0, 6)) - 2;
    injection().rewrite = static_cast<unsigned>(pick(0, 2));
    const char* names[] = {"zeros", "a reserved bit", "version 9"};
    injection().text += fmt::format("{} in the slot of the command {} from the next to fetch",
                                    names[injection().rewrite], *injection().rewrite_distance);
  }
  void ring_rubbish() {
    injection().rubbish = true;
    injection().text = "random bits in free slots";
  }
  void doorbell_storm() {
    injection().storm = true;
    injection().text = "the same doorbell again and again, and parts of others";
  }
  void doorbell_overrun() {
    at_moment(HostAction::overrun, "doorbell past the ring");
    injection().value = chance(50) ? static_cast<std::uint32_t>(pick(1, 3))
                                   : static_cast<std::uint32_t>(pick(4, 0x7fffffff));
    injection().text += fmt::format(", {} too far", injection().value);
  }

  // ---- the host ----

  void reset_queue() { at_moment(HostAction::reset_queue, "queue reset"); }
  void reset_queue_twice() {
    at_moment(HostAction::reset_queue_twice, "two queue resets");
    injection().value = static_cast<std::uint32_t>(pick(0, 100));
  }
  void reset_device() { at_moment(HostAction::reset_device, "rst_ni"); }
  void reset_device_later() {
    at_moment(HostAction::reset_device_later, "queue reset, then rst_ni");
    injection().value = static_cast<std::uint32_t>(pick(0, 200));
  }
  void host_gone() {
    at_moment(HostAction::leave, "the host is gone, another comes");
    injection().value = static_cast<std::uint32_t>(pick(0, 20000));
    injection().text += fmt::format(" {} cycles later", injection().value);
  }
  void host_killed() {
    injection().host = HostAction::die;
    injection().value = static_cast<std::uint32_t>(pick(0, 3000));
    injection().text =
        fmt::format("SIGKILL to a process with a sim: device, {} us into a run", injection().value);
  }

  Case take() && { return std::move(case_); }
  Injection& injection() { return case_.injection; }

 private:
  std::vector<systolith_command_t>& commands() { return case_.drawn.program.commands; }

  static void insert(regress::Drawn& drawn, std::uint32_t index, const systolith_command_t& c) {
    drawn.program.commands.insert(drawn.program.commands.begin() + index, c);
  }
  void append(const systolith_command_t& c) {
    commands().push_back(c);
    if (case_.clean) case_.clean->program.commands.push_back(c);
  }
  /// A command that fails in execution, and more behind it. `clean`: what has the same bursts.
  void append_faulty(const systolith_command_t& c, const systolith_command_t& clean) {
    case_.clean = case_.drawn;
    commands().push_back(c);
    case_.clean->program.commands.push_back(clean);
    for (std::uint64_t more = pick(0, 3); more-- > 0;) append(chance(50) ? plain_nop() : nop());
  }
  /// The same bytes from the scratchpad, where nothing can be wrong with them.
  static systolith_command_t from_lines(library::StoreStep step) {
    step.accumulators = false;
    step.conversion = 0;
    step.scale = 0.0F;
    step.scale_per_column = false;
    step.scale_line = 0;
    step.transfer.local_base = 0;
    return command(step);
  }

  /// `step` with waits for all that the other units have signalled to this one and no one took.
  template <typename S>
  S after_all(S step, int unit) {
    std::vector<std::uint8_t> image = regress::image_of(case_.drawn.program);
    model::Memory memory;
    memory.attach(kBase, std::as_writable_bytes(std::span(image)));
    model::Device device(configuration_, memory);
    const program::Ring& ring = *case_.drawn.program.ring;
    program::enable(device, case_.drawn.program.windows, ring);
    program::feed(
        device, ring, commands(), [](std::uint32_t) { return ~0U; },
        [&](std::uint32_t slot, const systolith_command_t& c) {
          std::memcpy(
              image.data() + (ring.address - kBase) + std::uint64_t{slot} * SYSTOLITH_COMMAND_BYTES,
              c.words, SYSTOLITH_COMMAND_BYTES);
        },
        [](std::uint32_t) { return false; });
    unsigned port = 0;
    for (int other = 0; other < 3; ++other) {
      const auto semaphore = static_cast<unsigned>(other * 3 + unit);
      if (other != unit && device.semaphores()[semaphore] != 0)
        step.wait[port++] = sync(semaphore, device.semaphores()[semaphore]);
    }
    return step;
  }

  void ensure(const std::vector<Burst>& bursts, const Step& step) {
    if (!bursts.empty()) return;
    append(command(step));
    reference_ = refer(case_.drawn);
  }

  void add_error(unsigned id, bool silent = false) {
    AxiInjection error;
    error.id = static_cast<int>(id);
    error.kind = id <= kLoadId ? AxiInjection::Kind::Read : AxiInjection::Kind::Write;
    error.effect = silent       ? AxiInjection::Effect::NeverAnswer
                   : chance(50) ? AxiInjection::Effect::SubordinateError
                                : AxiInjection::Effect::DecodeError;
    std::string where;
    const unsigned bus = configuration_.bus_bytes;
    if (id == kFetchId) {
      const auto index = static_cast<std::uint32_t>(pick(0, commands().size() - 1));
      const program::Ring& ring = *case_.drawn.program.ring;
      const std::uint32_t slots = 1U << ring.slots_log2;
      const std::uint64_t beat = pick(0, SYSTOLITH_COMMAND_BYTES / bus - 1);
      error.first_address =
          ring.address + std::uint64_t{index % slots} * SYSTOLITH_COMMAND_BYTES + beat * bus;
      error.last_address = error.first_address;
      error.burst = index / slots;
      injection().slot_command = index;
      where = fmt::format("fetch of command {}, beat {}", index, beat);
    } else if (id == kRecordId) {
      if (std::none_of(commands().begin(), commands().end(), [](const systolith_command_t& c) {
            return SYSTOLITH_GET(c.words, HEADER_RECORD) != 0;
          })) {
        SYSTOLITH_SET(commands().back().words, HEADER_RECORD, 1);
        reference_ = refer(case_.drawn);
      }
      const auto records = static_cast<std::uint64_t>(std::count_if(
          commands().begin(), commands().end(),
          [](const systolith_command_t& c) { return SYSTOLITH_GET(c.words, HEADER_RECORD) != 0; }));
      const unsigned parts =
          std::max(1U, SYSTOLITH_RECORD_BYTES / (bus * configuration_.max_burst_beats));
      error.burst = static_cast<std::int64_t>(pick(0, records * parts - 1));
      where = fmt::format("burst {} of the records", error.burst);
    } else {
      if (id == kLoadId) ensure(reference_.loads, after_all(load(kInputs, 16, 0), kLoad));
      if (id == kStoreId) ensure(reference_.stores, after_all(store(kOwnOutputs, 16, 0), kStore));
      const std::vector<Burst>& bursts = id == kLoadId ? reference_.loads : reference_.stores;
      error.burst = static_cast<std::int64_t>(pick(0, bursts.size() - 1));
      const Burst& burst = bursts[static_cast<std::size_t>(error.burst)];
      if (id == kLoadId && !silent) error.beat = static_cast<int>(pick(0, burst.beats(bus) - 1));
      where = fmt::format("burst {} of the {} unit, at {:#x}, of command {}", error.burst,
                          id == kLoadId ? "load" : "store", burst.address, burst.command);
      if (error.beat > 0) where += fmt::format(", beat {}", error.beat);
    }
    injection().errors.push_back(error);
    const char* names[] = {"SLVERR", "DECERR", "no answer"};
    std::string& text = injection().text;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", names[static_cast<int>(error.effect)],
                        where);
  }

  /// No answer, a time-out, and a memory that is silent for nothing else as long.
  void add_silence(unsigned id) {
    regress::Conditions& c = case_.drawn.conditions;
    for (std::uint32_t* latency : {&c.read_latency_least, &c.read_latency_most,
                                   &c.write_latency_least, &c.write_latency_most})
      *latency = std::min(*latency, 100U);
    for (std::uint32_t* stall : {&c.stall_aw, &c.stall_w, &c.stall_b, &c.stall_ar, &c.stall_r})
      *stall = std::min(*stall, 50U);
    c.read_interval = c.write_interval = 1 << 16;
    add_error(id, true);
    injection().bus_timeout = static_cast<std::uint32_t>(pick(3000, 20000));
    injection().text += fmt::format(", time-out {}", injection().bus_timeout);
  }

  /// Beats of one unit's commands before this one.
  std::uint64_t beats_before(std::uint64_t command, const std::vector<Burst>& unit) const {
    std::uint64_t beats = 0;
    for (const Burst& burst : unit)
      if (burst.command < command) beats += burst.beats(configuration_.bus_bytes);
    return beats;
  }
  /// Anywhere in the run.
  void moment() {
    const std::size_t all = commands().size();
    const std::uint64_t beats = all * SYSTOLITH_COMMAND_BYTES / configuration_.bus_bytes +
                                beats_before(all, reference_.loads) +
                                beats_before(all, reference_.stores);
    Moment& m = injection().moment;
    m.beats = pick(0, beats - 1);
    m.cycles = pick(0, 60);
    injection().text += fmt::format("{} cycles after beat {}: ", m.cycles, m.beats);
  }
  /// When the place is written and, mostly, not read yet.
  void moment(const PlaceRead& place) {
    const auto opcode = [this](std::uint32_t index) {
      return SYSTOLITH_GET(commands()[index].words, HEADER_OPCODE);
    };
    const bool loaded = place.writer && opcode(*place.writer) == SYSTOLITH_OPCODE_LOAD;
    Moment& m = injection().moment;
    m.cycles = pick(0, pick(0, 60));
    if (place.space == Flip::Space::buffer || place.space == Flip::Space::queue) {
      m.id = kFetchId;
      m.beats = (place.reader + 1) * SYSTOLITH_COMMAND_BYTES / configuration_.bus_bytes;
      if (place.space == Flip::Space::queue) m.cycles = pick(20, 1000);
    } else if (loaded) {
      m.id = kLoadId;
      m.beats = beats_before(*place.writer + 1, reference_.loads);
    } else if (opcode(place.reader) == SYSTOLITH_OPCODE_STORE) {
      m.id = kStoreId;  // those before have left
      m.beats = beats_before(place.reader, reference_.stores);
    } else {
      m.id = kLoadId;  // of a product that writes it the operands have come
      m.beats = beats_before(place.reader, reference_.loads);
      m.cycles = pick(0, pick(0, 1000));
    }
    injection().text += fmt::format("{} cycles after beat {} of ID {}: ", m.cycles, m.beats, *m.id);
  }
  void add_flip(bool two) {
    const Pick draw = [this](auto least, auto most) { return pick(least, most); };
    std::optional<PlaceRead> aim;
    for (bool aimed = chance(80); aimed && !aim && chance(95);)
      aim = draw_place_read(configuration_, commands(), draw);
    if (aim)
      moment(*aim);
    else
      moment();
    const Flip flip = draw_flip(configuration_, two, aim, draw);
    injection().text +=
        fmt::format("{} word {}, bits {}", flip.memory, flip.word, fmt::join(flip.bits, " and "));
    injection().flip = flip;
  }
  void at_moment(HostAction action, const char* what) {
    moment();
    injection().host = action;
    injection().text += what;
  }
  void change_memory(const AxiMemoryTiming& timing, const std::string& what) {
    moment();
    injection().timing = timing;
    injection().span = pick(2000, 30000);
    injection().text += fmt::format("{}, for {} cycles", what, injection().span);
  }
  void press(const char* name, bool harness::AxiMemory::Hold::*channel,
             std::uint8_t AxiMemoryTiming::*stall) {
    regress::Conditions& c = case_.drawn.conditions;
    for (std::uint32_t* other : {&c.stall_aw, &c.stall_w, &c.stall_b, &c.stall_ar, &c.stall_r})
      *other = 0;
    if (chance(30)) {
      AxiMemoryTiming timing = c.timing();
      timing.*stall = static_cast<std::uint8_t>(pick(80, 99));
      change_memory(timing, fmt::format("{} stalls in {} % of the cycles", name, timing.*stall));
      return;
    }
    moment();
    Hold hold;
    hold.channels.*channel = true;
    hold.held = static_cast<std::uint32_t>(chance(50) ? pick(1, 30) : pick(31, 4000));
    hold.free = static_cast<std::uint32_t>(chance(50) ? 1 : pick(1, 20));
    injection().hold = hold;
    injection().span = pick(2000, 30000);
    injection().text += fmt::format("{} moves in {} of {} cycles, for {}", name, hold.free,
                                    hold.free + hold.held, injection().span);
  }

  std::mt19937_64 random_;
  Case case_;
  model::Configuration configuration_;
  Reference reference_;
};

struct Entry : Kind {
  void (Draw::*draw)();
};

constexpr Entry kEntries[] = {
    {{"read_error", "SLVERR or DECERR on one beat of a load"}, &Draw::read_error},
    {{"write_error", "SLVERR or DECERR for one burst of a store"}, &Draw::write_error},
    {{"fetch_error", "SLVERR or DECERR on one beat of a command"}, &Draw::fetch_error},
    {{"record_error", "SLVERR or DECERR for one burst of a record"}, &Draw::record_error},
    {{"two_errors", "of two of these requesters"}, &Draw::two_errors},
    {{"silent_load", "a burst of a load is never answered"}, &Draw::silent_load},
    {{"silent_store", "a burst of a store is never answered"}, &Draw::silent_store},
    {{"silent_fetch", "a burst of commands is never answered"}, &Draw::silent_fetch},
    {{"silent_record", "a record is never answered"}, &Draw::silent_record},
    {{"late_answer", "a burst is answered after the time-out"}, &Draw::late_answer},
    {{"delayed_answer", "one burst takes 1000 to 50000 cycles"}, &Draw::delayed_answer},
    {{"slow_answers", "all bursts of a while take thousands of cycles"}, &Draw::slow_answers},
    {{"bandwidth_collapse", "8 to 64 cycles from beat to beat"}, &Draw::bandwidth_collapse},
    {{"pressure_ar", "AR hardly moves, all other channels do"}, &Draw::pressure_ar},
    {{"pressure_r", "R hardly moves"}, &Draw::pressure_r},
    {{"pressure_aw", "AW hardly moves"}, &Draw::pressure_aw},
    {{"pressure_w", "W hardly moves"}, &Draw::pressure_w},
    {{"pressure_b", "B hardly moves"}, &Draw::pressure_b},
    {{"refused_command", "illegal commands of every kind"}, &Draw::refused_command},
    {{"refused_bits", "random bits of a command, where they make it illegal"}, &Draw::refused_bits},
    {{"wrong_tag", "accumulator rows of the other type"}, &Draw::wrong_tag},
    {{"wrong_scale", "a column's scale that is none"}, &Draw::wrong_scale},
    {{"semaphore_overflow", "a signal past 65535"}, &Draw::semaphore_overflow},
    {{"unmet_wait", "a wait that no one signals"}, &Draw::unmet_wait},
    {{"flip_one", "a stored bit of an on-chip memory"}, &Draw::flip_one},
    {{"flip_two", "two, as the device's code finds them"}, &Draw::flip_two},
    {{"ring_rewritten", "a slot overwritten while it is rung"}, &Draw::ring_rewritten},
    {{"ring_rubbish", "free slots overwritten all the time"}, &Draw::ring_rubbish},
    {{"doorbell_storm", "doorbells without end"}, &Draw::doorbell_storm},
    {{"doorbell_overrun", "a doorbell past the ring"}, &Draw::doorbell_overrun},
    {{"reset_queue", "queue reset in any cycle"}, &Draw::reset_queue},
    {{"reset_queue_twice", "queue reset during a queue reset"}, &Draw::reset_queue_twice},
    {{"reset_device", "rst_ni in any cycle, with the interconnect's reset"}, &Draw::reset_device},
    {{"reset_device_later", "rst_ni during a queue reset"}, &Draw::reset_device_later},
    {{"host_gone", "no more doorbells, and a new host on the same device"}, &Draw::host_gone},
    {{"host_killed", "a process with a sim: device is killed, another opens one"},
     &Draw::host_killed},
};

std::vector<const Entry*> named(std::string_view part) {
  std::vector<const Entry*> chosen;
  for (const Entry& entry : kEntries)
    if (part == entry.name) return {&entry};
  for (const Entry& entry : kEntries)
    if (std::string_view(entry.name).find(part) != std::string_view::npos) chosen.push_back(&entry);
  if (chosen.empty())
    throw std::invalid_argument(fmt::format("no kind with '{}' in its name: see --list", part));
  return chosen;
}

}  // namespace

std::vector<Kind> kinds() { return {std::begin(kEntries), std::end(kEntries)}; }

void check_kinds(std::string_view part) { named(part); }

Case draw_case(std::uint64_t seed, std::span<const std::string> configurations,
               std::string_view part) {
  const std::vector<const Entry*> chosen = named(part);
  regress::Weights weights;
  weights.commands = 24;
  Draw draw(seed, regress::draw(seed, configurations, weights));
  const Entry& entry = *chosen[draw.pick(0, chosen.size() - 1)];
  draw.injection().kind = entry.name;
  (draw.*entry.draw)();
  return std::move(draw).take();
}

}  // namespace systolith::faults
