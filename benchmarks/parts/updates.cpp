#include "causalfm/comm/backends.hpp"
#include "causalfm/loss/info_nce.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/training/adam.hpp"

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "parts.hpp"

namespace causalfm::benchmark {
namespace {

using ::benchmark::State;

/// One space of a batch of triplets in float64, as the objective has it: anchors are a third of the keys.
class Contrast {
 public:
  explicit Contrast(int64_t keys)
      : communicator_(comm::make_single()),
        rows_({keys}),
        projection_(at::randn({keys, config::Model{}.width}, at::kDouble).requires_grad_()) {
    const at::Tensor row = at::arange(keys, at::kLong);
    labels_.same = row.floor_divide(2);
    labels_.other = row.remainder(config::Simulation{}.instruments);
    labels_.anchor = row.remainder(3).eq(0);
  }

  at::Tensor loss() const { return loss::info_nce(projection_, labels_, rows_, {}, *communicator_); }

 private:
  std::unique_ptr<comm::Communicator> communicator_;
  loss::ContrastLabels labels_;
  std::vector<int64_t> rows_;
  at::Tensor projection_;
};

void register_info_nce(int64_t keys) {
  const std::string place = "info_nce/k" + std::to_string(keys) + "/";
  const auto forward = [keys](State& state) {
    const Contrast contrast(keys);
    for (auto _ : state) ::benchmark::DoNotOptimize(contrast.loss());
    state.SetItemsProcessed(state.iterations() * keys);
  };
  const auto backward = [keys](State& state) {
    const Contrast contrast(keys);
    for (auto _ : state) {
      state.PauseTiming();
      const at::Tensor loss = contrast.loss();
      state.ResumeTiming();
      loss.backward();
    }
    state.SetItemsProcessed(state.iterations() * keys);
  };
  ::benchmark::RegisterBenchmark((place + "forward").c_str(), forward)->Unit(::benchmark::kMillisecond);
  ::benchmark::RegisterBenchmark((place + "backward").c_str(), backward)->Unit(::benchmark::kMillisecond);
}

/// One update of the paper's model. Items are parameters.
void adam(State& state, config::EncoderKind encoder) {
  config::Model settings;
  settings.encoder = encoder;
  model::CausalModel model(settings, {config::Simulation{}.length, 99.0, 1.0}, 1, at::TensorOptions(at::kFloat));
  training::Adam optimizer(model.parameters(), config::Train{});
  model.parameters().flat_gradients().normal_();
  int64_t step = 0;
  for (auto _ : state) optimizer.update(1e-3, step++);
  state.SetItemsProcessed(state.iterations() * model.parameters().count());
}

}  // namespace

void register_updates() {
  for (const int64_t keys : {96, 768, 12288}) register_info_nce(keys);
  ::benchmark::RegisterBenchmark("adam/conformer", adam, config::EncoderKind::conformer)
      ->Unit(::benchmark::kMillisecond);
  ::benchmark::RegisterBenchmark("adam/mlp", adam, config::EncoderKind::mlp)->Unit(::benchmark::kMillisecond);
}

}  // namespace causalfm::benchmark
