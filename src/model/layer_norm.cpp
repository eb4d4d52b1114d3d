#include "model/layer_norm.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace causalfm::model {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double epsilon = 1e-5;

/// ATen's own backward adds up the gradients of weight and bias one step after the other. In float32 that left errors
/// of some 1e-4 of the largest element, which differ with the number of ranks; at::sum adds in a tree (1e-5).
class LayerNormFunction : public torch::autograd::Function<LayerNormFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const auto [output, mean, inverse_deviation] =
        at::native_layer_norm(input, {input.size(-1)}, weight, bias, epsilon);
    context->save_for_backward({input, weight, bias, mean, inverse_deviation});
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& output_gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], &bias = saved[2], &mean = saved[3];
    const at::Tensor& inverse_deviation = saved[4];
    const at::Tensor gradient = output_gradients[0].contiguous();
    const at::Tensor input_gradient = std::get<0>(at::native_layer_norm_backward(
        gradient, input, {input.size(-1)}, mean, inverse_deviation, weight, bias, {true, false, false}));
    const at::Tensor normalised = (input - mean).mul_(inverse_deviation);
    const int64_t width = input.size(-1);
    return {input_gradient, normalised.mul_(gradient).view({-1, width}).sum(0), gradient.view({-1, width}).sum(0)};
  }
};

}  // namespace

LayerNorm::LayerNorm(const Scope& scope, int64_t width)
    : weight_(scope.constant("weight", {width}, 1.0)), bias_(scope.constant("bias", {width}, 0.0)) {}

at::Tensor LayerNorm::operator()(const at::Tensor& input) const {
  return LayerNormFunction::apply(input, weight_, bias_);
}

}  // namespace causalfm::model
