#include "causalfm/comm/placement.hpp"

#include "causalfm/config/error.hpp"
#include "comm/gather_texts.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

namespace causalfm::comm {
namespace {

using config::Backend;
using config::ConfigError;

/// Why NCCL cannot serve the ranks, and what would help; none where it can.
struct Obstacle {
  std::string what;
  std::string remedy;
  bool misplaced = false;  ///< GPUs are there, but not one for each rank
};

std::optional<Obstacle> obstacle_to_nccl(const Placement& placement) {
  if (!placement.nccl_built)
    return Obstacle{"NCCL is not built into this program", "build with launch/build.sh --cuda"};
  const std::vector<RankDevice>& ranks = placement.ranks;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    if (ranks[rank].gpu.empty()) {
      const bool some = std::ranges::any_of(ranks, [](const RankDevice& device) { return !device.gpu.empty(); });
      return Obstacle{"rank " + std::to_string(rank) + " on " + ranks[rank].host + " computes on the CPU",
                      "start as many ranks a node as it has GPUs, with runtime.device auto or cuda", some};
    }
    const auto first = std::find(ranks.begin(), ranks.end(), ranks[rank]);
    if (first != ranks.begin() + static_cast<int64_t>(rank)) {
      return Obstacle{"ranks " + std::to_string(first - ranks.begin()) + " and " + std::to_string(rank) +
                          " share GPU " + first->gpu + " of " + first->host,
                      "start at most as many ranks a node as it has GPUs", true};
    }
  }
  return std::nullopt;
}

BackendChoice choose_automatically(const Placement& placement) {
  const std::optional<Obstacle> obstacle = obstacle_to_nccl(placement);
  if (!placement.launched) return {Backend::single, "one rank, started without mpirun or srun"};
  if (!obstacle) return {Backend::nccl, "every rank has a GPU of its own"};
  return {Backend::mpi, obstacle->misplaced ? obstacle->what + ": " + obstacle->remedy + " for NCCL" : obstacle->what,
          obstacle->misplaced};
}

}  // namespace

BackendChoice choose_backend(Backend asked, const Placement& placement) {
  const std::string as_asked = "comm.backend asks for it";
  const size_t ranks = placement.ranks.size();
  switch (asked) {
    case Backend::single:
      if (ranks > 1) {
        throw ConfigError("comm.backend is single, but " + std::to_string(ranks) +
                          " ranks were started: set it to auto, or start one rank");
      }
      return {Backend::single, as_asked};
    case Backend::mpi:
      if (!placement.launched) {
        throw ConfigError(
            "comm.backend is mpi, but no launcher started this process: use launch/mpirun.sh or srun --mpi=pmix, or "
            "set it to auto");
      }
      return {Backend::mpi, as_asked};
    case Backend::nccl:
      if (const std::optional<Obstacle> obstacle = obstacle_to_nccl(placement)) {
        throw ConfigError("comm.backend is nccl, but " + obstacle->what + ": " + obstacle->remedy +
                          ", or set it to auto");
      }
      return {Backend::nccl, as_asked};
    default:
      return choose_automatically(placement);
  }
}

std::vector<RankDevice> gather_devices(Communicator& control, const RankDevice& mine) {
  std::vector<RankDevice> devices;
  for (const std::vector<std::string>& texts : gather_texts(control, {mine.host, mine.gpu}, "the ranks' devices")) {
    devices.push_back({texts[0], texts[1]});
  }
  return devices;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "an unnamed host";
  return name.data();
}

}  // namespace causalfm::comm
