#include "training/validation.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/data/slices.hpp"
#include "causalfm/loss/info_nce.hpp"
#include "causalfm/loss/reconstruction.hpp"
#include "causalfm/loss/retrieval.hpp"
#include "training/assembly.hpp"
#include "training/gather_rows.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

namespace causalfm::training {

namespace {

template <typename Id>
at::Tensor ids_of(const std::vector<Id>& ids, std::span<const int64_t> rows) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(rows.size())}, at::kLong);
  std::ranges::transform(rows, tensor.mutable_data_ptr<int64_t>(), [&](int64_t row) { return ids[row]; });
  return tensor;
}

}  // namespace

struct Validation::Encoded {
  at::Tensor z_star;
  at::Tensor z_instrument;
  at::Tensor projection_star;
  at::Tensor projection_instrument;
  at::Tensor curve_error;  ///< [distinct rows] mean squared error of a curve; nan where nothing is observed
};

Validation::Validation(const config::Config& settings, std::shared_ptr<const data::Source> source,
                       comm::Communicator& communicator, c10::Device device)
    : settings_(settings),
      source_(std::move(source)),
      communicator_(communicator),
      device_(device),
      triplets_(settings.train.validation_triplets) {
  const auto sampler = data::make_sampler(settings, *source_, data::Split::validation);
  const data::GlobalBatch batch = sampler->triplets(0, triplets_);
  rows_per_anchor_ = sampler->rows_per_anchor();

  distinct_rows_ = batch.rows;
  std::ranges::sort(distinct_rows_);
  distinct_rows_.erase(std::unique(distinct_rows_.begin(), distinct_rows_.end()), distinct_rows_.end());
  const auto position = [&](int64_t row) {
    return std::ranges::lower_bound(distinct_rows_, row) - distinct_rows_.begin();
  };

  const auto rows = static_cast<int64_t>(batch.rows.size());
  triplet_rows_ = at::empty({rows}, at::kLong);
  is_anchor_ = at::empty({rows}, at::kBool);
  for (int64_t row = 0; row < rows; ++row) {
    triplet_rows_.mutable_data_ptr<int64_t>()[row] = position(batch.rows[row]);
    is_anchor_.mutable_data_ptr<bool>()[row] = batch.roles[row] == data::Role::anchor;
  }
  anchors_ = std::get<0>(at::_unique(triplet_rows_.masked_select(is_anchor_)));
  if (settings.loss.anchors == config::Anchors::all) is_anchor_.fill_(true);

  const data::ObservationTable& table = source_->observations();
  star_id_ = ids_of(table.star_id, distinct_rows_);
  instrument_id_ = ids_of(table.instrument_id, distinct_rows_);
  if (!table.group_id.empty()) group_id_ = ids_of(table.group_id, distinct_rows_);
}

int64_t Validation::rows_at_once(const config::Train& settings, int64_t rows_per_anchor) {
  constexpr int64_t most = 512;
  return settings.micro_batch > 0 ? std::min(most, settings.micro_batch * rows_per_anchor) : most;
}

data::Batch Validation::read_curves(int64_t first, int64_t count) const {
  const auto begin = distinct_rows_.begin() + first;
  const data::GlobalBatch rows{{begin, begin + count}, std::vector(count, data::Role::anchor)};
  return data::load(*source_, rows, /*rows_per_anchor=*/1, /*rank=*/0, /*world_size=*/1, /*step=*/0).batch;
}

Validation::Encoded Validation::encode(const model::CausalModel& model) const {
  const auto rows = static_cast<int64_t>(distinct_rows_.size());
  // Fewer curves than ranks are not worth sharing: every rank then encodes all of them.
  const bool shared = rows >= communicator_.world_size();
  const int64_t rank = shared ? communicator_.rank() : 0;
  const std::vector<int64_t> rows_of_rank = data::rows_of_rank(rows, 1, shared ? communicator_.world_size() : 1);
  const int64_t first = std::accumulate(rows_of_rank.begin(), rows_of_rank.begin() + rank, int64_t{0});
  const int64_t end = first + rows_of_rank[rank];

  const int64_t chunk_rows = rows_at_once(settings_.train, rows_per_anchor_);
  std::vector<at::Tensor> z_star, z_instrument, projection_star, projection_instrument, curve_error;
  for (int64_t row = first; row < end; row += chunk_rows) {
    const model::Curves curves =
        to_curves(read_curves(row, std::min(chunk_rows, end - row)), dtype_of(settings_.train.precision), device_);
    const model::Outputs outputs = model.forward(curves);
    z_star.push_back(outputs.z_star);
    z_instrument.push_back(outputs.z_instrument);
    projection_star.push_back(outputs.projection_star);
    projection_instrument.push_back(outputs.projection_instrument);
    curve_error.push_back(loss::curve_errors(outputs.reconstructed, curves.flux, curves.mask));
  }
  const auto over_ranks = [&](const std::vector<at::Tensor>& chunks) {
    if (!chunks.front().defined()) return at::Tensor();
    const at::Tensor slice = at::cat(chunks);
    return shared ? gather_rows(slice, rows_of_rank, communicator_) : slice;
  };
  return {over_ranks(z_star), over_ranks(z_instrument), over_ranks(projection_star), over_ranks(projection_instrument),
          over_ranks(curve_error)};
}

Losses Validation::losses(const Encoded& encoded) const {
  const auto alone = comm::make_single();
  const config::Loss& weights = settings_.loss;
  const auto contrast = [&](const at::Tensor& projection, const at::Tensor& same, const at::Tensor& other,
                            const at::Tensor& rows, const at::Tensor& is_anchor, double temperature) {
    const loss::ContrastLabels labels{same.index_select(0, rows), other.index_select(0, rows),
                                      group_id_.defined() ? group_id_.index_select(0, rows) : at::Tensor(), is_anchor};
    return loss::info_nce(projection.index_select(0, rows.to(device_)), labels, {rows.numel()},
                          {temperature, weights.positives_inside_log}, *alone)
        .item<double>();
  };

  Losses sum;
  const int64_t batch = settings_.train.batch_triplets;
  for (int64_t first = 0; first < triplets_; first += batch) {
    const int64_t count = std::min(batch, triplets_ - first);
    const at::Tensor rows = triplet_rows_.narrow(0, first * rows_per_anchor_, count * rows_per_anchor_);
    const at::Tensor is_anchor = is_anchor_.narrow(0, first * rows_per_anchor_, count * rows_per_anchor_);
    const double share = static_cast<double>(count) / static_cast<double>(triplets_);
    sum.reconstruction += share * encoded.curve_error.index_select(0, rows.to(device_)).nanmean().item<double>();
    if (weights.star > 0) {
      sum.star +=
          share * contrast(encoded.projection_star, star_id_, instrument_id_, rows, is_anchor, weights.temperature);
    }
    if (weights.instrument > 0) {
      sum.instrument += share * contrast(encoded.projection_instrument, instrument_id_, star_id_, rows, is_anchor,
                                         weights.instrument_temperature);
    }
  }
  sum.total =
      weights.reconstruction * sum.reconstruction + weights.star * sum.star + weights.instrument * sum.instrument;
  return sum;
}

ValidationResult Validation::run(const model::CausalModel& model) const {
  const at::NoGradGuard no_grad;
  const Encoded encoded = encode(model);
  const auto recall = [&](const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other) {
    if (!latents.defined()) return std::numeric_limits<double>::quiet_NaN();
    return loss::recall_at_1(latents.to(at::kCPU).index_select(0, anchors_), same.index_select(0, anchors_),
                             other.index_select(0, anchors_));
  };
  const auto statistics = [&](const at::Tensor& latents, const at::Tensor& same, const at::Tensor& other) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (!latents.defined()) return loss::LatentStatistics{none, none, none};
    return loss::latent_statistics(latents.to(at::kCPU).index_select(0, anchors_), same.index_select(0, anchors_),
                                   other.index_select(0, anchors_));
  };
  return {losses(encoded), recall(encoded.z_star, star_id_, instrument_id_),
          recall(encoded.z_instrument, instrument_id_, star_id_), statistics(encoded.z_star, star_id_, instrument_id_),
          statistics(encoded.z_instrument, instrument_id_, star_id_)};
}

}  // namespace causalfm::training
