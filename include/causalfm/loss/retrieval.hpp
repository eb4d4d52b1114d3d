#pragma once

#include <ATen/core/Tensor.h>

namespace causalfm::loss {

/// Recall@1 by cosine: the share of rows whose nearest row among those with another `other` label has the same `same`
/// label (stars among rows of other instruments: same = star, other = instrument; and the reverse). Rows for which no
/// such match exists are left out; nan when none is left. `latents` [rows, latent]; labels [rows] int64. Cosines are
/// compared in float32; of equal ones the lowest row is the nearest. Memory O(rows). Local.
/// @throws LossError when shapes do not fit.
double recall_at_1(const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other);

}  // namespace causalfm::loss
