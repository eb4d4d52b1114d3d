#include "model/layer_norm.hpp"

#include "model/layer_norm_cuda.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace causalfm::model {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double epsilon = 1e-5;

/// ATen's kernels on a GPU give every row a whole block, which at a small width keeps most of its threads idle.
bool by_own_kernel(const at::Tensor& input) {
  return input.is_cuda() && input.numel() > 0 && input.size(-1) <= widest_norm_on_cuda &&
         (input.scalar_type() == at::kFloat || input.scalar_type() == at::kDouble);
}

/// Keeps the input alone: mean and deviation cost less again than to be read.
class LayerNormOnCuda : public torch::autograd::Function<LayerNormOnCuda> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const at::Tensor rows = input.reshape({-1, input.size(-1)}).contiguous();
    context->save_for_backward({rows, weight});
    at::Tensor output = at::empty(input.sizes(), input.options());
    layer_norm_on_cuda(rows, weight, bias, epsilon, output.view(rows.sizes()));
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& output_gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &rows = saved[0], &weight = saved[1];
    const at::Tensor gradient = output_gradients[0].contiguous();
    at::Tensor input_gradient = at::empty_like(gradient);
    const at::Tensor parts = at::empty({norm_parts_on_cuda(rows.size(0)), 2, rows.size(1)}, rows.options());
    layer_norm_backward_on_cuda(rows, weight, epsilon, gradient, input_gradient, parts);
    const at::Tensor of_parameters = parts.sum(0);
    return {input_gradient, of_parameters[0], of_parameters[1]};
  }
};

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
    return {input_gradient, normalised.mul_(gradient).reshape({-1, width}).sum(0), gradient.view({-1, width}).sum(0)};
  }
};

}  // namespace

at::Tensor layer_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  if (by_own_kernel(input)) return LayerNormOnCuda::apply(input, weight.contiguous(), bias.contiguous());
  return LayerNormFunction::apply(input, weight, bias);
}

LayerNorm::LayerNorm(const Scope& scope, int64_t width)
    : weight_(scope.constant("weight", {width}, 1.0)), bias_(scope.constant("bias", {width}, 0.0)) {}

at::Tensor LayerNorm::operator()(const at::Tensor& input) const { return layer_norm(input, weight_, bias_); }

}  // namespace causalfm::model
