#pragma once

#include "causalfm/comm/communicator.hpp"

#include <string>
#include <vector>

namespace causalfm::loss {

/// Hands every call on to another communicator and keeps its name.
class RecordingCommunicator final : public comm::Communicator {
 public:
  explicit RecordingCommunicator(comm::Communicator& inner) : inner_(inner) {}

  int64_t rank() const override { return inner_.rank(); }
  int64_t world_size() const override { return inner_.world_size(); }
  std::string_view backend() const override { return inner_.backend(); }

  comm::Pending all_reduce(at::Tensor tensor, comm::Reduction reduction) override {
    calls.emplace_back("all_reduce");
    return inner_.all_reduce(tensor, reduction);
  }
  comm::Pending all_gather(at::Tensor slice, at::Tensor gathered, at::IntArrayRef rows_of_rank) override {
    calls.emplace_back("all_gather");
    return inner_.all_gather(slice, gathered, rows_of_rank);
  }
  comm::Pending reduce_scatter(at::Tensor tensor, at::Tensor slice, at::IntArrayRef rows_of_rank) override {
    calls.emplace_back("reduce_scatter");
    return inner_.reduce_scatter(tensor, slice, rows_of_rank);
  }
  comm::Pending broadcast(at::Tensor tensor, int64_t root) override {
    calls.emplace_back("broadcast");
    return inner_.broadcast(tensor, root);
  }
  void barrier() override {
    calls.emplace_back("barrier");
    inner_.barrier();
  }

  std::vector<std::string> calls;

 private:
  comm::Communicator& inner_;
};

}  // namespace causalfm::loss
