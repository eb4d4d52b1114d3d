#include "causalfm/loss/latent_statistics.hpp"

#include "causalfm/loss/error.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace causalfm::loss {
namespace {

constexpr int64_t chunk_rows = 256;

double effective_rank_of(const at::Tensor& rows) {
  const at::Tensor values = at::linalg_svdvals(rows);
  const double sum = values.sum().item<double>();
  if (sum == 0.0) return 0.0;
  const at::Tensor shares = values / sum;
  return std::exp(-at::xlogy(shares, shares).sum().item<double>());
}

void check(const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other) {
  if (!latents.defined() || latents.dim() != 2 || !same.defined() || !other.defined() ||
      same.sizes() != latents.sizes().slice(0, 1) || other.sizes() != same.sizes()) {
    throw LossError("latent_statistics: latents must be [rows, latent] and both labels [rows]");
  }
}

}  // namespace

LatentStatistics latent_statistics(const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other) {
  check(latents, same, other);
  const at::NoGradGuard no_grad;
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  const int64_t count = std::min(latents.size(0), most_rows_of_statistics);
  if (count == 0 || !latents.isfinite().all().item<bool>()) return {nothing, nothing, nothing};
  const at::Tensor looked_at = at::arange(count, at::kLong).mul(latents.size(0)).floor_divide(count);
  const auto of = [&](const at::Tensor& tensor) { return tensor.index_select(0, looked_at); };
  const at::Tensor rows = of(latents.to(at::kDouble)), same_label = of(same), other_label = of(other);
  const at::Tensor norm = at::linalg_vector_norm(rows, 2.0, at::IntArrayRef{1}, /*keepdim=*/true);
  const at::Tensor unit = rows / norm.clamp_min(std::numeric_limits<double>::min());

  double distances_of_positives = 0.0, closeness = 0.0;
  int64_t positives = 0;
  for (int64_t first = 0; first < count; first += chunk_rows) {
    const int64_t chunk = std::min(chunk_rows, count - first);
    const at::Tensor mine = unit.narrow(0, first, chunk);
    const at::Tensor distance =
        (mine.square().sum(1, /*keepdim=*/true) + unit.square().sum(1) - 2 * mine.matmul(unit.t())).clamp_min(0.0);
    const at::Tensor positive = same_label.narrow(0, first, chunk)
                                    .unsqueeze(1)
                                    .eq(same_label)
                                    .logical_and_(other_label.narrow(0, first, chunk).unsqueeze(1).ne(other_label));
    positives += positive.sum().item<int64_t>();
    distances_of_positives += distance.masked_fill(positive.logical_not(), 0.0).sum().item<double>();
    at::Tensor close = distance.mul(-2.0).exp();
    close.diagonal(first).zero_();  // a row is no pair with itself
    closeness += close.sum().item<double>();
  }
  const auto pairs = static_cast<double>(count * (count - 1));
  return {effective_rank_of(rows), positives == 0 ? nothing : distances_of_positives / static_cast<double>(positives),
          count == 1 ? nothing : std::log(closeness / pairs)};
}

}  // namespace causalfm::loss
