#include "model/fused/fused_sublayers.hpp"
#include "model/fused/packing.hpp"

#include <ATen/ATen.h>

#include <utility>

namespace causalfm::model {
namespace {

/// Rows of the gates input, forget, cell and output [4 width, ...] -> in blocks of `lanes` units, as LstmWeights has
/// them; and back.
at::Tensor in_blocks(const at::Tensor& rows, int64_t lanes) {
  const int64_t width = rows.size(0) / 4, columns = rows.numel() / rows.size(0);
  return rows.view({4, width / lanes, lanes, columns}).transpose(0, 1).reshape(rows.sizes());
}

at::Tensor in_gates(const at::Tensor& rows, int64_t lanes) {
  const int64_t width = rows.size(0) / 4, columns = rows.numel() / rows.size(0);
  return rows.view({width / lanes, 4, lanes, columns}).transpose(0, 1).reshape(rows.sizes());
}

class PackedLstm final : public PackedSublayer {
 public:
  /// @param gates with rows in blocks
  PackedLstm(const Kernels& kernels, PackedNorm norm, PackedAffine gates)
      : kernels_(&kernels.lstm),
        lanes_(kernels.lanes),
        norm_(std::move(norm)),
        gates_(std::move(gates)),
        weights_{norm_.arrays(), gates_.arrays()} {}

  int64_t kept(int64_t time) const override { return 5 * time * width(); }
  int64_t scratch(int64_t time, bool backward) const override { return kernels_->scratch(time, width(), backward); }

  void forward(const CurveRun& run, float* kept, float* scratch, float* out) const override {
    kernels_->forward(run, weights_, saved(run, kept), scratch, out);
  }

  void backward(const CurveRun& run, float* kept, const float* gradient, GradientCursor& cursor, float* scratch,
                float* of_state) const override {
    const LstmGradients gradients{cursor.norm(), cursor.affine()};
    kernels_->backward(run, weights_, saved(run, kept), gradient, gradients, scratch, of_state);
  }

  std::vector<at::Tensor> gradients() const override { return {norm_.weight, norm_.bias, gates_.weight, gates_.bias}; }

  std::vector<at::Tensor> unpack(const std::vector<at::Tensor>& sums) const override {
    const std::vector<at::Tensor> weights = in_gates(sums[2], lanes_).split(width(), 1);
    return {sums[0], sums[1], weights[0], weights[1], in_gates(sums[3], lanes_)};
  }

 private:
  int64_t width() const { return norm_.weight.numel(); }

  static LstmSaved saved(const CurveRun& run, float* kept) {
    if (kept == nullptr) return {nullptr, nullptr};
    return {kept, kept + 4 * run.curves * run.time * run.width};
  }

  const LstmKernels* kernels_;
  int64_t lanes_;
  PackedNorm norm_;
  PackedAffine gates_;
  LstmWeights weights_;
};

class FusedLstm final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  std::unique_ptr<const PackedSublayer> pack(const Kernels& kernels) const override {
    const at::Tensor weight = at::cat({parameter(2), parameter(3)}, 1);
    return std::make_unique<PackedLstm>(
        kernels, PackedNorm{parameter(0), parameter(1)},
        PackedAffine(in_blocks(weight, kernels.lanes), in_blocks(parameter(4), kernels.lanes), kernels));
  }
};

}  // namespace

std::unique_ptr<FusedSublayer> fused_lstm(std::vector<at::Tensor> parameters) {
  return std::make_unique<FusedLstm>(std::move(parameters));
}

}  // namespace causalfm::model
