#include "training/hosts_of_ranks.hpp"

#include "causalfm/run/process.hpp"
#include "training/gather_rows.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace causalfm::training {

std::vector<std::string> hosts_of_ranks(comm::Communicator& communicator) {
  constexpr size_t most = 64;
  const std::string host = run::this_host().substr(0, most);
  const at::Tensor mine = at::zeros({1, static_cast<int64_t>(most)}, at::kByte);
  std::copy(host.begin(), host.end(), mine.data_ptr<uint8_t>());
  const std::vector<int64_t> one_each(static_cast<size_t>(communicator.world_size()), 1);
  const at::Tensor all = gather_rows(mine, one_each, communicator);
  std::vector<std::string> hosts;
  for (int64_t rank = 0; rank < communicator.world_size(); ++rank) {
    const uint8_t* const first = all[rank].const_data_ptr<uint8_t>();
    hosts.emplace_back(first, std::find(first, first + most, 0));
  }
  return hosts;
}

}  // namespace causalfm::training
