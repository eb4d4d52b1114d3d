#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"

#include <ATen/core/Tensor.h>

#include <memory>

namespace causalfm::training {

/// How buckets of a gradient are summed over ranks during one step. Collective: every rank launches buckets of the same
/// sizes in the same order, at whatever time.
class BucketExchange {
 public:
  virtual ~BucketExchange() = default;

  /// Starts to sum `gradient` [elements] in place.
  virtual void launch(const at::Tensor& gradient) = 0;

  /// Returns when all that was launched is summed, the same bits on every rank.
  virtual void finish() = 0;
};

/// Sums in the gradient's own dtype; or with bfloat16 on the wire and one rounding of each rank's gradient and one of
/// the sum, which is taken in the gradient's dtype in rank order. One rank alone has no wire and rounds nothing.
std::unique_ptr<BucketExchange> make_bucket_exchange(config::GradientPrecision precision,
                                                     comm::Communicator& communicator);

}  // namespace causalfm::training
