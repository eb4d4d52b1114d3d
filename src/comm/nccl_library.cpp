#include "causalfm/comm/backends.hpp"

#include "cuda_device.hpp"
#include "nccl.hpp"

namespace causalfm::comm {
namespace {

const NcclApi& nccl_library() {
  static const NcclApi api{
      .get_unique_id = ncclGetUniqueId,
      .comm_init_rank_config = ncclCommInitRankConfig,
      .comm_get_async_error = ncclCommGetAsyncError,
      .comm_finalize = ncclCommFinalize,
      .comm_destroy = ncclCommDestroy,
      .comm_abort = ncclCommAbort,
      .all_reduce = ncclAllReduce,
      .all_gather = ncclAllGather,
      .reduce_scatter = ncclReduceScatter,
      .broadcast = ncclBroadcast,
      .send = ncclSend,
      .receive = ncclRecv,
      .group_start = ncclGroupStart,
      .group_end = ncclGroupEnd,
      .get_error_string = ncclGetErrorString,
      .get_last_error = ncclGetLastError,
  };
  return api;
}

}  // namespace

bool nccl_built() { return true; }

std::string nccl_version() {
  int code = 0;
  if (ncclGetVersion(&code) != ncclSuccess) return "unknown";
  return std::to_string(code / 10000) + '.' + std::to_string(code / 100 % 100) + '.' + std::to_string(code % 100);
}

std::string gpu_identity(c10::Device device) { return device.is_cuda() ? cuda_bus_id(device.index()) : std::string(); }

std::unique_ptr<Communicator> make_nccl(Communicator& control, c10::Device device, const Options& options) {
  return make_nccl(nccl_library(), cuda_device_api(), control, device.index(), options);
}

}  // namespace causalfm::comm
