#pragma once

#include "causalfm/storage/file_system.hpp"

#include <filesystem>
#include <string>

namespace causalfm::sweep {

/// The number at a dotted path into a report.json. Lists on the way and at its end are averaged.
/// @throws SweepError, which lists what there is, when nothing or no number is there; storage::StorageError for a file
///         that is no JSON.
double value_in_report(storage::FileSystem& file_system, const std::filesystem::path& file, const std::string& path);

}  // namespace causalfm::sweep
