#pragma once

#include "causalfm/data/source.hpp"
#include "evaluation/cohort.hpp"
#include "evaluation/encode.hpp"
#include "evaluation/swap.hpp"
#include "evaluation/trained_model.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace causalfm::evaluation {

/// Some curves and what the model makes of them: [rows, T] float32, mask uint8.
struct ExampleCurves {
  std::vector<int64_t> rows;  ///< of the source
  at::Tensor flux;
  at::Tensor mask;
  at::Tensor time;  ///< [rows, T]
  at::Tensor reconstructed;
};

/// What figures show of one run. Chosen by the data and the errors alone, so that a report repeats.
struct Examples {
  std::optional<ExampleCurves>
      triplet;                   ///< anchor, same star, same instrument; none where the test split has no triplet
  ExampleCurves reconstruction;  ///< test curves at evenly spaced quantiles of the error, the best first
  std::optional<ExampleCurves> counterfactual;  ///< dual models on simulated data
  SwapCurves swap;                              ///< of the counterfactual rows
  std::vector<int64_t> other_instrument;        ///< through which they are shown
};

/// @param pairs swaps of the test split, or none; `curves` are theirs.
Examples choose_examples(const TrainedModel& trained, const data::Source& source, const Cohort& test,
                         const Latents& latents, const SwapPairs& pairs, const SwapCurves& curves);

}  // namespace causalfm::evaluation
