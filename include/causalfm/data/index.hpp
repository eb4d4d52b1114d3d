#pragma once

#include "causalfm/data/source.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace causalfm::data {

/// What cannot be an anchor, and why.
struct SkippedAnchors {
  int64_t rows = 0;                       ///< rows that are no triplet anchors
  int64_t stars_with_one_instrument = 0;  ///< their rows have no positive in the star space
  int64_t instruments_with_one_star = 0;  ///< their rows have no positive in the instrument space
};

/// Finds the partners of a row among `rows` of a table in constant time. Immutable once built; any thread may ask.
/// Positives follow from star_id and instrument_id alone, as the loss has them; group_id plays no part.
class TripletIndex {
 public:
  /// `rows`: distinct row numbers of the table. O(n log n) time, 90 bytes a row.
  TripletIndex(const ObservationTable& observations, std::span<const int64_t> rows);

  /// How many rows show the same star through another instrument, and the `choice`-th of them, 0 <= choice < count.
  int64_t same_star_count(int64_t row) const;
  int64_t same_star(int64_t row, int64_t choice) const;

  /// How many rows show another star through the same instrument, and the `choice`-th of them.
  int64_t same_instrument_count(int64_t row) const;
  int64_t same_instrument(int64_t row, int64_t choice) const;

  /// Rows with a partner of both kinds, ascending.
  const std::vector<int64_t>& triplet_anchors() const { return triplet_anchors_; }
  /// Rows with a partner of the same star, ascending.
  const std::vector<int64_t>& pair_anchors() const { return pair_anchors_; }

  const SkippedAnchors& skipped() const { return skipped_; }

 private:
  /// Rows grouped by one id and ordered by the other within a group: the partners of a row are its group without the
  /// contiguous block of rows that agree with it in both ids.
  struct Grouping {
    std::vector<int64_t> order;        ///< row numbers, group by group
    std::vector<int64_t> group_begin;  ///< for each position of `rows`: where its group begins in `order`
    std::vector<int64_t> group_end;
    std::vector<int64_t> block_begin;  ///< where the rows with the same star and instrument begin
    std::vector<int64_t> block_end;

    int64_t count(int64_t position) const;
    int64_t partner(int64_t position, int64_t choice) const;
  };

  static Grouping group(const ObservationTable& observations, std::span<const int64_t> rows, bool by_star);
  int64_t position_of(int64_t row) const;

  std::vector<int64_t> position_;  ///< of a row number in `rows`; -1: not among them
  Grouping by_star_;
  Grouping by_instrument_;
  std::vector<int64_t> triplet_anchors_;
  std::vector<int64_t> pair_anchors_;
  SkippedAnchors skipped_;
};

}  // namespace causalfm::data
