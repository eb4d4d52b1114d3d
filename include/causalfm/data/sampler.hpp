#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/batch.hpp"
#include "causalfm/data/index.hpp"
#include "causalfm/data/source.hpp"
#include "causalfm/data/split.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace causalfm::data {

/// Which rows of a source make up a global batch, in order, and what each is in its triplet.
struct GlobalBatch {
  std::vector<int64_t> rows;
  std::vector<Role> roles;
};

/// Chooses the observations of every global step. A pure function of (seed, step): no rank, no thread and nothing asked
/// before plays a part. Anchors run through every eligible row once an epoch, each epoch in a permutation of its own;
/// a batch may span the end of one epoch and the beginning of the next. Immutable; any thread may ask.
class Sampler {
 public:
  virtual ~Sampler() = default;

  /// Rows that an anchor brings, itself included: 3 for triplets, 2 for pairs.
  virtual int64_t rows_per_anchor() const = 0;

  /// Anchors (whole triplets) `first` ... `first + count - 1` of the endless sequence of epochs.
  virtual GlobalBatch triplets(int64_t first, int64_t count) const = 0;

  /// The global batch of one step, 0 is the first: triplets(step * B, B).
  GlobalBatch batch(int64_t step) const { return triplets(step * batch_triplets(), batch_triplets()); }

  int64_t batch_triplets() const { return batch_triplets_; }  ///< B
  int64_t anchors_per_epoch() const { return anchors_per_epoch_; }

  /// The rows that anchors and partners are drawn from, and what of them is no anchor.
  const std::vector<int64_t>& rows() const { return rows_; }
  const SkippedAnchors& skipped() const { return skipped_; }

 protected:
  Sampler(std::vector<int64_t> rows, int64_t batch_triplets);

  std::vector<int64_t> rows_;
  int64_t batch_triplets_;
  int64_t anchors_per_epoch_ = 0;
  SkippedAnchors skipped_;
};

/// (anchor, same star through another instrument, same instrument on another star), the partners drawn uniformly.
class TripletSampler : public Sampler {
 public:
  /// @throws DataError when no row has partners of both kinds.
  TripletSampler(const ObservationTable& observations, std::vector<int64_t> rows, uint64_t seed,
                 int64_t batch_triplets);

  int64_t rows_per_anchor() const override { return 3; }
  GlobalBatch triplets(int64_t first, int64_t count) const override;

 private:
  TripletIndex index_;
  uint64_t seed_;
};

/// (anchor, same star through another instrument): the batches of the single-latent baseline.
class PairSampler : public Sampler {
 public:
  /// @throws DataError when no row has a partner.
  PairSampler(const ObservationTable& observations, std::vector<int64_t> rows, uint64_t seed, int64_t batch_triplets);

  int64_t rows_per_anchor() const override { return 2; }
  GlobalBatch triplets(int64_t first, int64_t count) const override;

 private:
  TripletIndex index_;
  uint64_t seed_;
};

/// The sampler of data.sampler on one split. Training draws with `seed`; validation and test draw with
/// data.split_seed, so that their triplet j depends on neither the training seed nor the batch size.
/// @throws DataError when the split has no eligible anchor, or (train) fewer than train.batch_triplets.
std::unique_ptr<Sampler> make_sampler(const config::Config& settings, const Source& source, Split split);

}  // namespace causalfm::data
