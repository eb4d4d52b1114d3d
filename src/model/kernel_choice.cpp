#include "model/kernel_choice.hpp"

#include "causalfm/model/error.hpp"
#include "causalfm/model/model.hpp"
#include "model/fused/fused_sublayers.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace causalfm::model {
namespace {

const Kernels* find_kernels(config::KernelKind kind, Products products) {
  if (kind == config::KernelKind::plain) return nullptr;
  const std::vector<const Kernels*> supported = supported_kernels(products);
  if (kind == config::KernelKind::automatic) return supported.empty() ? nullptr : supported.front();
  const std::string_view setting = kind == config::KernelKind::avx512 ? "avx512" : "avx2";
  for (const Kernels* kernels : supported) {
    if (kernels->setting == setting) return kernels;
  }
  throw ModelError("runtime.kernels is " + std::string(setting) +
                   ", which this processor lacks; set it to auto or plain");
}

}  // namespace

const Kernels* choose_kernels(config::KernelKind kind, Products products, const config::Model& settings,
                              const at::TensorOptions& options) {
  const bool served = options.device().is_cpu() && options.dtype().toScalarType() == at::kFloat &&
                      settings.encoder == config::EncoderKind::conformer && kernels_serve(settings.width) &&
                      kernels_serve(settings.feed_forward);
  const Kernels* const kernels = find_kernels(kind, products);
  return served ? kernels : nullptr;
}

std::string kernel_instruction_set(config::KernelKind kind, Products products) {
  const Kernels* const kernels = find_kernels(kind, products);
  return kernels == nullptr ? "plain" : kernels->instruction_set;
}

}  // namespace causalfm::model
