#include "backend.hpp"
#include "sim.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace systolith::driver {
namespace {

class SimBackend final : public Backend {
 public:
  SimBackend(const std::string& name, const harness::SimOptions& options,
             const harness::AxiMemoryTiming& timing)
      : device_(sim::make_device(name, options)) {
    device_->memory().timing() = timing;
  }
  std::uint32_t read32(std::uint32_t offset) override { return device_->read32(offset); }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    device_->write32(offset, value);
  }
  void read(std::uint64_t address, void* data, std::size_t bytes) override {
    std::memcpy(data, device_->memory().at(address), bytes);
  }
  void write(std::uint64_t address, const void* data, std::size_t bytes) override {
    std::memcpy(device_->memory().at(address), data, bytes);
  }
  std::uint64_t advance(std::uint64_t cycles) override {
    const std::uint64_t before = device_->cycle();
    device_->step_until_interrupt(cycles);
    return device_->cycle() - before;
  }
  bool interrupt() override { return device_->interrupt(); }
  bool reset() override {
    device_->reset();
    return true;
  }
  std::uint64_t memory_base() const override { return device_->memory().base(); }
  std::uint64_t memory_bytes() const override { return device_->memory().bytes(); }

 private:
  std::unique_ptr<harness::SimDevice> device_;
};

}  // namespace

std::unique_ptr<Backend> open_sim(const Uri& uri) {
  uri.allow({"config", "rows", "cols", "bus", "depth", "latency", "stall", "seed", "trace", "from",
             "to"});
  const std::string name = select_configuration(uri, sim::prebuilt());
  harness::SimOptions options;
  options.seed = uri.number("seed", 1);
  if (const auto trace = uri.keys.find("trace"); trace != uri.keys.end())
    options.trace_file = trace->second;
  options.trace_from = uri.number("from", 0);
  options.trace_to = uri.number("to", ~std::uint64_t{0});
  harness::AxiMemoryTiming timing;
  const std::uint64_t latency = uri.number("latency", 100);
  if (latency < 1 || latency > 100000) throw std::invalid_argument("latency: 1 to 100000 cycles");
  timing.read_latency_minimum = timing.read_latency_maximum = static_cast<std::uint32_t>(latency);
  timing.write_latency_minimum = timing.write_latency_maximum = static_cast<std::uint32_t>(latency);
  const std::uint8_t stall = uri.percent("stall");
  timing.stall_aw = timing.stall_w = timing.stall_b = timing.stall_ar = timing.stall_r = stall;
  return std::make_unique<SimBackend>(name, options, timing);
}

}  // namespace systolith::driver
