#include "training/resumption.hpp"

#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"
#include "causalfm/run/process.hpp"
#include "causalfm/run/same_run.hpp"
#include "causalfm/training/error.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace causalfm::training {

namespace {

void move_aside(const TrainRequest& request, const Host& host) {
  std::filesystem::path aside;
  int number = 0;
  do {
    aside = request.folder;
    aside += fmt::format(".{}", ++number);
  } while (host.file_system.exists(aside));
  host.file_system.rename(request.folder, aside);
  host.log.info("{} held a run: moved to {}", request.folder.string(), aside.string());
}

/// config.yaml has no checksum; a checkpoint's copy has.
void note_changed_config(const run::RunFolder& folder, const config::Config& stored,
                         const std::vector<std::string>& allowed, run::LoadedCheckpoint& found) {
  std::string difference;
  try {
    const config::Config read = config::parse(*folder.read_config(), folder.config_file().string());
    difference = run::harmful_differences(stored, read, allowed);
  } catch (const config::ConfigError& error) {
    difference = error.what();
  }
  if (difference.empty()) return;
  found.warnings.push_back(fmt::format("{} is not what {} was saved with ({}): the checkpoint's counts",
                                       folder.config_file().string(), found.file.filename().string(), difference));
}

/// What rank 0 finds.
std::optional<run::LoadedCheckpoint> look(const TrainRequest& request, const Host& host) {
  const bool holds_run = host.file_system.exists(request.folder / "config.yaml");
  if (holds_run && request.resume == Resume::never) {
    move_aside(request, host);
    return {};
  }
  std::optional<run::LoadedCheckpoint> found;
  if (holds_run) {
    const run::RunFolder folder = run::RunFolder::open(host.file_system, request.folder);
    found = folder.load_latest();
    const config::Config stored = found ? config::parse(found->checkpoint.configuration, found->file.string())
                                        : config::parse(*folder.read_config(), folder.config_file().string());
    run::require_same_run(stored, request.config, request.folder, request.allowed_keys);
    if (found) note_changed_config(folder, stored, request.allowed_keys, *found);
  }
  if (!found && request.resume == Resume::always) {
    throw TrainingError(fmt::format("{}: there is no checkpoint to resume from: start the run without --resume always",
                                    request.folder.string()));
  }
  return found;
}

}  // namespace

std::optional<run::Checkpoint> find_checkpoint(const TrainRequest& request, const Host& host) {
  std::optional<run::LoadedCheckpoint> found;
  if (host.communicator.rank() == 0) {
    found = look(request, host);
    if (found) {
      for (const std::string& warning : found->warnings) host.log.warn(warning);
    }
  }
  const at::Tensor step = at::full({1}, found ? found->checkpoint.step : int64_t{-1}, at::kLong);
  host.communicator.broadcast(step, 0).wait();
  if (step.item<int64_t>() < 0) return {};
  if (found) return std::move(found->checkpoint);
  if (!host.file_system.exists(request.folder / "config.yaml")) {
    throw TrainingError(
        fmt::format("{} on {} is not the folder in which rank 0 found step {} to resume from: give --run a folder that "
                    "all hosts share",
                    request.folder.string(), run::this_host(), step.item<int64_t>()));
  }
  const run::RunFolder folder = run::RunFolder::open(host.file_system, request.folder);
  return run::load_checkpoint(host.file_system, folder.checkpoint_file(step.item<int64_t>()));
}

std::optional<run::Checkpoint> find_initial_weights(const TrainRequest& request, const Host& host) {
  if (!request.initial_weights) return {};
  std::filesystem::path file = *request.initial_weights;
  if (host.file_system.exists(file / "config.yaml")) {
    const run::RunFolder folder = run::RunFolder::open(host.file_system, file);
    const auto best = folder.best_checkpoint();
    const auto named = best ? best : folder.latest_checkpoint();
    if (!named) {
      throw TrainingError(fmt::format("--init-from {}: the run has no checkpoint yet: name another run or a checkpoint",
                                      file.string()));
    }
    file = *named;
  }
  run::Checkpoint checkpoint = run::load_checkpoint(host.file_system, file);
  config::Model theirs = config::parse(checkpoint.configuration, file.string()).model;
  theirs.dropout = request.config.model.dropout;
  if (theirs != request.config.model) {
    throw TrainingError(
        fmt::format("--init-from {}: its model is not the one of this configuration: give section "
                    "model the values that `causalfm config show` prints for its run",
                    file.string()));
  }
  return checkpoint;
}

std::vector<std::string> compare_with(const run::Checkpoint& checkpoint, const std::string& data_identity,
                                      const Host& host) {
  if (checkpoint.data_identity != data_identity) {
    throw TrainingError(
        fmt::format("the checkpoint of step {} was trained on data of identity {}, these have {}: give "
                    "data.path the data set of that run, or choose another --run folder",
                    checkpoint.step, checkpoint.data_identity.substr(0, 12), data_identity.substr(0, 12)));
  }
  std::vector<std::string> sentences;
  const auto compare = [&](std::string_view what, const auto& then, const auto& now) {
    if (then != now) sentences.push_back(fmt::format("{} before {}, now {}", what, then, now));
  };
  compare("ranks", checkpoint.ranks, host.communicator.world_size());
  compare("threads a rank", checkpoint.threads, host.threads);
  compare("instruction set", checkpoint.instruction_set, host.instruction_set);
  for (const auto& [name, version] : host.versions) {
    const auto then = checkpoint.versions.find(name);
    if (then != checkpoint.versions.end()) compare(name, then->second, version);
  }
  return sentences;
}

}  // namespace causalfm::training
