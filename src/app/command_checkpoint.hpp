#pragma once

#include "causalfm/run/safetensors.hpp"

#include <filesystem>
#include <iosfwd>
#include <vector>

namespace causalfm::app {

/// Which checkpoint of a run is meant where a run's folder is given.
enum class Which { latest, best };

/// A checkpoint as a user names it: its file, or the folder of a run.
struct CheckpointChoice {
  std::filesystem::path path;
  Which which = Which::latest;
};

/// `causalfm checkpoint show FILE|RUN`: who wrote it and when, what it belongs to, and its tensors.
/// @throws storage::StorageError when it is damaged; run::RunError when the run has none.
int checkpoint_show(const CheckpointChoice& choice, bool json, std::ostream& output);

/// `causalfm checkpoint verify FILE|RUN...`: a line for each checkpoint, of a run for all that it holds.
/// @throws storage::StorageError after the last line if any of them is damaged.
int checkpoint_verify(const std::vector<std::filesystem::path>& paths, std::ostream& output);

/// `causalfm checkpoint convert FILE|RUN --out FILE.safetensors`.
int checkpoint_convert(const CheckpointChoice& choice, const std::filesystem::path& out, run::Selection selection,
                       std::ostream& output);

}  // namespace causalfm::app
