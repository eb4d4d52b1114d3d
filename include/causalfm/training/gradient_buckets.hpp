#pragma once

#include "causalfm/model/parameters.hpp"

#include <cstdint>
#include <vector>

namespace causalfm::training {

/// A contiguous run of the flat gradient, from the first element of a parameter to the first of a later one or the end
/// of the buffer, that is reduced in one piece.
struct GradientBucket {
  int64_t first = 0;       ///< element of the flat buffer
  int64_t elements = 0;    ///< gaps between parameters included
  int64_t parameters = 0;  ///< that lie in it
};

/// Divides the gradient of a model into buckets, in the order in which they are reduced: from the end of the flat
/// buffer, whose gradients backward finds first, to its start. A bucket takes as many parameters as fit into
/// comm.bucket_mib, into an eighth of the gradient, so that a small model overlaps too, and into a quarter of what is
/// left, so that little remains to be sent when backward ends; but these shares count as 64 KiB at least. A parameter
/// that is larger is a bucket of its own. Local; equal on every rank.
std::vector<GradientBucket> gradient_buckets(const model::Parameters& parameters, int64_t bucket_mib);

}  // namespace causalfm::training
