#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

namespace causalfm::model {
namespace {

class PackedAttention final : public PackedSublayer {
 public:
  /// @param scale by which `query_key_value` has its queries multiplied
  PackedAttention(const Kernels& kernels, int64_t heads, double scale, PackedNorm norm, PackedAffine query_key_value,
                  PackedAffine output)
      : kernels_(&kernels.attention),
        scale_(scale),
        norm_(std::move(norm)),
        query_key_value_(std::move(query_key_value)),
        output_(std::move(output)),
        weights_{heads, norm_.arrays(), query_key_value_.arrays(), output_.arrays()} {}

  int64_t kept(int64_t time) const override { return 4 * time * width() + 2 * weights_.heads * padded_time(time); }

  int64_t scratch(int64_t time, bool backward) const override {
    return kernels_->scratch(time, width(), weights_.heads, backward);
  }

  void forward(const CurveRun& run, float* kept, float* scratch, float* out) const override {
    kernels_->forward(run, weights_, saved(run, kept), scratch, out);
  }

  void backward(const CurveRun& run, float* kept, const float* gradient, GradientCursor& cursor, float* scratch,
                float* of_state) const override {
    const AttentionGradients gradients{cursor.norm(), cursor.affine(), cursor.affine()};
    kernels_->backward(run, weights_, saved(run, kept), gradient, gradients, scratch, of_state);
  }

  std::vector<at::Tensor> gradients() const override {
    return {norm_.weight, norm_.bias, query_key_value_.weight, query_key_value_.bias, output_.weight, output_.bias};
  }

  std::vector<at::Tensor> unpack(const std::vector<at::Tensor>& sums) const override {
    sums[2].narrow(0, 0, width()).mul_(scale_);
    const std::vector<at::Tensor> biases = sums[3].split(width());
    return {sums[0], sums[1], sums[2], biases[0] * scale_, biases[2], sums[4], sums[5]};
  }

 private:
  int64_t width() const { return norm_.weight.numel(); }

  AttentionSaved saved(const CurveRun& run, float* kept) const {
    if (kept == nullptr) return {};
    const int64_t elements = run.curves * run.time * run.width;
    const int64_t statistics = run.curves * weights_.heads * padded_time(run.time);
    return {kept, kept + 3 * elements, kept + 4 * elements, kept + 4 * elements + statistics};
  }

  const AttentionKernels* kernels_;
  double scale_;
  PackedNorm norm_;
  PackedAffine query_key_value_;
  PackedAffine output_;
  AttentionWeights weights_;
};

class FusedAttention final : public FusedSublayer {
 public:
  FusedAttention(std::vector<at::Tensor> parameters, int64_t heads)
      : FusedSublayer(std::move(parameters)), heads_(heads) {}

  std::unique_ptr<const PackedSublayer> pack(const Kernels& kernels) const override {
    const int64_t width = parameter(0).numel();
    const double scale = 1.0 / std::sqrt(static_cast<double>(width / heads_));
    const at::Tensor weight = parameter(2).clone();
    weight.narrow(0, 0, width).mul_(scale);
    const at::Tensor query_bias = parameter(3) * scale;
    const at::Tensor bias = at::cat({query_bias, at::zeros_like(query_bias), parameter(4)});
    return std::make_unique<PackedAttention>(kernels, heads_, scale, PackedNorm{parameter(0), parameter(1)},
                                             PackedAffine(weight, bias, kernels),
                                             PackedAffine(parameter(5), parameter(6), kernels));
  }

 private:
  int64_t heads_;
};

}  // namespace

std::unique_ptr<FusedSublayer> fused_attention(std::vector<at::Tensor> parameters, int64_t heads) {
  return std::make_unique<FusedAttention>(std::move(parameters), heads);
}

}  // namespace causalfm::model
