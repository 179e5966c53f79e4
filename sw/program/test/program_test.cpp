#include "systolith/program/program.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>
#include <zlib.h>

#include "systolith/model/device.h"
#include "systolith/registers.h"

namespace systolith::program {
namespace {

bool same(const systolith_command_t& x, const systolith_command_t& y) {
  return std::memcmp(x.words, y.words, sizeof x.words) == 0;
}

/// Line and text of the error that `text` must give.
void expect_error(std::string_view text, unsigned line, std::string_view part) {
  try {
    assemble(text);
    ADD_FAILURE() << "accepted: " << text;
  } catch (const ProgramError& error) {
    EXPECT_EQ(error.line(), line) << error.what();
    EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos) << error.what();
    EXPECT_TRUE(std::string_view(error.what()).starts_with("line "));
  }
}

TEST(Assemble, LoadHasItsFieldsWhereTheReferenceHasThem) {
  const systolith_command_t command = assemble_command(
      "load space=accumulators tag=int32 address=0x80_0000_0000 run=64 local_base=3 local_pitch=7 "
      "count_0=5 stride_0=-256 count_3=2 stride_3=0x1000 wait_1=9:65535/31 signal_0=15:1 record "
      "interrupt");
  const std::uint64_t expected[16] = {
      0x03011001,
      (0x20000000ull | 31ull << 24 | 9ull << 16 | 65535) << 32,
      0x000F0001,
      0x8000000000,
      64,
      7ull << 32 | 3,
      0x0201,
      1ull << 32 | 5,
      2ull << 32 | 1,
      ~0ull - 255,
      0,
      0,
      0x1000,
  };
  for (int w = 0; w < 16; ++w) EXPECT_EQ(command.words[w], expected[w]) << "word " << w;
}

TEST(Assemble, MatrixHasItsFieldsWhereTheReferenceHasThem) {
  const systolith_command_t command = assemble_command(
      "matrix format=int8 m=1 n=2 k=3 a_base=4 a_pitch=5 b_base=6 b_pitch=7 c_base=8 c_pitch=9 "
      "accumulate strip_outer");
  const std::uint64_t expected[16] = {
      0x00022001, 0, 0, 0x301, 2ull << 32 | 1, 3, 5ull << 32 | 4, 7ull << 32 | 6, 9ull << 32 | 8};
  for (int w = 0; w < 16; ++w) EXPECT_EQ(command.words[w], expected[w]) << "word " << w;
}

TEST(Assemble, StoreHasItsFieldsWhereTheReferenceHasThem) {
  const systolith_command_t command = assemble_command(
      "store space=accumulators conversion=int8 relu scale=0.5 address=1 run=2 local_base=3 "
      "scale_line=77");
  EXPECT_EQ(command.words[0], 0x00033001u);
  EXPECT_EQ(command.words[6], 0x3F000000'00010201u);
  EXPECT_EQ(command.words[13], 77u);
  EXPECT_EQ(assemble_command("store space=scratchpad address=1 run=2 local_base=3 scale=0x7fc00000")
                .words[6],
            0x7FC00000'00000000u);
}

TEST(Assemble, DirectivesBecomeTheProgramsParts) {
  const Program program = assemble(
      "configuration 8x8  # a comment\n"
      "\n"
      "ring 0x1000 4 0x2000\n"
      "window 2 0x100 0x1ff read\n"
      "memory 0x10 0011 22 ff\n"
      "fill 0x20 3 value=0xa5\n"
      "fill 0x30 9 seed=7\n"
      "output 0x40 16\r\n"
      "nop record\n"
      "raw 0x1 2");
  EXPECT_EQ(program.configuration, "8x8");
  EXPECT_EQ(program.ring, (Ring{0x1000, 4, 0x2000}));
  ASSERT_EQ(program.windows.size(), 1u);
  EXPECT_EQ(program.windows[0], (Window{2, 0x100, 0x1FF, true, false}));
  ASSERT_EQ(program.contents.size(), 3u);
  EXPECT_EQ(program.contents[0].bytes(),
            (std::vector{std::byte{0}, std::byte{0x11}, std::byte{0x22}, std::byte{0xFF}}));
  EXPECT_EQ(program.contents[1].bytes(), std::vector(3, std::byte{0xA5}));
  EXPECT_EQ(program.contents[2].size(), 9u);
  EXPECT_EQ(program.outputs, (std::vector{Range{0x40, 16}}));
  ASSERT_EQ(program.commands.size(), 2u);
  EXPECT_EQ(program.commands[1].words[1], 2u);
}

TEST(Assemble, SeededFillIsTheSplitmixStream) {
  // First words of splitmix64 for seed 0, as published with the generator.
  const std::vector<std::byte> bytes = Contents{0, FillSeed{16, 0}}.bytes();
  std::uint64_t words[2];
  std::memcpy(words, bytes.data(), 16);
  EXPECT_EQ(words[0], 0xE220A8397B1DCDAFu);
  EXPECT_EQ(words[1], 0x6E789E6AA1B965F4u);
}

TEST(Assemble, ErrorsNameLineAndRemedy) {
  expect_error("nop\nlod space=scratchpad", 2, "neither a command");
  expect_error("load space=scratchpad address=0 run=4", 1, "load needs local_base=VALUE");
  expect_error("load space=scratchpad address=0 run=4 local_base=0 pitch=1", 1, "local_pitch");
  expect_error("load space=dram address=0 run=4 local_base=0", 1, "scratchpad, accumulators");
  expect_error("load space=scratchpad address=0 run=4 run=4 local_base=0", 1, "given twice");
  expect_error("load space=scratchpad address=0 run=0x1_0000_0000 local_base=0", 1, "32 bits");
  expect_error("load space=scratchpad address=0x10000000000000000 run=4 local_base=0", 1,
               "64 bits");
  expect_error("load space=scratchpad address=12x run=4 local_base=0", 1, "is no number");
  expect_error("load space=scratchpad address= run=4 local_base=0", 1, "is no number");
  expect_error("load space=scratchpad address=0x run=4 local_base=0", 1, "is no number");
  expect_error("load space=scratchpad address=0 run=4 local_base=0 record=1", 1, "is a flag");
  expect_error("load space=scratchpad address=0 run=4 local_base", 1, "local_base=VALUE");
  expect_error("load space=scratchpad address=0 run=4 local_base=0 wait_0=3", 1, "SEMAPHORE:COUNT");
  expect_error("load space=scratchpad address=0 run=4 local_base=0 wait_0=256:1", 1, "8 bits");
  expect_error("load space=scratchpad address=0 run=4 local_base=0 wait_0=1:1/32", 1, "5 bits");
  expect_error("load space=scratchpad address=0 run=4 local_base=0 stride_0=-9223372036854775809",
               1, "64 bits");
  expect_error("store space=accumulators address=0 run=4 local_base=0 scale=fast", 1,
               "no binary32");
  expect_error("memory 0 123", 1, "odd number");
  expect_error("memory 0 1g", 1, "no byte");
  expect_error("memory 0", 1, "memory ADDRESS HEX");
  expect_error("fill 0 4", 1, "fill ADDRESS BYTES");
  expect_error("fill 0 4 value=256", 1, "8 bits");
  expect_error("fill 0 4 with=1", 1, "seed=NUMBER");
  expect_error("window 8 0 1 read", 1, "3 bits");
  expect_error("window 0 5 4 read", 1, "last is before first");
  expect_error("window 0 0 1\nwindow 0 2 3", 2, "given twice");
  expect_error("window 0 0 1 execute", 1, "window INDEX");
  expect_error("output 0", 1, "output ADDRESS BYTES");
  expect_error("ring 0 4 0\nring 0 4 0", 2, "given twice");
  expect_error("\n\nraw", 3, "raw WORD");
  expect_error("raw 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", 1, "raw WORD");
}

// What is left of a text is a program, or its last line is named.
TEST(Assemble, TruncatedAtAnyByte) {
  const std::string text =
      "configuration 3x5\n"
      "ring 0x1000 4 0x2000\n"
      "window 0 0x0 0xffff read write\n"
      "memory 0x10 0011223344556677 8899\n"
      "fill 0x20 3 value=0xa5   # a comment\n"
      "fill 0x30 9 seed=18446744073709551615\r\n"
      "\n"
      "output 0x40 16\n"
      "load space=scratchpad address=0x100 run=16 local_base=0 stride_0=-4 signal_0=0:1/2 record\n"
      "store space=accumulators scale=0.05 conversion=int8 address=0x200 run=1 local_base=0 relu\n"
      "raw 0x2 3\n";
  ASSERT_EQ(assemble(text).commands.size(), 3u);
  unsigned refused = 0;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string left = text.substr(0, size);
    const auto last = static_cast<unsigned>(1 + std::count(left.begin(), left.end(), '\n'));
    try {
      const Program program = assemble(left);
      EXPECT_LE(program.commands.size(), 3u) << size;
    } catch (const ProgramError& error) {
      ++refused;
      EXPECT_EQ(error.line(), last) << size << ": " << error.what();
    }
    // A line that is whole is never wrong.
    if (size == 0 || text[size - 1] == '\n') {
      EXPECT_NO_THROW(assemble(left)) << size;
    }
  }
  EXPECT_GT(refused, text.size() / 4);
}

TEST(Disassemble, NamedCommandsAreReadable) {
  const char* const line =
      "load space=scratchpad address=0x80000000 run=64 local_base=3 local_pitch=1 count_0=16 "
      "stride_0=-64 "
      "wait_0=1:2 signal_1=3:1/4 record";
  EXPECT_EQ(disassemble(assemble_command(line)), line);
}

TEST(Disassemble, EveryCommandComesBackBitForBit) {
  std::mt19937_64 random(1);
  const char* const seeds[] = {
      "nop", "load space=scratchpad address=1 run=2 local_base=3",
      "matrix format=bf16 m=1 n=1 k=1 a_base=0 b_base=0 c_base=0",
      "store space=accumulators conversion=int8 scale=0.1 address=1 run=2 local_base=3"};
  unsigned named = 0;
  for (int i = 0; i < 20000; ++i) {
    systolith_command_t command = assemble_command(seeds[random() % 4]);
    for (std::uint64_t flips = random() % 6; flips > 0; --flips) {
      command.words[random() % 16] ^= std::uint64_t{1} << random() % 64;
    }
    if (random() % 4 == 0) command.words[random() % 16] = random();
    const std::string text = disassemble(command);
    ASSERT_TRUE(same(assemble_command(text), command)) << text;
    named += text.starts_with("raw") ? 0 : 1;
  }
  EXPECT_GT(named, 5000u);
}

TEST(Disassemble, EveryScaleComesBackBitForBit) {
  std::mt19937_64 random(2);
  systolith_command_t command =
      assemble_command("store space=accumulators conversion=int8 address=1 run=2 local_base=3");
  for (int i = 0; i < 20000; ++i) {
    SYSTOLITH_SET(command.words, STORE_SCALE, static_cast<std::uint32_t>(random()));
    ASSERT_TRUE(same(assemble_command(disassemble(command)), command)) << disassemble(command);
  }
}

TEST(Disassemble, WholeProgramComesBack) {
  const char* const text =
      "configuration 3x5\n"
      "ring 0x1000 4 0x2000\n"
      "window 0 0x0 0xffff read write\n"
      "window 7 0x10000 0xffffffffffffffff read\n"
      "memory 0x10 0011223344556677 8899\n"
      "fill 0x20 3 value=0xa5\n"
      "fill 0x30 9 seed=18446744073709551615\n"
      "output 0x40 16\n"
      "nop\n"
      "matrix format=int8 m=1 n=2 k=3 a_base=4 b_base=6 c_base=8 accumulate\n"
      "raw 0x2\n";
  const Program program = assemble(text);
  EXPECT_EQ(disassemble(program), text);
  const Program again = assemble(disassemble(program));
  EXPECT_EQ(again.contents, program.contents);
  EXPECT_EQ(again.windows, program.windows);
}

/// A program with every kind of part.
Program whole_program() {
  return assemble(
      "configuration 3x5\n"
      "ring 0x1000 4 0x2000\n"
      "window 0 0x0 0xffff read write\n"
      "window 7 0x10000 0xffffffffffffffff read\n"
      "window 1 0x20000 0x2ffff write\n"
      "window 2 0x30000 0x3ffff\n"
      "memory 0x10 0011223344556677 8899\n"
      "fill 0x20 3 value=0xa5\n"
      "fill 0x30 9 seed=18446744073709551615\n"
      "memory 0x12 ff\n"
      "output 0x40 16\n"
      "output 0xffffffffffffff00 256\n"
      "nop record\n"
      "matrix format=int8 m=1 n=2 k=3 a_base=4 b_base=6 c_base=8 accumulate\n"
      "raw 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 0xffffffffffffffff\n");
}

/// The text of the error that `bytes` must give.
std::string binary_error(std::string_view bytes) {
  try {
    from_binary(bytes);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Binary, EveryProgramComesBackAsItWas) {
  for (const Program& program : {whole_program(), assemble("nop"), Program{}}) {
    const std::string bytes = to_binary(program);
    EXPECT_TRUE(is_binary(bytes));
    EXPECT_EQ(disassemble(from_binary(bytes)), disassemble(program));
    EXPECT_EQ(to_binary(from_binary(bytes)), bytes);
  }
}

// The layout of the page, byte by byte; the checksum is CRC-32 as in zlib, computed by hand here.
TEST(Binary, LayoutIsThatOfThePage) {
  const std::string bytes = to_binary(assemble("output 0x1122334455667788 3\nconfiguration ab"));
  const std::string parts(
      "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0ab\0\0\0\0\0\0"
      "\7\0\0\0\0\0\0\0\20\0\0\0\0\0\0\0\x88\x77\x66\x55\x44\x33\x22\x11\3\0\0\0\0\0\0\0"
      "\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      72);
  std::uint32_t crc = ~0u;
  for (const char byte : parts) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  crc = ~crc;
  std::string header("\x93SYSTPGM\1\0\0\0", 12);
  for (int i = 0; i < 4; ++i) header.push_back(static_cast<char>(crc >> 8 * i));
  header += std::string("\x48\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(bytes, header + parts);
}

TEST(Binary, TruncatedAtAnyByteIsRefused) {
  const std::string bytes = to_binary(whole_program());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    ASSERT_TRUE(is_binary(bytes.substr(0, size)));
    ASSERT_NE(binary_error(std::string_view(bytes).substr(0, size)).find("truncated"),
              std::string::npos)
        << size;
  }
  EXPECT_NE(binary_error(bytes + '\0').find("1 more"), std::string::npos);
}

TEST(Binary, EveryFlippedBitIsRefused) {
  const std::string bytes = to_binary(whole_program());
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    ASSERT_NE(binary_error(damaged), "accepted") << bit;
  }
}

TEST(Binary, OtherVersionsAndOtherFilesAreNamed) {
  std::string bytes = to_binary(whole_program());
  bytes[8] = 2;
  EXPECT_NE(binary_error(bytes).find("of version 2, this tool reads version 1"), std::string::npos);
  EXPECT_NE(binary_error("\x93NUMPY").find("systolith asm"), std::string::npos);
  EXPECT_FALSE(is_binary("# a text"));
  EXPECT_FALSE(is_binary(""));
}

/// `bytes` with the checksum and the length that fit what follows the header.
std::string sealed(std::string bytes) {
  const std::size_t size = bytes.size() - 24;
  const auto crc = static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + 24), static_cast<uInt>(size)));
  std::memcpy(bytes.data() + 12, &crc, 4);
  std::memcpy(bytes.data() + 16, &size, 8);
  return bytes;
}

// What a checksum that fits can still hide.
TEST(Binary, PartsThatMakeNoSenseAreRefused) {
  const std::string bytes = to_binary(assemble("output 1 2"));
  const auto with = [&](std::size_t at, char value) {
    std::string changed = bytes;
    changed[24 + at] = value;
    return binary_error(sealed(changed));
  };
  EXPECT_EQ(binary_error(sealed(bytes)), "accepted");
  EXPECT_NE(with(0, 9).find("part 9 is unknown"), std::string::npos);
  EXPECT_NE(with(0, 0).find("part 0 is unknown"), std::string::npos);
  EXPECT_NE(with(0, 2).find("part 2 has 16 bytes, not 24"), std::string::npos);
  EXPECT_NE(with(0, 8).find("half a command"), std::string::npos);
  EXPECT_NE(with(8, 100).find("half a part"), std::string::npos);
  EXPECT_NE(with(15, '\xff').find("half a part"), std::string::npos);
  std::string endless = bytes;
  endless.replace(24 + 8, 8, 8, '\xff');
  EXPECT_NE(binary_error(sealed(endless)).find("half a part"), std::string::npos);
  EXPECT_NE(binary_error(sealed(bytes + "12345678")).find("half a part"), std::string::npos);
}

// The text refuses these, or could not say them.
TEST(Binary, WhatNoTextSaysIsRefused) {
  /// The file of `text` with one byte of the first part's payload changed.
  const auto with = [](const char* text, std::size_t at, char value) {
    std::string bytes = to_binary(assemble(text));
    EXPECT_EQ(binary_error(sealed(bytes)), "accepted");
    bytes[24 + 16 + at] = value;
    return binary_error(sealed(bytes));
  };
  const auto expect = [](const std::string& error, const char* part) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_NE(error.find("assemble the text again"), std::string::npos) << error;
  };
  const char* const window = "window 0 0x10 0x20 read";
  expect(with(window, 8, 0x21), "last is before first");
  expect(with(window, 0, 8), "window 8 does not fit 3 bits");
  expect(with(window, 7, 1), "does not fit 3 bits");
  expect(with(window, 24, 4), "permissions 4 does not fit 2 bits");
  expect(with("ring 0x1000 4 0x2000", 8, 32), "slots_log2 32 does not fit 5 bits");
  expect(with("ring 0x1000 4 0x2000", 12, 1), "does not fit 5 bits");
  expect(with("fill 0 1 value=2", 17, 1), "value 258 does not fit 8 bits");
  for (const char blank : {' ', '\t', '\r', '\n', '#'})
    expect(with("configuration abcd", 1, blank), "no name that is one word");
  expect(with("configuration abc", 3, 1), "bytes that must be 0 are not");
  expect(with("configuration abc", 4, 1), "bytes that must be 0 are not");
  expect(with("window 0 0x10 0x20", -12, 1), "bytes that must be 0 are not");

  /// The file of a program whose parts `change` made wrong.
  const auto written = [](auto change) {
    Program program = whole_program();
    change(program);
    return binary_error(to_binary(program));
  };
  expect(written([](Program& p) { p.configuration = ""; }), "no name");
  expect(written([](Program& p) { p.windows.push_back(p.windows[1]); }), "window 7 is given twice");
  expect(written([](Program& p) {
           p.contents.push_back({1, std::vector<std::byte>{}});
         }),
         "memory without bytes");
  const auto twice = [](const char* text) {
    const std::string bytes = to_binary(assemble(text));
    const std::string parts = bytes.substr(24);
    return binary_error(sealed(bytes + parts));
  };
  expect(twice("ring 0x1000 4 0x2000"), "ring is given twice");
  expect(twice("configuration ab"), "configuration is given twice");
}

// Nothing that a random file holds makes the reader read past it; sanitizers would say.
TEST(Binary, RandomPartsNeverCrash) {
  std::mt19937_64 random(3);
  const std::string bytes = to_binary(whole_program());
  for (int i = 0; i < 20000; ++i) {
    std::string changed = bytes.substr(0, 24 + random() % (bytes.size() - 24));
    for (std::uint64_t n = random() % 4; n > 0 && changed.size() > 24; --n)
      changed[24 + random() % (changed.size() - 24)] = static_cast<char>(random());
    binary_error(sealed(changed));
  }
}

TEST(Page, ExampleRunsOnTheModel) {
  std::ifstream page(PROGRAM_FORMAT_PAGE);
  std::stringstream all;
  all << page.rdbuf();
  const std::string text = all.str();
  const std::size_t first = text.find("```\n") + 4;
  const Program program =
      assemble(std::string_view(text).substr(first, text.find("```", first) - first));
  ASSERT_EQ(program.commands.size(), 4u);

  constexpr std::uint64_t kRing = 0x8000'0000;
  model::Memory memory;
  memory.add(kRing, 1 << 20);
  for (const Contents& contents : program.contents) {
    const std::vector<std::byte> bytes = contents.bytes();
    ASSERT_TRUE(memory.write(contents.address, bytes));
  }
  ASSERT_TRUE(memory.write(kRing, std::as_bytes(std::span(program.commands))));
  model::Device device(model::Configuration::named("4x4"), memory);
  const Window& window = program.windows.at(0);
  device.write32(SYSTOLITH_REGISTER_WINDOW_BASE_LO, static_cast<std::uint32_t>(window.base));
  device.write32(SYSTOLITH_REGISTER_WINDOW_LAST_LO, static_cast<std::uint32_t>(window.last));
  device.write32(SYSTOLITH_REGISTER_WINDOW_PERMIT, 3);
  device.write32(SYSTOLITH_REGISTER_RING_LO, kRing);
  device.write32(SYSTOLITH_REGISTER_RECORD_LO, kRing + 0x1000);
  device.write32(SYSTOLITH_REGISTER_RING_SIZE, 2);
  device.write32(SYSTOLITH_REGISTER_CONTROL, 1);
  device.write32(SYSTOLITH_REGISTER_DOORBELL, 4);
  EXPECT_EQ(device.read32(SYSTOLITH_REGISTER_COMPLETED), 4u);
  EXPECT_EQ(device.read32(SYSTOLITH_REGISTER_FAULT), 0u);
  for (const std::uint16_t value : device.semaphores()) EXPECT_EQ(value, 0u);
  EXPECT_NE(memory.at(0x80022000, 1)[0], std::byte{0xA5});
}

}  // namespace
}  // namespace systolith::program
