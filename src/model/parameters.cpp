#include "causalfm/model/parameters.hpp"

#include "causalfm/model/error.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>

namespace causalfm::model {
namespace {

constexpr int64_t alignment_bytes = 64;

std::string shape_text(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

}  // namespace

at::Tensor Parameters::add(std::string name, const at::Tensor& initial) {
  if (flat_values_.defined()) {
    throw ModelError("parameter " + name + " is added after seal(); add every parameter before");
  }
  if (std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == name; })) {
    throw ModelError("parameter " + name + " is added twice; give each a name of its own");
  }
  at::Tensor value = initial.detach().to(options_).clone(at::MemoryFormat::Contiguous).requires_grad_();
  entries_.push_back({std::move(name), value, 0});
  return value;
}

void Parameters::seal() {
  if (flat_values_.defined()) {
    return;
  }
  const int64_t multiple = alignment_bytes / static_cast<int64_t>(options_.dtype().itemsize());
  int64_t elements = 0;
  for (Entry& entry : entries_) {
    entry.offset = elements;
    elements += (entry.value.numel() + multiple - 1) / multiple * multiple;
  }
  flat_values_ = at::zeros({elements}, options_);
  flat_gradients_ = at::zeros({elements}, options_);
  for (Entry& entry : entries_) {
    const auto view = [&](const at::Tensor& flat) {
      return flat.narrow(0, entry.offset, entry.value.numel()).view(entry.value.sizes());
    };
    const at::Tensor place = view(flat_values_);
    place.copy_(entry.value.detach());
    entry.value.set_data(place);
    entry.value.mutable_grad() = view(flat_gradients_);
  }
}

int64_t Parameters::count() const {
  int64_t numbers = 0;
  for (const Entry& entry : entries_) {
    numbers += entry.value.numel();
  }
  return numbers;
}

const Parameters::Entry& Parameters::find(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == name; });
  if (found == entries_.end()) {
    throw ModelError("the model has no parameter " + std::string(name) +
                     "; it was written by a model of other settings");
  }
  return *found;
}

void Parameters::assign(std::string_view name, const at::Tensor& value) {
  const Entry& entry = find(name);
  if (value.sizes() != entry.value.sizes()) {
    throw ModelError("parameter " + entry.name + " has shape " + shape_text(entry.value) + " and is given " +
                     shape_text(value) + "; the two models differ in their settings");
  }
  entry.value.detach().copy_(value.detach());
}

}  // namespace causalfm::model
