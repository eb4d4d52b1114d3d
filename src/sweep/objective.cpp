#include "sweep/objective.hpp"

#include "causalfm/config/spelling.hpp"
#include "causalfm/sweep/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace causalfm::sweep {

namespace {

using namespace std::string_view_literals;

constexpr std::array of_validation{"validation_loss"sv,
                                   "validation_reconstruction"sv,
                                   "validation_star"sv,
                                   "validation_instrument"sv,
                                   "validation_star_recall"sv,
                                   "validation_instrument_recall"sv,
                                   "validation_star_effective_rank"sv,
                                   "validation_star_alignment"sv,
                                   "validation_star_uniformity"sv,
                                   "validation_instrument_effective_rank"sv,
                                   "validation_instrument_alignment"sv,
                                   "validation_instrument_uniformity"sv};

constexpr std::array of_training{"loss"sv,
                                 "reconstruction"sv,
                                 "star"sv,
                                 "instrument"sv,
                                 "gradient_norm"sv,
                                 "curves_per_second"sv,
                                 "data_wait_seconds"sv,
                                 "exposed_communication_seconds"sv,
                                 "checkpoint_wait_seconds"sv,
                                 "seconds"sv};

/// What the first part of a path into report.json may be.
constexpr std::array of_report{"regression"sv,
                               "classification"sv,
                               "regression_per_curve"sv,
                               "classification_per_curve"sv,
                               "label_efficiency"sv,
                               "probes"sv,
                               "retrieval"sv,
                               "reconstruction_mse"sv,
                               "swap_mse"sv};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// Whether another value of `key` gives the loss `name` another scale: its weight, its temperature, its negatives.
bool rescales(std::string_view key, std::string_view name) {
  if (name.starts_with("validation_")) name.remove_prefix("validation_"sv.size());
  const bool contrastive = name == "star" || name == "instrument";
  if (name != "loss" && !contrastive) return false;
  if (key == "train.batch_triplets" || key == "train.validation_triplets") return true;
  if (!key.starts_with("loss.")) return false;
  if (name == "loss" || key == "loss.anchors" || key == "loss.positives_inside_log") return true;
  return key == (name == "star" ? "loss.temperature"sv : "loss.instrument_temperature"sv);
}

}  // namespace

Objective objective_named(const std::string& name, const std::string& place) {
  if (holds(of_validation, name)) return {name};
  if (holds(of_training, name)) return {.name = name, .of_training = true};
  const std::string_view first = std::string_view(name).substr(0, name.find('.'));
  if (holds(of_report, first)) return {.name = name, .of_report = true};
  std::vector<std::string_view> all(of_validation.begin(), of_validation.end());
  all.insert(all.end(), of_training.begin(), of_training.end());
  all.insert(all.end(), of_report.begin(), of_report.end());
  throw SweepError(
      fmt::format("{}: objective '{}' is no name in metrics.jsonl, nor the beginning of a path into report.json as "
                  "regression.theta_0.z_star.100 is; did you mean '{}'?",
                  place, name, config::nearest_of(all, name)));
}

void require_comparable(const Objective& objective, const std::vector<Parameter>& parameters,
                        const std::string& place) {
  for (const Parameter& parameter : parameters) {
    if (!rescales(parameter.key, objective.name)) continue;
    throw SweepError(
        fmt::format("{}: objective {} cannot be compared between values of {}, which give the loss another scale; take "
                    "validation_star_recall, validation_reconstruction or a number of report.json",
                    place, objective.name, parameter.key));
  }
}

}  // namespace causalfm::sweep
