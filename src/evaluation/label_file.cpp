#include "evaluation/label_file.hpp"

#include "causalfm/evaluation/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <vector>

namespace causalfm::evaluation {

namespace {

std::string trimmed(std::string cell) {
  const auto is_blank = [](char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; };
  while (!cell.empty() && is_blank(cell.back())) cell.pop_back();
  cell.erase(cell.begin(), std::ranges::find_if_not(cell, is_blank));
  return cell;
}

/// RFC 4180 without line breaks inside quotes.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      const bool doubled = quoted && i + 1 < line.size() && line[i + 1] == '"';
      if (doubled) cells.back() += line[++i];
      if (!doubled) quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  std::ranges::transform(cells, cells.begin(), trimmed);
  return cells;
}

size_t place_of(const std::vector<std::string>& header, const std::string& column, const std::filesystem::path& file) {
  const auto found = std::ranges::find(header, column);
  if (found == header.end()) {
    throw EvaluationError(
        fmt::format("{}:1: there is no column {}; its columns are {}", file.string(), column, fmt::join(header, ", ")));
  }
  return static_cast<size_t>(found - header.begin());
}

}  // namespace

std::map<int64_t, std::string> read_label_column(const std::filesystem::path& file, const std::string& column) {
  std::ifstream stream(file);
  std::string line;
  if (!stream || !std::getline(stream, line)) {
    throw EvaluationError(
        fmt::format("{}: cannot be read, or is empty: name a CSV file with a header line and a column "
                    "star_id",
                    file.string()));
  }
  constexpr const char* byte_order_mark = "\xEF\xBB\xBF";
  if (line.starts_with(byte_order_mark)) line.erase(0, 3);
  const std::vector<std::string> header = cells_of(line);
  const size_t star_place = place_of(header, "star_id", file);
  const size_t label_place = place_of(header, column, file);

  std::map<int64_t, std::string> labels;
  for (int64_t number = 2; std::getline(stream, line); ++number) {
    if (trimmed(line).empty()) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != header.size()) {
      throw EvaluationError(fmt::format("{}:{}: {} cells where the header has {}: correct the line", file.string(),
                                        number, cells.size(), header.size()));
    }
    const std::string& id = cells[star_place];
    int64_t star = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), star);
    if (error != std::errc() || end != id.data() + id.size()) {
      throw EvaluationError(
          fmt::format("{}:{}: star_id is '{}', which is no whole number: correct it", file.string(), number, id));
    }
    const std::string& label = cells[label_place];
    if (label.empty()) continue;
    const auto [known, is_new] = labels.try_emplace(star, label);
    if (!is_new && known->second != label) {
      throw EvaluationError(
          fmt::format("{}:{}: star {} has {} '{}' here and '{}' before: a label belongs to a star; "
                      "keep one",
                      file.string(), number, star, column, label, known->second));
    }
  }
  return labels;
}

}  // namespace causalfm::evaluation
