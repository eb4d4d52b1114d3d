#include "training/process_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace causalfm::training {
namespace {

namespace fs = std::filesystem;

constexpr double mega = 1024.0 * 1024.0;

/// The files by which a machine tells of its memory. It has 1,000 MiB left, and the process holds 50.
class AttainableBytes : public testing::Test {
 protected:
  AttainableBytes() {
    write("proc/meminfo", "MemTotal: 4096000 kB\nMemFree: 100 kB\nMemAvailable:  1024000 kB\n");
    write("proc/self/status", "Name:\tcausalfm\nVmSize:\t  204800 kB\nVmRSS:\t   51200 kB\n");
    write("proc/self/limits", "Max data size  unlimited  unlimited  bytes\nMax address space  unlimited  unlimited\n");
    write("proc/self/cgroup", "0::/\n");
  }
  ~AttainableBytes() override { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  double mebibytes(int64_t processes = 1) const { return attainable_bytes(processes, freed_, root_) / mega; }

  double freed_ = 0.0;

 private:
  fs::path root_ = fs::temp_directory_path() / ("process_memory_test." + std::to_string(getpid()));
};

TEST_F(AttainableBytes, ProcessesShareWhatTheMachineHasLeft) {
  EXPECT_DOUBLE_EQ(mebibytes(), 50.0 + 1000.0);
  EXPECT_DOUBLE_EQ(mebibytes(4), 50.0 + 250.0);
}

TEST_F(AttainableBytes, TheAddressSpaceIsEveryProcesssOwn) {
  write("proc/self/limits", "Max address space  " + std::to_string(756 << 20) + "  unlimited  bytes\n");
  EXPECT_DOUBLE_EQ(mebibytes(), 50.0 + 300.0);
  EXPECT_DOUBLE_EQ(mebibytes(2), 50.0 + 300.0);
  EXPECT_DOUBLE_EQ(mebibytes(4), 50.0 + 250.0);
  freed_ = 40.0 * mega;
  EXPECT_DOUBLE_EQ(mebibytes(), 50.0 + 340.0);
}

TEST_F(AttainableBytes, AJobsControlGroupBoundsTheStepsInIt) {
  const std::string job = "sys/fs/cgroup/system.slice/slurmstepd.scope/job_7";
  write("proc/self/cgroup", "0::/system.slice/slurmstepd.scope/job_7/step_0/user\n");
  write(job + "/memory.max", std::to_string(600 << 20));
  write(job + "/memory.current", std::to_string(400 << 20));
  write(job + "/memory.stat", "anon 1\ninactive_file " + std::to_string(100 << 20) + "\nactive_file 3\n");
  write(job + "/step_0/user/memory.max", "max\n");
  EXPECT_DOUBLE_EQ(mebibytes(), 50.0 + 300.0);
  write("sys/fs/cgroup/memory.max", std::to_string(100 << 20));
  EXPECT_DOUBLE_EQ(mebibytes(), 50.0 + 100.0);
}

TEST_F(AttainableBytes, VersionOneOfControlGroupsCountsToo) {
  const std::string group = "sys/fs/cgroup/memory/slurm/uid_1/job_7";
  write("proc/self/cgroup", "5:cpuset:/\n4:hugetlb,memory:/slurm/uid_1/job_7/step_0\n0::/\n");
  write(group + "/memory.limit_in_bytes", std::to_string(600 << 20));
  write(group + "/memory.usage_in_bytes", std::to_string(400 << 20));
  write(group + "/memory.stat", "inactive_file 1\ntotal_inactive_file " + std::to_string(20 << 20) + "\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_DOUBLE_EQ(mebibytes(), 50.0 + 220.0);
}

TEST_F(AttainableBytes, WhatIsHeldStaysWhereNothingIsLeft) {
  write("sys/fs/cgroup/memory.max", std::to_string(100 << 20));
  write("sys/fs/cgroup/memory.current", std::to_string(150 << 20));
  EXPECT_DOUBLE_EQ(mebibytes(), 50.0);
}

TEST(ProcessMemory, APastPeakIsForgotten) {
  {
    const auto much = std::make_unique<char[]>(300 << 20);
    for (size_t byte = 0; byte < (300 << 20); byte += 4096) much[byte] = 1;
  }
  const double peak = peak_resident_bytes();
  forget_past_memory();
  EXPECT_LT(peak_resident_bytes(), peak - 250.0 * mega);
  EXPECT_GT(peak_resident_bytes(), mega);
}

}  // namespace
}  // namespace causalfm::training
