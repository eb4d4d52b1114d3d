#include "app/run_commands.hpp"

#include "app/command_checkpoint.hpp"
#include "app/command_compare.hpp"
#include "app/command_status.hpp"

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace causalfm::app {

namespace {

void add_status(Parser& parser) {
  struct Arguments {
    std::string folder;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      add_command(parser, parser.app, "status", "tell what a run does, also while it runs", Config::none,
                  [arguments] { return status_command(arguments->folder, arguments->json, std::cout); });
  command.add_option("RUN", arguments->folder, "folder of the run")->required();
  command.add_flag("--json", arguments->json, "print JSON");
}

void add_compare(Parser& parser) {
  struct Arguments {
    std::vector<std::string> folders;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(parser, parser.app, "compare",
                                  "several runs in a table, and what they were asked for", Config::none, [arguments] {
                                    const std::vector<std::filesystem::path> folders(arguments->folders.begin(),
                                                                                     arguments->folders.end());
                                    return compare_command(folders, arguments->json, std::cout);
                                  });
  constexpr int fewest = 2;
  command.add_option("RUN", arguments->folders, "folders of runs")->required()->expected(fewest, -1);
  command.add_flag("--json", arguments->json, "print JSON");
}

struct ChoiceArguments {
  std::string path;
  Which which = Which::latest;

  CheckpointChoice choice() const { return {path, which}; }
};

void add_choice(CLI::App& command, ChoiceArguments& arguments) {
  command.add_option("FILE", arguments.path, "a checkpoint, or the folder of a run")->required();
  static const std::map<std::string, Which> names{{"latest", Which::latest}, {"best", Which::best}};
  command.add_option("--checkpoint", arguments.which, "of a run: latest (the default) or best")
      ->transform(CLI::CheckedTransformer(names, CLI::ignore_case).description("WHICH"));
}

void add_checkpoint_show(Parser& parser, CLI::App& group) {
  struct Arguments : ChoiceArguments {
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(parser, group, "show", "tell what a checkpoint holds", Config::none, [arguments] {
    return checkpoint_show(arguments->choice(), arguments->json, std::cout);
  });
  add_choice(command, *arguments);
  command.add_flag("--json", arguments->json, "print JSON");
}

void add_checkpoint_verify(Parser& parser, CLI::App& group) {
  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App& command =
      add_command(parser, group, "verify", "tell of each checkpoint whether it is whole", Config::none, [paths] {
        return checkpoint_verify(std::vector<std::filesystem::path>(paths->begin(), paths->end()), std::cout);
      });
  command.add_option("FILE", *paths, "checkpoints, or folders of runs for all of theirs")->required();
}

void add_checkpoint_convert(Parser& parser, CLI::App& group) {
  struct Arguments : ChoiceArguments {
    std::string out;
    bool weights_only = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = add_command(
      parser, group, "convert", "write a checkpoint as a safetensors file", Config::none, [&parser, arguments] {
        std::ostringstream unheard;
        std::ostream& output = parser.common.quiet ? static_cast<std::ostream&>(unheard) : std::cout;
        const auto selection = arguments->weights_only ? run::Selection::weights : run::Selection::everything;
        return checkpoint_convert(arguments->choice(), arguments->out, selection, output);
      });
  add_choice(command, *arguments);
  command.add_option("--out", arguments->out, "safetensors file to write")->required();
  command.add_flag("--weights-only", arguments->weights_only, "the model without the optimizer's moments");
}

void add_checkpoint(Parser& parser) {
  CLI::App& group = *parser.app.add_subcommand("checkpoint", "look into, verify or convert checkpoints");
  group.require_subcommand(1);
  add_checkpoint_show(parser, group);
  add_checkpoint_verify(parser, group);
  add_checkpoint_convert(parser, group);
}

}  // namespace

void add_run_commands(Parser& parser) {
  add_status(parser);
  add_compare(parser);
  add_checkpoint(parser);
}

}  // namespace causalfm::app
