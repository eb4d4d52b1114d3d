#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/data/loader.hpp"
#include "training/assembly.hpp"

#include <ATen/ATen.h>

#include <cstdint>

namespace causalfm::training {

/// This rank's rows of a global step.
inline data::LoadedStep load_step(const Assembly& assembly, int64_t rank, int64_t world_size, int64_t step) {
  return data::load(*assembly.source, assembly.sampler->batch(step), assembly.sampler->rows_per_anchor(), rank,
                    world_size, step);
}

/// Hides samples of a batch, as a function of the global row: every third of a row or so, and all of row 4.
inline void hide_samples(data::Batch& batch) {
  const at::Tensor row = at::arange(batch.flux.size(0), at::kLong).add(batch.first_row).unsqueeze(1);
  const at::Tensor time = at::arange(batch.flux.size(1), at::kLong);
  batch.mask = (row * 5 + time * 7 + row * time).remainder(3).ne(0).logical_and(row.ne(4));
  batch.flux = batch.flux.masked_fill(batch.mask.logical_not(), 0);
}

}  // namespace causalfm::training
