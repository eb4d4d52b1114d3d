#include "causalfm/loss/retrieval.hpp"

#include "causalfm/loss/error.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

namespace causalfm::loss {
namespace {

constexpr int64_t chunk_rows = 256;

}  // namespace

double recall_at_1(const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other) {
  if (!latents.defined() || latents.dim() != 2 || !same.defined() || !other.defined() ||
      same.sizes() != latents.sizes().slice(0, 1) || other.sizes() != same.sizes()) {
    throw LossError("recall_at_1: latents must be [rows, latent] and both labels [rows]");
  }
  const at::NoGradGuard no_grad;
  // Computed in double and compared in float32, so that equal directions tie however a product was summed.
  const at::Tensor rows = latents.to(at::kDouble);
  const at::Tensor norm = at::linalg_vector_norm(rows, 2.0, at::IntArrayRef{1}, /*keepdim=*/true);
  const at::Tensor unit = rows / norm.clamp_min(std::numeric_limits<double>::min());
  int64_t queries = 0;
  int64_t found = 0;
  for (int64_t first = 0; first < rows.size(0); first += chunk_rows) {
    const int64_t count = std::min(chunk_rows, rows.size(0) - first);
    const at::Tensor candidate = other.narrow(0, first, count).unsqueeze(1).ne(other);
    const at::Tensor match = same.narrow(0, first, count).unsqueeze(1).eq(same).logical_and_(candidate);
    const at::Tensor cosine = unit.narrow(0, first, count).matmul(unit.t()).to(at::kFloat);
    // Of equal maxima argmax takes the first.
    const at::Tensor nearest =
        cosine.masked_fill(candidate.logical_not(), -std::numeric_limits<double>::infinity()).argmax(1, true);
    queries += match.any(1).sum().item<int64_t>();
    found += match.gather(1, nearest).sum().item<int64_t>();
  }
  if (queries == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(found) / static_cast<double>(queries);
}

}  // namespace causalfm::loss
