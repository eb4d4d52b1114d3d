#include "training/operation_meter.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace causalfm::training {

namespace {

/// LibTorch calls back a plain function, which can reach nothing but a static; both live on one thread.
thread_local double counted = 0.0;

using Sizes = std::vector<at::IntArrayRef>;

double elements(at::IntArrayRef sizes) { return static_cast<double>(c10::multiply_integers(sizes)); }

/// Every element of [.., n, k] is multiplied and added m times in the product with [.., k, m].
double product(const Sizes& sizes, size_t left) {
  return 2.0 * elements(sizes[left]) * static_cast<double>(sizes[left + 1].back());
}

/// Scores and mixture: each query meets each key twice. query, key [batch, heads, time, depth].
double attention(const Sizes& sizes, size_t query) {
  return 4.0 * elements(sizes[query]) * static_cast<double>(sizes[query + 1][2]);
}

/// Input [time, batch, width], weights [4 hidden, width] and [4 hidden, hidden].
double recurrent_layer(const Sizes& sizes) {
  const double steps = elements(sizes[0].slice(0, 2));
  return 2.0 * steps * (elements(sizes[1]) + elements(sizes[2]));
}

double operations_of(std::string_view name, const Sizes& sizes) {
  if (name == "aten::mm" || name == "aten::bmm") return product(sizes, 0);
  if (name == "aten::addmm" || name == "aten::addmm_" || name == "aten::baddbmm" || name == "aten::baddbmm_") {
    return product(sizes, 1);
  }
  if (name == "aten::_scaled_dot_product_flash_attention_for_cpu") return attention(sizes, 0);
  // The backward pass computes the scores again and four products more; its first argument is the gradient.
  if (name == "aten::_scaled_dot_product_flash_attention_for_cpu_backward") return 2.5 * attention(sizes, 1);
  if (name == "aten::mkldnn_rnn_layer") return recurrent_layer(sizes);
  if (name == "aten::mkldnn_rnn_layer_backward") return 2.0 * recurrent_layer(sizes);
  return 0.0;
}

std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& function) {
  const std::string_view name = function.name();
  constexpr std::array counted_names{"mm", "rnn_layer", "attention_for_cpu"};
  if (std::ranges::none_of(counted_names,
                           [&](const char* part) { return name.find(part) != std::string_view::npos; })) {
    return nullptr;
  }
  Sizes sizes;
  for (const c10::IValue& input : function.inputs()) {
    if (input.isTensor() && input.toTensor().defined()) sizes.push_back(input.toTensor().sizes());
  }
  counted += operations_of(name, sizes);
  return nullptr;
}

}  // namespace

OperationMeter::OperationMeter()
    : callback_(at::addThreadLocalCallback(
          at::RecordFunctionCallback(count).needsInputs(true).scopes({at::RecordScope::FUNCTION}))) {
  counted = 0.0;
}

OperationMeter::~OperationMeter() { at::removeCallback(callback_); }

double OperationMeter::operations() const { return counted; }

}  // namespace causalfm::training
