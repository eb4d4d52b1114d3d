#pragma once

#include "causalfm/config/config.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace causalfm::run {

/// The keys, with both values, in which `asked` would change what a step of a run with `stored` computes; empty if
/// none. A run may go on with another number of steps (a cosine then follows the new one), other checkpoints kept,
/// other threads, deadlines, pieces of a batch, folders of the same data, answers to what is not finite, warnings or
/// profiles, and with or without equal bits on a GPU (train.steps, checkpoint_every, keep_checkpoints, keep_every,
/// time_limit_minutes, patience, micro_batch, deterministic, non_finite, non_finite_patience, rollback_rate_factor,
/// collapse_warning, profile_steps; data.path; comm but for gradient_precision; runtime), and with other values of the
/// keys in `allowed`.
std::string harmful_differences(const config::Config& stored, const config::Config& asked,
                                const std::vector<std::string>& allowed = {});

/// @throws RunError naming them, if there are any.
void require_same_run(const config::Config& stored, const config::Config& asked, const std::filesystem::path& folder,
                      const std::vector<std::string>& allowed = {});

}  // namespace causalfm::run
