#include "evaluation/perceptron_fits.hpp"

#include "causalfm/evaluation/error.hpp"
#include "evaluation/perceptron_training.hpp"
#include "evaluation/random_draws.hpp"
#include "evaluation/standardisation.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <unordered_map>

namespace causalfm::evaluation {
namespace {

// A fit's seed has a partition of its stars for every `folds` networks, and two streams for each network.
constexpr uint64_t first_partition_stream = 1ULL << 32;

/// What the networks of a fit share.
struct Scales {
  explicit Scales(const PerceptronFit& fit)
      : features(fit.features.index_select(0, fit.label_rows)),
        target(fit.classes > 0 ? at::zeros({1, 1}) : fit.target.unsqueeze(1)) {}

  Standardisation features;
  Standardisation target;
};

std::vector<int64_t> distinct_groups(const PerceptronFit& fit) {
  const at::Tensor groups = fit.groups.contiguous();
  const auto* const group = groups.const_data_ptr<int64_t>();
  std::vector<int64_t> distinct(group, group + groups.numel());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  return distinct;
}

/// [n] bool: which label rows network `network` of a fit does not learn from but is stopped by.
at::Tensor held_out_rows(const PerceptronFit& fit, int64_t network, const PerceptronSettings& settings) {
  std::vector<int64_t> order = distinct_groups(fit);
  const auto count = static_cast<int64_t>(order.size());
  const int64_t folds = std::min(settings.folds, count);
  RandomDraws(fit.seed, first_partition_stream + static_cast<uint64_t>(network / folds)).shuffle(order);
  std::unordered_map<int64_t, bool> held_out;
  for (int64_t place = 0; place < count; ++place) held_out[order[place]] = place % folds == network % folds;
  const at::Tensor groups = fit.groups.contiguous();
  at::Tensor rows = at::empty({groups.numel()}, at::kBool);
  auto* const row = rows.mutable_data_ptr<bool>();
  for (int64_t i = 0; i < groups.numel(); ++i) row[i] = held_out[groups.const_data_ptr<int64_t>()[i]];
  return rows;
}

LabelledRows rows_where(const PerceptronFit& fit, const Scales& scales, const at::Tensor& chosen) {
  const at::Tensor place = chosen.nonzero().squeeze(1);
  const at::Tensor target = fit.target.index_select(0, place);
  return {scales.features.apply(fit.features.index_select(0, fit.label_rows.index_select(0, place)), at::kFloat),
          fit.classes > 0 ? target : scales.target.apply(target.unsqueeze(1), at::kFloat)};
}

/// [m, 1] in the target's unit or [m, classes] probabilities, of one network.
at::Tensor predict(const PerceptronFit& fit, const Scales& scales, int64_t network,
                   const PerceptronSettings& settings) {
  const at::Tensor held_out = held_out_rows(fit, network, settings);
  const Perceptron perceptron =
      train_perceptron(rows_where(fit, scales, held_out.logical_not()), rows_where(fit, scales, held_out),
                       std::max<int64_t>(fit.classes, 1), settings, fit.seed, 2 * static_cast<uint64_t>(network));
  const at::Tensor outputs =
      perceptron(scales.features.apply(fit.features.index_select(0, fit.query_rows), at::kFloat)).to(at::kDouble);
  return fit.classes > 0 ? outputs.softmax(1) : scales.target.undo(outputs);
}

/// Calls work(0) ... work(count - 1), each on one thread, which takes the next when it is done. Inside the region every
/// operator runs on that thread alone, so that no result depends on the number of threads.
template <typename Work>
void run_all(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = next++; i < count; i = next++) work(i);
  });
}

void check(const PerceptronFit& fit) {
  const auto refuse = [](const std::string& cause) { throw EvaluationError("perceptron fit: " + cause); };
  const int64_t labels = fit.label_rows.numel();
  if (fit.features.dim() != 2 || fit.features.scalar_type() != at::kFloat)
    refuse("features must be [rows, inputs] float32");
  if (fit.groups.numel() != labels || fit.target.dim() != 1 || fit.target.numel() != labels) {
    refuse("groups and target must have one element for each of the " + std::to_string(labels) + " label rows");
  }
  if (distinct_groups(fit).size() < 2) refuse("fewer than two labelled stars, and one must be held out: label more");
  if (!fit.features.index_select(0, fit.label_rows).isfinite().all().item<bool>()) {
    refuse("the features of some labelled curves are not finite: embed with a sound checkpoint");
  }
  if (fit.classes == 0 && !fit.target.isfinite().all().item<bool>()) {
    refuse("the target of some labelled curves is not finite: leave their stars out");
  }
  if (fit.classes > 0 && (fit.target.scalar_type() != at::kLong || fit.target.min().item<int64_t>() < 0 ||
                          fit.target.max().item<int64_t>() >= fit.classes)) {
    refuse("classes must be int64 in 0 ... " + std::to_string(fit.classes - 1));
  }
}

/// One network of one fit.
struct Task {
  std::size_t fit;
  int64_t network;
  int64_t cost;
};

std::vector<Task> costliest_first(std::span<const PerceptronFit> fits, const PerceptronSettings& settings) {
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < fits.size(); ++i) {
    const auto stars = static_cast<int64_t>(distinct_groups(fits[i]).size());
    const int64_t networks =
        std::clamp(settings.networks_times_stars / stars, settings.least_networks, settings.most_networks);
    const int64_t cost =
        planned_steps(fits[i].label_rows.numel(), settings) * (fits[i].features.size(1) + settings.hidden);
    for (int64_t network = 0; network < networks; ++network) tasks.push_back({i, network, cost});
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) { return a.cost > b.cost; });
  return tasks;
}

}  // namespace

std::vector<at::Tensor> fit_perceptrons(std::span<const PerceptronFit> fits, const PerceptronSettings& settings) {
  const at::NoGradGuard no_grad;
  for (const PerceptronFit& fit : fits) check(fit);
  std::vector<Scales> scales;
  for (const PerceptronFit& fit : fits) scales.emplace_back(fit);
  const std::vector<Task> tasks = costliest_first(fits, settings);
  std::vector<std::vector<at::Tensor>> predictions(fits.size());
  for (const Task& task : tasks) predictions[task.fit].emplace_back();
  run_all(tasks.size(), [&](std::size_t i) {
    const Task& task = tasks[i];
    predictions[task.fit][task.network] = predict(fits[task.fit], scales[task.fit], task.network, settings);
  });
  std::vector<at::Tensor> means;
  for (std::size_t i = 0; i < fits.size(); ++i) {
    const at::Tensor mean = at::stack(predictions[i]).mean(0);
    means.push_back(fits[i].classes > 0 ? mean : mean.squeeze(1));
  }
  return means;
}

}  // namespace causalfm::evaluation
