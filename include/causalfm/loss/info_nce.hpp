#pragma once

#include "causalfm/comm/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace causalfm::loss {

/// Labels of the keys of one contrastive space, by which positives and negatives are told apart.
/// A key is positive for an anchor when `same` is equal and `other` differs (star space: same = star, other =
/// instrument; instrument space: the reverse); neither when both are equal; negative when `same` differs, unless both
/// share a group.
struct ContrastLabels {
  at::Tensor same;    ///< [keys] int64
  at::Tensor other;   ///< [keys] int64
  at::Tensor group;   ///< [keys] int64, -1 for none; may be undefined
  at::Tensor anchor;  ///< [keys] bool: which keys are anchors as well; on the host, lest it wait for a device
};

struct InfoNceOptions {
  double temperature = 0.5;
  bool positives_inside_log = true;  ///< false: the mean over positives of -log(e^p / (sum_P + sum_N))
};

/// Multi-positive InfoNCE (paper, Eqs. 7-9) of all ranks' rows, with keys gathered over ranks and their gradients
/// reduce-scattered back to their owners: softplus(lse_negatives - lse_positives) a anchor, exactly 0 without
/// negatives, the mean over all anchors that have a positive; 0 when none has. With the sum over positives outside the
/// logarithm, lse_positives - mean_positives is added. A row of norm below 1e-12 counts as zero and gets no gradient.
/// `projection` [local rows, width] float32 or float64 are this rank's rows, not normalised; `labels` those of the
/// global batch, equal on every rank; rows_of_rank the runs that ranks hold, which may be empty.
/// Returns this rank's share of the mean (scalar with graph, dtype of `projection`; shares add up to the loss). Memory
/// O(tile) and O(keys x width), never a matrix of all similarities.
/// Collective: all_gather and all_reduce in forward, reduce_scatter in backward. Grad mode is the same on all ranks:
/// where it is on, every rank's share has a graph, also that of a rank without rows or anchors, and if one rank
/// back-propagates, all do; where it is off, none has. The host waits for no device. `communicator` outlives the graph.
/// Backward cannot itself be differentiated.
/// @throws LossError when shapes, types or options do not fit.
at::Tensor info_nce(const at::Tensor& projection, const ContrastLabels& labels,
                    const std::vector<int64_t>& rows_of_rank, const InfoNceOptions& options,
                    comm::Communicator& communicator);

}  // namespace causalfm::loss
