#pragma once

#include "causalfm/comm/backends.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/metrics.hpp"
#include "causalfm/training/train.hpp"
#include "observed_communicator.hpp"
#include "small_config.hpp"
#include "test_host.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace causalfm::training {

/// Runs in a folder of the test's own, in which single steps are not finite.
class SpoiledTraining : public testing::Test {
 protected:
  using Change = std::function<void(config::Config&)>;

  SpoiledTraining()
      : folder_(std::filesystem::temp_directory_path() /
                ("causalfm-spoiled-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    std::filesystem::remove_all(folder_);
  }
  ~SpoiledTraining() override { std::filesystem::remove_all(folder_); }

  /// Trains into `name`; an element of the gradient of a backward of which `spoiled(its number)` is nan on every rank.
  /// Backwards are numbered from 0, also those of steps that are done again.
  void train_into(const std::string& name, const Change& change, const std::function<bool(int64_t)>& spoiled,
                  int64_t ranks = 2) {
    TrainRequest request{small_config(), folder_ / name, Resume::automatic, {}};
    change(request.config);
    comm::run_ranks_as_threads(ranks, {}, [&](comm::Communicator& inner) {
      int64_t backwards = 0;  // a small model's gradient is one bucket
      ObservedCommunicator communicator(inner, [&](const comm::Call& call, const at::Tensor& gradient) {
        if (!call.words.ends_with("for gradients") || !spoiled(backwards++)) return;
        gradient.narrow(0, 40, 1).fill_(std::numeric_limits<double>::quiet_NaN());
      });
      const TestHost host(communicator);
      train(request, host.host());
    });
  }

  static bool never(int64_t) { return false; }

  run::Checkpoint latest(const std::string& name) const {
    const auto file_system = storage::make_real_file_system();
    return run::RunFolder::open(*file_system, folder_ / name).load_latest()->checkpoint;
  }

  std::vector<nlohmann::ordered_json> training_lines(const std::string& name) const {
    const auto file_system = storage::make_real_file_system();
    std::vector<nlohmann::ordered_json> lines = run::read_metrics(*file_system, folder_ / name / "metrics.jsonl");
    std::erase_if(lines, [](const auto& line) { return !line.contains("loss"); });
    return lines;
  }

  static void expect_same_bits(const run::Checkpoint& first, const run::Checkpoint& second) {
    ASSERT_EQ(first.tensors.size(), second.tensors.size());
    for (size_t i = 0; i < first.tensors.size(); ++i) {
      EXPECT_TRUE(at::equal(first.tensors[i].second, second.tensors[i].second)) << first.tensors[i].first;
    }
  }

  std::filesystem::path folder_;
};

}  // namespace causalfm::training
