#include "causalfm/comm/placement.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"
#include "causalfm/config/error.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace causalfm::comm {
namespace {

using config::Backend;
using config::ConfigError;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::vector<RankDevice> one_gpu_each{{"node1", "a"}, {"node1", "b"}, {"node2", "a"}, {"node2", "b"}};
const std::vector<RankDevice> shared{{"node1", "a"}, {"node2", "a"}, {"node2", "a"}};
const std::vector<RankDevice> mixed{{"node1", "a"}, {"node2", ""}};
const std::vector<RankDevice> processors{{"node1", ""}, {"node1", ""}};

Placement placed(const std::vector<RankDevice>& ranks, bool nccl_built = true, bool launched = true) {
  return {launched, nccl_built, ranks};
}

void expect_choice(Backend asked, const Placement& placement, Backend chosen, bool warning, const std::string& why) {
  const BackendChoice choice = choose_backend(asked, placement);
  EXPECT_EQ(choice.backend, chosen) << choice.why;
  EXPECT_EQ(choice.warning, warning) << choice.why;
  EXPECT_THAT(choice.why, HasSubstr(why));
}

TEST(Placement, AutoTakesNcclWhereEveryRankHasAGpuOfItsOwn) {
  expect_choice(Backend::automatic, placed(one_gpu_each), Backend::nccl, false, "a GPU of its own");
  expect_choice(Backend::automatic, placed({{"node1", "a"}}), Backend::nccl, false, "a GPU of its own");
}

TEST(Placement, AutoTakesMpiAndWarnsWhereTwoRanksShareAGpu) {
  expect_choice(Backend::automatic, placed(shared), Backend::mpi, true, "ranks 1 and 2 share GPU a of node2");
}

TEST(Placement, AutoTakesMpiAndWarnsWhereOnlySomeRanksHaveAGpu) {
  expect_choice(Backend::automatic, placed(mixed), Backend::mpi, true, "rank 1 on node2 computes on the CPU");
}

TEST(Placement, AutoTakesMpiWhereNoRankHasAGpu) {
  expect_choice(Backend::automatic, placed(processors), Backend::mpi, false, "rank 0 on node1 computes on the CPU");
}

TEST(Placement, AutoTakesMpiWhereNcclIsNotBuilt) {
  expect_choice(Backend::automatic, placed(one_gpu_each, false), Backend::mpi, false, "not built");
}

TEST(Placement, AutoTakesSingleWithoutALauncher) {
  expect_choice(Backend::automatic, placed({{"node1", ""}}, false, false), Backend::single, false, "one rank");
  expect_choice(Backend::automatic, placed({{"node1", "a"}}, true, false), Backend::single, false, "one rank");
}

TEST(Placement, WhatIsAskedForIsTakenWhereItCanServe) {
  expect_choice(Backend::nccl, placed(one_gpu_each), Backend::nccl, false, "asks for it");
  expect_choice(Backend::nccl, placed({{"node1", "a"}}, true, false), Backend::nccl, false, "asks for it");
  expect_choice(Backend::mpi, placed(one_gpu_each), Backend::mpi, false, "asks for it");
  expect_choice(Backend::single, placed({{"node1", ""}}), Backend::single, false, "asks for it");
}

void expect_refused(Backend asked, const Placement& placement, const std::string& what, const std::string& remedy) {
  EXPECT_THAT([&] { choose_backend(asked, placement); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr(what), HasSubstr(remedy))));
}

TEST(Placement, WhatCannotServeIsRefusedWithAReasonAndARemedy) {
  expect_refused(Backend::nccl, placed(shared), "ranks 1 and 2 share GPU a of node2", "as many ranks a node");
  expect_refused(Backend::nccl, placed(mixed), "rank 1 on node2 computes on the CPU", "as many ranks a node");
  expect_refused(Backend::nccl, placed(one_gpu_each, false), "not built", "launch/build.sh --cuda");
  expect_refused(Backend::single, placed(processors), "2 ranks were started", "auto");
  expect_refused(Backend::mpi, placed({{"node1", ""}}, false, false), "no launcher", "launch/mpirun.sh");
}

TEST(Placement, DevicesAreGatheredInRankOrder) {
  run_ranks_as_threads(3, {}, [](Communicator& ranks) {
    const std::string number = std::to_string(ranks.rank());
    const std::vector<RankDevice> all =
        gather_devices(ranks, {"host" + number, ranks.rank() == 1 ? "" : "gpu" + number});
    EXPECT_EQ(all, (std::vector<RankDevice>{{"host0", "gpu0"}, {"host1", ""}, {"host2", "gpu2"}}));
  });
}

TEST(Placement, NamesTooLongAreCutNotMixedUp) {
  run_ranks_as_threads(2, {}, [](Communicator& ranks) {
    const std::vector<RankDevice> all = gather_devices(ranks, {std::string(1000, 'h'), std::string(1000, 'g')});
    for (const RankDevice& device : all) EXPECT_EQ(device, (RankDevice{std::string(255, 'h'), std::string(255, 'g')}));
  });
}

TEST(Placement, ThisNodeHasAName) { EXPECT_FALSE(host_name().empty()); }

TEST(Placement, ABackendThatIsNotBuiltSaysSo) {
  if (nccl_built()) GTEST_SKIP() << "NCCL is built";
  EXPECT_EQ(nccl_version(), "not built");
  EXPECT_EQ(gpu_identity(c10::Device(c10::kCPU)), "");
  EXPECT_THAT([] { make_nccl(*make_single(), c10::Device(c10::kCPU), {}); },
              ThrowsMessage<CommunicationError>(HasSubstr("launch/build.sh --cuda")));
}

}  // namespace
}  // namespace causalfm::comm
