#pragma once

#include "causalfm/config/config.hpp"

namespace causalfm::training {

/// A universe and a model that train in milliseconds, with everything switched on.
inline config::Config small_config() {
  config::Config settings;
  settings.simulation.stars = 60;
  settings.simulation.instruments = 5;
  settings.simulation.curves_per_star = 7;
  settings.simulation.stellar_parameters = 5;
  settings.simulation.instrument_terms = 4;
  settings.simulation.length = 24;
  settings.data.validation_stars = 0.2;
  settings.model.width = 8;
  settings.model.heads = 2;
  settings.model.feed_forward = 12;
  settings.model.blocks = 1;
  settings.model.kernel = 5;
  settings.model.latent = 4;
  settings.model.dropout = 0.2;
  settings.train.batch_triplets = 7;
  settings.train.steps = 20;
  settings.train.validate_every = 10;
  settings.train.validation_triplets = 20;
  settings.train.checkpoint_every = 5;
  settings.train.patience = 0;
  settings.comm.deadline_seconds = 60;
  settings.runtime.threads = 1;
  return settings;
}

}  // namespace causalfm::training
