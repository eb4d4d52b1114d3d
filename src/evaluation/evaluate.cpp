#include "causalfm/evaluation/evaluate.hpp"

#include "causalfm/data/source.hpp"
#include "causalfm/evaluation/error.hpp"
#include "causalfm/loss/retrieval.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "evaluation/embeddings.hpp"
#include "evaluation/report.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>

namespace causalfm::evaluation {

namespace {

using Clock = std::chrono::steady_clock;

/// A loaded run with the latents of all curves.
struct EncodedRun {
  TrainedModel trained;
  Latents latents;
  bool is_baseline = false;
};

/// One evaluation from its request to its files.
class Evaluation {
 public:
  Evaluation(const EvaluateRequest& request, const Host& host) : request_(request), host_(host) {}

  void run() {
    require_free(request_.out);
    load();
    represent();
    measure_runs();
    measure_targets();
    measure_probes();
    measure_retrieval();
    write();
  }

 private:
  void require_free(const std::filesystem::path& folder) const;
  void load();
  void require_same_data(const TrainedModel& trained) const;
  void represent();
  Latents latents_of(const TrainedModel& trained);
  void measure_runs();
  void measure_targets();
  void measure_probes();
  void measure_retrieval();
  void write() const;

  std::function<void(const std::string&)> teller(const std::string& what) const {
    return [this, what](const std::string& representation) {
      host_.log.info("{} from {}: done after {:.0f} s", what, representation,
                     std::chrono::duration<double>(Clock::now() - start_).count());
    };
  }

  const EvaluateRequest& request_;
  const Host& host_;
  Clock::time_point start_ = Clock::now();
  std::unique_ptr<data::Source> source_;
  Cohorts cohorts_;
  std::vector<EncodedRun> runs_;
  std::vector<std::filesystem::path> unused_embeddings_;
  uint64_t split_seed_ = 0;
  Report report_;
};

void Evaluation::require_free(const std::filesystem::path& folder) const {
  if (!host_.file_system.exists(folder)) return;
  throw EvaluationError(
      fmt::format("{} exists: a report is not mixed with another; remove it or choose another --out", folder.string()));
}

void Evaluation::require_same_data(const TrainedModel& trained) const {
  const config::Data& first = runs_.front().trained.settings.data;
  const config::Data& settings = trained.settings.data;
  if (trained.data_identity != source_->description().identity) {
    throw EvaluationError(
        fmt::format("{} was trained on data of identity {}, {} has {}: give --data the data set of "
                    "that run, or another run",
                    trained.folder.string(), trained.data_identity.substr(0, 12), request_.data.string(),
                    source_->description().identity.substr(0, 12)));
  }
  const auto same_split = [](const config::Data& a, const config::Data& b) {
    return a.split_seed == b.split_seed && a.validation_stars == b.validation_stars && a.test_stars == b.test_stars &&
           a.held_out_instruments == b.held_out_instruments;
  };
  if (!same_split(first, settings)) {
    throw EvaluationError(fmt::format(
        "{} and {} split the stars differently (data.split_seed {} and {}, or "
        "validation_stars, test_stars, held_out_instruments), so what trained one would "
        "test the other: compare runs of one split",
        runs_.front().trained.folder.string(), trained.folder.string(), first.split_seed, settings.split_seed));
  }
}

void Evaluation::load() {
  if (request_.runs.empty()) throw EvaluationError("no run to evaluate: give --run, the folder of one");
  source_ = data::open_shards(request_.data);
  std::vector<std::filesystem::path> folders = request_.runs;
  if (request_.baseline) folders.push_back(*request_.baseline);
  for (const std::filesystem::path& folder : folders) {
    EncodedRun run{load_trained_model(folder, request_.checkpoint, host_), {}, false};
    run.is_baseline = request_.baseline && runs_.size() == request_.runs.size();
    for (const EncodedRun& other : runs_) {
      if (other.trained.name != run.trained.name) continue;
      throw EvaluationError(
          fmt::format("two runs are called {}: give their folders different names, for the report "
                      "tells runs by the last part of their path",
                      run.trained.name));
    }
    runs_.push_back(std::move(run));
    require_same_data(runs_.back().trained);
  }
  const config::Data& settings = runs_.front().trained.settings.data;
  split_seed_ = static_cast<uint64_t>(settings.split_seed);
  report_.command = request_.command;
  report_.measured = request_.measured;
  report_.source = source_.get();
  report_.cohorts = &cohorts_;
  cohorts_ = {make_cohort(*source_, settings, data::Split::train),
              make_cohort(*source_, settings, data::Split::validation),
              make_cohort(*source_, settings, data::Split::test), make_cohort(*source_, settings, request_.measured)};
  host_.log.info("{}: {} training stars, measured on {} {} stars", request_.data.string(),
                 cohorts_.training.stars.size(), cohorts_.measured.stars.size(), data::name_of(request_.measured));
}

/// From a file of `causalfm embed` if one was given, else encoded now.
Latents Evaluation::latents_of(const TrainedModel& trained) {
  for (size_t i = 0; i < unused_embeddings_.size(); ++i) {
    if (!are_embeddings_of(unused_embeddings_[i], trained)) continue;
    const std::filesystem::path file = unused_embeddings_[i];
    unused_embeddings_.erase(unused_embeddings_.begin() + static_cast<ptrdiff_t>(i));
    return read_embeddings(file, trained, *source_);
  }
  return encode_rows(trained.model, *source_, all_rows(*source_), trained.name, host_);
}

void Evaluation::represent() {
  unused_embeddings_ = request_.embeddings;
  for (EncodedRun& run : runs_) run.latents = latents_of(run.trained);
  if (!unused_embeddings_.empty()) {
    throw EvaluationError(
        fmt::format("{}: these embeddings are of no checkpoint that is evaluated here: embed again, "
                    "or leave them out",
                    unused_embeddings_.front().string()));
  }
  report_.representations = curve_representations(*source_);
  for (size_t i = 0; i < runs_.size(); ++i) {
    const EncodedRun& run = runs_[i];
    RunReport report;
    report.trained = &run.trained;
    report.is_baseline = run.is_baseline;
    report.prefix = i == 0 || run.is_baseline ? "" : run.trained.name + "/";
    if (run.is_baseline) {
      report_.representations.push_back({"baseline", run.latents.z_star});
    } else {
      const Latents untrained = encode_rows(untrained_model(run.trained, host_), *source_, all_rows(*source_),
                                            report.prefix + "untrained", host_);
      report_.representations.push_back({report.prefix + "untrained", untrained.z_star});
      std::ranges::move(latent_representations(run.latents, report.prefix),
                        std::back_inserter(report_.representations));
    }
    report_.runs.push_back(std::move(report));
  }
}

void Evaluation::measure_runs() {
  const at::Tensor test_rows = cohorts_.measured.row_tensor();
  if (source_->description().simulation) report_.swap_pairs = draw_swap_pairs(cohorts_.measured, split_seed_);
  const SwapPairs& pairs = report_.swap_pairs;
  for (size_t i = 0; i < runs_.size(); ++i) {
    const EncodedRun& run = runs_[i];
    RunReport& report = report_.runs[i];
    report.reconstruction_mse =
        run.latents.reconstruction_error.index_select(0, test_rows).to(at::kDouble).nanmean().item<double>();
    const bool swaps = run.latents.z_instrument.defined() && !pairs.a.empty();
    SwapCurves curves;
    if (swaps) {
      curves = swap_curves(run.trained, *source_, run.latents, pairs);
      report.swap_errors = swap_errors(run.trained, curves, *source_);
    }
    report.examples =
        choose_examples(run.trained, *source_, cohorts_.measured, run.latents, swaps ? pairs : SwapPairs{}, curves);
  }
}

void Evaluation::measure_targets() {
  std::vector<Target> targets;
  if (std::optional<Target> theta_0 = theta_0_target(*source_, cohorts_.training, cohorts_.measured)) {
    targets.push_back(std::move(*theta_0));
  } else {
    host_.log.warn("{} holds no truth/theta that differs from star to star: theta_0 is left out",
                   request_.data.string());
  }
  if (request_.labels) {
    std::ranges::move(user_targets(*request_.labels, cohorts_.training, cohorts_.measured),
                      std::back_inserter(targets));
  }
  for (const Target& target : targets) {
    TargetScores scores =
        score_target(target, report_.representations, cohorts_, request_.counts, split_seed_, teller(target.name));
    add_intervals(scores, split_seed_);
    if (request_.baseline) report_.label_efficiency[target.name] = efficiency_of(scores, split_seed_);
    report_.targets.push_back(std::move(scores));
  }
}

void Evaluation::measure_probes() {
  if (auto instruments = probe_instruments(report_.representations, cohorts_, split_seed_, teller("instrument"))) {
    report_.probes.push_back(std::move(*instruments));
  } else {
    host_.log.warn("a split of {} shows one instrument only: the instrument probe is left out", request_.data.string());
  }
  for (const TargetScores& scores : report_.targets) {
    if (scores.target.name != "theta_0") continue;
    report_.probes.push_back(
        probe_target(scores.target, report_.representations, cohorts_, split_seed_, teller("theta_0, all curves,")));
  }
}

void Evaluation::measure_retrieval() {
  const at::Tensor rows = cohorts_.measured.row_tensor();
  const at::Tensor star = cohorts_.measured.star_of_row_tensor();
  const at::Tensor instrument = cohorts_.measured.instrument_tensor();
  for (const Representation& representation : report_.representations) {
    const at::Tensor features = representation.features.index_select(0, rows);
    report_.retrieval.push_back({representation.name, loss::recall_at_1(features, star, instrument),
                                 loss::recall_at_1(features, instrument, star)});
  }
}

void Evaluation::write() const {
  const nlohmann::ordered_json json = report_json(report_);
  require_free(request_.out);
  host_.file_system.create_folders(request_.out);
  const auto write_text = [&](const char* name, const std::string& text) {
    storage::replace_file(host_.file_system, request_.out / name, std::as_bytes(std::span(text)));
  };
  const std::filesystem::path file = request_.out / "evaluation.h5";
  storage::replace_file(host_.file_system, file, evaluation_bytes(report_, file.string()));
  write_text("report.md", report_markdown(json));
  write_text("report.json", json.dump(2) + "\n");
  host_.log.info("report.json, report.md and evaluation.h5 written to {} after {:.0f} s", request_.out.string(),
                 std::chrono::duration<double>(Clock::now() - start_).count());
}

}  // namespace

void evaluate(const EvaluateRequest& request, const Host& host) { Evaluation(request, host).run(); }

}  // namespace causalfm::evaluation
