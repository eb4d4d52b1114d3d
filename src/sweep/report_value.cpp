#include "sweep/report_value.hpp"

#include "causalfm/run/metrics.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/sweep/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace causalfm::sweep {

namespace {

using nlohmann::ordered_json;

class Search {
 public:
  Search(const std::filesystem::path& file, std::string path) : file_(file), path_(std::move(path)) {}

  double value(const ordered_json& node, std::string_view rest) const {
    if (node.is_array()) return mean(node, rest);
    if (rest.empty()) {
      if (node.is_object()) refuse(node);
      return run::to_number(node);
    }
    if (!node.is_object()) refuse(node);
    // The name of a target, a column of the user's, may hold dots.
    for (std::size_t end = rest.find('.');; end = rest.find('.', end + 1)) {
      const auto found = node.find(std::string(rest.substr(0, end)));
      const bool last = end == std::string_view::npos;
      if (found != node.end()) return value(*found, last ? std::string_view() : rest.substr(end + 1));
      if (last) refuse(node);
    }
  }

 private:
  double mean(const ordered_json& list, std::string_view rest) const {
    if (list.empty()) refuse(list);
    double sum = 0.0;
    for (const ordered_json& element : list) sum += value(element, rest);
    return sum / static_cast<double>(list.size());
  }

  [[noreturn]] void refuse(const ordered_json& node) const {
    std::vector<std::string> names;
    if (node.is_object()) {
      for (const auto& [name, ignored] : node.items()) names.push_back(name);
    }
    throw SweepError(fmt::format("{}: objective {} is no number there; {}", file_.string(), path_,
                                 names.empty() ? "see docs/evaluation.md for what a report holds"
                                               : fmt::format("it may go on with {}", fmt::join(names, ", "))));
  }

  const std::filesystem::path& file_;
  std::string path_;
};

}  // namespace

double value_in_report(storage::FileSystem& file_system, const std::filesystem::path& file, const std::string& path) {
  const std::vector<std::byte> content = file_system.read(file);
  const auto* text = reinterpret_cast<const char*>(content.data());
  const ordered_json report = ordered_json::parse(text, text + content.size(), nullptr, false);
  if (report.is_discarded()) {
    throw storage::StorageError(file.string() + ": is no JSON; remove its folder, and the sweep evaluates again");
  }
  return Search(file, path).value(report, path);
}

}  // namespace causalfm::sweep
