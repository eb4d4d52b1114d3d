#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace causalfm::model {
namespace {

class FusedNorm final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  at::Tensor forward(const FusedCall& call, std::vector<at::Tensor>*) const override {
    at::Tensor out = at::empty_like(call.state);
    for_each_part(call.curves(), 1, 0, [&](int64_t first, int64_t count, int64_t, float*) {
      call.kernels->norm.forward(count * call.time(), call.width(), call.run(first, count).state, norm(0),
                                 data_of(out) + first * call.time() * call.width());
    });
    return out;
  }

  std::vector<at::Tensor> backward(const FusedCall& call, const std::vector<at::Tensor>&, const at::Tensor& gradient,
                                   const at::Tensor& of_state) const override {
    const int64_t part_curves = curves_of_part(call.curves()), curve = call.time() * call.width();
    const GradientParts parts((call.curves() + part_curves - 1) / part_curves, parameters());
    for_each_part(call.curves(), part_curves, 0, [&](int64_t first, int64_t count, int64_t part, float*) {
      call.kernels->norm.backward(count * call.time(), call.width(), call.run(first, count).state,
                                  data_of(gradient) + first * curve, norm(0), parts.part(part).norm(),
                                  data_of(of_state) + first * curve);
    });
    return parts.sum();
  }
};

}  // namespace

c10::intrusive_ptr<FusedSublayer> fused_norm(std::vector<at::Tensor> parameters) {
  return c10::make_intrusive<FusedNorm>(std::move(parameters));
}

}  // namespace causalfm::model
