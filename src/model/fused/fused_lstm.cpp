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

class FusedLstm final : public FusedSublayer {
 public:
  using FusedSublayer::FusedSublayer;

  at::Tensor forward(const FusedCall& call, std::vector<at::Tensor>* saved) const override {
    const PackedAffine gates = packed(*call.kernels);
    at::Tensor kept_gates, kept_cells;
    if (saved != nullptr) {
      kept_gates = at::empty({call.curves(), call.time(), 4 * call.width()}, call.state.options());
      kept_cells = at::empty_like(call.state);
      saved->insert(saved->end(), {kept_gates, kept_cells});
    }
    at::Tensor out = at::empty_like(call.state);
    for_each_part(call.curves(), lstm_group, call.kernels->lstm.scratch(call.time(), call.width(), false),
                  [&](int64_t first, int64_t count, int64_t, float* scratch) {
                    call.kernels->lstm.forward(call.run(first, count), {norm(0), gates.arrays()},
                                               saved_of(call, kept_gates, kept_cells, first), scratch,
                                               data_of(out) + first * call.time() * call.width());
                  });
    return out;
  }

  std::vector<at::Tensor> backward(const FusedCall& call, const std::vector<at::Tensor>& saved,
                                   const at::Tensor& gradient, const at::Tensor& of_state) const override {
    const PackedAffine gates = packed(*call.kernels);
    const GradientParts parts((call.curves() + lstm_group - 1) / lstm_group,
                              {parameter(0), parameter(1), gates.weight, gates.bias});
    const int64_t curve = call.time() * call.width();
    for_each_part(call.curves(), lstm_group, call.kernels->lstm.scratch(call.time(), call.width(), true),
                  [&](int64_t first, int64_t count, int64_t part, float* scratch) {
                    GradientCursor cursor = parts.part(part);
                    const LstmGradients gradients{cursor.norm(), cursor.affine()};
                    call.kernels->lstm.backward(
                        call.run(first, count), {norm(0), gates.arrays()}, saved_of(call, saved[0], saved[1], first),
                        data_of(gradient) + first * curve, gradients, scratch, data_of(of_state) + first * curve);
                  });
    const std::vector<at::Tensor> sums = parts.sum();
    const auto of_weights = in_gates(sums[2], call.kernels->lanes).split(call.width(), 1);
    return {sums[0], sums[1], of_weights[0], of_weights[1], in_gates(sums[3], call.kernels->lanes)};
  }

 private:
  PackedAffine packed(const Kernels& kernels) const {
    const at::Tensor weight = at::cat({parameter(2).detach(), parameter(3).detach()}, 1);
    return pack(in_blocks(weight, kernels.lanes), in_blocks(parameter(4).detach(), kernels.lanes),
                kernels.panel_columns);
  }

  /// Of the group that begins with curve `first`.
  static LstmSaved saved_of(const FusedCall& call, const at::Tensor& gates, const at::Tensor& cells, int64_t first) {
    if (!gates.defined()) return {nullptr, nullptr};
    const int64_t start = first * call.time() * call.width();
    return {data_of(gates) + 4 * start, data_of(cells) + start};
  }
};

}  // namespace

c10::intrusive_ptr<FusedSublayer> fused_lstm(std::vector<at::Tensor> parameters) {
  return c10::make_intrusive<FusedLstm>(std::move(parameters));
}

}  // namespace causalfm::model
