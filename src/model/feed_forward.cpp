#include "model/feed_forward.hpp"

#include "model/fused/fused_sublayers.hpp"

namespace causalfm::model {

std::unique_ptr<FusedSublayer> FeedForward::fused(const LayerNorm& norm) const {
  const std::vector<at::Tensor> layers = layers_.parameters();
  if (!kernels_serve(layers[0].size(0))) return {};
  return fused_feed_forward(joined({norm.parameters(), layers}));
}

}  // namespace causalfm::model
