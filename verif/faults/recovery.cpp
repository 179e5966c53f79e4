// The next context on a device after an injection.
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "program_generator.hpp"
#include "systolith/library/encode.hpp"
#include "systolith/registers.h"
#include "verdict.hpp"

namespace systolith::faults {
namespace {

using library::LoadStep;
using library::MatrixStep;
using library::StoreStep;
using library::Sync;
using regress::kBase;
using regress::kBytes;
using regress::kInputs;
using regress::kOutputs;

constexpr std::uint64_t kZeros = kBase + kBytes - 64;  // what gives rows a tag

Sync sync(std::uint8_t semaphore, std::uint16_t count = 1) { return {count, semaphore, false, 0}; }

/// Dense on both sides.
library::Transfer rows_of(std::uint64_t address, std::uint32_t run, std::uint32_t rows,
                          std::uint32_t pitch = 1) {
  library::Transfer t;
  t.address = address;
  t.run = run;
  t.local_pitch = pitch;
  t.count[0] = rows;
  t.stride[0] = run;
  return t;
}

systolith_command_t encoded(const library::Step& step) {
  systolith_command_t command = library::encode(step);
  SYSTOLITH_SET(command.words, HEADER_RECORD, 1);
  return command;
}

/// Memory and host at their plainest, and fast.
regress::Drawn plain(const std::string& configuration, std::vector<systolith_command_t> commands,
                     bool inputs) {
  regress::Drawn drawn;
  drawn.configuration = configuration;
  drawn.conditions.read_latency_least = drawn.conditions.read_latency_most = 20;
  drawn.conditions.write_latency_least = drawn.conditions.write_latency_most = 20;
  program::Program& p = drawn.program;
  p.configuration = configuration;
  p.ring = program::Ring{regress::kRing, 4, regress::kRecords};
  // All three, so that none of the last context stays.
  p.windows = {{0, regress::kRing, kInputs - 1, true, true},
               {1, kInputs, kOutputs - 1, inputs, false},
               {2, kOutputs, kBase + kBytes - 1, true, true}};
  p.commands = std::move(commands);
  return drawn;
}

/// Stores all that the memories hold, and the tags in their way.
struct Dump {
  regress::Drawn drawn;
  std::uint64_t bytes = 0;  // from kOutputs: zeros after a reset
};

Dump dump(const std::string& configuration) {
  const model::Configuration c = model::Configuration::named(configuration);
  std::uint64_t next = kOutputs;
  std::vector<systolith_command_t> commands;
  const auto place = [&](StoreStep& store, std::uint32_t run, std::uint32_t rows) {
    store.transfer = rows_of(next, run, rows);
    next += std::uint64_t{run} * rows;
  };
  StoreStep lines;
  lines.accumulators = false;
  place(lines, static_cast<std::uint32_t>(c.scratchpad_bytes()), 1);
  commands.push_back(encoded(lines));
  // A row with the tag of the other type is a fault.
  StoreStep as_bf16;
  as_bf16.conversion = SYSTOLITH_CONVERSION_BF16;
  place(as_bf16, 2 * c.cols, c.accumulator_rows);
  commands.push_back(encoded(as_bf16));
  StoreStep as_int8;
  as_int8.conversion = SYSTOLITH_CONVERSION_INT8;
  as_int8.scale = 1.0F;
  as_int8.signal[0] = sync(2);
  place(as_int8, c.cols, c.accumulator_rows);
  commands.push_back(encoded(as_int8));
  // Rows without a tag read as zeros: a tag with one column lets the others be seen.
  LoadStep tags;
  tags.accumulators = true;
  tags.tag = SYSTOLITH_TAG_FP32;
  tags.transfer = rows_of(kZeros, 4, c.accumulator_rows);
  tags.transfer.stride[0] = 0;
  tags.wait[0] = sync(2);
  tags.signal[0] = sync(6);
  commands.push_back(encoded(tags));
  StoreStep raw;
  raw.wait[0] = sync(6);
  place(raw, 4 * c.cols, c.accumulator_rows);
  commands.push_back(encoded(raw));
  Dump d{plain(configuration, std::move(commands), false), next - kOutputs};
  d.drawn.program.contents = {{kInputs, program::FillValue{kBase + kBytes - kInputs, 0xA5}},
                              {kZeros, program::FillValue{4, 0}}};
  return d;
}

regress::Drawn product(const std::string& configuration, std::uint64_t seed) {
  const model::Configuration c = model::Configuration::named(configuration);
  std::mt19937_64 random(seed ^ 0xABCDEF);
  const auto pick = [&](std::uint32_t least, std::uint32_t most) {
    return static_cast<std::uint32_t>(least + random() % (most - least + 1));
  };
  const bool int8 = c.format_int8 && (!c.format_bf16 || random() % 2 != 0);
  const std::uint32_t bytes = int8 ? 1 : 2, half = c.scratchpad_lines / 2;
  MatrixStep m;
  std::uint32_t a_span = 0, b_span = 0;
  do {
    m.m = pick(1, 8);
    m.n = pick(1, 2 * c.cols + 1);
    m.k = pick(1, 2 * c.block_k(int8) + 1);
    a_span = (m.k * bytes + c.line_bytes() - 1) / c.line_bytes();
    b_span = (m.n * bytes + c.line_bytes() - 1) / c.line_bytes();
  } while (m.m * a_span > half || m.k * b_span > half);
  m.format = int8 ? library::Format::int8 : library::Format::bf16;
  m.a_pitch = a_span;
  m.b_base = half;
  m.b_pitch = b_span;
  m.c_pitch = m.m;
  LoadStep a, b;
  a.transfer = rows_of(kInputs + pick(0, 999), m.k * bytes, m.m, a_span);
  b.transfer = rows_of(kInputs + 0x4000 + pick(0, 999), m.n * bytes, m.k, b_span);
  b.transfer.local_base = half;
  // Bound the other way round than in random programs.
  a.signal[0] = b.signal[0] = sync(5);
  m.wait[0] = sync(5, 2);
  m.signal[0] = sync(1);
  std::vector<systolith_command_t> commands = {encoded(a), encoded(b), encoded(m)};
  std::uint64_t to = kOutputs + pick(0, 99);
  for (std::uint32_t column = 0; column < m.n; column += c.cols) {
    StoreStep d;
    if (column == 0) d.wait[0] = sync(1);
    d.transfer = rows_of(to, 4 * std::min(c.cols, m.n - column), m.m);
    d.transfer.local_base = column / c.cols * m.c_pitch;
    to += std::uint64_t{d.transfer.run} * m.m;
    commands.push_back(encoded(d));
  }
  const std::vector<std::uint8_t> image = regress::fresh_memory(seed);
  std::vector<program::Contents> contents = regress::contents_of(commands, image, 0xA5);
  regress::Drawn drawn = plain(configuration, std::move(commands), true);
  drawn.program.contents = std::move(contents);
  return drawn;
}

void run(Session& session, const regress::Drawn& drawn, const char* what) {
  const End end = session.run_plain(drawn);
  if (end == End::broken) throw Wrong("assertion", fmt::format("{}: {}", what, session.text()));
  if (end == End::hung) throw Wrong("hang", fmt::format("{} after recovery does not end", what));
  const regress::Seen seen = regress::look(session.device(), *drawn.program.ring);
  if (const auto difference = regress::difference_of(drawn, seen, regress::run_model(drawn).seen))
    throw Wrong("recovery", fmt::format("{} after recovery: {}", what, difference->text));
}

}  // namespace

void check_off(Session& session, const char* when, bool device) {
  const auto expect = [&](std::uint32_t offset, std::uint32_t value) {
    if (const std::uint32_t has = session.read32(offset); has != value)
      throw Wrong("recovery", fmt::format("{}: register {:#x} is {:#x}", when, offset, has));
  };
  for (const std::uint32_t offset :
       {SYSTOLITH_REGISTER_STATUS, SYSTOLITH_REGISTER_COMPLETED, SYSTOLITH_REGISTER_FAULT,
        SYSTOLITH_REGISTER_FAULT_INDEX, SYSTOLITH_REGISTER_FAULT_ADDRESS_LO,
        SYSTOLITH_REGISTER_CONTROL})
    expect(offset, 0);
  if (device) {
    for (std::uint32_t window = 0; window < 3; ++window)
      expect(SYSTOLITH_REGISTER_WINDOW_PERMIT + window * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE,
             0);
    expect(SYSTOLITH_REGISTER_IRQ_STATUS, 0);
    expect(SYSTOLITH_REGISTER_RING_LO, 0);
    expect(SYSTOLITH_REGISTER_BUS_TIMEOUT, SYSTOLITH_BUS_TIMEOUT_RESET);
    expect(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, SYSTOLITH_SEMAPHORE_TIMEOUT_RESET);
  }
  if (session.device().reset_request())
    throw Wrong("recovery", fmt::format("{}: a reset is still asked for", when));
  if (const unsigned owed =
          session.device().checker().reads_open() + session.device().checker().writes_open())
    throw Wrong("debt", fmt::format("{}: {} bursts are owed", when, owed));
}

void check_recovery(Session& session, std::uint64_t seed) {
  const std::string& configuration = session.test().drawn.configuration;
  check_off(session, "after the reset", false);
  const Dump d = dump(configuration);
  run(session, d.drawn, "dump of the memories");
  const std::vector<std::uint8_t> image = session.image();
  for (std::uint64_t i = kOutputs - kBase; i < kOutputs - kBase + d.bytes; ++i)
    if (image[i] != 0)
      throw Wrong("leak",
                  fmt::format("byte {} of the dump is {:#04x}", i - (kOutputs - kBase), image[i]));
  if (!session.reset_queue()) throw Wrong("hang", "the reset after the dump does not end");
  check_off(session, "after the dump's reset", false);
  run(session, product(configuration, seed), "product");
  if (!session.reset_queue()) throw Wrong("hang", "the reset after the product does not end");
}

}  // namespace systolith::faults
