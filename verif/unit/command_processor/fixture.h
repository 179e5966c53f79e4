// A queue that runs, with windows and stub units, for the tests of the command processor.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "bench.h"

namespace systolith::test {

inline constexpr uint64_t kReadBase = 0x1000'0000, kWriteBase = 0x2000'0000;
inline constexpr uint64_t kAreaBytes = 0x1000'0000;

inline uint64_t Top(const Sizes& s) {
  return s.address_width >= 64 ? 0 : uint64_t{1} << s.address_width;
}

// Window 0 holds ring and records, 1 grants reads, 2 writes, 3 both at the end of the address
// space.
inline std::vector<Window> Windows(const Sizes& s) {
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

}  // namespace systolith::test
