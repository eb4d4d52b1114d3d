#include "model/fused/gradients.hpp"

#include <ATen/ATen.h>

namespace causalfm::model {

NormGradient GradientCursor::norm() {
  float* const weight = next();
  return {weight, next()};
}

AffineGradient GradientCursor::affine() {
  float* const weight = next();
  return {weight, next()};
}

GradientParts::GradientParts(int64_t parts, const std::vector<at::Tensor>& like) {
  Cursor size(nullptr);
  for (const at::Tensor& one : like) {
    shapes_.push_back(one.sizes().vec());
    sizes_.push_back(one.numel());
    size.take(one.numel());
  }
  buffer_ = at::zeros({parts, size.used()}, like.front().options());
}

GradientCursor GradientParts::part(int64_t number) const {
  return {buffer_.mutable_data_ptr<float>() + number * buffer_.size(1), sizes_};
}

std::vector<at::Tensor> GradientParts::sum() const {
  const at::Tensor total = buffer_.size(0) == 1 ? buffer_[0] : buffer_.sum(0);
  float* const start = total.mutable_data_ptr<float>();
  std::vector<at::Tensor> gradients;
  GradientCursor place(start, sizes_);
  for (size_t i = 0; i < sizes_.size(); ++i) {
    gradients.push_back(total.narrow(0, place.next() - start, sizes_[i]).view(shapes_[i]));
  }
  return gradients;
}

}  // namespace causalfm::model
