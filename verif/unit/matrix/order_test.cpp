// Matrix unit: waits, signals and what is visible when.
#include "fixture.h"

namespace matrix_bench {
namespace {

TEST_F(MatrixUnit, WaitsHoldRowsAndSignalsFollowVisibleRows) {
  for (uint32_t seed = 0; seed < 16; ++seed) {
    bench.clear();
    model = Model(sizes);
    fill(100 + seed);
    const uint32_t count = 12;
    std::vector<uint64_t> need[2], signal_rows[2];  // row number of each grant, rows of each signal
    uint64_t needed[2] = {0, 0}, total = 0;
    for (uint32_t i = 0; i < count; ++i) {
      Command c = random_command();
      if (c.accumulate && !tags_fit(c)) c.accumulate = false;
      const uint64_t rows = model.rows(c);
      for (uint32_t p = 0; p < 2; ++p) {
        const auto sync = [&](uint32_t semaphore) {
          Sync s;
          if (pick(0, 3) == 0) return s;
          s.count = pick(1, 3);
          s.semaphore = semaphore;
          s.by_rows = pick(0, 2) != 0;
          s.rows_log2 = s.by_rows ? pick(0, 5) : 0;
          return s;
        };
        c.waits[p] = sync(p);
        c.signals[p] = sync(2 + p);
        const auto step = [&](const Sync& s) {
          return s.by_rows ? uint64_t{1} << s.rows_log2 : rows;
        };
        if (c.waits[p].count) {
          for (uint64_t r = 0; r < rows; r += step(c.waits[p])) {
            need[p].push_back(total + r);
            needed[p] += c.waits[p].count;
          }
        }
        if (c.signals[p].count) {
          for (uint64_t r = 0; r < rows; r += step(c.signals[p])) {
            signal_rows[p].push_back(total + std::min(rows, r + step(c.signals[p])));
          }
        }
      }
      total += rows;
      bench.queue(c);
      model.apply(c);
    }
    uint64_t granted_base[2] = {bench.granted[0], bench.granted[1]};
    uint64_t signalled_base[2] = {bench.signalled[0], bench.signalled[1]};
    uint64_t given[2] = {0, 0}, issued = 0;
    std::vector<uint64_t> issue_cycle;
    const uint32_t pace = seed % 4 == 0 ? 1 : seed % 4 == 1 ? 30 : 4;
    bench.before_edge = [&] {
      auto& t = bench.top();
      t.give_i = 0;
      const uint32_t p = random() % 2;
      if (random() % pace == 0 && given[p] < needed[p]) {
        const uint32_t n = std::min<uint64_t>(pick(1, 3), needed[p] - given[p]);
        t.give_i = 1;
        t.give_semaphore_i = p;
        t.give_count_i = n;
        given[p] += n;
      }
      if (t.issue_o) {
        for (uint32_t q = 0; q < 2; ++q) {
          const uint64_t needs =
              std::upper_bound(need[q].begin(), need[q].end(), issued) - need[q].begin();
          ASSERT_GE(bench.granted[q] - granted_base[q], needs) << "row " << issued;
        }
        issue_cycle.push_back(bench.cycle());
        ++issued;
      }
      for (uint32_t q = 0; q < 2; ++q) {
        if (t.signalled_o >> q & 1) {
          const uint64_t k = bench.signalled[q] - signalled_base[q];
          ASSERT_LT(k, signal_rows[q].size());
          ASSERT_GE(issued, signal_rows[q][k]);
          // A reader that sees the semaphore in the next cycle at the earliest finds the row.
          ASSERT_GE(bench.cycle() + 1, issue_cycle[signal_rows[q][k] - 1] + sizes.issue_to_visible);
        }
      }
    };
    ASSERT_TRUE(bench.run());
    bench.before_edge = nullptr;
    bench.top().give_i = 0;
    ASSERT_EQ(issued, total);
    for (uint32_t q = 0; q < 2; ++q) {
      ASSERT_EQ(bench.granted[q] - granted_base[q], need[q].size());
      ASSERT_EQ(bench.signalled[q] - signalled_base[q], signal_rows[q].size());
    }
    check_rows(0, sizes.accumulator_rows);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
  check_counters();
}

TEST_F(MatrixUnit, ARowIsReadableWhenItsSignalIs) {
  fill(3);
  Command c = dense(false, 24, sizes.cols, sizes.rows);
  c.signals[0] = {1, 2, true, 0};
  bench.queue(c);
  model.apply(c);
  auto& t = bench.top();
  uint32_t taken = 0;
  t.take_i = 1;
  t.take_semaphore_i = 2;
  t.take_count_i = 1;
  // The drain reads in the cycle after its grant.
  std::vector<int> in_flight(sizes.memory_latency + 1, -1);
  uint32_t compared = 0;
  bench.before_edge = [&] {
    t.drain_valid_i = in_flight[0] >= 0;
    t.drain_row_i = in_flight[0] >= 0 ? in_flight[0] : 0;
    if (in_flight.back() >= 0) {
      for (uint32_t n = 0; n < sizes.cols; ++n) {
        ASSERT_EQ(t.drain_data_o[n], model.accumulators[in_flight.back() * sizes.cols + n]);
      }
      ++compared;
    }
    in_flight.insert(in_flight.begin(), t.taken_o ? static_cast<int>(taken++) : -1);
    in_flight.pop_back();
  };
  ASSERT_TRUE(bench.run());
  for (int i = 0; i < 8; ++i) bench.step();
  bench.before_edge = nullptr;
  t.take_i = 0;
  EXPECT_EQ(compared, 24u);
}

TEST_F(MatrixUnit, AStationaryBlockIsReadOnlyOnceItsFirstRowIsAllowed) {
  fill(17);
  const uint32_t m = 8;
  Command c = dense(false, m, sizes.cols, 3 * sizes.rows);
  c.waits[0] = {1, 0, true, 3};  // a grant a pass
  Command next = c;              // and the next command's first block behind its own wait
  next.c_base = m;
  Command other = c;  // and one behind the other wait
  other.waits[0] = {};
  other.waits[1] = c.waits[0];
  other.c_base = 2 * m;
  bench.queue(c);
  bench.queue(next);
  bench.queue(other);
  model.apply(c);
  std::vector<uint8_t> junk(sizes.line_bytes, 0x41);
  const uint32_t block_lines = sizes.rows * c.b_pitch;
  for (uint32_t pass = 0; pass < 9; ++pass) {
    const auto write = [&](bool real) {
      for (uint32_t i = 0; i < block_lines; ++i) {
        const uint32_t line = c.b_base + pass % 3 * block_lines + i;
        bench.write_line(line,
                         real ? &model.scratchpad[size_t{line} * sizes.line_bytes] : junk.data());
      }
    };
    // Block by block: junk until just before the grant, and again after its pass.
    if (pass == 0) {
      for (pass = 0; pass < 3; ++pass) write(false);
      pass = 0;
    }
    write(true);
    bench.give(0, 1);
    for (uint32_t i = 0; i < 2 * sizes.issue_to_visible + 50; ++i) bench.step();
    write(false);
  }
  ASSERT_TRUE(bench.run());
  model.apply(next);
  model.apply(other);
  check_rows(0, 3 * m);
}

}  // namespace
}  // namespace matrix_bench
