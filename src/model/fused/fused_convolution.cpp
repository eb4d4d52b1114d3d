#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace causalfm::model {
namespace {

class FusedConvolution final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  at::Tensor forward(const FusedCall& call, std::vector<at::Tensor>* saved) const override {
    const Packed packed(*this, *call.kernels);
    const ConvolutionWeights weights = packed.arrays();
    at::Tensor expanded, convolved;
    if (saved != nullptr) {
      expanded = at::empty({call.curves(), call.time(), 2 * call.width()}, call.state.options());
      convolved = at::empty_like(call.state);
      saved->insert(saved->end(), {expanded, convolved});
    }
    at::Tensor out = at::empty_like(call.state);
    for_each_part(call.curves(), 1, call.kernels->convolution.scratch(call.time(), call.width(), weights.kernel, false),
                  [&](int64_t first, int64_t count, int64_t, float* scratch) {
                    call.kernels->convolution.forward(call.run(first, count), weights,
                                                      saved_of(call, expanded, convolved, first), scratch,
                                                      data_of(out) + first * call.time() * call.width());
                  });
    return out;
  }

  std::vector<at::Tensor> backward(const FusedCall& call, const std::vector<at::Tensor>& saved,
                                   const at::Tensor& gradient, const at::Tensor& of_state) const override {
    const Packed packed(*this, *call.kernels);
    const ConvolutionWeights weights = packed.arrays();
    const int64_t part_curves = curves_of_part(call.curves()), curve = call.time() * call.width();
    const GradientParts parts((call.curves() + part_curves - 1) / part_curves, parameters());
    for_each_part(
        call.curves(), part_curves, call.kernels->convolution.scratch(call.time(), call.width(), weights.kernel, true),
        [&](int64_t first, int64_t count, int64_t part, float* scratch) {
          call.kernels->convolution.backward(call.run(first, count), weights, saved_of(call, saved[0], saved[1], first),
                                             data_of(gradient) + first * curve, gradients_of(parts.part(part)), scratch,
                                             data_of(of_state) + first * curve);
        });
    return parts.sum();
  }

 private:
  struct Packed {
    Packed(const FusedConvolution& of, const Kernels& kernels)
        : expand(pack(of.parameter(2), of.parameter(3), kernels.panel_columns)),
          taps(of.parameter(4).detach().contiguous()),
          taps_reversed(taps.flip(0)),
          depthwise_bias(of.parameter(5).detach()),
          contract(pack(of.parameter(8), of.parameter(9), kernels.panel_columns)),
          pre_norm(of.norm(0)),
          norm(of.norm(6)) {}

    ConvolutionWeights arrays() const {
      return {taps.size(0),
              pre_norm,
              expand.arrays(),
              data_of(taps),
              data_of(taps_reversed),
              data_of(depthwise_bias),
              norm,
              contract.arrays()};
    }

    PackedAffine expand;
    at::Tensor taps, taps_reversed, depthwise_bias;
    PackedAffine contract;
    Norm pre_norm, norm;
  };

  static ConvolutionSaved saved_of(const FusedCall& call, const at::Tensor& expanded, const at::Tensor& convolved,
                                   int64_t first) {
    if (!expanded.defined()) return {nullptr, nullptr};
    const int64_t start = first * call.time() * call.width();
    return {data_of(expanded) + 2 * start, data_of(convolved) + start};
  }

  static ConvolutionGradients gradients_of(GradientCursor cursor) {
    return {cursor.norm(), cursor.affine(), cursor.next(), cursor.next(), cursor.norm(), cursor.affine()};
  }
};

}  // namespace

c10::intrusive_ptr<FusedSublayer> fused_convolution(std::vector<at::Tensor> parameters) {
  return c10::make_intrusive<FusedConvolution>(std::move(parameters));
}

}  // namespace causalfm::model
