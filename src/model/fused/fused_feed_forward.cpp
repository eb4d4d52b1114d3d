#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace causalfm::model {
namespace {

class FusedFeedForward final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  at::Tensor forward(const FusedCall& call, std::vector<at::Tensor>* saved) const override {
    const Packed packed(*this, *call.kernels);
    const FeedForwardWeights weights = packed.arrays();
    at::Tensor hidden;
    if (saved != nullptr) {
      hidden = at::empty({call.curves(), call.time(), weights.hidden}, call.state.options());
      saved->push_back(hidden);
    }
    at::Tensor out = at::empty_like(call.state);
    const int64_t hidden_curve = call.time() * weights.hidden, curve = call.time() * call.width();
    for_each_part(call.curves(), 1, call.kernels->feed_forward.scratch(call.width(), weights.hidden, false),
                  [&](int64_t first, int64_t count, int64_t, float* scratch) {
                    call.kernels->feed_forward.forward(
                        call.run(first, count), weights,
                        hidden.defined() ? data_of(hidden) + first * hidden_curve : nullptr, scratch,
                        data_of(out) + first * curve);
                  });
    return out;
  }

  std::vector<at::Tensor> backward(const FusedCall& call, const std::vector<at::Tensor>& saved,
                                   const at::Tensor& gradient, const at::Tensor& of_state) const override {
    const Packed packed(*this, *call.kernels);
    const FeedForwardWeights weights = packed.arrays();
    const at::Tensor& hidden = saved[0];
    const int64_t part_curves = curves_of_part(call.curves());
    const GradientParts parts((call.curves() + part_curves - 1) / part_curves, parameters());
    const int64_t curve = call.time() * call.width();
    for_each_part(call.curves(), part_curves, call.kernels->feed_forward.scratch(call.width(), weights.hidden, true),
                  [&](int64_t first, int64_t count, int64_t part, float* scratch) {
                    call.kernels->feed_forward.backward(
                        call.run(first, count), weights, data_of(hidden) + first * call.time() * weights.hidden,
                        data_of(gradient) + first * curve, gradients_of(parts.part(part)), scratch,
                        data_of(of_state) + first * curve);
                  });
    return parts.sum();
  }

 private:
  struct Packed {
    Packed(const FusedFeedForward& of, const Kernels& kernels)
        : expand(pack(of.parameter(2), of.parameter(3), kernels.panel_columns)),
          contract(pack(of.parameter(4), of.parameter(5), kernels.panel_columns)),
          norm(of.norm(0)) {}

    FeedForwardWeights arrays() const { return {expand.bias.numel(), norm, expand.arrays(), contract.arrays()}; }

    PackedAffine expand, contract;
    Norm norm;
  };

  FeedForwardGradients gradients_of(GradientCursor cursor) const {
    return {cursor.norm(), cursor.affine(), cursor.affine()};
  }
};

}  // namespace

c10::intrusive_ptr<FusedSublayer> fused_feed_forward(std::vector<at::Tensor> parameters) {
  return c10::make_intrusive<FusedFeedForward>(std::move(parameters));
}

}  // namespace causalfm::model
