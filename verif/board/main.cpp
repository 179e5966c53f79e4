// The simulated board for hands: prints the port that drivers open, runs until Ctrl-C.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "simulated_board.hpp"

int main(int count, char** words) {
  if (count > 1) {
    fmt::print(words[1] == std::string("--help") ? stdout : stderr,
               "usage: simulated_board\n"
               "A board of configuration 4x4 with its memory chip, simulated behind a "
               "pseudo-terminal until Ctrl-C.\n");
    return words[1] == std::string("--help") ? 0 : 2;
  }
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);  // of the simulation's thread, too
  systolith::board::SimulatedBoard board;
  fmt::print("device: uart:{},timeout=20000     (Ctrl-C ends it)\n", board.path());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  board.stop();
  fmt::print("{} cycles; {} rules of the memory chip broken\n", board.cycles(),
             board.violations().size());
  for (const auto& violation : board.violations())
    fmt::print("{}: {}\n", violation.rule, violation.text);
}
