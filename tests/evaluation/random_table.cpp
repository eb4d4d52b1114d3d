#include "evaluation/random_table.hpp"

#include "evaluation/random_draws.hpp"

#include <ATen/ATen.h>

namespace causalfm::evaluation {
namespace {

at::Tensor normal(at::IntArrayRef shape, RandomDraws& draws) {
  at::Tensor tensor = at::empty(shape, at::kDouble);
  auto* const element = tensor.mutable_data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i) element[i] = draws.normal();
  return tensor;
}

}  // namespace

RandomTable random_table(int64_t stars, int64_t rows_a_star, uint64_t seed) {
  RandomDraws draws(seed, 0);
  const int64_t rows = stars * rows_a_star;
  const at::Tensor star = at::arange(stars).repeat_interleave(rows_a_star);
  const at::Tensor nature = normal({stars, 3}, draws).index_select(0, star);
  at::Tensor instrument = at::empty({rows}, at::kLong);
  for (int64_t i = 0; i < rows; ++i) instrument[i] = draws.integer(4);
  at::Tensor features = normal({rows, 10}, draws);
  features.narrow(1, 0, 3).mul_(0.3).add_(nature);
  features.narrow(1, 4, 3).add_(at::one_hot(instrument, 4).narrow(1, 0, 3).to(at::kDouble).mul_(2.0));
  const at::Tensor value = 5.0 + nature.select(1, 0) + nature.select(1, 1) * nature.select(1, 2);
  return {features.to(at::kFloat), star, value, instrument};
}

}  // namespace causalfm::evaluation
