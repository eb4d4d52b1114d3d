#include "causalfm/data/index.hpp"

#include "causalfm/data/error.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

namespace causalfm::data {
namespace {

/// The first slot after `begin` whose value differs from that of `begin`.
template <typename Value>
int64_t end_of_run(const std::vector<int64_t>& sorted, int64_t begin, const Value& value) {
  auto end = begin;
  while (end < static_cast<int64_t>(sorted.size()) && value(sorted[end]) == value(sorted[begin])) {
    ++end;
  }
  return end;
}

/// How many groups consist of a single block: stars with one instrument, or instruments with one star.
template <typename Grouping>
int64_t groups_of_one_block(const Grouping& grouping, size_t positions) {
  std::vector<int64_t> begins;
  for (size_t position = 0; position < positions; ++position) {
    if (grouping.count(static_cast<int64_t>(position)) == 0) {
      begins.push_back(grouping.group_begin[position]);
    }
  }
  std::sort(begins.begin(), begins.end());
  return std::unique(begins.begin(), begins.end()) - begins.begin();
}

}  // namespace

int64_t TripletIndex::Grouping::count(int64_t position) const {
  return (group_end[position] - group_begin[position]) - (block_end[position] - block_begin[position]);
}

int64_t TripletIndex::Grouping::partner(int64_t position, int64_t choice) const {
  const int64_t slot = group_begin[position] + choice;
  return order[slot < block_begin[position] ? slot : slot + block_end[position] - block_begin[position]];
}

TripletIndex::Grouping TripletIndex::group(const ObservationTable& observations, std::span<const int64_t> rows,
                                           bool by_star) {
  const auto major = [&](int64_t position) {
    const int64_t row = rows[position];
    return by_star ? observations.star_id[row] : int64_t{observations.instrument_id[row]};
  };
  const auto minor = [&](int64_t position) {
    const int64_t row = rows[position];
    return by_star ? int64_t{observations.instrument_id[row]} : observations.star_id[row];
  };
  const auto both = [&](int64_t position) { return std::pair(major(position), minor(position)); };

  Grouping grouping;
  std::vector<int64_t> sorted(rows.size());
  std::iota(sorted.begin(), sorted.end(), int64_t{0});
  std::sort(sorted.begin(), sorted.end(),
            [&](int64_t a, int64_t b) { return std::pair(both(a), rows[a]) < std::pair(both(b), rows[b]); });
  grouping.group_begin.resize(rows.size());
  grouping.group_end.resize(rows.size());
  grouping.block_begin.resize(rows.size());
  grouping.block_end.resize(rows.size());
  int64_t group_begin = 0;
  int64_t group_end = 0;
  int64_t block_begin = 0;
  int64_t block_end = 0;
  for (int64_t slot = 0; slot < static_cast<int64_t>(sorted.size()); ++slot) {
    if (slot == group_end) {
      group_begin = slot;
      group_end = end_of_run(sorted, slot, major);
    }
    if (slot == block_end) {
      block_begin = slot;
      block_end = end_of_run(sorted, slot, both);
    }
    const int64_t position = sorted[slot];
    grouping.group_begin[position] = group_begin;
    grouping.group_end[position] = group_end;
    grouping.block_begin[position] = block_begin;
    grouping.block_end[position] = block_end;
  }
  grouping.order.reserve(rows.size());
  for (const int64_t position : sorted) {
    grouping.order.push_back(rows[position]);
  }
  return grouping;
}

TripletIndex::TripletIndex(const ObservationTable& observations, std::span<const int64_t> rows)
    : position_(static_cast<size_t>(observations.rows()), -1),
      by_star_(group(observations, rows, true)),
      by_instrument_(group(observations, rows, false)) {
  for (size_t position = 0; position < rows.size(); ++position) {
    position_[rows[position]] = static_cast<int64_t>(position);
    const bool has_star = by_star_.count(static_cast<int64_t>(position)) > 0;
    const bool has_instrument = by_instrument_.count(static_cast<int64_t>(position)) > 0;
    if (has_star) {
      pair_anchors_.push_back(rows[position]);
    }
    if (has_star && has_instrument) {
      triplet_anchors_.push_back(rows[position]);
    }
  }
  std::sort(pair_anchors_.begin(), pair_anchors_.end());
  std::sort(triplet_anchors_.begin(), triplet_anchors_.end());
  skipped_.rows = static_cast<int64_t>(rows.size() - triplet_anchors_.size());
  skipped_.stars_with_one_instrument = groups_of_one_block(by_star_, rows.size());
  skipped_.instruments_with_one_star = groups_of_one_block(by_instrument_, rows.size());
}

int64_t TripletIndex::position_of(int64_t row) const {
  const bool known = row >= 0 && row < static_cast<int64_t>(position_.size()) && position_[row] >= 0;
  if (!known) {
    throw DataError("row " + std::to_string(row) + " is not among the rows of this index: ask for rows of its split");
  }
  return position_[row];
}

int64_t TripletIndex::same_star_count(int64_t row) const { return by_star_.count(position_of(row)); }

int64_t TripletIndex::same_star(int64_t row, int64_t choice) const {
  return by_star_.partner(position_of(row), choice);
}

int64_t TripletIndex::same_instrument_count(int64_t row) const { return by_instrument_.count(position_of(row)); }

int64_t TripletIndex::same_instrument(int64_t row, int64_t choice) const {
  return by_instrument_.partner(position_of(row), choice);
}

}  // namespace causalfm::data
