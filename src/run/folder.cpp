#include "causalfm/run/folder.hpp"

#include "causalfm/run/error.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/error.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <ranges>
#include <string_view>
#include <utility>

namespace causalfm::run {

namespace {

constexpr const char* latest_pointer = "latest";
constexpr const char* best_pointer = "best";
constexpr std::string_view name_start = "step-";
constexpr std::string_view name_end = ".h5";

std::string checkpoint_name(int64_t step) {
  std::string digits = std::to_string(step);
  digits.insert(0, digits.size() < 8 ? 8 - digits.size() : 0, '0');
  return std::string(name_start) + digits + std::string(name_end);
}

/// The step of a checkpoint's file name; none for any other name.
std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(name_start) || !name.ends_with(name_end)) {
    return {};
  }
  const std::string_view digits = name.substr(name_start.size(), name.size() - name_start.size() - name_end.size());
  int64_t step = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && checkpoint_name(step) == name ? std::optional(step) : std::nullopt;
}

std::string read_text(storage::FileSystem& file_system, const std::filesystem::path& file) {
  const std::vector<std::byte> content = file_system.read(file);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

}  // namespace

RunFolder::RunFolder(storage::FileSystem& file_system, std::filesystem::path folder)
    : file_system_(&file_system), folder_(std::move(folder)) {}

RunFolder RunFolder::create(storage::FileSystem& file_system, const std::filesystem::path& folder) {
  RunFolder created(file_system, folder);
  const bool is_new = !file_system.exists(folder);
  file_system.create_folders(created.checkpoints());
  file_system.sync_folder(folder);
  if (is_new) {
    file_system.sync_folder(folder.has_parent_path() ? folder.parent_path() : ".");
  }
  return created;
}

RunFolder RunFolder::open(storage::FileSystem& file_system, const std::filesystem::path& folder) {
  RunFolder opened(file_system, folder);
  if (!file_system.exists(opened.config_file())) {
    throw RunError(folder.string() + ": it holds no run (no config.yaml): give the folder of a run");
  }
  return opened;
}

std::filesystem::path RunFolder::checkpoint_file(int64_t step) const { return checkpoints() / checkpoint_name(step); }

std::filesystem::path RunFolder::non_finite_file(const std::filesystem::path& folder, int64_t step) {
  return folder / "non-finite" / checkpoint_name(step);
}

void RunFolder::write_config(const std::string& yaml) {
  storage::replace_file(*file_system_, config_file(), std::string_view(yaml));
}

std::optional<std::string> RunFolder::read_config() const {
  return file_system_->exists(config_file()) ? std::optional(read_text(*file_system_, config_file())) : std::nullopt;
}

int64_t RunFolder::save_checkpoint(const Checkpoint& checkpoint) {
  const std::vector<std::byte> content = encode(checkpoint);
  storage::replace_file(*file_system_, checkpoint_file(checkpoint.step), content);
  storage::replace_file(*file_system_, checkpoints() / latest_pointer, checkpoint_name(checkpoint.step) + "\n");
  return static_cast<int64_t>(content.size());
}

void RunFolder::mark_best(int64_t step) {
  if (!file_system_->exists(checkpoint_file(step))) {
    throw storage::StorageError(checkpoint_file(step).string() +
                                ": it is not there to be the best: save the checkpoint first");
  }
  storage::replace_file(*file_system_, checkpoints() / best_pointer, checkpoint_name(step) + "\n");
}

void RunFolder::save_non_finite(int64_t step, std::span<const std::byte> content, int64_t keep) {
  const std::filesystem::path file = non_finite_file(folder_, step);
  file_system_->create_folders(file.parent_path());
  storage::replace_file(*file_system_, file, content);
  std::vector<std::string> others;  // names sort as steps do
  for (const std::string& name : file_system_->list(file.parent_path())) {
    if (step_of(name) && name != file.filename()) others.push_back(name);
  }
  while (static_cast<int64_t>(others.size()) >= keep) {
    file_system_->remove(file.parent_path() / others.front());
    others.erase(others.begin());
  }
}

std::optional<std::filesystem::path> RunFolder::named_by(const char* pointer) const {
  const std::filesystem::path text = checkpoints() / pointer;
  if (!file_system_->exists(text)) {
    return {};
  }
  std::string name = read_text(*file_system_, text);
  name.resize(std::min(name.find('\n'), name.size()));
  const std::filesystem::path file = checkpoints() / name;
  return step_of(name) && file_system_->exists(file) ? std::optional(file) : std::nullopt;
}

std::optional<std::filesystem::path> RunFolder::latest_checkpoint() const { return named_by(latest_pointer); }

std::optional<std::filesystem::path> RunFolder::best_checkpoint() const { return named_by(best_pointer); }

std::vector<int64_t> RunFolder::checkpoint_steps() const {
  std::vector<int64_t> steps;
  if (file_system_->exists(checkpoints())) {
    for (const std::string& name : file_system_->list(checkpoints())) {
      if (const auto step = step_of(name)) {
        steps.push_back(*step);
      }
    }
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<LoadedCheckpoint> RunFolder::load_latest() const {
  const std::vector<int64_t> steps = checkpoint_steps();
  if (steps.empty()) {
    return {};
  }
  std::vector<std::filesystem::path> candidates;
  std::transform(steps.rbegin(), steps.rend(), std::back_inserter(candidates),
                 [this](int64_t step) { return checkpoint_file(step); });
  std::vector<std::string> warnings;
  if (const auto latest = latest_checkpoint()) {
    std::stable_partition(candidates.begin(), candidates.end(), [&](const auto& file) { return file == *latest; });
  } else {
    warnings.push_back((checkpoints() / latest_pointer).string() +
                       ": it names no checkpoint that is there; the newest whole one is taken");
  }
  for (const std::filesystem::path& file : candidates) {
    try {
      return LoadedCheckpoint{load_checkpoint(*file_system_, file), file, std::move(warnings)};
    } catch (const storage::StorageError& error) {
      warnings.emplace_back(error.what());
    }
  }
  throw storage::StorageError(checkpoints().string() + ": none of its " + std::to_string(steps.size()) +
                              " checkpoints is whole, for one: " + warnings.back() +
                              ", or start anew in another folder");
}

void RunFolder::prune(int64_t newest_step, const Retention& retention) {
  const std::optional<std::filesystem::path> best = best_checkpoint();
  const std::vector<int64_t> steps = checkpoint_steps();
  int64_t kept = 0;
  for (const int64_t step : std::views::reverse(steps)) {
    const std::filesystem::path file = checkpoint_file(step);
    const bool newest = step == newest_step || (step < newest_step && kept < retention.newest);
    const bool milestone = step < newest_step && retention.every > 0 && step % retention.every == 0;
    kept += newest ? 1 : 0;
    if (!newest && !milestone && file != best) {
      file_system_->remove(file);
    }
  }
  remove_unfinished();
}

void RunFolder::remove_unfinished() {
  for (const std::string& name : file_system_->list(checkpoints())) {
    if (storage::is_partial_file(name)) {
      file_system_->remove(checkpoints() / name);
    }
  }
}

void RunFolder::complete_save(int64_t best_step) {
  const std::filesystem::path best = checkpoint_file(best_step);
  if (file_system_->exists(best) && best_checkpoint() != best) {
    mark_best(best_step);
  }
  remove_unfinished();
}

}  // namespace causalfm::run
