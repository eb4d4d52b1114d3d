#include "evaluation/report.hpp"

#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/hdf5_writer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <type_traits>

namespace causalfm::evaluation {

namespace {

constexpr const char* format = "causalfm-evaluation";
constexpr int64_t version = 1;

/// Curves of validation and test whose latents are kept for maps.
constexpr int64_t most_mapped_curves = 5000;

class EvaluationFile {
 public:
  EvaluationFile(const Report& report, const std::string& name) : report_(report), writer_(format, version, name) {}

  void write(const std::string& dataset, const at::Tensor& tensor) {
    writer_.write(dataset, run::storable(tensor, dataset).view());
  }
  void write(const std::string& dataset, const std::vector<int64_t>& values) {
    writer_.write(dataset, storage::view(values));
  }

  /// Who the rows of a source are.
  void write_ids(const std::string& group, const std::vector<int64_t>& rows) {
    const data::ObservationTable& table = report_.source->observations();
    std::vector<int64_t> star, instrument, observation;
    for (const int64_t row : rows) {
      star.push_back(table.star_id[row]);
      instrument.push_back(table.instrument_id[row]);
      observation.push_back(table.observation_id[row]);
    }
    write(group + "star_id", star);
    write(group + "instrument_id", instrument);
    write(group + "observation_id", observation);
  }

  void write_curves(const std::string& group, const ExampleCurves& curves) {
    write_ids(group, curves.rows);
    write(group + "flux", curves.flux);
    write(group + "mask", curves.mask);
    write(group + "time", curves.time);
    write(group + "reconstructed", curves.reconstructed);
  }

  std::vector<std::byte> finish() { return writer_.finish(); }

 private:
  const Report& report_;
  storage::Hdf5Writer writer_;
};

/// Evenly spaced rows of validation and test, and their split.
std::pair<std::vector<int64_t>, std::vector<uint8_t>> mapped_rows(const Cohorts& cohorts) {
  std::vector<std::pair<int64_t, uint8_t>> all;
  for (const int64_t row : cohorts.validation.rows) all.emplace_back(row, uint8_t{1});
  for (const int64_t row : cohorts.test.rows) all.emplace_back(row, uint8_t{2});
  const auto count = std::min<int64_t>(most_mapped_curves, std::ssize(all));
  std::pair<std::vector<int64_t>, std::vector<uint8_t>> chosen;
  for (int64_t i = 0; i < count; ++i) {
    const auto& [row, split] = all[static_cast<size_t>(i * std::ssize(all) / count)];
    chosen.first.push_back(row);
    chosen.second.push_back(split);
  }
  return chosen;
}

void write_truth(EvaluationFile& file, const data::Source& source, const at::Tensor& rows) {
  const std::vector<std::string> columns = source.columns();
  const auto column = [&](const std::string& name) {
    return run::to_tensor(std::get<storage::Array>(source.read_column(name)));
  };
  const auto has = [&](const std::string& name) { return std::ranges::find(columns, name) != columns.end(); };
  if (has("truth/theta")) file.write("rows/theta", column("truth/theta").index_select(0, rows));
  for (const std::string name : {"truth/beta", "truth/gamma"}) {
    if (has(name)) file.write(name, column(name));
  }
}

void write_maps(EvaluationFile& file, const Report& report) {
  const auto [rows, splits] = mapped_rows(*report.cohorts);
  const at::Tensor places = at::tensor(rows, at::kLong);
  file.write_ids("rows/", rows);
  file.write("rows/split", at::tensor(std::vector<int64_t>(splits.begin(), splits.end()), at::kLong).to(at::kByte));
  write_truth(file, *report.source, places);
  for (const Representation& representation : report.representations) {
    if (representation.name == "raw" || representation.name == "fft") continue;
    file.write("latents/" + representation.name, representation.features.index_select(0, places));
  }
}

void write_examples(EvaluationFile& file, const RunReport& run) {
  const std::string group = "examples/" + run.trained->name + "/";
  if (run.examples.triplet) file.write_curves(group + "triplet/", *run.examples.triplet);
  file.write_curves(group + "reconstruction/", run.examples.reconstruction);
  if (!run.examples.counterfactual) return;
  file.write_curves(group + "counterfactual/", *run.examples.counterfactual);
  file.write(group + "counterfactual/other_instrument_id", run.examples.other_instrument);
  file.write(group + "counterfactual/swapped", run.examples.swap.swapped);
  file.write(group + "counterfactual/truth", run.examples.swap.truth);
  file.write(group + "counterfactual/unchanged", run.examples.swap.unchanged);
}

void write_swap_pairs(EvaluationFile& file, const Report& report) {
  if (report.swap_pairs.a.empty()) return;
  file.write_ids("swap/", report.swap_pairs.a);
  file.write_ids("swap/partner/", report.swap_pairs.b);
}

std::vector<int64_t> ids_of(const std::vector<int64_t>& stars, const Cohort& cohort) {
  std::vector<int64_t> ids;
  ids.reserve(stars.size());
  for (const int64_t star : stars) ids.push_back(cohort.stars[static_cast<size_t>(star)]);
  return ids;
}

void write_predictions(EvaluationFile& file, const TargetScores& scores, const Cohorts& cohorts) {
  const std::string group = "predictions/" + scores.target.name + "/";
  file.write(group + "star_id", ids_of(scores.target.test_stars, cohorts.measured));
  file.write(group + "truth", scores.target.test_values.to(at::kDouble));
  const at::Tensor training = at::tensor(ids_of(scores.target.training_stars, cohorts.training), at::kLong);
  file.write("label_sets/" + scores.target.name,
             training.index_select(0, scores.label_sets.flatten()).view(scores.label_sets.sizes()));
  for (const ScoreCurve& curve : scores.curves) {
    for (const auto& [count, predictions] : curve.predictions) {
      file.write(group + curve.representation + "/" + std::to_string(count), predictions);
    }
  }
}

void write_probes(EvaluationFile& file, const ProbeScores& scores) {
  const std::string group = "probes/" + scores.quantity + "/";
  file.write(group + "observation_id", scores.observation_id);
  file.write(group + "truth", scores.truth);
  for (const Probe& probe : scores.probes) {
    file.write(group + probe.representation + "/linear", probe.linear_predictions);
    file.write(group + probe.representation + "/mlp", probe.mlp_predictions);
  }
}

}  // namespace

std::vector<std::byte> evaluation_bytes(const Report& report, const std::string& name) {
  EvaluationFile file(report, name);
  if (report.source->has_shared_time()) file.write("time", at::tensor(report.source->description().shared_time));
  write_maps(file, report);
  for (const RunReport& run : report.runs) write_examples(file, run);
  write_swap_pairs(file, report);
  for (const TargetScores& scores : report.targets) write_predictions(file, scores, *report.cohorts);
  for (const ProbeScores& scores : report.probes) write_probes(file, scores);
  return file.finish();
}

}  // namespace causalfm::evaluation
