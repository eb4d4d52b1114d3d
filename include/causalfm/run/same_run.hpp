#pragma once

#include "causalfm/config/config.hpp"

#include <filesystem>

namespace causalfm::run {

/// A run may go on with another number of steps (a cosine then follows the new one), other checkpoints kept, other
/// threads, deadlines, pieces of a batch or folders of the same data (train.steps, checkpoint_every, keep_checkpoints,
/// patience, micro_batch; data.path; comm but for gradient_precision; runtime); anything else would change what a step
/// computes. @throws RunError naming the keys that differ, with both values.
void require_same_run(const config::Config& stored, const config::Config& asked, const std::filesystem::path& folder);

}  // namespace causalfm::run
