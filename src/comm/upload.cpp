#include "causalfm/comm/upload.hpp"

#include <ATen/ATen.h>

namespace causalfm::comm {

at::Tensor upload(const at::Tensor& tensor, c10::Device device) {
  if (!tensor.defined() || tensor.device() == device) return tensor;
  const bool by_pinned_memory = tensor.is_cpu() && device.is_cuda() && tensor.numel() > 0;
  return by_pinned_memory ? tensor.pin_memory().to(device, /*non_blocking=*/true) : tensor.to(device);
}

}  // namespace causalfm::comm
