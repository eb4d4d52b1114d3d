#include "app/command_train.hpp"

#include "causalfm/config/error.hpp"
#include "causalfm/training/plan.hpp"
#include "app/exit_code.hpp"
#include "app/stop_signals.hpp"
#include "app/training_host.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace causalfm::app {

namespace {

/// Within this time of the death of a rank the others know of it.
constexpr std::chrono::milliseconds peer_patience{1000};

/// @throws OutOfMemory, which names the batch that fits, where memory runs out.
run::Ending train_or_name_batch(const Job& job, const training::TrainRequest& request, const training::Host& host) {
  try {
    return training::train(request, host);
  } catch (const std::exception& error) {
    const auto asked = memory_asked_for(error);
    if (!asked) throw;
    const int64_t configured = request.config.train.batch_triplets;
    const int64_t ranks = job.world_size();
    const int64_t fits =
        training::largest_batch({.config = request.config, .ranks = ranks, .ranks_per_node = job.local_size()}, host);
    if (fits >= configured) throw;
    throw OutOfMemory(
        fmt::format("out of memory: {} was asked for; train.batch_triplets is {}, of which about {} fit on {} rank{} "
                    "like this: set it to that or less, set or lower train.micro_batch, or give each rank more memory",
                    *asked, configured, fits, ranks, ranks == 1 ? "" : "s"));
  }
}

}  // namespace

std::filesystem::path default_run_folder(const std::filesystem::path& config_file) {
  return std::filesystem::path("runs") / config_file.stem();
}

int train_command(Job& job, const training::TrainRequest& request) {
  const StopSignals signals;
  bool whole = false;  // a SIGTERM did not come from the death of a rank
  const TrainingHost host(job, request.config, [&] {
    if (!signals.requested()) return false;
    if (!whole && signals.terminated()) whole = !job.has_failed_elsewhere(peer_patience);
    return whole || !signals.terminated();
  });
  const run::Ending ending = train_or_name_batch(job, request, host.host());
  if (ending != run::Ending::interrupted) return static_cast<int>(ExitCode::done);
  if (job.rank() == 0) job.log().info("run the same command again to go on");
  return static_cast<int>(ExitCode::interrupted);
}

void parse_steps(const std::string& text, training::TraceRequest& request) {
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, request.first);
  const bool colon = first.ec == std::errc() && first.ptr != end && *first.ptr == ':';
  const auto last = colon ? std::from_chars(first.ptr + 1, end, request.end) : first;
  if (!colon || last.ec != std::errc() || last.ptr != end || request.first < 0 || request.end <= request.first) {
    throw config::ConfigError(
        fmt::format("--steps {}: give A:B with 0 <= A < B, for steps A up to B-1 (0 is the first)", text));
  }
}

int trace_command(Job& job, const training::TraceRequest& request) {
  const TrainingHost host(job, request.config, [] { return false; });
  training::trace(request, host.host());
  return static_cast<int>(ExitCode::done);
}

}  // namespace causalfm::app
