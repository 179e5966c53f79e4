// Flipped bits of the on-chip memories of whole devices: masked, corrected and counted, or reported
// with cause, command and place; nothing computed from them is stored, and the device recovers.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "directed.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

constexpr std::uint32_t kM = 4;
constexpr std::uint32_t kSeedRow = 2;
constexpr std::uint64_t kFetchId = 0;

class MemoryErrors : public testing::TestWithParam<std::string> {
 protected:
  MemoryErrors()
      : c_(model::Configuration::named(GetParam())),
        sim_(GetParam()),
        half_(c_.scratchpad_lines / 2),
        row_bytes_(4 * c_.cols) {
    EXPECT_TRUE(sim_.reset_queue());
  }

  std::size_t memory(const std::string& name) {
    const auto& all = sim_.device().memories();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& m) { return m.name == name; });
    if (found == all.end()) throw std::invalid_argument("no memory " + name);
    return static_cast<std::size_t>(found - all.begin());
  }

  struct Place {
    std::string memory;
    unsigned word;
    std::uint64_t address;  // as it is reported
  };
  Place line(std::uint32_t number, unsigned bus_word = 0) const {
    const std::uint32_t in_bank = c_.scratchpad_lines / c_.scratchpad_banks;
    return {
        fmt::format("u_scratchpad.gen_bank[{}].gen_word[{}].u_memory", number / in_bank, bus_word),
        number % in_bank, number};
  }
  static Place column(std::uint32_t row, unsigned column, const char* copy) {
    return {fmt::format("u_accumulators.gen_column[{}].u_{}", column, copy), row, row};
  }
  static Place tag(std::uint32_t row, const char* copy) {
    return {fmt::format("u_accumulators.u_{}_tag", copy), row, row};
  }

  /// One flip, or one more than the code corrects.
  void flip(const Place& place, bool too_many) {
    const std::size_t index = memory(place.memory);
    sim_.device().flip(index, place.word, 0);
    if (too_many && c_.memory_secded) sim_.device().flip(index, place.word, 1);
  }

  /// Rings the first `stop` commands and waits for them, calls `then`, rings the rest.
  template <typename Then>
  Outcome run_in_two(const Program& program, std::uint32_t stop, Then then) {
    sim_.write32(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1);
    sim_.start(program);
    const auto all = static_cast<std::uint32_t>(program.commands.size());
    std::memcpy(sim_.device().memory().at(kRing), program.commands.data(),
                all * SYSTOLITH_COMMAND_BYTES);
    sim_.write32(SYSTOLITH_REGISTER_DOORBELL, stop);
    EXPECT_TRUE(sim_.finish());
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), stop);
    then();
    sim_.write32(SYSTOLITH_REGISTER_DOORBELL, all);
    EXPECT_TRUE(sim_.finish());
    return sim_.end(program);
  }

  std::uint64_t corrected() { return sim_.read64(SYSTOLITH_REGISTER_CORRECTED_LO); }

  /// Commands before `index` completed, it failed for `cause`, of later ones there is no record.
  /// `all_ran`: none of the earlier ones can have waited still.
  void expect_fault(const Program& program, const Outcome& got, std::uint32_t index, unsigned unit,
                    std::uint64_t address, bool all_ran = true) {
    EXPECT_TRUE(got.faulted());
    EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_MEMORY);
    EXPECT_EQ(got.unit, unit);
    EXPECT_EQ(got.fault_index, index);
    EXPECT_EQ(got.fault_address, address);
    const std::uint8_t* bytes = got.memory.data();
    for (std::uint32_t i = 0; i < index; ++i) {
      const Record earlier = record_of(bytes, program, i);
      if (all_ran || earlier.written) EXPECT_EQ(earlier.state, SYSTOLITH_STATE_COMPLETED) << i;
    }
    const Record record = record_of(bytes, program, index);
    EXPECT_EQ(record.state, SYSTOLITH_STATE_FAILED);
    EXPECT_EQ(record.cause, SYSTOLITH_CAUSE_MEMORY);
    EXPECT_EQ(record.unit, unit);
    EXPECT_EQ(record.address, address);
  }

  void recover() {
    ASSERT_TRUE(sim_.reset_queue());
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS), 0U);
    expect_usable(sim_, GetParam(), seed_++);
    ASSERT_TRUE(sim_.reset_queue());
  }

  /// Seeds, A, B; a product that continues the seeds; a store of it. A is in lines 0.., B in the
  /// upper half.
  Program product(std::uint64_t seed, library::Format format = library::Format::bf16,
                  std::uint8_t conversion = SYSTOLITH_CONVERSION_RAW) const {
    const bool int8 = format == library::Format::int8;
    LoadStep seeds = load_rows(kInputs, row_bytes_, kSeedRow,
                               int8 ? SYSTOLITH_TAG_INT32 : SYSTOLITH_TAG_FP32, kM);
    LoadStep a = load(kInputs + 0x1000, 2 * c_.rows, 0, kM);
    LoadStep b = load(kInputs + 0x2000, 2 * c_.cols, half_, c_.rows);
    MatrixStep step = matrix(kM, c_.cols, c_.rows, 0, half_, kSeedRow, format);
    StoreStep out = store_rows(kOutputs, row_bytes_, kSeedRow, kM);
    out.conversion = conversion;
    if (conversion == SYSTOLITH_CONVERSION_INT8) out.scale = 1.0F;
    out.transfer.run = conversion == SYSTOLITH_CONVERSION_RAW    ? row_bytes_
                       : conversion == SYSTOLITH_CONVERSION_BF16 ? 2 * c_.cols
                                                                 : c_.cols;
    out.transfer.stride[0] = out.transfer.run;
    seeds.signal[0] = a.signal[0] = b.signal[0] = sync(2);
    step.accumulate = true;
    step.wait[0] = sync(2, 3);
    step.signal[0] = out.wait[0] = sync(3);
    return directed({command(seeds), command(a), command(b), command(step), command(out)}, seed);
  }

  /// Lines stored as they are.
  Program copy(std::uint64_t seed) const {
    LoadStep in = load(kInputs, c_.line_bytes(), 5, kM);
    StoreStep out = store(kOutputs, c_.line_bytes(), 5, kM);
    in.signal[0] = out.wait[0] = sync(2);
    return directed({command(in), command(out)}, seed);
  }

  /// INT32 rows stored as INT8 with scales of columns, which are in a line of their own.
  Program scaled(std::uint64_t seed) const {
    LoadStep rows = load_rows(kInputs, row_bytes_, 0, SYSTOLITH_TAG_INT32, kM);
    LoadStep scales = load(kScales, row_bytes_, 9);
    StoreStep out = store_rows(kOutputs, c_.cols, 0, kM);
    rows.signal[0] = scales.signal[0] = sync(2);
    out.wait[0] = sync(2, 2);
    out.conversion = SYSTOLITH_CONVERSION_INT8;
    out.scale_per_column = true;
    out.scale_line = 9;
    return directed({command(rows), command(scales), command(out)}, seed);
  }

  struct Case {
    const char* name;
    Program program;
    std::uint32_t stop;  // commands before the flip
    Place place;
    unsigned unit;  // that reads it, in command `stop`
  };
  std::vector<Case> cases() const {
    constexpr unsigned kMatrix = SYSTOLITH_UNIT_MATRIX, kStore = SYSTOLITH_UNIT_STORE;
    const unsigned last = c_.cols - 1, last_word = c_.line_bytes() / c_.bus_bytes - 1;
    return {
        {"row of A", product(1), 3, line(1), kMatrix},
        {"end of the line of the last row of A", product(2), 3, line(kM - 1, last_word), kMatrix},
        {"row of B", product(3), 3, line(half_), kMatrix},
        {"last row of B", product(4), 3, line(half_ + c_.rows - 1), kMatrix},
        {"seed in the first column", product(5), 3, column(kSeedRow + 1, 0, "array"), kMatrix},
        {"seed in the last column", product(6), 3, column(kSeedRow + kM - 1, last, "array"),
         kMatrix},
        {"tag of a seed", product(7), 3, tag(kSeedRow + 1, "array"), kMatrix},
        {"first column of what is stored", product(8), 4, column(kSeedRow, 0, "drain"), kStore},
        {"last column of what is stored", product(9), 4, column(kSeedRow + 2, last, "drain"),
         kStore},
        {"tag of what is stored", product(10), 4, tag(kSeedRow + 1, "drain"), kStore},
        {"line that is stored", copy(11), 1, line(6), kStore},
        {"end of a line that is stored", copy(12), 1, line(5 + kM - 1, last_word), kStore},
        {"scales", scaled(13), 2, line(9), kStore},
        {"row of A in INT8", product(14, library::Format::int8), 3, line(0), kMatrix},
        {"row that is stored as BF16",
         product(15, library::Format::bf16, SYSTOLITH_CONVERSION_BF16), 4,
         column(kSeedRow + 1, 0, "drain"), kStore},
        {"row that is stored as INT8",
         product(16, library::Format::int8, SYSTOLITH_CONVERSION_INT8), 4,
         column(kSeedRow + 1, 0, "drain"), kStore},
    };
  }

  model::Configuration c_;
  SimRun sim_;
  std::uint32_t half_, row_bytes_;
  std::uint64_t seed_ = 7000;
};

TEST_P(MemoryErrors, AreReportedWithUnitCommandAndPlace) {
  for (const Case& test : cases()) {
    SCOPED_TRACE(GetParam() + ": " + test.name);
    const Program& program = test.program;
    const Outcome got = run_in_two(program, test.stop, [&] { flip(test.place, true); });
    expect_fault(program, got, test.stop, test.unit, test.place.address);
    EXPECT_EQ(got.completed, test.stop + 1);
    for (std::uint32_t i = test.stop + 1; i < program.commands.size(); ++i)
      EXPECT_FALSE(record_of(got.memory.data(), program, i).written) << i;
    EXPECT_EQ(corrected(), 0U);
    // Of the faulty row and later ones not a byte is in memory.
    std::uint64_t first = kOutputs;
    if (test.unit == SYSTOLITH_UNIT_STORE && program.commands.size() != 3) {
      const std::uint64_t run = SYSTOLITH_GET(program.commands.back().words, TRANSFER_RUN);
      first += run * (test.place.address -
                      SYSTOLITH_GET(program.commands.back().words, TRANSFER_LOCAL_BASE));
    }
    std::vector<Extent> rows;
    if (first != kOutputs) rows.push_back({kOutputs, first - 1});
    EXPECT_EQ(changed_outside(got.memory, program, rows), "");
    recover();
    if (HasFailure()) return;
  }
}

TEST_P(MemoryErrors, OfOneBitAreCorrectedAndCounted) {
  for (const Case& test : cases()) {
    SCOPED_TRACE(GetParam() + ": " + test.name);
    const Outcome got = run_in_two(test.program, test.stop, [&] { flip(test.place, false); });
    if (c_.memory_secded) {
      EXPECT_EQ(difference(got, run_model(GetParam(), test.program)), "");
      EXPECT_EQ(corrected(), 1U);
    } else {
      expect_fault(test.program, got, test.stop, test.unit, test.place.address);
      EXPECT_EQ(corrected(), 0U);
    }
    recover();
    if (HasFailure()) return;
  }
}

// The load is of lines that nobody reads, and goes on while the flip is met.
TEST_P(MemoryErrors, BesideALoadAreTheSame) {
  const std::uint32_t free = half_ + c_.rows;
  const systolith_command_t beside = command(
      load(kInputs + 0x4000, c_.line_bytes(), free, std::min(c_.scratchpad_lines - free, 64U)));
  for (const Case& test : cases())
    for (const bool too_many : {true, false}) {
      SCOPED_TRACE(GetParam() + ": " + test.name);
      Program program = test.program;
      program.commands.insert(program.commands.begin() + test.stop, beside);
      const Outcome got = run_in_two(program, test.stop, [&] { flip(test.place, too_many); });
      if (too_many || !c_.memory_secded) {
        expect_fault(program, got, test.stop + 1, test.unit, test.place.address, false);
        EXPECT_EQ(corrected(), 0U);
      } else {
        EXPECT_EQ(difference(got, run_model(GetParam(), program)), "");
        EXPECT_EQ(corrected(), 1U);
      }
      recover();
      if (HasFailure()) return;
    }
}

TEST_P(MemoryErrors, OfWhatNobodyReadsAreMasked) {
  const std::vector<Case> masked = {
      {"line that nobody reads", product(1), 3, line(kM), 0},
      {"row that nobody reads", product(2), 3, column(kSeedRow + kM, 0, "array"), 0},
      {"the drain's copy of what is written again", product(3), 3, column(kSeedRow, 0, "drain"), 0},
      {"the drain's tag of what is written again", product(4), 3, tag(kSeedRow, "drain"), 0},
      {"the array's copy of what is only stored", product(5), 4, column(kSeedRow, 0, "array"), 0},
      {"line that is loaded again", copy(6), 0, line(5), 0},
      {"line that was read", copy(7), 2, line(5), 0}};
  for (const Case& test : masked) {
    SCOPED_TRACE(GetParam() + ": " + test.name);
    const Outcome got = run_in_two(test.program, test.stop, [&] { flip(test.place, true); });
    EXPECT_EQ(difference(got, run_model(GetParam(), test.program)), "");
    EXPECT_EQ(corrected(), 0U);
    recover();
    if (HasFailure()) return;
  }
}

// A flip in each word of the commands that wait for the decoder.
TEST_P(MemoryErrors, InTheBufferRefuseTheCommand) {
  const unsigned beats = SYSTOLITH_COMMAND_BYTES / c_.bus_bytes;
  const std::size_t buffer = memory("u_command_processor.u_fetch.u_buffer");
  ASSERT_EQ(sim_.device().memories()[buffer].depth, c_.fetch_buffer * beats);
  for (const bool too_many : {true, false}) {
    for (unsigned beat = 0; beat < 4 * beats; ++beat) {
      SCOPED_TRACE(fmt::format("{}: beat {}", GetParam(), beat));
      LoadStep in = load(kInputs, 16, 0);
      StoreStep out = store(kOutputs, 16, 0);
      in.signal[0] = out.wait[0] = sync(2);
      const Program program = directed({nop(), command(in), nop(), command(out)}, beat);
      // Once it is in the buffer, before the decoder can have read it.
      const unsigned word = beat % (c_.fetch_buffer * beats);
      unsigned seen = 0;
      sim_.device().set_monitor(
          [&](const harness::AxiManagerSignals& device, const harness::AxiSubordinateSignals& bus) {
            if (!bus.r_valid || !device.r_ready || bus.r_id != kFetchId || seen++ != beat) return;
            const std::uint64_t next = sim_.device().cycle() + 1;
            sim_.device().flip_at(next, buffer, word, 3);
            if (too_many && c_.memory_secded) sim_.device().flip_at(next, buffer, word, 9);
          });
      const Outcome got = run_in_two(program, 0, [] {});
      sim_.device().set_monitor({});
      if (too_many || !c_.memory_secded) {
        expect_fault(program, got, beat / beats, 0, word);
        EXPECT_EQ(record_of(got.memory.data(), program, beat / beats).opcode, 0U);
        EXPECT_EQ(got.completed, beat / beats + 1);
        EXPECT_EQ(changed_outside(got.memory, program, {}), "");
        EXPECT_EQ(corrected(), 0U);
      } else {
        EXPECT_EQ(difference(got, run_model(GetParam(), program)), "");
        EXPECT_EQ(corrected(), 1U);
      }
      if (beat % 5 == 0)
        recover();
      else
        ASSERT_TRUE(sim_.reset_queue());
      if (HasFailure()) return;
    }
  }
}

// A flip in each cycle around the one in which a command is in its unit's queue: the command is
// reported and no unit saw it, or the flip came too early or too late and nothing happened.
TEST_P(MemoryErrors, InAQueueFailTheCommand) {
  const unsigned beats = SYSTOLITH_COMMAND_BYTES / c_.bus_bytes;
  LoadStep in = load(kInputs, 16, 0);
  MatrixStep step = matrix(1, 1, 1, 0, half_, 0);
  StoreStep out = store_rows(kOutputs, 4, 0);
  in.signal[0] = step.wait[0] = sync(2);
  step.signal[0] = out.wait[0] = sync(3);
  const Program program = directed({command(in), command(step), command(out)}, 77);
  const Outcome want = run_model(GetParam(), program);
  constexpr std::array<const char*, 3> kQueues = {"load", "matrix", "store"};
  constexpr std::array<unsigned, 3> kOpcodes = {SYSTOLITH_OPCODE_LOAD, SYSTOLITH_OPCODE_MATRIX,
                                                SYSTOLITH_OPCODE_STORE};
  const std::size_t queues = memory("u_command_processor.u_dispatch.u_queues.u_memory");
  // The queues follow each other in the memory, each with a power of two of places.
  const unsigned first = std::bit_ceil(c_.unit_queue_depth);
  for (const bool too_many : {true, false}) {
    for (std::uint32_t index = 0; index < 3; ++index) {
      unsigned hits = 0;
      for (unsigned delay = 10; delay < 120; ++delay) {
        SCOPED_TRACE(fmt::format("{}: queue {}, {} cycles after its last beat", GetParam(),
                                 kQueues[index], delay));
        unsigned seen = 0;
        sim_.device().set_monitor([&](const harness::AxiManagerSignals& device,
                                      const harness::AxiSubordinateSignals& bus) {
          if (!bus.r_valid || !device.r_ready || bus.r_id != kFetchId) return;
          if (++seen != (index + 1) * beats) return;
          const unsigned word = index * std::max(first, 2U);
          const std::uint64_t then = sim_.device().cycle() + delay;
          sim_.device().flip_at(then, queues, word, 70);
          if (too_many && c_.memory_secded) sim_.device().flip_at(then, queues, word, 75);
        });
        const Outcome got = run_in_two(program, 0, [] {});
        sim_.device().set_monitor({});
        if (got.faulted()) {
          ++hits;
          ASSERT_TRUE(too_many || !c_.memory_secded);
          expect_fault(program, got, index, SYSTOLITH_UNIT_COMMAND_PROCESSOR, 0, false);
          EXPECT_EQ(record_of(got.memory.data(), program, index).opcode, kOpcodes[index]);
          EXPECT_EQ(changed_outside(got.memory, program, {}), "");
          EXPECT_EQ(corrected(), 0U);
          recover();
        } else {
          EXPECT_EQ(difference(got, want), "");
          if (corrected() != 0) {
            ++hits;
            EXPECT_FALSE(too_many);
            EXPECT_EQ(corrected(), 1U);
          }
          ASSERT_TRUE(sim_.reset_queue());
        }
        if (HasFailure()) return;
      }
      EXPECT_GT(hits, 0U) << GetParam() << ": queue " << kQueues[index];
    }
  }
}

// The store follows the product row by row: of a row that a wrong word went into nothing is stored.
TEST_P(MemoryErrors, NeverReachAStoreThatFollowsByRows) {
  const auto by_row = [](unsigned semaphore) {
    return Sync{1, static_cast<std::uint8_t>(semaphore), true, 0};
  };
  constexpr std::uint32_t kRows = 12, kBad = 7;
  for (const Place& place : {line(kBad), line(half_), line(half_ + c_.rows - 1),
                             column(kSeedRow + kBad, c_.cols - 1, "array")}) {
    SCOPED_TRACE(GetParam() + ": " + place.memory);
    MatrixStep step = matrix(kRows, c_.cols, c_.rows, 0, half_, kSeedRow);
    step.accumulate = true;
    step.signal[0] = by_row(3);
    StoreStep out = store_rows(kOutputs, row_bytes_, kSeedRow, kRows);
    out.wait[0] = by_row(3);
    const Program program = directed(
        {command(load_rows(kInputs, row_bytes_, kSeedRow, SYSTOLITH_TAG_FP32, kRows)),
         command(load(kInputs + 0x1000, 2 * c_.rows, 0, kRows)),
         command(load(kInputs + 0x2000, 2 * c_.cols, half_, c_.rows)), command(step), command(out)},
        3);
    const Outcome got = run_in_two(program, 3, [&] { flip(place, true); });
    expect_fault(program, got, 3, SYSTOLITH_UNIT_MATRIX, place.address);
    const Record end = record_of(got.memory.data(), program, 4);
    if (end.written) EXPECT_EQ(end.state, SYSTOLITH_STATE_ABORTED);
    // Rows that are stored are the model's; those from the wrong one on are not stored.
    const bool in_b = place.address >= half_ && place.memory.starts_with("u_scratchpad");
    const std::uint32_t good = in_b ? 0 : kBad;
    const Outcome want = run_model(GetParam(), program);
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const std::uint64_t at = kOutputs - kBase + std::uint64_t{row} * row_bytes_;
      const auto same = [&](const std::vector<std::uint8_t>& other) {
        return std::memcmp(got.memory.data() + at, other.data() + at, row_bytes_) == 0;
      };
      EXPECT_TRUE(same(program.memory) || (row < good && same(want.memory))) << "row " << row;
    }
    recover();
    if (HasFailure()) return;
  }
}

// B of the second product is read while rows of the first are still to be issued: the first ends as
// ever.
TEST_P(MemoryErrors, InTheNextCommandsOperandLeaveTheCommandBeforeAlone) {
  const std::uint32_t rows = std::min(24U, half_);
  MatrixStep first = matrix(rows, c_.cols, c_.rows, 0, half_, 0);
  MatrixStep second = matrix(2, c_.cols, c_.rows, 0, half_ + c_.rows, rows);
  first.signal[0] = sync(4);
  StoreStep out = store_rows(kOutputs, row_bytes_, 0, 4);
  out.wait[0] = sync(4);
  for (std::uint32_t bad = 0; bad < c_.rows; ++bad) {
    SCOPED_TRACE(fmt::format("{}: row {} of B", GetParam(), bad));
    const Program program =
        directed({command(load(kInputs, 2 * c_.rows, 0, rows)),
                  command(load(kInputs + 0x2000, 2 * c_.cols, half_, 2 * c_.rows)), command(first),
                  command(second), command(out)},
                 bad);
    const Place place = line(half_ + c_.rows + bad);
    const Outcome got = run_in_two(program, 2, [&] { flip(place, true); });
    expect_fault(program, got, 3, SYSTOLITH_UNIT_MATRIX, place.address);
    const Record end = record_of(got.memory.data(), program, 4);
    if (end.written && end.state == SYSTOLITH_STATE_COMPLETED) {
      const Outcome want = run_model(GetParam(), program);
      EXPECT_EQ(0, std::memcmp(got.memory.data() + (kOutputs - kBase),
                               want.memory.data() + (kOutputs - kBase), 4 * row_bytes_));
    }
    recover();
    if (HasFailure()) return;
  }
}

TEST_P(MemoryErrors, TheListNamesEveryMemory) {
  const auto& all = sim_.device().memories();
  const unsigned words = c_.line_bytes() / c_.bus_bytes;
  EXPECT_EQ(all.size(), c_.scratchpad_banks * words + 2 * c_.cols + 2 + 2);
  const harness::OnChipMemory& word = all[memory("u_scratchpad.gen_bank[0].gen_word[0].u_memory")];
  EXPECT_EQ(word.depth, c_.scratchpad_lines / c_.scratchpad_banks);
  EXPECT_EQ(word.width, c_.bus_bytes * (c_.memory_secded ? 13 : 9));
  const harness::OnChipMemory& column = all[memory("u_accumulators.gen_column[0].u_drain")];
  EXPECT_EQ(column.depth, c_.accumulator_rows);
  EXPECT_EQ(column.width, c_.memory_secded ? 39U : 33U);
  EXPECT_THROW(sim_.device().flip(0, all[0].depth, 0), std::out_of_range);
  EXPECT_THROW(sim_.device().flip(0, 0, all[0].width), std::out_of_range);
  EXPECT_THROW(sim_.device().flip(all.size(), 0, 0), std::out_of_range);
}

INSTANTIATE_TEST_SUITE_P(Devices, MemoryErrors, testing::ValuesIn(sim::prebuilt()),
                         [](const auto& info) { return "config_" + info.param; });

}  // namespace
}  // namespace systolith::system_test
