#include "causalfm/model/model.hpp"
#include "model/conformer_block.hpp"
#include "model/kernels/kernels.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>

#include <string>

#include "parts.hpp"

namespace causalfm::benchmark {
namespace {

using ::benchmark::State;
using model::Kernels;
using model::Products;

constexpr int64_t curves = 48;
constexpr model::DropoutKey dropout{1, 0, 0};

/// A block of one sublayer: with its norm, dropout and residual, and with the norm that ends a block.
class OneSublayer {
 public:
  /// @param kernels null: LibTorch's operations
  OneSublayer(config::Sublayer kind, int64_t time, const Kernels* kernels)
      : parameters_(at::TensorOptions(at::kFloat)),
        block_(model::Scope(parameters_, 1), settings_of(kind), 0, {kernels}),
        input_(at::randn({curves, time, config::Model{}.width}).requires_grad_()),
        gradient_(at::randn(input_.sizes())) {
    parameters_.seal();
  }

  at::Tensor embed() const {
    const at::NoGradGuard no_grad;
    return block_.forward(input_, {}, nullptr, {});
  }
  at::Tensor forward() const { return block_.forward(input_, {}, &dropout, {}); }
  void backward(const at::Tensor& output) const { torch::autograd::backward({output}, {gradient_}); }

 private:
  static config::Model settings_of(config::Sublayer kind) {
    config::Model settings;
    settings.block = {kind};
    return settings;
  }

  model::Parameters parameters_;
  model::ConformerBlock block_;
  at::Tensor input_;
  at::Tensor gradient_;
};

void embed(State& state, const OneSublayer& sublayer) {
  for (auto _ : state) ::benchmark::DoNotOptimize(sublayer.embed());
}

void forward(State& state, const OneSublayer& sublayer) {
  for (auto _ : state) ::benchmark::DoNotOptimize(sublayer.forward());
}

void backward(State& state, const OneSublayer& sublayer) {
  for (auto _ : state) {
    state.PauseTiming();
    const at::Tensor output = sublayer.forward();
    state.ResumeTiming();
    sublayer.backward(output);
  }
}

void register_sublayer(config::Sublayer kind, int64_t time, const std::string& set, const Kernels* kernels) {
  const std::string place = "sublayer/" + model::name_of(kind) + "/t" + std::to_string(time) + "/" + set + "/";
  const auto add = [&](const char* pass, void (*work)(State&, const OneSublayer&)) {
    const auto run = [=](State& state) {
      work(state, OneSublayer(kind, time, kernels));
      state.SetItemsProcessed(state.iterations() * curves);
    };
    ::benchmark::RegisterBenchmark((place + pass).c_str(), run)->Unit(::benchmark::kMillisecond);
  };
  add("embed", embed);
  add("forward", forward);
  add("backward", backward);
}

}  // namespace

void register_sublayers() {
  for (const config::Sublayer kind : config::Model{}.block) {
    for (const int64_t time : {100, 1337}) {
      for (const Kernels* const kernels : model::supported_kernels(Products::full)) {
        register_sublayer(kind, time, kernels->instruction_set, kernels);
      }
      for (const Kernels* const kernels : model::supported_kernels(Products::bfloat16)) {
        register_sublayer(kind, time, std::string("bfloat16-") + kernels->instruction_set, kernels);
      }
      register_sublayer(kind, time, "plain", nullptr);
    }
  }
}

}  // namespace causalfm::benchmark
