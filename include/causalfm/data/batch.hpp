#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::data {

/// What a row is within its triplet.
enum class Role : uint8_t { anchor = 0, same_star = 1, same_instrument = 2 };

/// One training batch on this rank: a contiguous run of the global batch's triplets, row by row
/// (a0, s0, i0, a1, s1, i1, ... for triplets; a0, s0, a1, s1, ... for pairs). CPU tensors.
struct Batch {
  at::Tensor flux;     ///< [n, T] float32, normalised flux; 0 where masked
  at::Tensor time;     ///< float32, days (simulation: steps) since the curve's first cadence; [T] when all rows of
                       ///< the data set share one grid, else [n, T]
  at::Tensor mask;     ///< [n, T] bool, true where observed; undefined when the data set is observed everywhere
  at::Tensor star_id;  ///< [n] int64
  at::Tensor instrument_id;   ///< [n] int32
  at::Tensor observation_id;  ///< [n] int64
  at::Tensor group_id;        ///< [n] int64, -1 for none; undefined when the data set has no groups
  at::Tensor role;            ///< [n] uint8, see Role
  int64_t first_row = 0;      ///< index of row 0 in the global batch
  int64_t global_rows = 0;    ///< rows over all ranks
};

/// Who all rows of a global batch are, in its order: equal on every rank, for it follows from the step.
struct GlobalIds {
  at::Tensor star_id;         ///< [global rows] int64
  at::Tensor instrument_id;   ///< [global rows] int64
  at::Tensor observation_id;  ///< [global rows] int64
  at::Tensor group_id;        ///< [global rows] int64, -1 for none; undefined when the data set has no groups
  at::Tensor role;            ///< [global rows] uint8, see Role
};

}  // namespace causalfm::data
