#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace causalfm::comm {

/// `tensor` on `device`; itself if it is there already, or undefined. From the host to a GPU by way of pinned memory:
/// the copy is put on the current stream, and the host waits neither for it nor for what the stream still has to do.
/// Local.
at::Tensor upload(const at::Tensor& tensor, c10::Device device);

}  // namespace causalfm::comm
