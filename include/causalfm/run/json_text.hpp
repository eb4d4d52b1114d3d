#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace causalfm::run {

/// Compact JSON whose numbers round-trip; numbers that are not finite become the strings "nan", "inf", "-inf".
/// `indent` as nlohmann::json::dump takes it.
std::string to_text(nlohmann::ordered_json value, int indent = -1);

}  // namespace causalfm::run
