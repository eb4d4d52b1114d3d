#pragma once

#include "app/job.hpp"

namespace causalfm::app {

/// comm.deadline_seconds of the configuration that the arguments name, as far as that can be told before they are used;
/// the default otherwise.
double deadline_seconds(int argc, const char* const* argv);

/// Parses the arguments of the process and runs the command that they name. Commands that are no work of several ranks
/// run on rank 0 alone. Returns the exit code. @throws ConfigError for arguments that make no sense, and what the
/// commands throw.
int run_command_line(Job& job, int argc, const char* const* argv);

}  // namespace causalfm::app
