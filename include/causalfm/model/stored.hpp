#pragma once

#include "causalfm/model/model.hpp"
#include "causalfm/model/parameters.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>

/// The names by which a checkpoint keeps a model: tensors model/PARAMETER and the constants of its scale.
namespace causalfm::model {

/// "model/" and the parameter's name.
std::string stored_name(const Parameters::Entry& entry);

/// Copies every parameter from the tensor of its stored name. @throws ModelError for another shape.
void assign_all(Parameters& parameters, const std::function<at::Tensor(const std::string&)>& tensor_of);

/// The scale as named numbers, and back.
std::map<std::string, double> to_numbers(const SequenceScale& scale);
SequenceScale to_scale(const std::function<double(const std::string&)>& number_of);

}  // namespace causalfm::model
