#include "model/depthwise_convolution.hpp"

#include "model/correlation.hpp"
#include "model/depthwise_convolution_cuda.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace causalfm::model {
namespace {

/// Widths are padded to a multiple of this: one AVX-512 vector of float32.
constexpr int64_t channel_multiple = 16;

/// Curves whose weight gradients are summed one after another; a constant, so that the order of summation does not
/// depend on the number of threads.
constexpr int64_t curves_a_sum = 8;

at::Tensor room_for(const at::Tensor& input, int64_t kernel) {
  return at::empty({input.size(1) + kernel - 1, channel_multiple}, input.options());
}

/// Adds the correlation of every curve with `taps` [kernel, width] to `out` [batch, time, width].
template <typename scalar>
void add_convolution(const at::Tensor& input, const at::Tensor& taps, const at::Tensor& out) {
  const int64_t steps = input.size(1), width = input.size(2), kernel = taps.size(0);
  const Extent extent{width, steps, kernel, steps, kernel / 2};
  const auto* const signal = input.const_data_ptr<scalar>();
  auto* const result = out.mutable_data_ptr<scalar>();
  at::parallel_for(0, input.size(0), 1, [&](int64_t begin, int64_t end) {
    const at::Tensor room = room_for(input, kernel);
    for (int64_t row = begin; row < end; ++row) {
      run_on_widest_vectors<Correlation<scalar>>(signal + row * steps * width, taps.const_data_ptr<scalar>(),
                                                 result + row * steps * width, room.mutable_data_ptr<scalar>(), extent);
    }
  });
}

/// The gradient of the weights [kernel, width].
template <typename scalar>
at::Tensor weight_gradient(const at::Tensor& input, const at::Tensor& gradient, int64_t kernel) {
  const int64_t rows = input.size(0), steps = input.size(1), width = input.size(2);
  const Extent extent{width, steps, steps, kernel, kernel / 2};
  const at::Tensor parts = at::zeros({(rows + curves_a_sum - 1) / curves_a_sum, kernel, width}, input.options());
  at::parallel_for(0, parts.size(0), 1, [&](int64_t begin, int64_t end) {
    const at::Tensor room = room_for(input, kernel);
    for (int64_t row = begin * curves_a_sum; row < std::min(rows, end * curves_a_sum); ++row) {
      run_on_widest_vectors<Correlation<scalar>>(input.const_data_ptr<scalar>() + row * steps * width,
                                                 gradient.const_data_ptr<scalar>() + row * steps * width,
                                                 parts.mutable_data_ptr<scalar>() + row / curves_a_sum * kernel * width,
                                                 room.mutable_data_ptr<scalar>(), extent);
    }
  });
  return parts.sum(0);
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// `input` [batch, time, width], on the CPU with a width that is a multiple of channel_multiple.
class DepthwiseConvolution : public torch::autograd::Function<DepthwiseConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias) {
    context->save_for_backward({input, weight});
    if (input.is_cuda()) {
      at::Tensor out = at::empty_like(input);
      convolve_on_cuda(input, weight, bias, /*reversed=*/false, out);
      return out;
    }
    at::Tensor out = bias.expand_as(input).contiguous();
    AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "depthwise_convolution",
                               [&] { add_convolution<scalar_t>(input, weight, out); });
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& input = saved[0];
    const at::Tensor gradient = gradients[0].contiguous();
    const at::Tensor of_bias = gradient.sum(at::IntArrayRef({0, 1}));
    if (input.is_cuda()) {
      const at::Tensor input_gradient = at::empty_like(input);
      convolve_on_cuda(gradient, saved[1], {}, /*reversed=*/true, input_gradient);
      const int64_t parts = convolution_parts_on_cuda(input.size(0));
      const at::Tensor of_taps = at::empty({parts, saved[1].size(0), saved[1].size(1)}, input.options());
      convolution_backward_on_cuda(input, gradient, of_taps);
      return {input_gradient, of_taps.sum(0), of_bias};
    }
    const at::Tensor reversed = saved[1].flip(0);
    const at::Tensor input_gradient = at::zeros_like(input);
    at::Tensor kernel_gradient;
    AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "depthwise_convolution_backward", [&] {
      add_convolution<scalar_t>(gradient, reversed, input_gradient);
      kernel_gradient = weight_gradient<scalar_t>(input, gradient, reversed.size(0));
    });
    return {input_gradient, kernel_gradient, of_bias};
  }
};

}  // namespace

at::Tensor depthwise_convolution(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  const bool own = input.is_cpu() && (input.scalar_type() == at::kFloat || input.scalar_type() == at::kDouble);
  if (input.is_cuda() && input.numel() > 0 && convolves_on_cuda(weight.size(0), input.scalar_type())) {
    return DepthwiseConvolution::apply(input.contiguous(), weight.contiguous(), bias.contiguous());
  }
  if (!own) {
    return depthwise_convolution_by_conv1d(input, weight, bias);
  }
  const int64_t width = input.size(2);
  const int64_t missing = (channel_multiple - width % channel_multiple) % channel_multiple;
  if (missing == 0) {
    return DepthwiseConvolution::apply(input.contiguous(), weight.contiguous(), bias);
  }
  return DepthwiseConvolution::apply(at::constant_pad_nd(input, {0, missing}),
                                     at::constant_pad_nd(weight, {0, missing}), at::constant_pad_nd(bias, {0, missing}))
      .narrow(2, 0, width)
      .contiguous();
}

at::Tensor depthwise_convolution_by_conv1d(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  return at::conv1d(input.transpose(1, 2), weight.t().unsqueeze(1), bias, 1, weight.size(0) / 2, 1, input.size(2))
      .transpose(1, 2)
      .contiguous();
}

}  // namespace causalfm::model
