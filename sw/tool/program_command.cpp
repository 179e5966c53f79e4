// systolith asm, disasm and run.
#include <fmt/format.h>

#include <memory>

#include "commands.hpp"
#include "files.hpp"
#include "report.hpp"
#include "run_program.hpp"

namespace systolith::tool {
namespace {

struct RunOptions {
  std::string program, device;
  bool no_compare = false, print = false, stats = false, json = false;
};

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

nlohmann::json to_json(const RunOptions& o, const program::Program& program,
                       const ProgramRun& run) {
  const program::Ending& e = run.ending;
  nlohmann::json json;
  json["program"] = o.program;
  json["device"] = o.device;
  json["commands"] = program.commands.size();
  json["completed"] = e.completed;
  json["fault"] = nullptr;
  if (e.faulted)
    json["fault"] = {{"index", e.fault_index},
                     {"cause", systolith_cause_name(e.cause)},
                     {"unit", e.unit},
                     {"address", e.fault_address}};
  json["records"] = nlohmann::json::array();
  for (const auto& [index, record] : e.records)
    json["records"].push_back({{"index", index},
                               {"state", SYSTOLITH_GET(record.words, RECORD_STATE)},
                               {"cause", systolith_cause_name(static_cast<std::uint32_t>(
                                             SYSTOLITH_GET(record.words, RECORD_CAUSE)))},
                               {"address", SYSTOLITH_GET(record.words, RECORD_ADDRESS)},
                               {"start", SYSTOLITH_GET(record.words, RECORD_START)},
                               {"end", SYSTOLITH_GET(record.words, RECORD_END)}});
  json["outputs"] = nlohmann::json::array();
  for (std::size_t i = 0; i < run.outputs.size(); ++i)
    json["outputs"].push_back(
        {{"address", program.outputs[i].address}, {"bytes", hex(run.outputs[i])}});
  json["match"] = nullptr;
  if (run.match != ProgramRun::Match::not_compared)
    json["match"] = run.match == ProgramRun::Match::equal;
  if (!run.reason.empty()) json["reason"] = run.reason;
  json["ordered"] = run.ordered;
  json["counters"] = counters_json(run.counters);
  return json;
}

std::string verdict(const RunOptions& o, const ProgramRun& run) {
  switch (run.match) {
    case ProgramRun::Match::equal:
      return "every bit equals the golden model's";
    case ProgramRun::Match::different:
      return "MISMATCH with the golden model\n  " + run.reason;
    case ProgramRun::Match::not_compared:
      break;
  }
  return o.no_compare ? "not compared" : "NOT COMPARED\n  " + run.reason;
}

int run(RunOptions o) {
  const program::Program program = read_program(o.program);
  if (o.device.empty()) o.device = default_device(program);
  Device device(o.device);
  const ProgramRun run = run_program(device, program, !o.no_compare);
  if (o.json) {
    fmt::print("{}\n", to_json(o, program, run).dump());
  } else {
    std::uint64_t bytes = 0;
    for (const auto& output : run.outputs) bytes += output.size();
    const auto count = [](std::uint64_t n, const char* what) {
      return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
    };
    fmt::print("{} on {}: {} of {} completed, {}, {} of output: {}\n", o.program, o.device,
               run.ending.completed, count(program.commands.size(), "command"),
               count(run.ending.records.size(), "record"), count(bytes, "byte"), verdict(o, run));
    if (run.ending.faulted) {
      fmt::print("  fault: {}\n", program::fault_text(run.ending));
      if (run.ending.fault_index < program.commands.size())
        fmt::print("    {}\n", program::disassemble(program.commands[run.ending.fault_index]));
    }
    if (!run.ordered)
      fmt::print(
          "  semaphores do not order these commands, so no result is defined: systolith check {}\n",
          o.program);
    if (o.print)
      for (std::size_t i = 0; i < run.outputs.size(); ++i)
        fmt::print("memory {:#x} {}\n", program.outputs[i].address, hex(run.outputs[i]));
    if (o.stats) {
      for (const auto& [index, record] : run.ending.records)
        fmt::print("  command {}: cycles {} to {}\n", index,
                   SYSTOLITH_GET(record.words, RECORD_START),
                   SYSTOLITH_GET(record.words, RECORD_END));
      fmt::print("{}", statistics(run.counters));
    }
  }
  if (o.no_compare) return run.ending.faulted ? kFailure : kSuccess;
  return run.match == ProgramRun::Match::equal ? kSuccess : kFailure;
}

}  // namespace

void add_program_commands(CLI::App& app, int& status) {
  auto in = std::make_shared<std::string>();
  auto out = std::make_shared<std::string>();
  CLI::App* assemble = app.add_subcommand("asm", "program text (docs/program-format.md) to binary");
  assemble->add_option("program", *in, "program text")->required();
  assemble->add_option("-o,--out", *out, "where the assembled program goes")->required();
  assemble->callback([=, &status] {
    write_file(*out, program::to_binary(read_program(*in)));
    status = kSuccess;
  });

  CLI::App* disassemble =
      app.add_subcommand("disasm", "assembled program to text that assembles into the same bits");
  disassemble->add_option("program", *in, "assembled program, or text to be written plainly")
      ->required();
  disassemble->add_option("-o,--out", *out, "where the text goes; printed if not given");
  disassemble->callback([=, &status] {
    const std::string text = program::disassemble(read_program(*in));
    if (out->empty()) {
      fmt::print("{}", text);
    } else {
      write_file(*out, text);
    }
    status = kSuccess;
  });

  auto options = std::make_shared<RunOptions>();
  CLI::App* run_command = app.add_subcommand(
      "run", "a command program, text or assembled, on a device, compared with the golden model");
  run_command->add_option("program", options->program, "docs/program-format.md")->required();
  run_command->add_option("--device", options->device, kProgramDeviceHelp);
  run_command->add_flag("--no-compare", options->no_compare,
                        "do not run the golden model; a fault is exit status 1 then");
  run_command->add_flag("--print", options->print, "the outputs, as memory statements");
  run_command->add_flag("--stats", options->stats, "cycles by cause, bytes, times of the records");
  run_command->add_flag("--json", options->json, "one JSON object");
  run_command->callback([options, &status] { status = run(*options); });
}

}  // namespace systolith::tool
