#include "app/job.hpp"

#include "causalfm/comm/error.hpp"
#include "causalfm/comm/topology.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace causalfm::app {

namespace {

constexpr std::chrono::duration<double> abort_patience = comm::Watchdog::Timing{}.abort;

/// In which the news of a death comes from the other end of a connection.
constexpr std::chrono::duration<double> last_look{0.03};

/// The one sentence of a failure. Written at once and whole, for the process may be about to end.
void say(const std::string& sentence) {
  const std::string line = "causalfm: " + sentence + "\n";
  for (size_t written = 0; written < line.size();) {
    const ssize_t count = ::write(STDERR_FILENO, line.data() + written, line.size() - written);
    if (count <= 0) return;
    written += static_cast<size_t>(count);
  }
}

std::shared_ptr<spdlog::logger> make_log(int64_t rank) {
  auto log = std::make_shared<spdlog::logger>("causalfm", std::make_shared<spdlog::sinks::stdout_sink_mt>());
  log->set_pattern(rank == 0 ? "%H:%M:%S %v" : fmt::format("%H:%M:%S rank {}: %v", rank));
  log->set_level(rank == 0 ? spdlog::level::info : spdlog::level::warn);
  log->flush_on(spdlog::level::info);
  return log;
}

}  // namespace

Job::Job(double deadline_seconds) {
  const config::Environment surroundings = config::read_environment();
  const std::optional<config::ProcessPlace>& place = surroundings.place;
  log_ = make_log(place ? place->rank : 0);
  if (place && place->world_size > 1) start_watchdog(*place, deadline_seconds);
  if (surroundings.launched) environment_.emplace(watchdog_.get(), std::chrono::duration<double>(deadline_seconds));
  if (environment_) {
    rank_ = environment_->rank();
    world_size_ = environment_->world_size();
    if (!place) log_ = make_log(rank_);
  }
  // Open MPI hands its ranks a pseudo-terminal as stdout whatever mpirun's own stdout is, so under a launcher isatty
  // would turn a log file into a flood of redrawn lines.
  has_terminal_ = surroundings.launched ? surroundings.terminal : isatty(STDOUT_FILENO) == 1;
}

void Job::start_watchdog(const config::ProcessPlace& place, double deadline_seconds) {
  comm::Watchdog::Timing timing;
  timing.deadline = std::chrono::duration<double>(deadline_seconds);
  watchdog_ = std::make_shared<comm::Watchdog>(
      comm::Place{place.job, place.rank, place.world_size, place.local_rank, place.local_size, place.host},
      comm::Watchdog::Hooks{.say = say,
                            .warn = [log = log_](const std::string& sentence) { log->warn(sentence); },
                            .leave = [](int exit_code) { ::_exit(exit_code); }},
      timing);
}

int64_t Job::cores() { return environment_ ? environment_->cores_of_rank() : comm::cores_of_process(); }

Backend Job::make_communicator(const config::Comm& settings, c10::Device device) {
  const comm::Options options{.deadline = std::chrono::duration<double>(settings.deadline_seconds),
                              .monitor = watchdog_,
                              .check_calls = settings.check_calls};
  return make_backend(settings.backend, environment_ ? &*environment_ : nullptr, device, options);
}

int Job::run(const std::function<int()>& command) {
  try {
    const int code = command();
    end_with_the_others();
    return code;
  } catch (const std::exception& error) {
    return fail(describe_failure(error), dynamic_cast<const comm::PeerFailure*>(&error) != nullptr);
  }
}

void Job::end_with_the_others() {
  if (!watchdog_) return;
  environment_.reset();
  // MPI_Finalize may well return when a rank has died on its way to it.
  if (has_failed_elsewhere(last_look)) {
    throw comm::PeerFailure(fmt::format("the end of rank {}", rank()), *watchdog_->failure());
  }
}

bool Job::has_failed_elsewhere(std::chrono::duration<double> patience) const {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (watchdog_ && !watchdog_->failure()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return watchdog_ != nullptr;
}

int Job::fail(const Failure& failure, bool echo) {
  log_->flush();
  const int code = static_cast<int>(failure.code);
  if (!watchdog_) {
    say(world_size() > 1 ? fmt::format("rank {}: {}", rank(), failure.sentence) : failure.sentence);
    if (world_size() > 1) environment_->abort(code, abort_patience);
    return code;
  }
  const comm::Verdict verdict = watchdog_->agree({rank(), code, failure.sentence}, echo);
  if (environment_ && !verdict.everyone) environment_->abandon();
  if (environment_ && !verdict.reachable) environment_->abort(verdict.exit_code, abort_patience);
  return verdict.exit_code;
}

}  // namespace causalfm::app
