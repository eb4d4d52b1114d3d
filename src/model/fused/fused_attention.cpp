#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

namespace causalfm::model {
namespace {

class FusedAttention final : public FusedSublayer {
 public:
  FusedAttention(std::vector<at::Tensor> parameters, int64_t heads)
      : FusedSublayer(std::move(parameters)), heads_(heads) {}

  at::Tensor forward(const FusedCall& call, std::vector<at::Tensor>* saved) const override {
    const Packed packed(*this, *call.kernels);
    std::vector<at::Tensor> kept(4);
    if (saved != nullptr) {
      const at::TensorOptions options = call.state.options();
      const std::vector<int64_t> statistics = {call.curves(), heads_, padded_time(call.time())};
      kept = {at::empty({call.curves(), call.time(), 3 * call.width()}, options), at::empty_like(call.state),
              at::empty(statistics, options), at::empty(statistics, options)};
      saved->insert(saved->end(), kept.begin(), kept.end());
    }
    at::Tensor out = at::empty_like(call.state);
    for_each_part(call.curves(), 1, call.kernels->attention.scratch(call.time(), call.width(), heads_, false),
                  [&](int64_t first, int64_t count, int64_t, float* scratch) {
                    call.kernels->attention.forward(call.run(first, count), packed.arrays(),
                                                    saved_of(call, kept, first), scratch,
                                                    data_of(out) + first * call.time() * call.width());
                  });
    return out;
  }

  std::vector<at::Tensor> backward(const FusedCall& call, const std::vector<at::Tensor>& saved,
                                   const at::Tensor& gradient, const at::Tensor& of_state) const override {
    const Packed packed(*this, *call.kernels);
    const int64_t part_curves = curves_of_part(call.curves()), width = call.width(), curve = call.time() * width;
    const GradientParts parts((call.curves() + part_curves - 1) / part_curves,
                              {parameter(0), parameter(1), packed.query_key_value.weight, packed.query_key_value.bias,
                               parameter(5), parameter(6)});
    for_each_part(call.curves(), part_curves, call.kernels->attention.scratch(call.time(), width, heads_, true),
                  [&](int64_t first, int64_t count, int64_t part, float* scratch) {
                    GradientCursor cursor = parts.part(part);
                    const AttentionGradients gradients{cursor.norm(), cursor.affine(), cursor.affine()};
                    call.kernels->attention.backward(call.run(first, count), packed.arrays(),
                                                     saved_of(call, saved, first), data_of(gradient) + first * curve,
                                                     gradients, scratch, data_of(of_state) + first * curve);
                  });
    const std::vector<at::Tensor> sums = parts.sum();
    sums[2].narrow(0, 0, width).mul_(packed.scale);
    return {
        sums[0], sums[1], sums[2], sums[3].narrow(0, 0, width).mul_(packed.scale), sums[3].narrow(0, 2 * width, width),
        sums[4], sums[5]};
  }

 private:
  struct Packed {
    Packed(const FusedAttention& of, const Kernels& kernels)
        : heads(of.heads_),
          scale(1.0 / std::sqrt(static_cast<double>(of.parameter(0).numel() / of.heads_))),
          norm(of.norm(0)) {
      const int64_t width = of.parameter(0).numel();
      const at::Tensor weight = of.parameter(2).detach().clone();
      weight.narrow(0, 0, width).mul_(scale);
      const at::Tensor query_bias = of.parameter(3).detach() * scale;
      const at::Tensor bias = at::cat({query_bias, at::zeros_like(query_bias), of.parameter(4).detach()});
      query_key_value = pack(weight, bias, kernels.panel_columns);
      output = pack(of.parameter(5), of.parameter(6), kernels.panel_columns);
    }

    AttentionWeights arrays() const { return {heads, norm, query_key_value.arrays(), output.arrays()}; }

    int64_t heads;
    double scale;  ///< of the queries
    Norm norm;
    PackedAffine query_key_value, output;
  };

  AttentionSaved saved_of(const FusedCall& call, const std::vector<at::Tensor>& kept, int64_t first) const {
    if (!kept[0].defined()) return {};
    const int64_t start = first * call.time() * call.width();
    const int64_t statistics = first * heads_ * padded_time(call.time());
    return {data_of(kept[0]) + 3 * start, data_of(kept[1]) + start, data_of(kept[2]) + statistics,
            data_of(kept[3]) + statistics};
  }

  int64_t heads_;
};

}  // namespace

c10::intrusive_ptr<FusedSublayer> fused_attention(std::vector<at::Tensor> parameters, int64_t heads) {
  return c10::make_intrusive<FusedAttention>(std::move(parameters), heads);
}

}  // namespace causalfm::model
