#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/source.hpp"

#include <cstdint>
#include <vector>

namespace causalfm::data {

enum class Split : uint8_t { train = 0, validation = 1, test = 2 };

/// "train", "validation" or "test".
const char* name_of(Split split);

/// The split of every row: by a hash of its star and data.split_seed, so that a star keeps its split when others are
/// added. Stars that share a group_id are split together, by a hash of the smallest group_id among them; a row of
/// group -1 belongs to no group. Held-out instruments play no part here. Fractions hold in expectation.
std::vector<Split> assign_splits(const ObservationTable& observations, const config::Data& settings);

/// The rows of one split, ascending. Rows of data.held_out_instruments are left out of train and validation and kept
/// in test. @throws DataError when a held-out instrument is not in the data set.
std::vector<int64_t> rows_of_split(const Source& source, const config::Data& settings, Split split);

}  // namespace causalfm::data
