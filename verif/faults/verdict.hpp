// What must be true after an injection, from the injection and the golden model alone.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "reference.hpp"
#include "session.hpp"

namespace systolith::faults {

struct Fault {
  std::uint32_t cause = 0, unit = 0, index = 0;
  std::uint64_t address = 0;
  bool operator==(const Fault&) const = default;
};

/// The fault that must be reported, none where all goes on, and all that there are.
struct Expected {
  Expected() = default;
  explicit Expected(const Fault& fault) : first(fault), all{fault} {}
  std::optional<Fault> first;
  std::vector<Fault> all;
};

/// An injection that ended as none may end.
class Wrong : public std::runtime_error {
 public:
  Wrong(std::string kind, const std::string& text)
      : std::runtime_error(text), kind_(std::move(kind)) {}
  const std::string& kind() const { return kind_; }

 private:
  std::string kind_;
};

/// What the device must report. `reference` is of the program
/// without its bad command, `ending` the golden model's of the program itself. Throws Wrong where
/// the injection met nothing.
Expected expected_fault(Session& session, const Reference& reference,
                        const program::Ending& ending);

/// After a run that ended `end`: everything that software sees. Throws Wrong.
void check_run(Session& session, const Reference& reference, End end, const Expected& expected);

/// After a reset in mid-run.
void check_cut(Session& session, const Reference& reference);

/// The device stands, reset. `device`: by its own reset, so that every register is new.
void check_off(Session& session, const char* when, bool device);

/// Nothing of the first context is left, and a product is right. The device stands, reset.
void check_recovery(Session& session, std::uint64_t seed);

/// A process with a `sim:` device is killed after so many microseconds; another opens one, and runs
/// a copy.
void check_killed_host(const std::string& configuration, std::uint32_t microseconds);

/// The process that is killed: copies for ever, a byte to the standard output each.
int run_victim(const std::string& configuration);

}  // namespace systolith::faults
