// Waveforms: they change nothing, and their file is whole however the run ends.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <gtkwave/fstapi.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "program_run.hpp"
#include "systolith/registers.h"

namespace systolith::system_test {
namespace {

std::filesystem::path fresh(const std::string& name) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / (name + "_" + std::to_string(getpid()) + ".fst");
  std::filesystem::remove(path);
  return path;
}

// An FST file, read with the library that Verilator brings.
class Waveform {
 public:
  explicit Waveform(const std::filesystem::path& path) : path_(path) {
    void* file = fstReaderOpen(path.c_str());
    readable_ = file != nullptr;
    if (!readable_) return;
    first_ = fstReaderGetStartTime(file);
    last_ = fstReaderGetEndTime(file);
    std::string scope;
    while (const fstHier* item = fstReaderIterateHier(file)) {
      if (item->htyp == FST_HT_SCOPE) scope += std::string(item->u.scope.name) + ".";
      if (item->htyp == FST_HT_UPSCOPE) scope.erase(scope.rfind('.', scope.size() - 2) + 1);
      if (item->htyp == FST_HT_VAR) {
        const std::string name = item->u.var.name;
        handles_[scope + name.substr(0, name.find(' '))] = item->u.var.handle;
      }
    }
    fstReaderClose(file);
  }
  ~Waveform() { std::filesystem::remove(path_); }

  bool readable() const { return readable_; }
  std::uint64_t first() const { return first_; }
  std::uint64_t last() const { return last_; }
  bool has(const std::string& name) const { return handles_.count(name) != 0; }

  // Times and values of a signal.
  std::vector<std::pair<std::uint64_t, std::string>> changes(const std::string& name) const {
    std::vector<std::pair<std::uint64_t, std::string>> all;
    void* file = fstReaderOpen(path_.c_str());
    fstReaderClrFacProcessMaskAll(file);
    fstReaderSetFacProcessMask(file, handles_.at(name));
    fstReaderIterBlocks(
        file,
        [](void* to, std::uint64_t time, fstHandle, const unsigned char* value) {
          auto& list = *static_cast<decltype(all)*>(to);
          const std::string text = reinterpret_cast<const char*>(value);
          if (list.empty() || list.back().second != text) list.emplace_back(time, text);
        },
        &all, nullptr);
    fstReaderClose(file);
    return all;
  }

  // Every half cycle of [first(), last()] has its clock edge; cycle 0 has none.
  bool is_gapless() const {
    std::uint64_t time = std::max<std::uint64_t>(first_, 10);
    for (const auto& [at, value] : changes("device.clk_i")) {
      if (at == 0) continue;
      if (at != time) return false;
      time += 5;
    }
    return time == last_ + 5;
  }

 private:
  std::filesystem::path path_;
  bool readable_ = false;
  std::uint64_t first_ = 0, last_ = 0;
  std::map<std::string, fstHandle> handles_;
};

class Environment {
 public:
  void set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    names_.push_back(name);
  }
  ~Environment() {
    for (const std::string& name : names_) unsetenv(name.c_str());
  }

 private:
  std::vector<std::string> names_;
};

// A run of a test of trace_probe.
struct Child {
  int status = 0;  // as of wait()
  std::string output;
  std::uint64_t at = 0;  // the cycle that it told last
};

// `stop`: this signal is sent after some cycles.
Child run_probe(const std::string& test, const std::filesystem::path& trace, int stop = 0) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    if (!trace.empty()) setenv("SYSTOLITH_TRACE", trace.c_str(), 1);
    const std::string filter = "--gtest_filter=Probe." + test;
    execl(TRACE_PROBE, TRACE_PROBE, filter.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  Child child;
  char buffer[4096];
  while (const ssize_t bytes = read(ends[0], buffer, sizeof buffer)) {
    if (bytes < 0) break;
    child.output.append(buffer, static_cast<std::size_t>(bytes));
    if (stop != 0 && child.output.find("at 5005\n") != std::string::npos) {
      kill(pid, stop);
      stop = 0;
    }
  }
  close(ends[0]);
  waitpid(pid, &child.status, 0);
  if (const std::size_t told = child.output.rfind("\nat "); told != std::string::npos)
    child.at = std::strtoull(child.output.c_str() + told + 4, nullptr, 10);
  return child;
}

TEST(Trace, TracingChangesNothing) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    ProgramGenerator generator("tiny", seed);
    const Program program = generator.generate(30);
    const std::filesystem::path file = fresh("changes_nothing");
    std::vector<std::uint8_t> memory[2];  // with the records' times
    std::uint64_t cycles[2];
    for (const bool traced : {false, true}) {
      Environment environment;
      if (traced) {
        environment.set("SYSTOLITH_TRACE", file);
        environment.set("SYSTOLITH_TRACE_DEVICE", std::to_string(harness::sim_progress().made + 1));
      }
      SimRun sim("tiny", seed);
      sim.device().memory().timing().stall_r = sim.device().memory().timing().stall_aw = 30;
      EXPECT_EQ(sim.run(program).completed, program.commands.size());
      const std::uint8_t* bytes = sim.device().memory().at(kBase);
      memory[traced].assign(bytes, bytes + kBytes);
      cycles[traced] = sim.device().cycle();
    }
    EXPECT_EQ(cycles[0], cycles[1]) << "seed " << seed;
    EXPECT_TRUE(memory[0] == memory[1]) << "seed " << seed;
    const Waveform waves(file);
    ASSERT_TRUE(waves.readable());
    EXPECT_EQ(waves.first(), 0U);
    EXPECT_EQ(waves.last(), cycles[1] * 10);
    EXPECT_TRUE(waves.is_gapless());
  }
}

TEST(Trace, HoldsArraysMonitorsAndOneChangeACycle) {
  const std::filesystem::path file = fresh("holds");
  const Child child = run_probe("Passes", file);
  ASSERT_EQ(child.status, 0) << child.output;
  const Waveform waves(file);
  const model::Configuration c = model::Configuration::named("tiny");
  const std::string top = "device.simulated_device.u_device.";
  for (unsigned lane = 0; lane < c.rows * c.cols; ++lane)
    EXPECT_TRUE(
        waves.has(top + "u_matrix.u_array.u_mac_lanes.result_q[" + std::to_string(lane) + "]"))
        << lane;
  EXPECT_TRUE(waves.has(top + "u_trace.ar"));
  EXPECT_TRUE(waves.has(top + "u_command_processor.u_semaphores.value[0]"));
  // Memories would be most of the file.
  EXPECT_FALSE(waves.has(top + "u_accumulators.gen_column[0].u_array.mem[0]"));
  // The read of `magic` shows, and every signal but the clock changes at rising edges only.
  const auto reads = waves.changes(top + "u_trace.read_data_q");
  ASSERT_EQ(reads.size(), 2U);
  EXPECT_EQ(std::stoul(reads[1].second, nullptr, 2), SYSTOLITH_MAGIC_RESET);
  for (const char* name :
       {"s_axil_arvalid", "s_axil_arready", "s_axil_rvalid", "u_trace.read_data_q"})
    for (const auto& [time, value] : waves.changes(top + name)) EXPECT_EQ(time % 10, 0U) << name;
}

// Exit status and output of scripts/simulate.
std::pair<int, std::string> simulate(const std::string& arguments) {
  const std::string command = SIMULATE " " + arguments + " --build " BUILD_FOLDER " 2>&1";
  FILE* const output = popen(command.c_str(), "r");
  std::string text;
  char buffer[4096];
  while (const std::size_t bytes = fread(buffer, 1, sizeof buffer, output))
    text.append(buffer, bytes);
  return {WEXITSTATUS(pclose(output)), text};
}

TEST(SaveFile, NamesWhatTheWaveformHolds) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("save_file_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::filesystem::path file = folder / "waves.fst";
  ASSERT_EQ(run_probe("Passes", file).status, 0);
  const Waveform waves(file);
  const auto [status, text] = simulate("save " + file.string());
  EXPECT_EQ(status, 0) << text;
  std::ifstream save(folder / "waves.gtkw");
  unsigned signals = 0, lanes = 0, of_one_bit = 0;
  for (std::string line, before; std::getline(save, line); before = line) {
    const std::size_t at = line.find("device.");
    if (at == std::string::npos) continue;
    ++signals;
    if (line.find("+{lane r") == 0) ++lanes;
    // The last brackets are the range of a vector, or the index of one of one bit: as a range
    // GTKWave would leave it out.
    std::string name = line.substr(at);
    const std::size_t open = name.rfind('['), colon = name.rfind(':');
    if (colon != std::string::npos) {
      EXPECT_NE(name.substr(open + 1, colon - open - 1) + "]", name.substr(colon + 1)) << line;
      name.erase(open);
    } else if (open != std::string::npos && !waves.has(name)) {
      name.erase(open);
      ++of_one_bit;
    }
    EXPECT_TRUE(waves.has(name)) << line;
    if (name.ends_with(".state_q")) EXPECT_EQ(before, "@100000028") << "by name: " << line;
  }
  const model::Configuration c = model::Configuration::named("tiny");
  EXPECT_EQ(lanes, 6 * c.rows * c.cols);
  EXPECT_GT(signals, 200U);
  EXPECT_GT(of_one_bit, 0U);
  std::ifstream opcodes(folder / "names" / "opcode_8.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(opcodes), {}),
            "01 NOP\n10 LOAD\n20 MATRIX\n30 STORE\n");
  std::filesystem::remove_all(folder);
}

TEST(TestNames, AreFoundByAnyUniquePart) {
  const std::string command = "--gtest_filter=Devices/OnEveryDevice.SeedsOfEveryKind/config_3x5";
  for (const char* name :
       {"system.Devices/OnEveryDevice.SeedsOfEveryKind/config_3x5",
        "Devices.OnEveryDevice.SeedsOfEveryKind.config_3x5",
        "Devices_OnEveryDevice_SeedsOfEveryKind_config_3x5", "seedsofeverykind.config.3X5"}) {
    const auto [status, text] = simulate(std::string("find ") + name);
    EXPECT_EQ(status, 0) << text;
    EXPECT_NE(text.find(command), std::string::npos) << text;
  }
  const auto several = simulate("find SeedsOfEveryKind");
  EXPECT_EQ(several.first, 2);
  EXPECT_NE(several.second.find("system.Devices/OnEveryDevice.SeedsOfEveryKind/config_3x5\n"),
            std::string::npos);
  const auto none = simulate("find NarowTileBetweenWide");
  EXPECT_EQ(none.first, 2);
  EXPECT_NE(none.second.find("nearest are\n  system.Tilings.NarrowTileBetweenWideOnes\n"),
            std::string::npos)
      << none.second;
}

TEST(OneSystemTest, IsBuiltAndRunByAPartOfItsName) {
  const auto [status, text] = simulate("sim NarrowTileBetweenWide");
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find("simulate: system.Tilings.NarrowTileBetweenWideOnes\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("[  PASSED  ] 1 test.\n"), std::string::npos) << text;
  const auto none = simulate("sim 9x9");
  EXPECT_EQ(none.first, 2);
  EXPECT_NE(none.second.find("no configuration 9x9; there are "), std::string::npos) << none.second;
}

TEST(Trace, KeepsToItsWindow) {
  Environment environment;
  environment.set("SYSTOLITH_TRACE_FROM", "40");
  environment.set("SYSTOLITH_TRACE_TO", "60");
  const std::filesystem::path file = fresh("window");
  EXPECT_EQ(run_probe("Passes", file).status, 0);
  const Waveform waves(file);
  ASSERT_TRUE(waves.readable());
  EXPECT_EQ(waves.first(), 400U);
  EXPECT_EQ(waves.last(), 605U);
  EXPECT_TRUE(waves.is_gapless());
}

TEST(Trace, ErrorsSayWhatToDo) {
  Environment environment;
  environment.set("SYSTOLITH_TRACE", "/nowhere/waves.fst");
  environment.set("SYSTOLITH_TRACE_DEVICE", std::to_string(harness::sim_progress().made + 1));
  const auto message = [](const char* configuration) -> std::string {
    try {
      sim::make_device(configuration, {});
    } catch (const harness::HarnessError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message("3x5").find("make wave CONFIG=3x5"), std::string::npos);
  EXPECT_NE(message("tiny").find("can't write the waveform /nowhere/waves.fst"), std::string::npos);
  environment.set("SYSTOLITH_TRACE_DEVICE", "first");
  EXPECT_NE(message("tiny").find("SYSTOLITH_TRACE_DEVICE=first"), std::string::npos);
}

// Ends of a run: what kills the child (0: it exits), and cycles after those that it told.
struct End {
  const char* test;
  int signal;
  std::uint64_t more;
  int stop;
};

class EveryEnd : public testing::TestWithParam<End> {};

TEST_P(EveryEnd, LeavesAWholeFileUpToTheLastCycle) {
  const std::filesystem::path file = fresh(GetParam().test);
  const Child child = run_probe(GetParam().test, file, GetParam().stop);
  if (GetParam().signal == 0) {
    EXPECT_TRUE(WIFEXITED(child.status) && WEXITSTATUS(child.status) != 0) << child.output;
  } else {
    ASSERT_TRUE(WIFSIGNALED(child.status)) << child.output;
    EXPECT_EQ(WTERMSIG(child.status), GetParam().signal);
  }
  const Waveform waves(file);
  ASSERT_TRUE(waves.readable()) << child.output;
  if (GetParam().stop == 0)
    EXPECT_EQ(waves.last(), (child.at + GetParam().more) * 10) << child.output;
  else
    EXPECT_GE(waves.last(), child.at * 10);
  EXPECT_GE(child.at, 700U);
  EXPECT_TRUE(waves.is_gapless());
}

INSTANTIATE_TEST_SUITE_P(
    Ends, EveryEnd,
    testing::Values(End{"BreaksAnAssertion", 0, 1, 0}, End{"BreaksARuleOfTheBus", 0, 1, 0},
                    End{"Exits", 0, 0, 0}, End{"Aborts", SIGABRT, 0, 0},
                    End{"Crashes", SIGSEGV, 0, 0}, End{"RunsUntilStopped", SIGINT, 0, SIGINT},
                    End{"RunsUntilStopped", SIGTERM, 0, SIGTERM},
                    End{"RunsUntilStopped", SIGABRT, 0, SIGABRT}),
    [](const auto& info) {
      return std::string(info.param.test) +
             (info.param.stop != 0 ? "_signal_" + std::to_string(info.param.stop) : "");
    });

std::string command_of(const Child& child) {
  const std::size_t at = child.output.find("waves: ");
  return at == std::string::npos ? "" : child.output.substr(at, child.output.find('\n', at) - at);
}

TEST(FailingTest, PrintsTheCommandThatOpensItsWaves) {
  EXPECT_EQ(command_of(run_probe("Passes", "")), "");
  // The second device of the test, up to where it stands.
  const Child wrong = run_probe("FindsAWrongValue", "");
  EXPECT_EQ(command_of(wrong), "waves: make wave TEST=Probe.FindsAWrongValue DEVICE=2 FROM=0 TO=" +
                                   std::to_string(wrong.at + 20) + " CONFIG=tiny");
  // The cycle is known: 1000 and four of reset were before.
  for (const char* test : {"BreaksAnAssertion", "BreaksARuleOfTheBus"})
    EXPECT_EQ(command_of(run_probe(test, "")), "waves: make wave TEST=Probe." + std::string(test) +
                                                   " DEVICE=1 FROM=504 TO=1024 CONFIG=tiny");
  for (const char* test : {"Aborts", "Crashes"})
    EXPECT_EQ(command_of(run_probe(test, "")), "waves: make wave TEST=Probe." + std::string(test) +
                                                   " DEVICE=1 FROM=0 TO=724 CONFIG=tiny");
}

}  // namespace
}  // namespace systolith::system_test
