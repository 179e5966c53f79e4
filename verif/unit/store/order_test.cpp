// Store unit: completion, waits and signals, and how many bursts are owed.
#include "fixture.h"

namespace systolith::store_test {
namespace {

TEST_F(StoreUnit, ReportsTellIndexAndStartInEveryBit) {
  d.fill({kTagFp32});
  for (const std::uint64_t bits :
       {0x5a5a'5a5a'5a5a, 0xa5a5'a5a5'a5a5, 0xffff'0000'fff0, 0x0100'ffff'0000}) {
    d.restart();
    d.index_base = static_cast<std::uint32_t>(bits);
    d.cycle = bits;
    d.add(dense(kRaw, 1, 0));
    d.run();
    d.check_completed();
    ASSERT_EQ(d.reports.size(), 1U);
    EXPECT_GE(d.reports[0].start, bits);
    EXPECT_LT(d.reports[0].start, d.first_w);
  }
}

TEST_F(StoreUnit, TheOldestBurstOwedNamesItsCommand) {
  d.fill({kTagNone});
  for (const unsigned latency : {1u, 30u, 300u}) {
    d.restart();
    d.index_base = 0xfedc'ba98;
    d.timing.b_least = d.timing.b_most = latency;
    std::vector<std::uint32_t> owner;
    for (std::uint32_t rows = 1; rows < 6; rows++) {
      const Command c = dense(kRaw, rows, 1024);
      for (std::size_t b = 0; b < d.expect_bursts(c).size(); b++)
        owner.push_back(d.index_base + static_cast<std::uint32_t>(d.queue.size()));
      d.add(c);
    }
    std::size_t looked = 0;
    while (d.reports.size() < d.queue.size() && !HasFailure()) {
      d.step();
      if (d.top.owed_o == 0) continue;
      looked++;
      ASSERT_LT(d.b_count, owner.size());
      EXPECT_EQ(d.top.owed_index_o, owner[d.b_count]) << "after " << d.b_count << " responses";
    }
    EXPECT_GE(looked, owner.size());
    d.check_completed();
  }
}

TEST_F(StoreUnit, DoneOnlyAfterTheLastResponse) {
  d.fill({kTagNone});
  Command c = dense(kRaw, 6, 1024);
  c.signals = {sync(3, 7), sync_rows(4, 1, 1)};
  d.timing.b_least = d.timing.b_most = 200;
  d.add(c);
  std::uint64_t responses = 0;
  while (d.reports.empty() && !HasFailure()) {
    const std::uint64_t before = d.b_count;
    d.step();
    responses = before;
    // Beats are all gone long before; nothing may be told before the responses.
    const std::uint64_t bursts_of_row = d.expect_bursts(kBase, c.run).size();
    EXPECT_LE(d.semaphore[4] * 2 * bursts_of_row, responses);
    if (responses < 6 * bursts_of_row) {
      EXPECT_EQ(d.semaphore[3], 0u);
    }
    ASSERT_LT(d.cycle, 20000u);
  }
  EXPECT_GT(d.reports[0].cycle, d.last_b);
  EXPECT_EQ(d.semaphore[3], 7u);
  EXPECT_EQ(d.semaphore[4], 3u);
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, SignalsByRowsCountTheRestToo) {
  d.fill({kTagNone});
  d.timing = timings()[1];
  std::vector<std::uint32_t> expected(16, 0);
  for (unsigned rows : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u}) {
    for (unsigned n : {0u, 1u, 2u, 3u}) {
      for (const bool merge : {false, true}) {
        Command c = dense(kRaw, rows, 0);
        c.stride[0] = c.run;
        c.base = kBase + 0x10000 * d.queue.size();
        c.merge = merge && rows > 1;
        c.signals = {sync_rows(n, 1, n), sync_rows(4 + n, 3, n)};
        expected[n] += (rows + (1u << n) - 1) >> n;
        expected[4 + n] += 3 * ((rows + (1u << n) - 1) >> n);
        d.add(c);
      }
    }
  }
  d.run();
  EXPECT_EQ(d.semaphore, expected);
  d.check_memory();
  d.check_completed();
}

// One response makes many rows visible; those of younger commands come while the oldest still
// signals, and more of the oldest's while it is told the last ones.
TEST_F(StoreUnit, RowsAreToldAfterTheirResponseAndInTheirTurn) {
  d.fill({kTagNone});
  d.timing.b_least = 100;  // some come one right after another
  d.timing.b_most = 500;
  constexpr unsigned kCommands = 15, kPairs = 15;  // a semaphore each, and one for all
  std::vector<std::uint32_t> expected(16, 0);
  std::vector<std::pair<unsigned, std::uint32_t>> bursts;  // command, rows that are visible then
  for (unsigned n = 0; n < kCommands; n++) {
    Command c;
    c.accumulators = false;
    c.run = 2;
    c.count[0] = n % 4 == 0 ? 12 : 1 + below(30);
    c.count[1] = n % 4 == 0 ? 5 : 1;
    c.stride[0] = c.run;
    c.stride[1] = 100;
    c.merge = c.may_merge();
    c.base = kBase + 0x1000 * n;
    c.local_base = n;
    c.local_pitch = 0;
    c.signals = {sync_rows(n, 1, 0), sync_rows(kPairs, 2, 1)};
    const std::uint32_t rows = c.count[0] * c.count[1];
    for (std::uint32_t told = 0; told < rows; told += c.count[0]) {
      const std::size_t parts =
          d.expect_bursts(c.base + 100 * (told / c.count[0]), c.run * c.count[0]).size();
      bursts.insert(bursts.end(), parts - 1, {n, told});
      bursts.emplace_back(n, told + c.count[0]);
    }
    expected[n] = rows;
    expected[kPairs] += 2 * ((rows + 1) / 2);
    d.add(c);
  }
  std::vector<std::uint32_t> visible(kCommands, 0);
  for (std::size_t answered = 0; d.reports.size() < kCommands && !HasFailure();) {
    d.step();
    ASSERT_LE(d.b_count, bursts.size());
    for (; answered < d.b_count; answered++)
      visible[bursts[answered].first] = bursts[answered].second;
    for (unsigned n = 0; n < kCommands; n++)
      EXPECT_LE(d.semaphore[n], visible[n]) << "semaphore of command " << n;
    ASSERT_LT(d.cycle, 50000u);
  }
  EXPECT_EQ(d.semaphore, expected);
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, WaitsAreSubtractedOnceBeforeTheStart) {
  d.fill({kTagNone});
  Command c = dense(kRaw, 4, 1024);
  c.waits = {sync(1, 5), sync(2, 3)};
  d.add(c);
  d.idle(50);
  EXPECT_TRUE(d.top.blocked_o);
  EXPECT_TRUE(d.top.busy_o);
  EXPECT_EQ(d.w_beats, 0u);
  d.semaphore[1] = 6;
  d.idle(50);
  EXPECT_EQ(d.semaphore[1], 1u);
  EXPECT_TRUE(d.top.blocked_o);
  EXPECT_TRUE(d.bursts.empty());
  d.semaphore[2] = 3;
  d.run();
  EXPECT_EQ(d.semaphore[1], 1u);
  EXPECT_EQ(d.semaphore[2], 0u);
  d.check_memory();
  d.check_completed();
}

TEST_F(StoreUnit, RowsAreReadAndStoredAsTheirWaitAllowsThem) {
  d.fill({kTagFp32});
  for (const bool accumulators : {true, false}) {
    for (unsigned n : {0u, 1u, 2u}) {
      d.restart();
      d.semaphore.assign(16, 0);
      Command c = dense(kRaw, 7, 1024);
      c.accumulators = accumulators;
      c.run = std::min(c.run, d.line_bytes);
      c.waits = {sync_rows(1, 2, n), sync_rows(2, 1, 0)};
      c.signals = {sync_rows(3, 1, 0), 0};
      d.add(c);
      d.semaphore[2] = 7;
      const std::uint64_t bursts_of_row = d.expect_bursts(kBase, c.run).size();
      for (unsigned granted = 0; granted < 7; granted += 1u << n) {
        d.idle(400);
        // Before the grant the next row is not addressed, and the rows before are out and visible.
        EXPECT_EQ(d.bursts.size(), granted * bursts_of_row);
        EXPECT_EQ(d.semaphore[3], granted);
        EXPECT_TRUE(d.top.blocked_o);
        // What the row holds until its grant is nobody's business.
        for (unsigned row = granted; row < granted + (1u << n); row++) d.rewrite(accumulators, row);
        d.semaphore[1] += 2;
      }
      d.run();
      EXPECT_EQ(d.semaphore[1], 0u);
      EXPECT_EQ(d.semaphore[2], 0u);
      d.check_memory();
      d.check_completed();
    }
  }
}

TEST_F(StoreUnit, MoreBurstsThanMayBeOwed) {
  d.fill({kTagNone});
  d.timing.b_when_full = true;
  for (const int extra : {-1, 0, 1}) {
    for (const unsigned times : {1u, 2u}) {
      d.restart();
      const int rows = static_cast<int>(times * d.outstanding) + extra;
      if (rows < 1) continue;
      Command c = dense(kInt8, static_cast<std::uint32_t>(rows), 256);
      c.run = 1;
      c.local_pitch = 0;
      d.add(c);
      d.run();
      d.check_memory();
      d.check_completed();
    }
  }
}

}  // namespace
}  // namespace systolith::store_test
