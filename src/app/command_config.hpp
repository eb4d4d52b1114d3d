#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace causalfm::app {

/// `causalfm config check [CONFIG]`: one line that says that the configuration is valid.
/// Each returns the exit code 0. @throws config::ConfigError with the sentence of what is wrong.
int config_check(const std::filesystem::path& file, const std::vector<std::string>& overrides, std::ostream& output);

/// `causalfm config show [CONFIG]`: the configuration as YAML, every default filled in.
int config_show(const std::filesystem::path& file, const std::vector<std::string>& overrides, std::ostream& output);

/// `causalfm config keys`: docs/configuration.md.
int config_keys(std::ostream& output);

}  // namespace causalfm::app
