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
  at::Tensor anchor;  ///< [keys] bool: which keys are anchors as well
};

struct InfoNceOptions {
  double temperature = 0.5;
  bool positives_inside_log = true;  ///< false: the mean over positives of -log(e^p / (sum_P + sum_N))
};

/// Multi-positive InfoNCE (paper, Eqs. 7-9) of all ranks' rows, with keys gathered over ranks and their gradients
/// reduce-scattered back to their owners: softplus(lse_negatives - lse_positives) a anchor, exactly 0 without
/// negatives, the mean over all anchors that have a positive; 0 when none has.
/// `projection` [local rows, width] are this rank's rows, not normalised; `labels` those of the global batch;
/// rows_of_rank the runs that ranks hold. Returns this rank's share of the mean (scalar with graph; shares add up to
/// the loss). Memory O(tile), never a matrix of all similarities. Collective, in forward and in backward.
at::Tensor info_nce(const at::Tensor& projection, const ContrastLabels& labels,
                    const std::vector<int64_t>& rows_of_rank, const InfoNceOptions& options,
                    comm::Communicator& communicator);

}  // namespace causalfm::loss
