#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::loss {

/// Who the rows of a global batch are. The same on every rank: ids follow from the step, so they are never sent.
struct BatchIdentity {
  at::Tensor star_id;                 ///< [global rows] int64
  at::Tensor instrument_id;           ///< [global rows] int64
  at::Tensor group_id;                ///< [global rows] int64, -1 for none; undefined when no row has one
  at::Tensor is_anchor;               ///< [global rows] bool, on the host
  std::vector<int64_t> rows_of_rank;  ///< contiguous runs, in rank order; their sum is the number of global rows
};

/// What the networks made of this rank's rows.
struct LocalOutputs {
  at::Tensor projection_star;        ///< [local rows, width], not normalised
  at::Tensor projection_instrument;  ///< [local rows, width]; undefined for a single latent
  at::Tensor reconstructed;          ///< [local rows, time]
  at::Tensor flux;                   ///< [local rows, time]
  at::Tensor mask;                   ///< [local rows, time] bool; undefined: all observed
};

/// The objective and its parts.
struct Objective {
  /// Scalar with graph, this rank's share of the global number: shares add up to the objective, and back-propagating
  /// every rank's share and summing gradients over ranks gives its gradient.
  at::Tensor total_part;
  /// [4] float64 where the outputs are: total, reconstruction, star, instrument; equal on every rank, without graph.
  at::Tensor global;
};

/// lambda_recon * masked MSE + lambda_star * L_star + lambda_instr * L_instr (paper, Eqs. 7-11), normalised by global
/// counts. The masked MSE is over all rows: the mean over a curve's observed samples, then over curves that have any;
/// 0 where none has. L_star and L_instr are info_nce in float64, with loss.temperature and loss.instrument_temperature;
/// anchors are the rows where is_anchor, or all with loss.anchors = all.
/// A term of weight 0 is not computed and reads 0, and so does the instrument term without projection_instrument.
/// Collective, and so is back-propagation: every rank must do it if any does. `communicator` outlives the graph. The
/// host waits for no device.
/// @throws LossError when shapes do not fit.
Objective objective(const LocalOutputs& outputs, const BatchIdentity& identity, const config::Loss& settings,
                    comm::Communicator& communicator);

}  // namespace causalfm::loss
