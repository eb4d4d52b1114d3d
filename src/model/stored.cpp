#include "causalfm/model/stored.hpp"

namespace causalfm::model {
namespace {

constexpr const char* length = "model/length";
constexpr const char* time_span = "model/time_span";
constexpr const char* median_cadence = "model/median_cadence";

}  // namespace

std::string stored_name(const Parameters::Entry& entry) { return "model/" + entry.name; }

void assign_all(Parameters& parameters, const std::function<at::Tensor(const std::string&)>& tensor_of) {
  for (const Parameters::Entry& entry : parameters.entries()) {
    parameters.assign(entry.name, tensor_of(stored_name(entry)));
  }
}

std::map<std::string, double> to_numbers(const SequenceScale& scale) {
  return {{length, static_cast<double>(scale.length)}, {time_span, scale.span}, {median_cadence, scale.median_cadence}};
}

SequenceScale to_scale(const std::function<double(const std::string&)>& number_of) {
  return {static_cast<int64_t>(number_of(length)), number_of(time_span), number_of(median_cadence)};
}

}  // namespace causalfm::model
