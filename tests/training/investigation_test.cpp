#include "training/investigation.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/model/stored.hpp"
#include "causalfm/training/error.hpp"
#include "causalfm/training/replay.hpp"
#include "loaded_steps.hpp"
#include "spoiled_training.hpp"
#include "training/stored_batch.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

namespace causalfm::training {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

class Investigation : public SpoiledTraining {
 protected:
  using Spoil = std::function<void(Assembly&, data::LoadedStep&, int64_t rank)>;

  /// What each rank of three finds of a step that `spoil` has made not finite.
  std::vector<NonFiniteStep> investigate_on_three(const config::Config& settings, const Spoil& spoil) {
    std::vector<NonFiniteStep> found;
    std::mutex mutex;
    const TrainRequest request{settings, folder_ / "run", Resume::automatic, {}};
    run::RunFolder::create(*file_system_, request.folder).write_config(config::to_yaml(settings));
    comm::run_ranks_as_threads(3, {}, [&](comm::Communicator& communicator) {
      const TestHost host(communicator);
      Assembly assembly = assemble(settings, host.host());
      Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
      data::LoadedStep loaded = load_step(assembly, communicator.rank(), 3, 4);
      spoil(assembly, loaded, communicator.rank());
      const Step::Backward backward = step.backward(loaded);
      const NonFiniteStep mine = investigate(request, host.host(), assembly, backward, loaded);
      const std::lock_guard lock(mutex);
      found.push_back(mine);
    });
    EXPECT_EQ(found.size(), 3u);
    for (const NonFiniteStep& step : found) EXPECT_EQ(step.found, found.front().found);
    return found;
  }

  Replay replay_alone(const std::filesystem::path& file, const std::vector<std::string>& overrides = {}) {
    const config::Config settings =
        config::parse(configuration_of_batch(*file_system_, file), file.string(), overrides);
    Replay result;
    comm::run_ranks_as_threads(1, {}, [&](comm::Communicator& communicator) {
      result = replay(file, settings, TestHost(communicator).host());
    });
    return result;
  }

  std::shared_ptr<storage::FileSystem> file_system_ = storage::make_real_file_system();
};

void set_nan(Assembly& assembly, const std::string& parameter) {
  const at::NoGradGuard no_grad;
  assembly.model->parameters().find(parameter).value.view(-1)[3].fill_(nan);
}

TEST_F(Investigation, NamesTheRowAndTheRankThatSawItFirst) {
  // Seven triplets are 9, 6 and 6 rows: row 2 of rank 1 is row 11 of the batch.
  data::GlobalIds ids;
  std::mutex mutex;
  const auto found = investigate_on_three(small_config(), [&](Assembly&, data::LoadedStep& loaded, int64_t rank) {
    if (rank == 1) loaded.batch.flux[2][5] = nan;
    if (rank == 2) loaded.batch.flux[0][5] = nan;
    const std::lock_guard lock(mutex);
    ids = loaded.global;
  });
  const std::string who = "(observation " + std::to_string(ids.observation_id[11].item<int64_t>()) + ", star " +
                          std::to_string(ids.star_id[11].item<int64_t>()) + ", instrument " +
                          std::to_string(ids.instrument_id[11].item<int64_t>()) + ")";
  EXPECT_EQ(found.front().found,
            "the reconstruction loss is nan, first seen in flux, on rank 1 in row 11 of the batch " + who);
}

TEST_F(Investigation, NamesTheSublayerThatOverflows) {
  const auto found = investigate_on_three(small_config(), [](Assembly& assembly, data::LoadedStep&, int64_t) {
    const at::NoGradGuard no_grad;
    assembly.model->parameters().find("encoder_star/block0/feed_forward/layer1/weight").value.fill_(3e38);
  });
  EXPECT_THAT(found.front().found,
              HasSubstr("first seen in star encoder, block 0, feed_forward, on rank 0 in row 0 of the batch"));
}

TEST_F(Investigation, NamesAParameterThatIsNotFinite) {
  const auto found = investigate_on_three(small_config(), [](Assembly& assembly, data::LoadedStep&, int64_t) {
    set_nan(assembly, "encoder_star/block0/lstm/input/weight");
    set_nan(assembly, "decoder/layer0/weight");
  });
  EXPECT_THAT(found.front().found, HasSubstr("parameter encoder_star/block0/lstm/input/weight is not finite since the "
                                             "update before (2 of "));
}

TEST_F(Investigation, NamesTheLossWhereEveryOutputIsFinite) {
  config::Config settings = small_config();
  settings.loss.temperature = 1e-310;
  const auto found = investigate_on_three(settings, [](Assembly&, data::LoadedStep&, int64_t) {});
  EXPECT_THAT(found.front().found,
              AllOf(HasSubstr("the star loss is "), HasSubstr("every output is finite, at loss.temperature")));
}

TEST_F(Investigation, NamesTheGradientWhereEveryLossIsFinite) {
  // Outputs of some 1e17 square to 1e34. Their gradient, some 1e21, times weights of 1e17 is beyond float32's 3e38.
  config::Config settings = small_config();
  settings.loss.reconstruction = 1e6;
  settings.loss.star = settings.loss.instrument = 0.0;
  const auto found = investigate_on_three(settings, [](Assembly& assembly, data::LoadedStep&, int64_t) {
    const at::NoGradGuard no_grad;
    assembly.model->parameters().find("decoder/layer2/weight").value.mul_(3e18);
  });
  EXPECT_THAT(found.front().found,
              AllOf(testing::StartsWith("the gradient norm is "), HasSubstr("while every output and loss is finite: "),
                    HasSubstr("that of decoder/")));
}

TEST_F(Investigation, KeepsWhatRepeatsTheStep) {
  const auto found = investigate_on_three(small_config(), [](Assembly& assembly, data::LoadedStep&, int64_t) {
    const at::NoGradGuard no_grad;
    assembly.model->parameters().find("encoder_star/block0/feed_forward/layer1/weight").value.fill_(3e38);
  });
  const std::filesystem::path file = folder_ / "run/non-finite/step-00000004.h5";
  ASSERT_EQ(found.front().batch_file, file);
  const StoredBatch kept = decode_batch(file_system_->read(file), file.string());
  EXPECT_EQ(kept.found, found.front().found);
  comm::run_ranks_as_threads(1, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    const Assembly assembly = assemble(small_config(), host.host());
    const data::LoadedStep whole = load_step(assembly, 0, 1, 4);
    EXPECT_TRUE(at::equal(kept.loaded.batch.flux, whole.batch.flux));
    EXPECT_TRUE(at::equal(kept.loaded.batch.time, whole.batch.time));
    EXPECT_TRUE(at::equal(kept.loaded.global.observation_id, whole.global.observation_id));
    EXPECT_TRUE(at::equal(kept.loaded.global.role, whole.global.role));
    EXPECT_EQ(kept.loaded.rows_of_rank, whole.rows_of_rank);
    EXPECT_TRUE(at::equal(kept.parameter("model/decoder/layer0/weight"),
                          assembly.model->parameters().find("decoder/layer0/weight").value.detach()));
  });

  const Replay again = replay_alone(file);
  ASSERT_TRUE(again.found);
  EXPECT_EQ(*again.found, found.front().found);
  EXPECT_EQ(again.rows, 21);
  EXPECT_FALSE(replay_alone(file, {"train.precision=float64"}).found);
  EXPECT_THROW(replay_alone(file, {"model.width=16"}), TrainingError);
}

TEST_F(Investigation, AReplayOfAFiniteStepComputesWhatTheStepDid) {
  config::Config settings = small_config();
  settings.train.precision = config::Precision::float64;
  StoredBatch batch;
  Step::Backward expected;
  double square = 0.0;
  comm::run_ranks_as_threads(1, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    const Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    batch.loaded = load_step(assembly, 0, 1, 4);
    hide_samples(batch.loaded.batch);
    batch.configuration = config::to_yaml(settings);
    batch.numbers = model::to_numbers(assembly.model->scale());
    for (const auto& entry : assembly.model->parameters().entries()) {
      batch.parameters.emplace_back(model::stored_name(entry), entry.value.detach());
    }
    expected = step.backward(batch.loaded);
    for (const auto& entry : assembly.model->parameters().entries()) {
      if (entry.name.starts_with("encoder_star/block0/lstm/"))
        square += entry.value.grad().square().sum().item<double>();
    }
  });
  std::filesystem::create_directories(folder_);
  file_system_->write_new(folder_ / "batch.h5", encode(batch, "batch"));
  const Replay again = replay_alone(folder_ / "batch.h5");
  EXPECT_FALSE(again.found);
  EXPECT_EQ(again.losses.front().second, expected.losses.total);
  EXPECT_EQ(again.gradient_norm, expected.gradient_norm);
  bool seen = false;
  double all = 0.0;
  for (const Replay::Gradient& gradient : again.gradients) {
    all += gradient.norm * gradient.norm;
    if (gradient.group != "encoder_star/block0/lstm") continue;
    seen = true;
    EXPECT_NEAR(gradient.norm, std::sqrt(square), 1e-12);
  }
  EXPECT_TRUE(seen);
  EXPECT_NEAR(std::sqrt(all), expected.gradient_norm, 1e-10);
  EXPECT_EQ(again.outputs.front().name, "flux");
  EXPECT_EQ(again.outputs.front().maximum, batch.loaded.batch.flux.max().item<double>());
  EXPECT_EQ(again.outputs.back().name, "decoder, layer 2");
  EXPECT_EQ(again.outputs.back().maximum, expected.outputs.reconstructed.max().item<double>());
}

TEST_F(Investigation, TheNewestThreeBatchesAreKept) {
  train_into(
      "run",
      [](config::Config& settings) {
        settings.train.non_finite = config::NonFinite::skip;
        settings.train.steps = 12;
      },
      [](int64_t backward) { return backward % 2 == 1; });
  EXPECT_EQ(file_system_->list(folder_ / "run/non-finite"),
            (std::vector<std::string>{"step-00000007.h5", "step-00000009.h5", "step-00000011.h5"}));
}

}  // namespace
}  // namespace causalfm::training
