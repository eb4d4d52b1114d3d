#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace causalfm::evaluation {

/// Curves of stars as a representation shows them: ten columns, of which the first three depend on the star.
struct RandomTable {
  at::Tensor features;    ///< [rows, 10] float32
  at::Tensor star;        ///< [rows] int64, each star's rows side by side
  at::Tensor value;       ///< [rows] float64: a curved function of the first three columns' star part
  at::Tensor instrument;  ///< [rows] int64 in 0 ... 3, told by columns 4 to 6
};

RandomTable random_table(int64_t stars, int64_t rows_a_star, uint64_t seed);

}  // namespace causalfm::evaluation
