#include "backend.hpp"
#include "systolith/model/device.h"

#include <sys/mman.h>

#include <cstring>
#include <new>
#include <span>

namespace systolith::driver {
namespace {

constexpr std::uint64_t kBase = 0x80000000;
constexpr std::uint64_t kBytes = std::uint64_t{256} << 20;

class ModelBackend final : public Backend {
 public:
  explicit ModelBackend(const std::string& name) {
    // Pages come only when touched.
    void* pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    bytes_ = static_cast<std::byte*>(pages);
    memory_.attach(kBase, {bytes_, kBytes});
    name_ = name;
    device_ = std::make_unique<model::Device>(model::Configuration::named(name), memory_);
  }
  ~ModelBackend() override {
    device_.reset();
    munmap(bytes_, kBytes);
  }
  ModelBackend(const ModelBackend&) = delete;
  ModelBackend& operator=(const ModelBackend&) = delete;

  std::uint32_t read32(std::uint32_t offset) override { return device_->read32(offset); }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    device_->write32(offset, value);
  }
  void read(std::uint64_t address, void* data, std::size_t bytes) override {
    std::memcpy(data, bytes_ + (address - kBase), bytes);
  }
  void write(std::uint64_t address, const void* data, std::size_t bytes) override {
    std::memcpy(bytes_ + (address - kBase), data, bytes);
  }
  // The model is done when the doorbell's write returns: time that passes changes nothing.
  std::uint64_t advance(std::uint64_t cycles) override { return cycles; }
  bool interrupt() override { return device_->interrupt(); }
  bool reset() override {
    device_ = std::make_unique<model::Device>(model::Configuration::named(name_), memory_);
    return true;
  }
  std::uint64_t memory_base() const override { return kBase; }
  std::uint64_t memory_bytes() const override { return kBytes; }

 private:
  std::string name_;
  std::byte* bytes_ = nullptr;
  model::Memory memory_;
  std::unique_ptr<model::Device> device_;
};

}  // namespace

std::unique_ptr<Backend> open_model(const Uri& uri) {
  uri.allow({"config", "rows", "cols", "bus", "depth"});
  return std::make_unique<ModelBackend>(select_configuration(uri, model::Configuration::names()));
}

}  // namespace systolith::driver
