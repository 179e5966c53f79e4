#include <algorithm>
#include <set>

#include "fixture.h"

namespace systolith::test {
namespace {

// Programs of commands that feed each other by semaphores, at random pace, now and then with a
// fault in execution.
TEST_F(CommandProcessor, RandomProgramsKeepTheirPromises) {
  for (int round = 0; round < 150; ++round) {
    auto& random = bench_->random();
    bench_->stall_percent = random() % 40;
    bench_->read_latency = 1 + random() % 60;
    bench_->write_latency = 1 + random() % 60;
    // Anywhere, so that bursts meet page ends and records every part of a beat.
    bench_->ring = 0x1000 + 128 * (random() % 64);
    bench_->records = 0x1'0000 + 32 * (random() % 64);
    const bool faulty = round % 3 == 2;
    const unsigned pace = 1 + random() % 6;
    bench_->advance = [&](unsigned unit) {
      bench_->fail[unit] = faulty && random() % 300 == 0;
      return static_cast<unsigned>(random() % pace == 0);
    };
    Start(4);
    const uint32_t count = 20 + random() % 60;
    std::vector<Command> program;
    for (uint32_t i = 0; i < count; ++i) {
      const bool record = random() % 2;
      const uint32_t rows = 1 + random() % 12, step = random() % 3;
      switch (i % 4) {
        case 0:
          program.push_back(Load(rows, record));
          break;
        case 1:
          program.push_back(Matrix(rows, record));
          break;
        case 2:
          program.push_back(Store(rows, record));
          break;
        default:
          program.push_back(Nop(record, true));
          break;
      }
      Command& c = program.back();
      // load -> matrix -> store, each row or group followed by the next unit.
      if (i % 4 == 1 || i % 4 == 2) {
        const uint32_t before = i % 4 == 1 ? static_cast<uint32_t>(program[i - 1].Get(7, 0, 32))
                                           : static_cast<uint32_t>(program[i - 1].Get(4, 0, 32));
        // Same rows on both sides, so that grants match.
        if (i % 4 == 1)
          c.Set(4, 0, 32, before);
        else
          c.Set(7, 0, 32, before);
        const uint32_t semaphore = i % 4;
        if (random() % 2) {
          Signal(program[i - 1], 1, Sync(1, semaphore, step));
          Wait(c, 0, Sync(1, semaphore, step));
        } else {
          Signal(program[i - 1], 1, Sync(3, semaphore));
          Wait(c, 1, Sync(3, semaphore));
        }
      }
    }
    const int done_before = bench_->commands_done;
    uint32_t tail = 0;
    std::set<uint32_t> wiped;
    std::vector<Record> records(count);
    uint32_t seen = 0;
    for (int i = 0; i < 200000; ++i) {
      const uint32_t completed = bench_->top().completed_o;
      for (; seen < completed; ++seen) records[seen] = bench_->ReadRecord(seen);
      if (bench_->top().faulted_o || (tail == count && !bench_->top().busy_o)) break;
      if (tail < count && tail - completed < 16 && random() % 8 == 0) {
        bench_->Put(tail, program[tail]);
        bench_->Doorbell(++tail);
      } else {
        bench_->Step();
      }
    }
    const bool faulted = bench_->top().faulted_o;
    ASSERT_TRUE(faulted || bench_->top().completed_o == count) << "round " << round;
    EXPECT_FALSE(bench_->top().busy_o);
    const uint32_t completed = bench_->top().completed_o;
    uint32_t first_fault = count;
    for (uint32_t i = 0; i < completed; ++i) {
      const bool started =
          i % 4 == 3 || std::count(bench_->started.begin(), bench_->started.end(), i) == 1;
      EXPECT_TRUE(started) << i;
      if (program[i].Get(0, 24, 1)) EXPECT_EQ(records[i].index, i);
      if (records[i].index == i && records[i].state == 2) first_fault = std::min(first_fault, i);
    }
    if (!faulted) {
      EXPECT_EQ(first_fault, count);
      EXPECT_EQ(bench_->commands_done - done_before, static_cast<int>(count));
      EXPECT_EQ(bench_->started.size(), count - count / 4);
    } else {
      EXPECT_TRUE(faulty);
      EXPECT_EQ(bench_->top().fault_cause_o, 12);
      // The first fault in ring order may lie past `completed`, behind a command that never
      // started.
      EXPECT_LE(bench_->top().fault_index_o, first_fault);
      const Record r = bench_->ReadRecord(bench_->top().fault_index_o);
      EXPECT_EQ(r.index, bench_->top().fault_index_o);
      EXPECT_EQ(r.state, 2);
      const size_t started = bench_->started.size();
      for (int i = 0; i < 200; ++i) bench_->Step();
      EXPECT_EQ(bench_->started.size(), started) << "nothing starts after a fault";
    }
    if (HasFailure()) FAIL() << "round " << round;
    bench_->advance = [](unsigned) { return 1u; };
    bench_->fail = {};
    bench_->QueueReset();
  }
}

}  // namespace
}  // namespace systolith::test
