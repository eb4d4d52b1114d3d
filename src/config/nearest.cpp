#include "config/nearest.hpp"

#include "causalfm/config/spelling.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace causalfm::config {

std::string_view nearest_name(const std::vector<Key>& keys, std::string_view given) {
  given = given.substr(0, 200);  // no key is near to a longer text, and time grows with it
  const size_t dot = given.rfind('.');
  const bool in_section = dot != std::string_view::npos;
  const std::string_view section = in_section ? given.substr(0, dot) : std::string_view{};
  const std::string_view last = in_section ? given.substr(dot + 1) : given;
  std::pair<size_t, size_t> least{std::numeric_limits<size_t>::max(), 0};
  std::string_view nearest;
  const auto consider = [&](std::string_view name, std::string_view name_section, std::string_view last_name) {
    const size_t whole = edit_distance(given, name);
    const size_t elsewhere = in_section && section != name_section ? 1 : 0;
    const std::pair distance{std::min(whole, edit_distance(last, last_name) + elsewhere), whole};
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  };
  for (const Key& key : keys) consider(key.name, key.section(), key.last_name());
  if (!in_section) {
    for (const Section& one : sections()) consider(one.name, {}, one.name);
  }
  return nearest;
}

}  // namespace causalfm::config
