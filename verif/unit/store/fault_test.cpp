// Store unit: faults, halt, abandon, reset of the queue.
#include "fixture.h"

namespace systolith::store_test {
namespace {

TEST_F(StoreUnit, AnErrorOnAnyResponseStopsAndPaysWhatIsOwed) {
  d.fill({kTagNone});
  random_scales();
  for (unsigned failing = 0; failing < 30; failing++) {
    for (const unsigned t : {0u, 1u, 4u, 5u, 7u}) {
      d.restart();
      d.timing = timings()[t];
      std::vector<Burst> bursts;
      std::vector<std::size_t> owner;
      for (unsigned i = 0; i < 6; i++) {
        Command c = dense(i % 2 == 0 ? kBf16 : kInt8, 5, 1024);
        c.base = kBase + 0x8000 * i + 3 * i;
        d.add(c);
        for (const Burst& burst : d.expect_bursts(c)) {
          bursts.push_back(burst);
          owner.push_back(i);
        }
      }
      ASSERT_GE(bursts.size(), 30u);
      d.failing_bursts = {failing};
      const std::size_t bad = owner[failing];
      // Until the unit has come to rest.
      while (d.reports.size() <= bad && !HasFailure()) d.step();
      d.idle(700);
      const std::size_t issued = d.bursts.size();
      EXPECT_EQ(d.owed(), 0u) << "responses are owed";
      EXPECT_FALSE(d.top.owed_o);
      EXPECT_EQ(
          std::vector<Burst>(bursts.begin(), bursts.begin() + static_cast<std::ptrdiff_t>(issued)),
          d.bursts);
      ASSERT_GT(d.reports.size(), bad);
      for (std::size_t i = 0; i < bad; i++) EXPECT_EQ(d.reports[i].state, kCompleted);
      EXPECT_EQ(d.reports[bad].state, kFailed);
      EXPECT_EQ(d.reports[bad].cause, kCauseBusWrite);
      EXPECT_EQ(d.reports[bad].address, bursts[failing].address);
      for (std::size_t i = bad + 1; i < d.reports.size(); i++) {
        EXPECT_EQ(d.reports[i].state, kAborted);
        EXPECT_EQ(d.reports[i].cause, kCauseAborted);
      }
      // Started commands are those with an address, and perhaps one more.
      EXPECT_GE(d.reports.size(), issued == 0 ? 0 : owner[issued - 1] + 1);
      EXPECT_FALSE(d.top.busy_o);
      // After the reset the next command is right.
      d.flush = true;
      d.idle(3);
      d.flush = false;
      d.halted = false;
      d.restart();
      d.add(dense(kRaw, 3, 512));
      d.run();
      d.check_memory();
      d.check_completed();
      ASSERT_FALSE(HasFailure()) << "burst " << failing << " timing " << t;
    }
  }
}

TEST_F(StoreUnit, NoAddressIsOfferedFromTheErrorOn) {
  d.fill({kTagNone});
  d.timing.b_least = d.timing.b_most = 10;
  Command c = dense(kRaw, 500, 1024);
  c.local_pitch = 0;
  d.add(c);
  d.failing_bursts = {0};
  while (d.b_count == 0) d.step();
  const std::uint64_t error = d.cycle - 1;
  d.step();
  EXPECT_TRUE(d.top.fault_o);
  EXPECT_TRUE(d.reports.empty() || d.owed() == 0) << "the report waits for what is owed";
  d.idle(500);
  EXPECT_LE(d.last_aw, error) << "an address was offered after the error";
  ASSERT_EQ(d.reports.size(), 1u);
  EXPECT_EQ(d.reports[0].state, kFailed);
}

/// A command without fault, and after it one of six rows, one of which is bad.
class StoreUnitBadRow : public StoreUnit {
 protected:
  static constexpr std::uint32_t kRows = 6;
  Command first;

  /// The second command, not yet added; row r of it is at 10 + 2 * r.
  Command after_first(Conversion conversion) {
    first = dense(kRaw, 4, 700);
    d.add(first);
    Command c = dense(conversion, kRows, 512);
    c.base += 0x20000;
    c.local_base = 10;
    c.local_pitch = 2;
    c.signals = {sync(5, 1), 0};
    return c;
  }
  /// The first command is whole; of `c`, the second, nothing is written from row `bad` on.
  void expect_failed(const Command& c, std::uint32_t bad, std::uint32_t cause) {
    EXPECT_EQ(d.reports[0].state, kCompleted);
    EXPECT_EQ(d.reports[1].state, kFailed);
    EXPECT_EQ(d.reports[1].cause, cause);
    EXPECT_EQ(d.reports[1].address, 10 + 2 * bad);
    EXPECT_EQ(d.owed(), 0u);
    EXPECT_FALSE(d.top.busy_o);
    EXPECT_EQ(d.semaphore[5], 0u);
    d.expect_command(first);
    for (std::uint32_t row = bad; row < kRows; row++) {
      for (std::uint32_t b = 0; b < c.run; b++)
        EXPECT_EQ(d.memory_at(c.base + row * 512 + b), 0xA5);
    }
  }
};

TEST_F(StoreUnitBadRow, AWrongTagFailsWithItsRowAndRowsBeforeArePaid) {
  for (const unsigned t : {0u, 1u, 3u, 6u}) {
    for (std::uint32_t bad = 0; bad < kRows; bad++) {
      for (const Conversion conversion : {kBf16, kInt8}) {
        d.restart();
        d.timing = timings()[t];
        d.fill({static_cast<std::uint8_t>(conversion == kBf16 ? kTagFp32 : kTagInt32)});
        d.set_tag(10 + 2 * bad, conversion == kBf16 ? kTagInt32 : kTagFp32);
        const Command c = after_first(conversion);
        d.add(c);
        Command third = c;
        third.base += 0x20000;
        d.add(third);
        d.run(2);
        d.idle(300);
        // The third command may have started when the row was read.
        ASSERT_GE(d.reports.size(), 2u);
        if (d.reports.size() > 2) {
          EXPECT_EQ(d.reports[2].state, kAborted);
        }
        expect_failed(c, bad, kCauseTypeTag);
        for (std::uint32_t row = 0; row < kRows; row++) {
          for (std::uint32_t b = 0; b < c.run; b++)
            EXPECT_EQ(d.memory_at(third.base + row * 512 + b), 0xA5);
        }
        d.reset_after_fault();
        ASSERT_FALSE(HasFailure()) << "row " << bad << " timing " << t;
      }
    }
  }
}

// Of a row of lines or accumulators that is read wrong, and of later ones, nothing is written; its
// tag may be anything.

TEST_F(StoreUnitBadRow, ARowReadWrongFailsWithItsPlaceAndRowsBeforeArePaid) {
  for (const unsigned t : {0u, 1u, 3u, 6u}) {
    for (std::uint32_t bad = 0; bad < kRows; bad++) {
      for (const bool accumulators : {true, false}) {
        d.restart();
        d.timing = timings()[t];
        d.fill({kTagFp32});
        Command c = after_first(accumulators ? kBf16 : kRaw);
        c.accumulators = accumulators;
        if (!accumulators) c.run = 7;
        if (accumulators) d.set_tag(10 + 2 * bad, kTagInt32);
        d.set_wrong(accumulators, 10 + 2 * bad, true);
        d.add(c);
        d.run(2);
        d.idle(300);
        d.set_wrong(accumulators, 10 + 2 * bad, false);
        ASSERT_EQ(d.reports.size(), 2u);
        expect_failed(c, bad, kCauseMemory);
        d.reset_after_fault();
        ASSERT_FALSE(HasFailure()) << "row " << bad << " timing " << t;
      }
    }
  }
}

TEST_F(StoreUnit, ScalesReadWrongFailBeforeAnythingIsWritten) {
  d.fill({kTagInt32});
  for (std::uint32_t line = 0; line < (4 * d.cols + d.line_bytes - 1) / d.line_bytes; line++) {
    for (const std::uint32_t scale : {0x3F800000u, 0u}) {
      d.restart();
      d.set_scales(kScaleLine, std::vector<std::uint32_t>(d.cols, scale));
      d.set_wrong(false, kScaleLine + line, true);
      Command c = dense(kInt8, 6, 512);
      c.scale = 0;
      c.scale_per_column = true;
      c.scale_line = kScaleLine;
      d.add(c);
      d.run();
      d.set_wrong(false, kScaleLine + line, false);
      EXPECT_EQ(d.reports[0].state, kFailed);
      // Of a bad scale in an earlier line the scale is the first fault.
      const bool wrong_first = line == 0 || scale != 0;
      EXPECT_EQ(d.reports[0].cause, wrong_first ? kCauseMemory : kCauseScale);
      EXPECT_EQ(d.reports[0].address, wrong_first ? kScaleLine + line : 0);
      EXPECT_TRUE(d.bursts.empty());
      d.reset_after_fault();
      ASSERT_FALSE(HasFailure()) << "line " << line;
    }
  }
}

TEST_F(StoreUnit, AFaultLeavesTheBurstsOfOlderCommandsAlone) {
  // The first command is one run of two bursts, the second of which is still to be addressed when
  // the next command's row is read.
  for (const unsigned aw_ready : {2u, 5u, 20u, 100u}) {
    for (unsigned rows = 1; rows < 5; rows++) {
      d.restart();
      d.fill({kTagFp32});
      d.timing.aw_ready = aw_ready;
      Command first = dense(kRaw, rows, 4 * d.cols);
      first.merge = rows > 1;
      first.base = kBase + 4096 - 4;
      d.add(first);
      Command c = dense(kInt8, 6, 512);
      c.base += 0x20000;
      d.add(c);
      d.run(2);
      EXPECT_EQ(d.reports[0].state, kCompleted);
      EXPECT_EQ(d.reports[1].state, kFailed);
      EXPECT_EQ(d.reports[1].cause, kCauseTypeTag);
      EXPECT_EQ(d.reports[1].address, 0u);
      d.expect_command(first);
      d.compare_memory();
      d.idle(100);
      d.reset_after_fault();
      ASSERT_FALSE(HasFailure()) << rows << " rows";
    }
  }
}

TEST_F(StoreUnit, ABadScaleFailsWithItsColumnBeforeAnythingIsWritten) {
  d.fill({kTagInt32});
  for (const std::uint32_t scale :
       {0u, 0x80000000u, 0xBF800000u, 0x7F800000u, 0x7FC00000u, 0xFF800000u, 0x80000001u}) {
    for (unsigned column = 0; column < d.cols; column++) {
      d.restart();
      std::vector<std::uint32_t> scales(d.cols, 0x3F800000);
      scales[column] = scale;
      if (column + 1 < d.cols) scales[d.cols - 1] = scale;  // the first bad one counts
      d.set_scales(kScaleLine, scales);
      Command c = dense(kInt8, 6, 512);
      c.scale = 0;
      c.scale_per_column = true;
      c.scale_line = kScaleLine;
      d.add(c);
      d.run();
      EXPECT_EQ(d.reports[0].state, kFailed);
      EXPECT_EQ(d.reports[0].cause, kCauseScale);
      EXPECT_EQ(d.reports[0].address, column);
      EXPECT_TRUE(d.bursts.empty());
      d.reset_after_fault();
      ASSERT_FALSE(HasFailure()) << std::hex << scale;
    }
  }
  // The least and the greatest scale are good.
  for (const std::uint32_t scale : {1u, 0x7F7FFFFFu}) {
    d.restart();
    d.set_scales(kScaleLine, std::vector<std::uint32_t>(d.cols, scale));
    Command c = dense(kInt8, 6, 512);
    c.scale = 0;
    c.scale_per_column = true;
    c.scale_line = kScaleLine;
    d.add(c);
    d.run();
    d.check_memory();
    d.check_completed();
  }
}

TEST_F(StoreUnit, ARefusedSignalFailsTheCommand) {
  d.fill({kTagNone});
  d.semaphore[9] = 65533;
  Command c = dense(kRaw, 6, 512);
  c.signals = {sync(8, 1), sync_rows(9, 1, 0)};
  d.add(c);
  d.add(dense(kRaw, 2, 512));
  d.run(1);
  d.idle(300);
  EXPECT_EQ(d.reports[0].state, kFailed);
  EXPECT_EQ(d.reports[0].cause, kCauseOverflow);
  EXPECT_EQ(d.reports[0].address, 9u);
  EXPECT_EQ(d.semaphore[9], 65535u);
  EXPECT_EQ(d.semaphore[8], 0u);
  EXPECT_EQ(d.owed(), 0u);
  if (d.reports.size() > 1) {
    EXPECT_EQ(d.reports[1].state, kAborted);
  }
  EXPECT_FALSE(d.top.busy_o);
}

TEST_F(StoreUnit, HaltDropsWhatHasNotStarted) {
  d.fill({kTagNone});
  d.stop_at_fault = false;
  Command running = dense(kRaw, 4, 512);
  Command waiting = dense(kRaw, 4, 512);
  waiting.base += 0x10000;
  waiting.waits = {sync(1, 1), 0};
  d.add(running);
  d.add(waiting);
  d.run(1);
  d.idle(20);
  EXPECT_TRUE(d.top.busy_o);
  d.halted = true;
  d.semaphore[1] = 1;
  d.idle(100);
  EXPECT_EQ(d.reports.size(), 1u);
  EXPECT_FALSE(d.top.busy_o);
  d.expect_command(running);
  d.compare_memory();
}

TEST_F(StoreUnit, AbandonEndsACommandThatIsBlockedInARowWait) {
  d.fill({kTagNone});
  d.stop_at_fault = false;
  Command c = dense(kRaw, 6, 512);
  c.waits = {sync_rows(1, 1, 1), 0};
  d.semaphore[1] = 2;
  d.add(c);
  d.idle(200);
  d.halted = true;
  d.idle(100);
  EXPECT_TRUE(d.reports.empty()) << "only abandon_i ends it";
  EXPECT_TRUE(d.top.blocked_o);
  d.abandon = true;
  d.idle(100);
  ASSERT_EQ(d.reports.size(), 1u);
  EXPECT_EQ(d.reports[0].state, kAborted);
  EXPECT_EQ(d.reports[0].cause, kCauseAborted);
  EXPECT_FALSE(d.top.busy_o);
  EXPECT_EQ(d.bursts.size(), 4 * d.expect_bursts(kBase, c.run).size());
}

TEST_F(StoreUnit, AQueueResetInAnyCycleDrainsAndLeavesNothing) {
  d.fill({kTagNone});
  random_scales();
  const auto all = timings();
  for (unsigned at = 0; at < 200; at++) {
    d.restart();
    d.timing = all[at % 7];
    for (unsigned i = 0; i < 4; i++) {
      Command c = dense(i % 2 == 0 ? kBf16 : kInt8, 6, 1024);
      c.base = kBase + 0x8000 * i + 5 * i;
      if (i == 1) {
        c.scale = 0;
        c.scale_per_column = true;
        c.scale_line = kScaleLine;
      }
      if (i == 3) c.waits = {sync_rows(1, 1, 0), 0};
      d.add(c);
    }
    d.semaphore.assign(16, 0);
    d.semaphore[1] = 3;
    if (at % 3 == 0) d.failing_bursts = {at % 8};
    d.idle(at);
    const std::size_t reports = d.reports.size();
    d.queue.resize(d.next_command);
    d.flush = true;
    unsigned waited = 0;
    std::size_t addressed = d.bursts.size() + (d.top.aw_valid_o ? 1 : 0);
    do {
      d.step();
      ASSERT_LT(++waited, 5000u) << "the debt is not paid, reset in cycle " << at;
      if (waited == 1)
        addressed = std::max(addressed, d.bursts.size() + (d.top.aw_valid_o ? 1u : 0u));
    } while (d.top.owed_o || d.owed() != 0);
    EXPECT_LE(d.bursts.size(), addressed + 1);
    EXPECT_EQ(d.reports.size(), reports) << "a report in the reset";
    d.step();
    d.flush = false;
    d.halted = false;
    d.semaphore.assign(16, 0);
    d.restart();
    for (unsigned i = 0; i < 3; i++) {
      Command c = dense(kInt8, 3, 64 + d.cols);
      c.base = kBase + 0x1000 * i + 1;
      c.signals = {sync_rows(2, 1, 0), 0};
      d.add(c);
    }
    d.run();
    EXPECT_EQ(d.semaphore[2], 9u);
    d.check_memory();
    d.check_completed();
    ASSERT_FALSE(HasFailure()) << "reset in cycle " << at;
  }
}

}  // namespace
}  // namespace systolith::store_test
