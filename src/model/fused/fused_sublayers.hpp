#pragma once

#include "model/fused/fused_sublayer.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

/// The residual sublayers that kernels serve, from their parameters in float32 on the CPU.
namespace causalfm::model {

/// Whether kernels serve so many channels.
bool kernels_serve(int64_t width);

std::vector<at::Tensor> joined(std::initializer_list<std::vector<at::Tensor>> lists);

/// @param parameters norm weight and bias; weight of query, key and value together; biases of query and value; weight
///        and bias of output
c10::intrusive_ptr<FusedSublayer> fused_attention(std::vector<at::Tensor> parameters, int64_t heads);

/// @param parameters norm weight and bias; input weight, hidden weight, bias
c10::intrusive_ptr<FusedSublayer> fused_lstm(std::vector<at::Tensor> parameters);

/// @param parameters weight and bias of pre-norm, of expand, of depthwise, of norm, of contract
c10::intrusive_ptr<FusedSublayer> fused_convolution(std::vector<at::Tensor> parameters);

/// @param parameters weight and bias of norm and of both layers
c10::intrusive_ptr<FusedSublayer> fused_feed_forward(std::vector<at::Tensor> parameters);

/// A LayerNorm alone; mask and dropout of the call are not looked at. @param parameters weight and bias
c10::intrusive_ptr<FusedSublayer> fused_norm(std::vector<at::Tensor> parameters);

}  // namespace causalfm::model
