#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

namespace causalfm::comm {

bool nccl_built() { return false; }

std::string nccl_version() { return "not built"; }

std::string gpu_identity(c10::Device) { return {}; }

std::unique_ptr<Communicator> make_nccl(Communicator&, c10::Device, const Options&) {
  throw CommunicationError(
      "NCCL is not built into this program: build with launch/build.sh --cuda, or set comm.backend to auto");
}

}  // namespace causalfm::comm
