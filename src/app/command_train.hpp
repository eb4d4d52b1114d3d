#pragma once

#include "causalfm/training/trace.hpp"
#include "causalfm/training/train.hpp"
#include "app/job.hpp"

#include <filesystem>
#include <string>

namespace causalfm::app {

/// runs/STEM-OF-CONFIG
std::filesystem::path default_run_folder(const std::filesystem::path& config_file);

/// `causalfm train`. 0, or 75 when a signal ended it with its state saved.
int train_command(Job& job, const training::TrainRequest& request);

/// "A:B" as steps A up to, not including, B. @throws ConfigError for anything else.
void parse_steps(const std::string& text, training::TraceRequest& request);

/// `causalfm trace`.
int trace_command(Job& job, const training::TraceRequest& request);

}  // namespace causalfm::app
