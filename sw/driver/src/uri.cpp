#include "uri.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace systolith::driver {

Uri Uri::parse(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0)
    throw std::invalid_argument(fmt::format(
        "'{}' is no device URI; write model: or sim: or sim:rows=8,cols=8,latency=100 or "
        "uart:/dev/ttyUSB0",
        text));
  Uri uri;
  uri.scheme = text.substr(0, colon);
  std::size_t begin = colon + 1;
  if (uri.scheme == "uart") {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    uri.path = text.substr(begin, end - begin);
    begin = end + 1;
  }
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string pair = text.substr(begin, end - begin);
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      throw std::invalid_argument(
          fmt::format("'{}' in device URI '{}' is no key=value", pair, text));
    if (!uri.keys.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
      throw std::invalid_argument(
          fmt::format("key '{}' stands twice in device URI '{}'", pair.substr(0, equals), text));
    begin = end + 1;
  }
  return uri;
}

void Uri::allow(const std::vector<std::string>& known) const {
  for (const auto& [key, value] : keys)
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw std::invalid_argument(fmt::format("unknown key '{}' for {}: devices; known are {}", key,
                                              scheme, fmt::join(known, ", ")));
}

std::uint64_t Uri::number(const std::string& key, std::uint64_t otherwise) const {
  const auto entry = keys.find(key);
  if (entry == keys.end()) return otherwise;
  std::uint64_t value = 0;
  const std::string& text = entry->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument(fmt::format("{}={}: not a whole number", key, text));
  return value;
}

double Uri::share(const std::string& key, double otherwise) const {
  const auto entry = keys.find(key);
  if (entry == keys.end()) return otherwise;
  double value = -1;
  const std::string& text = entry->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value < 1))
    throw std::invalid_argument(
        fmt::format("{}={}: not a share from 0 up to, but not, 1", key, text));
  return value;
}

std::uint8_t Uri::percent(const std::string& key) const {
  return static_cast<std::uint8_t>(std::min(std::lround(share(key, 0) * 100), 99L));
}

std::string select_configuration(const Uri& uri, const std::vector<std::string>& names) {
  const auto config = uri.keys.find("config");
  const bool any = config != uri.keys.end() || uri.keys.count("rows") != 0 ||
                   uri.keys.count("cols") != 0 || uri.keys.count("bus") != 0 ||
                   uri.keys.count("depth") != 0;
  std::string list;
  for (const std::string& name : names) {
    const model::Configuration c = model::Configuration::named(name);
    const bool fits = any ? (config == uri.keys.end() || config->second == name) &&
                                uri.number("rows", c.rows) == c.rows &&
                                uri.number("cols", c.cols) == c.cols &&
                                uri.number("bus", c.bus_bytes * 8) == c.bus_bytes * 8 &&
                                uri.number("depth", c.mac_depth) == c.mac_depth
                          : name == "16x16";
    if (fits) return name;
    list += fmt::format("\n  config={} (rows={},cols={},bus={},depth={})", name, c.rows, c.cols,
                        c.bus_bytes * 8, c.mac_depth);
  }
  throw std::invalid_argument(fmt::format("no prebuilt device fits the URI; there are{}", list));
}

}  // namespace systolith::driver
