#include "model/feed_forward.hpp"

#include "model/fused/fused_sublayers.hpp"

namespace causalfm::model {

std::unique_ptr<FusedSublayer> FeedForward::fused(const LayerNorm& norm) const {
  return fused_feed_forward(joined({norm.parameters(), layers_.parameters()}));
}

}  // namespace causalfm::model
