#include "model/small_model.hpp"

#include <ATen/ATen.h>

namespace causalfm::model {

config::Model small_settings() {
  config::Model settings;
  settings.width = 8;
  settings.heads = 2;
  settings.feed_forward = 12;
  settings.blocks = 2;
  settings.kernel = 3;
  settings.latent = 3;
  settings.dropout = 0.25;
  return settings;
}

SequenceScale small_scale() { return {9, 12.0, 1.1}; }

Curves random_curves(int64_t batch, int64_t time, at::ScalarType dtype) {
  Curves curves;
  curves.flux = at::randn({batch, time}, at::kDouble).to(dtype);
  curves.time = (at::arange(time, at::kDouble) + 0.3 * at::rand({batch, time}, at::kDouble)).to(dtype);
  curves.mask = at::rand({batch, time}) > 0.25;
  curves.mask[0].fill_(true);
  return curves;
}

at::Tensor striped_mask(int64_t batch, int64_t time) {
  const at::Tensor striped = at::arange(time).remainder(3) != 1;
  const at::Tensor whole = at::arange(batch).remainder(2) == 0;
  return at::logical_or(striped.unsqueeze(0), whole.unsqueeze(1));
}

Curves rows_of(const Curves& curves, int64_t first, int64_t count) {
  const auto part = [&](const at::Tensor& tensor) {
    return tensor.defined() && tensor.dim() == 2 ? tensor.narrow(0, first, count) : tensor;
  };
  return {part(curves.flux), part(curves.time), part(curves.mask)};
}

double distance(const at::Tensor& left, const at::Tensor& right) {
  return (left.detach() - right.detach()).abs().max().item<double>();
}

}  // namespace causalfm::model
