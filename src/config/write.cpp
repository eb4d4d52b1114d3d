#include "causalfm/config/load.hpp"
#include "config/keys.hpp"

namespace causalfm::config {

std::string to_yaml(const Config& config) {
  Config copy = config;
  std::string yaml;
  std::string_view section;
  for (const Key& key : keys_of(copy)) {
    if (key.section() != section) {
      section = key.section();
      yaml += std::string(section) + ":\n";
    }
    yaml += section.empty() ? "" : "  ";
    yaml += std::string(key.last_name()) + ": " + key.setting->text() + '\n';
  }
  return yaml;
}

std::string to_json(const Simulation& simulation) {
  Config config;
  config.simulation = simulation;
  std::string json = "{";
  for (const Key& key : keys_of(config)) {
    if (key.section() != "simulation") continue;
    if (json.size() > 1) json += ',';
    json += '"' + std::string(key.last_name()) + "\":" + key.setting->json();
  }
  return json + '}';
}

std::vector<Difference> differences(const Config& first, const Config& second) {
  Config first_copy = first;
  Config second_copy = second;
  const std::vector<Key> first_keys = keys_of(first_copy);
  const std::vector<Key> second_keys = keys_of(second_copy);
  std::vector<Difference> found;
  for (std::size_t i = 0; i < first_keys.size(); ++i) {
    Difference difference{std::string(first_keys[i].name), first_keys[i].setting->text(),
                          second_keys[i].setting->text()};
    if (difference.first != difference.second) found.push_back(std::move(difference));
  }
  return found;
}

}  // namespace causalfm::config
