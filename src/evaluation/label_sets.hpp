#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::evaluation {

/// Which labelled training stars a fit may use, the same for every representation. Nested: of one draw, the first
/// `count` elements are the label set of that count.
/// Returns [draws, stars] int64: row d is a permutation of 0 ... stars-1, a pure function of (split_seed, d, stars).
/// @throws EvaluationError when there are no stars.
at::Tensor draw_label_sets(int64_t stars, int64_t draws, uint64_t split_seed);

/// The label counts to report, ascending, each once: those that were asked for or, when none were, 10, 30, 100, 300,
/// 1000 as far as they are below the number of labelled training stars, and that number.
/// @throws EvaluationError naming a count that was asked for and is below 2 (one star is held out) or above the number
/// of labelled training stars.
std::vector<int64_t> label_counts(int64_t stars, const std::vector<int64_t>& asked);

}  // namespace causalfm::evaluation
