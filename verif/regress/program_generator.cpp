#include "program_generator.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace systolith::regress {
namespace {

using library::LoadStep;
using library::MatrixStep;
using library::StoreStep;
using library::Sync;

constexpr int kLoad = 0, kMatrix = 1, kStore = 2;
constexpr std::uint8_t kFp32 = 1, kInt32 = 2;

std::uint8_t semaphore(int from, int to) { return static_cast<std::uint8_t>(from * 3 + to); }

// The other two units, in order.
std::array<int, 2> others(int unit) {
  return unit == 0 ? std::array{1, 2} : unit == 1 ? std::array{0, 2} : std::array{0, 1};
}

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

}  // namespace

std::vector<std::uint8_t> fresh_memory(std::uint64_t seed, unsigned special) {
  std::vector<std::uint8_t> memory(kBytes, 0xA5);
  std::mt19937_64 random(seed);
  for (std::uint64_t at = kInputs - kBase; at < kScales - kBase; at += 8) {
    // BF16 values of usual size mostly, any bits sometimes; as INT8 they are what they are.
    std::uint64_t word = random();
    if (special == 0 || word % special != 0)
      word = (word & 0x80ff80ff80ff80ff) | 0x3f003f003f003f00;
    std::memcpy(memory.data() + at, &word, 8);
  }
  for (std::uint64_t at = kScales - kBase; at < kOutputs - kBase; at += 4) {
    // One draw a statement: the order within one is the compiler's.
    const int exponent = -static_cast<int>(random() % 20);
    const float scale = std::ldexp(1.0F + static_cast<float>(random() % 4096) / 4096, exponent);
    std::memcpy(memory.data() + at, &scale, 4);
  }
  return memory;
}

ProgramGenerator::ProgramGenerator(const std::string& configuration, std::uint64_t seed,
                                   const Weights& weights)
    : c_(model::Configuration::named(configuration)), w_(weights), random_(seed) {
  // A part of the memories, so that places are used again and again.
  lines_.resize(std::min(c_.scratchpad_lines, w_.lines));
  rows_.resize(std::min(c_.accumulator_rows, w_.rows));
  contents_.resize(rows_.size());
  for (Row& row : contents_) row.defined.assign(c_.cols, true);
  program_.memory = fresh_memory(seed, w_.special);
}

unsigned ProgramGenerator::rows_of(const library::Transfer& t) const {
  return t.count[0] * t.count[1] * t.count[2] * t.count[3];
}

bool ProgramGenerator::place_reads(library::Transfer& t, unsigned most_rows, std::uint64_t first,
                                   std::uint64_t end) {
  for (int tries = 0; tries < 50; ++tries) {
    unsigned left = most_rows;
    std::int64_t low = 0, high = t.run - 1;
    for (int d = 0; d < 4; ++d) {
      t.count[d] = static_cast<std::uint32_t>(
          chance(d == 0 ? 80 : 30) ? pick(1, std::min(left, w_.loop)) : 1);
      left /= t.count[d];
      switch (random_() % 5) {
        case 0:
          t.stride[d] = t.run;
          break;
        case 1:
          t.stride[d] = static_cast<std::int64_t>(pick(0, 4 * t.run));
          break;
        case 2:
          t.stride[d] = -static_cast<std::int64_t>(pick(0, 600));
          break;
        case 3:
          t.stride[d] = static_cast<std::int64_t>(pick(0, 5000));
          break;
        default:
          t.stride[d] = 64 * static_cast<std::int64_t>(pick(1, 8));
      }
      const std::int64_t reach = t.stride[d] * (static_cast<std::int64_t>(t.count[d]) - 1);
      (reach < 0 ? low : high) += reach;
    }
    const auto extent = static_cast<std::uint64_t>(high - low + 1);
    if (extent > end - first) continue;
    t.address = first + pick(0, end - first - extent) + static_cast<std::uint64_t>(-low);
    return true;
  }
  return false;
}

void ProgramGenerator::need_read(const std::vector<Place>& places, std::uint64_t first,
                                 std::uint64_t count, int unit) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    const Place& p = places[i];
    if (p.writer >= 0 && p.writer != unit) need_[p.writer] = std::max(need_[p.writer], p.write);
  }
}

void ProgramGenerator::need_write(const std::vector<Place>& places, std::uint64_t first,
                                  std::uint64_t count, int unit) {
  need_read(places, first, count, unit);
  for (std::uint64_t i = first; i < first + count; ++i)
    for (int other : others(unit)) need_[other] = std::max(need_[other], places[i].reads[other]);
}

void ProgramGenerator::note_read(std::vector<Place>& places, std::uint64_t first,
                                 std::uint64_t count, int unit) {
  for (std::uint64_t i = first; i < first + count; ++i) places[i].reads[unit] = issued_[unit] + 1;
}

void ProgramGenerator::note_write(std::vector<Place>& places, std::uint64_t first,
                                  std::uint64_t count, int unit) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    places[i].writer = unit;
    places[i].write = issued_[unit] + 1;
    places[i].reads = {};
  }
}

void ProgramGenerator::fill_waits(Sync wait[2], int unit) {
  unsigned n = 0;
  for (int other : others(unit)) {
    // Now and then more than is needed: all that came before.
    if (chance(w_.wait_for_all)) need_[other] = issued_[other];
    if (need_[other] > waited_[unit][other]) {
      wait[n++] = {static_cast<std::uint16_t>(need_[other] - waited_[unit][other]),
                   semaphore(other, unit), false, 0};
      waited_[unit][other] = need_[other];
    }
  }
  if (n == 2 && chance(50)) std::swap(wait[0], wait[1]);
}

template <typename Step>
void ProgramGenerator::append(Step step, int unit) {
  fill_waits(step.wait, unit);
  const auto to = others(unit);
  for (int i = 0; i < 2; ++i)
    step.signal[i] = {1, semaphore(unit, to[static_cast<std::size_t>(i)]), false, 0};
  systolith_command_t command = library::encode(library::Step(step));
  SYSTOLITH_SET(command.words, HEADER_RECORD, chance(w_.record) ? 1 : 0);
  SYSTOLITH_SET(command.words, HEADER_INTERRUPT, chance(w_.interrupt) ? 1 : 0);
  program_.commands.push_back(command);
  ++issued_[unit];
  written_.resize(program_.commands.size());
  need_ = {};
}

bool ProgramGenerator::add_load(bool accumulators) {
  LoadStep step;
  step.accumulators = accumulators;
  library::Transfer& t = step.transfer;
  const std::uint64_t places = accumulators ? rows_.size() : lines_.size();
  if (accumulators) {
    t.run = static_cast<std::uint32_t>(4 * pick(1, c_.cols));
    step.tag = static_cast<std::uint8_t>(pick(1, 2));
  } else {
    t.run = static_cast<std::uint32_t>(chance(20) ? pick(1, 3) * c_.line_bytes()
                                                  : pick(1, 3 * c_.line_bytes()));
  }
  // From the inputs, or from what an earlier command stored.
  std::uint64_t first = kInputs, end = kScales;
  if (!outputs_.empty() && chance(w_.load_stored)) {
    const Output& output = outputs_[random_() % outputs_.size()];
    if (output.extent.last - output.extent.first + 1 >= t.run) {
      first = output.extent.first;
      end = output.extent.last + 1;
      need_[kStore] = std::max(need_[kStore], output.store);
    }
  }
  if (!place_reads(t, static_cast<unsigned>(std::min<std::uint64_t>(places, 40)), first, end))
    return false;
  const std::uint64_t span = accumulators ? 1 : ceil_div(t.run, c_.line_bytes());
  const unsigned rows = rows_of(t);
  t.local_pitch =
      static_cast<std::uint32_t>(chance(15) ? pick(0, span) : span + (chance(30) ? pick(0, 2) : 0));
  const std::uint64_t local = std::uint64_t{rows - 1} * t.local_pitch + span;
  if (local > places) return false;
  t.local_base = static_cast<std::uint32_t>(pick(0, places - local));
  auto& used = accumulators ? rows_ : lines_;
  need_write(used, t.local_base, local, kLoad);
  for (unsigned i = 0; i < rows; ++i) {
    const std::uint64_t at = t.local_base + std::uint64_t{i} * t.local_pitch;
    note_write(used, at, span, kLoad);
    if (accumulators) {
      contents_[at].tag = step.tag;
      for (std::uint32_t column = 0; column < t.run / 4; ++column)
        contents_[at].defined[column] = true;
    } else if (scale_line_ != ~0U && at < scale_line_ + ceil_div(4 * c_.cols, c_.line_bytes()) &&
               at + span > scale_line_) {
      scale_line_ = ~0U;
    }
  }
  append(step, kLoad);
  return true;
}

bool ProgramGenerator::add_scales() {
  LoadStep step;
  library::Transfer& t = step.transfer;
  t.run = 4 * c_.cols;
  t.address = kScales + 4 * pick(0, 1000);
  const std::uint64_t span = ceil_div(t.run, c_.line_bytes());
  if (span > lines_.size()) return false;
  t.local_base = static_cast<std::uint32_t>(pick(0, lines_.size() - span));
  need_write(lines_, t.local_base, span, kLoad);
  note_write(lines_, t.local_base, span, kLoad);
  scale_line_ = t.local_base;
  append(step, kLoad);
  return true;
}

bool ProgramGenerator::add_matrix() {
  MatrixStep s;
  const bool int8 = c_.format_int8 && (!c_.format_bf16 || chance(w_.int8));
  const unsigned bytes = int8 ? 1 : 2;
  s.format = int8 ? library::Format::int8 : library::Format::bf16;
  s.strip_outer = chance(w_.strip_outer);
  s.m = static_cast<std::uint32_t>(pick(1, w_.m));
  s.n = static_cast<std::uint32_t>(pick(1, 2 * c_.cols + 2));
  s.k = static_cast<std::uint32_t>(pick(1, 2 * c_.block_k(int8) + 3));
  const std::uint64_t a_span = ceil_div(std::uint64_t{s.k} * bytes, c_.line_bytes());
  const std::uint64_t b_span = ceil_div(std::uint64_t{s.n} * bytes, c_.line_bytes());
  s.a_pitch = static_cast<std::uint32_t>(chance(20) ? pick(0, a_span) : a_span);
  s.b_pitch = static_cast<std::uint32_t>(chance(10) ? pick(0, b_span) : b_span);
  const std::uint64_t a_lines = std::uint64_t{s.m - 1} * s.a_pitch + a_span;
  const std::uint64_t b_lines = std::uint64_t{s.k - 1} * s.b_pitch + b_span;
  const std::uint64_t strips = ceil_div(s.n, c_.cols);
  s.c_pitch = static_cast<std::uint32_t>(s.m + pick(0, 2));
  const std::uint64_t c_rows = (strips - 1) * s.c_pitch + s.m;
  if (a_lines > lines_.size() || b_lines > lines_.size() || c_rows > rows_.size()) return false;
  s.a_base = static_cast<std::uint32_t>(pick(0, lines_.size() - a_lines));
  s.b_base = static_cast<std::uint32_t>(pick(0, lines_.size() - b_lines));
  s.c_base = static_cast<std::uint32_t>(pick(0, rows_.size() - c_rows));
  const std::uint8_t tag = int8 ? kInt32 : kFp32;
  bool may_continue = true;
  for (std::uint64_t strip = 0; strip < strips; ++strip)
    for (std::uint32_t m = 0; m < s.m; ++m) {
      const std::uint8_t old = contents_[s.c_base + strip * s.c_pitch + m].tag;
      if (old != 0 && old != tag) may_continue = false;
    }
  s.accumulate = may_continue && chance(w_.accumulate);

  need_read(lines_, s.a_base, a_lines, kMatrix);
  need_read(lines_, s.b_base, b_lines, kMatrix);
  for (std::uint64_t strip = 0; strip < strips; ++strip)
    need_write(rows_, s.c_base + strip * s.c_pitch, s.m, kMatrix);
  note_read(lines_, s.a_base, a_lines, kMatrix);
  note_read(lines_, s.b_base, b_lines, kMatrix);
  for (std::uint64_t strip = 0; strip < strips; ++strip) {
    note_write(rows_, s.c_base + strip * s.c_pitch, s.m, kMatrix);
    const std::uint64_t valid = std::min<std::uint64_t>(c_.cols, s.n - strip * c_.cols);
    for (std::uint32_t m = 0; m < s.m; ++m) {
      Row& row = contents_[s.c_base + strip * s.c_pitch + m];
      row.tag = tag;
      for (unsigned column = 0; column < c_.cols; ++column)
        row.defined[column] = column < valid && (!s.accumulate || row.defined[column]);
    }
  }
  append(s, kMatrix);
  return true;
}

bool ProgramGenerator::add_store(bool accumulators) {
  StoreStep s;
  s.accumulators = accumulators;
  library::Transfer& t = s.transfer;
  std::uint64_t local = 0;
  unsigned rows = 0;
  std::uint64_t span = 1;
  if (accumulators) {
    rows = static_cast<unsigned>(pick(1, std::min<std::uint64_t>(rows_.size(), 12)));
    t.local_pitch = static_cast<std::uint32_t>(chance(20) ? pick(0, 2) : 1);
    local = std::uint64_t{rows - 1} * t.local_pitch + 1;
    if (local > rows_.size()) return false;
    t.local_base = static_cast<std::uint32_t>(pick(0, rows_.size() - local));
    unsigned columns = c_.cols;
    bool fp32 = true, int32 = true;
    for (unsigned i = 0; i < rows; ++i) {
      const Row& row = contents_[t.local_base + std::uint64_t{i} * t.local_pitch];
      const auto hole = std::find(row.defined.begin(), row.defined.end(), false);
      columns = std::min(columns, static_cast<unsigned>(hole - row.defined.begin()));
      fp32 = fp32 && row.tag != kInt32;
      int32 = int32 && row.tag != kFp32;
    }
    if (columns == 0) return false;
    columns = static_cast<unsigned>(pick(1, columns));
    if (int32 && chance(w_.convert)) {
      s.conversion = SYSTOLITH_CONVERSION_INT8;
      if (scale_line_ != ~0U && chance(w_.scale_per_column)) {
        s.scale_per_column = true;
        s.scale_line = scale_line_;
      } else {
        // Powers of two bring ties to the rounding, which other scales hardly ever do.
        const float fraction = static_cast<float>(random_() % 512) / 512;
        const int exponent = -static_cast<int>(random_() % 20);
        s.scale = std::ldexp(chance(w_.scale_power_of_two) ? 1.0F : 1.0F + fraction, exponent);
      }
    } else if (fp32 && chance(w_.convert)) {
      s.conversion = SYSTOLITH_CONVERSION_BF16;
    }
    s.relu = chance(w_.relu);
    t.run = columns * (s.conversion == SYSTOLITH_CONVERSION_RAW    ? 4
                       : s.conversion == SYSTOLITH_CONVERSION_BF16 ? 2
                                                                   : 1);
  } else {
    t.run = static_cast<std::uint32_t>(pick(1, 2 * c_.line_bytes()));
    span = ceil_div(t.run, c_.line_bytes());
    rows = static_cast<unsigned>(pick(1, 8));
    t.local_pitch = static_cast<std::uint32_t>(chance(20) ? pick(0, span) : span);
    local = std::uint64_t{rows - 1} * t.local_pitch + span;
    if (local > lines_.size()) return false;
    t.local_base = static_cast<std::uint32_t>(pick(0, lines_.size() - local));
  }
  // Loops: all rows in one, or split where they divide. Rows may touch, leave gaps, run backwards
  // or overlap.
  t.count[0] = rows;
  for (unsigned d : {2U, 3U})
    if (rows % d == 0 && chance(40)) {
      t.count[0] = rows / d;
      t.count[1] = d;
      break;
    }
  const unsigned kind = static_cast<unsigned>(random_() % 8);
  const std::int64_t step = kind < 3   ? t.run
                            : kind < 6 ? static_cast<std::int64_t>(t.run + pick(0, 70))
                            : kind < 7 ? -static_cast<std::int64_t>(t.run + pick(0, 9))
                                       : static_cast<std::int64_t>(pick(0, t.run));
  t.stride[0] = step;
  t.stride[1] = step * static_cast<std::int64_t>(t.count[0]) + (chance(30) ? 13 : 0);
  std::int64_t low = 0, high = t.run - 1;
  for (int d = 0; d < 2; ++d) {
    const std::int64_t reach = t.stride[d] * (static_cast<std::int64_t>(t.count[d]) - 1);
    (reach < 0 ? low : high) += reach;
  }
  const std::uint64_t first = next_output_ + pick(0, 80);
  const std::uint64_t last = first + static_cast<std::uint64_t>(high - low);
  if (last >= kBase + kBytes) return false;
  t.address = first + static_cast<std::uint64_t>(-low);
  next_output_ = last + 1;

  if (s.scale_per_column) {
    const std::uint64_t lines = ceil_div(4 * c_.cols, c_.line_bytes());
    need_read(lines_, s.scale_line, lines, kStore);
    note_read(lines_, s.scale_line, lines, kStore);
  }
  auto& used = accumulators ? rows_ : lines_;
  for (unsigned i = 0; i < rows; ++i) {
    need_read(used, t.local_base + std::uint64_t{i} * t.local_pitch, span, kStore);
    note_read(used, t.local_base + std::uint64_t{i} * t.local_pitch, span, kStore);
  }
  outputs_.push_back({{first, last}, issued_[kStore] + 1});
  append(s, kStore);
  written_.back().push_back({first, last});
  return true;
}

// A product of one block and one strip, whose rows the store follows as they come; both know what
// was before.
bool ProgramGenerator::add_pair_by_rows() {
  if (!add_matrix()) return false;
  systolith_command_t& matrix = program_.commands.back();
  const auto m = static_cast<std::uint32_t>(SYSTOLITH_GET(matrix.words, MATRIX_M));
  const auto n = static_cast<std::uint32_t>(SYSTOLITH_GET(matrix.words, MATRIX_N));
  const auto k = static_cast<std::uint32_t>(SYSTOLITH_GET(matrix.words, MATRIX_K));
  const bool int8 = SYSTOLITH_GET(matrix.words, MATRIX_FORMAT) == SYSTOLITH_FORMAT_INT8;
  const auto base = static_cast<std::uint32_t>(SYSTOLITH_GET(matrix.words, MATRIX_C_BASE));
  if (n > c_.cols || k > c_.block_k(int8)) return true;
  // All earlier matrix commands must be waited for, so that the rest of the semaphore is this one's
  // rows.
  if (waited_[kStore][kMatrix] != issued_[kMatrix] - 1) return true;
  unsigned columns = 0;
  while (columns < n && contents_[base].defined[columns]) ++columns;
  for (std::uint32_t row = 0; row < m; ++row)
    for (unsigned column = 0; column < columns; ++column)
      if (!contents_[base + row].defined[column]) columns = column;
  if (columns == 0) return true;

  const auto log2 = static_cast<std::uint8_t>(pick(0, 3));
  Sync sync{1, semaphore(kMatrix, kStore), true, log2};
  std::uint64_t word = 0;
  SYSTOLITH_SET(&word, SYNC_COUNT, sync.count);
  SYSTOLITH_SET(&word, SYNC_SEMAPHORE, sync.semaphore);
  SYSTOLITH_SET(&word, SYNC_ROWS_LOG2, sync.rows_log2);
  SYSTOLITH_SET(&word, SYNC_BY_ROWS, 1);
  StoreStep s;
  s.accumulators = true;
  s.relu = chance(w_.relu);
  if (!int8 && chance(50)) s.conversion = SYSTOLITH_CONVERSION_BF16;
  library::Transfer& t = s.transfer;
  t.run = columns * (s.conversion == SYSTOLITH_CONVERSION_RAW ? 4 : 2);
  t.local_base = base;
  t.local_pitch = 1;
  t.count[0] = m;
  t.stride[0] = t.run + static_cast<std::int64_t>(pick(0, 40));
  const std::uint64_t first = next_output_ + pick(0, 80);
  const std::uint64_t last = first + static_cast<std::uint64_t>(t.stride[0]) * (m - 1) + t.run - 1;
  if (last >= kBase + kBytes) return true;
  // Signal 1 of a matrix command is the one to the store unit.
  SYSTOLITH_SET(matrix.words, HEADER_SIGNAL_1, word);
  t.address = first;
  next_output_ = last + 1;
  note_read(rows_, base, m, kStore);
  outputs_.push_back({{first, last}, issued_[kStore] + 1});
  need_ = {};
  // The wait by rows takes the matrix unit's place; `fill_waits` may add one on the load unit.
  waited_[kStore][kMatrix] = issued_[kMatrix];
  append(s, kStore);
  std::uint64_t* words = program_.commands.back().words;
  if (SYSTOLITH_GET(words, HEADER_WAIT_0) == 0) {
    SYSTOLITH_SET(words, HEADER_WAIT_0, word);
  } else {
    SYSTOLITH_SET(words, HEADER_WAIT_1, word);
  }
  written_.back().push_back({first, last});
  return true;
}

Program ProgramGenerator::generate(unsigned count) {
  // Something to work with first.
  for (int i = 0; i < 3; ++i) add_load(false);
  for (unsigned tries = 0; program_.commands.size() < count && tries < 40 * count; ++tries) {
    need_ = {};
    std::uint64_t kind = random_() % w_.kinds();
    const auto is = [&](unsigned share) {
      if (kind < share) return true;
      kind -= share;
      return false;
    };
    if (is(w_.load)) {
      add_load(false);
    } else if (is(w_.load_sums)) {
      add_load(true);
    } else if (is(w_.load_scales)) {
      add_scales();
    } else if (is(w_.matrix)) {
      add_matrix();
    } else if (is(w_.matrix_by_rows)) {
      add_pair_by_rows();
    } else if (is(w_.store_sums)) {
      add_store(true);
    } else if (is(w_.store_lines)) {
      add_store(false);
    } else {
      systolith_command_t nop{};
      SYSTOLITH_SET(nop.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
      SYSTOLITH_SET(nop.words, HEADER_OPCODE, SYSTOLITH_OPCODE_NOP);
      SYSTOLITH_SET(nop.words, HEADER_RECORD, chance(50) ? 1 : 0);
      SYSTOLITH_SET(nop.words, HEADER_INTERRUPT, chance(50) ? 1 : 0);
      program_.commands.push_back(nop);
      written_.resize(program_.commands.size());
    }
  }
  return program_;
}

}  // namespace systolith::regress
