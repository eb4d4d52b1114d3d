#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace causalfm::model {

/// forward(input), of whose graph the input alone is kept: backward calls `forward` again (Chen et al. 2016,
/// arXiv 1604.06174). The same numbers if `forward` is a function of its argument and of `parameters` alone, as it must
/// be; it must give what has a graph. Without gradients: forward(input).
/// @param parameters leaves that `forward` uses, and whose gradients are to be accumulated
at::Tensor recomputed(const at::Tensor& input, const std::vector<at::Tensor>& parameters,
                      std::function<at::Tensor(const at::Tensor&)> forward);

}  // namespace causalfm::model
