#include "counts.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace systolith::coverage {

Counts::Counts(const std::string& name, std::size_t size) : size_(size) {
  const char* folder = std::getenv("SYSTOLITH_COVERAGE");
  if (folder == nullptr || size == 0) return;
  const std::string path = std::string(folder) + "/" + name + ".counts";
  const auto failed = [&] { throw std::runtime_error(path + ": " + std::strerror(errno)); };
  const std::size_t bytes = size * sizeof(uint64_t);
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) failed();
  struct stat now {};
  if (fstat(file, &now) != 0) failed();
  // Of processes that make it at the same time each gives it the same size.
  if (now.st_size != 0 && static_cast<std::size_t>(now.st_size) != bytes)
    throw std::runtime_error(path + " is of another build: remove it");
  if (ftruncate(file, static_cast<off_t>(bytes)) != 0) failed();
  void* counts = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (counts == MAP_FAILED) failed();
  close(file);
  counts_ = static_cast<uint64_t*>(counts);
}

Counts::~Counts() {
  if (counts_ != nullptr) munmap(counts_, size_ * sizeof(uint64_t));
}

void Counts::add(std::size_t index, uint64_t count) {
  if (counts_ == nullptr || count == 0 || index >= size_) return;
  std::atomic_ref(counts_[index]).fetch_add(count, std::memory_order_relaxed);
}

}  // namespace systolith::coverage

// Called by every Verilated model that ends, see coverage_counters.sv.
void systolith_coverage_add(const char* model, const std::atomic<uint32_t>* counters,
                            std::size_t size) {
  try {
    systolith::coverage::Counts counts(model, size);
    for (std::size_t i = 0; i < size; ++i)
      counts.add(i, counters[i].load(std::memory_order_relaxed));
  } catch (const std::exception& error) {
    // A run whose counts are lost must not pass.
    std::fprintf(stderr, "coverage: %s\n", error.what());
    std::abort();
  }
}
