// systolith asm, disasm, run and counters.
#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "tool_test.hpp"

namespace systolith::tool::test {
namespace {

constexpr const char* kDevices[] = {"model:config=4x4", "sim:config=4x4,latency=30",
                                    "sim:config=tiny,stall=0.2,latency=7"};
constexpr const char* kSimulated[] = {"sim:config=4x4,latency=30", "sim:config=tiny"};

class Programs : public ToolTest {
 protected:
  /// Runs a program's text on a device; `more` options.
  Result run_text(const std::string& text, const std::string& device,
                  const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"run", file("program.txt", text), "--device", device};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  nlohmann::json run_json(const std::string& text, const std::string& device, int status) {
    const Result result = run_text(text, device, {"--json"});
    EXPECT_EQ(result.status, status) << device << "\n" << text << result;
    return nlohmann::json::parse(result.out, nullptr, false);
  }
  void refused(const std::string& text, const std::string& part,
               const std::string& device = "model:config=4x4") {
    const Result result = run_text(text, device);
    EXPECT_EQ(result.status, 2) << text << result;
    EXPECT_NE(result.err.find(part), std::string::npos) << text << result;
    EXPECT_EQ(result.out, "");
  }
};

// A window, input and output, and both directions through the scratchpad.
const std::string kHead =
    "window 0 0x80020000 0x80020fff read write\n"
    "fill 0x80020000 64 seed=1\n"
    "output 0x80020100 32\n";
const std::string kLoad =
    "load space=scratchpad address=0x80020000 run=16 local_base=0 signal_0=0:1 record\n";
const std::string kStore =
    "store space=scratchpad address=0x80020100 run=16 local_base=0 wait_0=0:1 record\n";

struct Example {
  const char* name;
  std::string output;  // hexadecimal, from the comment at the top of the file
};

std::string hex_of(const std::vector<float>& values) {
  std::string text;
  char digits[3];
  for (const float value : values) {
    std::uint8_t bytes[4];
    std::memcpy(bytes, &value, 4);
    for (const std::uint8_t byte : bytes) {
      std::snprintf(digits, sizeof digits, "%02x", byte);
      text += digits;
    }
  }
  return text;
}

const Example kExamples[] = {
    {"product_bf16.txt", hex_of({1, 2, 3, 10, 5, 6, 7, 26})},
    {"layer_int8.txt",
     "020208170901321000"
     "02001b7f027f00"},
};

TEST_F(Programs, ExamplesGiveWhatTheirCommentsSay) {
  for (const Example& example : kExamples) {
    const std::string text = std::string(SYSTOLITH_PROGRAMS) + "/" + example.name;
    for (const char* device : kDevices) {
      const Result result = run({"run", text, "--print", "--device", device});
      EXPECT_EQ(result.status, 0) << result;
      EXPECT_TRUE(result.says("every bit equals the golden model's")) << result;
      EXPECT_FALSE(result.says("do not order")) << result;
      EXPECT_TRUE(result.says("memory 0x80021000 " + example.output + "\n")) << result;
    }
  }
}

TEST_F(Programs, AssembledOnesAreTheSameProgram) {
  for (const Example& example : kExamples) {
    const std::string text = std::string(SYSTOLITH_PROGRAMS) + "/" + example.name;
    ASSERT_EQ(run({"asm", text, "-o", path("a.bin")}).status, 0);
    EXPECT_EQ(read(path("a.bin")).substr(0, 8), "\x93SYSTPGM");
    const Result listed = run({"disasm", path("a.bin")});
    EXPECT_EQ(listed.status, 0) << listed;
    ASSERT_EQ(run({"disasm", path("a.bin"), "-o", path("a.txt")}).status, 0);
    EXPECT_EQ(read(path("a.txt")), listed.out);
    EXPECT_NE(listed.out.find("\nmatrix format="), std::string::npos) << listed;
    ASSERT_EQ(run({"asm", path("a.txt"), "-o", path("b.bin")}).status, 0);
    EXPECT_EQ(read(path("a.bin")), read(path("b.bin")));
    EXPECT_EQ(run({"disasm", text}).out, listed.out) << "text is listed too";
    const Result result = run({"run", path("b.bin"), "--print", "--device", "sim:config=tiny"});
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_TRUE(result.says(example.output)) << result;
  }
}

TEST_F(Programs, FilesThatAreNoProgramAreRefused) {
  const std::string text = file("good.txt", kHead + kLoad + kStore);
  ASSERT_EQ(run({"asm", text, "-o", path("good.bin")}).status, 0);
  const std::string good = read(path("good.bin"));
  std::string other = good;
  other[8] = 2;
  std::string damaged = good;
  damaged[60] = static_cast<char>(damaged[60] ^ 1);
  const std::pair<std::string, const char*> cases[] = {
      {file("1.bin", good.substr(0, good.size() - 1)), "truncated"},
      {file("2.bin", good.substr(0, 11)), "truncated"},
      {file("3.bin", good.substr(0, 1)), "truncated"},
      {file("4.bin", other), "of version 2, this tool reads version 1"},
      {file("5.bin", damaged), "damaged"},
      {file("6.npy", npy(dictionary("<u2", "2, 3"), "")), "neither program text nor an assembled"},
      {file("7.txt", ""), "no commands"},
      {file("8.txt", kHead), "no commands"},
      {path("none.txt"), "can't be read"},
      {path(""), "can't be read"},
      {file("9.txt", kHead + "load space=dram\n"),
       "line 4: space: 'dram' is unknown; it is one of"},
      {file("10.txt", "nop\n\nwindow 8 0 1\nnop"), "line 3: index: 8 is past"},
  };
  for (const auto& [path_of, part] : cases) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"run", path_of},
                                                    {"asm", path_of, "-o", path("out.bin")},
                                                    {"disasm", path_of},
                                                    {"counters", path_of}}) {
      const Result result = run(command);
      EXPECT_EQ(result.status, 2) << command[0] << result;
      EXPECT_NE(result.err.find(path_of + ": "), std::string::npos) << command[0] << result;
      EXPECT_NE(result.err.find(part), std::string::npos) << command[0] << result;
      EXPECT_EQ(result.out, "");
      EXPECT_FALSE(std::filesystem::exists(path("out.bin")));
    }
  }
  for (const char* command : {"run", "asm", "disasm"}) {
    EXPECT_EQ(run({command}).status, 2);
    EXPECT_EQ(run({command, "--help"}).status, 0);
  }
  EXPECT_EQ(run({"asm", text, "-o", path("no/folder/a.bin")}).status, 1);
}

TEST_F(Programs, MemoryThatTheDeviceHasNotIsRefused) {
  refused("fill 0x7fffffff 2 value=1\nnop", "contents at 0x7fffffff: 2 bytes are not in");
  refused("memory 0x8fffffff 1234\nnop", "contents at 0x8fffffff: 2 bytes are not in");
  refused("fill 0x80000000 0xffffffffffffffff seed=1\nnop", "are not in the device's memory");
  refused("output 0x90000000 1\nnop", "output 0x90000000: 1 bytes are not in");
  refused("ring 0x90000000 2 0x80000000\nnop", "ring 0x90000000");
  refused("ring 0x80000000 2 0x8ffffff0\nnop", "records at 0x8ffffff0");
  refused("ring 0x80000000 17 0x80000000\nnop", "at most 2^16");
  refused("ring 0x80000000 2 0x80000100\nwindow 0 0x80000000 0x80000fff read write\nnop",
          "overlap");
  refused("window 4 0x80000000 0x80000fff read\nnop", "window 4: the device has 4");
  refused("window 0 0 0xffffffffffffffff read\nnop", "no address is as high");
  refused(
      "window 0 0x80000000 0x80000fff read\nwindow 1 0x80001000 0x80001fff read\n"
      "window 2 0x80002000 0x80002fff read\nwindow 3 0x80003000 0x80003fff read\nnop",
      "no place for a ring of 160 bytes");
}

TEST_F(Programs, RingsThatTheRunnerPlacesAreInNobodysWay) {
  // The program reads memory that it does not lay down: zeros, and no ring is put there.
  const std::string text =
      "window 0 0x80000000 0x80000fff read\n"
      "window 1 0x80001000 0x80001fff write\n"
      "fill 0x80001000 16 value=0xee\n"
      "output 0x80001000 16\n"
      "load space=scratchpad address=0x80000000 run=16 local_base=0 signal_0=0:1\n"
      "store space=scratchpad address=0x80001000 run=16 local_base=0 wait_0=0:1\n";
  // The last of them leaves no window to be granted.
  for (const char* more :
       {"", "window 2 0x80002000 0x8fffffff read write\nwindow 3 0x80003000 0x80003fff read\n"})
    for (const char* device : kDevices)
      EXPECT_EQ(run_json(more + text, device, 0)["outputs"][0]["bytes"], std::string(32, '0'));
}

TEST_F(Programs, RingsWhereTheProgramPutsThem) {
  // Three slots' worth of commands go through two; the first slot is written thrice.
  std::string text =
      "ring 0x80020800 1 0x80020c20\n"
      "window 3 0x80020000 0x80020fff read write\n"
      "fill 0x80020000 64 seed=1\n"
      "output 0x80020100 64\n";
  for (int i = 0; i < 3; ++i)
    text += fmt::format(
        "load space=scratchpad address=0x800200{0}0 run=16 local_base=0 signal_0=0:1 {1} record\n"
        "store space=scratchpad address=0x800201{0}0 run=16 local_base=0 wait_0=0:1 signal_0=1:1 "
        "record\n",
        i, i == 0 ? "" : "wait_0=1:1");
  for (const char* device : kDevices) {
    const nlohmann::json json = run_json(text, device, 0);
    EXPECT_EQ(json["completed"], 6) << device;
    ASSERT_EQ(json["records"].size(), 2U) << "the last of each slot";
    EXPECT_EQ(json["records"][0]["index"], 4);
    EXPECT_EQ(json["records"][1]["index"], 5);
    EXPECT_EQ(json["match"], true);
  }
}

TEST_F(Programs, ConfigurationNamesTheDevice) {
  const std::string text = file("p.txt", "configuration 3x5\n" + kHead + kLoad + kStore);
  const Result result = run({"run", text});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_TRUE(result.says("on sim:config=3x5:")) << result;
  EXPECT_TRUE(run({"run", text, "--device", "model:config=8x8"}).says("on model:config=8x8:"));
  EXPECT_EQ(run({"run", file("q.txt", "configuration none\nnop")}).status, 2);
}

// A command that is refused: all before it ran, none after it.
TEST_F(Programs, RefusedCommandIsNamedAndComparedWithTheModels) {
  const std::string text = kHead + kLoad + kStore +
                           "load space=scratchpad address=0x80030000 run=16 local_base=0\n"
                           "store space=scratchpad address=0x80020110 run=16 local_base=0 record\n";
  for (const char* device : kDevices) {
    const nlohmann::json json = run_json(text, device, 0);
    EXPECT_EQ(json["match"], true);
    EXPECT_EQ(json["ordered"], true);
    EXPECT_EQ(json["fault"]["cause"], "window") << device;
    EXPECT_EQ(json["fault"]["index"], 2);
    EXPECT_EQ(json["fault"]["unit"], 1);
    EXPECT_EQ(json["fault"]["address"], 0x80030000);
    ASSERT_EQ(json["records"].size(), 3U);
    EXPECT_EQ(json["records"][2]["state"], 2);
    EXPECT_EQ(json["records"][2]["cause"], "window");
    const std::string bytes = json["outputs"][0]["bytes"];
    EXPECT_NE(bytes.substr(0, 32), std::string(32, '0')) << "the store before it";
    EXPECT_EQ(bytes.substr(32), std::string(32, '0')) << "the store after it";
    const Result plain = run_text(text, device);
    EXPECT_TRUE(
        plain.says("fault: command 2: window in the load unit, address, line or row "
                   "0x80030000\n    load space=scratchpad address=0x80030000"))
        << plain;
    EXPECT_EQ(run_text(text, device, {"--no-compare"}).status, 1);
  }
}

struct Fault {
  const char* name;
  const char* cause;
  unsigned index;
  std::uint64_t address;
  std::string text;
};

void PrintTo(const Fault& fault, std::ostream* stream) { *stream << fault.name; }

const Fault kFaults[] = {
    // The window goes on where the memory ends.
    {"bus_read", "bus_read", 2, 0x90000000,
     "window 0 0x8ffff000 0x90000fff read write\n"
     "fill 0x8ffff000 64 seed=1\n"
     "output 0x8ffff100 64\n"
     "load space=scratchpad address=0x8ffff000 run=16 local_base=0 signal_0=0:1 record\n"
     "store space=scratchpad address=0x8ffff100 run=16 local_base=0 wait_0=0:1 record\n"
     "load space=scratchpad address=0x8fffffc0 run=64 local_base=8 count_0=2 stride_0=64 "
     "local_pitch=8 signal_0=1:1 record\n"
     "store space=scratchpad address=0x8ffff110 run=16 local_base=0 record\n"
     "store space=scratchpad address=0x8ffff120 run=16 local_base=8 wait_0=1:1 record\n"
     "nop record\n"},
    {"bus_write", "bus_write", 0, 0x90000000,
     "window 0 0x8ffff000 0x90000fff read write\n"
     "output 0x8fffffc0 64\n"
     "store space=scratchpad address=0x8fffffc0 run=64 local_base=0 count_0=2 stride_0=64 "
     "local_pitch=8 record\n"
     "nop record\n"},
    // The first row fails, and what becomes of the second is nobody's business.
    {"bus_write_with_undefined_output", "bus_write", 1, 0x90000000,
     "window 0 0x8ffff000 0x90000fff read write\n"
     "fill 0x8ffff000 64 value=0x5a\n"
     "output 0x8fffff00 256\n"
     "load space=scratchpad address=0x8ffff000 run=64 local_base=0 signal_0=0:1 record\n"
     "store space=scratchpad address=0x90000000 run=64 local_base=0 count_0=2 stride_0=-64 "
     "wait_0=0:1 record\n"},
    {"type_tag", "type_tag", 1, 3,
     kHead +
         "load space=accumulators tag=int32 address=0x80020000 run=16 local_base=3 signal_0=0:1 "
         "record\n"
         "store space=accumulators conversion=bf16 address=0x80020100 run=8 local_base=3 "
         "wait_0=0:1 record\n"
         "nop record\n"},
    {"semaphore_timeout", "semaphore_timeout", 2, 5,
     kHead + kLoad + kLoad +
         "store space=scratchpad address=0x80020100 run=16 local_base=0 wait_0=5:1 record\n"},
};

class FaultsInExecution : public Programs, public testing::WithParamInterface<Fault> {};

// What ran beside the failing command is told by the records.
TEST_P(FaultsInExecution, AreReplayedFromTheRecords) {
  const Fault& fault = GetParam();
  for (const char* device : kSimulated) {
    const nlohmann::json json = run_json(fault.text, device, 0);
    EXPECT_EQ(json["fault"]["cause"], fault.cause) << device;
    EXPECT_EQ(json["fault"]["index"], fault.index);
    EXPECT_EQ(json["fault"]["address"], fault.address);
    EXPECT_EQ(json["match"], true);
  }
}

INSTANTIATE_TEST_SUITE_P(All, FaultsInExecution, testing::ValuesIn(kFaults),
                         [](const auto& info) { return testing::PrintToString(info.param); });

TEST_F(Programs, FaultBesideCommandsWithoutRecordsCannotBeCompared) {
  const std::string text =
      "window 0 0x8ffff000 0x90000fff read write\n"
      "load space=scratchpad address=0x8fffffc0 run=64 local_base=8 count_0=2 stride_0=64 "
      "local_pitch=8 signal_0=1:1\n"
      "store space=scratchpad address=0x8ffff120 run=16 local_base=8 wait_0=1:1\n"
      "store space=scratchpad address=0x8ffff120 run=16 local_base=8\n"
      "store space=scratchpad address=0x8ffff120 run=16 local_base=8\n";
  // One command waits in front of a unit of tiny: the last ones never get there.
  const nlohmann::json json = run_json(text, "sim:config=tiny", 1);
  EXPECT_TRUE(json["match"].is_null());
  const std::string reason = json["reason"];
  EXPECT_NE(reason.find("add record to every command"), std::string::npos) << reason;
  EXPECT_TRUE(run_text(text, "sim:config=tiny").says("NOT COMPARED"));
}

TEST_F(Programs, MisplacedRingIsAFaultThatTheModelShares) {
  const std::string text =
      "ring 0x80010040 2 0x80011000\n"
      "window 0 0x80010000 0x80020fff read write\n"
      "nop record\n";
  for (const char* device : kDevices) {
    const nlohmann::json json = run_json(text, device, 0);
    EXPECT_EQ(json["fault"]["cause"], "ring") << device;
    EXPECT_EQ(json["completed"], 0);
    EXPECT_EQ(json["records"].size(), 0U);
  }
}

// Programs that break the rules of semaphores run differently on a device, whose units run beside
// each other, than in order: the only way to see a device that is right differ.
TEST_F(Programs, MismatchesAreNamed) {
  const std::string unordered = kHead +
                                "load space=scratchpad address=0x80020000 run=8 local_base=0\n"
                                "store space=scratchpad address=0x80020104 run=8 local_base=0\n";
  const Result memory = run_text(unordered, "sim:config=4x4,latency=300");
  EXPECT_EQ(memory.status, 1) << memory;
  EXPECT_TRUE(memory.says("MISMATCH with the golden model")) << memory;
  // The first words of splitmix64 of seed 1, as published, are what the load brings.
  EXPECT_TRUE(
      memory.says("memory at 0x80020104, byte 4 of output 0x80020100: "
                  "device 00 00 00 00 00 00 00 00; model c1 5c 02 89 ec 2d 0a 91; written "
                  "by command 1: store space=scratchpad address=0x80020104"))
      << memory;
  EXPECT_TRUE(memory.says("do not order these commands")) << memory;
  const nlohmann::json json = run_json(unordered, "sim:config=4x4,latency=300", 1);
  EXPECT_EQ(json["match"], false);
  EXPECT_EQ(json["ordered"], false);
  EXPECT_EQ(run_text(unordered, "sim:config=4x4,latency=300", {"--no-compare"}).status, 0);
  EXPECT_EQ(run_text(unordered, "model:config=4x4").status, 0);

  const Result fault = run_text(kHead + kStore + kLoad, "sim:config=4x4");
  EXPECT_EQ(fault.status, 1) << fault;
  EXPECT_TRUE(
      fault.says("fault: device none; model command 0: semaphore_timeout in the store unit"))
      << fault;
  EXPECT_TRUE(fault.says("do not order these commands")) << fault;
}

// The table and the JSON of a run against section 7 of docs/interfaces.md.
TEST_F(Programs, CountersAddUpAndHaveMeanings) {
  const std::string program = std::string(SYSTOLITH_PROGRAMS) + "/layer_int8.txt";
  const std::vector<std::string> names = {
      "cycles",        "mac_cycles",   "lost_start", "lost_fill", "lost_loads",    "lost_store",
      "lost_other",    "lost_reentry", "lost_drain", "lost_tail", "macs",          "bytes_read",
      "bytes_written", "load_busy",    "store_busy", "commands",  "dropped_beats", "corrected"};
  for (const std::vector<std::string>& what :
       {std::vector<std::string>{program}, {"9", "10", "11"}}) {
    std::vector<std::string> arguments = {"counters", "--device", "sim:config=4x4"};
    arguments.insert(arguments.end(), what.begin(), what.end());
    const Result text = run(arguments);
    EXPECT_EQ(text.status, 0) << text;
    arguments.push_back("--json");
    const nlohmann::json json = nlohmann::json::parse(run(arguments).out);
    ASSERT_EQ(json.size(), names.size());
    std::map<std::string, std::uint64_t> values;
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(json[i]["name"], names[i]);
      const std::string meaning = json[i]["meaning"];
      EXPECT_TRUE(text.says("  " + names[i] + " ")) << text;
      EXPECT_TRUE(text.says("  " + meaning + "\n")) << text;
      values[names[i]] = json[i]["value"];
    }
    std::uint64_t sum = values["mac_cycles"];
    for (const auto& [name, value] : values)
      if (name.starts_with("lost_")) sum += value;
    EXPECT_GT(values["cycles"], 0U);
    EXPECT_EQ(sum, values["cycles"]);
    EXPECT_TRUE(text.says(fmt::format("add up to {} = cycles", sum))) << text;
    EXPECT_EQ(values["macs"], what.size() == 1 ? 4U * 4 * 8 : 9U * 10 * 11);
    EXPECT_EQ(values["dropped_beats"], 0U);
    EXPECT_EQ(values["corrected"], 0U);
    if (what.size() == 1) {
      EXPECT_EQ(values["commands"], 5U);
      EXPECT_EQ(values["mac_cycles"], 4U) << "one row of A each";
      // On a bus of 64 bytes: five commands, A and B in a beat each, since their rows follow each
      // other in memory, and four times the bias; D in one beat and the record.
      EXPECT_EQ(values["bytes_read"], 5U * 128 + (1 + 1 + 4) * 64);
      EXPECT_EQ(values["bytes_written"], (1U + 1) * 64);
    }
  }
  EXPECT_TRUE(run({"counters", program, "--device", "model:config=4x4"}).says("has no time"));
  EXPECT_TRUE(run({"counters", "--help"}).says("nothing is kept from one call"));
  const auto refused = [](const std::vector<std::string>& arguments, const char* part) {
    const Result result = run(arguments);
    EXPECT_EQ(result.status, 2) << result;
    EXPECT_TRUE(result.says(part)) << result;
  };
  refused({"counters"}, "a program's file, or M N K");
  refused({"counters", "4", "4"}, "a program's file, or M N K");
  refused({"counters", "4", "4", "x"}, "'x' is no dimension");
  refused({"counters", "4", "4", "4", "4"}, "--help");
  const std::string faulting =
      file("p.txt", kHead + "load space=scratchpad address=0 run=16 local_base=0\n");
  const Result fault = run({"counters", faulting, "--device", "sim:config=4x4"});
  EXPECT_EQ(fault.status, 1) << fault;
  EXPECT_TRUE(fault.says("ended with a fault: command 0: window")) << fault;
}

TEST_F(Programs, StatisticsAndJsonOfARunAgree) {
  const std::string program = std::string(SYSTOLITH_PROGRAMS) + "/product_bf16.txt";
  const std::vector<std::string> arguments = {"run", program, "--device", "sim:config=4x4"};
  std::vector<std::string> with_json = arguments, with_stats = arguments;
  with_json.push_back("--json");
  with_stats.push_back("--stats");
  const nlohmann::json json = nlohmann::json::parse(run(with_json).out);
  const Result stats = run(with_stats);
  EXPECT_EQ(json["commands"], 4);
  EXPECT_TRUE(json["fault"].is_null());
  ASSERT_EQ(json["records"].size(), 1U);
  const std::uint64_t start = json["records"][0]["start"], end = json["records"][0]["end"];
  EXPECT_LT(start, end);
  EXPECT_TRUE(
      stats.says("command 3: cycles " + std::to_string(start) + " to " + std::to_string(end)))
      << stats;
  std::uint64_t sum = 0;
  for (const auto& [name, value] : json["counters"].items())
    if (name.starts_with("lost_") || name == "mac_cycles") sum += value.get<std::uint64_t>();
  EXPECT_EQ(json["counters"]["cycles"], sum);
  EXPECT_TRUE(stats.says(fmt::format(" {} ", sum))) << stats;
}

}  // namespace
}  // namespace systolith::tool::test
