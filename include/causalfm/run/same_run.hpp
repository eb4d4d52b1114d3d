#pragma once

#include "causalfm/config/config.hpp"

#include <filesystem>

namespace causalfm::run {

/// A run may go on with another number of steps (a cosine then follows the new one), other checkpoints kept, other
/// threads, deadlines or folders of the same data (train.steps, checkpoint_every, keep_checkpoints, patience;
/// data.path; comm; runtime); anything else would change what a step computes. @throws RunError naming the first key
/// that differs, with both values.
void require_same_run(const config::Config& stored, const config::Config& asked, const std::filesystem::path& folder);

}  // namespace causalfm::run
