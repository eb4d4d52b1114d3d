#pragma once

#include "causalfm/config/config.hpp"

#include <filesystem>
#include <iosfwd>

namespace causalfm::app {

/// `causalfm inspect DIR [--verify] [--json]`: what a data set holds and what section `data` makes of it.
/// @throws data::DataError when it is missing or damaged, after every problem found has been printed.
int inspect(const config::Config& settings, const std::filesystem::path& folder, bool verify, bool json,
            std::ostream& output);

}  // namespace causalfm::app
