// Files of digits that are damaged, from somewhere else, or none.
#include <zlib.h>

#include "tool_test.hpp"

namespace systolith::tool::test {
namespace {

class Digits : public ToolTest {
 protected:
  const std::string good = read(SYSTOLITH_DATA);

  std::string gzip(const std::string& text) const {
    const gzFile file = gzopen(path("d.gz").c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
    return path("d.gz");
  }
  static void refused(const std::string& path, const std::string& part) {
    const Result result =
        run({"demo", "--device", "model:config=4x4", "--size", "1", "--data", path});
    EXPECT_EQ(result.status, 2) << part << result;
    EXPECT_NE(result.err.find(path), std::string::npos) << result;
    EXPECT_NE(result.err.find(part), std::string::npos) << result;
    EXPECT_EQ(result.out, "");
  }
};

TEST_F(Digits, TruncatedFilesAreRefused) {
  ASSERT_GT(good.size(), 40000u);
  for (const std::size_t size :
       {good.size() - 1, good.size() - 9, good.size() * 9 / 10, good.size() / 2})
    refused(file("cut.gz", good.substr(0, size)), "can't be read");
  refused(file("empty.gz", ""), "only 0 rows");
}

TEST_F(Digits, DamagedFilesAreRefused) {
  std::string damaged = good;
  damaged[good.size() / 2] = static_cast<char>(damaged[good.size() / 2] ^ 0x10);
  refused(file("damaged.gz", damaged), "damaged.gz");
  damaged = good;
  damaged[good.size() - 6] = static_cast<char>(damaged[good.size() - 6] ^ 1);  // its checksum
  refused(file("sum.gz", damaged), "can't be read");
}

TEST_F(Digits, WhatIsNoDigitIsNamedWithItsLine) {
  std::string row;
  for (int i = 0; i < 64; ++i) row += "7,";
  const std::string first = row + "1\n";
  refused(gzip(first + row + "10\n"), ":2: label 10 is not 0 to 9");
  refused(gzip(first + "17," + row.substr(2) + "1\n"), ":2: pixel 17 is not 0 to 16");
  refused(gzip(first + "-1," + row.substr(2) + "1\n"), ":2: pixel -1 is not 0 to 16");
  refused(gzip(first + "5x," + row.substr(2) + "1\n"), ":2: '5x' is not a number");
  refused(gzip(first + "," + row.substr(2) + "1\n"), ":2: '' is not a number");
  refused(gzip(first + "99999999999," + row.substr(2) + "1\n"),
          ":2: '99999999999' is not a number");
  refused(gzip(first + "\n"), ":2: 0 fields, not 65");
  refused(gzip(row + row + "1\n"), ":1: 129 fields, not 65");
  refused(gzip(first), "only 1 rows");
  refused(path("none.gz"), "can't be opened");
}

}  // namespace
}  // namespace systolith::tool::test
