#include "campaign.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "program_generator.hpp"
#include "reference.hpp"
#include "session.hpp"
#include "systolith/registers.h"
#include "systolith/systolith.h"
#include "verdict.hpp"

namespace systolith::faults {
namespace {

constexpr std::uint64_t kLate = 500;  // cycles in which late responses would show

void expect_still(Session& session, const char* when) {
  const std::vector<std::uint8_t> before = session.image();
  session.device().step(kLate);
  const std::vector<std::uint8_t> after = session.image();
  const auto changed = std::ranges::mismatch(before, after);
  if (changed.in1 != before.end())
    throw Wrong("late", fmt::format("memory changes {}, at {:#x}", when,
                                    regress::kBase +
                                        static_cast<std::uint64_t>(changed.in1 - before.begin())));
}

void end_reset(Session& session) {
  if (!session.reset_queue()) throw Wrong("hang", "the queue reset does not end");
}

/// Nothing but a reset moves a queue that stands.
void expect_standing(Session& session) {
  const auto look = [&] {
    return std::array{session.read32(SYSTOLITH_REGISTER_STATUS),
                      session.read32(SYSTOLITH_REGISTER_FAULT),
                      session.read32(SYSTOLITH_REGISTER_FAULT_INDEX),
                      session.read32(SYSTOLITH_REGISTER_FAULT_ADDRESS_LO),
                      session.read32(SYSTOLITH_REGISTER_COMPLETED)};
  };
  const auto before = look();
  session.device().write32(SYSTOLITH_REGISTER_DOORBELL, session.rung() + 1);
  expect_still(session, "by a doorbell after the fault");
  if (look() != before) throw Wrong("fault", "a doorbell after the fault changes registers");
}

/// A bus time-out ends in the device's reset alone, also where the answer comes after all.
void leave_stuck(Session& session) {
  if (session.test().injection.answer_after != 0) {
    for (unsigned tries = 0; tries < 200 && !session.answered(); ++tries)
      session.device().step(100);
    if (!session.answered()) throw Wrong("injection", "the late answer did not come");
    session.device().step(kLate);
  }
  if (session.reset_queue(2000)) throw Wrong("recovery", "a queue reset ends a bus time-out");
  if (!session.device().reset_request() || (session.read32(SYSTOLITH_REGISTER_STATUS) & 5) != 5)
    throw Wrong("recovery", "busy, stuck or the reset request fell after a bus time-out");
  session.device().reset();
  check_off(session, "after the device's reset", true);
}

std::string run_checked(Session& session, std::uint64_t seed) {
  const Case& c = session.test();
  const Injection& injection = c.injection;
  if (injection.host == HostAction::die) {
    check_killed_host(c.drawn.configuration, injection.value);
    return "reset";
  }
  End end = session.run();
  session.adopt_fetched();
  if (end == End::stopped) end = session.act();
  const Reference reference = refer(c.clean ? *c.clean : c.drawn);
  std::string outcome = "reset";
  if (end == End::stopped) {
    const bool device = injection.host == HostAction::reset_device ||
                        injection.host == HostAction::reset_device_later;
    if (device) check_off(session, "after rst_ni", true);
    end_reset(session);
    check_cut(session, reference);
    if (device) expect_still(session, "after rst_ni");
  } else {
    const Expected expected = expected_fault(
        session, reference,
        c.clean ? regress::run_model(c.drawn).seen.ending : reference.run.seen.ending);
    check_run(session, reference, end, expected);
    outcome = expected.first ? systolith_cause_name(expected.first->cause) : "masked";
    if (session.read32(SYSTOLITH_REGISTER_CORRECTED_LO) != 0) {
      if (!injection.flip || !injection.flip->correctable)
        throw Wrong("counter", "a word was corrected");
      outcome = "corrected";
    }
    expect_still(session, "after the end");
    if (end == End::faulted) expect_standing(session);
    if (end == End::stuck) leave_stuck(session);
    end_reset(session);
  }
  expect_still(session, "after the reset");
  check_recovery(session, seed);
  return outcome;
}

}  // namespace

Result run_case(const Case& c, std::uint64_t seed) {
  Result result;
  Session session(c);
  try {
    result.outcome = run_checked(session, seed);
  } catch (const Wrong& wrong) {
    result.wrong = wrong.kind();
    result.text = wrong.what();
  } catch (const harness::HarnessError& error) {
    result.wrong = "assertion";
    result.text = error.what();
  }
  result.cycles = session.device().cycle();
  return result;
}

}  // namespace systolith::faults
