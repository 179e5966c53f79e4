// load_unit: faults, halt, abandon, flush.
#include "fixture.h"

namespace systolith::test {
namespace {

class LoadFault : public LoadUnit {
 protected:
  void drain_and_reset() {
    bench.flush = true;
    int limit = 0;
    do {
      bench.step();
    } while (bench.owes() && ++limit < 5000);
    ASSERT_LT(limit, 5000) << "flush does not drain";
    bench.step();
    EXPECT_FALSE(bench.busy);
    bench.flush = false;
    bench.halt = false;
    bench.abandon = false;
    bench.forget();
  }

  // Steps until nothing moves any more.
  void settle() {
    bench.behaviour.command_valid = 100;
    for (int i = 0; i < 3000; ++i) bench.step();
    EXPECT_FALSE(bench.owes());
  }

  void expect_healthy() {
    bench.push(scratchpad({.base = kPage + 3,
                           .run = 2 * bus() + 1,
                           .count = {2, 1, 1, 1},
                           .stride = {4000, 0, 0, 0}}));
    bench.push(accumulators({.base = kPage + 1, .run = 4}));
    bench.finish();
  }
};

TEST_F(LoadFault, ErrorOnEveryBeatOfThreeCommandsInFlight) {
  const auto commands = [&] {
    const uint32_t run = 2 * bus() + 3;
    std::vector<Command> all = {
        scratchpad(
            {.base = kPage + 1, .run = run, .count = {3, 1, 1, 1}, .stride = {512, 0, 0, 0}}),
        scratchpad({.base = kPage + 0x8000,
                    .run = bus(),
                    .count = {2, 1, 1, 1},
                    .stride = {512, 0, 0, 0}}),
        accumulators({.base = kPage + 5,
                      .run = 4 * bench.config.columns,
                      .count = {2, 1, 1, 1},
                      .stride = {640, 0, 0, 0}})};
    for (Command& c : all) c.signals[0] = {.count = 1, .semaphore = 9};
    return all;
  };
  for (const Command& c : commands()) bench.push(c);
  const std::vector<LoadBench::ExpectedBurst> bursts = bench.bursts;
  bench.finish();
  bench.forget();
  for (size_t burst = 0; burst < bursts.size(); ++burst)
    for (uint32_t beat = 0; beat < bursts[burst].beats; ++beat)
      for (int twist = 0; twist < 4; ++twist) {
        SCOPED_TRACE(::testing::Message()
                     << "burst " << burst << " beat " << beat << " twist " << twist);
        bench.behaviour = {};
        bench.behaviour.latency_min = bench.behaviour.latency_max = twist == 1 ? 3 : 60;
        if (twist == 2) bench.behaviour.r_valid = bench.behaviour.ar_ready = 50;
        for (const Command& c : commands()) bench.push(c);
        bench.errors = {{burst, beat}};
        // A second error must not change the report.
        if (twist == 3 && burst + 1 < bursts.size()) bench.errors.push_back({burst + 1, 0});
        settle();
        const size_t victim = bursts[burst].command;
        ASSERT_TRUE(bench.error_cycle);
        ASSERT_GT(bench.reports.size(), victim);
        for (size_t i = 0; i < bench.reports.size(); ++i) {
          const Report& r = bench.reports[i];
          EXPECT_EQ(r.state, i < victim ? kCompleted : i == victim ? kFailed : kAborted);
          EXPECT_EQ(r.cause, i < victim ? 0 : i == victim ? kCauseBusRead : kCauseAborted);
          EXPECT_EQ(r.address, i == victim ? bursts[burst].address : 0);
        }
        // Every command that asked for something is reported.
        if (bench.bursts_asked > 0)
          EXPECT_GT(bench.reports.size(), bursts[bench.bursts_asked - 1].command);
        // Signals only of completed commands.
        EXPECT_EQ(bench.semaphores[9], victim);
        // No word with bytes of the faulty beat or of a later one.
        uint64_t good = 0;
        for (const auto& w : bench.words) good += w.command < victim;
        EXPECT_GE(bench.words_written, good);
        if (bench.words_written > good) {
          const uint64_t faulty = bursts[burst].address + uint64_t{beat} * bus();
          const uint64_t last = bench.last_word->address + bench.last_word->bytes;
          EXPECT_EQ(bench.last_word->command, victim);
          // Rows ascend in memory here.
          EXPECT_LE(last, faulty);
        }
        if (HasFailure()) return;
        drain_and_reset();
        expect_healthy();
        bench.forget();
      }
}

TEST_F(LoadFault, NothingStartsAfterAFault) {
  bench.behaviour = {.latency_min = 20, .latency_max = 20};
  bench.push(scratchpad({.base = kPage, .run = bus()}));
  Command waiting = scratchpad({.base = kPage, .run = bus()});
  waiting.waits[0] = {.count = 1, .semaphore = 1};
  bench.push(waiting);
  bench.push(scratchpad({.base = kPage, .run = bus()}));
  bench.errors = {{0, 0}};
  settle();
  bench.semaphores[1] = 1;
  settle();
  EXPECT_EQ(bench.reports.size(), 1u);
  EXPECT_EQ(bench.bursts_asked, 1u);
  EXPECT_EQ(bench.semaphores[1], 1u);
  EXPECT_FALSE(bench.busy);
  drain_and_reset();
  expect_healthy();
}

TEST_F(LoadFault, IsToldBeforeWhatIsOwedIsPaid) {
  bench.behaviour = {.latency_min = 20, .latency_max = 20};
  bench.push(scratchpad({.base = kPage, .run = 20 * bus()}));
  bench.errors = {{0, 0}};
  std::uint64_t told = 0, reported = 0;
  while (reported == 0 && bench.cycle < 5000) {
    bench.step();
    if (bench.fault && told == 0) told = bench.cycle;
    if (!bench.reports.empty()) reported = bench.cycle;
  }
  EXPECT_NE(told, 0u);
  EXPECT_TRUE(bench.fault);
  // The first burst alone still has beats after the one with the error.
  EXPECT_GE(reported, told + std::min<std::uint64_t>(bench.config.max_beats, 20) - 1);
  drain_and_reset();
  EXPECT_FALSE(bench.fault);
  expect_healthy();
}

TEST_F(LoadFault, HaltDropsWhatHasNotStartedAndFinishesTheRest) {
  bench.behaviour = {.latency_min = 50, .latency_max = 50};
  bench.push(scratchpad(
      {.base = kPage, .run = 2 * bus(), .count = {4, 1, 1, 1}, .stride = {512, 0, 0, 0}}));
  Command waiting = scratchpad({.base = kPage, .run = bus()});
  waiting.waits[0] = {.count = 1, .semaphore = 1};
  bench.push(waiting);
  for (int i = 0; i < 20; ++i) bench.step();
  bench.halt = true;
  settle();
  bench.semaphores[1] = 1;
  settle();
  ASSERT_EQ(bench.reports.size(), 1u);
  EXPECT_EQ(bench.reports[0].state, kCompleted);
  EXPECT_EQ(bench.words_written, 8u);
  EXPECT_FALSE(bench.busy);
  drain_and_reset();
  expect_healthy();
}

TEST_F(LoadFault, AbandonedRowWaitEndsAborted) {
  for (bool early : {false, true}) {
    bench.behaviour = {.latency_min = 40, .latency_max = 40};
    bench.push(scratchpad(
        {.base = kPage, .run = 2 * bus(), .count = {2, 1, 1, 1}, .stride = {512, 0, 0, 0}}));
    Command c =
        scratchpad({.base = kPage, .run = bus(), .count = {4, 1, 1, 1}, .stride = {512, 0, 0, 0}});
    c.waits[0] = {.count = 1, .semaphore = 1, .rows_log2 = 1, .by_rows = true};
    bench.push(c);
    bench.semaphores[1] = 1;
    if (!early) settle();
    for (int i = 0; i < 15; ++i) bench.step();
    if (!early) EXPECT_TRUE(bench.blocked);
    EXPECT_TRUE(bench.busy);
    bench.halt = true;
    if (!early) {
      settle();
      EXPECT_EQ(bench.reports.size(), 1u);
    }
    bench.abandon = true;
    settle();
    // A device that walks one burst at a time may not have started the second by then.
    ASSERT_GE(bench.reports.size(), early && bench.config.reads_outstanding == 1 ? 1u : 2u);
    EXPECT_EQ(bench.reports[0].state, kCompleted);
    if (bench.reports.size() > 1) {
      EXPECT_EQ(bench.reports[1].state, kAborted);
      EXPECT_EQ(bench.reports[1].cause, kCauseAborted);
    }
    EXPECT_FALSE(bench.busy);
    drain_and_reset();
    expect_healthy();
    bench.forget();
  }
}

TEST_F(LoadFault, RefusedSignalFailsItsCommand) {
  for (int port : {0, 1})
    for (bool by_rows : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "port " << port << " by rows " << by_rows);
      bench.behaviour = {.latency_min = 30, .latency_max = 30};
      const Command before = scratchpad({.base = kPage, .run = bus()});
      Command c = scratchpad(
          {.base = kPage, .run = bus(), .count = {4, 1, 1, 1}, .stride = {512, 0, 0, 0}});
      c.signals[port] = {.count = 3, .semaphore = 6, .rows_log2 = 1, .by_rows = by_rows};
      bench.push(before);
      bench.push(c);
      bench.push(before);
      bench.semaphores[6] = 65533;
      settle();
      ASSERT_GE(bench.reports.size(), 2u);
      EXPECT_EQ(bench.reports[0].state, kCompleted);
      EXPECT_EQ(bench.reports[1].state, kFailed);
      EXPECT_EQ(bench.reports[1].cause, kCauseSemaphoreOverflow);
      EXPECT_EQ(bench.reports[1].address, 6u);
      for (size_t i = 2; i < bench.reports.size(); ++i) EXPECT_EQ(bench.reports[i].state, kAborted);
      EXPECT_EQ(bench.semaphores[6], 65533u);
      drain_and_reset();
      expect_healthy();
      bench.forget();
    }
}

TEST_F(LoadFault, FlushAtEveryCycleOfACommand) {
  for (int slow = 0; slow < 3; ++slow)
    for (int at = 0; at <= 220; ++at) {
      SCOPED_TRACE(::testing::Message() << "flush at " << at << " slow " << slow);
      bench.behaviour = {.latency_min = 40, .latency_max = 60};
      if (slow == 1) bench.behaviour.ar_ready = bench.behaviour.r_valid = 20;
      if (slow == 2) bench.behaviour.accumulator_ready = bench.behaviour.report_ready = 20;
      const uint64_t dropped = bench.dropped;
      const uint64_t beats = bench.beats;
      for (int i = 0; i < 2; ++i) {
        Command c = accumulators({.base = kPage + 5,
                                  .run = 4 * bench.config.columns,
                                  .count = {4, 4, 1, 1},
                                  .stride = {512, 64, 0, 0}});
        c.signals[0] = {.count = 1, .semaphore = 1, .rows_log2 = 0, .by_rows = true};
        c.waits[0] = {.count = 1, .semaphore = 2, .rows_log2 = 1, .by_rows = true};
        bench.push(c);
      }
      bench.semaphores[2] = 11;
      for (int i = 0; i < at; ++i) bench.step();
      const uint64_t before = bench.beats;
      drain_and_reset();
      EXPECT_EQ(bench.dropped - dropped, bench.beats - before);
      EXPECT_GE(bench.beats, beats);
      expect_healthy();
      bench.forget();
      if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace systolith::test
