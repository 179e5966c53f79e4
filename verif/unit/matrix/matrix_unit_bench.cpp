#include "matrix_unit_bench.h"

#include <cstring>
#include <memory>

namespace matrix_bench {

Bench::Bench()
    : context_(std::make_unique<VerilatedContext>()),
      top_(std::make_unique<Vmatrix_unit_bench>(context_.get())) {
  top_->report_ready_i = 1;
  top_->rst_ni = 1;
  top_->clk_i = 0;
  top_->eval();
  top_->rst_ni = 0;
  top_->eval();
  for (int i = 0; i < 3; ++i) {
    top_->clk_i = 1;
    top_->eval();
    top_->clk_i = 0;
    top_->eval();
  }
  top_->rst_ni = 1;
  top_->eval();
  sizes_ = {top_->rows_o,
            top_->cols_o,
            top_->row_latency_o,
            top_->memory_latency_o,
            top_->line_bytes_o,
            top_->bus_bytes_o,
            top_->lines_o,
            top_->banks_o,
            top_->accumulator_rows_o,
            top_->issue_to_visible_o};
  wait_for_semaphores();
}

Bench::~Bench() { top_->final(); }

uint32_t Bench::queue(const Command& command) {
  queue_.emplace_back(next_index_, command);
  return next_index_++;
}

void Bench::step() {
  Vmatrix_unit_bench& t = *top_;
  t.command_valid_i = !queue_.empty() && !command_stall;
  if (t.command_valid_i) {
    const auto& [index, c] = queue_.front();
    t.index_i = index;
    for (int i = 0; i < 2; ++i) {
      t.wait_word_i[i] = c.waits[i].word();
      t.signal_word_i[i] = c.signals[i].word();
    }
    t.int8_i = c.int8;
    t.accumulate_i = c.accumulate;
    t.strip_outer_i = c.strip_outer;
    t.m_i = c.m;
    t.n_i = c.n;
    t.k_i = c.k;
    t.a_base_i = c.a_base;
    t.a_pitch_i = c.a_pitch;
    t.b_base_i = c.b_base;
    t.b_pitch_i = c.b_pitch;
    t.c_base_i = c.c_base;
    t.c_pitch_i = c.c_pitch;
  }
  t.eval();
  if (before_edge) {
    before_edge();
    t.eval();
  }
  if (t.command_valid_i && t.command_ready_o) queue_.pop_front();
  if (t.report_valid_o && t.report_ready_i) {
    reports.push_back(
        {t.report_index_o, t.report_state_o, t.report_cause_o, t.report_address_o, cycle_});
  }
  for (int i = 0; i < 2; ++i) {
    granted[i] += (t.granted_o >> i) & 1;
    signalled[i] += (t.signalled_o >> i) & 1;
  }
  log.push_back({t.issue_o != 0, t.has_command_o != 0, t.in_flight_o != 0, t.lost_wait_o != 0,
                 t.lost_reentry_o != 0, t.lost_fill_o != 0, t.issue_lanes_o, t.issue_columns_o,
                 t.lost_wait_semaphore_o});
  t.clk_i = 1;
  t.eval();
  t.clk_i = 0;
  ++cycle_;
}

bool Bench::run(uint64_t limit) {
  for (uint64_t i = 0; i < limit; ++i) {
    step();
    if (queue_.empty() && !top_->busy_o) {
      top_->eval();
      if (!top_->busy_o) return true;
    }
  }
  return false;
}

void Bench::write_line(uint32_t line, const uint8_t* bytes) {
  Vmatrix_unit_bench& t = *top_;
  for (uint32_t w = 0; w < sizes_.line_bytes / sizes_.bus_bytes; ++w) {
    t.write_valid_i = 1;
    t.write_line_i = line;
    t.write_word_i = w;
    std::memcpy(&t.write_data_i, bytes + w * sizes_.bus_bytes, sizes_.bus_bytes);
    std::memset(&t.write_strobe_i, 0xff, sizes_.bus_bytes / 8);
    step();
  }
  t.write_valid_i = 0;
}

uint64_t Bench::load_row(uint32_t row, const uint32_t* words, uint32_t count, uint32_t tag) {
  Vmatrix_unit_bench& t = *top_;
  const uint32_t per_word = sizes_.bus_bytes / 4;
  uint64_t begin = cycle_;
  for (uint32_t first = 0; first < count; first += per_word) {
    const uint32_t n = std::min(per_word, count - first);
    std::vector<uint32_t> word(per_word, 0xdeadbeef);
    std::memcpy(word.data(), words + first, 4 * n);
    t.load_valid_i = 1;
    t.load_row_i = row;
    t.load_word_i = first / per_word;
    std::memcpy(&t.load_data_i, word.data(), sizes_.bus_bytes);
    const uint64_t strobe = (uint64_t{1} << n) - 1;
    t.load_strobe_i = strobe;
    t.load_tag_i = tag;
    bool taken = false;
    for (int i = 0; i < 10000 && !taken; ++i) {
      t.eval();
      taken = t.load_ready_o;
      step();
    }
  }
  t.load_valid_i = 0;
  return cycle_ - begin;
}

std::vector<uint32_t> Bench::drain_row(uint32_t row, uint32_t* tag) {
  Vmatrix_unit_bench& t = *top_;
  t.drain_valid_i = 1;
  t.drain_row_i = row;
  step();
  t.drain_valid_i = 0;
  for (uint32_t i = 1; i < sizes_.memory_latency; ++i) step();
  t.eval();
  std::vector<uint32_t> result(sizes_.cols);
  for (uint32_t c = 0; c < sizes_.cols; ++c) result[c] = t.drain_data_o[c];
  if (tag) *tag = t.drain_tag_o;
  return result;
}

void Bench::give(uint32_t semaphore, uint32_t count) {
  Vmatrix_unit_bench& t = *top_;
  t.give_i = 1;
  t.give_semaphore_i = semaphore;
  t.give_count_i = count;
  step();
  t.give_i = 0;
}

void Bench::clear() {
  queue_.clear();
  top_->clear_i = 1;
  step();
  top_->clear_i = 0;
  do {
    step();
    top_->eval();
  } while (top_->clear_busy_o);
  wait_for_semaphores();
}

void Bench::wait_for_semaphores() {
  for (int i = 0; i < 64; ++i) step();  // one is cleared a cycle
}

}  // namespace matrix_bench
