// Checks at decode: each by hand, and random commands against the reference decoder.
#include <algorithm>

#include "fixture.h"

namespace systolith::test {
namespace {

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
            c.Set(6, 32, 32, Chance(70) ? 0x3f00'0000 + Random(0x10'0000) : Random(1ull << 32));
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
    if (Chance(1)) c.Set(0, 0, 8, Random(4));
    if (kind != 0 && Chance(1)) c.Set(kind < 7 ? 6 : 3, 0, 8, Random(8));  // space, format
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

}  // namespace
}  // namespace systolith::test
