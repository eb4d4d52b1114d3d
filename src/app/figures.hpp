#pragma once

#include <spdlog/logger.h>

#include <filesystem>

namespace causalfm::app {

/// The interpreter and the program that draw figures.
struct FigureProgram {
  std::filesystem::path python;  ///< by default that of the build's virtual environment
  std::filesystem::path script;  ///< of scripts/figures
};

/// The build's own interpreter, which a machine other than the build's may lack, and a script of scripts/figures beside
/// the program.
FigureProgram figure_program(const std::string& script);

/// Runs the program on the report, or the sweep, in `folder`; what it prints goes to our standard output. Where it is
/// missing or fails, warns once: a report without pictures is a report.
void draw_figures(const FigureProgram& program, const std::filesystem::path& folder, spdlog::logger& log);

}  // namespace causalfm::app
