#include "causalfm/data/sampler.hpp"

#include "causalfm/data/error.hpp"
#include "causalfm/data/permutation.hpp"
#include "causalfm/philox.hpp"

#include <string>
#include <utility>

namespace causalfm::data {
namespace {

/// Calls visit(anchor row, words of the anchor's partner draws) for the positions first ... first + count - 1.
template <typename Visit>
void visit_anchors(const std::vector<int64_t>& anchors, uint64_t seed, int64_t first, int64_t count,
                   const Visit& visit) {
  const auto size = static_cast<int64_t>(anchors.size());
  const PhiloxKey key = philox_key(seed, RandomStream::triplet_choice);
  for (int64_t position = first; position < first + count; ++position) {
    const Permutation permutation(size, seed, static_cast<uint64_t>(position / size));
    const int64_t anchor = anchors[permutation(position % size)];
    visit(anchor, philox4x32(0, static_cast<uint64_t>(position), key));
  }
}

int64_t choose_same_star(const TripletIndex& index, int64_t anchor, const PhiloxBlock& words) {
  const auto count = static_cast<uint64_t>(index.same_star_count(anchor));
  return index.same_star(anchor, static_cast<int64_t>(uniform_integer(words[0], words[1], count)));
}

int64_t choose_same_instrument(const TripletIndex& index, int64_t anchor, const PhiloxBlock& words) {
  const auto count = static_cast<uint64_t>(index.same_instrument_count(anchor));
  return index.same_instrument(anchor, static_cast<int64_t>(uniform_integer(words[2], words[3], count)));
}

void require_anchors(int64_t anchors, size_t rows, const char* missing) {
  if (anchors == 0) {
    throw DataError("none of " + std::to_string(rows) + " rows can be an anchor: " + missing +
                    "; use more stars or instruments, or other fractions in section data");
  }
}

void check_enough_anchors(const Sampler& sampler, const Source& source) {
  if (sampler.batch_triplets() > sampler.anchors_per_epoch()) {
    throw DataError("train.batch_triplets is " + std::to_string(sampler.batch_triplets()) +
                    ", but the train split of " + source.description().place + " has " +
                    std::to_string(sampler.anchors_per_epoch()) +
                    " rows that can be anchors: choose a batch of at most as many");
  }
}

}  // namespace

Sampler::Sampler(std::vector<int64_t> rows, int64_t batch_triplets)
    : rows_(std::move(rows)), batch_triplets_(batch_triplets) {}

TripletSampler::TripletSampler(const ObservationTable& observations, std::vector<int64_t> rows, uint64_t seed,
                               int64_t batch_triplets)
    : Sampler(std::move(rows), batch_triplets), index_(observations, rows_), seed_(seed) {
  anchors_per_epoch_ = static_cast<int64_t>(index_.triplet_anchors().size());
  skipped_ = index_.skipped();
  require_anchors(anchors_per_epoch_, rows_.size(),
                  "no star is seen by two instruments of which one sees another star as well");
}

GlobalBatch TripletSampler::triplets(int64_t first, int64_t count) const {
  GlobalBatch batch;
  batch.rows.reserve(static_cast<size_t>(3 * count));
  batch.roles.reserve(static_cast<size_t>(3 * count));
  visit_anchors(index_.triplet_anchors(), seed_, first, count, [&](int64_t anchor, const PhiloxBlock& words) {
    batch.rows.insert(batch.rows.end(),
                      {anchor, choose_same_star(index_, anchor, words), choose_same_instrument(index_, anchor, words)});
    batch.roles.insert(batch.roles.end(), {Role::anchor, Role::same_star, Role::same_instrument});
  });
  return batch;
}

PairSampler::PairSampler(const ObservationTable& observations, std::vector<int64_t> rows, uint64_t seed,
                         int64_t batch_triplets)
    : Sampler(std::move(rows), batch_triplets), index_(observations, rows_), seed_(seed) {
  anchors_per_epoch_ = static_cast<int64_t>(index_.pair_anchors().size());
  skipped_ = index_.skipped();
  skipped_.rows = static_cast<int64_t>(rows_.size()) - anchors_per_epoch_;
  require_anchors(anchors_per_epoch_, rows_.size(), "no star is seen by two instruments");
}

GlobalBatch PairSampler::triplets(int64_t first, int64_t count) const {
  GlobalBatch batch;
  batch.rows.reserve(static_cast<size_t>(2 * count));
  batch.roles.reserve(static_cast<size_t>(2 * count));
  visit_anchors(index_.pair_anchors(), seed_, first, count, [&](int64_t anchor, const PhiloxBlock& words) {
    batch.rows.insert(batch.rows.end(), {anchor, choose_same_star(index_, anchor, words)});
    batch.roles.insert(batch.roles.end(), {Role::anchor, Role::same_star});
  });
  return batch;
}

std::unique_ptr<Sampler> make_sampler(const config::Config& settings, const Source& source, Split split) {
  const auto seed = static_cast<uint64_t>(split == Split::train ? settings.seed : settings.data.split_seed);
  const int64_t batch = settings.train.batch_triplets;
  std::vector<int64_t> rows = rows_of_split(source, settings.data, split);
  std::unique_ptr<Sampler> sampler;
  try {
    if (settings.data.sampler == config::SamplerKind::pair) {
      sampler = std::make_unique<PairSampler>(source.observations(), std::move(rows), seed, batch);
    } else {
      sampler = std::make_unique<TripletSampler>(source.observations(), std::move(rows), seed, batch);
    }
  } catch (const DataError& error) {
    throw DataError("the " + std::string(name_of(split)) + " split of " + source.description().place +
                    " cannot be sampled: " + error.what());
  }
  if (split == Split::train) {
    check_enough_anchors(*sampler, source);
  }
  return sampler;
}

}  // namespace causalfm::data
