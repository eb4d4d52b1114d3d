#include "random_step.hpp"

#include "causalfm/data/slices.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <numeric>

namespace causalfm::benchmark {

namespace {

at::Tensor random_ids(int64_t triplets, int64_t choices, const at::Generator& generator) {
  return at::randint(0, choices, {triplets}, generator, at::kLong);
}

/// Another one of `choices` than `id`.
at::Tensor another(const at::Tensor& id, int64_t choices, const at::Generator& generator) {
  return (id + 1 + random_ids(id.size(0), choices - 1, generator)).remainder(choices);
}

/// @param rows_per_anchor 3: anchor, same star, same instrument; 2: without the last.
data::GlobalIds random_identities(const config::Config& settings, int64_t rows_per_anchor,
                                  const at::Generator& generator) {
  const int64_t triplets = settings.train.batch_triplets;
  const int64_t stars = std::max<int64_t>(2, triplets), instruments = settings.simulation.instruments;
  const at::Tensor star = random_ids(triplets, stars, generator);
  const at::Tensor instrument = random_ids(triplets, instruments, generator);
  const at::Tensor star_of_role = at::stack({star, star, another(star, stars, generator)}, 1);
  const at::Tensor instrument_of_role =
      at::stack({instrument, another(instrument, instruments, generator), instrument}, 1);
  data::GlobalIds ids;
  ids.star_id = star_of_role.narrow(1, 0, rows_per_anchor).reshape(-1);
  ids.instrument_id = instrument_of_role.narrow(1, 0, rows_per_anchor).reshape(-1);
  ids.observation_id = at::arange(triplets * rows_per_anchor, at::kLong);
  ids.role = ids.observation_id.remainder(rows_per_anchor).to(at::kByte);
  return ids;
}

at::Tensor random_mask(int64_t rows, int64_t length, const at::Generator& generator) {
  const int64_t missing = length / 25;
  const at::Tensor time = at::arange(length, at::kLong);
  const at::Tensor gap = at::randint(length / 4, length / 2, {rows, 1}, generator, at::kLong);
  const at::Tensor in_gap = time.ge(gap).logical_and(time.lt(gap + missing));
  const at::Tensor single = at::rand({rows, length}, generator, at::kFloat).lt(0.02);
  return time.lt(length - missing).logical_and(in_gap.logical_not()).logical_and(single.logical_not());
}

}  // namespace

data::LoadedStep random_step(const config::Config& settings, const RandomBatch& batch, int64_t rank,
                             int64_t world_size) {
  const at::Generator generator = at::detail::createCPUGenerator(batch.seed);
  const int64_t rows_per_anchor = settings.data.sampler == config::SamplerKind::pair ? 2 : 3;
  const int64_t length = settings.simulation.length;
  data::LoadedStep loaded;
  loaded.global = random_identities(settings, rows_per_anchor, generator);
  loaded.rows_of_rank = data::rows_of_rank(settings.train.batch_triplets, rows_per_anchor, world_size);
  const int64_t rows = loaded.rows_of_rank[rank];
  const int64_t first = std::accumulate(loaded.rows_of_rank.begin(), loaded.rows_of_rank.begin() + rank, int64_t{0});
  const auto own = [&](const at::Tensor& global) { return global.narrow(0, first, rows).contiguous(); };

  data::Batch& local = loaded.batch;
  local.first_row = first;
  local.global_rows = loaded.global.star_id.size(0);
  at::Tensor flux = at::randn({local.global_rows, length}, generator, at::kFloat);
  if (batch.masked) {
    const at::Tensor mask = random_mask(local.global_rows, length, generator);
    flux = flux * mask;
    local.mask = own(mask);
  }
  local.flux = own(flux);
  local.time = at::arange(length, at::kFloat);
  local.star_id = own(loaded.global.star_id);
  local.instrument_id = own(loaded.global.instrument_id).to(at::kInt);
  local.observation_id = own(loaded.global.observation_id);
  local.role = own(loaded.global.role);
  return loaded;
}

model::SequenceScale scale_of(const config::Config& settings) {
  const int64_t length = settings.simulation.length;
  return {length, static_cast<double>(length - 1), 1.0};
}

}  // namespace causalfm::benchmark
