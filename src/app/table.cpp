#include "app/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <ostream>

namespace causalfm::app {

void print_table(const std::vector<std::vector<std::string>>& rows, std::ostream& output,
                 const std::vector<std::size_t>& left) {
  if (rows.empty()) return;
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < widths.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const bool to_the_left = column == 0 || std::ranges::find(left, column) != left.end();
      if (column > 0) line += "  ";
      line += to_the_left ? fmt::format("{:<{}}", row[column], widths[column])
                          : fmt::format("{:>{}}", row[column], widths[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    output << line << "\n";
  }
}

}  // namespace causalfm::app
