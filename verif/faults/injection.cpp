#include "injection.hpp"

#include <fmt/format.h>

#include <random>
#include <stdexcept>

#include "monitor.hpp"
#include "program_generator.hpp"
#include "reference.hpp"
#include "systolith/command.h"

namespace systolith::faults {
namespace {

using harness::AxiInjection;

class Draw {
 public:
  Draw(std::uint64_t seed, regress::Drawn drawn)
      : random_(seed * 0xD1342543DE82EF95 + 3),
        case_{std::move(drawn), {}},
        configuration_(model::Configuration::named(case_.drawn.configuration)),
        reference_(refer(case_.drawn)) {}

  std::uint64_t pick(std::uint64_t least, std::uint64_t most) {
    return least + random_() % (most - least + 1);
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  void read_error() {
    const std::uint64_t n = pick(0, reference_.loads.size() - 1);
    const Burst& burst = reference_.loads[n];
    AxiInjection error = read(kLoadId, n);
    error.beat = static_cast<int>(pick(0, burst.beats(configuration_.bus_bytes) - 1));
    add(error, fmt::format("beat {} of burst {} of the loads, at {:#x}, of command {}", error.beat,
                           n, burst.address, burst.command));
  }

  Case take() && { return std::move(case_); }
  Injection& injection() { return case_.injection; }

 private:
  AxiInjection read(unsigned id, std::uint64_t burst) {
    AxiInjection error;
    error.id = static_cast<int>(id);
    error.burst = static_cast<std::int64_t>(burst);
    error.effect =
        chance(50) ? AxiInjection::Effect::SubordinateError : AxiInjection::Effect::DecodeError;
    return error;
  }
  void add(const AxiInjection& error, const std::string& where) {
    case_.injection.errors.push_back(error);
    const char* names[] = {"SLVERR", "DECERR", "no answer"};
    std::string& text = case_.injection.text;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", names[static_cast<int>(error.effect)],
                        where);
  }

  std::mt19937_64 random_;
  Case case_;
  model::Configuration configuration_;
  Reference reference_;
};

struct Entry : Kind {
  void (Draw::*draw)();
};

constexpr Entry kEntries[] = {
    {{"read_error", "SLVERR or DECERR on one beat of a load"}, &Draw::read_error},
};

std::vector<const Entry*> named(std::string_view part) {
  std::vector<const Entry*> chosen;
  for (const Entry& entry : kEntries)
    if (std::string_view(entry.name).find(part) != std::string_view::npos) chosen.push_back(&entry);
  if (chosen.empty())
    throw std::invalid_argument(fmt::format("no kind with '{}' in its name: see --list", part));
  return chosen;
}

}  // namespace

std::vector<Kind> kinds() { return {std::begin(kEntries), std::end(kEntries)}; }

void check_kinds(std::string_view part) { named(part); }

Case draw_case(std::uint64_t seed, std::span<const std::string> configurations,
               std::string_view part) {
  const std::vector<const Entry*> chosen = named(part);
  regress::Weights weights;
  weights.commands = 24;
  Draw draw(seed, regress::draw(seed, configurations, weights));
  const Entry& entry = *chosen[draw.pick(0, chosen.size() - 1)];
  draw.injection().kind = entry.name;
  (draw.*entry.draw)();
  return std::move(draw).take();
}

}  // namespace systolith::faults
