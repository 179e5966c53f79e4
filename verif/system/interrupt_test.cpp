// Interrupts and completion of whole devices in the very cycles in which they could go wrong.
#include <gtest/gtest.h>

#include <cstring>

#include "directed.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

constexpr std::uint32_t kCommand = 1, kFault = 2, kIdle = 4;

class DeviceInterrupts : public testing::TestWithParam<std::string> {
 protected:
  // No chance in the memory's times: two runs that begin alike go alike, cycle by cycle.
  DeviceInterrupts() : sim_(GetParam()) {
    harness::AxiMemoryTiming& timing = sim_.device().memory().timing();
    timing.read_latency_minimum = timing.read_latency_maximum = 20;
    timing.write_latency_minimum = timing.write_latency_maximum = 20;
  }

  // A queue whose first command has completed with its interrupt, and whose second is `second`;
  // `clear`: with no event left.
  void prepare(const systolith_command_t& second, bool clear) {
    Program program = directed({nop(true, true), second});
    sim_.start(program);
    sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, 0xf);
    std::uint8_t* memory = sim_.device().memory().at(kBase);
    for (std::uint32_t i = 0; i < 2; ++i)
      std::memcpy(memory + i * SYSTOLITH_COMMAND_BYTES, program.commands[i].words,
                  SYSTOLITH_COMMAND_BYTES);
    sim_.write32(SYSTOLITH_REGISTER_DOORBELL, 1);
    ASSERT_TRUE(sim_.finish());
    sim_.device().step(100);
    ASSERT_EQ(sim_.read32(SYSTOLITH_REGISTER_IRQ_STATUS), kCommand | kIdle);
    if (clear) sim_.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
  }

  // Cycles from a doorbell's answer to the rise of `event`, and from a request to clear it to its
  // fall.
  void measure(const systolith_command_t& second, std::uint32_t event, std::uint64_t* rise,
               std::uint64_t* fall) {
    prepare(second, true);
    sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, event);
    sim_.write32(SYSTOLITH_REGISTER_DOORBELL, 2);
    for (*rise = 0; !sim_.device().interrupt() && *rise < 5000; ++*rise) sim_.device().step();
    ASSERT_LT(*rise, 5000U);
    ASSERT_TRUE(sim_.finish());
    sim_.device().registers().write({.address = SYSTOLITH_REGISTER_IRQ_STATUS, .data = event});
    for (*fall = 0; sim_.device().interrupt() && *fall < 100; ++*fall) sim_.device().step();
    ASSERT_LT(*fall, 100U);
    take_answers();
    ASSERT_TRUE(sim_.reset_queue());
  }

  void take_answers() {
    for (int i = 0; i < 100 && !sim_.device().registers().idle(); ++i) sim_.device().step();
    std::uint8_t response;
    while (sim_.device().registers().pop_write(&response)) {
    }
  }

  // The clear acts `offset` cycles after the event; with 0 and less the event must stay.
  void sweep(const systolith_command_t& second, std::uint32_t event) {
    std::uint64_t rise = 0, fall = 0;
    measure(second, event, &rise, &fall);
    if (HasFatalFailure()) return;
    ASSERT_GT(rise, fall + 6);
    for (int offset = -6; offset <= 6; ++offset) {
      SCOPED_TRACE(GetParam() + ": clear " + std::to_string(offset) + " cycles after the event");
      prepare(second, false);
      sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, event);
      sim_.write32(SYSTOLITH_REGISTER_DOORBELL, 2);
      sim_.device().step(rise - fall + static_cast<std::uint64_t>(offset));
      sim_.device().registers().write({.address = SYSTOLITH_REGISTER_IRQ_STATUS, .data = event});
      take_answers();
      if (offset <= 0) {
        while (!sim_.device().interrupt() && sim_.read32(SYSTOLITH_REGISTER_STATUS) & 1)
          sim_.device().step();
        EXPECT_TRUE(sim_.device().interrupt()) << "the new event was lost";
      }
      ASSERT_TRUE(sim_.finish());
      const std::uint32_t status = sim_.read32(SYSTOLITH_REGISTER_IRQ_STATUS);
      EXPECT_EQ(status & event, offset <= 0 ? event : 0U);
      EXPECT_EQ(sim_.device().interrupt(), offset <= 0);
      if (event == kFault) EXPECT_EQ(status & kCommand, kCommand) << "of the first command";
      EXPECT_EQ(status & kIdle, kIdle) << "clearing one event leaves the others";
      EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), 2U);
      ASSERT_TRUE(sim_.reset_queue());
      sim_.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
      EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_IRQ_STATUS), 0U);
      EXPECT_FALSE(sim_.device().interrupt());
      if (HasFailure()) return;
    }
  }

  SimRun sim_;
};

TEST_P(DeviceInterrupts, ClearAroundASecondCompletionNeverLosesIt) {
  sweep(nop(true, true), kCommand);
}

TEST_P(DeviceInterrupts, ClearAroundAFaultNeverLosesIt) {
  systolith_command_t illegal = nop();
  SYSTOLITH_SET(illegal.words, HEADER_OPCODE, 0x77);
  sweep(illegal, kFault);
}

TEST_P(DeviceInterrupts, LineStaysHighUntilCleared) {
  prepare(nop(), false);
  sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, kCommand);
  sim_.device().step(1000);
  EXPECT_TRUE(sim_.device().interrupt());
  sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, 0);
  EXPECT_FALSE(sim_.device().interrupt()) << "masked";
  sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, kCommand);
  EXPECT_TRUE(sim_.device().interrupt());
  sim_.write32(SYSTOLITH_REGISTER_IRQ_STATUS, kCommand);
  EXPECT_FALSE(sim_.device().interrupt());
}

// Memory takes all data at once, but commits them and answers late. Nothing that says "done" may
// come before the last answer: completed, interrupt, signal to the next command.
class LastResponse : public DeviceInterrupts {
 protected:
  // The store's last response is held back for 200 cycles. `error`: it is one.
  void run(bool error) {
    const unsigned bus = sim_.device().geometry().bus_bytes;
    const unsigned run = 2 * bus + 5;
    const std::uint64_t to = kOutputs + 4096 - bus;  // over a page: several bursts
    LoadStep in = load(kInputs, run, 0);
    in.signal[0] = sync(2);
    StoreStep out = store(to, run, 0);
    out.wait[0] = sync(2);
    out.signal[0] = sync(3);
    LoadStep back = load(to, run, 16);
    back.wait[0] = sync(3);
    systolith_command_t last = command(out);
    SYSTOLITH_SET(last.words, HEADER_INTERRUPT, 1);
    SYSTOLITH_SET(last.words, HEADER_RECORD, 0);
    const Program program = directed({command(in), last, command(back)});
    harness::AxiMemory& memory = sim_.device().memory();
    memory.set_commit_at_response(true);
    Traffic traffic(sim_);
    // The last burst of the store alone is held: it is the only one that never answers.
    harness::AxiInjection hold;
    hold.kind = harness::AxiInjection::Kind::Write;
    hold.effect = harness::AxiInjection::Effect::NeverAnswer;
    hold.id = 2;
    hold.first_address = hold.last_address = to + run - 1;
    memory.inject(hold);
    if (error) {
      harness::AxiInjection fail = hold;
      fail.effect = harness::AxiInjection::Effect::SubordinateError;
      memory.inject(fail);
    }
    sim_.start(program);
    sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, kCommand | kFault);
    sim_.ring(program);
    sim_.device().step(1500);
    for (int i = 0; i < 200; ++i) {
      sim_.device().step();
      ASSERT_FALSE(sim_.device().interrupt());
    }
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), 1U);
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS) & 1, 1U);
    EXPECT_EQ(traffic.burst_with(1, to + run - 1), ~0ull) << "the next command reads already";
    EXPECT_EQ(memory.at(to)[run - 1], 0xA5);
    memory.release_unanswered();
    ASSERT_TRUE(sim_.device().step_until_interrupt(500));
    if (error) {
      EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_IRQ_STATUS) & 3, kFault);
      ASSERT_TRUE(sim_.finish());
      const Outcome got = sim_.outcome();
      EXPECT_EQ(got.cause, SYSTOLITH_CAUSE_BUS_WRITE);
      EXPECT_EQ(got.fault_index, 1U);
      EXPECT_EQ(record_of(got.memory.data(), program, 1).state, SYSTOLITH_STATE_FAILED);
      EXPECT_FALSE(record_of(got.memory.data(), program, 2).written);
      return;
    }
    // In the cycle of the interrupt.
    EXPECT_EQ(std::memcmp(memory.at(to), program.memory.data() + (kInputs - kBase), run), 0);
    EXPECT_GE(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), 2U);
    ASSERT_TRUE(sim_.finish());
    EXPECT_FALSE(sim_.outcome().faulted());
    EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), 3U);
  }
};

TEST_P(LastResponse, DoneComesAfterIt) { run(false); }

TEST_P(LastResponse, WithAnErrorItIsACauseAndNotDone) { run(true); }

const auto kNames = [](const auto& info) { return "config_" + info.param; };
INSTANTIATE_TEST_SUITE_P(Devices, DeviceInterrupts, testing::ValuesIn(sim::prebuilt()), kNames);
INSTANTIATE_TEST_SUITE_P(Devices, LastResponse, testing::ValuesIn(sim::prebuilt()), kNames);

// ---- ring ----

class DeviceRing : public testing::TestWithParam<std::string> {
 protected:
  DeviceRing() : sim_(GetParam()) {
    sim_.device().memory().timing().read_latency_minimum = 1;
    sim_.device().memory().timing().read_latency_maximum = 9;
    sim_.device().memory().timing().write_latency_minimum = 1;
    sim_.device().memory().timing().write_latency_maximum = 9;
    program_ = directed(std::vector<systolith_command_t>{});
    program_.slots_log2 = 3;
    sim_.start(program_);
  }
  // Rings for `count` more NOPs; those that interrupt say so by an odd index.
  void ring(std::uint32_t count) {
    std::uint8_t* memory = sim_.device().memory().at(kBase);
    for (std::uint32_t i = 0; i < count; ++i, ++tail_) {
      const systolith_command_t command = nop(true, true);
      std::memcpy(memory + tail_ % 8 * SYSTOLITH_COMMAND_BYTES, command.words,
                  SYSTOLITH_COMMAND_BYTES);
    }
    sim_.write32(SYSTOLITH_REGISTER_DOORBELL, tail_);
  }
  void expect_all_done() {
    ASSERT_TRUE(sim_.finish());
    ASSERT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), tail_);
    ASSERT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS), 8U);
    const Record last = record_of(sim_.device().memory().at(kBase), program_, tail_ - 1);
    ASSERT_EQ(last.index, tail_ - 1);
    ASSERT_EQ(last.state, SYSTOLITH_STATE_COMPLETED);
  }

  SimRun sim_;
  Program program_;
  std::uint32_t tail_ = 0;
};

TEST_P(DeviceRing, WrapsOneByOneAndInBatchesUpToFull) {
  for (int i = 0; i < 25; ++i) {
    ring(1);
    expect_all_done();
  }
  for (const std::uint32_t batch : {7U, 8U, 7U, 8U, 8U, 3U}) {
    ring(batch);
    expect_all_done();
  }
  // Full and empty are told apart: the same doorbell again is nothing new.
  sim_.write32(SYSTOLITH_REGISTER_DOORBELL, tail_);
  sim_.device().step(200);
  EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_STATUS), 8U);
  EXPECT_EQ(sim_.read32(SYSTOLITH_REGISTER_COMPLETED), tail_);
}

// The doorbell rings in every cycle around the one in which the queue runs dry.
TEST_P(DeviceRing, RunsDryAndRestartsAThousandTimes) {
  sim_.write32(SYSTOLITH_REGISTER_IRQ_ENABLE, kCommand);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    sim_.write32(SYSTOLITH_REGISTER_IRQ_STATUS, 0xf);
    ring(1);
    if (i % 50 == 49) {
      expect_all_done();
      if (HasFatalFailure()) return;
      continue;
    }
    ASSERT_TRUE(sim_.device().step_until_interrupt(2000)) << "command " << i << " was lost";
    sim_.device().step(i % 12);
  }
  EXPECT_EQ(tail_, 1000U);
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceRing, testing::ValuesIn(sim::prebuilt()), kNames);

}  // namespace
}  // namespace systolith::system_test
