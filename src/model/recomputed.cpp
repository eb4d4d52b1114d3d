#include "model/recomputed.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

namespace causalfm::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Forward = std::function<at::Tensor(const at::Tensor&)>;

struct Recipe final : torch::CustomClassHolder {
  explicit Recipe(Forward forward) : forward(std::move(forward)) {}
  Forward forward;
};

class RecomputedFunction : public torch::autograd::Function<RecomputedFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, at::TensorList parameters,
                            const c10::intrusive_ptr<Recipe>& recipe) {
    variable_list kept = parameters.vec();
    kept.push_back(input);
    context->save_for_backward(std::move(kept));
    context->saved_data["recipe"] = at::IValue::make_capsule(recipe);
    // With a graph, though it is dropped: without, some of LibTorch's operations round otherwise.
    return with_graph(*recipe, input.detach().requires_grad_()).detach();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    variable_list parameters = context->get_saved_variables();
    const at::Tensor input = parameters.back().detach().requires_grad_();
    parameters.pop_back();
    const auto recipe = c10::static_intrusive_pointer_cast<Recipe>(context->saved_data["recipe"].toCapsule());
    const at::Tensor output = with_graph(*recipe, input);
    variable_list leaves{input};
    leaves.insert(leaves.end(), parameters.begin(), parameters.end());
    variable_list of_inputs = torch::autograd::grad({output}, leaves, {gradients[0]});
    of_inputs.emplace_back();  // the recipe has none
    return of_inputs;
  }

 private:
  static at::Tensor with_graph(const Recipe& recipe, const at::Tensor& input) {
    const at::AutoGradMode on(true);
    return recipe.forward(input);
  }
};

}  // namespace

at::Tensor recomputed(const at::Tensor& input, const std::vector<at::Tensor>& parameters,
                      std::function<at::Tensor(const at::Tensor&)> forward) {
  if (!at::GradMode::is_enabled()) return forward(input);
  return RecomputedFunction::apply(input, at::TensorList(parameters), c10::make_intrusive<Recipe>(std::move(forward)));
}

}  // namespace causalfm::model
