#include "causalfm/run/summary.hpp"

#include "causalfm/run/json_text.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/error.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace causalfm::run {

namespace {

using nlohmann::ordered_json;

constexpr std::array<std::pair<Ending, std::string_view>, 4> ending_names{{{Ending::completed, "completed"},
                                                                           {Ending::early_stopping, "early_stopping"},
                                                                           {Ending::interrupted, "interrupted"},
                                                                           {Ending::failed, "failed"}}};

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& cause) {
  throw storage::StorageError(file.string() + ": it is no summary of a run, " + cause +
                              ": remove it; a resumed run writes it again");
}

Ending ending_of(const std::string& text, const std::filesystem::path& file) {
  for (const auto& [ending, name] : ending_names) {
    if (name == text) {
      return ending;
    }
  }
  fail(file, "its end is '" + text + "'");
}

}  // namespace

std::string to_string(Ending ending) {
  for (const auto& [candidate, name] : ending_names) {
    if (candidate == ending) {
      return std::string(name);
    }
  }
  throw storage::StorageError("an ending that does not exist: a defect of the caller");
}

void write_summary(storage::FileSystem& file_system, const std::filesystem::path& file, const Summary& summary) {
  ordered_json json{{"ended", to_string(summary.ended)}, {"steps", summary.steps},     {"best_step", summary.best_step},
                    {"best_value", summary.best_value},  {"seconds", summary.seconds}, {"ranks", summary.ranks}};
  if (summary.threads > 0) {
    json["threads"] = summary.threads;
  }
  if (!summary.instruction_set.empty()) {
    json["instruction_set"] = summary.instruction_set;
  }
  json["versions"] = summary.versions;
  if (!summary.reason.empty()) {
    json["reason"] = summary.reason;
  }
  storage::replace_file(file_system, file, to_text(std::move(json), 2) + "\n");
}

Summary read_summary(storage::FileSystem& file_system, const std::filesystem::path& file) {
  const std::vector<std::byte> content = file_system.read(file);
  try {
    const char* const first = reinterpret_cast<const char*>(content.data());
    const ordered_json json = ordered_json::parse(first, first + content.size());
    Summary summary;
    summary.ended = ending_of(json.at("ended").get<std::string>(), file);
    summary.steps = json.at("steps").get<int64_t>();
    summary.best_step = json.at("best_step").get<int64_t>();
    summary.best_value = to_number(json.at("best_value"));
    summary.seconds = to_number(json.at("seconds"));
    summary.ranks = json.at("ranks").get<int64_t>();
    summary.threads = json.value("threads", summary.threads);
    summary.instruction_set = json.value("instruction_set", "");
    summary.versions = json.at("versions").get<std::map<std::string, std::string>>();
    summary.reason = json.value("reason", "");
    return summary;
  } catch (const nlohmann::json::exception& error) {
    fail(file, error.what());
  }
}

}  // namespace causalfm::run
