#pragma once

#include "causalfm/lanes.hpp"
#include "loss/tile_kernels.hpp"

namespace causalfm::loss {
namespace {

template <class Scalar>
constexpr Scalar infinity = static_cast<Scalar>(__builtin_inf());

/// Which lanes are positives of an anchor, and which negatives.
template <class Scalar>
struct Sets {
  Integer<Scalar> positive;
  Integer<Scalar> negative;
};

/// One anchor's row of a tile.
template <class Scalar, bool grouped>
struct Row {
  CAUSALFM_INLINE Row of(const SimilarityTile<Scalar>& tile, int64_t anchor) {
    const Integer<Scalar> zero = {};
    return {tile.values + anchor * tile.stride, tile.of_keys, zero + tile.of_anchors.same[anchor],
            zero + tile.of_anchors.other[anchor], grouped ? zero + tile.of_anchors.group[anchor] : zero};
  }

  /// Calls visit(similarities, sets, store) for each vector from `first` to `end`, where store(vector) writes back. The
  /// last may be partial: the lanes beyond are in no set and are not written.
  template <class Visit>
  [[gnu::always_inline]] void for_each_vector(int64_t first, int64_t end, const Visit& visit) const {
    constexpr int lanes = lane_count<Scalar>;
    int64_t key = first;
    for (; key + lanes <= end; key += lanes) {
      const auto labels = [&](const Label<Scalar>* of_keys) __attribute__((always_inline)) {
        return load<Integer<Scalar>>(of_keys + key);
      };
      const auto store = [&](Real<Scalar> value) __attribute__((always_inline)) {
        __builtin_memcpy(values + key, &value, sizeof value);
      };
      visit(load<Real<Scalar>>(values + key), sets(labels), store);
    }
    if (key == end) return;
    const int64_t rest = end - key;
    const auto labels = [&](const Label<Scalar>* of_keys) __attribute__((always_inline)) {
      return load_part<Integer<Scalar>>(of_keys + key, rest);
    };
    const auto store = [&](Real<Scalar> value) __attribute__((always_inline)) {
      for (int64_t lane = 0; lane < rest; ++lane) values[key + lane] = value[lane];
    };
    Integer<Scalar> exists = {};
    for (int64_t lane = 0; lane < rest; ++lane) exists[lane] = -1;
    const Sets<Scalar> of_all = sets(labels);
    visit(load_part<Real<Scalar>>(values + key, rest), Sets<Scalar>{of_all.positive & exists, of_all.negative & exists},
          store);
  }

  template <class Labels>
  [[gnu::always_inline]] Sets<Scalar> sets(const Labels& labels) const {
    const Integer<Scalar> is_same = labels(of_keys.same) == same;
    const Integer<Scalar> is_other = labels(of_keys.other) != other;
    Integer<Scalar> negative = ~is_same;
    if constexpr (grouped) negative &= labels(of_keys.group) != group;
    return {is_same & is_other, negative};
  }

  Scalar* values;
  LabelRun<Scalar> of_keys;
  Integer<Scalar> same;
  Integer<Scalar> other;
  Integer<Scalar> group;
};

template <class Scalar>
CAUSALFM_INLINE Scalar greatest_of(Real<Scalar> value) {
  Scalar greatest = value[0];
  for (int lane = 1; lane < lane_count<Scalar>; ++lane) greatest = value[lane] > greatest ? value[lane] : greatest;
  return greatest;
}

/// Moves a sum of e^(s - from) to e^(s - to).
template <class Scalar>
CAUSALFM_INLINE double moved(double sum, Scalar from, Scalar to) {
  return from == to ? sum : sum * __builtin_exp(static_cast<double>(from) - static_cast<double>(to));
}

/// Raises an anchor's maxima to those of the row. A nan is passed over here and reaches the sums.
template <class Scalar, bool grouped>
CAUSALFM_INLINE void raise_maxima(const Row<Scalar, grouped>& row, int64_t keys,
                                  RunningStatistics<Scalar>& statistics) {
  const Real<Scalar> none = Real<Scalar>{} - infinity<Scalar>;
  Real<Scalar> positive = none;
  Real<Scalar> negative = none;
  row.for_each_vector(
      0, keys, [&](Real<Scalar> s, Sets<Scalar> sets, const auto&) __attribute__((always_inline)) {
        const Real<Scalar> of_positives = sets.positive ? s : none;
        const Real<Scalar> of_negatives = sets.negative ? s : none;
        positive = of_positives > positive ? of_positives : positive;
        negative = of_negatives > negative ? of_negatives : negative;
      });
  const Scalar greatest_positive = greatest_of<Scalar>(positive);
  const Scalar greatest_negative = greatest_of<Scalar>(negative);
  if (greatest_positive > statistics.greatest_positive) {
    statistics.positive_sum = moved(statistics.positive_sum, statistics.greatest_positive, greatest_positive);
    statistics.greatest_positive = greatest_positive;
  }
  if (greatest_negative > statistics.greatest_negative) {
    statistics.negative_sum = moved(statistics.negative_sum, statistics.greatest_negative, greatest_negative);
    statistics.greatest_negative = greatest_negative;
  }
}

/// Sums over lanes, which float holds without loss of accuracy for a few vectors only.
template <class Scalar>
struct LaneSums {
  static constexpr int64_t longest = 16 * lane_count<Scalar>;  ///< keys

  CAUSALFM_INLINE void add_to(RunningStatistics<Scalar>& statistics, const LaneSums& sums) {
    for (int lane = 0; lane < lane_count<Scalar>; ++lane) {
      statistics.positive_sum += static_cast<double>(sums.positive[lane]);
      statistics.negative_sum += static_cast<double>(sums.negative[lane]);
      statistics.similarity_sum += static_cast<double>(sums.similarity[lane]);
      statistics.positives -= sums.positives[lane];
    }
  }

  Real<Scalar> positive;
  Real<Scalar> negative;
  Real<Scalar> similarity;
  Integer<Scalar> positives;  ///< counted downwards
};

template <class Scalar, bool grouped>
CAUSALFM_INLINE void add_sums(const Row<Scalar, grouped>& row, int64_t keys, RunningStatistics<Scalar>& statistics) {
  const auto reference = [](Scalar greatest) { return greatest == -infinity<Scalar> ? Scalar{0} : greatest; };
  const Real<Scalar> positive_reference = Real<Scalar>{} + reference(statistics.greatest_positive);
  const Real<Scalar> negative_reference = Real<Scalar>{} + reference(statistics.greatest_negative);
  for (int64_t first = 0; first < keys; first += LaneSums<Scalar>::longest) {
    const int64_t end = keys - first < LaneSums<Scalar>::longest ? keys : first + LaneSums<Scalar>::longest;
    LaneSums<Scalar> sums = {};
    row.for_each_vector(
        first, end, [&](Real<Scalar> s, Sets<Scalar> sets, const auto&) __attribute__((always_inline)) {
          const Real<Scalar> e = exponential<Scalar>(s - (sets.positive ? positive_reference : negative_reference)).exp;
          sums.positive += where<Scalar>(sets.positive, e);
          sums.negative += where<Scalar>(sets.negative, e);
          sums.similarity += where<Scalar>(sets.positive, s);
          sums.positives += sets.positive;
        });
    LaneSums<Scalar>::add_to(statistics, sums);
  }
}

template <class Scalar, bool grouped>
void accumulate_rows(const SimilarityTile<Scalar>& tile, RunningStatistics<Scalar>* statistics) {
  for (int64_t anchor = 0; anchor < tile.anchors; ++anchor) {
    const auto row = Row<Scalar, grouped>::of(tile, anchor);
    raise_maxima(row, tile.keys, statistics[anchor]);
    add_sums(row, tile.keys, statistics[anchor]);
  }
}

template <class Scalar>
void accumulate(const SimilarityTile<Scalar>& tile, RunningStatistics<Scalar>* statistics) {
  tile.of_keys.group ? accumulate_rows<Scalar, true>(tile, statistics)
                     : accumulate_rows<Scalar, false>(tile, statistics);
}

template <class Scalar, bool grouped>
void differentiate_rows(const SimilarityTile<Scalar>& tile, const CoefficientRun<Scalar>& coefficients) {
  for (int64_t anchor = 0; anchor < tile.anchors; ++anchor) {
    const auto all = [anchor](const Scalar* of_anchors) __attribute__((always_inline)) {
      return Real<Scalar>{} + of_anchors[anchor];
    };
    const Real<Scalar> lme_positives = all(coefficients.lme_positives);
    const Real<Scalar> lse_negatives = all(coefficients.lse_negatives);
    const Real<Scalar> at_positives = all(coefficients.at_positives);
    const Real<Scalar> excess = all(coefficients.excess);
    const Real<Scalar> at_negatives = all(coefficients.at_negatives);
    const auto differentiate_vector = [&](Real<Scalar> s, Sets<Scalar> sets, const auto& store)
        __attribute__((always_inline)) {
      const auto power = exponential<Scalar>(s - (sets.positive ? lme_positives : lse_negatives));
      const Real<Scalar> positive = at_positives * power.exp + excess * power.expm1;
      // Selected, not multiplied: in neither set the exponential may be anything.
      store(where<Scalar>(sets.positive, positive) + where<Scalar>(sets.negative, at_negatives * power.exp));
    };
    Row<Scalar, grouped>::of(tile, anchor).for_each_vector(0, tile.keys, differentiate_vector);
  }
}

template <class Scalar>
void differentiate(const SimilarityTile<Scalar>& tile, const CoefficientRun<Scalar>& coefficients) {
  tile.of_keys.group ? differentiate_rows<Scalar, true>(tile, coefficients)
                     : differentiate_rows<Scalar, false>(tile, coefficients);
}

}  // namespace
}  // namespace causalfm::loss
