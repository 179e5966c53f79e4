// The golden model behind the bridge.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "fake_board.hpp"
#include "systolith/model/device.h"

namespace systolith::driver::test {

class ModelTarget final : public Target {
 public:
  ModelTarget(std::string configuration, std::uint64_t base, std::size_t bytes)
      : configuration_(std::move(configuration)), bytes_(bytes) {
    bus_.attach(base, std::as_writable_bytes(std::span(bytes_)));
    ModelTarget::reset();
  }
  std::uint32_t read32(std::uint32_t offset) override {
    const auto forced = registers.find(offset);
    return forced != registers.end() ? forced->second : device_->read32(offset);
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    device_->write32(offset, value);
  }
  std::uint8_t* memory() override { return bytes_.data(); }
  bool interrupt() override { return device_->interrupt(); }
  void reset() override {
    device_ = std::make_unique<model::Device>(model::Configuration::named(configuration_), bus_);
  }

  std::map<std::uint32_t, std::uint32_t> registers;  // that read as this

 private:
  std::string configuration_;
  Octets bytes_;
  model::Memory bus_;
  std::unique_ptr<model::Device> device_;
};

}  // namespace systolith::driver::test
