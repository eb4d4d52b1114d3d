#include "app/parser.hpp"

#include <map>
#include <utility>

namespace causalfm::app {

namespace {

void add_common(Parser& parser, CLI::App& command, Config config) {
  Common& common = parser.common;
  if (config != Config::none) {
    auto* option = command.add_option("CONFIG", common.config_file, "configuration, a YAML file (see configs/)");
    if (config == Config::required) option->required();
  }
  command.add_option("--set", common.overrides, "override one key, KEY=VALUE; may be given several times")
      ->allow_extra_args(false);
  command.add_flag("--quiet", common.quiet, "say nothing but warnings and errors");
  static const std::map<std::string, spdlog::level::level_enum> levels{{"debug", spdlog::level::debug},
                                                                       {"info", spdlog::level::info},
                                                                       {"warning", spdlog::level::warn},
                                                                       {"error", spdlog::level::err}};
  command.add_option("--log-level", common.log_level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case).description("LEVEL"));
}

}  // namespace

std::string as_typed(int argc, const char* const* argv) {
  std::string line = "causalfm";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool plain = !argument.empty() && argument.find_first_of(" \t\"'$&|;<>()[]{}*?!\\`#~") == std::string::npos;
    line += plain ? " " + argument : " '" + argument + "'";
  }
  return line;
}

CLI::App& add_command(Parser& parser, CLI::App& parent, const std::string& name, const std::string& description,
                      Config config, std::function<int()> run, bool on_every_rank) {
  CLI::App& command = *parent.add_subcommand(name, description);
  add_common(parser, command, config);
  command.callback([&parser, run = std::move(run), on_every_rank] {
    parser.command = run;
    parser.on_every_rank = on_every_rank;
  });
  return command;
}

}  // namespace causalfm::app
