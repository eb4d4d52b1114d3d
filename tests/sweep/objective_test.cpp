#include "sweep/objective.hpp"

#include "causalfm/sweep/error.hpp"
#include "storage/temporary_folder.hpp"
#include "sweep/report_value.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace causalfm::sweep {
namespace {

TEST(Objective, TellsWhereItsNumberIs) {
  EXPECT_FALSE(objective_named("validation_star_recall", "here").of_report);
  EXPECT_TRUE(objective_named("loss", "here").of_training);
  EXPECT_TRUE(objective_named("regression.theta_0.z_star.100", "here").of_report);
  EXPECT_THROW(objective_named("accuracy", "here"), SweepError);
}

/// Which losses another value of a key makes incomparable, by the equations of docs/configuration.md.
TEST(Objective, LossesAreComparedOnlyOnOneScale) {
  const auto comparable = [](const std::string& objective, const std::string& key) {
    try {
      require_comparable(objective_named(objective, "here"), {{key, {"1"}}}, "here");
      return true;
    } catch (const SweepError&) {
      return false;
    }
  };
  EXPECT_FALSE(comparable("validation_loss", "loss.temperature"));
  EXPECT_FALSE(comparable("validation_loss", "loss.reconstruction"));
  EXPECT_FALSE(comparable("validation_loss", "train.batch_triplets"));
  EXPECT_FALSE(comparable("loss", "loss.star"));
  EXPECT_FALSE(comparable("validation_star", "loss.temperature"));
  EXPECT_TRUE(comparable("validation_star", "loss.instrument_temperature"));
  EXPECT_TRUE(comparable("validation_star", "loss.star"));
  EXPECT_FALSE(comparable("validation_instrument", "loss.instrument_temperature"));
  EXPECT_TRUE(comparable("validation_loss", "train.learning_rate"));
  EXPECT_TRUE(comparable("validation_reconstruction", "loss.temperature"));
  EXPECT_TRUE(comparable("validation_star_recall", "train.batch_triplets"));
}

TEST(ReportValue, FollowsThePathAndAveragesLists) {
  const storage::TemporaryFolder folder;
  const auto files = storage::make_real_file_system();
  const std::string report = R"({"regression": {"my.column": {"z_star": {"10": [0.25, 0.75], "all": []}}},
                                 "label_efficiency": {"theta_0": [{"ratio": 1}, {"ratio": 4}]},
                                 "reconstruction_mse": 0.5, "swap_mse": "nan", "data": "text"})";
  const auto file = folder.path() / "report.json";
  files->write_new(file, std::as_bytes(std::span(report)));
  const auto value = [&](const char* path) { return value_in_report(*files, file, path); };
  EXPECT_EQ(value("regression.my.column.z_star.10"), 0.5);
  EXPECT_EQ(value("label_efficiency.theta_0.ratio"), 2.5);
  EXPECT_EQ(value("reconstruction_mse"), 0.5);
  EXPECT_TRUE(std::isnan(value("swap_mse")));
  EXPECT_THROW(value("regression.my.column"), SweepError);
  EXPECT_THROW(value("regression.my.column.z_star.all"), SweepError);
  EXPECT_THROW(value("reconstruction_mse.more"), SweepError);
  try {
    value("regression.my.column.z_instr.10");
    FAIL();
  } catch (const SweepError& error) {
    EXPECT_NE(std::string(error.what()).find("z_star"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace causalfm::sweep
