#include "monitor.hpp"

#include <bit>
#include <cstring>

namespace systolith::faults {

void Monitor::clock(const harness::AxiManagerSignals& device,
                    const harness::AxiSubordinateSignals& memory) {
  const auto take = [&](const harness::AxiAddress& a) {
    const unsigned id = a.id % harness::kIds;
    if (error_[id]) ++since_error_[id];
    bursts_[id].push_back({a.address, a.length + 1U, since_error_[id] > kUnderWay});
  };
  if (device.ar.valid && memory.ar_ready) take(device.ar);
  if (device.aw.valid && memory.aw_ready) {
    take(device.aw);
    writes_.push_back({device.aw.id % harness::kIds, device.aw.address, device.aw.length + 1U});
  }

  if (device.w_valid && memory.w_ready) {
    ++beats_;
    Data data{static_cast<unsigned>(std::countr_zero(device.w_strobe)), 0};
    if (data.first_byte + sizeof data.word <= bus_bytes_)
      std::memcpy(&data.word, device.w_data.data() + data.first_byte, sizeof data.word);
    data_.push_back(data);
  }
  while (!writes_.empty() && !data_.empty()) {
    Write& write = writes_.front();
    if (first_beat_ && write.id == kRecordId)
      records_.push_back(
          {(write.address & ~std::uint64_t{bus_bytes_ - 1}) + data_.front().first_byte,
           data_.front().word});
    ++beats_of_[write.id];
    first_beat_ = --write.beats == 0;
    if (first_beat_) writes_.pop_front();
    data_.pop_front();
  }
  if (memory.r_valid && device.r_ready) {
    ++beats_;
    ++beats_of_[memory.r_id % harness::kIds];
    if (memory.r_response >= 2) error_[memory.r_id % harness::kIds] = true;
    if (memory.r_id == kFetchId && !error_[kFetchId])
      fetched_.insert(fetched_.end(), memory.r_data.begin(), memory.r_data.begin() + bus_bytes_);
  }
  if (memory.b_valid && device.b_ready && memory.b_response >= 2)
    error_[memory.b_id % harness::kIds] = true;
}

std::vector<systolith_command_t> Monitor::fetched() const {
  std::vector<systolith_command_t> commands(fetched_.size() / SYSTOLITH_COMMAND_BYTES);
  for (std::size_t i = 0; i < commands.size(); ++i)
    std::memcpy(commands[i].words, fetched_.data() + i * SYSTOLITH_COMMAND_BYTES,
                SYSTOLITH_COMMAND_BYTES);
  return commands;
}

}  // namespace systolith::faults
