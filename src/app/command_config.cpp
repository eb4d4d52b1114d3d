#include "app/command_config.hpp"

#include "causalfm/config/load.hpp"

namespace causalfm::app {

int config_check(const std::filesystem::path& file, const std::vector<std::string>& overrides, std::ostream& output) {
  config::load(file, overrides);
  output << (file.empty() ? "the defaults" : file.string()) << ": valid\n";
  return 0;
}

int config_show(const std::filesystem::path& file, const std::vector<std::string>& overrides, std::ostream& output) {
  output << config::to_yaml(config::load(file, overrides));
  return 0;
}

int config_keys(std::ostream& output) {
  output << config::describe_keys();
  return 0;
}

}  // namespace causalfm::app
