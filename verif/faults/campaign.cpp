#include "campaign.hpp"

#include "reference.hpp"
#include "session.hpp"
#include "systolith/systolith.h"
#include "verdict.hpp"

namespace systolith::faults {
namespace {

constexpr std::uint64_t kLate = 500;  // cycles in which late responses would show

void expect_still(Session& session, const char* when) {
  const std::vector<std::uint8_t> before = session.image();
  session.device().step(kLate);
  if (session.image() != before) throw Wrong("late", std::string("memory changes ") + when);
}

void run_checked(Session& session, const Reference& reference, std::uint64_t seed, Result& result) {
  const End end = session.run();
  const std::optional<Fault> expected = expected_fault(session, reference);
  check_run(session, reference, end, expected);
  result.outcome = expected ? systolith_cause_name(expected->cause) : "masked";
  expect_still(session, "after the end");
  if (end == End::stuck) session.reset_device();
  if (!session.reset_queue()) throw Wrong("hang", "the queue reset does not end");
  expect_still(session, "after the reset");
  check_recovery(session, seed);
}

}  // namespace

Result run_case(const Case& c, std::uint64_t seed) {
  Result result;
  const Reference reference = refer(c.drawn);
  Session session(c);
  try {
    run_checked(session, reference, seed, result);
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
