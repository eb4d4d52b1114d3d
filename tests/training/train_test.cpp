#include "causalfm/training/train.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"
#include "causalfm/run/error.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/training/error.hpp"
#include "observed_communicator.hpp"
#include "small_config.hpp"
#include "test_host.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::training {
namespace {

class Train : public testing::Test {
 protected:
  Train() {
    folder_ = std::filesystem::temp_directory_path() /
              ("causalfm-train-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder_);
  }
  ~Train() override { std::filesystem::remove_all(folder_); }

  run::Ending train_on(
      int64_t ranks, const std::function<void(config::Config&)>& change = [](config::Config&) {},
      const std::function<bool()>& stop = [] { return false; }) {
    TrainRequest request{small_config(), folder_ / "run", Resume::automatic, {}, allowed_};
    change(request.config);
    std::atomic<run::Ending> ending{run::Ending::failed};
    comm::run_ranks_as_threads(ranks, {}, [&](comm::Communicator& communicator) {
      const TestHost host(communicator, stop);
      const run::Ending mine = train(request, host.host());
      if (communicator.rank() == 0) ending = mine;
    });
    return ending;
  }

  run::Checkpoint latest() {
    const auto file_system = storage::make_real_file_system();
    return run::RunFolder::open(*file_system, folder_ / "run").load_latest()->checkpoint;
  }

  std::filesystem::path folder_;
  std::vector<std::string> allowed_;
};

TEST_F(Train, ASignalToOneRankEndsAllWithTheStateSaved) {
  std::atomic<int> asked{0};
  // Only one call in three says stop: one rank of three in one step.
  const run::Ending ending = train_on(
      3, [](config::Config&) {}, [&] { return ++asked == 8; });
  EXPECT_EQ(ending, run::Ending::interrupted);
  EXPECT_EQ(latest().step, 3);
  EXPECT_EQ(train_on(3), run::Ending::completed);
  EXPECT_EQ(latest().step, 20);
}

TEST_F(Train, GoesOnWithAnotherNumberOfRanks) {
  const auto half = [](config::Config& settings) { settings.train.steps = 10; };
  const auto in_double = [](config::Config& settings) { settings.train.precision = config::Precision::float64; };
  train_on(3, [&](config::Config& settings) { half(settings), in_double(settings); });
  train_on(2, in_double);
  const run::Checkpoint divided = latest();
  std::filesystem::remove_all(folder_);
  train_on(1, in_double);
  const run::Checkpoint whole = latest();
  ASSERT_EQ(divided.tensors.size(), whole.tensors.size());
  for (std::size_t i = 0; i < whole.tensors.size(); ++i) {
    const auto& [name, tensor] = whole.tensors[i];
    EXPECT_TRUE(at::allclose(divided.tensors[i].second, tensor, 1e-8, 1e-12)) << name;
  }
}

TEST_F(Train, ACheckpointOfOtherDataIsRefused) {
  train_on(1);
  std::filesystem::rename(folder_ / "run", folder_ / "moved");
  const auto other = [](config::Config& settings) { settings.simulation.seed = 2; };
  train_on(1, [&](config::Config& settings) { other(settings), settings.train.steps = 1; });
  std::filesystem::remove_all(folder_ / "run" / "checkpoints");
  std::filesystem::rename(folder_ / "moved" / "checkpoints", folder_ / "run" / "checkpoints");
  EXPECT_THROW(train_on(1, other), run::RunError);
  allowed_ = {"simulation.seed"};
  EXPECT_THROW(train_on(1, other), TrainingError) << "no key makes other data the same";
}

TEST_F(Train, AFlippedBitStopsEveryRankBeforeItIsSaved) {
  const TrainRequest request{small_config(), folder_ / "run", Resume::automatic, {}};
  std::atomic<int> stopped{0};
  const auto run = [&] {
    comm::run_ranks_as_threads(3, {}, [&](comm::Communicator& inner) {
      int64_t reductions = 0;
      // The 7th gradient of rank 1 is not what the others have: after the checkpoint of step 5, before that of 10.
      ObservedCommunicator communicator(inner, [&](const comm::Call& call, const at::Tensor& result) {
        if (inner.rank() != 1 || !call.words.ends_with("for gradients") || ++reductions != 7) return;
        result.narrow(0, 40, 1).neg_();
      });
      const TestHost host(communicator);
      try {
        train(request, host.host());
      } catch (const comm::CommunicationError& error) {
        EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("step 10: "), testing::HasSubstr("rank 1 ")));
        ++stopped;
        throw;
      }
    });
  };
  EXPECT_THROW(run(), comm::CommunicationError);
  EXPECT_EQ(stopped, 3);
  EXPECT_EQ(latest().step, 5);
}

TEST_F(Train, TellsTheCommunicatorWhatItDoes) {
  struct Told final : comm::Monitor {
    void announce(comm::Phase phase, int64_t step) override { phases.emplace_back(phase, step); }
    void started(const comm::Call&) override {}
    std::optional<comm::Failure> failure() const override { return {}; }
    std::string missing(const comm::Call&) const override { return {}; }
    std::vector<std::pair<comm::Phase, int64_t>> phases;
  };
  using enum comm::Phase;
  const auto told = std::make_shared<Told>();
  TrainRequest request{small_config(), folder_ / "run", Resume::automatic, {}};
  request.config.train.steps = 3;
  request.config.train.validate_every = 2;
  request.config.train.checkpoint_every = 2;
  comm::run_ranks_as_threads(1, {.monitor = told},
                             [&](comm::Communicator& communicator) { train(request, TestHost(communicator).host()); });
  const std::vector<std::pair<comm::Phase, int64_t>> expected{{starting, 0},   {step, 0},       {step, 1},
                                                              {validation, 2}, {checkpoint, 2}, {step, 2},
                                                              {validation, 3}, {checkpoint, 3}, {ending, 3}};
  EXPECT_EQ(told->phases, expected);
}

TEST_F(Train, ANonFiniteLossEndsEveryRank) {
  const auto explode = [](config::Config& settings) { settings.train.learning_rate = 10, settings.train.steps = 500; };
  EXPECT_THROW(train_on(2, explode), NumericsError);
}

}  // namespace
}  // namespace causalfm::training
