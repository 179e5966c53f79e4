#include "systolith/model/configuration.h"

#include <charconv>
#include <map>
#include <numeric>
#include <regex>
#include <stdexcept>

#include <fmt/format.h>

#include "configuration_texts.h"

namespace systolith::model {
namespace {

unsigned number(const std::string& name, std::string text) {
  std::erase(text, '_');
  const std::size_t tick = text.find('\'');
  int base = 10;
  if (tick != std::string::npos) {  // a sized literal such as 1'b1
    if (tick + 1 >= text.size()) throw std::invalid_argument(fmt::format("{} has no value", name));
    base = text[tick + 1] == 'b' ? 2 : text[tick + 1] == 'h' ? 16 : 10;
    text.erase(0, tick + 2);
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument(fmt::format("parameter {}: '{}' is no number", name, text));
  }
  return value;
}

}  // namespace

Configuration Configuration::from_package(std::string_view text) {
  Configuration c;
  std::map<std::string, unsigned*> fields = {
      {"Rows", &c.rows},
      {"Cols", &c.cols},
      {"MacDepth", &c.mac_depth},
      {"ScratchpadLines", &c.scratchpad_lines},
      {"ScratchpadBanks", &c.scratchpad_banks},
      {"AccumulatorRows", &c.accumulator_rows},
      {"MemoryLatency", &c.memory_latency},
      {"BusBytes", &c.bus_bytes},
      {"AddressWidth", &c.address_width},
      {"MaxBurstBeats", &c.max_burst_beats},
      {"ReadsOutstanding", &c.reads_outstanding},
      {"WritesOutstanding", &c.writes_outstanding},
      {"DrainLanes", &c.drain_lanes},
      {"UnitQueueDepth", &c.unit_queue_depth},
      {"FetchBuffer", &c.fetch_buffer},
      {"FetchBurst", &c.fetch_burst},
      {"Semaphores", &c.semaphores},
      {"Windows", &c.windows},
  };
  unsigned bf16 = 0;
  unsigned int8 = 0;
  unsigned multiplier_blocks = 0;  // changes no bit and no cycle: nothing here depends on it
  fields["MultiplierBlocks"] = &multiplier_blocks;
  fields["FormatBf16"] = &bf16;
  fields["FormatInt8"] = &int8;
  unsigned memory_secded = 0;
  fields["MemorySecded"] = &memory_secded;

  static const std::regex comment("//[^\n]*");
  static const std::regex parameter(
      R"(parameter\s+(?:int unsigned|bit)\s+(\w+)\s*=\s*([^;]*?)\s*;)");
  const std::string code = std::regex_replace(std::string(text), comment, "");
  for (std::sregex_iterator match(code.begin(), code.end(), parameter), end; match != end;
       ++match) {
    const std::string name = (*match)[1];
    const auto field = fields.find(name);
    if (field == fields.end()) {
      throw std::invalid_argument(
          fmt::format("configuration has an unknown or repeated parameter {}", name));
    }
    *field->second = number(name, (*match)[2]);
    fields.erase(field);
  }
  if (!fields.empty()) {
    throw std::invalid_argument(
        fmt::format("configuration lacks the parameter {}", fields.begin()->first));
  }
  c.format_bf16 = bf16 != 0;
  c.format_int8 = int8 != 0;
  c.memory_secded = memory_secded != 0;
  return c;
}

Configuration Configuration::named(std::string_view name) {
  // Each is read once: opening a device asks for all of them.
  static const auto read = [] {
    std::map<std::string, Configuration, std::less<>> all;
    for (const ConfigurationText& entry : kConfigurationTexts)
      all.emplace(entry.name, from_package(entry.text));
    return all;
  }();
  if (const auto found = read.find(name); found != read.end()) return found->second;
  std::string known;
  for (const ConfigurationText& entry : kConfigurationTexts)
    known += fmt::format(" {}", entry.name);
  throw std::invalid_argument(
      fmt::format("no configuration is named '{}'; there are:{}", name, known));
}

std::vector<std::string> Configuration::names() {
  std::vector<std::string> names;
  for (const ConfigurationText& entry : kConfigurationTexts) names.emplace_back(entry.name);
  return names;
}

unsigned Configuration::line_bytes() const {
  return std::lcm(std::lcm(2 * rows, 2 * cols), bus_bytes);
}

}  // namespace systolith::model
