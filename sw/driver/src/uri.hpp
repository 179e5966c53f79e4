// Device URIs: scheme, then key=value pairs after a colon; of uart: a path before them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "systolith/model/configuration.h"

namespace systolith::driver {

struct Uri {
  std::string scheme;
  std::string path;  // of uart:, up to the first comma; empty if none is given
  std::map<std::string, std::string> keys;

  /// Throws std::invalid_argument that says what a URI looks like.
  static Uri parse(const std::string& text);

  /// Refuses keys that are not in `known`.
  void allow(const std::vector<std::string>& known) const;
  /// A whole number, or `otherwise`.
  std::uint64_t number(const std::string& key, std::uint64_t otherwise) const;
  /// A share from 0 up to, but not, 1, or `otherwise`.
  double share(const std::string& key, double otherwise) const;
  /// The share in whole percent: the nearest, 99 at most.
  std::uint8_t percent(const std::string& key) const;
};

/// The configuration that config=, rows=, cols=, bus= (bits) and depth= select among `names`; the
/// first that fits, 16x16 if none is given. Throws std::invalid_argument with the list.
std::string select_configuration(const Uri& uri, const std::vector<std::string>& names);

}  // namespace systolith::driver
