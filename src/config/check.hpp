#pragma once

#include "causalfm/config/config.hpp"
#include "config/keys.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::config {

/// Where the keys that a user set were set last: "configs/paper.yaml:12" or "--set train.steps=3".
using Places = std::map<std::string, std::string, std::less<>>;

/// What must hold between several keys.
struct Relation {
  std::vector<std::string_view> keys;  ///< those that it speaks of, the one to change first in front
  std::string_view rule;               ///< "model.width must be ..."
  bool (*holds)(const Config&);        ///< called when every single key is in its range
};

std::vector<Relation> relations();

/// Checks the range of every key, then every relation, and reports the first that does not hold. `keys` is the table
/// of `config`. @throws ConfigError naming the place, the values, and what they must be.
void check(const Config& config, const std::vector<Key>& keys, const Places& places);

}  // namespace causalfm::config
