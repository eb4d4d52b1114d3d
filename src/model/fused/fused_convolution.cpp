#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace causalfm::model {
namespace {

struct PackedDepthwise {
  at::Tensor taps;
  at::Tensor bias;
  at::Tensor taps_reversed;
};

class PackedConvolution final : public PackedSublayer {
 public:
  PackedConvolution(const Kernels& kernels, PackedNorm pre_norm, PackedAffine expand, PackedDepthwise depthwise,
                    PackedNorm norm, PackedAffine contract)
      : kernels_(&kernels.convolution),
        pre_norm_(std::move(pre_norm)),
        expand_(std::move(expand)),
        depthwise_(std::move(depthwise)),
        norm_(std::move(norm)),
        contract_(std::move(contract)),
        weights_{
            depthwise_.taps.size(0),           pre_norm_.arrays(),       expand_.arrays(), data_of(depthwise_.taps),
            data_of(depthwise_.taps_reversed), data_of(depthwise_.bias), norm_.arrays(),   contract_.arrays()} {}

  int64_t kept(int64_t time) const override { return 3 * time * width(); }

  int64_t scratch(int64_t time, bool backward) const override {
    return kernels_->scratch(time, width(), weights_.kernel, backward);
  }

  void forward(const CurveRun& run, float* kept, float* scratch, float* out) const override {
    kernels_->forward(run, weights_, saved(run, kept), scratch, out);
  }

  void backward(const CurveRun& run, float* kept, const float* gradient, GradientCursor& cursor, float* scratch,
                float* of_state) const override {
    const ConvolutionGradients gradients{cursor.norm(), cursor.affine(), cursor.next(),
                                         cursor.next(), cursor.norm(),   cursor.affine()};
    kernels_->backward(run, weights_, saved(run, kept), gradient, gradients, scratch, of_state);
  }

  std::vector<at::Tensor> gradients() const override {
    return {pre_norm_.weight, pre_norm_.bias, expand_.weight, expand_.bias,     depthwise_.taps,
            depthwise_.bias,  norm_.weight,   norm_.bias,     contract_.weight, contract_.bias};
  }

  std::vector<at::Tensor> unpack(const std::vector<at::Tensor>& sums) const override { return sums; }

 private:
  int64_t width() const { return norm_.weight.numel(); }

  static ConvolutionSaved saved(const CurveRun& run, float* kept) {
    if (kept == nullptr) return {nullptr, nullptr};
    return {kept, kept + 2 * run.curves * run.time * run.width};
  }

  const ConvolutionKernels* kernels_;
  PackedNorm pre_norm_;
  PackedAffine expand_;
  PackedDepthwise depthwise_;
  PackedNorm norm_;
  PackedAffine contract_;
  ConvolutionWeights weights_;
};

class FusedConvolution final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  std::unique_ptr<const PackedSublayer> pack(const Kernels& kernels) const override {
    return std::make_unique<PackedConvolution>(
        kernels, PackedNorm{parameter(0), parameter(1)}, PackedAffine(parameter(2), parameter(3), kernels),
        PackedDepthwise{parameter(4), parameter(5), parameter(4).flip(0)}, PackedNorm{parameter(6), parameter(7)},
        PackedAffine(parameter(8), parameter(9), kernels));
  }
};

}  // namespace

std::unique_ptr<FusedSublayer> fused_convolution(std::vector<at::Tensor> parameters) {
  return std::make_unique<FusedConvolution>(std::move(parameters));
}

}  // namespace causalfm::model
