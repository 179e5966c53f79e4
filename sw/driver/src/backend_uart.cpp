#include "backend_uart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "device.hpp"
#include "serial_port.hpp"

namespace systolith::driver {
namespace {

// The board's words: docs/link.md, section 5.
constexpr std::uint32_t kLastRegister = 0x1ffc, kFirstWord = 0x8000, kLastWord = 0x80fc;
constexpr std::uint32_t kMagic = 0x42535953, kVersion = 1;
constexpr std::uint32_t kStatus = 0x8020, kControl = 0x8024, kCycles = 0x8028;
constexpr std::uint32_t kInterrupt = 1, kMemoryReady = 4, kClockLocked = 8;
constexpr std::array<std::uint32_t, 12> kIdentity = {
    0x8000, 0x8004, 0x8008, 0x800c, 0x8010, 0x8014, 0x8018, 0x801c, 0x8040, 0x8044, 0x8048, 0x804c};
constexpr std::array<std::uint32_t, 4> kCounts = {0x8030, 0x8034, 0x8038, 0x803c};
constexpr std::chrono::seconds kReadyTime{5};  // for the memory after a reset

/// What the link throws, as the driver's failures.
template <typename Body>
auto guarded(Body body) {
  try {
    return body();
  } catch (const LinkError& error) {
    throw Failure{error.fault() == LinkFault::refused ? SYSTOLITH_INTERNAL : SYSTOLITH_DEVICE_GONE,
                  error.what()};
  }
}

class UartBackend final : public Backend {
 public:
  UartBackend(std::unique_ptr<Channel> channel, const UartOptions& options)
      : options_(options), channel_(std::move(channel)), link_(*channel_, options.link) {
    identify();
    if (options.reset)
      reset_board();
    else
      await_memory();
  }
  ~UartBackend() override {
    if (options_.verbose) report();
  }
  UartBackend(const UartBackend&) = delete;
  UartBackend& operator=(const UartBackend&) = delete;

  std::uint32_t read32(std::uint32_t offset) override {
    check_offset(offset);
    return guarded([&] { return link_.read_register(offset); });
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    check_offset(offset);
    guarded([&] { link_.write_register(offset, value); });
  }
  void read(std::uint64_t address, void* data, std::size_t bytes) override {
    guarded([&] { link_.read_memory(address, data, bytes); });
  }
  void write(std::uint64_t address, const void* data, std::size_t bytes) override {
    guarded([&] { link_.write_memory(address, data, bytes); });
  }
  std::uint64_t advance(std::uint64_t cycles) override {
    return guarded([&] { return pass(cycles); });
  }
  bool interrupt() override {
    return guarded([&] { return (link_.read_register(kStatus) & kInterrupt) != 0; });
  }
  bool reset() override {
    guarded([&] { reset_board(); });
    return true;
  }
  void barrier() override {
    // What ended a session was said by the call that it ended.
    if (!link_.over()) guarded([&] { link_.flush(); });
  }
  bool used() const override { return options_.reset; }
  std::uint64_t memory_base() const override { return memory_base_; }
  std::uint64_t memory_bytes() const override { return memory_bytes_; }

 private:
  static void check_offset(std::uint32_t offset) {
    if (offset % 4 != 0 || (offset > kLastRegister && (offset < kFirstWord || offset > kLastWord)))
      throw Failure{SYSTOLITH_BAD_ARGUMENT,
                    fmt::format("{:#x} is no register: multiples of 4, the device's up to {:#x}, "
                                "the board's from {:#x} to {:#x}",
                                offset, kLastRegister, kFirstWord, kLastWord)};
  }

  void identify() {
    std::array<std::uint32_t, kIdentity.size()> words{};
    link_.read_registers(kIdentity, words.data());
    const std::string& port = options_.link.port;
    if (words[0] != kMagic)
      throw LinkError(LinkFault::no_board,
                      fmt::format("what answers on {} is no Systolith board: magic {:#010x} "
                                  "instead of {:#010x}",
                                  port, words[0], kMagic));
    if (words[1] != kVersion)
      throw LinkError(
          LinkFault::version,
          fmt::format("the board on {} has version {} of its words, this driver knows {}: {}", port,
                      words[1], kVersion,
                      words[1] > kVersion
                          ? "the bitstream is newer, use the driver that it was built with"
                          : "the bitstream is older, load one that was built with this driver"));
    memory_base_ = std::uint64_t{words[5]} << 32 | words[4];
    memory_bytes_ = std::uint64_t{words[7]} << 32 | words[6];
    if (memory_bytes_ == 0 || memory_base_ + (memory_bytes_ - 1) < memory_base_)
      throw LinkError(LinkFault::no_board,
                      fmt::format("the board on {} says that it has {} bytes of memory at {:#x}: a "
                                  "wrong bitstream",
                                  port, memory_bytes_, memory_base_));
    if (!options_.verbose) return;
    std::string name;
    for (std::size_t i = 0; i < 16; ++i)
      name += static_cast<char>(words[8 + i / 4] >> 8 * (i % 4) & 0xff);
    name.resize(std::min(name.find('\0'), name.size()));
    fmt::print(stderr,
               "systolith: board {} on {}: {:.3f} MHz, {} baud, {} MiB, blocks of {} bytes\n", name,
               port, words[2] / 1e6, words[3], memory_bytes_ >> 20, link_.payload());
  }

  void reset_board() {
    link_.write_register(kControl, 1);
    await_memory();
  }

  /// Until no reset lasts and the memory is ready.
  void await_memory() {
    constexpr std::array<std::uint32_t, 2> kWords = {kControl, kStatus};
    std::array<std::uint32_t, 2> words{};
    const Channel::Time limit =
        channel_->now() + std::max<Channel::Time>(kReadyTime, 10 * options_.link.slack);
    do {
      link_.read_registers(kWords, words.data());
      if ((words[0] & 1) == 0 && (words[1] & kMemoryReady) != 0) return;
    } while (channel_->now() < limit);
    throw LinkError(
        LinkFault::no_board,
        fmt::format("the memory of the board on {} does not become ready ({}, board "
                    "status {:#x}): switch it off and on, and see that its bitstream "
                    "is for this board",
                    options_.link.port,
                    (words[1] & kClockLocked) != 0 ? "its clock runs" : "its clock is not locked",
                    words[1]));
  }

  /// A board's time passes by itself: at least `cycles`, unless the interrupt is high.
  std::uint64_t pass(std::uint64_t cycles) {
    constexpr std::array<std::uint32_t, 2> kWords = {kStatus, kCycles};
    std::array<std::uint32_t, 2> words{};
    link_.read_registers(kWords, words.data());
    std::uint64_t passed = 0;
    while (passed < cycles && (words[0] & kInterrupt) == 0) {
      const std::uint32_t before = words[1];
      link_.read_registers(kWords, words.data());
      if (words[1] == before)
        throw LinkError(LinkFault::no_board,
                        fmt::format("the cycle counter of the board on {} stands still: a wrong "
                                    "bitstream",
                                    options_.link.port));
      passed += words[1] - before;  // modulo 2^32, a minute and more
    }
    return passed;
  }

  void report() noexcept {
    try {
      const LinkStatistics& s = link_.statistics();
      fmt::print(stderr,
                 "systolith: line: {} requests, {} sent again ({} time-outs, {} gaps); {} answers, "
                 "{} stale, {} bad frames\n",
                 s.sent, s.repeated, s.timeouts, s.gaps, s.answers, s.stale, s.bad);
      if (link_.over()) return;
      std::array<std::uint32_t, kCounts.size()> counts{};
      link_.read_registers(kCounts, counts.data());
      fmt::print(stderr,
                 "systolith: board, since power-up: {} frames, {} bad, {} lost, {} line errors\n",
                 counts[0], counts[1], counts[2], counts[3]);
    } catch (...) {  // the counts are not worth an error
    }
  }

  UartOptions options_;
  std::unique_ptr<Channel> channel_;
  Link link_;
  std::uint64_t memory_base_ = 0, memory_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Backend> open_board(std::unique_ptr<Channel> channel, const UartOptions& options) {
  return std::make_unique<UartBackend>(std::move(channel), options);
}

std::unique_ptr<Backend> open_uart(const Uri& uri) {
  uri.allow({"baud", "timeout", "reset", "verbose", "rows", "cols", "bus", "depth"});
  if (uri.path.empty())
    throw std::invalid_argument("uart: needs its port: uart:/dev/ttyUSB0,baud=3000000; " +
                                list_ports());
  const auto within = [&](const char* key, std::uint64_t otherwise, std::uint64_t least,
                          std::uint64_t most) {
    const std::uint64_t value = uri.number(key, otherwise);
    if (value < least || value > most)
      throw std::invalid_argument(fmt::format("{}: {} to {}", key, least, most));
    return value;
  };
  UartOptions options;
  options.link.port = uri.path;
  options.link.baud = static_cast<std::uint32_t>(within("baud", 3'000'000, 1200, 12'000'000));
  options.link.slack = std::chrono::milliseconds(within("timeout", 100, 1, 600'000));
  options.reset = within("reset", 1, 0, 1) != 0;
  options.verbose = within("verbose", 0, 0, 1) != 0;
  try {
    return open_board(std::make_unique<SerialPort>(uri.path, options.link.baud), options);
  } catch (const LinkError& error) {
    throw Failure{SYSTOLITH_NO_DEVICE, error.what()};
  }
}

}  // namespace systolith::driver
