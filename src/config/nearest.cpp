#include "config/nearest.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace causalfm::config {

size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);  // distances of the prefix of `left` so far to every prefix of `right`
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < left.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < right.size(); ++j) {
      const size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

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
