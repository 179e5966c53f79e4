#include "shrink.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "program_generator.hpp"

namespace systolith::regress {
namespace {

using Commands = std::vector<systolith_command_t>;

struct Sync {
  std::uint32_t count = 0;
  unsigned semaphore = 0;
  bool by_rows = false;
  unsigned rows_log2 = 0;
};

// Word and bit of wait 0, wait 1, signal 0, signal 1.
constexpr unsigned kWord[4] = {SYSTOLITH_HEADER_WAIT_0_WORD, SYSTOLITH_HEADER_WAIT_1_WORD,
                               SYSTOLITH_HEADER_SIGNAL_0_WORD, SYSTOLITH_HEADER_SIGNAL_1_WORD};
constexpr unsigned kBit[4] = {SYSTOLITH_HEADER_WAIT_0_LSB, SYSTOLITH_HEADER_WAIT_1_LSB,
                              SYSTOLITH_HEADER_SIGNAL_0_LSB, SYSTOLITH_HEADER_SIGNAL_1_LSB};

Sync get(const systolith_command_t& command, unsigned slot) {
  const std::uint64_t word = command.words[kWord[slot]] >> kBit[slot];
  Sync sync;
  sync.count = static_cast<std::uint32_t>(SYSTOLITH_GET(&word, SYNC_COUNT));
  sync.semaphore = static_cast<unsigned>(SYSTOLITH_GET(&word, SYNC_SEMAPHORE));
  sync.by_rows = SYSTOLITH_GET(&word, SYNC_BY_ROWS) != 0;
  sync.rows_log2 = static_cast<unsigned>(SYSTOLITH_GET(&word, SYNC_ROWS_LOG2));
  return sync;
}

void set(systolith_command_t& command, unsigned slot, const Sync& sync) {
  std::uint64_t word = 0;
  if (sync.count != 0) {
    SYSTOLITH_SET(&word, SYNC_COUNT, sync.count);
    SYSTOLITH_SET(&word, SYNC_SEMAPHORE, sync.semaphore);
    SYSTOLITH_SET(&word, SYNC_BY_ROWS, sync.by_rows ? 1 : 0);
    SYSTOLITH_SET(&word, SYNC_ROWS_LOG2, sync.by_rows ? sync.rows_log2 : 0);
  }
  std::uint64_t& target = command.words[kWord[slot]];
  target = (target & ~(std::uint64_t{0xffffffff} << kBit[slot])) | word << kBit[slot];
}

std::uint64_t opcode(const systolith_command_t& c) { return SYSTOLITH_GET(c.words, HEADER_OPCODE); }
std::uint64_t unit(const systolith_command_t& c) { return SYSTOLITH_GET(c.words, HEADER_UNIT); }
std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

std::uint64_t rows(const model::Configuration& configuration, const systolith_command_t& c) {
  const std::uint64_t* w = c.words;
  if (opcode(c) == SYSTOLITH_OPCODE_MATRIX) {
    const bool int8 = SYSTOLITH_GET(w, MATRIX_FORMAT) == SYSTOLITH_FORMAT_INT8;
    return SYSTOLITH_GET(w, MATRIX_M) * ceil_div(SYSTOLITH_GET(w, MATRIX_N), configuration.cols) *
           ceil_div(SYSTOLITH_GET(w, MATRIX_K), configuration.block_k(int8));
  }
  return SYSTOLITH_GET(w, TRANSFER_COUNT_0) * SYSTOLITH_GET(w, TRANSFER_COUNT_1) *
         SYSTOLITH_GET(w, TRANSFER_COUNT_2) * SYSTOLITH_GET(w, TRANSFER_COUNT_3);
}

std::uint64_t tokens(const model::Configuration& configuration, const systolith_command_t& c,
                     const Sync& sync) {
  return sync.by_rows
             ? sync.count * ceil_div(rows(configuration, c), std::uint64_t{1} << sync.rows_log2)
             : sync.count;
}

// Signals of one semaphore in the order of the ring.
struct Given {
  std::uint64_t before = 0, after = 0;  // tokens in the original and in the changed program
};

// How many tokens of the changed program are among the first `position` of the original.
std::uint64_t moved(const std::vector<Given>& given, std::uint64_t position) {
  std::uint64_t sum = 0;
  for (const Given& g : given) {
    if (position >= g.before) {
      position -= g.before;
      sum += g.after;
    } else {
      return sum + std::min(position, g.after);
    }
  }
  return sum + position;  // never given
}

}  // namespace

std::optional<Commands> relink(const model::Configuration& configuration, const Commands& original,
                               const std::vector<Kept>& kept) {
  std::vector<const systolith_command_t*> now(original.size(), nullptr);
  for (const Kept& k : kept) now[k.origin] = &k.command;
  std::map<unsigned, std::vector<Given>> given;
  for (std::size_t i = 0; i < original.size(); ++i)
    for (unsigned slot : {2U, 3U}) {
      const Sync sync = get(original[i], slot);
      if (sync.count == 0) continue;
      Given g{tokens(configuration, original[i], sync), 0};
      if (now[i] != nullptr) g.after = tokens(configuration, *now[i], get(*now[i], slot));
      given[sync.semaphore].push_back(g);
    }

  struct Taken {
    std::uint64_t original = 0, changed = 0;  // tokens so far
    std::uint64_t unit = 0;
  };
  std::map<unsigned, Taken> taken;
  for (const systolith_command_t& c : original)
    for (unsigned slot : {0U, 1U})
      if (const Sync sync = get(c, slot); sync.count != 0) taken[sync.semaphore].unit = unit(c);

  Commands result;
  for (std::size_t i = 0; i < original.size(); ++i) {
    std::map<unsigned, std::uint64_t> start;
    for (auto& [semaphore, t] : taken) start[semaphore] = t.original;
    for (unsigned slot : {0U, 1U})
      if (const Sync sync = get(original[i], slot); sync.count != 0)
        taken[sync.semaphore].original += tokens(configuration, original[i], sync);
    if (now[i] == nullptr) continue;
    systolith_command_t command = *now[i];
    std::array<Sync, 2> wait = {get(command, 0), get(command, 1)};
    for (auto& [semaphore, t] : taken) {
      if (t.unit != unit(command)) continue;
      auto slot = std::find_if(wait.begin(), wait.end(), [semaphore = semaphore](const Sync& s) {
        return s.count != 0 && s.semaphore == semaphore;
      });
      const std::uint64_t target = moved(given[semaphore], t.original);
      if (slot != wait.end() && slot->by_rows) {
        const std::uint64_t first = moved(given[semaphore], start[semaphore]);
        const std::uint64_t amount = tokens(configuration, command, *slot);
        if (target == first && target == t.changed) {
          *slot = {};
        } else if (first != t.changed || target - first != amount) {
          return std::nullopt;
        }
        t.changed = target;
        continue;
      }
      const std::uint64_t need = target - t.changed;
      if (target < t.changed || need > 65535) return std::nullopt;
      if (slot == wait.end()) {
        if (need == 0) continue;
        slot = std::find_if(wait.begin(), wait.end(), [](const Sync& s) { return s.count == 0; });
        if (slot == wait.end()) return std::nullopt;
      }
      *slot = need == 0 ? Sync{} : Sync{static_cast<std::uint32_t>(need), semaphore, false, 0};
      t.changed = target;
    }
    set(command, 0, wait[0]);
    set(command, 1, wait[1]);
    result.push_back(command);
  }
  return result;
}

namespace {

class Shrinker {
 public:
  Shrinker(const Drawn& drawn, const std::function<bool(const Drawn&)>& fails,
           const ShrinkLimits& limits)
      : best_(drawn),
        image_(image_of(drawn.program)),
        configuration_(model::Configuration::named(drawn.configuration)),
        fails_(fails),
        limits_(limits),
        end_(std::chrono::steady_clock::now() + limits.time) {}

  Shrunk run() {
    for (bool smaller = true; smaller && !spent();) {
      const unsigned before = taken_;
      commands();
      conditions();
      sizes();
      semaphores();
      smaller = taken_ != before;
    }
    values();
    return {best_, runs_};
  }

 private:
  bool spent() const { return runs_ >= limits_.runs || std::chrono::steady_clock::now() >= end_; }

  // Takes a candidate that is legal and fails.
  bool take(Drawn candidate) {
    if (spent() || candidate.program.commands.empty() || !why_illegal(candidate).empty())
      return false;
    ++runs_;
    if (!fails_(candidate)) return false;
    best_ = std::move(candidate);
    ++taken_;
    return true;
  }

  bool take(const std::vector<Kept>& kept) {
    const auto linked = relink(configuration_, best_.program.commands, kept);
    if (!linked) return false;
    Drawn candidate = best_;
    candidate.program.commands = *linked;
    return take(std::move(candidate));
  }

  std::vector<Kept> all() const {
    std::vector<Kept> kept;
    for (std::size_t i = 0; i < best_.program.commands.size(); ++i)
      kept.push_back({i, best_.program.commands[i]});
    return kept;
  }

  // Parts of the program left out, halves first.
  void commands() {
    for (std::size_t size = best_.program.commands.size() / 2; size != 0; size /= 2) {
      for (std::size_t end = best_.program.commands.size(); end != 0 && !spent();) {
        const std::size_t first = end > size ? end - size : 0;
        std::vector<Kept> kept = all();
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(first),
                   kept.begin() + static_cast<std::ptrdiff_t>(end));
        take(kept);
        end = std::min(first, best_.program.commands.size());
      }
    }
  }

  void conditions() {
    Drawn plain = best_;
    plain.conditions = {};
    plain.program.ring->slots_log2 = 8;
    if (!(plain.conditions == best_.conditions && best_.program.ring->slots_log2 == 8)) {
      if (take(plain)) return;
      for (const ConditionEntry& entry : condition_table()) {
        Drawn candidate = best_;
        if (candidate.conditions.*entry.value == Conditions{}.*entry.value) continue;
        candidate.conditions.*entry.value = Conditions{}.*entry.value;
        if (candidate.conditions.read_latency_least <= candidate.conditions.read_latency_most &&
            candidate.conditions.write_latency_least <= candidate.conditions.write_latency_most)
          take(std::move(candidate));
      }
      Drawn candidate = best_;
      candidate.program.ring->slots_log2 = 8;
      if (best_.program.ring->slots_log2 != 8) take(std::move(candidate));
    }
  }

  // One field of a command; `also` fields of other commands follow it.
  template <typename Get, typename Set>
  void lower(std::size_t i, std::uint64_t least, Get get_field, Set set_field) {
    for (bool lower = true; lower && !spent();) {
      lower = false;
      const std::uint64_t value = get_field(best_.program.commands[i]);
      for (const std::uint64_t candidate : {least, value / 2, value - 1}) {
        if (candidate < least || candidate >= value) continue;
        std::vector<Kept> kept = all();
        set_field(kept, candidate);
        if (take(kept)) {
          lower = true;
          break;
        }
      }
    }
  }

#define LOWER(i, field, least)                                                              \
  lower(                                                                                    \
      i, least, [](const systolith_command_t& c) { return SYSTOLITH_GET(c.words, field); }, \
      [&](std::vector<Kept>& kept, std::uint64_t value) {                                   \
        SYSTOLITH_SET(kept[i].command.words, field, value);                                 \
      })

  void sizes() {
    for (std::size_t i = 0; i < best_.program.commands.size() && !spent(); ++i) {
      LOWER(i, HEADER_RECORD, 0);
      LOWER(i, HEADER_INTERRUPT, 0);
      const std::uint64_t kind = opcode(best_.program.commands[i]);
      if (kind == SYSTOLITH_OPCODE_MATRIX) {
        rows_together(i);
        LOWER(i, MATRIX_M, 1);
        LOWER(i, MATRIX_N, 1);
        LOWER(i, MATRIX_K, 1);
        LOWER(i, MATRIX_ACCUMULATE, 0);
        LOWER(i, MATRIX_STRIP_OUTER, 0);
        LOWER(i, MATRIX_C_PITCH, 0);
      } else if (kind != SYSTOLITH_OPCODE_NOP) {
        first_rows(i);
        LOWER(i, TRANSFER_COUNT_3, 1);
        LOWER(i, TRANSFER_COUNT_2, 1);
        LOWER(i, TRANSFER_COUNT_1, 1);
        LOWER(i, TRANSFER_COUNT_0, 1);
        LOWER(i, TRANSFER_RUN, 1);
        if (kind == SYSTOLITH_OPCODE_STORE) {
          plain_store(i);
          LOWER(i, STORE_RELU, 0);
        }
        unused(i);
      }
    }
  }

#undef LOWER

  // Rows of a product and of the commands that take them row by row.
  void rows_together(std::size_t i) {
    for (unsigned slot : {2U, 3U}) {
      const Sync signal = get(best_.program.commands[i], slot);
      if (signal.count == 0 || !signal.by_rows) continue;
      const auto waiters = [&](std::vector<Kept>& kept, auto body) {
        for (Kept& k : kept)
          for (unsigned wait : {0U, 1U})
            if (const Sync s = get(k.command, wait);
                s.count != 0 && s.by_rows && s.semaphore == signal.semaphore)
              body(k.command, wait);
      };
      lower(
          i, 1, [](const systolith_command_t& c) { return SYSTOLITH_GET(c.words, MATRIX_M); },
          [&](std::vector<Kept>& kept, std::uint64_t value) {
            SYSTOLITH_SET(kept[i].command.words, MATRIX_M, value);
            waiters(kept, [&](systolith_command_t& c, unsigned) {
              SYSTOLITH_SET(c.words, TRANSFER_COUNT_0, value);
            });
          });
      // All at once instead of row by row.
      std::vector<Kept> kept = all();
      set(kept[i].command, slot, {1, signal.semaphore, false, 0});
      waiters(kept, [&](systolith_command_t& c, unsigned wait) {
        set(c, wait, {1, signal.semaphore, false, 0});
      });
      take(kept);
    }
  }

  // The first turns of the outermost loop left out; the other rows stay where they are.
  void first_rows(std::size_t i) {
    for (bool fewer = true; fewer && !spent();) {
      fewer = false;
      const std::uint64_t* w = best_.program.commands[i].words;
      const std::uint64_t counts[4] = {
          SYSTOLITH_GET(w, TRANSFER_COUNT_0), SYSTOLITH_GET(w, TRANSFER_COUNT_1),
          SYSTOLITH_GET(w, TRANSFER_COUNT_2), SYSTOLITH_GET(w, TRANSFER_COUNT_3)};
      unsigned loop = 3;
      while (loop != 0 && counts[loop] == 1) --loop;
      std::uint64_t inner = 1;
      for (unsigned d = 0; d < loop; ++d) inner *= counts[d];
      for (const std::uint64_t turns : {counts[loop] / 2, std::uint64_t{1}}) {
        if (turns == 0 || turns >= counts[loop]) continue;
        std::vector<Kept> kept = all();
        std::uint64_t* c = kept[i].command.words;
        systolith_field_set(
            c, loop < 2 ? SYSTOLITH_TRANSFER_COUNT_0_WORD : SYSTOLITH_TRANSFER_COUNT_2_WORD,
            loop % 2 * 32, 32, counts[loop] - turns);
        SYSTOLITH_SET(c, TRANSFER_LOCAL_BASE,
                      SYSTOLITH_GET(c, TRANSFER_LOCAL_BASE) +
                          turns * inner * SYSTOLITH_GET(c, TRANSFER_LOCAL_PITCH));
        SYSTOLITH_SET(c, TRANSFER_ADDRESS,
                      SYSTOLITH_GET(c, TRANSFER_ADDRESS) +
                          turns * c[SYSTOLITH_TRANSFER_STRIDE_0_WORD + loop]);
        fewer = take(kept);
        if (fewer) break;
      }
    }
  }

  // A conversion less: the run then has the same columns of 4 bytes.
  void plain_store(std::size_t i) {
    const systolith_command_t& c = best_.program.commands[i];
    if (SYSTOLITH_GET(c.words, STORE_SCALE_PER_COLUMN) != 0) {
      std::vector<Kept> kept = all();
      SYSTOLITH_SET(kept[i].command.words, STORE_SCALE_PER_COLUMN, 0);
      SYSTOLITH_SET(kept[i].command.words, STORE_SCALE_LINE, 0);
      SYSTOLITH_SET(kept[i].command.words, STORE_SCALE, 0x3f800000);  // 1.0
      take(kept);
    }
    const std::uint64_t conversion =
        SYSTOLITH_GET(best_.program.commands[i].words, STORE_CONVERSION);
    if (conversion == SYSTOLITH_CONVERSION_RAW) return;
    std::vector<Kept> kept = all();
    std::uint64_t* w = kept[i].command.words;
    const std::uint64_t run = SYSTOLITH_GET(w, TRANSFER_RUN);
    SYSTOLITH_SET(w, STORE_CONVERSION, SYSTOLITH_CONVERSION_RAW);
    SYSTOLITH_SET(w, STORE_SCALE_PER_COLUMN, 0);
    SYSTOLITH_SET(w, STORE_SCALE_LINE, 0);
    SYSTOLITH_SET(w, STORE_SCALE, 0);
    SYSTOLITH_SET(w, TRANSFER_RUN, run * (conversion == SYSTOLITH_CONVERSION_BF16 ? 2 : 4));
    take(kept);
  }

  // Strides and pitches of loops with one turn mean nothing.
  void unused(std::size_t i) {
    std::vector<Kept> kept = all();
    std::uint64_t* w = kept[i].command.words;
    const std::uint64_t counts[4] = {
        SYSTOLITH_GET(w, TRANSFER_COUNT_0), SYSTOLITH_GET(w, TRANSFER_COUNT_1),
        SYSTOLITH_GET(w, TRANSFER_COUNT_2), SYSTOLITH_GET(w, TRANSFER_COUNT_3)};
    bool changed = false;
    for (unsigned loop = 0; loop < 4; ++loop) {
      std::uint64_t& stride = w[SYSTOLITH_TRANSFER_STRIDE_0_WORD + loop];
      changed = changed || (counts[loop] == 1 && stride != 0);
      if (counts[loop] == 1) stride = 0;
    }
    if (changed) take(kept);
  }

  // Waits and signals that nothing needs.
  void semaphores() {
    Drawn candidate = best_;
    std::array<bool, 256> waited{};
    for (const systolith_command_t& c : candidate.program.commands)
      for (unsigned slot : {0U, 1U})
        if (const Sync sync = get(c, slot); sync.count != 0) waited[sync.semaphore] = true;
    bool changed = false;
    for (systolith_command_t& c : candidate.program.commands)
      for (unsigned slot : {2U, 3U})
        if (const Sync sync = get(c, slot); sync.count != 0 && !waited[sync.semaphore]) {
          set(c, slot, {});
          changed = true;
        }
    if (changed) take(std::move(candidate));
    for (std::size_t i = 0; i < best_.program.commands.size(); ++i)
      for (unsigned slot : {0U, 1U}) {
        if (get(best_.program.commands[i], slot).count == 0) continue;
        Drawn fewer = best_;
        set(fewer.program.commands[i], slot, {});
        take(std::move(fewer));
      }
  }

  bool take_image(const std::vector<std::uint8_t>& image, std::uint8_t fill) {
    Drawn candidate = best_;
    candidate.program.contents = contents_of(candidate.program.commands, image, fill);
    if (!take(std::move(candidate))) return false;
    image_ = image;
    return true;
  }

  // Inputs set to zero, in halves first; only what commands read is kept.
  void values() {
    std::uint8_t fill = 0xA5;
    std::vector<std::uint8_t> image = image_;
    for (std::uint64_t i = kInputs - kBase; i < kBytes; ++i)
      if (image[i] == fill) image[i] = 0;
    if (take_image(image, 0))
      fill = 0;
    else if (!take_image(image_, fill))
      return;
    std::vector<std::size_t> places;
    const auto find_places = [&] {
      places.clear();
      std::vector<std::uint8_t> read(kBytes);
      for (const program::Contents& contents : best_.program.contents)
        if (const auto* bytes = std::get_if<std::vector<std::byte>>(&contents.data))
          for (std::size_t i = 0; i < bytes->size(); ++i) {
            const std::size_t at = contents.address - kBase + i;
            if (image_[at] != 0) places.push_back(at);
          }
    };
    find_places();
    for (std::size_t size = places.size(); size != 0; size /= 2)
      for (std::size_t end = places.size(); end != 0 && !spent();) {
        const std::size_t first = end > size ? end - size : 0;
        image = image_;
        for (std::size_t i = first; i < end; ++i) image[places[i]] = 0;
        take_image(image, fill);
        end = first;
      }
  }

  Drawn best_;
  std::vector<std::uint8_t> image_;
  model::Configuration configuration_;
  const std::function<bool(const Drawn&)>& fails_;
  ShrinkLimits limits_;
  std::chrono::steady_clock::time_point end_;
  unsigned runs_ = 0, taken_ = 0;
};

}  // namespace

Shrunk shrink(const Drawn& drawn, const std::function<bool(const Drawn&)>& fails,
              const ShrinkLimits& limits) {
  return Shrinker(drawn, fails, limits).run();
}

}  // namespace systolith::regress
