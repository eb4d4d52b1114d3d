#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace causalfm::config {

/// Levenshtein distance: the fewest insertions, deletions and replacements of one byte.
size_t edit_distance(std::string_view left, std::string_view right);

/// The one of `names`, at least one, that is nearest to `given`, for "did you mean"; the first of equals.
std::string_view nearest_of(std::span<const std::string_view> names, std::string_view given);

}  // namespace causalfm::config
