#include "call_check.hpp"

#include "causalfm/comm/error.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>
#include <vector>

namespace causalfm::comm {
namespace {

/// Longer words are compared by their beginning alone.
constexpr int64_t record_bytes = 256;

std::string text_of(const at::Tensor& record) {
  const auto* begin = reinterpret_cast<const char*>(record.const_data_ptr<uint8_t>());
  return {begin, std::find(begin, begin + record_bytes, '\0')};
}

}  // namespace

void require_same_call(Communicator& channel, const Call& call) {
  const int64_t ranks = channel.world_size();
  const at::Tensor mine = at::zeros({1, record_bytes}, at::kByte);
  const std::string text = call.words.substr(0, record_bytes - 1);
  std::ranges::copy(text, mine.mutable_data_ptr<uint8_t>());
  const at::Tensor all = at::empty({ranks, record_bytes}, at::kByte);
  channel.all_gather(mine, all, std::vector<int64_t>(ranks, 1)).wait();
  for (int64_t rank = 0; rank < ranks; ++rank) {
    const std::string other = text_of(all[rank]);
    if (other == text) continue;
    throw CommunicationError(call.place(channel.rank(), ranks) + " meets " + other + " on rank " +
                             std::to_string(rank) +
                             "; every rank must make the same calls in the same order with the same sizes");
  }
}

}  // namespace causalfm::comm
