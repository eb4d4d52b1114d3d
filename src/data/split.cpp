#include "causalfm/data/split.hpp"

#include "causalfm/data/error.hpp"
#include "causalfm/philox.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_map>

namespace causalfm::data {
namespace {

/// What a split key counts; part of every stored split.
enum class KeyKind : uint64_t { star = 0, group = 1 };

Split split_of(KeyKind kind, int64_t id, const config::Data& settings) {
  const PhiloxKey key = philox_key(static_cast<uint64_t>(settings.split_seed), RandomStream::split);
  const PhiloxBlock block = philox4x32(static_cast<uint64_t>(kind), static_cast<uint64_t>(id), key);
  const double draw = uniform_double(block[0], block[1]);
  if (draw < settings.validation_stars) {
    return Split::validation;
  }
  return draw < settings.validation_stars + settings.test_stars ? Split::test : Split::train;
}

/// Sets of stars that share a group, directly or through other stars (union-find with path halving).
class ConnectedStars {
 public:
  int64_t root(int64_t star) {
    auto found = parent_.try_emplace(star, star).first;
    while (found->second != found->first) {
      const auto parent = parent_.find(found->second);
      found->second = parent->second;
      found = parent;
    }
    return found->first;
  }

  void connect(int64_t a, int64_t b) { parent_[root(a)] = root(b); }

 private:
  std::unordered_map<int64_t, int64_t> parent_;
};

std::vector<Split> assign_by_group(const ObservationTable& observations, const config::Data& settings) {
  ConnectedStars stars;
  std::unordered_map<int64_t, int64_t> first_star_of_group;
  for (size_t row = 0; row < observations.star_id.size(); ++row) {
    if (observations.group_id[row] >= 0) {
      const auto [found, is_new] =
          first_star_of_group.try_emplace(observations.group_id[row], observations.star_id[row]);
      if (!is_new) {
        stars.connect(observations.star_id[row], found->second);
      }
    }
  }
  std::unordered_map<int64_t, int64_t> smallest_group;
  for (const auto& [group, star] : first_star_of_group) {
    const auto [found, is_new] = smallest_group.try_emplace(stars.root(star), group);
    found->second = std::min(found->second, group);
  }
  std::vector<Split> splits;
  splits.reserve(observations.star_id.size());
  for (const int64_t star : observations.star_id) {
    const auto group = smallest_group.find(stars.root(star));
    splits.push_back(group == smallest_group.end() ? split_of(KeyKind::star, star, settings)
                                                   : split_of(KeyKind::group, group->second, settings));
  }
  return splits;
}

std::vector<bool> held_out(const Source& source, const config::Data& settings) {
  const auto instruments = static_cast<int64_t>(source.description().instruments.size());
  std::vector<bool> is_held_out(static_cast<size_t>(instruments), false);
  for (const int64_t instrument : settings.held_out_instruments) {
    if (instrument < 0 || instrument >= instruments) {
      throw DataError("data.held_out_instruments names instrument " + std::to_string(instrument) + ", but " +
                      source.description().place + " has instruments 0 to " + std::to_string(instruments - 1) +
                      ": name one of them");
    }
    is_held_out[static_cast<size_t>(instrument)] = true;
  }
  return is_held_out;
}

}  // namespace

const char* name_of(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::validation:
      return "validation";
    case Split::test:
      return "test";
  }
  return "unknown";
}

std::vector<Split> assign_splits(const ObservationTable& observations, const config::Data& settings) {
  if (!observations.group_id.empty()) {
    return assign_by_group(observations, settings);
  }
  std::vector<Split> splits;
  splits.reserve(observations.star_id.size());
  for (const int64_t star : observations.star_id) {
    splits.push_back(split_of(KeyKind::star, star, settings));
  }
  return splits;
}

std::vector<int64_t> rows_of_split(const Source& source, const config::Data& settings, Split split) {
  const std::vector<bool> is_held_out = held_out(source, settings);
  const std::vector<Split> splits = assign_splits(source.observations(), settings);
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < source.rows(); ++row) {
    const bool excluded = split != Split::test && is_held_out[source.observations().instrument_id[row]];
    if (splits[row] == split && !excluded) {
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace causalfm::data
