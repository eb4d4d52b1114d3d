#include "app/job.hpp"

#include "causalfm/comm/topology.hpp"
#include "causalfm/config/environment.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace causalfm::app {

namespace {

/// How long a failing rank waits for the others to fail as well. A mistake in the configuration is found by all ranks
/// within milliseconds; what only one rank meets ends the others after this time.
constexpr std::chrono::duration<double> failure_patience{2.0};

std::shared_ptr<spdlog::logger> make_log(int64_t rank) {
  auto log = std::make_shared<spdlog::logger>("causalfm", std::make_shared<spdlog::sinks::stdout_sink_mt>());
  log->set_pattern(rank == 0 ? "%H:%M:%S %v" : fmt::format("%H:%M:%S rank {}: %v", rank));
  log->set_level(rank == 0 ? spdlog::level::info : spdlog::level::warn);
  log->flush_on(spdlog::level::info);
  return log;
}

}  // namespace

Job::Job() {
  const config::Environment surroundings = config::read_environment();
  if (surroundings.launched) environment_.emplace();
  log_ = make_log(rank());
  // Open MPI hands its ranks a pseudo-terminal as stdout whatever mpirun's own stdout is, so under a launcher isatty
  // would turn a log file into a flood of redrawn lines.
  has_terminal_ = surroundings.launched ? surroundings.terminal : isatty(STDOUT_FILENO) == 1;
}

int64_t Job::cores() const { return environment_ ? comm::cores_of_rank() : comm::cores_of_process(); }

Backend Job::make_communicator(const config::Comm& settings, c10::Device device) {
  const comm::Options options{std::chrono::duration<double>(settings.deadline_seconds)};
  return make_backend(settings.backend, environment_ ? &*environment_ : nullptr, device, options);
}

int Job::run(const std::function<int()>& command) {
  try {
    return command();
  } catch (const std::exception& error) {
    return fail(describe_failure(error));
  }
}

int Job::fail(const Failure& failure) {
  const int code = static_cast<int>(failure.code);
  // A rank of a higher number waits a little longer, so that of several failing ranks the lowest speaks and ends all.
  const auto patience = failure_patience + std::chrono::duration<double>(0.2 * static_cast<double>(rank()));
  const std::optional<comm::AgreedFailure> agreed =
      environment_ ? environment_->agree_on_failure(code, patience) : comm::AgreedFailure{0, code};
  if (!agreed || agreed->rank == rank()) {
    log_->flush();
    const std::string where = agreed ? "" : fmt::format("rank {}: ", rank());
    std::fputs(fmt::format("causalfm: {}{}\n", where, failure.sentence).c_str(), stderr);
    std::fflush(stderr);
  }
  if (!agreed) environment_->abort(code);
  return agreed->exit_code;
}

}  // namespace causalfm::app
