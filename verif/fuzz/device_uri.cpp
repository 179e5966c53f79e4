// Device URIs: --device of the tool, systolith_open.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "fuzz.hpp"
#include "uri.hpp"

namespace systolith::fuzz {
namespace {

using driver::Uri;

const std::vector<std::string>& configurations() {
  static const std::vector<std::string> names = model::Configuration::names();
  return names;
}

void names_key(const std::invalid_argument& error, const std::string& key) {
  require(std::string_view(error.what()).find(key) != std::string_view::npos,
          "the error does not name the key");
}

/// The text of a URI that was taken apart.
std::string text_of(const Uri& uri) {
  std::string text = uri.scheme + ":" + uri.path;
  bool first = uri.scheme != "uart";
  for (const auto& [key, value] : uri.keys) {
    text += fmt::format("{}{}={}", first ? "" : ",", key, value);
    first = false;
  }
  return text;
}

void check_key(const Uri& uri, const std::string& key, const std::string& value) {
  require(!key.empty() && !value.empty(), "a key without a value");
  const auto refused = [&](const std::invalid_argument& error) { names_key(error, key); };
  const auto number = accepted<std::invalid_argument>([&] { return uri.number(key, 0); }, refused);
  // Digits alone make a number; zeros may lead.
  if (number) require(value.find_first_not_of("0123456789") == std::string::npos, "no number");
  if (number && value[0] != '0') require(std::to_string(*number) == value, "another number");
  const auto share = accepted<std::invalid_argument>([&] { return uri.share(key, 0); }, refused);
  if (share) require(*share >= 0 && *share < 1, "no share");
  const auto allow = [&](const std::vector<std::string>& known) {
    uri.allow(known);
    return true;
  };
  const std::string other = key + "_";
  require(uri.keys.contains(other) ||
              !accepted<std::invalid_argument>(
                  [&] { return allow({other}); },
                  [&](const std::invalid_argument& error) { names_key(error, other); }),
          "an unknown key is allowed");
}

/// What it selects fits every key.
void check_selection(const Uri& uri, const std::string& name) {
  const model::Configuration c = model::Configuration::named(name);
  const auto fits = [&](const char* key, std::uint64_t value) {
    return uri.number(key, value) == value;
  };
  require(fits("rows", c.rows) && fits("cols", c.cols) && fits("bus", 8 * c.bus_bytes) &&
              fits("depth", c.mac_depth),
          "the selected device is another");
  const auto config = uri.keys.find("config");
  require(config == uri.keys.end() || config->second == name,
          "the selected device has another name");
}

}  // namespace

void test(std::string_view input) {
  // The interface takes a C string.
  const std::string text(input.substr(0, input.find('\0')));
  const auto uri = accepted<std::invalid_argument>(
      [&] { return Uri::parse(text); },
      [&](const std::invalid_argument& error) {
        require(std::string_view(error.what()).find(text) != std::string_view::npos,
                "the error does not quote the URI");
      });
  if (!uri) return;
  require(uri->path.find(',') == std::string::npos, "a path with a comma");
  require(!uri->scheme.empty() && uri->scheme.find(':') == std::string::npos, "no scheme");
  const Uri again = Uri::parse(text_of(*uri));
  require(again.scheme == uri->scheme && again.path == uri->path && again.keys == uri->keys,
          "printed and parsed it is another");

  for (const auto& [key, value] : uri->keys) check_key(*uri, key, value);
  const auto name = accepted<std::invalid_argument>(
      [&] { return driver::select_configuration(*uri, configurations()); },
      [](const std::invalid_argument& error) {
        const std::string_view what = error.what();
        require(what.find("config=tiny") != what.npos || what.find("whole number") != what.npos,
                "neither the list nor the number");
      });
  if (name) check_selection(*uri, *name);
}

}  // namespace systolith::fuzz
