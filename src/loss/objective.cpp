#include "causalfm/loss/objective.hpp"

#include "causalfm/loss/error.hpp"
#include "causalfm/loss/info_nce.hpp"
#include "causalfm/loss/reconstruction.hpp"

#include <ATen/ATen.h>

#include <numeric>
#include <string>

namespace causalfm::loss {
namespace {

void check(const LocalOutputs& outputs, const BatchIdentity& identity, const comm::Communicator& communicator) {
  const std::vector<int64_t>& rows = identity.rows_of_rank;
  if (static_cast<int64_t>(rows.size()) != communicator.world_size()) {
    throw LossError("objective: rows_of_rank has " + std::to_string(rows.size()) + " entries for " +
                    std::to_string(communicator.world_size()) + " ranks");
  }
  const int64_t global_rows = std::accumulate(rows.begin(), rows.end(), int64_t{0});
  for (const at::Tensor& ids : {identity.star_id, identity.instrument_id, identity.is_anchor}) {
    if (!ids.defined() || ids.dim() != 1 || ids.size(0) != global_rows) {
      throw LossError("objective: star_id, instrument_id and is_anchor must be [" + std::to_string(global_rows) +
                      "], as many as rows_of_rank adds up to");
    }
  }
  if (!outputs.reconstructed.defined() || outputs.reconstructed.dim() != 2 ||
      outputs.reconstructed.size(0) != rows[communicator.rank()]) {
    throw LossError("objective: reconstructed must be [" + std::to_string(rows[communicator.rank()]) +
                    ", time], this rank's rows");
  }
}

/// This rank's share of the mean over curves that have an observed sample, of the mean over their observed samples.
at::Tensor reconstruction_part(const LocalOutputs& outputs, comm::Communicator& communicator) {
  const at::Tensor errors = curve_errors(outputs.reconstructed, outputs.flux, outputs.mask);
  const at::Tensor observed = outputs.mask.defined() ? outputs.mask.any(1) : at::ones_like(errors, at::kBool);
  const at::Tensor curves = observed.sum();
  communicator.all_reduce(curves).wait();
  return at::where(observed, errors, at::zeros({}, errors.options())).sum() / curves.clamp_min(1);
}

ContrastLabels star_labels(const BatchIdentity& identity, const at::Tensor& anchor) {
  return {identity.star_id, identity.instrument_id, identity.group_id, anchor};
}

ContrastLabels instrument_labels(const BatchIdentity& identity, const at::Tensor& anchor) {
  return {identity.instrument_id, identity.star_id, identity.group_id, anchor};
}

}  // namespace

Objective objective(const LocalOutputs& outputs, const BatchIdentity& identity, const config::Loss& settings,
                    comm::Communicator& communicator) {
  check(outputs, identity, communicator);
  const at::Tensor anchor =
      settings.anchors == config::Anchors::all ? at::ones_like(identity.is_anchor) : identity.is_anchor;
  const auto contrast = [&](const at::Tensor& projection, const ContrastLabels& labels, double temperature) {
    if (!projection.defined()) throw LossError("objective: projection_star is undefined, but loss.star is not 0");
    // In double: projections are close to each other at the start of a run, so that their gradients are sums that
    // cancel, and float32 would leave rounding that Adam then magnifies.
    return info_nce(projection.to(at::kDouble), labels, identity.rows_of_rank,
                    {temperature, settings.positives_inside_log}, communicator);
  };

  Objective result;
  result.total_part = at::zeros({}, outputs.reconstructed.options());
  result.global = at::zeros({4}, outputs.reconstructed.options().dtype(at::kDouble).requires_grad(false));
  const auto add = [&](int64_t index, double weight, const at::Tensor& part) {
    result.total_part = result.total_part + weight * part;
    result.global[index].copy_(part.detach());
  };
  if (settings.reconstruction != 0.0) add(1, settings.reconstruction, reconstruction_part(outputs, communicator));
  if (settings.star != 0.0) {
    add(2, settings.star, contrast(outputs.projection_star, star_labels(identity, anchor), settings.temperature));
  }
  if (settings.instrument != 0.0 && outputs.projection_instrument.defined()) {
    add(3, settings.instrument,
        contrast(outputs.projection_instrument, instrument_labels(identity, anchor), settings.instrument_temperature));
  }
  communicator.all_reduce(result.global).wait();
  result.global[0].copy_(settings.reconstruction * result.global[1] + settings.star * result.global[2] +
                         settings.instrument * result.global[3]);
  return result;
}

}  // namespace causalfm::loss
