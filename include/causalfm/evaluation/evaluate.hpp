#pragma once

#include "causalfm/data/split.hpp"
#include "causalfm/evaluation/host.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::evaluation {

/// What a user's label is.
enum class Task {
  automatic,  ///< regression when every label is a number and some is not whole or there are more than 20, else classes
  regression,
  classification,
};

/// Labels of the user's own: a CSV file with a column star_id and one or more others.
struct UserLabels {
  std::filesystem::path file;
  std::vector<std::string> targets;  ///< columns
  Task task = Task::automatic;
};

struct EvaluateRequest {
  std::vector<std::filesystem::path> runs;  ///< the first names the report's z_star and z_instr
  std::optional<std::filesystem::path> baseline;
  std::filesystem::path data;
  std::filesystem::path out;                      ///< a folder that is not there yet, or empty
  std::vector<std::filesystem::path> embeddings;  ///< files of `causalfm embed`, used instead of encoding again
  std::string checkpoint = "best";                ///< best or latest, of every run
  std::vector<int64_t> counts;                    ///< of labels; empty: 10, 30, 100, 300, 1000 and all
  std::optional<UserLabels> labels;
  data::Split measured = data::Split::test;  ///< validation: to choose settings without a look at test stars
  std::string command;                       ///< as it was typed, for the report
};

/// Measures what runs have learned, by the protocol of docs/evaluation.md, and writes report.json, report.md and
/// evaluation.h5 (what figures are drawn from) into `out`, all at the end. Local: one process with the threads that
/// at::get_num_threads() gives; deterministic, whatever that number.
/// @throws EvaluationError when runs, baseline and data differ in identity or split seed, a count is larger than the
///         stars that have labels, the folder is taken, or labels cannot be used; and what data, run and storage throw.
void evaluate(const EvaluateRequest& request, const Host& host);

}  // namespace causalfm::evaluation
