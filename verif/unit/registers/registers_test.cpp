// The register block of the 16x16 configuration against docs/interfaces.md, sections 2 and 7.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "Vregister_block.h"
#include "systolith/registers.h"
#include "systolith_harness/axi_checker.hpp"
#include "systolith_harness/axi_lite_manager.hpp"

namespace systolith {
namespace {

using harness::AxiLiteRead;
using harness::AxiLiteWrite;

constexpr uint32_t kEnable = 1, kReset = 2;

class Registers : public testing::Test {
 protected:
  Registers() {
    top_.rst_ni = 0;
    for (int i = 0; i < 3; ++i) tick();
    top_.rst_ni = 1;
    tick();
  }
  ~Registers() override {
    EXPECT_TRUE(checker_.log().empty()) << checker_.log().summary();
    top_.final();
  }

  void tick() {
    const harness::AxiLiteManagerSignals& in = manager_.outputs();
    top_.s_axil_awvalid = in.aw_valid;
    top_.s_axil_awaddr = in.aw_address;
    top_.s_axil_wvalid = in.w_valid;
    top_.s_axil_wdata = in.w_data;
    top_.s_axil_wstrb = in.w_strobe;
    top_.s_axil_bready = in.b_ready;
    top_.s_axil_arvalid = in.ar_valid;
    top_.s_axil_araddr = in.ar_address;
    top_.s_axil_rready = in.r_ready;
    top_.clk_i = 0;
    top_.eval();
    const harness::AxiLiteSubordinateSignals out{
        .aw_ready = top_.s_axil_awready != 0,
        .w_ready = top_.s_axil_wready != 0,
        .b_valid = top_.s_axil_bvalid != 0,
        .b_response = top_.s_axil_bresp,
        .ar_ready = top_.s_axil_arready != 0,
        .r_valid = top_.s_axil_rvalid != 0,
        .r_data = top_.s_axil_rdata,
        .r_response = top_.s_axil_rresp,
    };
    checker_.clock(in, out, top_.rst_ni == 0);
    // What the device side sees in this cycle.
    if (top_.doorbell_valid_o) doorbells_.push_back(top_.doorbell_o);
    queue_resets_ += top_.queue_reset_o;
    counter_clears_ += top_.counter_clear_o;
    enabled_cycles_ += top_.enable_o;
    if (top_.rst_ni) manager_.clock(out);
    top_.clk_i = 1;
    top_.eval();
    ++cycle_;
  }

  void run() {
    for (int i = 0; i < 400 && !manager_.idle(); ++i) tick();
    ASSERT_TRUE(manager_.idle()) << "an access was never answered";
    for (int i = 0; i < 3; ++i) tick();
  }

  /// Writes and waits; the response must be OKAY.
  void write(uint32_t address, uint32_t data, uint8_t strobe = 0xf) {
    manager_.write({.address = address, .data = data, .strobe = strobe});
    run();
    uint8_t response = 0xff;
    ASSERT_TRUE(manager_.pop_write(&response));
    EXPECT_EQ(response, 0);
  }

  uint32_t read(uint32_t address) {
    manager_.read({.address = address});
    run();
    harness::AxiLiteManager::ReadAnswer answer{};
    EXPECT_TRUE(manager_.pop_read(&answer));
    EXPECT_EQ(answer.response, 0);
    return answer.data;
  }

  Vregister_block top_;
  harness::AxiLiteManager manager_;
  harness::AxiLiteChecker checker_;
  std::vector<uint32_t> doorbells_;
  unsigned queue_resets_ = 0, counter_clears_ = 0, enabled_cycles_ = 0;
  uint64_t cycle_ = 0;
};

constexpr uint32_t window(unsigned w, uint32_t reg) {
  return reg + w * SYSTOLITH_REGISTER_WINDOW_BASE_LO_STRIDE;
}

TEST_F(Registers, IdentityAndCapabilitiesAreThoseOfTheConfiguration) {
  EXPECT_EQ(read(SYSTOLITH_REGISTER_MAGIC), 0x54535953u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_VERSION), 0x00010000u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_ARRAY), 16u | 16u << 16);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_MEMORY), 4096u | 2u << 24);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_LINE), 32u | 16u << 16);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_ACCUMULATOR), 1024u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_ELEMENT), 3u | 2u << 8 | 16u << 16 | 40u << 24);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_FORMATS), 1u << 1 | 1u << 2);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_QUEUE), 16u | 32u << 8 | 16u << 16 | 4u << 24);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_OUTSTANDING), 128u | 128u << 16);
}

TEST_F(Registers, ResetValues) {
  EXPECT_EQ(read(SYSTOLITH_REGISTER_BUS_TIMEOUT), 1u << 20);
  EXPECT_EQ(top_.bus_timeout_o, 1u << 20);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT), 1u << 16);
  EXPECT_EQ(top_.semaphore_timeout_o, 1u << 16);
  for (unsigned w = 0; w < 4; ++w) EXPECT_EQ(read(window(w, SYSTOLITH_REGISTER_WINDOW_PERMIT)), 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_STATUS), 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_ENABLE), 0u);
  EXPECT_EQ(top_.irq_o, 0);
}

TEST_F(Registers, WindowsRingAndRecordReachTheirPorts) {
  for (unsigned w = 0; w < 4; ++w) {
    write(window(w, SYSTOLITH_REGISTER_WINDOW_BASE_LO), 0x1000 + w);
    write(window(w, SYSTOLITH_REGISTER_WINDOW_BASE_HI), 0x2000 + w);
    write(window(w, SYSTOLITH_REGISTER_WINDOW_LAST_LO), 0x3000 + w);
    write(window(w, SYSTOLITH_REGISTER_WINDOW_LAST_HI), 0x4000 + w);
    write(window(w, SYSTOLITH_REGISTER_WINDOW_PERMIT), w);
  }
  for (unsigned w = 0; w < 4; ++w) {
    EXPECT_EQ(top_.window_base_o[2 * w], 0x1000 + w);
    EXPECT_EQ(top_.window_base_o[2 * w + 1], 0x2000 + w);
    EXPECT_EQ(top_.window_last_o[2 * w], 0x3000 + w);
    EXPECT_EQ(top_.window_last_o[2 * w + 1], 0x4000 + w);
    EXPECT_EQ(top_.window_permit_o >> (2 * w) & 3, w);
    EXPECT_EQ(read(window(w, SYSTOLITH_REGISTER_WINDOW_BASE_LO)), 0x1000 + w);
    EXPECT_EQ(read(window(w, SYSTOLITH_REGISTER_WINDOW_BASE_HI)), 0x2000 + w);
    EXPECT_EQ(read(window(w, SYSTOLITH_REGISTER_WINDOW_LAST_LO)), 0x3000 + w);
    EXPECT_EQ(read(window(w, SYSTOLITH_REGISTER_WINDOW_LAST_HI)), 0x4000 + w);
    EXPECT_EQ(read(window(w, SYSTOLITH_REGISTER_WINDOW_PERMIT)), w);
    // Nothing lies between one window and the next.
    for (const uint32_t past : {4u, 8u, 12u}) {
      write(window(w, SYSTOLITH_REGISTER_WINDOW_PERMIT) + past, 0xffffffff);
      EXPECT_EQ(read(window(w, SYSTOLITH_REGISTER_WINDOW_PERMIT) + past), 0u);
    }
  }
  write(SYSTOLITH_REGISTER_RING_LO, 0x89abcd80);
  write(SYSTOLITH_REGISTER_RING_HI, 0x01234567);
  write(SYSTOLITH_REGISTER_RING_SIZE, 16);
  write(SYSTOLITH_REGISTER_RECORD_LO, 0x76543220);
  write(SYSTOLITH_REGISTER_RECORD_HI, 0xfedcba98);
  EXPECT_EQ(top_.ring_o, 0x0123456789abcd80u);
  EXPECT_EQ(top_.ring_size_o, 16);
  EXPECT_EQ(top_.record_o, 0xfedcba9876543220u);
}

TEST_F(Registers, WindowsThatAreNotBuiltReadZero) {
  for (unsigned w = 4; w < 8; ++w) {
    for (const uint32_t reg : {SYSTOLITH_REGISTER_WINDOW_BASE_LO, SYSTOLITH_REGISTER_WINDOW_BASE_HI,
                               SYSTOLITH_REGISTER_WINDOW_LAST_LO, SYSTOLITH_REGISTER_WINDOW_LAST_HI,
                               SYSTOLITH_REGISTER_WINDOW_PERMIT}) {
      write(window(w, reg), 0xffffffff);
      EXPECT_EQ(read(window(w, reg)), 0u);
    }
  }
}

TEST_F(Registers, WindowsRingAndRecordAreLockedFromEnableToTheEndOfReset) {
  std::vector<std::pair<uint32_t, uint32_t>> values;
  for (const uint32_t reg :
       {SYSTOLITH_REGISTER_RING_LO, SYSTOLITH_REGISTER_RING_HI, SYSTOLITH_REGISTER_RING_SIZE,
        SYSTOLITH_REGISTER_RECORD_LO, SYSTOLITH_REGISTER_RECORD_HI}) {
    values.emplace_back(reg, 5);
  }
  for (unsigned w = 0; w < 4; ++w) {
    for (const uint32_t reg : {SYSTOLITH_REGISTER_WINDOW_BASE_LO, SYSTOLITH_REGISTER_WINDOW_BASE_HI,
                               SYSTOLITH_REGISTER_WINDOW_LAST_LO, SYSTOLITH_REGISTER_WINDOW_LAST_HI,
                               SYSTOLITH_REGISTER_WINDOW_PERMIT}) {
      values.emplace_back(window(w, reg), 1);
    }
  }
  for (const auto& [reg, value] : values) write(reg, value);
  const auto expect_locked = [&] {
    for (const auto& [reg, value] : values) {
      write(reg, 2);
      EXPECT_EQ(read(reg), value) << std::hex << reg;
    }
  };
  write(SYSTOLITH_REGISTER_CONTROL, kEnable);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), kEnable);
  expect_locked();
  top_.enabled_i = 1;
  expect_locked();
  write(SYSTOLITH_REGISTER_CONTROL, kReset);  // the drain goes on: enabled_i is still high
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), 0u);
  expect_locked();
  top_.enabled_i = 0;
  for (const auto& [reg, value] : values) {
    write(reg, 2);
    EXPECT_EQ(read(reg), 2u) << std::hex << reg;
  }
}

TEST_F(Registers, TimeoutsCanChangeWhileEnabled) {
  write(SYSTOLITH_REGISTER_CONTROL, kEnable);
  write(SYSTOLITH_REGISTER_BUS_TIMEOUT, 77);
  write(SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT, 0);
  EXPECT_EQ(top_.bus_timeout_o, 77u);
  EXPECT_EQ(top_.semaphore_timeout_o, 0u);
}

TEST_F(Registers, EnableAndResetInOneWriteIsAReset) {
  write(SYSTOLITH_REGISTER_CONTROL, kEnable | kReset);
  EXPECT_EQ(queue_resets_, 1u);
  EXPECT_EQ(enabled_cycles_, 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), 0u);
}

TEST_F(Registers, ResetIsOnePulseAndClearsEnable) {
  write(SYSTOLITH_REGISTER_CONTROL, kEnable);
  EXPECT_EQ(top_.enable_o, 1);
  EXPECT_EQ(queue_resets_, 0u);
  write(SYSTOLITH_REGISTER_CONTROL, kReset);
  EXPECT_EQ(top_.enable_o, 0);
  EXPECT_EQ(queue_resets_, 1u);
  write(SYSTOLITH_REGISTER_CONTROL, 0);
  EXPECT_EQ(queue_resets_, 1u);
}

TEST_F(Registers, EnableIsHeldAtZeroWhileTheDeviceClearsIt) {
  top_.enable_clear_i = 1;
  write(SYSTOLITH_REGISTER_CONTROL, kEnable);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), 0u);
  top_.enable_clear_i = 0;
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), 0u);
  write(SYSTOLITH_REGISTER_CONTROL, kEnable);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), kEnable);
}

TEST_F(Registers, StrobesChooseTheBytes) {
  for (const uint32_t reg :
       {SYSTOLITH_REGISTER_BUS_TIMEOUT, SYSTOLITH_REGISTER_RING_HI,
        window(0, SYSTOLITH_REGISTER_WINDOW_BASE_LO), window(1, SYSTOLITH_REGISTER_WINDOW_BASE_HI),
        window(2, SYSTOLITH_REGISTER_WINDOW_LAST_LO),
        window(3, SYSTOLITH_REGISTER_WINDOW_LAST_HI)}) {
    for (uint32_t strobe = 0; strobe < 16; ++strobe) {
      uint32_t expected = 0x11223344;
      for (int byte = 0; byte < 4; ++byte) {
        const uint32_t mask = 0xffu << (8 * byte);
        if (strobe >> byte & 1) expected = (expected & ~mask) | (0xaabbccddu & mask);
      }
      write(reg, 0x11223344);
      write(reg, 0xaabbccdd, static_cast<uint8_t>(strobe));
      EXPECT_EQ(read(reg), expected) << std::hex << reg << " strobe " << strobe;
    }
  }
  constexpr uint32_t kPermit = SYSTOLITH_REGISTER_WINDOW_PERMIT;
  write(window(1, kPermit), 2);
  write(window(1, kPermit), 0xffffffff, 0xe);
  EXPECT_EQ(read(window(1, kPermit)), 2u);
  write(window(1, kPermit), 0xffffffff, 0x1);
  EXPECT_EQ(read(window(1, kPermit)), 3u);
}

TEST_F(Registers, RandomWritesChangeTheirBytesOfTheirRegisterAlone) {
  std::map<uint32_t, uint32_t> values;
  for (const uint32_t reg : {SYSTOLITH_REGISTER_BUS_TIMEOUT, SYSTOLITH_REGISTER_SEMAPHORE_TIMEOUT,
                             SYSTOLITH_REGISTER_RING_HI, SYSTOLITH_REGISTER_RECORD_HI})
    values[reg] = read(reg);
  for (unsigned w = 0; w < 4; ++w)
    for (const uint32_t reg :
         {SYSTOLITH_REGISTER_WINDOW_BASE_LO, SYSTOLITH_REGISTER_WINDOW_BASE_HI,
          SYSTOLITH_REGISTER_WINDOW_LAST_LO, SYSTOLITH_REGISTER_WINDOW_LAST_HI})
      values[window(w, reg)] = read(window(w, reg));
  std::mt19937_64 random(6);
  for (int round = 0; round < 400; ++round) {
    const auto place = std::next(values.begin(), static_cast<long>(random() % values.size()));
    const auto data = static_cast<uint32_t>(random());
    const auto strobe = static_cast<uint8_t>(random() % 2 ? 0xf : random() % 16);
    write(place->first, data, strobe);
    for (int byte = 0; byte < 4; ++byte) {
      const uint32_t mask = 0xffu << (8 * byte);
      if (strobe >> byte & 1) place->second = (place->second & ~mask) | (data & mask);
    }
    EXPECT_EQ(read(place->first), place->second) << std::hex << place->first;
    if (round % 20 != 0) continue;
    for (const auto& [reg, value] : values) EXPECT_EQ(read(reg), value) << std::hex << reg;
  }
}

TEST_F(Registers, LowAddressBitsNameTheSameRegister) {
  for (uint32_t byte = 1; byte < 4; ++byte) {
    write(SYSTOLITH_REGISTER_BUS_TIMEOUT, 0x11223344);
    write(SYSTOLITH_REGISTER_BUS_TIMEOUT + byte, 0xaabbccdd, static_cast<uint8_t>(1u << byte));
    const uint32_t mask = 0xffu << (8 * byte);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_BUS_TIMEOUT + byte),
              (0x11223344u & ~mask) | (0xaabbccddu & mask));
  }
}

TEST_F(Registers, DoorbellRingsWithAllFourStrobesOnly) {
  for (uint8_t strobe = 0; strobe < 15; ++strobe)
    write(SYSTOLITH_REGISTER_DOORBELL, 0x12345678, strobe);
  EXPECT_TRUE(doorbells_.empty());
  write(SYSTOLITH_REGISTER_DOORBELL, 0x12345678);
  write(SYSTOLITH_REGISTER_DOORBELL, 0xffffffff);
  EXPECT_EQ(doorbells_, (std::vector<uint32_t>{0x12345678, 0xffffffff}));
  EXPECT_EQ(read(SYSTOLITH_REGISTER_DOORBELL), 0u);
  EXPECT_EQ(doorbells_.size(), 2u);
}

TEST_F(Registers, StatusFaultAndCountersAreRead) {
  EXPECT_EQ(read(SYSTOLITH_REGISTER_STATUS), 0u);
  top_.busy_i = 1;
  EXPECT_EQ(read(SYSTOLITH_REGISTER_STATUS), 1u);
  top_.busy_i = 0, top_.faulted_i = 1;
  EXPECT_EQ(read(SYSTOLITH_REGISTER_STATUS), 2u);
  top_.faulted_i = 0, top_.stuck_i = 1;
  EXPECT_EQ(read(SYSTOLITH_REGISTER_STATUS), 4u);
  top_.stuck_i = 0, top_.enabled_i = 1;
  EXPECT_EQ(read(SYSTOLITH_REGISTER_STATUS), 8u);
  top_.completed_i = 0x80000001;
  top_.fault_cause_i = 14;
  top_.fault_unit_i = 3;
  top_.fault_index_i = 0xdeadbeef;
  top_.fault_address_i = 0x0123456789abcdefu;
  EXPECT_EQ(read(SYSTOLITH_REGISTER_COMPLETED), 0x80000001u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_FAULT), 14u | 3u << 8);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_FAULT_INDEX), 0xdeadbeefu);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO), 0x89abcdefu);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_FAULT_ADDRESS_HI), 0x01234567u);

  struct Counter {
    QData* input;
    uint32_t lo, hi;
  };
#define COUNTER(port, NAME) \
  Counter { &top_.port##_i, SYSTOLITH_REGISTER_##NAME##_LO, SYSTOLITH_REGISTER_##NAME##_HI }
  const std::array counters{
      COUNTER(cycles, CYCLES),
      COUNTER(mac_cycles, MAC_CYCLES),
      COUNTER(lost_start, LOST_START),
      COUNTER(lost_fill, LOST_FILL),
      COUNTER(lost_loads, LOST_LOADS),
      COUNTER(lost_store, LOST_STORE),
      COUNTER(lost_other, LOST_OTHER),
      COUNTER(lost_reentry, LOST_REENTRY),
      COUNTER(lost_drain, LOST_DRAIN),
      COUNTER(lost_tail, LOST_TAIL),
      COUNTER(macs, MACS),
      COUNTER(bytes_read, BYTES_READ),
      COUNTER(load_busy, LOAD_BUSY),
      COUNTER(bytes_written, BYTES_WRITTEN),
      COUNTER(store_busy, STORE_BUSY),
      COUNTER(commands, COMMANDS),
      COUNTER(dropped_beats, DROPPED_BEATS),
      COUNTER(corrected, CORRECTED),
  };
#undef COUNTER
  uint64_t n = 0;
  for (const Counter& counter : counters)
    *counter.input = 0x1000000020000000u + ++n * 0x0000000100000010u;
  n = 0;
  for (const Counter& counter : counters) {
    ++n;
    EXPECT_EQ(read(counter.lo), 0x20000000u + n * 0x10u);
    EXPECT_EQ(read(counter.hi), 0x10000000u + n);
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < 20; ++round) {
    for (const Counter& counter : counters) *counter.input = random();
    top_.completed_i = static_cast<uint32_t>(random());
    top_.fault_index_i = static_cast<uint32_t>(random());
    top_.fault_address_i = random();
    for (const Counter& counter : counters) {
      EXPECT_EQ(read(counter.lo), static_cast<uint32_t>(*counter.input));
      EXPECT_EQ(read(counter.hi), static_cast<uint32_t>(*counter.input >> 32));
    }
    EXPECT_EQ(read(SYSTOLITH_REGISTER_COMPLETED), top_.completed_i);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_FAULT_INDEX), top_.fault_index_i);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO),
              static_cast<uint32_t>(top_.fault_address_i));
    EXPECT_EQ(read(SYSTOLITH_REGISTER_FAULT_ADDRESS_HI),
              static_cast<uint32_t>(top_.fault_address_i >> 32));
  }
}

TEST_F(Registers, CountersAreClearedByOnePulseOfAOne) {
  write(SYSTOLITH_REGISTER_COUNTER_CLEAR, 0);
  write(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1, 0xe);
  EXPECT_EQ(counter_clears_, 0u);
  write(SYSTOLITH_REGISTER_COUNTER_CLEAR, 1);
  EXPECT_EQ(counter_clears_, 1u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_COUNTER_CLEAR), 0u);
}

class Interrupts : public Registers {
 protected:
  void set_events(uint32_t bits) {
    top_.irq_command_i = bits & 1;
    top_.irq_fault_i = bits >> 1 & 1;
    top_.irq_idle_i = bits >> 2 & 1;
    top_.irq_reset_done_i = bits >> 3 & 1;
  }
  void pulse(uint32_t bits) {
    set_events(bits);
    tick();
    set_events(0);
  }
};

TEST_F(Interrupts, EachEventSetsItsBitAndItsEnableGatesTheLine) {
  for (uint32_t event = 0; event < 4; ++event) {
    pulse(1u << event);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_STATUS), 1u << event);
    for (uint32_t enable = 0; enable < 16; ++enable) {
      write(SYSTOLITH_REGISTER_IRQ_ENABLE, enable);
      EXPECT_EQ(top_.irq_o, enable >> event & 1);
    }
    write(SYSTOLITH_REGISTER_IRQ_STATUS, 1u << event);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_STATUS), 0u);
    EXPECT_EQ(top_.irq_o, 0);
  }
}

TEST_F(Interrupts, ClearingOneBitLeavesTheOthersAndZerosClearNothing) {
  for (uint32_t bits = 0; bits < 16; ++bits) {
    write(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
    pulse(0xf);
    write(SYSTOLITH_REGISTER_IRQ_STATUS, bits);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_STATUS), 0xfu & ~bits);
    write(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf, 0xe);  // the strobes leave the bits' byte out
    EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_STATUS), 0xfu & ~bits);
  }
}

TEST_F(Interrupts, SetWinsOverClearInEveryCycleAroundIt) {
  write(SYSTOLITH_REGISTER_IRQ_ENABLE, 0xf);
  for (uint32_t event = 0; event < 4; ++event) {
    // Without a new event: the cycle in which the clear acts, seen at the line.
    pulse(1u << event);
    tick();
    ASSERT_EQ(top_.irq_o, 1);
    manager_.write({.address = SYSTOLITH_REGISTER_IRQ_STATUS, .data = 0xf});
    int clear = 0;
    for (; top_.irq_o && clear < 20; ++clear) tick();
    ASSERT_LT(clear, 20);
    run();
    for (int offset = -5; offset <= 5; ++offset) {
      pulse(1u << event);
      for (int i = 0; i < 6; ++i) tick();
      const int at = clear - 1 + offset;  // the tick after which the line fell is number clear - 1
      int t = at < 0 ? at : 0;
      for (; t < 20; ++t) {
        if (t == 0) manager_.write({.address = SYSTOLITH_REGISTER_IRQ_STATUS, .data = 1u << event});
        set_events(t == at ? 1u << event : 0);
        tick();
        if (t >= at && offset >= 0) EXPECT_EQ(top_.irq_o, 1) << offset << " cycle " << t;
      }
      EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_STATUS), offset >= 0 ? 1u << event : 0u) << offset;
      write(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
      EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_STATUS), 0u);
    }
  }
}

TEST_F(Registers, EveryOrderOfAddressAndDataWritesOnce) {
  for (uint32_t delay = 0; delay <= 20; ++delay) {
    for (const bool address_late : {false, true}) {
      for (const uint32_t hold : {0u, 50u}) {
        doorbells_.clear();
        manager_.write({.address = SYSTOLITH_REGISTER_DOORBELL,
                        .data = 0x5000 + delay,
                        .aw_delay = address_late ? delay : 0,
                        .w_delay = address_late ? 0 : delay,
                        .b_delay = hold});
        manager_.read({.address = SYSTOLITH_REGISTER_MAGIC, .r_delay = hold});
        run();
        EXPECT_EQ(doorbells_, std::vector<uint32_t>{0x5000 + delay});
        harness::AxiLiteManager::ReadAnswer answer{};
        ASSERT_TRUE(manager_.pop_read(&answer));
        EXPECT_EQ(answer.data, 0x54535953u);
      }
    }
  }
}

TEST_F(Registers, PipelinedWritesLandInTheirRegisters) {
  for (const uint32_t delay : {0u, 1u, 3u, 9u}) {
    // The addresses run ahead of the data, then the data ahead of the addresses.
    for (const bool address_late : {false, true}) {
      for (uint32_t i = 0; i < 4; ++i) {
        manager_.write({.address = window(i, SYSTOLITH_REGISTER_WINDOW_BASE_LO),
                        .data = 100 * delay + i,
                        .aw_delay = address_late ? delay : 0,
                        .w_delay = address_late ? 0 : delay,
                        .b_delay = 2});
      }
      run();
      for (uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(read(window(i, SYSTOLITH_REGISTER_WINDOW_BASE_LO)), 100 * delay + i);
      }
    }
  }
}

TEST_F(Registers, PayloadWithoutValidIsNoise) {
  manager_.set_noise(true, 7);
  for (int i = 0; i < 1000; ++i) tick();
  EXPECT_TRUE(doorbells_.empty());
  EXPECT_EQ(queue_resets_ + counter_clears_ + enabled_cycles_, 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_BUS_TIMEOUT), 1u << 20);
}

TEST_F(Registers, BadAccessesAreAnsweredAndChangeNothing) {
  constexpr uint32_t kUnmapped[] = {0x0048, 0x00fc, 0x0114, 0x0200, 0x0ffc,
                                    0x100c, 0x1044, 0x1108, 0x1ffc};
  const uint32_t array = read(SYSTOLITH_REGISTER_ARRAY);
  for (unsigned i = 0; i < 100; ++i) {
    const uint32_t unmapped = kUnmapped[i % std::size(kUnmapped)];
    EXPECT_EQ(read(unmapped), 0u);
    write(unmapped, 0xffffffff);
    EXPECT_EQ(read(unmapped), 0u);
    write(SYSTOLITH_REGISTER_MAGIC, 0);
    write(SYSTOLITH_REGISTER_ARRAY, 0);
    write(SYSTOLITH_REGISTER_STATUS, 0xffffffff);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_DOORBELL), 0u);
    EXPECT_EQ(read(SYSTOLITH_REGISTER_MAGIC), 0x54535953u);
  }
  EXPECT_NE(array, 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_ARRAY), array);
  EXPECT_TRUE(doorbells_.empty());
  EXPECT_EQ(queue_resets_ + counter_clears_ + enabled_cycles_, 0u);
}

TEST_F(Registers, ResetBringsEveryRegisterBack) {
  write(SYSTOLITH_REGISTER_BUS_TIMEOUT, 1);
  write(SYSTOLITH_REGISTER_RING_LO, 0x80);
  write(SYSTOLITH_REGISTER_IRQ_ENABLE, 0xf);
  write(SYSTOLITH_REGISTER_CONTROL, kEnable);
  manager_.reset();
  top_.rst_ni = 0;
  tick();
  top_.rst_ni = 1;
  tick();
  EXPECT_EQ(read(SYSTOLITH_REGISTER_BUS_TIMEOUT), 1u << 20);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_RING_LO), 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_IRQ_ENABLE), 0u);
  EXPECT_EQ(read(SYSTOLITH_REGISTER_CONTROL), 0u);
}

}  // namespace
}  // namespace systolith
