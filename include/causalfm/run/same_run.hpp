#pragma once

#include "causalfm/config/config.hpp"

#include <filesystem>

namespace causalfm::run {

/// A run may go on with another number of steps (a cosine then follows the new one), other checkpoints kept, other
/// threads, deadlines, pieces of a batch, folders of the same data, answers to what is not finite, warnings or profiles
/// (train.steps, checkpoint_every, keep_checkpoints, patience, micro_batch, non_finite, non_finite_patience,
/// rollback_rate_factor, collapse_warning, profile_steps; data.path; comm but for gradient_precision; runtime);
/// anything else would change what a step computes. @throws RunError naming the keys that differ, with both values.
void require_same_run(const config::Config& stored, const config::Config& asked, const std::filesystem::path& folder);

}  // namespace causalfm::run
