#include "causalfm/loss/info_nce.hpp"

#include "info_nce_tiled.hpp"

#include "causalfm/comm/upload.hpp"
#include "causalfm/loss/error.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <numeric>
#include <string>
#include <utility>

namespace causalfm::loss {
namespace {

using torch::autograd::AutogradContext;

/// Below this norm a row has no direction.
constexpr double smallest_norm = 1e-12;

void check_label(const std::string& name, const at::Tensor& label, at::ScalarType type, int64_t keys) {
  if (label.defined() && label.scalar_type() == type && label.dim() == 1 && label.size(0) == keys) return;
  throw LossError("info_nce: labels." + name + " must be [" + std::to_string(keys) + "] " + at::toString(type) +
                  ", a label for every row of the global batch");
}

void check(const at::Tensor& projection, const ContrastLabels& labels, const std::vector<int64_t>& rows_of_rank,
           const InfoNceOptions& options, const comm::Communicator& communicator) {
  if (!(options.temperature > 0.0)) {
    throw LossError("info_nce: the temperature is " + std::to_string(options.temperature) + "; it must be positive");
  }
  if (static_cast<int64_t>(rows_of_rank.size()) != communicator.world_size()) {
    throw LossError("info_nce: rows_of_rank has " + std::to_string(rows_of_rank.size()) + " entries for " +
                    std::to_string(communicator.world_size()) + " ranks");
  }
  if (!projection.defined() || projection.dim() != 2 || projection.size(0) != rows_of_rank[communicator.rank()] ||
      (projection.scalar_type() != at::kFloat && projection.scalar_type() != at::kDouble)) {
    throw LossError("info_nce: the projection must be [" + std::to_string(rows_of_rank[communicator.rank()]) +
                    ", width] of float32 or float64, this rank's rows");
  }
  const int64_t keys = std::accumulate(rows_of_rank.begin(), rows_of_rank.end(), int64_t{0});
  check_label("same", labels.same, at::kLong, keys);
  check_label("other", labels.other, at::kLong, keys);
  check_label("anchor", labels.anchor, at::kBool, keys);
  if (labels.group.defined()) check_label("group", labels.group, at::kLong, keys);
}

at::Tensor unit_rows(const at::Tensor& rows) {
  const at::Tensor norm = at::linalg_vector_norm(rows, 2.0, at::IntArrayRef{1}, /*keepdim=*/true);
  const at::Tensor no_direction = norm.le(smallest_norm);  // false for nan, which must reach the loss
  return (rows / norm.masked_fill(no_direction, 1.0)).masked_fill(no_direction, 0.0);
}

/// All that backward needs, and what forward found.
struct Evaluated final : torch::CustomClassHolder {
  Contrast contrast;
  AnchorStatistics statistics;
  bool positives_inside_log;
  Tiling tiling;
  std::vector<int64_t> rows_of_rank;
  comm::Communicator* communicator;
  at::Tensor anchors_of_all_ranks;  ///< scalar int64: that have a positive; at least 1
  at::Tensor share;
};

/// Joins a share that was computed outside of any graph to the rows it came from.
class InfoNceFunction : public torch::autograd::Function<InfoNceFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& /*unit*/,
                            const c10::intrusive_ptr<Evaluated>& evaluated) {
    context->saved_data["evaluated"] = at::IValue::make_capsule(evaluated);
    // Moved out: the result owns this node, and a node that owned the result would keep the whole graph for ever.
    return std::exchange(evaluated->share, {});
  }

  static torch::autograd::variable_list backward(AutogradContext* context,
                                                 const torch::autograd::variable_list& output_gradients) {
    const auto capsule = context->saved_data.at("evaluated").toCapsule();
    const auto& evaluated = static_cast<const Evaluated&>(*capsule);
    const at::Tensor weight = output_gradients[0] / evaluated.anchors_of_all_ranks;
    const at::Tensor of_all_keys = contrast_gradient(evaluated.contrast, evaluated.statistics,
                                                     evaluated.positives_inside_log, weight, evaluated.tiling);
    const int64_t own_rows = evaluated.rows_of_rank[evaluated.communicator->rank()];
    const at::Tensor of_own_rows = at::empty({own_rows, of_all_keys.size(1)}, of_all_keys.options());
    evaluated.communicator->reduce_scatter(of_all_keys, of_own_rows, evaluated.rows_of_rank).wait();
    return {of_own_rows, at::Tensor()};
  }
};

/// The numbers of the rows [first, first + count) that are anchors. Found on the host, which must know how many.
at::Tensor anchor_rows(const at::Tensor& is_anchor, int64_t first, int64_t count) {
  const at::Tensor on_host = is_anchor.to(at::kCPU).contiguous();
  const bool* const flags = on_host.const_data_ptr<bool>();
  std::vector<int64_t> rows;
  for (int64_t row = first; row < first + count; ++row) {
    if (flags[row]) rows.push_back(row);
  }
  return at::tensor(rows, at::kLong);
}

/// The task of this rank: its own anchors against the keys of all ranks.
Contrast gather_contrast(const at::Tensor& unit, const ContrastLabels& labels, double temperature,
                         const std::vector<int64_t>& rows_of_rank, comm::Communicator& communicator) {
  const at::Device device = unit.device();
  const auto own = rows_of_rank.begin() + communicator.rank();
  const int64_t first = std::accumulate(rows_of_rank.begin(), own, int64_t{0});
  Contrast contrast;
  contrast.keys = at::empty({labels.same.size(0), unit.size(1)}, unit.options());
  comm::Pending gathered = communicator.all_gather(unit.contiguous(), contrast.keys, rows_of_rank);
  contrast.labels = {comm::upload(labels.same, device), comm::upload(labels.other, device),
                     comm::upload(labels.group, device), labels.anchor};
  contrast.anchor_rows = comm::upload(anchor_rows(labels.anchor, first, *own), device);
  contrast.temperature = temperature;
  gathered.wait();
  return contrast;
}

}  // namespace

at::Tensor info_nce(const at::Tensor& projection, const ContrastLabels& labels,
                    const std::vector<int64_t>& rows_of_rank, const InfoNceOptions& options,
                    comm::Communicator& communicator, const Tiling& tiling) {
  check(projection, labels, rows_of_rank, options, communicator);
  at::Tensor unit = unit_rows(projection);
  auto evaluated = c10::make_intrusive<Evaluated>();
  evaluated->contrast = gather_contrast(unit.detach(), labels, options.temperature, rows_of_rank, communicator);
  evaluated->statistics = contrast_statistics(evaluated->contrast, tiling);
  evaluated->positives_inside_log = options.positives_inside_log;
  evaluated->tiling = tiling;
  evaluated->rows_of_rank = rows_of_rank;
  evaluated->communicator = &communicator;

  at::Tensor anchors = evaluated->statistics.positives.gt(0.0).sum();
  communicator.all_reduce(anchors).wait();
  evaluated->anchors_of_all_ranks = anchors.clamp_min_(1);
  const at::Tensor losses = anchor_losses(evaluated->statistics, options.positives_inside_log);
  evaluated->share = losses.sum(at::kDouble).div(evaluated->anchors_of_all_ranks).to(unit.scalar_type());
  if (!at::GradMode::is_enabled()) return evaluated->share;
  // Backward is collective: a rank whose share is a constant takes part.
  if (!unit.requires_grad()) unit = unit.detach().requires_grad_(true);
  return InfoNceFunction::apply(unit, evaluated);
}

at::Tensor info_nce(const at::Tensor& projection, const ContrastLabels& labels,
                    const std::vector<int64_t>& rows_of_rank, const InfoNceOptions& options,
                    comm::Communicator& communicator) {
  return info_nce(projection, labels, rows_of_rank, options, communicator, Tiling{});
}

}  // namespace causalfm::loss
