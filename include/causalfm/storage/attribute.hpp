#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace causalfm::storage {

/// What an attribute of an HDF5 file, group or dataset holds.
using AttributeValue =
    std::variant<std::string, int64_t, double, std::vector<std::string>, std::vector<int64_t>, std::vector<double>>;

}  // namespace causalfm::storage
