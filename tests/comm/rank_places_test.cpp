#include "causalfm/comm/rank_places.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/topology.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace causalfm::comm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(RankPlaces, AreGatheredInRankOrder) {
  run_ranks_as_threads(3, {}, [](Communicator& ranks) {
    const auto place = [](int64_t rank) {
      return RankPlace{"host" + std::to_string(rank), rank == 1 ? "cpu" : "cuda:0", "0-1", rank + 1};
    };
    EXPECT_EQ(gather_places(ranks, place(ranks.rank())), (std::vector<RankPlace>{place(0), place(1), place(2)}));
  });
}

TEST(RankPlaces, AHostIsALineAndEqualRanksAreOne) {
  EXPECT_THAT(describe_places({{"a", "cpu", "0", 4}}), ElementsAre("a: rank 0 on cpu, NUMA node 0, 4 threads"));
  EXPECT_THAT(
      describe_places({{"a", "cpu", "0", 2}, {"a", "cpu", "0", 2}, {"b", "cpu", "0-1", 1}}),
      ElementsAre("a: ranks 0-1 on cpu, NUMA node 0, 2 threads each", "b: rank 2 on cpu, NUMA nodes 0-1, 1 thread"));
  EXPECT_THAT(
      describe_places({{"a", "cuda:0", "0", 8}, {"a", "cuda:1", "unknown", 8}}),
      ElementsAre("a: rank 0 on cuda:0, NUMA node 0, 8 threads; rank 1 on cuda:1, NUMA node unknown, 8 threads"));
}

TEST(RankPlaces, RanksDealtOutToHostsInTurnKeepALineAHost) {
  std::vector<RankPlace> places;
  for (int rank = 0; rank < 40; ++rank) places.push_back({rank % 2 == 0 ? "a" : "b", "cpu", "0", 1});
  EXPECT_THAT(describe_places(places),
              ElementsAre("a: ranks 0,2,4,6,8,10,12,14,... (20 in all) on cpu, NUMA node 0, 1 thread each",
                          "b: ranks 1,3,5,7,9,11,13,15,... (20 in all) on cpu, NUMA node 0, 1 thread each"));
}

TEST(RankPlaces, AThousandRanksCanBeRead) {
  std::vector<RankPlace> places;
  for (int rank = 0; rank < 1000; ++rank) {
    places.push_back({"node" + std::to_string(rank / 8), "cuda:" + std::to_string(rank % 8), "0", 8});
  }
  const std::vector<std::string> lines = describe_places(places);
  ASSERT_THAT(lines, SizeIs(17));
  EXPECT_THAT(lines.front(), StartsWith("node0: rank 0 on cuda:0, NUMA node 0, 8 threads; rank 1 on cuda:1"));
  EXPECT_EQ(lines.back(), "and 109 hosts more with ranks 128-999");
}

TEST(RankPlaces, AHostOfManyDifferentRanksIsCut) {
  std::vector<RankPlace> places;
  for (int rank = 0; rank < 500; ++rank) places.push_back({"a", "cpu", std::to_string(rank), 1});
  const std::vector<std::string> lines = describe_places(places);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("; ... (500 ranks in all)")));
  EXPECT_LT(lines.front().size(), 1000);
}

/// A folder that looks like /sys/devices/system/node of a machine with two nodes.
class NumaNodes : public testing::Test {
 protected:
  NumaNodes() : system_(std::filesystem::temp_directory_path() / ("causalfm-nodes-" + std::to_string(::getpid()))) {
    add("node0", "0-3,8-11");
    add("node1", "4-7,12-15");
    add("node2", "");  // memory alone
    std::ofstream(system_ / "has_cpu") << "0-1\n";
  }
  ~NumaNodes() override { std::filesystem::remove_all(system_); }

  void add(const std::string& node, const std::string& cores) {
    std::filesystem::create_directories(system_ / node);
    std::ofstream(system_ / node / "cpulist") << cores << '\n';
  }

  std::filesystem::path system_;
};

TEST_F(NumaNodes, AreThoseOfTheCores) {
  EXPECT_EQ(numa_nodes_of({0, 1}, system_), "0");
  EXPECT_EQ(numa_nodes_of({4}, system_), "1");
  EXPECT_EQ(numa_nodes_of({11, 12}, system_), "0-1");
  add("node4", "20");
  EXPECT_EQ(numa_nodes_of({0, 20}, system_), "0,4");
}

TEST_F(NumaNodes, AreUnknownWhereNothingTells) {
  EXPECT_EQ(numa_nodes_of({16}, system_), "unknown");
  EXPECT_EQ(numa_nodes_of({}, system_), "unknown");
  EXPECT_EQ(numa_nodes_of({0}, system_ / "absent"), "unknown");
}

TEST(Cores, OfThisProcessHaveNumbers) { EXPECT_EQ(core_numbers_of_process().size(), cores_of_process()); }

}  // namespace
}  // namespace causalfm::comm
