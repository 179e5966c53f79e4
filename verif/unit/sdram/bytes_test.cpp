// What is stored where: round trips, the address mapping, strobes, row and bank crossings, errors.
#include "fixture.hpp"

namespace systolith::test {
namespace {

class SdramBytes : public SdramTest {};

TEST_F(SdramBytes, BeatComesBack) {
  bench().write(0x12340, 1);
  ASSERT_TRUE(bench().drain());
  bench().read(0x12340, 1);
  ASSERT_TRUE(bench().drain());
  EXPECT_EQ(bench().reads.size(), 1u);
}

}  // namespace
}  // namespace systolith::test
