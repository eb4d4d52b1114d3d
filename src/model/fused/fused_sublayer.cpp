#include "model/fused/fused_sublayer.hpp"

#include "model/fused/fused_sublayers.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

namespace causalfm::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A call without its tensors, which autograd keeps.
struct CallRecord : torch::CustomClassHolder {
  CallRecord(c10::intrusive_ptr<FusedSublayer> sublayer, FusedCall call)
      : sublayer(std::move(sublayer)), call(std::move(call)) {}

  c10::intrusive_ptr<FusedSublayer> sublayer;
  FusedCall call;
};

class FusedFunction : public torch::autograd::Function<FusedFunction> {
 public:
  /// @param parameters through which autograd knows whose gradients backward() returns
  static at::Tensor forward(AutogradContext* context, const at::Tensor& state, at::TensorList /*parameters*/,
                            const c10::intrusive_ptr<CallRecord>& record) {
    std::vector<at::Tensor> kept = {state, record->call.observed, record->call.key_scores};
    record->call.state = state;
    at::Tensor out = record->sublayer->forward(record->call, &kept);
    record->call.state = record->call.observed = record->call.key_scores = at::Tensor();
    context->save_for_backward(std::move(kept));
    context->saved_data["record"] = at::IValue::make_capsule(record);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    std::vector<at::Tensor> kept = context->get_saved_variables();
    const auto record = c10::static_intrusive_pointer_cast<CallRecord>(context->saved_data["record"].toCapsule());
    FusedCall call = record->call;
    call.state = kept[0];
    call.observed = kept[1];
    call.key_scores = kept[2];
    kept.erase(kept.begin(), kept.begin() + 3);
    at::Tensor of_state = at::empty_like(call.state);
    variable_list of_inputs = record->sublayer->backward(call, kept, gradients[0].contiguous(), of_state);
    of_inputs.insert(of_inputs.begin(), std::move(of_state));
    of_inputs.emplace_back();
    return of_inputs;
  }
};

const float* pointer_of(const at::Tensor& values, int64_t first) {
  return values.defined() ? values.const_data_ptr<float>() + first : nullptr;
}

}  // namespace

CurveRun FusedCall::run(int64_t first, int64_t count) const {
  return {count,
          time(),
          width(),
          state.const_data_ptr<float>() + first * time() * width(),
          pointer_of(observed, first * time()),
          pointer_of(key_scores, first * time()),
          dropout ? &*dropout : nullptr,
          static_cast<uint32_t>(first)};
}

Norm FusedSublayer::norm(size_t weight) const {
  return {parameters_[weight].const_data_ptr<float>(), parameters_[weight + 1].const_data_ptr<float>()};
}

at::Tensor apply_fused(const c10::intrusive_ptr<FusedSublayer>& sublayer, const FusedCall& call) {
  if (!at::GradMode::is_enabled()) {
    return sublayer->forward(call, nullptr);
  }
  return FusedFunction::apply(call.state, at::TensorList(sublayer->parameters()),
                              c10::make_intrusive<CallRecord>(sublayer, call));
}

bool kernels_serve(int64_t width) { return width % 16 == 0 && width <= largest_width; }

std::vector<at::Tensor> joined(std::initializer_list<std::vector<at::Tensor>> lists) {
  std::vector<at::Tensor> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace causalfm::model
