// Matrix unit: bits against the chain.
#include "fixture.h"

namespace matrix_bench {
namespace {

TEST_F(MatrixUnit, OneElement) {
  fill(1);
  Command c = dense(false, 1, 1, 1);
  bench.queue(c);
  ASSERT_TRUE(bench.run());
  model.apply(c);
  check_completed(1);
  check_rows(0, 1);
}

TEST_F(MatrixUnit, RandomCommandsMatchTheChain) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    bench.clear();
    model = Model(sizes);
    fill(seed);
    const size_t reported = bench.reports.size();
    const uint32_t count = 40;
    for (uint32_t i = 0; i < count; ++i) {
      Command c = random_command();
      if (c.accumulate && !tags_fit(c)) c.accumulate = false;
      bench.queue(c);
      model.apply(c);
    }
    // Random store reads and pauses of the queue disturb the timing.
    uint32_t expected_line = 0;
    std::vector<int64_t> history(sizes.memory_latency + 1, -1);
    bench.before_edge = [&] {
      auto& t = bench.top();
      if (history.back() >= 0) {
        ASSERT_EQ(0, std::memcmp(&t.store_read_data_o,
                                 &model.scratchpad[size_t(history.back()) * sizes.line_bytes],
                                 sizes.line_bytes));
      }
      t.store_read_valid_i = seed % 3 == 1 && random() % 4 == 0;
      t.store_read_line_i = expected_line = random() % sizes.lines;
      t.eval();
      history.insert(history.begin() + 1, t.store_read_grant_o ? int64_t{expected_line} : -1);
      history.pop_back();
      t.report_ready_i = seed % 4 != 3 || random() % 40 == 0;
      bench.command_stall = seed % 3 == 2 && random() % 8 != 0;
    };
    // history[1] is the read of the cycle just past, and so on.
    ASSERT_TRUE(bench.run());
    bench.before_edge = nullptr;
    bench.top().store_read_valid_i = 0;
    bench.top().report_ready_i = 1;
    ASSERT_EQ(bench.reports.size(), reported + count);
    for (size_t i = reported; i < bench.reports.size(); ++i) {
      ASSERT_EQ(bench.reports[i].index, i);
      ASSERT_EQ(bench.reports[i].state, kCompleted);
    }
    check_rows(0, sizes.accumulator_rows);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
  check_counters();
}

}  // namespace
}  // namespace matrix_bench
