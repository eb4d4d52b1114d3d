#include "causalfm/run/metrics.hpp"

#include "causalfm/run/json_text.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/error.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace causalfm::run {

namespace {

using nlohmann::ordered_json;

/// A line of metrics: an object with a whole number `step`. None for anything else.
std::optional<ordered_json> parse_line(std::string_view line) {
  ordered_json value = ordered_json::parse(line, nullptr, false);
  const bool whole = value.is_object() && value.contains("step") && value["step"].is_number_integer();
  return whole ? std::optional(std::move(value)) : std::nullopt;
}

/// Calls `take` with each line and whether it has its newline.
void for_each_line(std::string_view text, const std::function<void(std::string_view line, bool complete)>& take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const bool complete = end != std::string_view::npos;
    take(text.substr(0, end), complete);
    text.remove_prefix(complete ? end + 1 : text.size());
  }
}

std::string_view as_text(const std::vector<std::byte>& content) {
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

/// The step of which the line tells was done before `steps_done` steps were.
bool is_past(const ordered_json& line, int64_t steps_done) {
  const auto step = line["step"].get<int64_t>();
  return line.contains("validation_loss") ? step <= steps_done : step < steps_done;
}

}  // namespace

MetricsWriter::MetricsWriter(storage::FileSystem& file_system, std::filesystem::path file)
    : file_system_(&file_system), file_(std::move(file)) {}

std::string MetricsWriter::write(const ordered_json& line) {
  refused_ += to_text(line) + '\n';
  return flush();
}

std::string MetricsWriter::flush() {
  if (refused_.empty()) return {};
  try {
    if (!whole_ || refusals_ > 0) find_whole();
    file_system_->append(file_, std::as_bytes(std::span(refused_)));
    if (whole_) *whole_ += refused_.size();
    refused_.clear();
    refusals_ = 0;
    return {};
  } catch (const storage::StorageError& error) {
    ++refusals_;
    return error.what();
  }
}

void MetricsWriter::find_whole() {
  if (file_system_->exists(file_)) {
    const uint64_t size = file_system_->read(file_).size();
    whole_ = std::min(size, whole_.value_or(size));
    // Of what was refused the file may hold a part.
    if (*whole_ < size) file_system_->truncate(file_, *whole_);
  } else if (file_system_->exists(file_.has_parent_path() ? file_.parent_path() : ".")) {
    whole_ = 0;
  }  // else the folder is gone, and may come back with the lines that it holds
}

void MetricsWriter::drop_after_resume(int64_t steps_done) {
  whole_.reset();
  refused_.clear();
  refusals_ = 0;
  if (!file_system_->exists(file_)) {
    return;
  }
  const std::vector<std::byte> content = file_system_->read(file_);
  std::string kept;
  for_each_line(as_text(content), [&](std::string_view line, bool complete) {
    const auto parsed = parse_line(line);
    if (complete && parsed && is_past(*parsed, steps_done)) {
      kept += line;
      kept += '\n';
    }
  });
  if (kept != as_text(content)) {
    storage::replace_file(*file_system_, file_, std::string_view(kept));
  }
}

void visit_metrics(storage::FileSystem& file_system, const std::filesystem::path& file,
                   const std::function<void(ordered_json line)>& take, std::vector<std::string>* warnings) {
  int64_t number = 0;
  const std::vector<std::byte> content = file_system.read(file);
  for_each_line(as_text(content), [&](std::string_view line, bool complete) {
    ++number;
    if (auto parsed = parse_line(line); parsed && complete) {
      take(std::move(*parsed));
    } else if (complete && warnings != nullptr) {
      warnings->push_back(file.string() + ": line " + std::to_string(number) +
                          " is no line of metrics and is passed over; nothing needs to be done");
    }
  });
}

std::vector<ordered_json> read_metrics(storage::FileSystem& file_system, const std::filesystem::path& file,
                                       std::vector<std::string>* warnings) {
  std::vector<ordered_json> lines;
  visit_metrics(
      file_system, file, [&](ordered_json line) { lines.push_back(std::move(line)); }, warnings);
  return lines;
}

void sync_metrics(storage::FileSystem& file_system, const std::filesystem::path& file) {
  if (!file_system.exists(file)) return;
  file_system.sync_file(file);
  file_system.sync_folder(file.has_parent_path() ? file.parent_path() : ".");
}

double to_number(const ordered_json& value) {
  if (value.is_number()) {
    return value.get<double>();
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const auto& [name, number] : {std::pair{"nan", std::numeric_limits<double>::quiet_NaN()},
                                     std::pair{"inf", infinity}, std::pair{"-inf", -infinity}}) {
    if (value == name) {
      return number;
    }
  }
  throw storage::StorageError("'" + to_text(value) +
                              "' stands where a number belongs: restore the file or make it again");
}

}  // namespace causalfm::run
