#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace causalfm::app {

/// Prints rows with their columns side by side, the first column and any of `left` to the left, others to the right.
/// Every row has as many cells as the first.
void print_table(const std::vector<std::vector<std::string>>& rows, std::ostream& output,
                 const std::vector<std::size_t>& left = {});

}  // namespace causalfm::app
