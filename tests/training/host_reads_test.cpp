#include "causalfm/comm/backends.hpp"
#include "loaded_steps.hpp"
#include "small_config.hpp"
#include "test_host.hpp"
#include "training/assembly.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace causalfm::training {
namespace {

/// LibTorch calls back a plain function, which can reach nothing but a static.
thread_local std::vector<std::string> reads;

/// Operations whose result, or its shape, the host needs before it can go on: on a GPU it would wait for the stream.
std::unique_ptr<at::ObserverContext> note_read(const at::RecordFunction& function) {
  constexpr std::array<std::string_view, 9> waiting{
      "aten::_local_scalar_dense", "aten::item",          "aten::is_nonzero", "aten::equal",  "aten::nonzero",
      "aten::masked_select",       "aten::nonzero_numpy", "aten::_unique2",   "aten::_unique"};
  if (std::ranges::find(waiting, std::string_view(function.name())) != waiting.end()) {
    reads.emplace_back(function.name());
  }
  return nullptr;
}

/// Notes what the calling thread reads from tensors while it lives.
class HostReads {
 public:
  HostReads()
      : callback_(
            at::addThreadLocalCallback(at::RecordFunctionCallback(note_read).scopes({at::RecordScope::FUNCTION}))) {
    reads.clear();
  }
  ~HostReads() { at::removeCallback(callback_); }
  HostReads(const HostReads&) = delete;
  HostReads& operator=(const HostReads&) = delete;

 private:
  at::CallbackHandle callback_;
};

struct Variant {
  const char* name;
  void (*change)(config::Config&);
};

class AStepReadsNothing : public testing::TestWithParam<Variant> {};

/// But for the one copy of losses and norm to the host at the end of backward, which is no such operation.
TEST_P(AStepReadsNothing, FromTheDevice) {
  config::Config settings = small_config();
  settings.runtime.kernels = config::KernelKind::plain;  // what a GPU runs
  GetParam().change(settings);
  comm::run_ranks_as_threads(2, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    const Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    data::LoadedStep loaded = load_step(assembly, communicator.rank(), communicator.world_size(), 0);
    hide_samples(loaded.batch);
    Step::Backward backward;
    {
      const HostReads noted;
      backward = step.backward(loaded);
    }
    EXPECT_THAT(reads, testing::IsEmpty());
    const HostReads noted;
    step.update(0, backward.gradient_norm);
    // The count of updates, which fused Adam takes as a tensor: its loop for CPUs reads it, its kernel for GPUs does
    // not.
    EXPECT_THAT(reads, testing::ElementsAre("aten::item", "aten::_local_scalar_dense"));
  });
}

TEST(HostReadsTest, AreNoted) {
  const at::Tensor values = at::ones({3});
  const HostReads noted;
  values.sum().item<double>();
  values.nonzero();
  EXPECT_THAT(reads, testing::IsSupersetOf({"aten::item", "aten::_local_scalar_dense", "aten::nonzero"}));
}

INSTANTIATE_TEST_SUITE_P(Settings, AStepReadsNothing,
                         testing::Values(Variant{"as_they_are", [](config::Config&) {}},
                                         Variant{"pieces",
                                                 [](config::Config& settings) { settings.train.micro_batch = 1; }},
                                         Variant{"clipped_spectrum_all_anchors",
                                                 [](config::Config& settings) {
                                                   settings.train.gradient_clip = 1e-3;
                                                   settings.model.spectrum = config::Spectrum::amplitudes;
                                                   settings.loss.anchors = config::Anchors::all;
                                                 }},
                                         Variant{"single",
                                                 [](config::Config& settings) {
                                                   settings.model.latents = config::Latents::single;
                                                   settings.data.sampler = config::SamplerKind::pair;
                                                   settings.loss.instrument = 0.0;
                                                 }},
                                         Variant{"mlp_bfloat16_gradients",
                                                 [](config::Config& settings) {
                                                   settings.model.encoder = config::EncoderKind::mlp;
                                                   settings.comm.gradient_precision =
                                                       config::GradientPrecision::bfloat16;
                                                 }}),
                         [](const testing::TestParamInfo<Variant>& info) { return info.param.name; });

}  // namespace
}  // namespace causalfm::training
