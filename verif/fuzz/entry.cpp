// What libFuzzer calls.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz.hpp"

namespace systolith::fuzz {

void wrong(const std::string& text) {
  std::fprintf(stderr, "WRONG: %s\n", text.c_str());
  std::abort();
}

}  // namespace systolith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  systolith::fuzz::test({reinterpret_cast<const char*>(data), size});
  return 0;
}
