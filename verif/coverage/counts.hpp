// Counts that many processes add to: a file of 64-bit numbers in the folder that SYSTOLITH_COVERAGE
// names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace systolith::coverage {

/// The counts of one file, shared by all processes that open it. They stay when a process is
/// killed.
class Counts {
 public:
  /// Opens FOLDER/NAME.counts with room for `size` counts, made if it isn't there; without
  /// SYSTOLITH_COVERAGE what is added goes nowhere. Throws std::runtime_error when the file can't
  /// be used or holds another number of counts.
  Counts(const std::string& name, std::size_t size);
  ~Counts();
  Counts(const Counts&) = delete;
  Counts& operator=(const Counts&) = delete;

  /// Adds to a count; from any thread.
  void add(std::size_t index, uint64_t count);

 private:
  uint64_t* counts_ = nullptr;
  std::size_t size_;
};

}  // namespace systolith::coverage
