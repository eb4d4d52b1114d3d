#include "config/check.hpp"

#include <algorithm>

namespace causalfm::config {

namespace {

constexpr int64_t most_curves = 1'000'000'000;            // an index of so many rows takes 24 GB
constexpr int64_t most_instrument_samples = 100'000'000;  // scale and offset of all instruments then take 1.6 GB
constexpr int64_t most_batch_samples = 1'000'000'000;     // the flux of a batch's three roles then takes 12 GB
constexpr int64_t most_weights = 1'000'000'000;           // of an encoder, some 16 GB with gradients and Adam's moments

bool is_simulated(const Config& config) { return !config.data.path.has_value(); }

bool is_conformer(const Config& config) { return config.model.encoder == EncoderKind::conformer; }

/// Roughly. In a Conformer block attention, LSTM and convolution have 16 width^2 weights together, the feed-forward
/// sublayer the rest; an MLP has two hidden layers of 4 width over all samples of a curve.
int64_t encoder_weights(const Config& config) {
  const Model& model = config.model;
  if (is_conformer(config)) return model.blocks * model.width * (16 * model.width + 2 * model.feed_forward);
  return 4 * model.width * (4 * model.width + (is_simulated(config) ? config.simulation.length : 0));
}

bool held_out_exist(const Config& config) {
  const auto& held_out = config.data.held_out_instruments;
  const int64_t instruments = config.simulation.instruments;
  return std::all_of(held_out.begin(), held_out.end(), [=](int64_t id) { return id < instruments; }) &&
         static_cast<int64_t>(held_out.size()) < instruments;
}

std::vector<Relation> relations_of_meaning() {
  return {
      {{"model.width", "model.heads", "model.encoder"},
       "the width of a Conformer must be a multiple of its heads",
       [](const Config& config) { return !is_conformer(config) || config.model.width % config.model.heads == 0; }},
      {{"model.width", "model.encoder"},
       "the width of a Conformer must be even, for its encoding of time has sines and cosines in pairs",
       [](const Config& config) { return !is_conformer(config) || config.model.width % 2 == 0; }},
      {{"loss.instrument", "model.latents"},
       "loss.instrument must be 0 where model.latents is single, for there is no space of instruments",
       [](const Config& config) { return config.model.latents == Latents::dual || config.loss.instrument == 0; }},
      {{"loss.reconstruction", "loss.star", "loss.instrument"},
       "one of the three weights at least must be above 0",
       [](const Config& config) {
         return config.loss.reconstruction > 0 || config.loss.star > 0 || config.loss.instrument > 0;
       }},
      {{"data.validation_stars", "data.test_stars"},
       "data.validation_stars and data.test_stars must together be below 1, for the rest is trained on",
       [](const Config& config) { return config.data.validation_stars + config.data.test_stars < 1; }},
      {{"data.held_out_instruments", "simulation.instruments", "data.path"},
       "where data.path is null, data.held_out_instruments must be below simulation.instruments and leave one to train "
       "on",
       [](const Config& config) { return !is_simulated(config) || held_out_exist(config); }},
      {{"train.warmup_steps", "train.steps"},
       "train.warmup_steps must be at most train.steps",
       [](const Config& config) { return config.train.warmup_steps <= config.train.steps; }},
      {{"simulation.assignment", "simulation.instruments", "simulation.curves_per_star"},
       "a sparse assignment needs 2 instruments and 2 curves of a star at least",
       [](const Config& config) {
         return config.simulation.assignment != Assignment::sparse ||
                (config.simulation.instruments >= 2 && config.simulation.curves_per_star >= 2);
       }},
  };
}

/// What would otherwise end with memory that is full.
std::vector<Relation> relations_of_size() {
  return {
      {{"simulation.stars", "simulation.curves_per_star"},
       "their product, the number of light curves, must be at most 1000000000",
       [](const Config& config) { return config.simulation.stars * config.simulation.curves_per_star <= most_curves; }},
      {{"simulation.instruments", "simulation.length"},
       "their product must be at most 100000000, for scale and offset of every instrument are kept in memory",
       [](const Config& config) {
         return config.simulation.instruments * config.simulation.length <= most_instrument_samples;
       }},
      {{"train.batch_triplets", "simulation.length", "data.path"},
       "where data.path is null, train.batch_triplets times simulation.length must be at most 1000000000",
       [](const Config& config) {
         return !is_simulated(config) || config.train.batch_triplets * config.simulation.length <= most_batch_samples;
       }},
      {{"model.width", "model.blocks", "model.feed_forward", "model.encoder", "simulation.length"},
       "the weights of an encoder, about blocks * width * (16 width + 2 feed_forward) of a Conformer and 4 width * (4 "
       "width + length) of an MLP, must be at most 1000000000",
       [](const Config& config) { return encoder_weights(config) <= most_weights; }},
  };
}

}  // namespace

std::vector<Relation> relations() {
  std::vector<Relation> all = relations_of_meaning();
  const std::vector<Relation> sizes = relations_of_size();
  all.insert(all.end(), sizes.begin(), sizes.end());
  return all;
}

}  // namespace causalfm::config
