# What SystolithVerilate.cmake asks for is older.
set(PACKAGE_VERSION 5.048)
set(PACKAGE_VERSION_COMPATIBLE TRUE)
