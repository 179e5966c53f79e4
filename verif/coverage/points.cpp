#include "points.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <stdexcept>

#include "counts.hpp"
#include "systolith/model/configuration.h"
#include "systolith/systolith.h"

namespace systolith::coverage {
namespace {

using Values = std::vector<std::string>;

// ---- classes, as in rtl/top/cover_points.sv ----

const Values kSizes = {"part of a beat", "one burst", "several bursts"};
const Values kStrides = {"one row", "dense", "gaps", "overlapping", "backward"};
const Values kDestinations = {"scratchpad", "FP32 rows", "INT32 rows"};
const Values kSources = {"scratchpad", "raw rows", "BF16", "INT8", "INT8 by column"};
const Values kFormats = {"BF16", "INT8"};
const Values kAgainst = {"less", "equal", "more"};
const Values kPitches = {"one row", "repeated", "dense", "gaps"};
const Values kSyncs = {"none", "once", "by rows"};
const Values kCommands = {"NOP", "LOAD", "MATRIX", "STORE"};
const Values kUnits = {"load", "matrix", "store"};
const std::string kProcessor = "command processor";

std::array<std::uint64_t, 4> counts_of(const systolith_command_t& c) {
  return {SYSTOLITH_GET(c.words, TRANSFER_COUNT_0), SYSTOLITH_GET(c.words, TRANSFER_COUNT_1),
          SYSTOLITH_GET(c.words, TRANSFER_COUNT_2), SYSTOLITH_GET(c.words, TRANSFER_COUNT_3)};
}

const std::string& size_of(const model::Configuration& configuration,
                           const systolith_command_t& c) {
  const std::uint64_t run = SYSTOLITH_GET(c.words, TRANSFER_RUN);
  if (run < configuration.bus_bytes) return kSizes[0];
  return run <= std::uint64_t{configuration.bus_bytes} * configuration.max_burst_beats ? kSizes[1]
                                                                                       : kSizes[2];
}

const std::string& stride_of(const systolith_command_t& c) {
  const std::array<std::uint64_t, 4> counts = counts_of(c);
  const std::array<std::uint64_t, 4> strides = {
      SYSTOLITH_GET(c.words, TRANSFER_STRIDE_0), SYSTOLITH_GET(c.words, TRANSFER_STRIDE_1),
      SYSTOLITH_GET(c.words, TRANSFER_STRIDE_2), SYSTOLITH_GET(c.words, TRANSFER_STRIDE_3)};
  const auto run = static_cast<std::int64_t>(SYSTOLITH_GET(c.words, TRANSFER_RUN));
  for (std::size_t d = 0; d < counts.size(); ++d) {
    if (counts[d] <= 1) continue;
    const auto stride = static_cast<std::int64_t>(strides[d]);
    if (stride < 0) return kStrides[4];
    return stride == run ? kStrides[1] : stride > run ? kStrides[2] : kStrides[3];
  }
  return kStrides[0];
}

const std::string& destination_of(const systolith_command_t& c) {
  return kDestinations[std::min<std::uint64_t>(SYSTOLITH_GET(c.words, LOAD_TAG), 2)];
}

const std::string& source_of(const systolith_command_t& c) {
  if (SYSTOLITH_GET(c.words, STORE_SPACE) == SYSTOLITH_SPACE_SCRATCHPAD) return kSources[0];
  if (SYSTOLITH_GET(c.words, STORE_SCALE_PER_COLUMN) != 0) return kSources[4];
  return kSources[1 + std::min<std::uint64_t>(SYSTOLITH_GET(c.words, STORE_CONVERSION), 2)];
}

const std::string& format_of(const systolith_command_t& c) {
  return kFormats[SYSTOLITH_GET(c.words, MATRIX_FORMAT) == SYSTOLITH_FORMAT_INT8 ? 1 : 0];
}

const std::string& against(std::uint64_t size, std::uint64_t of) {
  return kAgainst[size < of ? 0 : size == of ? 1 : 2];
}

// Rows of an operand in the scratchpad, `bytes` each.
const std::string& pitch_of(std::uint64_t rows, std::uint64_t pitch, std::uint64_t bytes,
                            std::uint64_t line) {
  if (rows == 1) return kPitches[0];
  if (pitch == 0) return kPitches[1];
  return kPitches[pitch == (bytes + line - 1) / line ? 2 : 3];
}

const std::string& sync_of(std::initializer_list<std::uint64_t> syncs) {
  std::size_t kind = 0;
  for (const std::uint64_t sync : syncs)
    if ((sync & 0xffff) != 0) kind = std::max<std::size_t>(kind, 1 + (sync >> 29 & 1));
  return kSyncs[kind];
}

/// Opcode; "other" where it is none.
std::string command_of(const systolith_command_t& c) {
  switch (SYSTOLITH_GET(c.words, HEADER_OPCODE)) {
    case SYSTOLITH_OPCODE_NOP:
      return kCommands[0];
    case SYSTOLITH_OPCODE_LOAD:
      return kCommands[1];
    case SYSTOLITH_OPCODE_MATRIX:
      return kCommands[2];
    case SYSTOLITH_OPCODE_STORE:
      return kCommands[3];
    default:
      return "other";
  }
}

/// Command and format.
std::string kind_of(const systolith_command_t& c) {
  const std::string command = command_of(c);
  if (command == "LOAD") return command + " " + destination_of(c);
  if (command == "MATRIX") return command + " " + format_of(c);
  if (command == "STORE") return command + " " + source_of(c);
  return command;
}

// ---- what is declared ----

class Table {
 public:
  Table() {
    // Everything of these can happen.
    cross("LOAD: destination x size x stride", {kDestinations, kSizes, kStrides});
    cross("STORE: source x size x stride", {{"scratchpad", "raw rows"}, kSizes, kStrides});
    // In no configuration is a row of converted elements longer than a burst.
    cross("STORE: source x size x stride",
          {{"BF16", "INT8", "INT8 by column"}, {kSizes[0], kSizes[1]}, kStrides});
    cross("STORE: format x ReLU",
          {{"raw rows", "BF16", "INT8", "INT8 by column"}, {"plain", "ReLU"}});
    cross("MATRIX: format x seed x walk",
          {kFormats, {"from 0", "from accumulators"}, {"blocks outer", "strips outer"}});
    cross("MATRIX: format x seed x K against a block x N against a strip",
          {kFormats, {"from 0", "from accumulators"}, kAgainst, kAgainst});
    cross("MATRIX: format x rows of A x rows of B", {kFormats, kPitches, kPitches});
    cross("unit x waits x signals", {kUnits, kSyncs, kSyncs});

    // Which command can have which fault: docs/interfaces.md, sections 4.6 and 5. A cause that is
    // missing here is no command's (ring, ring_overrun), or is never the first one (aborted).
    faults({"version", "opcode"}, {"NOP", "LOAD", "MATRIX", "STORE"});
    faults({"opcode"}, {"other"});
    faults({"reserved"}, {"NOP", "LOAD", "MATRIX", "STORE"});
    // NOP has no waits and signals, sizes or addresses.
    faults({"semaphore_index", "semaphore_binding", "format", "size", "local_range"},
           {"LOAD", "MATRIX", "STORE"});
    // MATRIX touches no memory.
    faults({"address", "window"}, {"LOAD", "STORE"});
    // Per tensor, at decode; per column, in execution.
    faults({"scale"}, {"STORE"});
    faults({"bus_record", "bus_fetch"}, {"NOP", "LOAD", "MATRIX", "STORE"});
    const Values loads = with("LOAD ", kDestinations), products = with("MATRIX ", kFormats),
                 stores = with("STORE ", kSources);
    kinds({"semaphore_overflow", "semaphore_timeout"}, {loads, products, stores});
    kinds({"bus_read"}, {loads});
    kinds({"bus_write"}, {stores});
    kinds({"bus_timeout"}, {loads, stores});
    kinds({"scale"}, {{"STORE INT8", "STORE INT8 by column"}});
    // Raw rows of any type can be stored.
    kinds({"type_tag"}, {products, {"STORE BF16", "STORE INT8", "STORE INT8 by column"}});
    // LOAD reads nothing on chip.
    kinds({"memory"}, {products, stores});
    cross("fault cause x size x stride", {{"bus_read", "bus_write"}, kSizes, kStrides});
    // On their way to the units all commands are in memories.
    cross("memory error: reader x command", {{kProcessor}, kCommands});
    cross("memory error: reader x command", {{"unit"}, {"MATRIX", "STORE"}});
  }

  const std::vector<Point>& points() const { return points_; }

  /// Counts a point; one that is not declared is nothing.
  void hit(const std::string& cross, const Values& values) {
    static Counts counts("functional", points_.size());
    const auto at = index_.find({cross, values});
    if (at != index_.end()) counts.add(at->second, 1);
  }

 private:
  static Values with(const std::string& prefix, Values values) {
    for (std::string& value : values) value.insert(0, prefix);
    return values;
  }
  void point(const std::string& cross, const Values& values) {
    if (index_.emplace(std::pair(cross, values), points_.size()).second)
      points_.push_back({cross, values});
  }
  void cross(const std::string& name, const std::vector<Values>& dimensions) {
    std::vector<Values> all = {{}};
    for (const Values& dimension : dimensions) {
      std::vector<Values> longer;
      for (const Values& start : all)
        for (const std::string& value : dimension) {
          longer.push_back(start);
          longer.back().push_back(value);
        }
      all = std::move(longer);
    }
    for (const Values& values : all) point(name, values);
  }
  void faults(const Values& causes, const Values& commands) {
    cross("fault cause x command", {causes, commands});
  }
  void kinds(const Values& causes, const std::vector<Values>& of) {
    for (const Values& commands : of) cross("fault cause x format", {causes, commands});
  }

  std::vector<Point> points_;
  std::map<std::pair<std::string, Values>, std::size_t> index_;
};

Table& table() {
  static Table all;
  return all;
}

void sample_completed(const model::Configuration& configuration, const systolith_command_t& c) {
  Table& t = table();
  const std::string command = command_of(c);
  if (command == "NOP") return;
  const std::string& waits =
      sync_of({SYSTOLITH_GET(c.words, HEADER_WAIT_0), SYSTOLITH_GET(c.words, HEADER_WAIT_1)});
  const std::string& signals =
      sync_of({SYSTOLITH_GET(c.words, HEADER_SIGNAL_0), SYSTOLITH_GET(c.words, HEADER_SIGNAL_1)});
  t.hit("unit x waits x signals",
        {kUnits.at(SYSTOLITH_GET(c.words, HEADER_UNIT) - 1), waits, signals});
  if (command == "LOAD") {
    t.hit("LOAD: destination x size x stride",
          {destination_of(c), size_of(configuration, c), stride_of(c)});
  } else if (command == "STORE") {
    t.hit("STORE: source x size x stride", {source_of(c), size_of(configuration, c), stride_of(c)});
    t.hit("STORE: format x ReLU",
          {source_of(c), SYSTOLITH_GET(c.words, STORE_RELU) != 0 ? "ReLU" : "plain"});
  } else {
    const bool int8 = SYSTOLITH_GET(c.words, MATRIX_FORMAT) == SYSTOLITH_FORMAT_INT8;
    const std::uint64_t m = SYSTOLITH_GET(c.words, MATRIX_M), n = SYSTOLITH_GET(c.words, MATRIX_N),
                        k = SYSTOLITH_GET(c.words, MATRIX_K), bytes = int8 ? 1 : 2,
                        line = configuration.line_bytes();
    const std::string seed =
        SYSTOLITH_GET(c.words, MATRIX_ACCUMULATE) != 0 ? "from accumulators" : "from 0";
    t.hit("MATRIX: format x seed x walk",
          {format_of(c), seed,
           SYSTOLITH_GET(c.words, MATRIX_STRIP_OUTER) != 0 ? "strips outer" : "blocks outer"});
    t.hit("MATRIX: format x seed x K against a block x N against a strip",
          {format_of(c), seed, against(k, configuration.block_k(int8)),
           against(n, configuration.cols)});
    t.hit("MATRIX: format x rows of A x rows of B",
          {format_of(c), pitch_of(m, SYSTOLITH_GET(c.words, MATRIX_A_PITCH), k * bytes, line),
           pitch_of(k, SYSTOLITH_GET(c.words, MATRIX_B_PITCH), n * bytes, line)});
  }
}

}  // namespace

const std::vector<Point>& points() { return table().points(); }

void sample(const std::string& name, std::span<const systolith_command_t> commands,
            const Ended& ended) {
  const model::Configuration configuration = model::Configuration::named(name);
  // Behind the one at fault commands may have been aborted.
  const std::size_t whole =
      ended.cause == 0 ? ended.completed : std::min(ended.completed, ended.index);
  for (const systolith_command_t& c : commands.first(std::min(whole, commands.size())))
    sample_completed(configuration, c);
  if (ended.cause == 0 || ended.index >= commands.size()) return;
  const systolith_command_t& c = commands[ended.index];
  const std::string cause = systolith_cause_name(ended.cause);
  table().hit("fault cause x command", {cause, command_of(c)});
  table().hit("fault cause x format", {cause, kind_of(c)});
  const std::string command = command_of(c);
  if (ended.cause == SYSTOLITH_CAUSE_MEMORY)
    table().hit("memory error: reader x command",
                {ended.unit == SYSTOLITH_UNIT_COMMAND_PROCESSOR ? kProcessor : "unit", command});
  if (command == "LOAD" || command == "STORE")
    table().hit("fault cause x size x stride", {cause, size_of(configuration, c), stride_of(c)});
}

}  // namespace systolith::coverage
