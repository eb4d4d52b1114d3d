#pragma once

#include "causalfm/model/model.hpp"
#include "model/scope.hpp"
#include "model/sequence_mask.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::model {

/// Settings of every kind of layer, small enough for finite differences.
config::Model small_settings();

SequenceScale small_scale();

/// Curves with an irregular time axis each and about a quarter of the samples masked; the first curve observed whole.
Curves random_curves(int64_t batch, int64_t time, at::ScalarType dtype = at::kDouble);

/// A mask that hides the steps `step % 3 == 1` of every second curve.
at::Tensor striped_mask(int64_t batch, int64_t time);

/// Rows [first, first + count) of the curves.
Curves rows_of(const Curves& curves, int64_t first, int64_t count);

/// The largest absolute difference.
double distance(const at::Tensor& left, const at::Tensor& right);

}  // namespace causalfm::model
