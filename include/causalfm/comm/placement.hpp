#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"

#include <string>
#include <vector>

namespace causalfm::comm {

/// Where a rank computes.
struct RankDevice {
  std::string host;
  std::string gpu;  ///< equal for two ranks of a host if and only if they use one GPU; empty: the CPU

  bool operator==(const RankDevice&) const = default;
};

/// What the choice of a backend depends on; equal on all ranks.
struct Placement {
  bool launched = false;          ///< by mpirun or srun, so that there is MPI
  bool nccl_built = false;        ///< into this program
  std::vector<RankDevice> ranks;  ///< by rank
};

struct BackendChoice {
  config::Backend backend;  ///< nccl, mpi or single
  std::string why;          ///< "every rank has a GPU of its own"
  bool warning = false;     ///< a user will wish to change something
};

/// The backend for ranks placed so, and why. Pure.
/// @throws ConfigError when the backend that `asked` names cannot serve them.
BackendChoice choose_backend(config::Backend asked, const Placement& placement);

/// Where every rank computes, by rank. Collective.
/// @throws CommunicationError
std::vector<RankDevice> gather_devices(Communicator& control, const RankDevice& mine);

/// The name by which this node calls itself. Local.
std::string host_name();

}  // namespace causalfm::comm
