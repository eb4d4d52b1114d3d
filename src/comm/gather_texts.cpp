#include "comm/gather_texts.hpp"

#include <ATen/ops/zeros.h>

namespace causalfm::comm {

std::vector<std::vector<std::string>> gather_texts(Communicator& ranks, const std::vector<std::string>& mine,
                                                   std::string_view purpose) {
  constexpr int64_t most_bytes = 256;  // with the terminating zero
  const auto texts = static_cast<int64_t>(mine.size());
  const int64_t row_bytes = texts * most_bytes;
  const at::Tensor row = at::zeros({1, row_bytes}, at::kByte);
  char* const bytes = static_cast<char*>(row.mutable_data_ptr());
  for (int64_t i = 0; i < texts; ++i) mine[i].copy(bytes + i * most_bytes, most_bytes - 1);
  const at::Tensor rows = at::zeros({ranks.world_size(), row_bytes}, at::kByte);
  ranks.all_gather(row, rows, std::vector<int64_t>(ranks.world_size(), 1), purpose).wait();
  std::vector<std::vector<std::string>> all(ranks.world_size());
  const char* text = static_cast<const char*>(rows.const_data_ptr());
  for (std::vector<std::string>& of_rank : all) {
    for (int64_t i = 0; i < texts; ++i, text += most_bytes) of_rank.emplace_back(text);
  }
  return all;
}

}  // namespace causalfm::comm
