#include "bench.h"

#include <gtest/gtest.h>

#include <cstring>

namespace systolith::test {

Bench::Bench(uint64_t seed)
    : context_(std::make_unique<VerilatedContext>()),
      top_(std::make_unique<Vcommand_processor_bench>(context_.get())),
      random_(seed) {
  top_->eval();
  sizes_ = {top_->rows_o,
            top_->cols_o,
            top_->line_bytes_o,
            top_->scratchpad_lines_o,
            top_->accumulator_rows_o,
            top_->address_width_o,
            top_->semaphores_o,
            top_->windows_o,
            top_->bus_bytes_o,
            top_->max_burst_beats_o,
            top_->fetch_buffer_o,
            top_->queue_depth_o,
            top_->bf16_o != 0,
            top_->int8_o != 0};
  HardReset();
}

Bench::~Bench() { top_->final(); }

void Bench::HardReset() {
  top_->rst_ni = 0;
  top_->clk_i = 0;
  top_->enable_i = 0;
  top_->doorbell_valid_i = 0;
  top_->queue_reset_i = 0;
  top_->r_valid_i = top_->b_valid_i = top_->ar_ready_i = top_->aw_ready_i = top_->w_ready_i = 0;
  top_->advance_i = top_->fail_i = top_->debt_i = top_->beat_i = 0;
  top_->memory_clear_busy_i = 0;
  for (int i = 0; i < 3; ++i) {
    top_->eval();
    top_->clk_i = 1;
    top_->eval();
    top_->clk_i = 0;
  }
  top_->rst_ni = 1;
  top_->eval();
  reads_.clear();
  writes_.clear();
  responses_.clear();
  r_offered_ = b_offered_ = false;
  ar_held_ = aw_held_ = w_held_ = {};
  clear_busy_ = 0;
  read_beats = write_bursts = read_bursts = 0;
}

void Bench::Write(uint64_t address, const uint8_t* data, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) memory_[address + i] = data[i];
}

uint8_t Bench::ReadByte(uint64_t address) const {
  const auto found = memory_.find(address);
  return found == memory_.end() ? 0 : found->second;
}

void Bench::Put(uint32_t index, const Command& command) {
  uint8_t bytes[128];
  for (int i = 0; i < 128; ++i)
    bytes[i] = static_cast<uint8_t>(command.word[i / 8] >> (8 * (i % 8)));
  Write(ring + uint64_t{index % slots_} * 128, bytes, sizeof bytes);
}

Record Bench::ReadRecord(uint32_t index) const {
  uint64_t word[4] = {};
  for (int i = 0; i < 32; ++i) {
    word[i / 8] |= uint64_t{ReadByte(records + uint64_t{index % slots_} * 32 + i)} << (8 * (i % 8));
  }
  return {static_cast<uint32_t>(word[0]),
          static_cast<uint8_t>(word[0] >> 32),
          static_cast<uint8_t>(word[0] >> 40),
          static_cast<uint8_t>(word[0] >> 48),
          static_cast<uint8_t>(word[0] >> 56),
          word[1],
          word[2],
          word[3]};
}

void Bench::WipeRecords() {
  for (uint64_t i = 0; i < uint64_t{slots_} * 32; ++i) memory_[records + i] = 0xa5;
}

bool Bench::RecordUntouched(uint32_t index) const {
  for (int i = 0; i < 32; ++i) {
    if (ReadByte(records + uint64_t{index % slots_} * 32 + i) != 0xa5) return false;
  }
  return true;
}

void Bench::Enable(unsigned log2_slots) {
  slots_ = 1u << log2_slots;
  top_->ring_i = ring;
  top_->record_i = records;
  top_->ring_size_i = log2_slots;
  top_->enable_i = 1;
  WipeRecords();
}

void Bench::Doorbell(uint32_t tail) {
  top_->doorbell_valid_i = 1;
  top_->doorbell_i = tail;
  Step();
}

void Bench::QueueReset() {
  const int before = irq_reset_done;
  top_->queue_reset_i = 1;
  Step();
  ASSERT_TRUE(StepUntil([&] { return irq_reset_done != before; }, 5000));
  Step();
}

bool Bench::StepUntil(const std::function<bool()>& done, int limit) {
  for (int i = 0; i < limit; ++i) {
    if (done()) return true;
    Step();
  }
  return done();
}

void Bench::Observe(unsigned unit) {
  Observed o;
  o.unit = unit + 1;
  o.index = top_->header_index_o[unit];
  o.record = (top_->record_o >> unit) & 1;
  o.raise_irq = (top_->raise_irq_o >> unit) & 1;
  for (int s = 0; s < 4; ++s) o.sync[s] = top_->sync_o[4 * unit + s];
  if (unit == 1) {
    o.int8 = top_->int8_command_o;
    o.accumulate = top_->accumulate_o;
    o.strip_outer = top_->strip_outer_o;
    o.m = top_->m_o;
    o.blocks = top_->blocks_o;
    o.strips = top_->strips_o;
    o.last_k = top_->last_k_o;
    o.last_n = top_->last_n_o;
    o.a_base = top_->a_base_o;
    o.a_pitch = top_->a_pitch_o;
    o.b_base = top_->b_base_o;
    o.b_pitch = top_->b_pitch_o;
    o.c_base = top_->c_base_o;
    o.c_pitch = top_->c_pitch_o;
  } else {
    const unsigned t = unit / 2;
    o.base = top_->base_o[t];
    o.run = top_->run_o[t];
    o.merge = (top_->merge_o >> t) & 1;
    o.merged_run = o.merge ? top_->merged_run_o[t] : 0;
    o.rows = top_->transfer_rows_o[t];
    o.local_base = top_->local_base_o[t];
    o.local_pitch = top_->local_pitch_o[t];
    o.accumulators = (top_->accumulators_o >> t) & 1;
    for (int d = 0; d < 4; ++d) {
      o.count[d] = top_->count_o[4 * t + d];
      o.stride[d] = top_->stride_o[4 * t + d];
    }
    if (t == 0) {
      o.tag = top_->tag_o;
    } else {
      o.conversion = top_->conversion_o;
      o.relu = top_->relu_o;
      o.per_column = top_->per_column_o;
      o.scale = top_->scale_o;
      o.scale_line = top_->scale_line_o;
    }
  }
  taken.push_back(o);
  taken_cycle.push_back(cycles);
}

void Bench::Step() {
  const unsigned bus = sizes_.bus_bytes;
  // ---- what the memory and the units do in this cycle ----
  top_->ar_ready_i = !Chance(stall_percent);
  top_->aw_ready_i = !hold_aw && !Chance(stall_percent);
  top_->w_ready_i = !Chance(stall_percent);
  if (!r_offered_) {
    r_offered_ =
        !reads_.empty() && reads_.front().due <= cycles && !hold_r && !Chance(stall_percent);
    if (r_offered_) {
      const ReadBurst& burst = reads_.front();
      for (unsigned w = 0; w < 16; ++w) top_->r_data_i[w] = static_cast<uint32_t>(random_());
      for (unsigned i = 0; i < bus; ++i) {
        uint32_t& word = top_->r_data_i[i / 4];
        word = (word & ~(0xffu << (8 * (i % 4)))) | uint32_t{ReadByte(burst.address + i)}
                                                        << (8 * (i % 4));
      }
      top_->r_error_i = read_beats == error_read_beat;
      top_->r_last_i = burst.beats == 1;
    }
  }
  top_->r_valid_i = r_offered_;
  if (!b_offered_)
    b_offered_ = !responses_.empty() && responses_.front().due <= cycles && !hold_b &&
                 !Chance(stall_percent);
  top_->b_valid_i = b_offered_;
  top_->b_error_i = write_bursts == error_write_burst;
  top_->advance_i = advance(0) | advance(1) << 1 | advance(2) << 2;
  top_->fail_i = fail[0] | fail[1] << 1 | fail[2] << 2;
  top_->debt_i = debt[0] | debt[1] << 1 | debt[2] << 2;
  top_->memory_clear_busy_i = clear_busy_ > 0;

  top_->clk_i = 0;
  top_->eval();

  // ---- what happens at the clock edge ----
  if (ar_held_.valid) {
    EXPECT_TRUE(top_->ar_valid_o) << "AR withdrawn";
    EXPECT_EQ(top_->ar_address_o, ar_held_.address);
    EXPECT_EQ(top_->ar_beats_o, ar_held_.beats);
  }
  if (aw_held_.valid) {
    EXPECT_TRUE(top_->aw_valid_o) << "AW withdrawn";
    EXPECT_EQ(top_->aw_address_o, aw_held_.address);
  }
  if (w_held_.valid) EXPECT_TRUE(top_->w_valid_o) << "W withdrawn";
  ar_held_ = {top_->ar_valid_o && !top_->ar_ready_i, top_->ar_address_o, top_->ar_beats_o};
  aw_held_ = {top_->aw_valid_o && !top_->aw_ready_i, top_->aw_address_o, top_->aw_beats_o};
  w_held_ = {top_->w_valid_o && !top_->w_ready_i, 0, 0};
  if (top_->r_valid_i && top_->r_ready_o) {
    ReadBurst& burst = reads_.front();
    burst.address += bus;
    ++read_beats;
    last_r_cycle = cycles;
    if (--burst.beats == 0) reads_.pop_front();
    r_offered_ = false;
  }
  if (top_->ar_valid_o && top_->ar_ready_i) {
    const uint64_t first = top_->ar_address_o, bytes = uint64_t{top_->ar_beats_o} * bus;
    EXPECT_EQ(first % bus, 0u);
    EXPECT_GE(top_->ar_beats_o, 1);
    EXPECT_LE(top_->ar_beats_o, sizes_.max_burst_beats);
    EXPECT_EQ(first / 4096, (first + bytes - 1) / 4096) << "4 KiB";
    EXPECT_GE(first, ring);
    EXPECT_LE(first + bytes, ring + uint64_t{slots_} * 128);
    reads_.push_back({first, top_->ar_beats_o, cycles + read_latency});
    read_addresses.push_back(first);
    ++read_bursts;
  }
  if (top_->b_valid_i && top_->b_ready_o) {
    responses_.pop_front();
    ++write_bursts;
    b_offered_ = false;
    b_cycle.push_back(cycles);
  }
  if (top_->w_valid_o && top_->w_ready_i) {
    EXPECT_FALSE(writes_.empty()) << "W before its AW";
    if (!writes_.empty()) {
      WriteBurst& burst = writes_.front();
      for (unsigned i = 0; i < bus; ++i) {
        if ((top_->w_strobe_o >> i) & 1) {
          memory_[burst.address + uint64_t{burst.done} * bus + i] =
              static_cast<uint8_t>(top_->w_data_o[i / 4] >> (8 * (i % 4)));
        }
      }
      ++burst.done;
      EXPECT_EQ(top_->w_last_o, burst.done == burst.beats);
      if (burst.done == burst.beats) {
        burst.due = cycles + write_latency;
        responses_.push_back(burst);
        writes_.pop_front();
      }
    }
  }
  if (top_->aw_valid_o && top_->aw_ready_i) {
    const uint64_t first = top_->aw_address_o, bytes = uint64_t{top_->aw_beats_o} * bus;
    EXPECT_EQ(first % bus, 0u);
    EXPECT_GE(top_->aw_beats_o, 1);
    EXPECT_LE(top_->aw_beats_o, sizes_.max_burst_beats);
    EXPECT_EQ(first / 4096, (first + bytes - 1) / 4096) << "4 KiB";
    EXPECT_GE(first + bus, records);
    EXPECT_LE(first, records + uint64_t{slots_} * 32);
    writes_.push_back({first, top_->aw_beats_o});
  }
  for (unsigned u = 0; u < 3; ++u) {
    if ((top_->taken_o >> u) & 1) Observe(u);
    if ((top_->started_o >> u) & 1) started.push_back(top_->started_index_o[u]);
  }
  irq_command += top_->irq_command_o;
  irq_fault += top_->irq_fault_o;
  irq_idle += top_->irq_idle_o;
  irq_reset_done += top_->irq_reset_done_o;
  commands_done += top_->command_done_o;
  if (clear_busy_ > 0) --clear_busy_;
  if (top_->memory_clear_o) {
    ++memory_clears;
    clear_busy_ = 40;
  }
  const bool disable = top_->enable_clear_o;

  top_->clk_i = 1;
  top_->eval();
  if (disable) top_->enable_i = 0;
  top_->doorbell_valid_i = 0;
  top_->queue_reset_i = 0;
  ++cycles;
}

}  // namespace systolith::test
