#pragma once

#include "causalfm/run/checkpoint.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <random>
#include <string>
#include <vector>

namespace causalfm::run {

/// Every field filled, tensors of every kind; `rows` makes it larger.
inline Checkpoint sample_checkpoint(int64_t step, int64_t rows = 3) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.best_value = 1.25 + 0.1 * static_cast<double>(step);
  checkpoint.best_step = step - 1;
  checkpoint.validations_without_improvement = 4;
  checkpoint.configuration = "seed: 7\nmodel:\n  width: 64  # ä\n";
  checkpoint.data_identity = std::string(64, 'd');
  checkpoint.split_seed = 11;
  checkpoint.ranks = 2;
  checkpoint.threads = 3;
  checkpoint.instruction_set = "AVX512";
  checkpoint.versions = {{"causalfm", "0.1.0"}, {"libtorch", "2.11.0"}};
  checkpoint.numbers = {{"model/time_span", 99.0}, {"model/median_cadence", 0.1}};
  const at::Tensor weight = at::arange(rows * 20, at::kFloat).view({rows, 20}) / 7 + static_cast<double>(step);
  checkpoint.tensors = {{"model/encoder_star/block1/attention/weight", weight},
                        {"model/encoder_star/block0/attention/weight", weight.t()},
                        {"model/scale", at::scalar_tensor(0.1, at::kDouble)},
                        {"model/nothing", at::empty({0, 3}, at::kFloat)},
                        {"optimizer/encoder_star/block0/attention/weight/m", weight.to(at::kDouble)},
                        {"optimizer/counter", at::arange(5, at::kLong)}};
  return checkpoint;
}

inline bool equal_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor x = a.contiguous();
  const at::Tensor y = b.contiguous();
  const auto* const bytes = static_cast<const std::byte*>(x.const_data_ptr());
  return std::equal(bytes, bytes + x.nbytes(), static_cast<const std::byte*>(y.const_data_ptr()));
}

/// Field by field, numbers and tensors by their bits, so that NaN equals itself.
inline bool equal(const Checkpoint& a, const Checkpoint& b) {
  const auto same_number = [](const auto& x, const auto& y) {
    return x.first == y.first && std::bit_cast<uint64_t>(x.second) == std::bit_cast<uint64_t>(y.second);
  };
  const auto same_tensor = [](const auto& x, const auto& y) {
    return x.first == y.first && equal_bits(x.second, y.second);
  };
  return a.step == b.step && std::bit_cast<uint64_t>(a.best_value) == std::bit_cast<uint64_t>(b.best_value) &&
         a.best_step == b.best_step && a.validations_without_improvement == b.validations_without_improvement &&
         a.configuration == b.configuration && a.data_identity == b.data_identity && a.split_seed == b.split_seed &&
         a.ranks == b.ranks && a.threads == b.threads && a.instruction_set == b.instruction_set &&
         a.versions == b.versions &&
         std::equal(a.numbers.begin(), a.numbers.end(), b.numbers.begin(), b.numbers.end(), same_number) &&
         std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(), same_tensor);
}

}  // namespace causalfm::run
