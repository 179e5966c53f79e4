// A host process that is killed with a simulated device in it.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "systolith/systolith.hpp"
#include "verdict.hpp"

namespace systolith::faults {
namespace {

constexpr std::uint32_t kBytes = 64;

/// A queue, and a copy of one buffer to another through the scratchpad; true where it is right.
class Copier {
 public:
  explicit Copier(const std::string& configuration) : device_("sim:config=" + configuration) {
    const systolith_capabilities_t has = device_.capabilities();
    device_.grant(0, has.memory_base, has.memory_bytes);
    device_.create_queue(3);
    from_ = device_.allocate(kBytes);
    to_ = device_.allocate(kBytes);
  }

  bool copy(std::uint8_t value) {
    std::array<std::uint8_t, kBytes> in{}, out{};
    for (unsigned i = 0; i < kBytes; ++i) in[i] = static_cast<std::uint8_t>(value + i);
    device_.copy_in(from_, in.data(), in.size());
    device_.wait(device_.submit({transfer(false, from_), transfer(true, to_)}));
    device_.copy_out(to_, out.data(), out.size());
    return in == out;
  }

  std::uint32_t read(std::uint32_t offset) const { return device_.read_register(offset); }

 private:
  static systolith_command_t transfer(bool store, std::uint64_t address) {
    systolith_command_t command{};
    std::uint64_t* words = command.words;
    const std::uint64_t third = 3 << 16 | 1;  // one count on semaphore 3
    SYSTOLITH_SET(words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
    SYSTOLITH_SET(words, HEADER_OPCODE, store ? SYSTOLITH_OPCODE_STORE : SYSTOLITH_OPCODE_LOAD);
    SYSTOLITH_SET(words, HEADER_UNIT, store ? SYSTOLITH_UNIT_STORE : SYSTOLITH_UNIT_LOAD);
    if (store) SYSTOLITH_SET(words, HEADER_WAIT_0, third);
    if (!store) SYSTOLITH_SET(words, HEADER_SIGNAL_0, third);
    SYSTOLITH_SET(words, TRANSFER_ADDRESS, address);
    SYSTOLITH_SET(words, TRANSFER_RUN, kBytes);
    words[7] = words[8] = 1ULL << 32 | 1;
    return command;
  }

  Device device_;
  std::uint64_t from_ = 0, to_ = 0;
};

}  // namespace

int run_victim(const std::string& configuration) {
  Copier copier(configuration);
  for (std::uint8_t value = 0; copier.copy(value); ++value)
    if (write(STDOUT_FILENO, ".", 1) != 1) return 1;
  return 1;
}

void check_killed_host(const std::string& configuration, std::uint32_t microseconds) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) throw Wrong("injection", "no pipe");
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[0]);
    execl("/proc/self/exe", "systolith_faults", "--victim", configuration.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  char byte = 0;
  // In its run, which goes on until it is killed.
  const bool runs = child > 0 && read(pipe_ends[0], &byte, 1) == 1;
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  if (child > 0) kill(child, SIGKILL);
  close(pipe_ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  if (!runs || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
    throw Wrong("injection", fmt::format("the process to be killed ended itself, {:#x}", status));
  try {
    Copier copier(configuration);
    if (copier.read(SYSTOLITH_REGISTER_COMPLETED) != 0)
      throw Wrong("recovery", "commands completed before the first");
    for (std::uint8_t value = 0; value < 3; ++value)
      if (!copier.copy(value)) throw Wrong("recovery", "a copy is wrong");
  } catch (const Error& error) {
    throw Wrong("recovery", error.what());
  }
}

}  // namespace systolith::faults
