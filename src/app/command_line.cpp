#include "app/command_line.hpp"

#include "causalfm/config/error.hpp"
#include "app/command_config.hpp"
#include "app/command_evaluate.hpp"
#include "app/command_inspect.hpp"
#include "app/command_plan.hpp"
#include "app/command_replay.hpp"
#include "app/command_simulate.hpp"
#include "app/command_train.hpp"
#include "app/parser.hpp"
#include "app/run_commands.hpp"
#include "app/sweep_commands.hpp"
#include "app/versions.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace causalfm::app {

namespace {

void add_config(Parser& parser) {
  CLI::App& group = *parser.app.add_subcommand("config", "check, show or explain a configuration");
  group.require_subcommand(1);
  const Common& common = parser.common;
  add_command(parser, group, "check", "validate a configuration", Config::optional,
              [&] { return config_check(common.config_file, common.overrides, std::cout); });
  add_command(parser, group, "show", "print it as YAML with every default", Config::optional,
              [&] { return config_show(common.config_file, common.overrides, std::cout); });
  add_command(parser, group, "keys", "list every key with type, default, range and meaning", Config::none,
              [] { return config_keys(std::cout); });
}

void add_simulate(Parser& parser) {
  auto out = std::make_shared<std::string>();
  CLI::App& command = add_command(
      parser, parser.app, "simulate", "write simulated light curves as a data set (on all ranks)", Config::required,
      [&parser, out] {
        Job& job = *parser.job;
        const config::Config settings = parser.common.load();
        config::Comm comm = settings.comm;
        // Nothing of a simulation is on a GPU, even where training will be.
        if (comm.backend == config::Backend::nccl) comm.backend = config::Backend::automatic;
        const auto communicator = job.make_communicator(comm, c10::kCPU).communicator;
        std::ostringstream unheard;
        std::ostream& output = parser.common.quiet ? static_cast<std::ostream&>(unheard) : std::cout;
        return simulate(
            settings, *out, job.rank(), job.world_size(), [&] { communicator->barrier(); }, output);
      },
      /*on_every_rank=*/true);
  command.add_option("--out", *out, "folder of the data set")->required();
}

void add_inspect(Parser& parser) {
  struct Arguments {
    std::string folder;
    bool verify = false;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      add_command(parser, parser.app, "inspect", "tell what a data set holds", Config::none, [&parser, arguments] {
        return inspect(parser.common.load(), arguments->folder, arguments->verify, arguments->json, std::cout);
      });
  command.add_option("DIR", arguments->folder, "folder of the data set")->required();
  command.add_flag("--verify", arguments->verify, "read everything and verify every checksum");
  command.add_flag("--json", arguments->json, "print JSON");
}

void add_plan(Parser& parser) {
  struct Arguments {
    training::PlanRequest request;
    std::string accelerator;
    int64_t ranks_per_node = 0;
    double network_gbit = 0.0;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(
      parser, parser.app, "plan", "tell memory, traffic and time of a training before it queues", Config::required,
      [&parser, arguments] {
        training::PlanRequest& request = arguments->request;
        request.config = parser.common.load();
        if (!arguments->accelerator.empty()) request.accelerator = arguments->accelerator;
        if (arguments->ranks_per_node > 0) request.ranks_per_node = arguments->ranks_per_node;
        constexpr double bytes_per_second_a_gbit = 1e9 / 8.0;
        if (arguments->network_gbit > 0.0) {
          request.network_bytes_per_second = arguments->network_gbit * bytes_per_second_a_gbit;
        }
        return plan_command(*parser.job, request, arguments->json, std::cout);
      },
      /*on_every_rank=*/true);
  command.add_option("--ranks", arguments->request.ranks, "ranks of the job")->required()->check(CLI::PositiveNumber);
  command.add_option("--gpu", arguments->accelerator, "a GPU for each rank (default: this machine's CPU)")
      ->check(CLI::IsMember(training::accelerator_names(), CLI::ignore_case));
  command.add_option("--ranks-per-node", arguments->ranks_per_node, "default: 8 with --gpu, else all")
      ->check(CLI::PositiveNumber);
  command.add_option("--network-gbit", arguments->network_gbit, "of a rank to another node, Gbit/s")
      ->check(CLI::PositiveNumber);
  command.add_flag("--measure", arguments->request.measure, "time steps of the true size on this machine");
  command.add_flag("--json", arguments->json, "print JSON");
}

void add_train(Parser& parser) {
  struct Arguments {
    std::string folder;
    training::Resume resume = training::Resume::automatic;
    std::string initial_weights;
    std::vector<std::string> allowed_keys;
    std::string replayed;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(
      parser, parser.app, "train", "train; under mpirun or srun on all ranks", Config::optional,
      [&parser, arguments] {
        const Common& common = parser.common;
        if (!arguments->replayed.empty()) {
          return replay_command(*parser.job, arguments->replayed, common.config_file, common.overrides, std::cout);
        }
        if (common.config_file.empty()) {
          throw config::ConfigError("CONFIG is required; see `causalfm train --help`");
        }
        training::TrainRequest request{parser.common.load(), arguments->folder, arguments->resume, {}};
        if (request.folder.empty()) request.folder = default_run_folder(parser.common.config_file);
        if (!arguments->initial_weights.empty()) request.initial_weights = arguments->initial_weights;
        for (const std::string& key : arguments->allowed_keys) config::require_key(key, "--allow");
        request.allowed_keys = arguments->allowed_keys;
        return train_command(*parser.job, request);
      },
      /*on_every_rank=*/true);
  command.add_option("--run", arguments->folder, "folder of the run (default: runs/STEM-OF-CONFIG)");
  static const std::map<std::string, training::Resume> modes{
      {"auto", training::Resume::automatic}, {"never", training::Resume::never}, {"always", training::Resume::always}};
  command
      .add_option("--resume", arguments->resume,
                  "auto: go on when the folder holds a checkpoint of the same run; never: "
                  "start anew, moving an old run aside; always: or fail")
      ->transform(CLI::CheckedTransformer(modes, CLI::ignore_case).description("MODE"));
  command
      .add_option("--allow", arguments->allowed_keys,
                  "a KEY of the configuration that may differ from the run that is resumed; may be given several times")
      ->allow_extra_args(false);
  command.add_option("--init-from", arguments->initial_weights,
                     "a run (its best checkpoint) or a checkpoint whose weights to start from, at step 0");
  command
      .add_option("--replay", arguments->replayed,
                  "repeat one step from RUN/non-finite/step-….h5 instead, and tell what it computes")
      ->excludes("--run", "--resume", "--allow", "--init-from");
}

void add_trace(Parser& parser) {
  struct Arguments {
    std::string steps;
    std::string file;
    bool tensors = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(
      parser, parser.app, "trace", "write what training would do in some steps, for anyone to check", Config::required,
      [&parser, arguments] {
        training::TraceRequest request;
        request.config = parser.common.load();
        parse_steps(arguments->steps, request);
        request.file = arguments->file;
        request.tensors = arguments->tensors;
        return trace_command(*parser.job, request);
      },
      /*on_every_rank=*/true);
  command.add_option("--steps", arguments->steps, "A:B, steps A up to B-1; 0 is the first")->required();
  command.add_option("--out", arguments->file, "HDF5 file to write")->required();
  command.add_flag("--tensors", arguments->tensors, "also inputs, outputs, losses, gradients and parameters");
}

void add_embed(Parser& parser) {
  auto request = std::make_shared<evaluation::EmbedRequest>();
  CLI::App& command = add_command(
      parser, parser.app, "embed", "write the latents of every light curve (on all ranks)", Config::none,
      [&parser, request] { return embed_command(*parser.job, parser.common.load(), *request); },
      /*on_every_rank=*/true);
  command.add_option("--run", request->run, "folder of the run")->required();
  command.add_option("--data", request->data, "folder of the data set")->required();
  command.add_option("--out", request->out, "HDF5 file to write")->required();
  command.add_option("--checkpoint", request->checkpoint, "best (the default), latest, or a checkpoint file");
}

void add_evaluate(Parser& parser) {
  struct Arguments {
    evaluation::EvaluateRequest request;
    evaluation::UserLabels labels;
    std::string baseline;
    FigureProgram figures = figure_program("report.py");
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(
      parser, parser.app, "evaluate", "measure what runs have learned; write a report with figures", Config::none,
      [&parser, arguments] {
        evaluation::EvaluateRequest& request = arguments->request;
        request.command = parser.typed;
        if (!arguments->baseline.empty()) request.baseline = arguments->baseline;
        if (!arguments->labels.file.empty()) request.labels = arguments->labels;
        return evaluate_command(*parser.job, parser.common.load(), request, arguments->figures);
      },
      /*on_every_rank=*/true);
  evaluation::EvaluateRequest& request = arguments->request;
  command.add_option("--run", request.runs, "folder of a run; may be given several times")
      ->required()
      ->allow_extra_args(false);
  command.add_option("--baseline", arguments->baseline, "folder of the run to compare with");
  command.add_option("--data", request.data, "folder of the data set")->required();
  command.add_option("--out", request.out, "folder of the report; must not exist")->required();
  command.add_option("--embeddings", request.embeddings, "file of `causalfm embed`, used instead of encoding again")
      ->allow_extra_args(false);
  command.add_option("--checkpoint", request.checkpoint, "best (the default) or latest, of every run")
      ->check(CLI::IsMember({"best", "latest"}));
  static const std::map<std::string, data::Split> splits{{"test", data::Split::test},
                                                         {"validation", data::Split::validation}};
  command
      .add_option("--measure-on", request.measured,
                  "test (the default), or validation: to choose settings without a look at the test stars")
      ->transform(CLI::CheckedTransformer(splits, CLI::ignore_case).description("SPLIT"));
  command.add_option("--counts", request.counts, "numbers of labelled stars (default: 10,30,100,300,1000 and all)")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  auto* labels =
      command.add_option("--labels", arguments->labels.file, "CSV file with a column star_id and your labels");
  auto* target = command.add_option("--target", arguments->labels.targets, "columns of --labels to predict")
                     ->delimiter(',')
                     ->needs(labels);
  labels->needs(target);
  static const std::map<std::string, evaluation::Task> tasks{{"auto", evaluation::Task::automatic},
                                                             {"regression", evaluation::Task::regression},
                                                             {"classification", evaluation::Task::classification}};
  command.add_option("--task", arguments->labels.task, "auto, regression or classification, of --labels")
      ->transform(CLI::CheckedTransformer(tasks, CLI::ignore_case).description("TASK"))
      ->needs(labels);
  command.add_option("--python", arguments->figures.python, "interpreter that draws the figures");
}

void add_commands(Parser& parser) {
  parser.app.require_subcommand(1);
  parser.app.set_version_flag("--version", version_text);
  add_config(parser);
  add_simulate(parser);
  add_inspect(parser);
  add_plan(parser);
  add_train(parser);
  add_trace(parser);
  add_embed(parser);
  add_evaluate(parser);
  add_run_commands(parser);
  add_sweep_commands(parser);
}

}  // namespace

double deadline_seconds(int argc, const char* const* argv) {
  Parser parser{.job = nullptr, .common = {}, .typed = {}, .command = {}};
  add_commands(parser);
  try {
    parser.app.parse(argc, argv);
    return parser.common.load().comm.deadline_seconds;
  } catch (const std::exception&) {  // run_command_line meets it again, where it can be said
  }
  return config::Comm{}.deadline_seconds;
}

int run_command_line(Job& job, int argc, const char* const* argv) {
  Parser parser{.job = &job, .common = {}, .typed = {}, .command = {}};
  parser.typed = as_typed(argc, argv);
  add_commands(parser);
  try {
    parser.app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return job.rank() == 0 ? parser.app.exit(help_or_version) : 0;
  } catch (const CLI::ParseError& error) {
    throw config::ConfigError(std::string(error.what()) + "; see `causalfm --help` or `causalfm COMMAND --help`");
  }
  const auto level = parser.common.quiet ? spdlog::level::warn : parser.common.log_level;
  job.log().set_level(job.rank() == 0 ? level : std::max(level, spdlog::level::warn));
  return parser.on_every_rank || job.rank() == 0 ? parser.command() : 0;
}

}  // namespace causalfm::app
