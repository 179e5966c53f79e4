// Files that are no matrix, or not the one that is meant: refused with exit status 2 and a text
// that names the file and says what to do.
#include "tool_test.hpp"

namespace systolith::tool::test {
namespace {

constexpr const char* kDevice = "model:config=4x4";

class NpyFiles : public ToolTest {
 protected:
  /// 2 x 3 and 3 x 2, bf16 bits of small numbers.
  const std::string a_data = std::string("\x80\x3f\0\x40\x40\x40\x80\x40\xa0\x40\xc0\x40", 12);
  const std::string good_a = npy(dictionary("<u2", "2, 3"), a_data);
  const std::string good_b = npy(dictionary("<u2", "3, 2"), a_data);

  Result gemm(const std::string& a, const std::string& b,
              const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"gemm",           "--device", kDevice,          "--a",
                                          file("a.npy", a), "--b",      file("b.npy", b), "--out",
                                          path("d.npy")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  void expect_refused(const Result& result, const std::string& text,
                      const std::string& name = "a.npy") {
    EXPECT_EQ(result.status, 2) << result;
    EXPECT_NE(result.err.find(text), std::string::npos) << text << "\n" << result;
    EXPECT_NE(result.err.find(name), std::string::npos) << result;
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(std::filesystem::exists(path("d.npy")));
  }
  void refused(const std::string& a, const std::string& text) {
    expect_refused(gemm(a, good_b), text);
  }
};

TEST_F(NpyFiles, GoodOnesAreMultiplied) {
  const Result result = gemm(good_a, good_b);
  EXPECT_EQ(result.status, 0) << result;
  const std::vector<float> product = {1 * 1 + 2 * 3 + 3 * 5, 1 * 2 + 2 * 4 + 3 * 6,
                                      4 * 1 + 5 * 3 + 6 * 5, 4 * 2 + 5 * 4 + 6 * 6};
  EXPECT_EQ(read(path("d.npy")), npy("<f4", "2, 2", product));
}

TEST_F(NpyFiles, MissingAndUnreadable) {
  const Result missing = run({"gemm", "--a", path("a.npy"), "--b", path("a.npy"), "--out",
                              path("d.npy"), "--device", kDevice});
  expect_refused(missing, "can't be read (No such file");
  std::filesystem::create_directory(path("folder.npy"));
  expect_refused(run({"gemm", "--a", path("folder.npy"), "--b", path("folder.npy"), "--out",
                      path("d.npy"), "--device", kDevice}),
                 "can't be read", "folder.npy");
}

TEST_F(NpyFiles, EmptyAndForeign) {
  refused("", "the file is empty");
  refused("1,2,3\n4,5,6\n", "not a NumPy .npy file");
  refused("PK\3\4 an archive of arrays", "not a NumPy .npy file");
}

TEST_F(NpyFiles, TruncatedAtAnyByte) {
  // The start of every region and its neighbours; each call starts a process.
  for (const std::size_t size : {1u, 5u, 6u, 7u, 9u}) {
    refused(good_a.substr(0, size), "not a NumPy .npy file");
  }
  for (const std::size_t size : {10u, 11u, 63u, 100u, 127u})
    refused(good_a.substr(0, size), "header is truncated");
  refused(good_a.substr(0, 128), "truncated: 0 bytes of data, the shape needs 12");
  refused(good_a.substr(0, 139), "truncated: 11 bytes of data, the shape needs 12");
  refused(good_a + '\0', "13 bytes of data, more than the 12");
  const std::string version2 = npy(dictionary("<u2", "2, 3"), a_data, 2);
  refused(version2.substr(0, 11), "header is truncated");
  refused(version2.substr(0, 127), "header is truncated");
}

TEST_F(NpyFiles, FormatVersions) {
  for (const int version : {2, 3}) {
    const Result result = gemm(npy(dictionary("<u2", "2, 3"), a_data, version), good_b);
    EXPECT_EQ(result.status, 0) << version << result;
    std::filesystem::remove(path("d.npy"));
  }
  refused(npy(dictionary("<u2", "2, 3"), a_data, 4), "unknown .npy format version 4");
  // A header that claims gigabytes.
  std::string huge = npy(dictionary("<u2", "2, 3"), a_data, 2);
  huge[11] = '\x7f';
  refused(huge, "header of");
}

TEST_F(NpyFiles, FortranOrder) {
  refused(npy(dictionary("<u2", "2, 3", true), a_data), "numpy.ascontiguousarray");
}

TEST_F(NpyFiles, WrongTypes) {
  refused(npy(dictionary("<f8", "1, 3"), std::string(24, '\0')), "'<f8' is not supported");
  refused(npy(dictionary("|b1", "1, 3"), std::string(3, '\0')), "'|b1' is not supported");
  refused(npy(dictionary("|O", "1, 3"), std::string(3, '\0')), "'|O' is not supported");
  refused(npy(dictionary("<U2", "1, 3"), std::string(24, '\0')), "is not supported");
  refused(npy(dictionary("|i1", "1, 3"), std::string(3, '\0')),
          "takes float32 (rounded) or uint16");
  refused(npy(dictionary("<i4", "1, 3"), std::string(12, '\0')),
          "takes float32 (rounded) or uint16");
  expect_refused(gemm(good_a, good_b, {"--format", "int8"}), "takes an int8 array, not u2");
}

TEST_F(NpyFiles, BigEndian) {
  refused(npy(dictionary(">u2", "2, 3"), a_data), "big-endian");
  refused(npy(dictionary(">f4", "2, 3"), a_data + a_data), "big-endian");
}

TEST_F(NpyFiles, Dimensions) {
  refused(npy(dictionary("<u2", ""), std::string(2, '\0')), "0 dimensions");
  refused(npy(dictionary("<u2", "1, 2, 3"), a_data), "3 dimensions");
  refused(npy(dictionary("<u2", "6,"), a_data), "an operand is a matrix of 2 dimensions");
  refused(npy(dictionary("<u2", "99999999999, 3"), a_data), "too large");
  refused(npy(dictionary("<u2", "4000000000, 4000000000"), a_data), "too large");
  refused(npy(dictionary("<u2", "4294967296, 4294967296"), ""), "too large");  // 2^64 elements
  refused(npy(dictionary("<u2", "18446744073709551616, 3"), a_data), "too large");
}

TEST_F(NpyFiles, ShapesThatAreNone) {
  for (const char* shape : {"-2, 3", "2 3", "2, x", "2, 3x", "2.0, 3", "02, 3", ",", "2,, 3", "6",
                            "2; 3", "(2, 3)", "2L, 3L"})
    refused(npy(dictionary("<u2", shape), a_data), "no usable 'shape'");
  refused(npy("{'descr': '<u2', 'fortran_order': False, 'shape': [2, 3], }", a_data),
          "no usable 'shape'");
}

TEST_F(NpyFiles, HeadersWithoutTheirKeys) {
  refused(npy("{'fortran_order': False, 'shape': (2, 3), }", a_data), "no usable 'descr'");
  refused(npy("{'descr': '<u2', 'shape': (2, 3), }", a_data), "no usable 'fortran_order'");
  refused(npy("{'descr': '<u2', 'fortran_order': False, }", a_data), "no usable 'shape'");
  refused(npy("{'descr': [('x', '<u2')], 'fortran_order': False, 'shape': (2, 3), }", a_data),
          "no usable 'descr'");
}

TEST_F(NpyFiles, HeadersOfOtherForm) {
  const char* const bad[] = {
      "",
      "{",
      "'descr': '<u2', 'fortran_order': False, 'shape': (2, 3)",
      "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), } x",
      "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), 'more': 1, }",
      "{'descr': '<u2', 'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), }",
      "{'descr': '<u2' 'fortran_order': False, 'shape': (2, 3), }",
      "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), ",
      "{'descr': '<u2, 'fortran_order': False, 'shape': (2, 3), }",
      "{descr: '<u2', 'fortran_order': False, 'shape': (2, 3), }",
  };
  for (const char* header : bad) refused(npy(header, a_data), "is not a dictionary");
  // What other writers write.
  const char* const good[] = {
      "{\"shape\":(2,3),\"descr\":\"<u2\",\"fortran_order\":False}",
      " { 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , 'descr' : '<u2' , } ",
  };
  for (const char* header : good) {
    const Result result = gemm(npy(header, a_data), good_b);
    EXPECT_EQ(result.status, 0) << header << result;
    std::filesystem::remove(path("d.npy"));
  }
}

TEST_F(NpyFiles, ShapesThatDoNotMatch) {
  expect_refused(gemm(good_a, good_a), "has 3 columns");
  const auto c = [&](const std::string& content, const std::string& text) {
    expect_refused(gemm(good_a, good_b, {"--c", file("c.npy", content)}), text, "c.npy");
  };
  c(npy<float>("<f4", "2, 3", std::vector<float>(6)), "C must be 2 x 2 or one row of 2");
  c(npy<float>("<f4", "0, 2", {}), "C must be 2 x 2 or one row of 2");
  c(npy<float>("<f4", "3, 2", std::vector<float>(6)), "C must be 2 x 2 or one row of 2");
  c(npy<float>("<f4", "3,", std::vector<float>(3)), "C must be 2 x 2 or one row of 2");
  c(npy<int>("<i4", "2, 2", std::vector<int>(4)), "C must be float32, not i4");
  c("", "the file is empty");
  EXPECT_EQ(gemm(good_a, good_b, {"--c", file("c.npy", npy<float>("<f4", "2,", {1, 2}))}).status,
            0);
}

class Scales : public NpyFiles {
 protected:
  const std::string a = npy(dictionary("|i1", "2, 3"), "\1\2\3\4\5\6");
  const std::string b = npy(dictionary("|i1", "3, 2"), "\1\2\3\4\5\6");
  void scale(const std::vector<std::string>& options, const std::string& text) {
    std::vector<std::string> all = {"--format", "int8"};
    all.insert(all.end(), options.begin(), options.end());
    expect_refused(gemm(a, b, all), text, "");
  }
  std::string scales(const std::vector<float>& values) {
    return file("s.npy", npy("<f4", std::to_string(values.size()) + ",", values));
  }
};

TEST_F(Scales, MissingForInt8Output) { scale({"--out-format", "int8"}, "needs --scale"); }

TEST_F(Scales, RefusedElsewhere) {
  scale({"--scale", "2"}, "--out-format int8 only");
  scale({"--out-format", "int32", "--scale", "2"}, "--out-format int8 only");
  expect_refused(gemm(good_a, good_b, {"--scale", "2"}), "--out-format int8 only", "");
}

TEST_F(Scales, NumbersThatAreNoScale) {
  for (const char* text : {"0", "-1", "-0", "nan", "inf", "-inf"})
    scale({"--out-format", "int8", "--scale", text}, "finite and positive");
  for (const char* text : {"one", "1x", "1e99", "1e-99", "1,5"})
    scale({"--out-format", "int8", "--scale", text}, "not a number that binary32 holds");
}

TEST_F(Scales, FilesThatAreNoScales) {
  const auto with = [&](const std::string& path, const std::string& text) {
    scale({"--out-format", "int8", "--scale", path}, text);
  };
  with(scales({1, 2, 3}), "scales are 2 float32 values");
  with(scales({1}), "scales are 2 float32 values");
  with(scales({1, 0}), "every scale must be finite and positive");
  with(scales({-1, 1}), "every scale must be finite and positive");
  with(scales({1, std::numeric_limits<float>::quiet_NaN()}),
       "every scale must be finite and positive");
  with(scales({1, std::numeric_limits<float>::infinity()}),
       "every scale must be finite and positive");
  with(file("s.npy", npy<double>("<f8", "2,", {1, 1})), "is not supported");
  with(file("s.npy", npy<int>("<i4", "2,", {1, 1})), "scales are 2 float32 values");
  with(path("none.npy"), "can't be read");
}

TEST_F(NpyFiles, ResultThatCannotBeWritten) {
  const Result result = run({"gemm", "--device", kDevice, "--a", file("a.npy", good_a), "--b",
                             file("b.npy", good_b), "--out", path("no/folder/d.npy")});
  EXPECT_EQ(result.status, 1) << result;
  EXPECT_TRUE(result.says("can't be written")) << result;
}

}  // namespace
}  // namespace systolith::tool::test
