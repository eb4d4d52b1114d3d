#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/model/model.hpp"

#include <cstdint>

namespace causalfm::benchmark {

/// Whose batch it is and how much of its curves was observed.
struct RandomBatch {
  uint64_t seed = 1;
  bool masked = false;  ///< some 10 % of every curve is missing: its end, a gap in the middle, single samples
};

/// This rank's part of a global batch of normal noise, simulation.length samples a curve on one grid of times 0, 1, ...
/// There are as many stars as triplets, so that some anchors have several positives. Equal on any number of ranks.
data::LoadedStep random_step(const config::Config& settings, const RandomBatch& batch, int64_t rank,
                             int64_t world_size);

/// That of the grid of times.
model::SequenceScale scale_of(const config::Config& settings);

}  // namespace causalfm::benchmark
