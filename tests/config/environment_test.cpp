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
    for (const char* name :
         {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
          "PMIX_RANK", "PMIX_NAMESPACE", "PMIX_SERVER_URI2", "PMI_RANK", "PMI_SIZE", "SLURM_PROCID", "SLURM_LOCALID",
          "SLURM_NODEID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_STEP_TASKS_PER_NODE", "CAUSALFM_TERMINAL"}) {
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

void set_all(const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
}

TEST_F(LauncherVariables, MpirunSaysThePlaceEvenInsideAnAllocation) {
  set_all({{"OMPI_COMM_WORLD_SIZE", "8"},
           {"OMPI_COMM_WORLD_RANK", "5"},
           {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
           {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
           {"PMIX_NAMESPACE", "786497537"},
           {"SLURM_PROCID", "0"},
           {"SLURM_LOCALID", "0"},
           {"SLURM_NTASKS", "1"},
           {"SLURM_STEP_TASKS_PER_NODE", "1"}});
  const auto place = read_environment().place;
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 5);
  EXPECT_EQ(place->world_size, 8);
  EXPECT_EQ(place->local_rank, 1);
  EXPECT_EQ(place->local_size, 4);
  EXPECT_FALSE(place->host.empty());
  const std::string job = place->job;
  EXPECT_FALSE(job.empty());
  setenv("PMIX_SERVER_URI2", "786497536.0;tcp4://127.0.0.1:54109", 1);
  EXPECT_NE(read_environment().place->job, job);
}

TEST_F(LauncherVariables, SrunSaysThePlace) {
  set_all({{"PMIX_RANK", "5"},
           {"PMIX_NAMESPACE", "slurm.pmix.7.0"},
           {"SLURM_STEP_NUM_TASKS", "7"},
           {"SLURM_LOCALID", "1"},
           {"SLURM_STEP_TASKS_PER_NODE", "2(x3),1"}});
  for (const auto& [node, tasks] : std::map<std::string, int64_t>{{"0", 2}, {"2", 2}}) {
    setenv("SLURM_NODEID", node.c_str(), 1);
    const auto place = read_environment().place;
    ASSERT_TRUE(place) << node;
    EXPECT_EQ(place->rank, 5);
    EXPECT_EQ(place->world_size, 7);
    EXPECT_EQ(place->local_size, tasks);
  }
  setenv("SLURM_NODEID", "3", 1);
  EXPECT_FALSE(read_environment().place) << "one task there, and this one's number is 1";
  setenv("SLURM_LOCALID", "0", 1);
  EXPECT_EQ(read_environment().place->local_size, 1);
}

TEST_F(LauncherVariables, APlaceThatCannotBeIsNone) {
  const std::map<std::string, std::string> good{{"OMPI_COMM_WORLD_SIZE", "2"},
                                                {"OMPI_COMM_WORLD_RANK", "1"},
                                                {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                                {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  set_all(good);
  EXPECT_TRUE(read_environment().place);
  EXPECT_TRUE(read_environment().place->job.empty());
  for (const auto& [name, value] : good) {
    for (const char* bad : {"", "x", "-1", "2x", "9"}) {
      setenv(name.c_str(), bad, 1);
      if (name == "OMPI_COMM_WORLD_SIZE" && std::string(bad) == "9") continue;
      EXPECT_FALSE(read_environment().place) << name << "=" << bad;
    }
    setenv(name.c_str(), value.c_str(), 1);
  }
}

}  // namespace
}  // namespace causalfm::config
