#pragma once

#include "config/keys.hpp"

#include <string_view>
#include <vector>

namespace causalfm::config {

/// The name of a key, or of a section where `given` has no dot, nearest to `given`: by the whole dotted name or by the
/// last component alone (one more where that is in another section), whichever is nearer; then by the whole name.
std::string_view nearest_name(const std::vector<Key>& keys, std::string_view given);

}  // namespace causalfm::config
