#include "loss/random_contrast.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace causalfm::loss {
namespace {

class LabelDraw {
 public:
  LabelDraw(std::mt19937_64& random, Abundance abundance, int64_t rows)
      : random_(random), abundance_(abundance), rows_(rows) {}

  ContrastLabels draw() {
    ContrastLabels labels{at::empty({rows_}, at::kLong), at::empty({rows_}, at::kLong), at::Tensor(),
                          at::empty({rows_}, at::kBool)};
    for (int64_t row = 0; row < rows_; ++row) {
      labels.same.data_ptr<int64_t>()[row] = same(row);
      labels.other.data_ptr<int64_t>()[row] = other(row);
      labels.anchor.data_ptr<bool>()[row] = abundance_ == Abundance::triplets ? row % 3 == 0 : integer(0, 3) != 0;
    }
    if (abundance_ == Abundance::grouped) labels.group = at::randint(-1, 3, {rows_}, at::kLong);
    return labels;
  }

 private:
  int64_t same(int64_t row) {
    switch (abundance_) {
      case Abundance::no_positives:
        return row;
      case Abundance::one_positive:
        return row / 2;
      case Abundance::all_positives:
        return 5;
      case Abundance::duplicates:
        return integer(0, 1);
      case Abundance::triplets:
        return row % 3 == 2 ? integer(0, 1000) : row / 3;
      default:
        return integer(0, 4);
    }
  }

  int64_t other(int64_t row) {
    if (abundance_ == Abundance::duplicates) return integer(0, 1);
    return abundance_ == Abundance::mixed || abundance_ == Abundance::grouped ? integer(0, 3) : row;
  }

  int64_t integer(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

  std::mt19937_64& random_;
  Abundance abundance_;
  int64_t rows_;
};

}  // namespace

RandomContrast draw_contrast(std::mt19937_64& random, Abundance abundance, int64_t rows, int64_t width) {
  std::normal_distribution<double> normal(0.0, 1.5);
  at::Tensor projection = at::empty({rows, width}, at::kDouble);
  std::generate_n(projection.data_ptr<double>(), projection.numel(), [&] { return normal(random); });
  return {projection, LabelDraw(random, abundance, rows).draw()};
}

std::vector<int64_t> draw_rows_of_ranks(std::mt19937_64& random, int64_t rows, int64_t ranks) {
  std::vector<int64_t> cuts = {0, rows};
  for (int64_t cut = 1; cut < ranks; ++cut) cuts.push_back(std::uniform_int_distribution<int64_t>(0, rows)(random));
  std::sort(cuts.begin(), cuts.end());
  std::vector<int64_t> rows_of_rank(ranks);
  for (int64_t rank = 0; rank < ranks; ++rank) rows_of_rank[rank] = cuts[rank + 1] - cuts[rank];
  return rows_of_rank;
}

at::Tensor run_of(const at::Tensor& whole, const std::vector<int64_t>& rows_of_rank, int64_t rank) {
  const int64_t first = std::accumulate(rows_of_rank.begin(), rows_of_rank.begin() + rank, int64_t{0});
  return whole.narrow(0, first, rows_of_rank[rank]).clone();
}

}  // namespace causalfm::loss
