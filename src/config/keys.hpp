#pragma once

#include "causalfm/config/config.hpp"
#include "config/setting.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace causalfm::config {

/// One line of the table of all keys.
struct Key {
  std::string_view name;             ///< dotted, as a user writes it: "train.steps"
  std::unique_ptr<Setting> setting;  ///< its member of the Config that the table was made for
  std::string_view sentence;         ///< what it means

  std::string_view section() const;    ///< "train"; empty for a key outside every section
  std::string_view last_name() const;  ///< "steps"
};

/// What a section is about, in the order of the sections.
struct Section {
  std::string_view name;
  std::string_view sentence;
};

/// Every key there is, in the order of the documentation, bound to the members of `config`, which outlives the table.
std::vector<Key> keys_of(Config& config);

std::vector<Section> sections();

/// The key of that dotted name, or null.
const Key* find_key(const std::vector<Key>& keys, std::string_view name);

}  // namespace causalfm::config
