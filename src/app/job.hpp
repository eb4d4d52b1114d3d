#pragma once

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "app/backend.hpp"
#include "app/exit_code.hpp"

#include <spdlog/logger.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace causalfm::app {

/// This process as one of the ranks that a launcher started, or alone. MPI is used only where there is a launcher.
class Job {
 public:
  Job();

  int64_t rank() const { return environment_ ? environment_->rank() : 0; }
  int64_t world_size() const { return environment_ ? environment_->world_size() : 1; }
  int64_t local_rank() const { return environment_ ? environment_->local_rank() : 0; }

  /// Cores that this rank may use for itself.
  int64_t cores() const;

  /// The communicator that the configuration asks for, for ranks that compute on `device` each. Collective.
  /// @throws ConfigError when it cannot serve these ranks.
  Backend make_communicator(const config::Comm& settings, c10::Device device);

  spdlog::logger& log() { return *log_; }
  bool has_terminal() const { return has_terminal_; }

  /// Runs `command` and turns what it throws into one sentence on stderr from the lowest failing rank and a code that
  /// all ranks return. When some ranks do not fail, ends them with MPI_Abort and does not return.
  int run(const std::function<int()>& command);

 private:
  int fail(const Failure& failure);

  std::optional<comm::MpiEnvironment> environment_;
  std::shared_ptr<spdlog::logger> log_;
  bool has_terminal_ = false;
};

}  // namespace causalfm::app
