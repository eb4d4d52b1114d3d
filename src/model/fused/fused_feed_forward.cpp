#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <utility>

namespace causalfm::model {
namespace {

class PackedFeedForward final : public PackedSublayer {
 public:
  PackedFeedForward(const Kernels& kernels, PackedNorm norm, PackedAffine expand, PackedAffine contract)
      : kernels_(&kernels.feed_forward),
        norm_(std::move(norm)),
        expand_(std::move(expand)),
        contract_(std::move(contract)),
        weights_{expand_.bias.numel(), norm_.arrays(), expand_.arrays(), contract_.arrays()} {}

  int64_t kept(int64_t time) const override { return time * weights_.hidden; }

  int64_t scratch(int64_t, bool backward) const override {
    return kernels_->scratch(norm_.weight.numel(), weights_.hidden, backward);
  }

  void forward(const CurveRun& run, float* kept, float* scratch, float* out) const override {
    kernels_->forward(run, weights_, kept, scratch, out);
  }

  void backward(const CurveRun& run, float* kept, const float* gradient, GradientCursor& cursor, float* scratch,
                float* of_state) const override {
    const FeedForwardGradients gradients{cursor.norm(), cursor.affine(), cursor.affine()};
    kernels_->backward(run, weights_, kept, gradient, gradients, scratch, of_state);
  }

  std::vector<at::Tensor> gradients() const override {
    return {norm_.weight, norm_.bias, expand_.weight, expand_.bias, contract_.weight, contract_.bias};
  }

  std::vector<at::Tensor> unpack(const std::vector<at::Tensor>& sums) const override { return sums; }

 private:
  const FeedForwardKernels* kernels_;
  PackedNorm norm_;
  PackedAffine expand_;
  PackedAffine contract_;
  FeedForwardWeights weights_;
};

class FusedFeedForward final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  std::unique_ptr<const PackedSublayer> pack(const Kernels& kernels) const override {
    return std::make_unique<PackedFeedForward>(kernels, PackedNorm{parameter(0), parameter(1)},
                                               PackedAffine(parameter(2), parameter(3), kernels),
                                               PackedAffine(parameter(4), parameter(5), kernels));
  }
};

}  // namespace

std::unique_ptr<FusedSublayer> fused_feed_forward(std::vector<at::Tensor> parameters) {
  return std::make_unique<FusedFeedForward>(std::move(parameters));
}

}  // namespace causalfm::model
