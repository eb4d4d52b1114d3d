#include "causalfm/run/json_text.hpp"

#include <cmath>

namespace causalfm::run {

namespace {

void name_what_is_not_finite(nlohmann::ordered_json& value) {
  if (value.is_structured()) {
    for (auto& part : value) {
      name_what_is_not_finite(part);
    }
  } else if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    const double number = value.get<double>();
    value = std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
  }
}

}  // namespace

std::string to_text(nlohmann::ordered_json value, int indent) {
  name_what_is_not_finite(value);
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace causalfm::run
