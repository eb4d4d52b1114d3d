#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <utility>

namespace causalfm::model {
namespace {

class PackedNormLayer final : public PackedSublayer {
 public:
  PackedNormLayer(const Kernels& kernels, PackedNorm norm) : kernels_(&kernels.norm), norm_(std::move(norm)) {}

  int64_t kept(int64_t) const override { return 0; }
  int64_t scratch(int64_t, bool) const override { return 0; }

  void forward(const CurveRun& run, float*, float*, float* out) const override {
    kernels_->forward(run.curves * run.time, run.width, run.state, norm_.arrays(), out);
  }

  void backward(const CurveRun& run, float*, const float* gradient, GradientCursor& gradients, float*,
                float* of_state) const override {
    kernels_->backward(run.curves * run.time, run.width, run.state, gradient, norm_.arrays(), gradients.norm(),
                       of_state);
  }

  std::vector<at::Tensor> gradients() const override { return {norm_.weight, norm_.bias}; }
  std::vector<at::Tensor> unpack(const std::vector<at::Tensor>& sums) const override { return sums; }

 private:
  const NormKernels* kernels_;
  PackedNorm norm_;
};

class FusedNorm final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  std::unique_ptr<const PackedSublayer> pack(const Kernels& kernels) const override {
    return std::make_unique<PackedNormLayer>(kernels, PackedNorm{parameter(0), parameter(1)});
  }
};

}  // namespace

std::unique_ptr<FusedSublayer> fused_norm(std::vector<at::Tensor> parameters) {
  return std::make_unique<FusedNorm>(std::move(parameters));
}

}  // namespace causalfm::model
