#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace causalfm::config {

/// Where `text` stops being characters of UTF-8 that YAML allows, if it does: yaml-cpp lets other bytes pass, and takes
/// a byte 0x04 for the end.
std::optional<size_t> first_bad_byte(std::string_view text);

/// Text that a user wrote as a sentence shows it: on one line, not too long, and UTF-8 whatever it was.
std::string shown(std::string_view text);

/// The same between single quotes.
std::string in_quotes(std::string_view text);

}  // namespace causalfm::config
