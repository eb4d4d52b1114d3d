#include "training/non_finite.hpp"

#include "causalfm/training/error.hpp"
#include "loaded_steps.hpp"
#include "spoiled_training.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <string>

namespace causalfm::training {
namespace {

using testing::HasSubstr;

class NonFiniteSteps : public SpoiledTraining {
 protected:
  static Change skip(int64_t steps, int64_t patience = 3) {
    return [=](config::Config& settings) {
      settings.train.non_finite = config::NonFinite::skip;
      settings.train.non_finite_patience = patience;
      settings.train.steps = steps;
    };
  }

  static Change rollback(int64_t steps) {
    return [=](config::Config& settings) {
      settings.train.non_finite = config::NonFinite::rollback;
      settings.train.steps = steps;
    };
  }

  std::string sentence_of(const std::string& name, const Change& change, const std::function<bool(int64_t)>& spoiled) {
    try {
      train_into(name, change, spoiled);
    } catch (const NumericsError& error) {
      return error.what();
    }
    return "no NumericsError";
  }

  double rate() const { return small_config().train.learning_rate; }
};

TEST_F(NonFiniteSteps, StopSaysWhatAndWhere) {
  EXPECT_THAT(sentence_of(
                  "run", [](config::Config&) {}, [](int64_t backward) { return backward == 3; }),
              testing::StartsWith("step 3: the gradient norm is nan"));
}

TEST_F(NonFiniteSteps, ASkippedStepLeavesEveryBitAsItWas) {
  train_into("six", skip(6), never, 3);
  train_into(
      "seven", skip(7), [](int64_t backward) { return backward == 6; }, 3);
  EXPECT_EQ(latest("seven").step, 7);
  expect_same_bits(latest("six"), latest("seven"));
  const auto lines = training_lines("seven");
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_FALSE(lines[5].contains("skipped"));
  EXPECT_EQ(lines[6]["skipped"], true);
  EXPECT_EQ(lines[6]["gradient_norm"], "nan");
}

TEST_F(NonFiniteSteps, ASkippedStepIsNoUpdateToAdam) {
  train_into("run", skip(2), [](int64_t backward) { return backward == 0; });
  comm::run_ranks_as_threads(1, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    const Assembly initial = assemble(small_config(), host.host());
    double largest = 0.0;
    for (const auto& entry : initial.model->parameters().entries()) {
      const at::Tensor change = latest("run").tensor("model/" + entry.name) - entry.value.detach();
      largest = std::max(largest, change.abs().max().item<double>());
    }
    // Adam's first update changes every parameter by the rate, for m / sqrt(v) is the gradient's sign; its second would
    // by some 0.75 times the rate if the moments were still zero.
    EXPECT_NEAR(largest, rate(), 1e-3 * rate());
  });
}

TEST_F(NonFiniteSteps, TooManyInARowStopTheRun) {
  const auto from_second = [](int64_t backward) { return backward >= 2; };
  EXPECT_THAT(sentence_of("run", skip(20, 2), from_second),
              testing::AllOf(testing::StartsWith("step 4: "), HasSubstr("the 2 steps before were skipped")));
  EXPECT_EQ(training_lines("run").size(), 4u);
  EXPECT_EQ(sentence_of("alternate", skip(20, 2), [](int64_t backward) { return backward % 3 != 0; }),
            "no NumericsError");
}

TEST_F(NonFiniteSteps, AResumeKnowsWhatWasSkipped) {
  train_into("run", skip(4, 2), [](int64_t backward) { return backward >= 2; });
  EXPECT_EQ(latest("run").number("run/skipped_steps"), 2.0);
  EXPECT_THAT(sentence_of("run", skip(6, 2), [](int64_t) { return true; }), testing::StartsWith("step 4: "));
  train_into("whole", skip(8), [](int64_t backward) { return backward == 2; });
  train_into("halves", skip(5), [](int64_t backward) { return backward == 2; });
  train_into("halves", skip(8), never);
  expect_same_bits(latest("whole"), latest("halves"));
}

TEST_F(NonFiniteSteps, RollbacksMultiplyAndAResumeKeepsThem) {
  train_into("whole", rollback(20), never);
  // Backward 8 is step 8: back to 5. Backward 16 is then step 12: back to 10.
  train_into("run", rollback(20), [](int64_t backward) { return backward == 8 || backward == 16; });
  const auto lines = training_lines("run");
  ASSERT_EQ(lines.size(), 20u);
  for (int64_t step = 0; step < 20; ++step) {
    EXPECT_EQ(lines[step]["step"], step);
    EXPECT_EQ(lines[step]["learning_rate"].get<double>(), rate() * (step < 5 ? 1.0 : step < 10 ? 0.5 : 0.25)) << step;
    EXPECT_FALSE(lines[step].contains("skipped"));
  }
  const auto undisturbed = training_lines("whole");
  EXPECT_EQ(lines[5]["loss"], undisturbed[5]["loss"]);
  EXPECT_NE(lines[7]["loss"], undisturbed[7]["loss"]);
  train_into("run", rollback(22), never);
  EXPECT_EQ(training_lines("run")[21]["learning_rate"].get<double>(), 0.25 * rate());
}

TEST_F(NonFiniteSteps, ACheckpointFromBeforeThereWereAnswersIsGoneOnFrom) {
  train_into("run", skip(5), never);
  const auto file_system = storage::make_real_file_system();
  run::Checkpoint old = latest("run");
  std::erase_if(old.numbers,
                [](const auto& number) { return number.first.starts_with("run/") && number.first != "run/seconds"; });
  run::RunFolder::open(*file_system, folder_ / "run").save_checkpoint(old);
  train_into("run", skip(6), never);
  EXPECT_EQ(latest("run").number("run/rate_factor"), 1.0);
  EXPECT_EQ(latest("run").number("run/skipped_steps"), 0.0);
}

TEST_F(NonFiniteSteps, WithoutACheckpointARollbackBeginsAgain) {
  train_into("run", rollback(5), [](int64_t backward) { return backward == 3; });
  train_into(
      "slower",
      [&](config::Config& settings) {
        settings.train.steps = 5;
        settings.train.learning_rate *= 0.5;
      },
      never);
  expect_same_bits(latest("run"), latest("slower"));
  EXPECT_EQ(training_lines("run").size(), 5u);
}

TEST_F(NonFiniteSteps, ThreeRollbacksFromOneStepAreEnough) {
  // Step 7 four times: backward 7, and three more after 5, 6 and 7 have been done again.
  EXPECT_THAT(sentence_of("run", rollback(20), [](int64_t backward) { return backward >= 7 && backward % 3 == 1; }),
              testing::AllOf(testing::StartsWith("step 7: "), HasSubstr("3 rollbacks from this very step")));
  EXPECT_EQ(latest("run").step, 5);
}

TEST_F(NonFiniteSteps, NothingIsGainedByGoingBackToTheStepItself) {
  EXPECT_THAT(sentence_of("run", rollback(20), [](int64_t backward) { return backward == 5; }),
              testing::AllOf(testing::StartsWith("step 5: "), HasSubstr("the very step to go back to")));
  EXPECT_THAT(sentence_of("first", rollback(20), [](int64_t backward) { return backward == 0; }),
              HasSubstr("the very step to go back to"));
}

TEST(NonFiniteStep, IsSeenAlikeByEveryRankThoughOneRanksRowsAloneAreNot) {
  const config::Config settings = small_config();
  std::atomic<int> seen{0};
  comm::run_ranks_as_threads(3, {}, [&](comm::Communicator& communicator) {
    const TestHost host(communicator);
    const Assembly assembly = assemble(settings, host.host());
    Step step(settings, *assembly.model, *assembly.optimizer, communicator, c10::kCPU);
    data::LoadedStep loaded = load_step(assembly, communicator.rank(), 3, 0);
    EXPECT_FALSE(step.backward(loaded).not_finite());
    if (communicator.rank() == 1) loaded.batch.flux[2][5] = std::numeric_limits<double>::infinity();
    const auto found = step.backward(loaded).not_finite();
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, "the reconstruction loss is nan");
    ++seen;
  });
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace causalfm::training
