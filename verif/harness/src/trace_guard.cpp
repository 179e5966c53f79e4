#include "systolith_harness/trace_guard.hpp"

#include <semaphore.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>

namespace systolith::harness {
namespace {

constexpr int kRequests[] = {SIGINT, SIGTERM, SIGHUP};
constexpr int kCrashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr std::chrono::seconds kPatience{5};  // for a cycle to end

// What a handler may touch. Closing allocates, so it is done by a thread of its own.
volatile sig_atomic_t caught = 0, crashed = 0;
pid_t owner = 0;
sem_t asked, answered;
thread_local bool watching = false;

// A crash is this process's own doing: a signal sent from outside may meet any thread anywhere.
bool is_crash(const siginfo_t& info) {
  return std::find(std::begin(kCrashes), std::end(kCrashes), info.si_signo) != std::end(kCrashes) &&
         (info.si_code > 0 || info.si_pid == getpid());
}

void on_signal(int signal, siginfo_t* info, void*) {
  const int saved = errno;
  if (getpid() != owner || watching) {  // a child, whose parent has the files; or closing crashes
    std::signal(signal, SIG_DFL);
    raise(signal);
  } else {
    caught = signal;
    crashed = is_crash(*info) ? 1 : 0;
    sem_post(&asked);
    // A crashed thread has nothing else to do; it dies of its signal when this returns. Not for
    // ever: a crash in the midst of writing the file can't be closed.
    if (crashed != 0) {
      timespec end{};
      clock_gettime(CLOCK_REALTIME, &end);
      end.tv_sec += kPatience.count();
      while (sem_timedwait(&answered, &end) != 0 && errno == EINTR) {
      }
      raise(signal);
    }
  }
  errno = saved;
}

}  // namespace

class TraceRegistry {
 public:
  static TraceRegistry& instance() {
    static TraceRegistry* const registry = new TraceRegistry;  // outlives static devices
    return *registry;
  }

  void add(TraceGuard* guard) {
    const std::lock_guard lock(mutex_);
    if (owner != getpid()) start();
    guards_.push_back(guard);
  }

  void remove(TraceGuard* guard) {
    const std::lock_guard lock(mutex_);
    std::erase(guards_, guard);
  }

 private:
  void start() {
    if (owner == 0) std::atexit([] { instance().close_all(false, false); });
    owner = getpid();
    guards_.clear();  // a parent's
    sem_init(&asked, 0, 0);
    sem_init(&answered, 0, 0);
    // The thread takes no signal itself but those of its own crash.
    sigset_t requests, before;
    sigemptyset(&requests);
    for (const int signal : kRequests) sigaddset(&requests, signal);
    pthread_sigmask(SIG_BLOCK, &requests, &before);
    std::thread([this] { watch(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    sigemptyset(&action.sa_mask);
    // A second signal of the same kind finds the default: it ends the process at once.
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_SIGINFO);
    const auto install = [&](int signal) {
      struct sigaction before {};
      sigaction(signal, nullptr, &before);
      if (before.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
    };
    for (const int signal : kRequests) install(signal);
    for (const int signal : kCrashes) install(signal);
  }

  void watch() {
    watching = true;
    while (sem_wait(&asked) != 0) {
    }
    const bool crash = crashed != 0;
    close_all(crash, true);
    sem_post(&answered);
    if (!crash) kill(getpid(), caught);
  }

  // A process that ends by a signal keeps the locks, so that no cycle follows. The thread that
  // crashed may hold one for good.
  void close_all(bool crash, bool ends_now) {
    const std::unique_lock lock(mutex_, kPatience);
    for (TraceGuard* guard : guards_) {
      guard->wanted_ = true;
      const bool whole =
          crash ? guard->cycle_mutex_.try_lock() : guard->cycle_mutex_.try_lock_for(kPatience);
      guard->finish_locked(whole);
      if (whole && !ends_now) guard->cycle_mutex_.unlock();
    }
  }

  std::timed_mutex mutex_;
  std::vector<TraceGuard*> guards_;
};

TraceGuard::TraceGuard(std::function<void(bool)> close) : close_(std::move(close)) {
  TraceRegistry::instance().add(this);
}

TraceGuard::~TraceGuard() {
  TraceRegistry::instance().remove(this);
  finish();
}

void TraceGuard::finish() {
  const std::lock_guard lock(cycle_mutex_);
  finish_locked(true);
}

void TraceGuard::finish_locked(bool whole) {
  if (!finished_) close_(whole);
  finished_ = true;
}

}  // namespace systolith::harness
