#pragma once

#include "model/linear.hpp"
#include "model/sublayer.hpp"

#include <cstdint>

namespace causalfm::model {

/// Linear width -> hidden, SiLU, Linear hidden -> width, each step for itself.
class FeedForward final : public Sublayer {
 public:
  FeedForward(const Scope& scope, int64_t width, int64_t hidden)
      : layers_(scope, {width, hidden, width}, scope.products(), scope.products()) {}

  at::Tensor forward(const at::Tensor& input, const SequenceMask&) const override { return layers_(input); }
  std::unique_ptr<FusedSublayer> fused(const LayerNorm& norm) const override;

 private:
  MultilayerPerceptron layers_;
};

}  // namespace causalfm::model
