#include "config/check.hpp"

#include "causalfm/config/error.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace causalfm::config {

namespace {

constexpr std::string_view default_place = "the defaults";

std::string_view place_of(std::string_view key, const Places& places) {
  const auto found = places.find(key);
  return found == places.end() ? default_place : std::string_view(found->second);
}

/// "'model.width' is 65 and 'model.heads' is 4 (by default)": every value, with its place unless that is `place`.
std::string values_text(const Relation& relation, const std::vector<Key>& keys, const Places& places,
                        std::string_view place) {
  std::string text;
  for (const std::string_view name : relation.keys) {
    if (!text.empty()) text += name == relation.keys.back() ? " and " : ", ";
    text += in_quotes(name) + " is " + shown(find_key(keys, name)->setting->text());
    const std::string_view own = place_of(name, places);
    if (own == default_place) {
      text += " (by default)";
    } else if (own != place) {
      text += " (" + std::string(own) + ')';
    }
  }
  return text;
}

}  // namespace

void check(const Config& config, const std::vector<Key>& keys, const Places& places) {
  for (const Key& key : keys) {
    if (key.setting->in_range()) continue;
    throw ConfigError(std::string(place_of(key.name, places)) + ": " + in_quotes(key.name) + " is " +
                      shown(key.setting->text()) + "; expected " + key.setting->expectation());
  }
  for (const Relation& relation : relations()) {
    if (relation.holds(config)) continue;
    const auto set_by_user = std::find_if(relation.keys.begin(), relation.keys.end(),
                                          [&](std::string_view name) { return places.contains(name); });
    const std::string_view place = set_by_user == relation.keys.end() ? default_place : place_of(*set_by_user, places);
    throw ConfigError(std::string(place) + ": " + values_text(relation, keys, places, place) + "; " +
                      std::string(relation.rule));
  }
}

}  // namespace causalfm::config
