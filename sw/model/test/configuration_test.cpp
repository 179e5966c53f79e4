#include "systolith/model/configuration.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace systolith::model {
namespace {

TEST(Configuration, NamedOnesAreReadFromTheirPackages) {
  const Configuration c = Configuration::named("16x16");
  EXPECT_EQ(c.rows, 16u);
  EXPECT_EQ(c.cols, 16u);
  EXPECT_EQ(c.bus_bytes, 16u);
  EXPECT_EQ(c.address_width, 40u);
  EXPECT_TRUE(c.format_bf16);
  EXPECT_TRUE(c.format_int8);
  EXPECT_EQ(c.line_bytes(), 32u);
  EXPECT_EQ(c.last_address(), 0xFF'FFFF'FFFFu);
}

TEST(Configuration, LineIsAWholeNumberOfOperandRowsStripRowsAndBusWords) {
  for (const std::string& name : Configuration::names()) {
    const Configuration c = Configuration::named(name);
    EXPECT_EQ(c.line_bytes() % (2 * c.rows), 0u) << name;
    EXPECT_EQ(c.line_bytes() % (2 * c.cols), 0u) << name;
    EXPECT_EQ(c.line_bytes() % c.bus_bytes, 0u) << name;
  }
  EXPECT_EQ(Configuration::named("3x5").line_bytes(), 120u);
}

TEST(Configuration, UnknownNameIsRefusedWithTheNamesThereAre) {
  try {
    Configuration::named("7x7");
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("16x16"), std::string::npos);
  }
}

TEST(Configuration, PackageWithAMissingOrUnknownParameterIsRefused) {
  EXPECT_THROW(
      Configuration::from_package("package p; parameter int unsigned Rows = 4; endpackage"),
      std::invalid_argument);
  EXPECT_THROW(Configuration::from_package("parameter int unsigned Lanes = 4;"),
               std::invalid_argument);
  EXPECT_THROW(Configuration::from_package("parameter int unsigned Rows = 2 + 2;"),
               std::invalid_argument);
}

}  // namespace
}  // namespace systolith::model
