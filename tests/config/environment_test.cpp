#include "causalfm/config/environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace causalfm::config {
namespace {

/// Takes the variables away for a test and puts them back, for this test may itself run under mpirun.
class LauncherVariables : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "CAUSALFM_TERMINAL"}) {
      const char* value = std::getenv(name);
      before_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
      unsetenv(name);
    }
  }
  void TearDown() override {
    for (const auto& [name, value] : before_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }

  std::map<std::string, std::optional<std::string>> before_;
};

TEST_F(LauncherVariables, NoneMeansAProcessOfItsOwn) { EXPECT_FALSE(read_environment().launched); }

TEST_F(LauncherVariables, AnyOneMeansALauncher) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"}) {
    setenv(name, "1", 1);
    EXPECT_TRUE(read_environment().launched) << name;
    unsetenv(name);
  }
}

TEST_F(LauncherVariables, ASlurmAllocationAloneIsNoLauncher) {
  setenv("SLURM_JOB_ID", "7", 0);
  EXPECT_FALSE(read_environment().launched);
}

TEST_F(LauncherVariables, AWatchedTerminalIsSaidByOneAlone) {
  EXPECT_FALSE(read_environment().terminal);
  setenv("CAUSALFM_TERMINAL", "0", 1);
  EXPECT_FALSE(read_environment().terminal);
  setenv("CAUSALFM_TERMINAL", "1", 1);
  EXPECT_TRUE(read_environment().terminal);
  EXPECT_FALSE(read_environment().launched);
}

}  // namespace
}  // namespace causalfm::config
