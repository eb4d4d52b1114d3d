#pragma once

#include "causalfm/data/source.hpp"
#include "evaluation/cohort.hpp"
#include "evaluation/encode.hpp"
#include "evaluation/trained_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::evaluation {

/// Curve a of one star, and curve b of another star through another instrument whose latent it is given.
struct SwapPairs {
  std::vector<int64_t> a;  ///< rows of the source
  std::vector<int64_t> b;
};

/// For every curve of the cohort a partner drawn from (seed, observation), uniform over instruments that are not its
/// own and then over curves of other stars. Curves without a partner are left out.
SwapPairs draw_swap_pairs(const Cohort& cohort, uint64_t seed);

/// Mean squared errors over the pairs, each against the simulator's curve without noise: what no noise can excuse.
struct SwapErrors {
  double swap = 0.0;       ///< D(z_star(a), z_instr(b)) against star a, phases a through instrument b
  double no_swap = 0.0;    ///< D(z_star(a), z_instr(a)) against star a, phases a through its own instrument
  double oracle = 0.0;     ///< that curve of star a through instrument b encoded and decoded: nothing left to swap
  double unchanged = 0.0;  ///< D(z_star(a), z_instr(a)) against star a through instrument b: the swap not attempted
};

/// What is drawn of some pairs: [pairs, T] float32 each.
struct SwapCurves {
  at::Tensor swapped;
  at::Tensor truth;
  at::Tensor unchanged;
  at::Tensor own_truth;
};

/// Swaps by decoding; a's observation latent stays where the model has one. Local.
/// @throws data::DataError when the data were not simulated.
SwapCurves swap_curves(const TrainedModel& trained, const data::Source& source, const Latents& latents,
                       const SwapPairs& pairs);

/// @throws data::DataError when the data were not simulated. Local.
SwapErrors swap_errors(const TrainedModel& trained, const SwapCurves& curves, const data::Source& source);

}  // namespace causalfm::evaluation
