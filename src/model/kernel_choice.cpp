#include "model/kernel_choice.hpp"

#include "causalfm/model/error.hpp"
#include "causalfm/model/model.hpp"
#include "model/fused/fused_sublayers.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace causalfm::model {
namespace {

const Kernels* find_kernels(std::string_view instruction_set) {
  for (const Kernels* kernels : supported_kernels()) {
    if (kernels->instruction_set == instruction_set) return kernels;
  }
  throw ModelError("runtime.kernels is " + std::string(instruction_set) +
                   ", which this processor lacks; set it to auto or plain");
}

const Kernels* find_kernels(config::KernelKind kind) {
  switch (kind) {
    case config::KernelKind::plain:
      return nullptr;
    case config::KernelKind::avx512:
      return find_kernels("avx512");
    case config::KernelKind::avx2:
      return find_kernels("avx2");
    case config::KernelKind::automatic:
      break;
  }
  const std::vector<const Kernels*> supported = supported_kernels();
  return supported.empty() ? nullptr : supported.front();
}

}  // namespace

const Kernels* choose_kernels(config::KernelKind kind, const config::Model& settings,
                              const at::TensorOptions& options) {
  const bool served = options.device().is_cpu() && options.dtype().toScalarType() == at::kFloat &&
                      settings.encoder == config::EncoderKind::conformer && kernels_serve(settings.width) &&
                      kernels_serve(settings.feed_forward);
  const Kernels* const kernels = find_kernels(kind);
  return served ? kernels : nullptr;
}

std::string kernel_instruction_set(config::KernelKind kind) {
  const Kernels* const kernels = find_kernels(kind);
  return kernels == nullptr ? "plain" : kernels->instruction_set;
}

}  // namespace causalfm::model
