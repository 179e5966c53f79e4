// What every fuzz target has: one function that takes any bytes, and a way to say that what it saw
// is wrong. libFuzzer calls it in `make fuzz`, mutations.cpp in `make test`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace systolith::fuzz {

/// The target: hands `input` to a parser and checks what comes back. Ends the process where that is
/// wrong; an exception that leaves it does, too.
void test(std::string_view input);

/// Ends the process with this text.
[[noreturn]] void wrong(const std::string& text);

/// Ends the process with this text unless `holds`.
inline void require(bool holds, const char* text) {
  if (!holds) wrong(text);
}

/// Runs `parse`. What it returns, or nothing where it throws `Refusal`, whose text goes to
/// `refused`; other exceptions are wrong.
template <typename Refusal, typename Parse, typename Refused>
auto accepted(Parse parse, Refused refused) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const Refusal& refusal) {
    refused(refusal);
  }
  return std::nullopt;
}

}  // namespace systolith::fuzz
