#pragma once

#include "causalfm/loss/info_nce.hpp"
#include "loss/contrast_tiles.hpp"

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace causalfm::loss {

/// How many positives and negatives the anchors of a drawn task have.
enum class Abundance { mixed, no_positives, one_positive, all_positives, duplicates, triplets, grouped };

inline constexpr Abundance every_abundance[] = {
    Abundance::mixed,      Abundance::no_positives, Abundance::one_positive, Abundance::all_positives,
    Abundance::duplicates, Abundance::triplets,     Abundance::grouped};

/// What CPU tensors take, and what CUDA tensors take, tried on the CPU.
inline constexpr ContrastPath every_path[] = {ContrastPath::by_device, ContrastPath::tensors};

inline std::string path_name(const testing::TestParamInfo<ContrastPath>& info) {
  return info.param == ContrastPath::tensors ? "Tensors" : "Threads";
}

/// A contrastive task over all rows of a global batch.
struct RandomContrast {
  at::Tensor projection;  ///< [rows, width] float64
  ContrastLabels labels;
};

RandomContrast draw_contrast(std::mt19937_64& random, Abundance abundance, int64_t rows, int64_t width);

/// Cuts `rows` into contiguous runs of random length, some of them empty.
std::vector<int64_t> draw_rows_of_ranks(std::mt19937_64& random, int64_t rows, int64_t ranks);

/// Rank `rank`'s run of `whole`.
at::Tensor run_of(const at::Tensor& whole, const std::vector<int64_t>& rows_of_rank, int64_t rank);

}  // namespace causalfm::loss
