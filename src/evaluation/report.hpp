#pragma once

#include "evaluation/examples.hpp"
#include "evaluation/label_efficiency.hpp"
#include "evaluation/probes.hpp"
#include "evaluation/scores.hpp"
#include "evaluation/swap.hpp"
#include "evaluation/trained_model.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::evaluation {

/// What was measured of one run.
struct RunReport {
  const TrainedModel* trained = nullptr;
  bool is_baseline = false;
  std::string prefix;                     ///< before the names of its representations
  double reconstruction_mse = 0.0;        ///< over test curves
  std::optional<SwapErrors> swap_errors;  ///< of a dual model on simulated data
  Examples examples;
};

/// Recall@1 over test curves.
struct RetrievalScores {
  std::string representation;
  double star = 0.0;        ///< the same star among curves of other instruments
  double instrument = 0.0;  ///< the same instrument among curves of other stars
};

/// Everything that an evaluation found.
struct Report {
  std::string command;
  data::Split measured = data::Split::test;  ///< what Cohorts::test is
  const data::Source* source = nullptr;
  const Cohorts* cohorts = nullptr;
  std::vector<RunReport> runs;  ///< in the order of the command line, the baseline last
  std::vector<Representation> representations;
  SwapPairs swap_pairs;  ///< of every dual run alike; empty without simulated data
  std::vector<TargetScores> targets;
  std::map<std::string, std::vector<LabelEfficiency>> label_efficiency;  ///< by target, with a baseline
  std::vector<ProbeScores> probes;
  std::vector<RetrievalScores> retrieval;
};

/// report.json (docs/evaluation.md): what was not measured is absent.
nlohmann::ordered_json report_json(const Report& report);

/// The same as text for people. From the JSON alone.
std::string report_markdown(const nlohmann::ordered_json& report);

/// evaluation.h5 (format "causalfm-evaluation", version 1): latents, predictions and example curves, for figures and
/// for whoever checks the numbers.
std::vector<std::byte> evaluation_bytes(const Report& report, const std::string& name);

}  // namespace causalfm::evaluation
