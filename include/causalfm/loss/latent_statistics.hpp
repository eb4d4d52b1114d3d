#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::loss {

/// How a space of latents is used. nan where there is nothing to tell of: no row, no pair, or a latent that is not
/// finite.
struct LatentStatistics {
  /// exp of the entropy of the singular values of the matrix of latents, not centred, divided by their sum (Roy &
  /// Vetterli 2007): from 1, all latents along one direction, to their size. 0 when all are zero.
  double effective_rank = 0.0;
  /// The mean of |u - v|^2 over all pairs of the same `same` and another `other` label (Wang & Isola 2020, Eq. 1 with
  /// alpha = 2), u and v the latents divided by their norms: from 0, equal, to 4. About 2 where labels play no part.
  double alignment = 0.0;
  /// log of the mean of exp(-2 |u - v|^2) over all pairs of rows (Eq. 2 with t = 2): 0 when all are equal, the lower
  /// the more evenly they lie on the sphere.
  double uniformity = 0.0;
};

/// Of at most this many rows: of more, as many at even distances are looked at.
inline constexpr int64_t most_rows_of_statistics = 2048;

/// In float64, in memory O(rows). `latents` [rows, latent]; labels [rows] int64 as recall_at_1 takes them. Local.
/// @throws LossError when shapes do not fit.
LatentStatistics latent_statistics(const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other);

}  // namespace causalfm::loss
