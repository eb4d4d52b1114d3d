#include "causalfm/sweep/folder.hpp"

#include "causalfm/config/document.hpp"
#include "causalfm/config/load.hpp"
#include "causalfm/run/json_text.hpp"
#include "causalfm/run/same_run.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/checksum.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/sweep/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace causalfm::sweep {

namespace {

using nlohmann::ordered_json;

std::string read(storage::FileSystem& file_system, const std::filesystem::path& file) {
  const std::vector<std::byte> content = file_system.read(file);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

/// Keys that every trial has a value of its own for.
std::vector<std::string> overridden_keys(const Description& description) {
  std::vector<std::string> keys{"seed"};
  for (const Parameter& parameter : description.parameters) keys.push_back(parameter.key);
  return keys;
}

}  // namespace

SweepFolder SweepFolder::create(storage::FileSystem& file_system, const std::filesystem::path& folder,
                                std::string_view yaml, const Description& description) {
  SweepFolder sweep(file_system, folder);
  if (file_system.exists(sweep.base_file())) {
    const config::Config former = config::parse(read(file_system, sweep.base_file()), sweep.base_file().string());
    const std::string differing = run::harmful_differences(former, description.base, overridden_keys(description));
    if (!differing.empty()) {
      throw SweepError(
          fmt::format("{}: it holds a sweep from another base ({}); choose another --out folder or the "
                      "former base",
                      folder.string(), differing));
    }
  }
  file_system.create_folders(folder / "trials");
  file_system.create_folders(folder / "output");
  storage::replace_file(file_system, sweep.base_file(), std::string_view(config::to_yaml(description.base)));
  storage::replace_file(file_system, sweep.sweep_file(), yaml);
  return sweep;
}

SweepFolder SweepFolder::open(storage::FileSystem& file_system, const std::filesystem::path& folder) {
  SweepFolder sweep(file_system, folder);
  if (!file_system.exists(sweep.sweep_file()) || !file_system.exists(sweep.base_file())) {
    throw SweepError(folder.string() +
                     ": no sweep is here (no sweep.yaml with its base.yaml); give the --out folder of "
                     "`causalfm sweep run`");
  }
  return sweep;
}

std::filesystem::path SweepFolder::report(const Trial& trial, int64_t steps) const {
  return run(trial) / fmt::format("report-{:08}", steps);
}

std::filesystem::path SweepFolder::data_set(const config::Config& config) const {
  if (config.data.path) return *config.data.path;
  const std::string simulation = config::to_json(config.simulation);
  const std::string identity = storage::sha256_hex(std::as_bytes(std::span(simulation)));
  constexpr std::size_t digits = 12;
  return folder_ / "data" / identity.substr(0, digits);
}

Description SweepFolder::description() const {
  const config::Config base = config::parse(read(*file_system_, base_file()), base_file().string());
  return describe(read(*file_system_, sweep_file()), sweep_file().string(), base);
}

std::vector<Trial> SweepFolder::trials(const Description& description) const {
  return trials_of(description, sweep_file().string());
}

void SweepFolder::write_failure(const Trial& trial, const Failure& failure) const {
  file_system_->create_folders(folder_ / "failures");
  const ordered_json json{{"code", failure.code}, {"sentence", failure.sentence}};
  storage::replace_file(*file_system_, failure_file(trial), std::string_view(run::to_text(json, 2) + "\n"));
}

void SweepFolder::remove_failure(const Trial& trial) const {
  if (file_system_->exists(failure_file(trial))) file_system_->remove(failure_file(trial));
}

std::optional<Failure> SweepFolder::read_failure(const Trial& trial) const {
  if (!file_system_->exists(failure_file(trial))) return {};
  const ordered_json json = ordered_json::parse(read(*file_system_, failure_file(trial)), nullptr, false);
  if (!json.is_object() || !json.contains("code") || !json["code"].is_number_integer()) return Failure{1, "unknown"};
  return Failure{json["code"].get<int>(), json.value("sentence", "")};
}

}  // namespace causalfm::sweep
