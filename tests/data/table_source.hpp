#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "causalfm/data/source.hpp"

namespace causalfm::data {

/// How a random table looks.
struct TableShape {
  int64_t stars = 20;
  int64_t instruments = 5;
  int64_t most_curves_per_star = 8;
  int64_t groups = 0;  ///< 0: no group_id at all
};

/// Stars of 1 to so many curves through random instruments, rows shuffled, ids with gaps; some stars are seen through
/// one instrument only, some instruments by one star.
inline ObservationTable random_table(const TableShape& shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t bound) { return static_cast<int64_t>(random() % static_cast<uint64_t>(bound)); };
  std::vector<std::pair<int64_t, int32_t>> rows;
  for (int64_t star = 0; star < shape.stars; ++star) {
    const bool has_one_instrument = below(6) == 0;
    const auto only = static_cast<int32_t>(below(shape.instruments));
    const int64_t curves = 1 + below(shape.most_curves_per_star);
    for (int64_t curve = 0; curve < curves; ++curve) {
      rows.emplace_back(star * 7 + 3, has_one_instrument ? only : static_cast<int32_t>(below(shape.instruments)));
    }
  }
  std::shuffle(rows.begin(), rows.end(), random);
  ObservationTable table;
  for (const auto& [star, instrument] : rows) {
    table.observation_id.push_back(1000 + 3 * table.rows());
    table.star_id.push_back(star);
    table.instrument_id.push_back(instrument);
    if (shape.groups > 0) table.group_id.push_back(below(3) == 0 ? below(shape.groups) : -1);
  }
  return table;
}

/// A source over a given table. Sample t of a row's flux is its observation_id + t / 1000.
class TableSource : public Source {
 public:
  explicit TableSource(ObservationTable table, int64_t length = 4) {
    observations_ = std::move(table);
    description_.place = "a table";
    description_.identity = "of a table";
    description_.length = length;
    const std::set<int64_t> stars(observations_.star_id.begin(), observations_.star_id.end());
    description_.stars = static_cast<int64_t>(stars.size());
    for (const int32_t instrument : observations_.instrument_id) {
      while (static_cast<int32_t>(description_.instruments.size()) <= instrument) {
        description_.instruments.push_back(
            {static_cast<int64_t>(description_.instruments.size()), "an instrument", "{}", 0});
      }
      ++description_.instruments[instrument].rows;
    }
    for (int64_t t = 0; t < length; ++t) description_.shared_time.push_back(static_cast<float>(t));
  }

  void read(std::span<const int64_t> rows, const CurveBuffers& buffers) const override {
    for (size_t i = 0; i < rows.size() && !buffers.flux.empty(); ++i) {
      for (int64_t t = 0; t < length(); ++t) {
        buffers.flux[i * static_cast<size_t>(length()) + static_cast<size_t>(t)] =
            static_cast<float>(observations_.observation_id[rows[i]]) + static_cast<float>(t) / 1000.0F;
      }
    }
  }
};

}  // namespace causalfm::data
