#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/data/batch.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/loss/latent_statistics.hpp"
#include "causalfm/model/model.hpp"
#include "training/step.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace causalfm::training {

struct ValidationResult {
  Losses losses;
  // All nan for a model without this latent.
  double star_recall = 0.0;
  double instrument_recall = 0.0;
  loss::LatentStatistics star;
  loss::LatentStatistics instrument;
};

/// The losses and recalls of the validation split on fixed triplets, without dropout. The triplets depend on neither
/// the training seed nor the batch size; losses are the mean over batches of train.batch_triplets of them, as in
/// training. Recalls and statistics of the latents are over the distinct anchors among the triplets.
class Validation {
 public:
  Validation(const config::Config& settings, std::shared_ptr<const data::Source> source,
             comm::Communicator& communicator, c10::Device device);

  /// Curves encoded at once: bounds memory as train.micro_batch does, changes no number beyond rounding.
  static int64_t rows_at_once(const config::Train& settings, int64_t rows_per_anchor);

  /// Collective: ranks share the curves, gather what they encoded and agree on every digit.
  ValidationResult run(const model::CausalModel& model) const;

 private:
  struct Encoded;
  data::Batch read_curves(int64_t first, int64_t count) const;
  Encoded encode(const model::CausalModel& model) const;
  Losses losses(const Encoded& encoded) const;

  const config::Config& settings_;
  std::shared_ptr<const data::Source> source_;
  comm::Communicator& communicator_;
  c10::Device device_;

  int64_t triplets_ = 0;
  int64_t rows_per_anchor_ = 0;
  std::vector<int64_t> distinct_rows_;  ///< every curve once, ascending
  at::Tensor triplet_rows_;             ///< [triplets * rows_per_anchor] int64, indices into distinct_rows_
  at::Tensor is_anchor_;                ///< [triplets * rows_per_anchor] bool
  at::Tensor anchors_;                  ///< [distinct anchors] int64, indices into distinct_rows_
  at::Tensor star_id_;                  ///< [distinct rows] int64
  at::Tensor instrument_id_;
  at::Tensor group_id_;  ///< undefined without groups
};

}  // namespace causalfm::training
