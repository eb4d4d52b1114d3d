#include "app/sweep_commands.hpp"

#include "app/command_sweep.hpp"
#include "app/sweep_run.hpp"

#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

namespace causalfm::app {

namespace {

void add_run(Parser& parser, CLI::App& group) {
  struct Arguments {
    std::string file;
    std::string folder;
    SweepRequest request;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      add_command(parser, group, "run", "run every trial that is not done yet", Config::none, [&parser, arguments] {
        arguments->request.file = arguments->file;
        arguments->request.folder = arguments->folder;
        std::ostringstream unheard;
        return sweep_run(*parser.job, arguments->request,
                         parser.common.quiet ? static_cast<std::ostream&>(unheard) : std::cout);
      });
  command.add_option("SWEEP", arguments->file, "what to try, a YAML file (see configs/sweeps/)")->required();
  command.add_option("--out", arguments->folder, "folder of the sweep (default: sweeps/STEM-OF-SWEEP)");
  command.add_option("--jobs", arguments->request.jobs, "trials at a time, which share the cores (default: 1)")
      ->check(CLI::PositiveNumber);
  command.add_option("--ranks", arguments->request.ranks, "MPI ranks of each trial (default: 1)")
      ->check(CLI::PositiveNumber);
  static const std::map<std::string, Launcher> launchers{{"local", Launcher::local}, {"slurm", Launcher::slurm}};
  command
      .add_option("--launcher", arguments->request.launcher,
                  "local (the default), or slurm: a job array by scripts/slurm/submit.sh")
      ->transform(CLI::CheckedTransformer(launchers, CLI::ignore_case).description("LAUNCHER"));
  command.add_flag("--retry-failed", arguments->request.retry_failed,
                   "also run trials again whose numbers were not finite");
}

void add_status(Parser& parser, CLI::App& group) {
  struct Arguments {
    std::string folder;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(
      parser, group, "status", "a table, the best first; also while it runs", Config::none,
      [&parser, arguments] { return sweep_status(*parser.job, arguments->folder, arguments->json, std::cout); });
  command.add_option("DIR", arguments->folder, "folder of the sweep")->required();
  command.add_flag("--json", arguments->json, "print JSON");
}

void add_list(Parser& parser, CLI::App& group) {
  struct Arguments {
    std::string path;
    std::optional<int64_t> rung;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(parser, group, "list", "list the trials: rung, index in it, name", Config::none,
                                  [arguments] { return sweep_list(arguments->path, arguments->rung, std::cout); });
  command.add_option("SWEEP", arguments->path, "a sweep's YAML file or its folder")->required();
  command.add_option("--rung", arguments->rung, "the trials of this rung, as the former stands now");
}

void add_trial(Parser& parser, CLI::App& group) {
  struct Arguments {
    std::string folder;
    TrialRequest request;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(
      parser, group, "trial", "train one trial, as a task of a job array does (on all ranks)", Config::none,
      [&parser, arguments] {
        arguments->request.folder = arguments->folder;
        return sweep_trial(*parser.job, arguments->request);
      },
      /*on_every_rank=*/true);
  command.add_option("DIR", arguments->folder, "folder of the sweep")->required();
  command.add_option("INDEX", arguments->request.index, "of the trial, as `causalfm sweep list` has it")->required();
  command.add_option("--rung", arguments->request.rung, "of successive halving (default: 0)");
  command.add_flag("--evaluate", arguments->request.evaluate,
                   "evaluate it instead, on one rank, if the objective is in report.json");
}

}  // namespace

void add_sweep_commands(Parser& parser) {
  CLI::App& group = *parser.app.add_subcommand("sweep", "try many settings, and tell which is best");
  group.require_subcommand(1);
  add_run(parser, group);
  add_status(parser, group);
  add_list(parser, group);
  add_trial(parser, group);
}

}  // namespace causalfm::app
