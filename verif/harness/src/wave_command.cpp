// Linked into a test program: a failing test on a simulated device ends with the command that opens
// its waves.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <string>

#include "systolith_harness/sim_device.hpp"

namespace systolith::harness {
namespace {

constexpr uint64_t kBefore = 500, kAfter = 20;  // cycles around a known one
constexpr uint64_t kTail = 20000;               // else this many, up to where the device stands

// Of the running test; also read when it crashes.
char test_name[512];
unsigned made_before = 0;
unsigned failed_device = 0;
uint64_t failed_cycle = 0;
bool cycle_is_known = false;

void print_command() {
  const unsigned device = failed_device != 0 ? failed_device : sim_progress().device.load();
  if (device <= made_before) return;  // no device ran
  const uint64_t end = failed_device != 0 ? failed_cycle : sim_progress().cycle.load();
  const uint64_t before = cycle_is_known ? kBefore : kTail;
  char text[1024];
  int length = std::snprintf(
      text, sizeof text, "waves: make wave TEST=%s DEVICE=%u FROM=%" PRIu64 " TO=%" PRIu64,
      test_name, device - made_before, end > before ? end - before : 0, end + kAfter);
  // `make wave` builds the configuration in the test's name, else the default one.
  std::string names, in_name = "16x16";
  for (const std::string& name : sim_progress().configurations) {
    names += (names.empty() ? "" : ",") + name;
    if (std::string(test_name).find("config_" + name) != std::string::npos) in_name = name;
  }
  if (names != in_name)
    length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length),
                            " CONFIG=%s", names.c_str());
  text[length++] = '\n';
  [[maybe_unused]] const ssize_t written =
      write(STDOUT_FILENO, text, static_cast<std::size_t>(length));
}

void on_crash(int signal) {
  std::signal(signal, SIG_DFL);
  print_command();
  raise(signal);
}

class WaveCommand : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& info) override {
    std::snprintf(test_name, sizeof test_name, "%s.%s", info.test_suite_name(), info.name());
    for (char* c = test_name; *c != 0; ++c)
      if (*c == '/') *c = '.';
    made_before = sim_progress().made;
    sim_progress().configurations.clear();
    failed_device = 0;
    cycle_is_known = false;
    for (const int signal : {SIGABRT, SIGSEGV, SIGFPE}) std::signal(signal, on_crash);
  }

  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed() || failed_device != 0) return;
    failed_device = sim_progress().device;
    failed_cycle = sim_progress().cycle;
    std::cmatch match;
    if (std::regex_search(result.message(), match, std::regex("\\bcycle (\\d+)"))) {
      failed_cycle = std::strtoull(match[1].str().c_str(), nullptr, 10);
      cycle_is_known = true;
    }
  }

  void OnTestEnd(const testing::TestInfo& info) override {
    if (!info.result()->Failed()) return;
    std::fflush(stdout);
    print_command();
  }
};

// A run that already writes waves says how many devices there are to choose from.
class DeviceCount : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    std::printf("waves: the test made %u devices\n", sim_progress().made);
  }
};

const bool added = [] {
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  const char* file = std::getenv("SYSTOLITH_TRACE");
  if (file == nullptr || *file == 0)
    listeners.Append(new WaveCommand);
  else
    listeners.Append(new DeviceCount);
  return true;
}();

}  // namespace
}  // namespace systolith::harness
