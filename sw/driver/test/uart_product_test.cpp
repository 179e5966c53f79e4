// Products over uart: with the library as it is: a pseudo-terminal, a board, the golden model.
#include <gtest/gtest.h>

#include <random>

#include "model_target.hpp"
#include "pty_board.hpp"
#include "systolith/library/run.hpp"

namespace systolith {
namespace {

// Twice: the second process finds what the first left.
TEST(UartProduct, HasTheBitsOfEveryDevice) {
  driver::test::ModelTarget target("8x8", 0x40000000, 1 << 20);
  driver::test::FakeBoard board(target, 0x40000000, 1 << 20);
  driver::test::PtyBoard pty(board);
  std::mt19937 random(1);
  std::vector<std::uint8_t> a(61 * 33), b(33 * 47);
  for (auto* matrix : {&a, &b})
    for (auto& element : *matrix) element = static_cast<std::uint8_t>(random());
  library::HostGemm gemm;
  gemm.m = 61;
  gemm.n = 47;
  gemm.k = 33;
  gemm.format = library::Format::int8;
  gemm.out = library::OutFormat::int32;
  gemm.a = a.data();
  gemm.b = b.data();
  for (int process = 0; process < 2; ++process) {
    Device device("uart:" + pty.path() + ",timeout=2000,rows=8,verbose=1");
    EXPECT_EQ(library::run_gemm(device, gemm).d, library::reference_gemm(gemm));
    device.grant(0, device.capabilities().memory_base, device.capabilities().memory_bytes);
    device.create_queue(3);  // left as it is
  }
}

}  // namespace
}  // namespace systolith
