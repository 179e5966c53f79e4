// What must be true after an injection, from the injection and the golden model alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reference.hpp"
#include "session.hpp"

namespace systolith::faults {

struct Fault {
  std::uint32_t cause = 0, unit = 0, index = 0;
  std::uint64_t address = 0;
  bool operator==(const Fault&) const = default;
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

/// The fault that the device must report; none where all goes on. Throws Wrong where the injection
/// met nothing, or the device's bursts are not the model's.
std::optional<Fault> expected_fault(const Session& session, const Reference& reference);

/// After a run that ended `end`: everything that software sees. Throws Wrong.
void check_run(Session& session, const Reference& reference, End end,
               const std::optional<Fault>& expected);

/// Nothing of the first context is left, and a product is right. The device stands, reset.
void check_recovery(Session& session, std::uint64_t seed);

}  // namespace systolith::faults
