#include "model/fused/packing.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

namespace causalfm::model {

Affine PackedAffine::arrays() const { return {data_of(panels), data_of(weight), data_of(bias)}; }

PackedAffine pack(const at::Tensor& weight, const at::Tensor& bias, int64_t columns) {
  const int64_t out = weight.size(0), in = weight.size(1), panels = (out + columns - 1) / columns;
  const at::Tensor whole = at::constant_pad_nd(weight.detach(), {0, 0, 0, panels * columns - out});
  return {whole.view({panels, columns, in}).transpose(1, 2).contiguous(), weight.detach().contiguous(),
          bias.detach().contiguous()};
}

float* data_of(const at::Tensor& values) { return values.defined() ? values.mutable_data_ptr<float>() : nullptr; }

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

std::vector<at::Tensor> GradientParts::sum() const {
  const at::Tensor total = buffer_.size(0) == 1 ? buffer_[0] : buffer_.sum(0);
  std::vector<at::Tensor> gradients;
  GradientCursor place(data_of(total), sizes_);
  for (size_t i = 0; i < sizes_.size(); ++i) {
    gradients.push_back(total.narrow(0, place.next() - data_of(total), sizes_[i]).view(shapes_[i]));
  }
  return gradients;
}

void for_each_part(int64_t curves, int64_t part_curves, int64_t scratch_elements,
                   const std::function<void(int64_t, int64_t, int64_t, float*)>& work) {
  const int64_t parts = (curves + part_curves - 1) / part_curves;
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const at::Tensor scratch = at::empty({scratch_elements}, at::kFloat);
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = part * part_curves;
      work(first, std::min(part_curves, curves - first), part, data_of(scratch));
    }
  });
}

int64_t curves_of_part(int64_t curves) { return std::clamp<int64_t>(curves / 16, 1, 8); }

}  // namespace causalfm::model
