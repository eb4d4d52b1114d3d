#include "evaluation/label_sets.hpp"

#include "causalfm/data/permutation.hpp"
#include "causalfm/evaluation/error.hpp"
#include "causalfm/philox.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

namespace causalfm::evaluation {
namespace {

// Keeps label sets apart from the order in which a run with the same seed visited its anchors.
constexpr uint64_t label_tag = 0x6c6162656c736574ULL;

constexpr std::array<int64_t, 5> default_counts{10, 30, 100, 300, 1000};

}  // namespace

at::Tensor draw_label_sets(int64_t stars, int64_t draws, uint64_t split_seed) {
  if (stars < 1) throw EvaluationError("label sets: no training star has a label: give labels of training stars");
  at::Tensor sets = at::empty({draws, stars}, at::kLong);
  auto* element = sets.mutable_data_ptr<int64_t>();
  for (int64_t draw = 0; draw < draws; ++draw) {
    const data::Permutation order(stars, mix_bits(split_seed ^ label_tag), static_cast<uint64_t>(draw));
    for (int64_t place = 0; place < stars; ++place) *element++ = order(place);
  }
  return sets;
}

std::vector<int64_t> label_counts(int64_t stars, const std::vector<int64_t>& asked) {
  std::vector<int64_t> counts = asked;
  if (asked.empty()) {
    std::copy_if(default_counts.begin(), default_counts.end(), std::back_inserter(counts),
                 [stars](int64_t count) { return count < stars; });
    counts.push_back(stars);
  }
  for (const int64_t count : counts) {
    if (count < 2 || count > stars) {
      throw EvaluationError("label count " + std::to_string(count) + ": " + std::to_string(stars) +
                            " training stars have a label: choose counts from 2 to that number");
    }
  }
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

}  // namespace causalfm::evaluation
