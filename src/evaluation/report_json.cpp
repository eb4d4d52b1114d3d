#include "evaluation/report.hpp"

#include "causalfm/version.hpp"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace causalfm::evaluation {

namespace {

using Json = nlohmann::ordered_json;

/// JSON has no names for numbers that are not finite.
Json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json numbers(const std::vector<double>& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(number(value));
  return array;
}

Json to_json(const SwapErrors& errors) {
  return {{"swap", number(errors.swap)},
          {"no_swap", number(errors.no_swap)},
          {"oracle", number(errors.oracle)},
          {"unchanged", number(errors.unchanged)}};
}

const char* encoder_name(config::EncoderKind kind) { return kind == config::EncoderKind::mlp ? "mlp" : "conformer"; }

Json run_json(const RunReport& run) {
  const TrainedModel& trained = *run.trained;
  const config::Model& model = trained.settings.model;
  Json json = {{"role", run.is_baseline ? "baseline" : "run"},
               {"folder", trained.folder.string()},
               {"prefix", run.prefix},
               {"step", trained.step},
               {"checkpoint", trained.file.filename().string()},
               {"checkpoint_sha256", trained.checkpoint_sha256},
               {"latents", model.latents == config::Latents::dual ? "dual" : "single"},
               {"encoder", encoder_name(model.encoder)},
               {"spectrum", model.spectrum == config::Spectrum::none ? "none" : "amplitudes"},
               {"parameters", trained.model.parameters().count()},
               {"reconstruction_mse", number(run.reconstruction_mse)}};
  if (run.swap_errors) json["swap_mse"] = to_json(*run.swap_errors);
  json["configuration"] = trained.configuration;
  return json;
}

Json data_json(const Report& report) {
  const data::SourceDescription& description = report.source->description();
  const Cohorts& cohorts = *report.cohorts;
  const auto each = [&](auto count) -> Json {
    return {
        {"train", count(cohorts.training)}, {"validation", count(cohorts.validation)}, {"test", count(cohorts.test)}};
  };
  return {{"folder", description.place},
          {"identity", description.identity},
          {"split_seed", report.runs.front().trained->settings.data.split_seed},
          {"measured_on", data::name_of(report.measured)},
          {"instruments", description.instruments.size()},
          {"length", description.length},
          {"flux_unit", description.flux_unit},
          {"time_system", description.time_system},
          {"stars", each([](const Cohort& cohort) { return cohort.stars.size(); })},
          {"curves", each([](const Cohort& cohort) { return cohort.rows.size(); })}};
}

Json by_count(const std::map<int64_t, std::vector<double>>& scores) {
  Json json = Json::object();
  for (const auto& [count, values] : scores) json[std::to_string(count)] = numbers(values);
  return json;
}

Json efficiency_json(const LabelEfficiency& efficiency) {
  Json json = {{"count", efficiency.count},
               {"ratio", number(efficiency.ratio)},
               {"interval", numbers({efficiency.interval.low, efficiency.interval.high})},
               {"censored", efficiency.censored}};
  if (efficiency.at_smallest) json["at_smallest"] = true;
  return json;
}

void add_scores(Json& json, const TargetScores& scores) {
  const std::string kind = scores.target.classes() == 0 ? "regression" : "classification";
  const std::string& name = scores.target.name;
  for (const ScoreCurve& curve : scores.curves) {
    json[kind][name][curve.representation] = by_count(curve.per_star);
    json[kind + "_per_curve"][name][curve.representation] = by_count(curve.per_curve);
    for (const auto& [count, interval] : curve.intervals) {
      json[kind + "_interval"][name][curve.representation][std::to_string(count)] =
          numbers({interval.low, interval.high});
    }
  }
}

void add_probes(Json& json, const ProbeScores& scores) {
  Json& probes = json["probes"][scores.quantity];
  for (const Probe& probe : scores.probes) {
    probes[probe.representation] = {{"linear", number(probe.linear)}, {"mlp", number(probe.mlp)}};
  }
  probes["chance"] = number(scores.chance);
}

}  // namespace

Json report_json(const Report& report) {
  Json json = {{"format", "causalfm-report"},
               {"version", 1},
               {"causalfm", causalfm::version},
               {"command", report.command},
               {"data", data_json(report)}};
  for (const RunReport& run : report.runs) json["runs"][run.trained->name] = run_json(run);
  for (const TargetScores& scores : report.targets) add_scores(json, scores);
  for (const auto& [target, efficiencies] : report.label_efficiency) {
    for (const LabelEfficiency& efficiency : efficiencies) {
      json["label_efficiency"][target].push_back(efficiency_json(efficiency));
    }
  }
  for (const ProbeScores& scores : report.probes) add_probes(json, scores);
  for (const RetrievalScores& scores : report.retrieval) {
    json["retrieval"]["star"][scores.representation] = number(scores.star);
    json["retrieval"]["instrument"][scores.representation] = number(scores.instrument);
  }
  const RunReport& first = report.runs.front();
  json["reconstruction_mse"] = number(first.reconstruction_mse);
  if (first.swap_errors) json["swap_mse"] = to_json(*first.swap_errors);
  return json;
}

}  // namespace causalfm::evaluation
