#include "weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace systolith::regress {
namespace {

constexpr unsigned kShare = 1000;

constexpr WeightEntry kTable[] = {
    {"load", &Weights::load, 0, kShare, "share: LOAD into the scratchpad"},
    {"load_sums", &Weights::load_sums, 0, kShare, "share: LOAD into the accumulators"},
    {"load_scales", &Weights::load_scales, 0, kShare, "share: LOAD of scales for each column"},
    {"matrix", &Weights::matrix, 0, kShare, "share: MATRIX"},
    {"matrix_by_rows", &Weights::matrix_by_rows, 0, kShare,
     "share: MATRIX and STORE that hand over row by row"},
    {"store_sums", &Weights::store_sums, 0, kShare, "share: STORE of accumulators"},
    {"store_lines", &Weights::store_lines, 0, kShare, "share: STORE of scratchpad lines"},
    {"nop", &Weights::nop, 0, kShare, "share: NOP"},
    {"record", &Weights::record, 0, 100, "percent: a command writes a record"},
    {"interrupt", &Weights::interrupt, 0, 100, "percent: a command interrupts"},
    {"wait_for_all", &Weights::wait_for_all, 0, 100,
     "percent: a command waits for all earlier ones of another unit"},
    {"load_stored", &Weights::load_stored, 0, 100,
     "percent: a LOAD reads what an earlier STORE wrote"},
    {"accumulate", &Weights::accumulate, 0, 100, "percent: a MATRIX goes on from the accumulators"},
    {"int8", &Weights::int8, 0, 100, "percent: a MATRIX is INT8, where both formats are built"},
    {"strip_outer", &Weights::strip_outer, 0, 100, "percent: a MATRIX walks strips first"},
    {"relu", &Weights::relu, 0, 100, "percent: a STORE of accumulators rectifies"},
    {"convert", &Weights::convert, 0, 100, "percent: a STORE of accumulators converts"},
    {"scale_per_column", &Weights::scale_per_column, 0, 100,
     "percent: scales of a STORE are those of columns, where some are loaded"},
    {"scale_power_of_two", &Weights::scale_power_of_two, 0, 100,
     "percent: one scale for all columns is a power of two, so that roundings tie"},
    {"commands", &Weights::commands, 1, 200, "most commands of a program"},
    {"lines", &Weights::lines, 4, 1 << 20, "scratchpad lines in use"},
    {"rows", &Weights::rows, 4, 1 << 20, "accumulator rows in use"},
    {"loop", &Weights::loop, 1, 64, "most turns of a loop of a LOAD"},
    {"m", &Weights::m, 1, 64, "most rows of A"},
    {"special", &Weights::special, 0, 1 << 20,
     "one input word in this many has any bits (NaN, infinite, subnormal); 0: none"},
    {"long_latency", &Weights::long_latency, 0, 100, "percent: latency of the memory past 20"},
    {"uneven_latency", &Weights::uneven_latency, 0, 100, "percent: latency differs by burst"},
    {"stall", &Weights::stall, 0, 100, "percent: channels stall, each its own part of the time"},
    {"narrow", &Weights::narrow, 0, 100, "percent: the memory is slower than the bus"},
    {"one_burst", &Weights::one_burst, 0, 100, "percent: the memory takes 1 to 4 bursts at a time"},
    {"write_order", &Weights::write_order, 0, 100,
     "percent: AWREADY only after WVALID, or WREADY only after AW"},
    {"interleave", &Weights::interleave, 0, 100, "percent: read data of several IDs interleave"},
    {"noise", &Weights::noise, 0, 100, "percent: random payload while VALID is low"},
    {"commit_at_response", &Weights::commit_at_response, 0, 100,
     "percent: written data is there at its response, not before"},
    {"read_at_request", &Weights::read_at_request, 0, 100,
     "percent: read data is what was there at the request"},
    {"small_ring", &Weights::small_ring, 0, 100, "percent: a ring of 1 to 16 slots, else 256"},
    {"small_batch", &Weights::small_batch, 0, 100, "percent: 1 to 6 commands a doorbell, else all"},
    {"late_doorbell", &Weights::late_doorbell, 0, 100, "percent: pauses before each doorbell"},
    {"latency", &Weights::latency, 21, 5000, "longest latency in cycles"},
    {"stall_most", &Weights::stall_most, 1, 95, "most percent of the time that a channel stalls"},
};

}  // namespace

std::span<const WeightEntry> weight_table() { return kTable; }

Weights parse_weights(std::string_view text) {
  Weights weights;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    const auto* entry =
        std::find_if(std::begin(kTable), std::end(kTable),
                     [&](const WeightEntry& candidate) { return candidate.name == name; });
    if (entry == std::end(kTable))
      throw std::invalid_argument(
          fmt::format("no weight '{}': write name=value with a name of --list", name));
    const std::string_view digits = equals == std::string_view::npos ? "" : item.substr(equals + 1);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value < entry->least ||
        value > entry->most)
      throw std::invalid_argument(fmt::format("weight {}: '{}' is no number from {} to {}", name,
                                              digits, entry->least, entry->most));
    weights.*entry->value = value;
  }
  if (weights.kinds() == 0)
    throw std::invalid_argument("all shares are 0: leave one kind of command at least");
  return weights;
}

std::string describe_weights() {
  std::string text;
  for (const WeightEntry& entry : kTable)
    text += fmt::format("  {:<20} {:>4}   {}\n", entry.name, Weights{}.*entry.value, entry.meaning);
  return text;
}

}  // namespace systolith::regress
