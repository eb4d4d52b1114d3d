#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace causalfm::evaluation {

/// One column of a CSV file with a header line and a column star_id, by star; empty cells are left out. Cells may be in
/// double quotes; blanks around them do not count.
/// @throws EvaluationError naming file and line when the file cannot be read, a column is missing, a line has another
///         number of cells than the header, a star_id is no whole number, or a star is there twice with other labels.
std::map<int64_t, std::string> read_label_column(const std::filesystem::path& file, const std::string& column);

}  // namespace causalfm::evaluation
