#pragma once

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/communicator.hpp"
#include "causalfm/comm/watchdog.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/config/environment.hpp"
#include "app/backend.hpp"
#include "app/exit_code.hpp"

#include <spdlog/logger.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace causalfm::app {

/// This process as one of the ranks that a launcher started, or alone. MPI is used only where there is a launcher.
class Job {
 public:
  /// @param deadline_seconds how long MPI may take to start and to end, and a rank may be silent.
  explicit Job(double deadline_seconds);

  int64_t rank() const { return rank_; }
  int64_t world_size() const { return world_size_; }
  /// Whether mpirun, srun or the like started this process.
  bool is_launched() const { return environment_.has_value(); }
  int64_t local_rank() const { return environment_ ? environment_->local_rank() : 0; }
  int64_t local_size() const { return environment_ ? environment_->local_size() : 1; }

  /// Cores that this rank may use for itself.
  int64_t cores();

  /// The communicator that the configuration asks for, for ranks that compute on `device` each. Collective.
  /// @throws ConfigError when it cannot serve these ranks.
  Backend make_communicator(const config::Comm& settings, c10::Device device);

  spdlog::logger& log() { return *log_; }
  bool has_terminal() const { return has_terminal_; }

  /// Runs `command`, ends MPI with all ranks, and turns what is thrown into one sentence on stderr and a code that all
  /// ranks return. A rank that fails alone ends the others' waiting; what it has to say is said with its number, and
  /// its code is everybody's.
  int run(const std::function<int()>& command);

  /// Whether another rank has failed, waiting up to `patience` to hear of it.
  bool has_failed_elsewhere(std::chrono::duration<double> patience) const;

 private:
  int fail(const Failure& failure, bool echo);
  void end_with_the_others();
  void start_watchdog(const config::ProcessPlace& place, double deadline_seconds);

  std::shared_ptr<spdlog::logger> log_;
  std::shared_ptr<comm::Watchdog> watchdog_;  ///< null: one rank, or a launcher that does not say which this is
  std::optional<comm::MpiEnvironment> environment_;
  int64_t rank_ = 0;
  int64_t world_size_ = 1;
  bool has_terminal_ = false;
};

}  // namespace causalfm::app
