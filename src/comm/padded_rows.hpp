#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace causalfm::comm {

/// Rows that ranks share unevenly, in blocks of one size: NCCL gathers and scatters equal counts only, so every rank's
/// rows get the room of the largest, and what is beyond a rank's rows means nothing.
class PaddedRows {
 public:
  /// `whole` holds all ranks' rows, one rank after the other. There is at least one row.
  PaddedRows(const at::Tensor& whole, at::IntArrayRef rows_of_rank)
      : row_elements_(whole.numel() / whole.size(0)),
        row_bytes_(row_elements_ * static_cast<int64_t>(whole.element_size())),
        rows_(rows_of_rank.vec()),
        largest_(*std::max_element(rows_.begin(), rows_.end())) {
    int64_t start = 0;
    for (const int64_t rows : rows_) {
      starts_.push_back(start);
      start += rows * row_bytes_;
    }
  }

  /// Whether all ranks have as many rows, so that `whole` is the blocks.
  bool even() const {
    return std::ranges::all_of(rows_, [this](int64_t rows) { return rows == largest_; });
  }

  int64_t block_elements() const { return largest_ * row_elements_; }
  int64_t block_bytes() const { return largest_ * row_bytes_; }

  int64_t bytes_of(int64_t rank) const { return rows_[rank] * row_bytes_; }
  int64_t start_of(int64_t rank) const { return starts_[rank]; }  ///< in bytes, in `whole`

 private:
  int64_t row_elements_;
  int64_t row_bytes_;
  std::vector<int64_t> rows_;
  int64_t largest_;
  std::vector<int64_t> starts_;
};

}  // namespace causalfm::comm
