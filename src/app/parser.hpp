#pragma once

#include "causalfm/config/load.hpp"
#include "app/job.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace causalfm::app {

/// What every command takes.
struct Common {
  std::string config_file;
  std::vector<std::string> overrides;
  bool quiet = false;
  spdlog::level::level_enum log_level = spdlog::level::info;

  config::Config load() const { return config::load(config_file, overrides); }
};

/// Whether a command takes the argument CONFIG.
enum class Config { none, optional, required };

/// The command line being built. Arguments live as long as the parser that fills them.
struct Parser {
  Job* job;  ///< none: nothing is to be run
  CLI::App app{"Distributed trainer for causal foundation models of structured time series"};
  Common common;
  std::string typed;             ///< the command line as it was given
  std::function<int()> command;  ///< of the subcommand that was named
  bool on_every_rank = false;
};

/// `causalfm` and its arguments, quoted for a shell where they need it.
std::string as_typed(int argc, const char* const* argv);

/// A subcommand of `parent` with what every command takes. `run` is called if it is named: on rank 0, or on all.
CLI::App& add_command(Parser& parser, CLI::App& parent, const std::string& name, const std::string& description,
                      Config config, std::function<int()> run, bool on_every_rank = false);

}  // namespace causalfm::app
