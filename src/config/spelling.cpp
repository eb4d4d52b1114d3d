#include "causalfm/config/spelling.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

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

std::string_view nearest_of(std::span<const std::string_view> names, std::string_view given) {
  given = given.substr(0, 200);  // no name is near to a longer text, and time grows with it
  return *std::ranges::min_element(names, {}, [given](std::string_view name) { return edit_distance(given, name); });
}

}  // namespace causalfm::config
