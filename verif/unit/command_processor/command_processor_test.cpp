#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "bench.h"

namespace systolith::test {
namespace {

constexpr uint64_t kReadBase = 0x1000'0000, kWriteBase = 0x2000'0000;
constexpr uint64_t kAreaBytes = 0x1000'0000;

uint64_t Top(const Sizes& s) { return s.address_width >= 64 ? 0 : uint64_t{1} << s.address_width; }

// Window 0 holds ring and records, 1 grants reads, 2 writes, 3 both at the end of the address
// space.
std::vector<Window> Windows(const Sizes& s) {
  return {{0, 0x0fff'ffff, 3},
          {kReadBase, kReadBase + kAreaBytes - 1, 1},
          {kWriteBase, kWriteBase + kAreaBytes - 1, 2},
          {Top(s) - 0x10'0000, Top(s) - 1, 3}};
}

class CommandProcessor : public testing::Test {
 protected:
  CommandProcessor() : bench_(std::make_unique<Bench>(7)), sizes_(bench_->sizes()) { Configure(); }

  void Configure() {
    auto& top = bench_->top();
    const auto windows = Windows(sizes_);
    for (int w = 0; w < 8; ++w) {
      top.window_base_i[w] = w < 4 ? windows[w].base : 0;
      top.window_last_i[w] = w < 4 ? windows[w].last : 0;
      top.window_permit_i[w] = w < 4 ? windows[w].permit : 0;
    }
    top.bus_timeout_i = 0;
    top.semaphore_timeout_i = 0;
    top.single_row_i = 0;
    top.no_syncs_i = 0;
  }

  static Command Header(unsigned opcode, unsigned unit, bool record = false,
                        bool interrupt = false) {
    Command c;
    return c.Set(0, 0, 8, 1)
        .Set(0, 8, 8, opcode)
        .Set(0, 16, 8, unit)
        .Set(0, 24, 1, record)
        .Set(0, 25, 1, interrupt);
  }
  static Command Nop(bool record = false, bool interrupt = false) {
    return Header(0x01, 0, record, interrupt);
  }
  // One row of four bytes (one column) by default.
  static Command Transfer(unsigned opcode, unsigned unit, uint64_t address, uint32_t rows,
                          bool record) {
    Command c = Header(opcode, unit, record);
    c.Set(3, 0, 64, address).Set(4, 0, 32, 4).Set(5, 0, 32, 1).Set(5, 32, 32, 1);
    c.Set(7, 0, 32, rows).Set(7, 32, 32, 1).Set(8, 0, 32, 1).Set(8, 32, 32, 1).Set(9, 0, 64, 64);
    return c;
  }
  static Command Load(uint32_t rows = 1, bool record = false) {
    return Transfer(0x10, 1, kReadBase, rows, record);
  }
  static Command Store(uint32_t rows = 1, bool record = false) {
    return Transfer(0x30, 3, kWriteBase, rows, record);
  }
  Command Matrix(uint32_t m = 1, bool record = false) const {
    Command c = Header(0x20, 2, record);
    c.Set(3, 0, 8, sizes_.bf16 ? 2 : 1).Set(4, 0, 32, m).Set(4, 32, 32, 1).Set(5, 0, 32, 1);
    return c.Set(6, 32, 32, 1).Set(7, 32, 32, 1);
  }
  static uint32_t Sync(uint32_t count, uint32_t semaphore, int rows_log2 = -1) {
    return count | semaphore << 16 | (rows_log2 >= 0 ? uint32_t(rows_log2) << 24 | 1u << 29 : 0);
  }
  static Command& Wait(Command& c, int port, uint32_t sync) {
    return c.Set(1, 32 * port, 32, sync);
  }
  static Command& Signal(Command& c, int port, uint32_t sync) {
    return c.Set(2, 32 * port, 32, sync);
  }

  void Start(unsigned log2_slots = 4) {
    bench_->Enable(log2_slots);
    ASSERT_TRUE(
        bench_->StepUntil([&] { return bench_->top().enabled_o && !bench_->top().busy_o; }, 100));
    bench_->taken.clear();
    bench_->started.clear();
    bench_->taken_cycle.clear();
  }
  bool Idle(int limit = 100000) {
    return bench_->StepUntil([&] { return !bench_->top().busy_o; }, limit);
  }
  bool FaultSeen(int limit = 100000) {
    const bool seen = bench_->StepUntil([&] { return bench_->top().faulted_o != 0; }, limit);
    bench_->Step();  // the interrupt is a pulse
    return seen;
  }
  void ExpectFault(unsigned cause, unsigned unit, uint32_t index, uint64_t address) {
    auto& top = bench_->top();
    EXPECT_TRUE(top.faulted_o);
    EXPECT_EQ(top.fault_cause_o, cause);
    EXPECT_EQ(top.fault_unit_o, unit);
    EXPECT_EQ(top.fault_index_o, index);
    EXPECT_EQ(top.fault_address_o, address);
  }
  // A queue that was reset works from index 0.
  void ExpectUsable() {
    auto& top = bench_->top();
    EXPECT_FALSE(top.busy_o);
    EXPECT_FALSE(top.faulted_o);
    EXPECT_FALSE(top.enabled_o);
    EXPECT_FALSE(top.enable_i);
    EXPECT_EQ(top.completed_o, 0u);
    EXPECT_EQ(top.binding_o[0], 0u);
    Start();
    bench_->Put(0, Load(3, true));
    bench_->Put(1, Matrix(2, true));
    bench_->Put(2, Store(2, true));
    bench_->Doorbell(3);
    ASSERT_TRUE(Idle());
    EXPECT_FALSE(top.faulted_o);
    EXPECT_EQ(top.completed_o, 3u);
    for (uint32_t i = 0; i < 3; ++i) {
      EXPECT_EQ(bench_->ReadRecord(i).index, i);
      EXPECT_EQ(bench_->ReadRecord(i).state, 1);
    }
  }

  std::unique_ptr<Bench> bench_;
  Sizes sizes_;
};

// ---- decoder ----

class Decoder : public CommandProcessor {
 protected:
  // Runs one command on a fresh queue; gives its cause and address, 0 if accepted.
  std::pair<unsigned, uint64_t> Refusal(const Command& command) {
    bench_->top().single_row_i = bench_->top().no_syncs_i = 1;
    Start();
    bench_->Put(0, command);
    bench_->Doorbell(1);
    EXPECT_TRUE(Idle(2000));
    const bool faulted = bench_->top().faulted_o;
    const std::pair<unsigned, uint64_t> result =
        faulted ? std::pair<unsigned, uint64_t>{bench_->top().fault_cause_o,
                                                bench_->top().fault_address_o}
                : std::pair<unsigned, uint64_t>{0, 0};
    if (faulted) {
      EXPECT_TRUE(bench_->taken.empty());
      const Record record = bench_->ReadRecord(0);
      EXPECT_EQ(record.state, 2);
      EXPECT_EQ(record.cause, result.first);
      EXPECT_EQ(record.address, result.second);
      EXPECT_EQ(record.unit, command.Get(0, 16, 8));
      EXPECT_EQ(record.opcode, command.Get(0, 8, 8));
    }
    bench_->QueueReset();
    return result;
  }
  using Result = std::pair<unsigned, uint64_t>;
};

TEST_F(Decoder, AcceptsThePlainCommands) {
  EXPECT_EQ(Refusal(Nop()), (Result{0, 0}));
  EXPECT_EQ(Refusal(Load(7)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Matrix(7)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Store(7)), (Result{0, 0}));
}

TEST_F(Decoder, RefusesVersionOpcodeAndUnit) {
  EXPECT_EQ(Refusal(Load().Set(0, 0, 8, 0)), (Result{1, 0}));
  EXPECT_EQ(Refusal(Load().Set(0, 0, 8, 2).Set(0, 8, 8, 0x77)), (Result{1, 0}));
  EXPECT_EQ(Refusal(Load().Set(0, 8, 8, 0x11)), (Result{2, 0}));
  EXPECT_EQ(Refusal(Load().Set(0, 16, 8, 2)), (Result{2, 0}));
  EXPECT_EQ(Refusal(Nop().Set(0, 16, 8, 1)), (Result{2, 0}));
  EXPECT_EQ(Refusal(Matrix().Set(0, 16, 8, 0x82)), (Result{2, 0}));
}

TEST_F(Decoder, RefusesReservedBits) {
  EXPECT_EQ(Refusal(Load().Set(0, 26, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Load().Set(0, 63, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Nop().Set(1, 0, 32, Sync(1, 0))), (Result{3, 0}));
  EXPECT_EQ(Refusal(Nop().Set(15, 63, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Load().Set(4, 32, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Load().Set(6, 16, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Load().Set(13, 0, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Store().Set(13, 32, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Matrix().Set(3, 10, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Matrix().Set(9, 0, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Load().Set(1, 30, 1, 1)), (Result{3, 0}));
  EXPECT_EQ(Refusal(Load().Set(1, 16, 8, 3)), (Result{3, 0})) << "semaphore without a count";
  EXPECT_EQ(Refusal(Load().Set(2, 32, 32, Sync(1, 0) | 1u << 24)), (Result{3, 0}))
      << "rows_log2 without by_rows";
}

TEST_F(Decoder, RefusesSemaphores) {
  EXPECT_EQ(Refusal(Load().Set(1, 32, 32, Sync(1, 200)).Set(2, 0, 32, Sync(1, 100))),
            (Result{4, 200}));
  EXPECT_EQ(Refusal(Load().Set(2, 0, 32, Sync(1, sizes_.semaphores))),
            (Result{4, sizes_.semaphores}));
  EXPECT_EQ(Refusal(Load().Set(2, 0, 32, Sync(1, sizes_.semaphores - 1))), (Result{0, 0}));
}

TEST_F(Decoder, BindsSemaphoresAtFirstUseAndRefusesOtherUnits) {
  for (const bool wait : {false, true}) {
    bench_->top().single_row_i = bench_->top().no_syncs_i = 1;
    Start();
    Command first = Load(), second = Store(), again = Load();
    for (Command* c : {&first, &second, &again}) c->Set(wait ? 1 : 2, 0, 32, Sync(3, 9));
    bench_->Put(0, first);
    bench_->Put(1, again);
    bench_->Put(2, second);
    bench_->Doorbell(3);
    ASSERT_TRUE(FaultSeen());
    ExpectFault(5, 3, 2, 9);
    EXPECT_EQ(bench_->top().completed_o, 3u);
    EXPECT_EQ(bench_->top().binding_o[0], wait ? 0u : uint64_t{1} << 18);
    bench_->QueueReset();
    EXPECT_EQ(bench_->top().binding_o[0], 0u);
  }
}

TEST_F(Decoder, RefusesFormats) {
  EXPECT_EQ(Refusal(Load().Set(6, 0, 8, 2)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Load().Set(6, 8, 8, 1)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Load().Set(6, 0, 8, 1)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Load().Set(6, 0, 8, 1).Set(6, 8, 8, 3)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Load().Set(6, 0, 8, 1).Set(6, 8, 8, 2)), (Result{0, 0}));
  for (const unsigned format : {0u, 3u, 4u, 5u, 6u, 7u, 255u}) {
    EXPECT_EQ(Refusal(Matrix().Set(3, 0, 8, format)), (Result{6, 0}));
  }
  EXPECT_EQ(Refusal(Store().Set(6, 8, 8, 1)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Store().Set(6, 16, 1, 1)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Store().Set(6, 32, 32, 0x3f80'0000)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Store().Set(13, 0, 32, 1)), (Result{6, 0}));
  const Command drain = Store().Set(6, 0, 8, 1);
  EXPECT_EQ(Refusal(Command(drain).Set(6, 8, 8, 3)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Command(drain).Set(6, 17, 1, 1)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Command(drain).Set(6, 8, 8, 1).Set(6, 32, 32, 0x3f80'0000)), (Result{6, 0}));
  EXPECT_EQ(Refusal(Command(drain).Set(6, 16, 1, 1)), (Result{0, 0}));
}

TEST_F(Decoder, RefusesZeroAndLargeSizes) {
  for (const int count : {0, 1, 2, 3}) {
    EXPECT_EQ(Refusal(Load().Set(7 + count / 2, 32 * (count % 2), 32, 0)), (Result{7, 0}));
    EXPECT_EQ(Refusal(Load().Set(7 + count / 2, 32 * (count % 2), 32, 65537).Set(5, 0, 64, 0)),
              (Result{7, 0}));
    EXPECT_EQ(
        Refusal(Load().Set(7 + count / 2, 32 * (count % 2), 32, 0x8000'0001).Set(5, 0, 64, 0)),
        (Result{7, 0}));
  }
  EXPECT_EQ(Refusal(Load().Set(4, 0, 32, 0)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Load().Set(4, 0, 32, (1 << 20) + 1)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Load().Set(5, 0, 64, 0).Set(7, 0, 32, 65536).Set(9, 0, 64, 0)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Load().Set(5, 0, 64, 0).Set(7, 0, 32, 256).Set(8, 32, 32, 257)),
            (Result{7, 0}));
  EXPECT_EQ(Refusal(Load()
                        .Set(5, 0, 64, 0)
                        .Set(7, 0, 64, 65536ull << 32 | 65536)
                        .Set(8, 0, 64, 65536ull << 32 | 65536)),
            (Result{7, 0}));
  const Command to_rows = Load().Set(6, 0, 16, 0x0101);
  EXPECT_EQ(Refusal(Command(to_rows).Set(4, 0, 32, 4 * sizes_.cols)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Command(to_rows).Set(4, 0, 32, 4 * sizes_.cols + 4)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Command(to_rows).Set(4, 0, 32, 6)), (Result{7, 0}));
  const Command half = Store().Set(6, 0, 16, 0x0101);
  EXPECT_EQ(Refusal(Command(half).Set(4, 0, 32, 2 * sizes_.cols)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Command(half).Set(4, 0, 32, 2 * sizes_.cols + 2)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Command(half).Set(4, 0, 32, 3)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Matrix(0)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Matrix().Set(4, 32, 32, 0)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Matrix().Set(5, 0, 32, 0)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Matrix(65537)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Matrix(2).Set(4, 32, 32, sizes_.cols + 1).Set(8, 32, 32, 1)), (Result{7, 0}));
  EXPECT_EQ(Refusal(Matrix(2).Set(4, 32, 32, sizes_.cols + 1).Set(8, 32, 32, 2)), (Result{0, 0}));
}

TEST_F(Decoder, RefusesLocalRangesWithTheirExactEnd) {
  const uint64_t lines = sizes_.scratchpad_lines, rows = sizes_.accumulator_rows;
  EXPECT_EQ(Refusal(Load().Set(5, 0, 32, lines - 1)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Load().Set(5, 0, 32, lines)), (Result{8, lines + 1}));
  EXPECT_EQ(Refusal(Load().Set(5, 0, 32, lines - 1).Set(4, 0, 32, sizes_.line_bytes + 1)),
            (Result{8, lines + 1}));
  EXPECT_EQ(Refusal(Load(3).Set(5, 0, 32, 1).Set(5, 32, 32, 0x8000'0000)),
            (Result{8, 0x1'0000'0002}));
  EXPECT_EQ(Refusal(Load().Set(5, 32, 32, 0xffff'ffff)), (Result{0, 0})) << "pitch of a single row";
  EXPECT_EQ(Refusal(Load(65536).Set(5, 0, 64, ~0ull)),
            (Result{8, 0xffff'ffffull + 65535 * 0xffff'ffffull + 1}));
  EXPECT_EQ(Refusal(Load().Set(6, 0, 16, 0x0101).Set(5, 0, 32, rows)), (Result{8, rows + 1}));
  const Command scaled = Store().Set(6, 0, 18, 0x2'0201).Set(4, 0, 32, 1);
  const uint64_t scale_lines = (4 * sizes_.cols + sizes_.line_bytes - 1) / sizes_.line_bytes;
  EXPECT_EQ(Refusal(Command(scaled).Set(13, 0, 32, lines - scale_lines)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Command(scaled).Set(13, 0, 32, lines)), (Result{8, lines + scale_lines}));
  EXPECT_EQ(Refusal(Matrix().Set(6, 0, 32, lines)), (Result{8, lines + 1}));
  EXPECT_EQ(Refusal(Matrix().Set(7, 0, 32, lines)), (Result{8, lines + 1}));
  EXPECT_EQ(Refusal(Matrix().Set(8, 0, 32, rows)), (Result{8, rows + 1}));
  EXPECT_EQ(Refusal(Matrix(5).Set(8, 0, 32, rows - 5)), (Result{0, 0}));
}

TEST_F(Decoder, RefusesAddressesThatWrapOrExceedTheWidth) {
  const uint64_t top = Top(sizes_);
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, top - 4)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, top - 3)), (Result{9, top - 3}));
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, top | kReadBase)), (Result{9, top | kReadBase}));
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, ~0ull)), (Result{9, ~0ull}));
  EXPECT_EQ(Refusal(Load(2).Set(9, 0, 64, -static_cast<int64_t>(kReadBase) - 1)),
            (Result{9, kReadBase}));
  EXPECT_EQ(Refusal(Load(2).Set(3, 0, 64, kReadBase + 16).Set(9, 0, 64, -16ll)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Load(3).Set(5, 32, 32, 0).Set(9, 0, 64, 1ull << 63)), (Result{9, kReadBase}));
  EXPECT_EQ(Refusal(Load(3).Set(5, 32, 32, 0).Set(9, 0, 64, (1ull << 63) - 1)),
            (Result{9, kReadBase}));
  EXPECT_EQ(Refusal(Load(1).Set(9, 0, 64, 1ull << 63)), (Result{0, 0})) << "stride of a single row";
  // Sums of 2^64 bytes, which 64 bits would take for 0: by two loops, by three, by one.
  const Command still = Load().Set(5, 0, 64, 0);
  EXPECT_EQ(Refusal(Command(still)
                        .Set(7, 0, 64, 2ull << 32 | 2)
                        .Set(9, 0, 64, 1ull << 63)
                        .Set(10, 0, 64, 1ull << 63)),
            (Result{9, kReadBase}));
  EXPECT_EQ(Refusal(Command(still)
                        .Set(7, 0, 64, 2ull << 32 | 3)
                        .Set(9, 0, 64, (1ull << 63) - 1)
                        .Set(10, 0, 64, 2)),
            (Result{9, kReadBase}));
  for (const uint64_t stride : {1ull << 60, -(1ull << 60)}) {
    EXPECT_EQ(Refusal(Command(still).Set(7, 0, 32, 17).Set(9, 0, 64, stride)),
              (Result{9, kReadBase}));
  }
  // 2 x 2^(width-1) is 2^width: never wraps to the start.
  EXPECT_EQ(Refusal(Load(3).Set(5, 32, 32, 0).Set(9, 0, 64, top / 2)), (Result{9, kReadBase}));
}

TEST_F(Decoder, RefusesExtentsOutsideOneWindowWithThePermission) {
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, kWriteBase)), (Result{10, kWriteBase}));
  EXPECT_EQ(Refusal(Store().Set(3, 0, 64, kReadBase)), (Result{10, kReadBase}));
  EXPECT_EQ(Refusal(Store().Set(3, 0, 64, kReadBase - 4)), (Result{0, 0}));
  const uint64_t end = kReadBase + kAreaBytes;
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, end - 4)), (Result{0, 0}));
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, end - 3)), (Result{10, end - 3}));
  EXPECT_EQ(Refusal(Load().Set(3, 0, 64, kReadBase - 1)), (Result{10, kReadBase - 1}))
      << "in two windows";
  EXPECT_EQ(Refusal(Load(2).Set(9, 0, 64, -4ll)), (Result{10, kReadBase}));
}

TEST_F(Decoder, RefusesScalesThatAreNotFiniteAndPositive) {
  const Command drain = Store().Set(6, 0, 16, 0x0201);
  for (const uint32_t bad :
       {0u, 0x8000'0000u, 0xbf80'0000u, 0x7f80'0000u, 0x7fc0'0000u, 0xff80'0000u}) {
    EXPECT_EQ(Refusal(Command(drain).Set(6, 32, 32, bad)), (Result{11, 0})) << std::hex << bad;
  }
  for (const uint32_t good : {1u, 0x3f80'0000u, 0x7f7f'ffffu}) {
    EXPECT_EQ(Refusal(Command(drain).Set(6, 32, 32, good)), (Result{0, 0})) << std::hex << good;
  }
}

TEST_F(Decoder, ReportsTheFirstOfSeveralFaults) {
  Command c = Store().Set(6, 0, 16, 0x0201);  // scale of 0
  EXPECT_EQ(Refusal(c), (Result{11, 0}));
  c.Set(3, 0, 64, kReadBase);
  EXPECT_EQ(Refusal(c), (Result{10, kReadBase}));
  c.Set(3, 0, 64, Top(sizes_) - 1);
  EXPECT_EQ(Refusal(c), (Result{9, Top(sizes_) - 1}));
  c.Set(5, 0, 32, sizes_.accumulator_rows);
  EXPECT_EQ(Refusal(c).first, 8u);
  c.Set(4, 0, 32, 0);
  EXPECT_EQ(Refusal(c).first, 7u);
  c.Set(6, 0, 8, 9);
  EXPECT_EQ(Refusal(c).first, 6u);
  c.Set(1, 0, 32, Sync(1, 255));
  EXPECT_EQ(Refusal(c), (Result{4, 255}));
  c.Set(14, 0, 1, 1);
  EXPECT_EQ(Refusal(c).first, 3u);
  c.Set(0, 8, 8, 0x31);
  EXPECT_EQ(Refusal(c).first, 2u);
  c.Set(0, 0, 8, 3);
  EXPECT_EQ(Refusal(c).first, 1u);
}

// Random commands near every limit, some with random bits turned, against the reference.
class RandomDecoder : public Decoder {
 protected:
  uint64_t Random(uint64_t below) { return bench_->random()() % below; }
  bool Chance(int percent) { return static_cast<int>(Random(100)) < percent; }
  template <typename T>
  T Pick(std::initializer_list<T> list) {
    return *(list.begin() + Random(list.size()));
  }
  // Near `limit`, small, or anything.
  uint64_t Near(uint64_t limit) {
    switch (Random(5)) {
      case 0:
        return limit - Random(3);
      case 1:
        return limit + Random(3);
      case 2:
        return Random(4);
      default:
        return limit == 0 ? 0 : Random(limit);
    }
  }
  uint32_t RandomSync() {
    if (Chance(50)) return 0;
    const uint32_t semaphore = Chance(97) ? Random(sizes_.semaphores) : Random(256);
    return Chance(50) ? Sync(1 + Random(65535), semaphore)
                      : Sync(1 + Random(65535), semaphore, Random(32));
  }
  uint64_t RandomAddress(bool store) {
    const uint64_t top = Top(sizes_);
    switch (Random(6)) {
      case 0:
        return top - Random(5000);
      case 1:
        return Random(5000);
      case 2:
        return (store ? kWriteBase : kReadBase) + kAreaBytes - Random(100000);
      default:
        return (store ? kWriteBase : kReadBase) + Random(kAreaBytes / 2);
    }
  }
  uint64_t RandomStride(uint32_t run) {
    const uint64_t top = Top(sizes_);
    uint64_t s;
    switch (Random(9)) {
      case 0:
        s = 0;
        break;
      case 1:
        s = run;
        break;
      case 2:
        s = run + 1;
        break;
      case 3:
        s = uint64_t{1} << Random(64);
        break;
      case 4:
        s = (uint64_t{1} << Random(64)) - 1;
        break;
      case 5:
        s = top / (1 + Random(70000));
        break;
      case 6:
        s = bench_->random()();
        break;
      default:
        s = Random(100000);
        break;
    }
    return Chance(35) ? -s : s;
  }

  Command RandomCommand() {
    const unsigned kind = Random(10);
    Command c;
    if (kind == 0) {
      c = Nop(Chance(50), Chance(50));
    } else if (kind < 7) {
      const bool store = kind >= 4;
      c = Header(store ? 0x30 : 0x10, store ? 3 : 1, Chance(50), Chance(50));
      const bool rows = Chance(50);
      const unsigned conversion = rows && store ? Random(3) : 0;
      const unsigned element = !store || conversion == 0 ? 4 : conversion == 1 ? 2 : 1;
      const uint32_t limit = rows ? sizes_.accumulator_rows : sizes_.scratchpad_lines;
      uint32_t run = rows ? element * (1 + Random(sizes_.cols)) : 1 + Random(sizes_.line_bytes * 4);
      if (Chance(5)) run = Near(rows ? element * sizes_.cols : 1 << 20);
      c.Set(3, 0, 64, RandomAddress(store)).Set(4, 0, 32, run);
      std::array<uint64_t, 4> count{1, 1, 1, 1};
      const bool wide = Chance(20);
      for (auto& n : count) {
        if (Chance(55)) n = 1 + Random(wide ? 300 : 6);
        if (Chance(2)) n = Pick<uint64_t>({0, 255, 256, 257, 65535, 65536, 65537, 0xffff'ffff});
      }
      const uint64_t total = std::max<uint64_t>(1, count[0] * count[1] * count[2] * count[3]);
      uint64_t pitch = Random(std::max<uint64_t>(1, limit / total) + 2);
      if (wide) pitch = Random(2);
      if (Chance(3)) pitch = bench_->random()() >> Random(32);
      const uint64_t used = (total - 1) * pitch + (rows ? 1 : run / sizes_.line_bytes + 1);
      uint64_t base = limit > used ? Random(limit - used + 2) : Random(3);
      if (Chance(3)) base = Near(limit);
      c.Set(5, 0, 32, base).Set(5, 32, 32, pitch);
      c.Set(7, 0, 32, count[0])
          .Set(7, 32, 32, count[1])
          .Set(8, 0, 32, count[2])
          .Set(8, 32, 32, count[3]);
      for (int d = 0; d < 4; ++d) {
        c.Set(9 + d, 0, 64, Chance(80) ? (Chance(30) ? run : Random(3000)) : RandomStride(run));
      }
      c.Set(6, 0, 8, rows);
      if (!store) c.Set(6, 8, 8, rows ? 1 + Random(2) : 0);
      if (store && rows) {
        c.Set(6, 8, 8, conversion).Set(6, 16, 1, Random(2));
        if (conversion == 2) {
          if (Chance(50)) {
            c.Set(6, 17, 1, 1)
                .Set(13, 0, 32,
                     Chance(90) ? Random(sizes_.scratchpad_lines) : Near(sizes_.scratchpad_lines));
          } else {
            c.Set(6, 32, 32, Chance(90) ? 0x3f00'0000 + Random(0x10'0000) : Random(1ull << 32));
          }
        }
      }
    } else {
      c = Header(0x20, 2, Chance(50), Chance(50));
      const unsigned format = sizes_.bf16 && (Chance(50) || !sizes_.int8) ? 2 : 1;
      const unsigned bytes = format;
      c.Set(3, 0, 8, format).Set(3, 8, 2, Random(4));
      uint64_t m = 1 + Random(sizes_.accumulator_rows / 4), n = 1 + Random(sizes_.cols * 4),
               k = 1 + Random(sizes_.rows * 6);
      if (Chance(4)) m = Near(65536);
      if (Chance(4)) n = Near((1 << 20) / bytes);
      if (Chance(4)) k = Near(65536);
      c.Set(4, 0, 32, m).Set(4, 32, 32, n).Set(5, 0, 32, k);
      const uint64_t lines = sizes_.scratchpad_lines, strips = (n + sizes_.cols - 1) / sizes_.cols;
      c.Set(6, 0, 32, Random(lines / 2))
          .Set(6, 32, 32, Random(lines / 2 / std::max<uint64_t>(m, 1) + 2));
      c.Set(7, 0, 32, Random(lines / 2))
          .Set(7, 32, 32, Random(lines / 2 / std::max<uint64_t>(k, 1) + 2));
      if (Chance(5)) c.Set(6 + Random(2), 32, 32, Chance(50) ? 0 : Random(1ull << 32));
      c.Set(8, 0, 32, Random(sizes_.accumulator_rows / 4));
      c.Set(8, 32, 32,
            Chance(80) ? m + Random(3)
                       : Near(sizes_.accumulator_rows / std::max<uint64_t>(strips, 1)));
    }
    if (kind != 0) {
      c.Set(1, 0, 32, RandomSync()).Set(1, 32, 32, RandomSync());
      c.Set(2, 0, 32, RandomSync()).Set(2, 32, 32, RandomSync());
    }
    if (Chance(6)) {
      for (int flips = 1 + Random(2); flips > 0; --flips)
        c.word[Random(16)] ^= uint64_t{1} << Random(64);
    }
    return c;
  }
};

TEST_F(RandomDecoder, MatchesTheReferenceOnRandomCommands) {
  auto& top = bench_->top();
  std::array<int, 12> causes{};
  int accepted = 0;
  for (int round = 0; round < 1500; ++round) {
    top.single_row_i = top.no_syncs_i = 1;
    bench_->stall_percent = round % 3 == 0 ? 30 : 0;
    Start();
    ReferenceDecoder reference(sizes_, Windows(sizes_));
    constexpr uint32_t kCommands = 16;
    std::vector<Command> commands;
    std::vector<Decoded> expected;
    for (uint32_t i = 0; i < kCommands; ++i) {
      commands.push_back(RandomCommand());
      expected.push_back(reference.Decode(i, commands.back()));
      bench_->Put(i, commands[i]);
      if (expected.back().cause != 0) break;
      ++accepted;
    }
    const Decoded& last = expected.back();
    const uint32_t count = commands.size();
    ++causes[last.cause];
    bench_->Doorbell(count);
    ASSERT_TRUE(Idle(20000));
    EXPECT_EQ(top.completed_o, count);
    EXPECT_EQ(top.faulted_o != 0, last.cause != 0);
    if (last.cause != 0)
      ExpectFault(last.cause, commands.back().Get(0, 16, 8), count - 1, last.address);
    // Units take commands in ring order each; between units any order.
    for (unsigned unit = 1; unit <= 3; ++unit) {
      std::vector<Observed> want, got;
      for (const Decoded& d : expected) {
        if (d.cause == 0 && d.command.unit == unit) want.push_back(d.command);
      }
      for (const Observed& o : bench_->taken) {
        if (o.unit == unit) got.push_back(o);
      }
      ASSERT_EQ(want.size(), got.size());
      for (size_t i = 0; i < want.size(); ++i) {
        EXPECT_TRUE(want[i] == got[i])
            << "unit " << unit << " index " << want[i].index << " round " << round;
      }
    }
    if (HasFailure()) {
      for (const uint64_t word : commands.back().word)
        printf("%016lx\n", static_cast<unsigned long>(word));
      FAIL() << "round " << round << " expected cause " << last.cause;
    }
    bench_->QueueReset();
  }
  EXPECT_GT(accepted, 1000);
  for (int cause = 1; cause <= 11; ++cause)
    EXPECT_GT(causes[cause], 0) << "cause " << cause << " never drawn";
}

TEST_F(RandomDecoder, ExtentsWithExtremeStridesAreExact) {
  bench_->top().single_row_i = bench_->top().no_syncs_i = 1;
  const uint64_t top = Top(sizes_);
  std::array<int, 12> causes{};
  for (int round = 0; round < 4000; ++round) {
    Command c = Load(1);
    const bool store = Chance(50);
    if (store) c = Store(1);
    c.Set(5, 0, 64, 0).Set(4, 0, 32, 1 + Random(sizes_.line_bytes));
    uint64_t address = RandomAddress(store);
    uint64_t left = 65536;
    Command aimed = c;
    for (int d = 0; d < 4; ++d) {
      const uint64_t count =
          Chance(40) ? 1 : Pick<uint64_t>({2, 3, 255, 256, 257, 4096, 65535, 65536});
      if (count > left) continue;
      left /= count;
      c.Set(7 + d / 2, 32 * (d % 2), 32, count);
      // Aim at the ends of the address space now and then, a byte to either side.
      uint64_t stride = RandomStride(c.Get(4, 0, 32));
      if (count > 1 && Chance(50)) {
        const uint64_t room = Chance(50) ? top - address - c.Get(4, 0, 32) : -address;
        stride =
            static_cast<uint64_t>(static_cast<int64_t>(room) / static_cast<int64_t>(count - 1)) +
            Random(3) - 1;
      }
      c.Set(9 + d, 0, 64, stride);
    }
    for (int d = 0; d < 4; ++d) {
      if (c.Get(7 + d / 2, 32 * (d % 2), 32) == 0) c.Set(7 + d / 2, 32 * (d % 2), 32, 1);
    }
    c.Set(3, 0, 64, address);
    ReferenceDecoder reference(sizes_, Windows(sizes_));
    const Decoded expected = reference.Decode(0, c);
    ++causes[expected.cause];
    EXPECT_EQ(Refusal(c), (Result{expected.cause, expected.address})) << "round " << round;
    if (HasFailure()) {
      for (const uint64_t word : c.word) printf("%016lx\n", static_cast<unsigned long>(word));
      FAIL();
    }
  }
  EXPECT_GT(causes[0], 50);
  EXPECT_GT(causes[9], 300);
  EXPECT_GT(causes[10], 50);
}

// ---- latency ----

TEST_F(CommandProcessor, FirstCommandIsAtItsUnitSoon) {
  if (sizes_.max_burst_beats * sizes_.bus_bytes < 128)
    GTEST_SKIP() << "bursts shorter than a command";
  Start();
  Command c = Load(100);
  c.Set(5, 32, 32, 0).Set(9, 0, 64, 4096);
  bench_->Put(0, c);
  bench_->Put(1, c);
  const uint64_t rung = bench_->cycles;
  bench_->Doorbell(1);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->read_bursts == 1; }, 20));
  EXPECT_LE(bench_->cycles - rung, 4u) << "doorbell to address";
  ASSERT_TRUE(bench_->StepUntil([&] { return !bench_->taken.empty(); }, 500));
  const bool power_of_two = (sizes_.line_bytes & (sizes_.line_bytes - 1)) == 0;
  const uint64_t latency = bench_->taken_cycle[0] - bench_->last_r_cycle;
  RecordProperty("cycles_from_last_beat", static_cast<int>(latency));
  EXPECT_LE(latency, power_of_two ? 26u : 48u) << "last beat to unit";
  ASSERT_TRUE(Idle());
}

// ---- ring ----

TEST_F(CommandProcessor, RingWrapsOneByOneAndInBatches) {
  for (const unsigned batch : {1u, 7u, 8u}) {
    Start(3);
    uint32_t tail = 0;
    while (tail < 25) {
      for (unsigned i = 0; i < batch; ++i, ++tail) {
        Command c = Load(1, true);
        bench_->Put(tail, c.Set(3, 0, 64, kReadBase + 16 * tail));
      }
      bench_->Doorbell(tail);
      ASSERT_TRUE(Idle());
      ASSERT_FALSE(bench_->top().faulted_o);
      ASSERT_EQ(bench_->top().completed_o, tail);
      for (uint32_t i = tail - batch; i != tail; ++i) EXPECT_EQ(bench_->ReadRecord(i).index, i);
    }
    ASSERT_EQ(bench_->taken.size(), tail);
    for (uint32_t i = 0; i < tail; ++i) EXPECT_EQ(bench_->taken[i].base, kReadBase + 16 * i);
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, RingIsRefilledAsSlotsFreeUp) {
  Start(2);
  bench_->stall_percent = 20;
  uint32_t tail = 0;
  for (int i = 0; i < 60000 && tail < 400; ++i) {
    while (tail < 400 && tail - bench_->top().completed_o < 4) {
      Command c = tail % 3 ? Load(1, tail % 2) : Nop(true);
      bench_->Put(tail++, c.Get(0, 8, 8) == 1 ? c : c.Set(3, 0, 64, kReadBase + 16 * tail));
      if (bench_->random()() % 2) break;
    }
    bench_->Doorbell(tail);
    for (unsigned n = bench_->random()() % 90; n > 0; --n) bench_->Step();
  }
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->top().completed_o, 400u);
  EXPECT_EQ(bench_->commands_done, 400);
}

TEST_F(CommandProcessor, RunningDryAndRestartingLosesNothing) {
  Start(3);
  for (uint32_t i = 0; i < 1000; ++i) {
    bench_->Put(i, Nop(false, true));
    bench_->Doorbell(i + 1);
    for (unsigned n = bench_->random()() % 3; n > 0; --n) bench_->Step();
    ASSERT_TRUE(Idle(2000));
    ASSERT_EQ(bench_->top().completed_o, i + 1);
  }
  EXPECT_EQ(bench_->irq_command, 1000);
  EXPECT_GE(bench_->irq_idle, 999);
}

TEST_F(CommandProcessor, RingOfOneSlotAndLargestRing) {
  Start(0);
  for (uint32_t i = 0; i < 5; ++i) {
    bench_->Put(i, Nop(true));
    bench_->Doorbell(i + 1);
    ASSERT_TRUE(Idle(2000));
    EXPECT_EQ(bench_->ReadRecord(i).index, i);
  }
  bench_->QueueReset();
  bench_->ring = 0x0040'0000;
  bench_->records = 0x0140'0000;
  Start(16);
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  ASSERT_TRUE(Idle(2000));
  EXPECT_EQ(bench_->top().completed_o, 1u);
}

TEST_F(CommandProcessor, RingOverrunFaultsAfterAllThatWasRung) {
  Start(3);
  for (uint32_t i = 0; i < 8; ++i) bench_->Put(i, Load(3, true));
  bench_->Doorbell(5);
  bench_->Doorbell(9);
  bench_->Doorbell(6);
  ASSERT_TRUE(FaultSeen());
  ExpectFault(21, 0, 5, 9);
  EXPECT_EQ(bench_->top().completed_o, 5u);
  EXPECT_EQ(bench_->irq_fault, 1);
  EXPECT_EQ(bench_->taken.size(), 5u);
  EXPECT_TRUE(bench_->RecordUntouched(5));
  bench_->QueueReset();
  ExpectUsable();
}

TEST_F(CommandProcessor, DoorbellWithoutEnableIsIgnored) {
  bench_->Doorbell(3);
  for (int i = 0; i < 50; ++i) bench_->Step();
  EXPECT_EQ(bench_->read_bursts, 0);
  EXPECT_FALSE(bench_->top().busy_o);
  Start();
  for (int i = 0; i < 50; ++i) bench_->Step();
  EXPECT_EQ(bench_->read_bursts, 0);
}

TEST_F(CommandProcessor, DoorbellRightAfterEnableIsNotLost) {
  bench_->Enable(3);
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().completed_o == 1; }, 500));
}

TEST_F(CommandProcessor, EnableChecksRingAndRecords) {
  struct Case {
    uint64_t ring, records;
    unsigned size;
    bool good;
  };
  const uint64_t top = Top(sizes_), end = 0x1000'0000;
  const Case cases[] = {
      {0x1000, 0x10000, 3, true},        {0x1040, 0x10000, 3, false},
      {0x1000, 0x10010, 3, false},       {0x1000, 0x10020, 3, true},
      {end - 1024, 0x10000, 3, true},    {end - 896, 0x10000, 3, false},
      {0x1000, end - 256, 3, true},      {0x1000, end - 224, 3, false},
      {kReadBase, 0x10000, 3, true},     {kWriteBase, 0x10000, 3, false},
      {0x1000, kWriteBase, 3, true},     {0x1000, kReadBase, 3, false},
      {top - 1024, 0x10000, 3, true},    {top - 512, 0x10000, 3, false},
      {top + 0x1000, 0x10000, 3, false}, {0x1000, top + 0x10000, 3, false},
      {0x1000, 0x10000, 17, false},      {0x1000, 0x10000, 31, false},
      {~0x7full, 0x10000, 0, false},
  };
  for (const Case& c : cases) {
    auto& t = bench_->top();
    const int faults = bench_->irq_fault;
    t.ring_i = c.ring;
    t.record_i = c.records;
    t.ring_size_i = c.size;
    t.enable_i = 1;
    bench_->Step();
    bench_->Step();
    ASSERT_TRUE(Idle(100));
    EXPECT_EQ(!t.faulted_o, c.good) << std::hex << c.ring << " " << c.records << " " << c.size;
    if (!c.good) {
      ExpectFault(20, 0, 0, 0);
      bench_->Step();
      EXPECT_EQ(bench_->irq_fault, faults + 1);
    }
    bench_->QueueReset();
  }
}

// ---- records and completion ----

TEST_F(CommandProcessor, RecordsHaveTheirFieldsAndOnlyThoseAskedForAreWritten) {
  Start(4);
  bench_->advance = [&](unsigned) { return bench_->random()() % 4 == 0; };
  const Command commands[] = {Load(3, true), Load(2, false), Matrix(4, true), Store(5, true),
                              Nop(true),     Nop(false),     Store(1, false)};
  const unsigned units[] = {1, 1, 2, 3, 0, 0, 3}, opcodes[] = {0x10, 0x10, 0x20, 0x30, 1, 1, 0x30};
  for (uint32_t i = 0; i < 7; ++i) bench_->Put(i, commands[i]);
  const uint64_t begin = bench_->top().cycle_o;
  bench_->Doorbell(7);
  ASSERT_TRUE(Idle());
  const uint64_t end = bench_->top().cycle_o;
  for (uint32_t i = 0; i < 7; ++i) {
    if (!commands[i].Get(0, 24, 1)) {
      EXPECT_TRUE(bench_->RecordUntouched(i)) << i;
      continue;
    }
    const Record r = bench_->ReadRecord(i);
    EXPECT_EQ(r.index, i);
    EXPECT_EQ(r.state, 1);
    EXPECT_EQ(r.cause, 0);
    EXPECT_EQ(r.unit, units[i]);
    EXPECT_EQ(r.opcode, opcodes[i]);
    EXPECT_EQ(r.address, 0u);
    EXPECT_LT(begin, r.start);
    EXPECT_LE(r.start, r.end);
    EXPECT_LT(r.end, end);
  }
  EXPECT_EQ(bench_->commands_done, 7);
}

TEST_F(CommandProcessor, CompletionAndInterruptComeAfterTheRecordsResponse) {
  Start();
  bench_->hold_b = true;
  bench_->Put(0, Nop(true, true));
  bench_->Put(1, Nop(false, true));
  bench_->Doorbell(2);
  for (int i = 0; i < 400; ++i) bench_->Step();
  EXPECT_EQ(bench_->top().completed_o, 0u);
  EXPECT_EQ(bench_->irq_command, 1) << "the one without a record only";
  EXPECT_TRUE(bench_->top().busy_o);
  EXPECT_EQ(bench_->ReadRecord(0).state, 1);
  bench_->hold_b = false;
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->top().completed_o, 2u);
  EXPECT_EQ(bench_->irq_command, 2);
  bench_->Step();
  EXPECT_EQ(bench_->irq_idle, 1);
}

TEST_F(CommandProcessor, RecordErrorFailsTheCommandWithoutInterrupt) {
  Start();
  bench_->error_write_burst = 0;
  Command c = Load(2, true).Set(0, 25, 1, 1);
  bench_->Put(0, c);
  bench_->Put(1, Load(1));
  bench_->Doorbell(2);
  ASSERT_TRUE(FaultSeen());
  ExpectFault(17, 0, 0, bench_->records);
  EXPECT_EQ(bench_->irq_command, 0);
  bench_->QueueReset();
  bench_->error_write_burst = -1;
  ExpectUsable();
}

// One slow command holds the count back; others run past it as far as completion can follow, and
// none is lost.
TEST_F(CommandProcessor, CommandsBehindASlowOneWaitWhenCompletionCannotFollow) {
  Start(9);
  bool go = false;
  bench_->advance = [&](unsigned unit) { return unit != 0 || go; };
  bench_->Put(0, Load(2, true));
  for (uint32_t i = 1; i < 400; ++i) bench_->Put(i, Nop(false, true));
  bench_->Doorbell(400);
  int before = -1;
  while (before != bench_->irq_command) {
    before = bench_->irq_command;
    for (int i = 0; i < 4000; ++i) bench_->Step();
  }
  EXPECT_EQ(bench_->top().completed_o, 0u);
  EXPECT_GT(before, 0);
  EXPECT_LT(before, 399) << "further than any of its tables reach";
  go = true;
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->top().completed_o, 400u);
  EXPECT_EQ(bench_->irq_command, 399);
  EXPECT_EQ(bench_->commands_done, 400);
}

// ---- faults ----

TEST_F(CommandProcessor, RefusalWaitsForAllEarlierCommands) {
  Start();
  bool go = false;
  bench_->advance = [&](unsigned) { return go; };
  bench_->Put(0, Load(5, true));
  bench_->Put(1, Matrix(5, true));
  bench_->Put(2, Store(5, true));
  bench_->Put(3, Load().Set(0, 0, 8, 9));
  bench_->Put(4, Load(1, true));
  bench_->Doorbell(5);
  for (int i = 0; i < 1000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().faulted_o);
  EXPECT_EQ(bench_->started.size(), 3u);
  EXPECT_TRUE(bench_->RecordUntouched(3));
  go = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(1, 1, 3, 0);
  EXPECT_EQ(bench_->top().completed_o, 4u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(bench_->ReadRecord(i).state, 1);
  EXPECT_EQ(bench_->ReadRecord(3).state, 2);
  EXPECT_EQ(bench_->ReadRecord(3).index, 3u);
  EXPECT_TRUE(bench_->RecordUntouched(4));
  EXPECT_EQ(bench_->started.size(), 3u);
  EXPECT_FALSE(bench_->top().busy_o);
  EXPECT_EQ(bench_->irq_fault, 1);
}

TEST_F(CommandProcessor, FetchErrorOnAnyBeatRefusesItsCommand) {
  const unsigned beats = 128 / sizes_.bus_bytes;
  for (unsigned beat = 0; beat < 3 * beats; ++beat) {
    bench_->HardReset();
    Start(3);
    bench_->taken.clear();
    bench_->read_addresses.clear();
    bench_->error_read_beat = beat;
    for (uint32_t i = 0; i < 5; ++i) bench_->Put(i, Load(2, true));
    bench_->Doorbell(5);
    ASSERT_TRUE(FaultSeen());
    const uint32_t index = beat / beats;
    const uint64_t address = bench_->ring + uint64_t{beat} * sizes_.bus_bytes;
    EXPECT_EQ(bench_->top().fault_cause_o, 16);
    EXPECT_EQ(bench_->top().fault_unit_o, 0);
    EXPECT_EQ(bench_->top().fault_index_o, index);
    // The burst that brought the beat.
    uint64_t burst = 0;
    for (const uint64_t a : bench_->read_addresses) {
      if (a <= address) burst = a;
    }
    EXPECT_EQ(bench_->top().fault_address_o, burst);
    EXPECT_EQ(bench_->taken.size(), index);
    EXPECT_EQ(bench_->top().completed_o, index + 1);
    EXPECT_EQ(bench_->ReadRecord(index).cause, 16);
    EXPECT_EQ(bench_->ReadRecord(index).opcode, 0);
    EXPECT_TRUE(bench_->RecordUntouched(index + 1));
    bench_->error_read_beat = -1;
    bench_->QueueReset();
  }
  ExpectUsable();
}

TEST_F(CommandProcessor, ExecutionFaultStopsStartsAndLetsRunningCommandsFinish) {
  Start();
  bool go_matrix = false, go_load = false;
  bench_->advance = [&](unsigned unit) { return unit == 0 ? go_load : unit == 1 ? go_matrix : 1u; };
  bench_->Put(0, Load(4, false));
  bench_->Put(1, Matrix(6, true));
  bench_->Put(2, Load(4, true));
  bench_->Put(3, Store(4, true));
  bench_->Put(4, Matrix(1, true));
  bench_->Doorbell(5);
  for (int i = 0; i < 800; ++i) bench_->Step();
  EXPECT_EQ(bench_->started.size(), 3u);  // 0, 1 and 3
  bench_->debt[0] = true;
  bench_->fail[0] = true;
  go_load = true;
  for (int i = 0; i < 100; ++i) bench_->Step();
  EXPECT_TRUE(bench_->top().halt_o) << "nothing more starts while the unit still pays";
  EXPECT_TRUE(bench_->RecordUntouched(0));
  bench_->debt[0] = false;
  for (int i = 0; i < 200; ++i) bench_->Step();
  EXPECT_TRUE(bench_->top().halt_o);
  EXPECT_FALSE(bench_->top().faulted_o) << "the matrix command still runs";
  EXPECT_TRUE(bench_->top().busy_o);
  go_matrix = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 0);
  EXPECT_EQ(bench_->irq_fault, 1);
  EXPECT_EQ(bench_->ReadRecord(0).state, 2) << "without the flag too";
  EXPECT_EQ(bench_->ReadRecord(1).state, 1);
  EXPECT_TRUE(bench_->RecordUntouched(2));
  EXPECT_EQ(bench_->ReadRecord(3).state, 1);
  EXPECT_TRUE(bench_->RecordUntouched(4));
  EXPECT_EQ(bench_->top().completed_o, 2u);
  EXPECT_EQ(bench_->started.size(), 3u);
  bench_->fail[0] = false;
  bench_->QueueReset();
  ExpectUsable();
}

TEST_F(CommandProcessor, FirstFaultInRingOrderIsReported) {
  Start();
  bool go_load = false;
  bench_->advance = [&](unsigned unit) { return unit == 0 ? go_load : 1u; };
  bench_->Put(0, Load(4));
  bench_->Put(1, Store(4));
  bench_->fail = {true, false, true};
  bench_->Doorbell(2);
  for (int i = 0; i < 500; ++i) bench_->Step();
  EXPECT_EQ(bench_->ReadRecord(1).state, 2);
  EXPECT_FALSE(bench_->top().faulted_o);
  go_load = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 0);
  EXPECT_EQ(bench_->top().completed_o, 2u);
}

TEST_F(CommandProcessor, FaultOfALaterCommandDoesNotReplaceTheFirst) {
  Start();
  bool go_store = false;
  bench_->Put(0, Load(4));
  bench_->Put(1, Store(4));
  bench_->advance = [&](unsigned unit) { return unit == 1 ? 1u : unsigned{go_store}; };
  bench_->fail = {true, false, true};
  bench_->Doorbell(2);
  for (int i = 0; i < 300; ++i) bench_->Step();  // both have started
  bench_->advance = [&](unsigned unit) { return unit == 2 ? unsigned{go_store} : 1u; };
  for (int i = 0; i < 300; ++i) bench_->Step();
  EXPECT_EQ(bench_->ReadRecord(0).state, 2);
  EXPECT_FALSE(bench_->top().faulted_o);
  go_store = true;
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 0);
  EXPECT_EQ(bench_->ReadRecord(1).state, 2);
  EXPECT_EQ(bench_->top().completed_o, 2u);
}

TEST_F(CommandProcessor, CommandBlockedByRowsIsAbortedAfterAFault) {
  Start();
  Command producer = Load(8, true), consumer = Matrix(8, true);
  Signal(producer, 0, Sync(1, 3, 0));
  Wait(consumer, 0, Sync(1, 3, 0));
  bench_->Put(0, producer);
  bench_->Put(1, consumer);
  bench_->Doorbell(2);
  int rows = 0;
  bench_->advance = [&](unsigned unit) {
    if (unit != 0) return 1u;
    if (rows == 2 && bench_->started.size() < 2) return 0u;
    if (bench_->started.empty()) return 0u;
    bench_->fail[0] = ++rows > 3;
    return 1u;
  };
  ASSERT_TRUE(FaultSeen());
  ExpectFault(12, 1, 0, 3);
  EXPECT_EQ(bench_->ReadRecord(0).state, 2);
  EXPECT_EQ(bench_->ReadRecord(1).state, 3);
  EXPECT_EQ(bench_->ReadRecord(1).cause, 23);
  EXPECT_EQ(bench_->top().completed_o, 2u);
  bench_->fail[0] = false;
  bench_->advance = [](unsigned) { return 1u; };
  bench_->QueueReset();
  ExpectUsable();
}

TEST_F(CommandProcessor, SemaphoreOverflowIsAFault) {
  Start();
  Command c = Load(1);
  Signal(c, 0, Sync(65535, 2));
  bench_->Put(0, c);
  bench_->Put(1, c);
  bench_->Doorbell(2);
  ASSERT_TRUE(FaultSeen());
  EXPECT_EQ(bench_->top().fault_cause_o, 13);
  EXPECT_EQ(bench_->top().fault_index_o, 1u);
}

// ---- time-outs ----

TEST_F(CommandProcessor, SemaphoreTimeoutFailsTheOldestWaitingCommand) {
  for (const bool started : {false, true}) {
    bench_->HardReset();
    bench_->top().semaphore_timeout_i = 300;
    Start();
    Command producer = Load(1, true), victim = Matrix(4, false), second = Store(1, true),
            behind = Matrix(1, true);
    Signal(producer, 0, Sync(started ? 2 : 1, 5));
    Wait(victim, 0, started ? Sync(1, 5, 0) : Sync(2, 5));
    Wait(second, 0, Sync(1, 6));
    bench_->Put(0, producer);
    bench_->Put(1, victim);
    bench_->Put(2, second);
    bench_->Put(3, behind);
    bench_->Put(4, Nop(true));
    bench_->Doorbell(5);
    const uint64_t rung = bench_->cycles;
    ASSERT_TRUE(FaultSeen(3000));
    EXPECT_GT(bench_->cycles - rung, 300u);
    ExpectFault(19, 2, 1, 5);
    const Record r = bench_->ReadRecord(1);
    EXPECT_EQ(r.index, 1u);
    EXPECT_EQ(r.state, 2);
    EXPECT_EQ(r.cause, 19);
    EXPECT_EQ(r.unit, 2);
    EXPECT_EQ(r.opcode, 0x20);
    EXPECT_EQ(r.address, 5u);
    EXPECT_EQ(bench_->ReadRecord(0).state, 1);
    EXPECT_EQ(bench_->ReadRecord(4).state, 1);
    EXPECT_TRUE(bench_->RecordUntouched(2)) << "never started";
    EXPECT_TRUE(bench_->RecordUntouched(3));
    EXPECT_EQ(bench_->top().completed_o, 2u);
    bench_->top().semaphore_timeout_i = 0;
    bench_->QueueReset();
    ExpectUsable();
    bench_->QueueReset();
  }
}

TEST_F(CommandProcessor, SemaphoreTimeoutCountsOnlyWhenNothingElseMoves) {
  bench_->top().semaphore_timeout_i = 50;
  Start();
  Command slow = Load(1), waiting = Store(1);
  Signal(slow, 0, Sync(1, 0));
  Wait(waiting, 0, Sync(1, 0));
  bench_->Put(0, waiting);
  bench_->Put(1, slow);
  bool go = false;
  bench_->advance = [&](unsigned unit) { return unit != 0 || go; };
  bench_->Doorbell(2);
  for (int i = 0; i < 1000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().faulted_o) << "a unit runs";
  go = true;
  ASSERT_TRUE(Idle());
  EXPECT_FALSE(bench_->top().faulted_o);
  EXPECT_EQ(bench_->top().completed_o, 2u);
}

TEST_F(CommandProcessor, SemaphoreTimeoutSeesAFullQueue) {
  bench_->top().semaphore_timeout_i = 200;
  Start(7);
  Command waiting = Load(1);
  Wait(waiting, 1, Sync(1, 1));
  const uint32_t count = std::min(128u, sizes_.queue_depth + sizes_.fetch_buffer + 20);
  for (uint32_t i = 0; i < count; ++i) bench_->Put(i, waiting);
  bench_->Doorbell(count);
  ASSERT_TRUE(FaultSeen(20000));
  ExpectFault(19, 1, 0, 1);
  EXPECT_EQ(bench_->top().completed_o, 1u);
}

TEST_F(CommandProcessor, BusTimeoutOfFetchIsStuckUntilHardReset) {
  bench_->top().bus_timeout_i = 100;
  Start();
  bench_->hold_r = true;
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 200));
  ExpectFault(18, 0, 0, bench_->ring);
  EXPECT_TRUE(bench_->top().reset_request_o);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->Step();
  EXPECT_EQ(bench_->irq_fault, 1);
  bench_->top().queue_reset_i = 1;
  bench_->hold_r = false;
  for (int i = 0; i < 300; ++i) bench_->Step();
  EXPECT_TRUE(bench_->top().stuck_o);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->HardReset();
  EXPECT_FALSE(bench_->top().reset_request_o);
  ExpectUsable();
}

TEST_F(CommandProcessor, BusTimeoutOfRecordAndOfUnitsNamesTheCommand) {
  bench_->top().bus_timeout_i = 100;
  Start();
  bench_->hold_b = true;
  bench_->Put(0, Nop());
  bench_->Put(1, Nop(true));
  bench_->Doorbell(2);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 400));
  ExpectFault(18, 0, 1, bench_->records + 32);
  bench_->HardReset();
  bench_->hold_b = false;
  for (const unsigned unit : {0u, 2u}) {
    Start();
    bench_->advance = [](unsigned) { return 0u; };
    bench_->Put(0, Nop());
    bench_->Put(1, unit == 0 ? Store(1) : Load(1));
    bench_->Put(2, unit == 0 ? Load(1) : Store(1));
    bench_->Put(3, unit == 0 ? Load(1) : Store(1));
    bench_->Doorbell(4);
    for (int i = 0; i < 500; ++i) bench_->Step();
    bench_->debt[unit] = true;
    bench_->top().debt_address_i = 0x1234'5670;
    ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 400));
    ExpectFault(18, unit + 1, 2, 0x1234'5670);
    bench_->debt[unit] = false;
    bench_->advance = [](unsigned) { return 1u; };
    bench_->HardReset();
  }
}

TEST_F(CommandProcessor, BeatsHoldTheBusTimeoutOff) {
  bench_->top().bus_timeout_i = 40;
  Start();
  bench_->read_latency = bench_->write_latency = 35;
  for (uint32_t i = 0; i < 8; ++i) bench_->Put(i, Nop(true));
  bench_->Doorbell(8);
  ASSERT_TRUE(Idle());
  EXPECT_FALSE(bench_->top().stuck_o);
  EXPECT_EQ(bench_->top().completed_o, 8u);
}

// ---- reset ----

TEST_F(CommandProcessor, ResetAtEveryCycleDrainsAndLeavesAFreshQueue) {
  bench_->read_latency = 9;
  bench_->write_latency = 12;
  for (int at = 0; at < 330; ++at) {
    bench_->stall_percent = at % 2 ? 25 : 0;
    Start();
    Command producer = Load(5, true), consumer = Store(5, true);
    Signal(producer, 0, Sync(1, 4, 1));
    Wait(consumer, 0, Sync(1, 4, 1));
    for (uint32_t i = 0; i < 12; i += 3) {
      bench_->Put(i, producer);
      bench_->Put(i + 1, consumer);
      bench_->Put(i + 2, i == 9 ? Matrix(0) : Matrix(9, true));
    }
    bench_->Doorbell(12);
    for (int i = 0; i < at; ++i) bench_->Step();
    // A unit that owes is waited for.
    const bool debt = at % 5 == 0;
    bench_->debt[0] = debt;
    const int resets = bench_->irq_reset_done, clears = bench_->memory_clears;
    const int64_t reads = bench_->read_bursts;
    bench_->top().queue_reset_i = 1;
    if (at % 7 == 0) bench_->top().enable_i = 1;  // in the same write: reset wins
    bench_->Step();
    EXPECT_TRUE(bench_->top().busy_o);
    if (debt) {
      for (int i = 0; i < 100; ++i) bench_->Step();
      EXPECT_EQ(bench_->irq_reset_done, resets);
      EXPECT_TRUE(bench_->top().busy_o);
      bench_->debt[0] = false;
    }
    ASSERT_TRUE(bench_->StepUntil([&] { return bench_->irq_reset_done == resets + 1; }, 3000));
    EXPECT_EQ(bench_->memory_clears, clears + 1);
    EXPECT_LE(bench_->read_bursts, reads + 1) << "at most the address already offered";
    const uint32_t commands = bench_->commands_done;
    ExpectUsable();
    EXPECT_EQ(bench_->commands_done, commands + 3);
    EXPECT_EQ(bench_->irq_reset_done, resets + 1);
    bench_->QueueReset();
    if (HasFailure()) FAIL() << "reset at cycle " << at;
  }
}

TEST_F(CommandProcessor, ResetOfAnIdleQueueAndDoorbellsDuringReset) {
  bench_->QueueReset();
  ExpectUsable();
  bench_->top().queue_reset_i = 1;
  bench_->Step();
  bench_->Doorbell(9);
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->irq_reset_done == 2; }, 500));
  bench_->Step();
  ExpectUsable();
}

TEST_F(CommandProcessor, ResetThatIsNeverPaidEndsInTheBusTimeout) {
  bench_->top().bus_timeout_i = 100;
  Start();
  bench_->hold_r = true;
  bench_->Put(0, Nop(true));
  bench_->Doorbell(1);
  for (int i = 0; i < 20; ++i) bench_->Step();
  bench_->top().queue_reset_i = 1;
  ASSERT_TRUE(bench_->StepUntil([&] { return bench_->top().stuck_o != 0; }, 200));
  EXPECT_EQ(bench_->top().fault_cause_o, 18);
  EXPECT_EQ(bench_->top().fault_address_o, bench_->ring);
  EXPECT_TRUE(bench_->top().busy_o);
  EXPECT_TRUE(bench_->top().reset_request_o);
  EXPECT_EQ(bench_->irq_reset_done, 0);
  bench_->hold_r = false;
  for (int i = 0; i < 500; ++i) bench_->Step();
  EXPECT_EQ(bench_->irq_reset_done, 0);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->HardReset();
  ExpectUsable();
}

TEST_F(CommandProcessor, TimeoutsOfZeroAreOff) {
  Start();
  Command waiting = Load(1);
  Wait(waiting, 0, Sync(1, 1));
  bench_->Put(0, waiting);
  bench_->Doorbell(1);
  for (int i = 0; i < 20000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().faulted_o);
  bench_->debt[0] = true;
  for (int i = 0; i < 20000; ++i) bench_->Step();
  EXPECT_FALSE(bench_->top().stuck_o);
  EXPECT_TRUE(bench_->top().busy_o);
  bench_->debt[0] = false;
  bench_->QueueReset();
  ExpectUsable();
}

// Held off for as long as the memory likes, the record's address neither goes away nor is repeated.
TEST_F(CommandProcessor, RecordsWaitForTheirAddressAndFollowOneAnother) {
  Start();
  bench_->hold_aw = true;
  for (uint32_t i = 0; i < 12; ++i) bench_->Put(i, Nop(true, true));
  bench_->Doorbell(12);
  for (int i = 0; i < 1500; ++i) bench_->Step();
  EXPECT_EQ(bench_->top().completed_o, 0u);
  EXPECT_EQ(bench_->irq_command, 0);
  bench_->write_latency = 200;
  bench_->hold_aw = false;
  const uint64_t released = bench_->cycles;
  ASSERT_TRUE(Idle());
  EXPECT_EQ(bench_->irq_command, 12);
  for (uint32_t i = 0; i < 12; ++i) EXPECT_EQ(bench_->ReadRecord(i).index, i);
  // Eight bursts may be owed: far fewer latencies than records.
  const unsigned bursts =
      std::max(1u, 32 / sizes_.bus_bytes /
                       std::min(sizes_.max_burst_beats, std::max(1u, 32 / sizes_.bus_bytes)));
  EXPECT_LT(bench_->cycles - released, 200u * (12 * bursts / 8 + 2) + 600);
}

// ---- everything at once ----

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
