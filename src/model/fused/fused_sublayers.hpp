#pragma once

#include "model/fused/fused_sublayer.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

/// The sublayers that kernels serve, from their parameters.
namespace causalfm::model {

/// Whether kernels serve so many channels.
bool kernels_serve(int64_t width);

std::vector<at::Tensor> joined(std::initializer_list<std::vector<at::Tensor>> lists);

/// @param parameters norm weight and bias; weight of query, key and value together; biases of query and value; weight
///        and bias of output
std::unique_ptr<FusedSublayer> fused_attention(std::vector<at::Tensor> parameters, int64_t heads);

/// @param parameters norm weight and bias; input weight, hidden weight, bias
std::unique_ptr<FusedSublayer> fused_lstm(std::vector<at::Tensor> parameters);

/// @param parameters weight and bias of pre-norm, of expand, of depthwise, of norm, of contract
std::unique_ptr<FusedSublayer> fused_convolution(std::vector<at::Tensor> parameters);

/// @param parameters weight and bias of norm and of both layers
std::unique_ptr<FusedSublayer> fused_feed_forward(std::vector<at::Tensor> parameters);

/// A LayerNorm alone, without residual. @param parameters weight and bias
std::unique_ptr<FusedSublayer> fused_norm(std::vector<at::Tensor> parameters);

}  // namespace causalfm::model
