#include "causalfm/run/same_run.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/run/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace causalfm::run {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string compare(const std::vector<std::string>& overrides) {
  try {
    require_same_run(config::parse("", "stored"), config::parse("", "asked", overrides), "runs/paper");
  } catch (const RunError& error) {
    return error.what();
  }
  return "same";
}

TEST(SameRunTest, EqualConfigurationsAndHarmlessKeysPass) {
  EXPECT_EQ(compare({}), "same");
  for (const char* harmless :
       {"train.steps=20000", "train.checkpoint_every=7", "train.keep_checkpoints=9", "train.keep_every=2",
        "train.time_limit_minutes=5", "train.patience=3", "train.micro_batch=4", "train.non_finite=skip",
        "train.non_finite_patience=9", "train.rollback_rate_factor=0.1", "train.collapse_warning=0",
        "train.profile_steps=4", "train.deterministic=true", "data.path=data/paper", "comm.deadline_seconds=7",
        "comm.backend=single", "runtime.threads=3"}) {
    EXPECT_EQ(compare({harmless}), "same") << harmless;
  }
}

TEST(SameRunTest, WhatChangesTheNumbersIsNamedWithBothValues) {
  EXPECT_THAT(compare({"loss.temperature=0.25"}),
              AllOf(HasSubstr("runs/paper: it holds a run of another configuration"),
                    HasSubstr("loss.temperature was 0.5 and is now 0.25")));
  EXPECT_THAT(compare({"seed=8", "model.width=32"}),
              AllOf(HasSubstr("seed was 7 and is now 8"), HasSubstr("model.width was 64 and is now 32")));
  for (const char* harmful :
       {"simulation.stars=100", "data.split_seed=2", "data.held_out_instruments=[1]", "model.width=32",
        "model.block=[lstm]", "train.batch_triplets=64", "train.learning_rate=0.1", "train.validate_every=7",
        "comm.gradient_precision=bfloat16"}) {
    EXPECT_THAT(compare({harmful}), HasSubstr("another configuration")) << harmful;
  }
}

TEST(SameRunTest, AllowedKeysPassAndNoOthers) {
  const config::Config stored = config::parse("", "stored");
  const config::Config asked = config::parse("", "asked", {"seed=8", "model.width=32"});
  EXPECT_THAT(harmful_differences(stored, asked, {"seed"}),
              AllOf(HasSubstr("model.width"), testing::Not(HasSubstr("seed"))));
  EXPECT_NO_THROW(require_same_run(stored, asked, "run", {"seed", "model.width"}));
  EXPECT_THAT(compare({"seed=8"}), HasSubstr("--allow KEY"));
}

}  // namespace
}  // namespace causalfm::run
