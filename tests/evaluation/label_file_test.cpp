#include "evaluation/label_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "causalfm/evaluation/error.hpp"
#include "evaluation/target.hpp"
#include "storage/temporary_folder.hpp"

#include <ATen/ATen.h>

namespace causalfm::evaluation {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;

class LabelFile : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    std::filesystem::path file = folder_.path() / "labels.csv";
    std::ofstream(file) << text;
    return file;
  }

  std::vector<Target> targets(const std::string& text, Task task = Task::automatic) {
    return user_targets({write(text), {"label"}, task}, training_, test_);
  }

  storage::TemporaryFolder folder_;
  Cohort training_{.rows = {}, .stars = {1, 2, 3, 4}, .star_of_row = {}, .observation_id = {}, .instrument_id = {}};
  Cohort test_{.rows = {}, .stars = {7, 8, 9}, .star_of_row = {}, .observation_id = {}, .instrument_id = {}};
};

TEST_F(LabelFile, ReadsWhatSpreadsheetsWrite) {
  const auto file =
      write("\xEF\xBB\xBFname, star_id ,\"the \"\"label\"\"\"\r\n\"a, b\",7, 1.5 \r\n\r\nc,-3,\"x,y\"\nd,9,\n");
  EXPECT_THAT(read_label_column(file, "the \"label\""), ElementsAre(Pair(-3, "x,y"), Pair(7, "1.5")));
}

TEST_F(LabelFile, NamesFileLineAndCause) {
  const auto refused = [&](const std::string& text, const std::string& place, const std::string& cause) {
    const auto file = write(text);
    EXPECT_THAT([&] { read_label_column(file, "label"); },
                ThrowsMessage<EvaluationError>(AllOf(HasSubstr(file.string() + place), HasSubstr(cause))));
  };
  refused("", "", "empty");
  refused("star_id,teff\n1,2\n", ":1", "no column label");
  refused("star,label\n1,2\n", ":1", "no column star_id");
  refused("star_id,label\n1,2\n3\n", ":3", "1 cells");
  refused("star_id,label\n1.5,2\n", ":2", "no whole number");
  refused("star_id,label\n1,2\n1,3\n", ":3", "'3' here and '2' before");
  EXPECT_THROW(read_label_column(folder_.path() / "missing.csv", "label"), EvaluationError);
}

TEST_F(LabelFile, TellsClassesFromNumbers) {
  const Target classes = targets("star_id,label\n1,b\n2,a\n4,b\n7,a\n9,b\n").front();
  EXPECT_THAT(classes.class_names, ElementsAre("a", "b"));
  EXPECT_THAT(classes.training_stars, ElementsAre(0, 1, 3));
  EXPECT_TRUE(classes.training_values.equal(at::tensor({1, 0, 1}, at::kLong)));
  EXPECT_THAT(classes.test_stars, ElementsAre(0, 2));
  const std::string whole = "star_id,label\n1,5\n2,6\n7,5\n8,6\n";
  EXPECT_EQ(targets(whole).front().classes(), 2);
  EXPECT_EQ(targets(whole, Task::regression).front().classes(), 0);
  const Target numbers = targets("star_id,label\n1,5.5\n2,6\n7,5\n8,6\n100,3\n").front();
  EXPECT_EQ(numbers.classes(), 0);
  EXPECT_TRUE(numbers.training_values.equal(at::tensor({5.5, 6.0}, at::kDouble)));
}

TEST_F(LabelFile, WhatCannotBeLearntIsRefused) {
  const auto refused = [&](const std::string& text, Task task, const std::string& cause) {
    EXPECT_THAT([&] { targets(text, task); }, ThrowsMessage<EvaluationError>(HasSubstr(cause))) << text;
  };
  refused("star_id,label\n1,5\n2,5\n7,5\n8,6\n", Task::regression, "same for all stars of the training split");
  refused("star_id,label\n1,4\n2,5\n7,5\n8,5\n", Task::regression, "same for all stars of the test split");
  refused("star_id,label\n1,4\n2,5\n7,5\n", Task::regression, "1 stars of the test split");
  refused("star_id,label\n1,4\n2,K5\n7,5\n8,6\n", Task::regression, "'K5', which is no finite number");
  refused("star_id,label\n1,4\n2,nan\n7,5\n8,6\n", Task::regression, "'nan', which is no finite number");
}

}  // namespace
}  // namespace causalfm::evaluation
