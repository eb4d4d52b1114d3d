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

  std::vector<std::string> calls;

 private:
  using Operation = std::unique_ptr<comm::Pending::Operation>;

  /// Hands on what the inner communicator has under way.
  struct Inner final : comm::Pending::Operation {
    explicit Inner(comm::Pending pending) : pending(std::move(pending)) {}
    void wait() override { pending.wait(); }
    comm::Pending pending;
  };

  Operation record(const comm::Call& call, comm::Pending pending) {
    calls.emplace_back(comm::to_string(call.collective));
    return std::make_unique<Inner>(std::move(pending));
  }

  Operation start_all_reduce(const comm::Call& call, at::Tensor tensor, comm::Reduction reduction) override {
    return record(call, inner_.all_reduce(tensor, reduction));
  }
  Operation start_all_gather(const comm::Call& call, at::Tensor slice, at::Tensor gathered,
                             at::IntArrayRef rows_of_rank) override {
    return record(call, inner_.all_gather(slice, gathered, rows_of_rank));
  }
  Operation start_reduce_scatter(const comm::Call& call, at::Tensor tensor, at::Tensor slice,
                                 at::IntArrayRef rows_of_rank) override {
    return record(call, inner_.reduce_scatter(tensor, slice, rows_of_rank));
  }
  Operation start_all_to_all(const comm::Call& call, at::Tensor sent, at::Tensor received) override {
    return record(call, inner_.all_to_all(sent, received));
  }
  Operation start_broadcast(const comm::Call& call, at::Tensor tensor, int64_t root) override {
    return record(call, inner_.broadcast(tensor, root));
  }
  Operation start_barrier(const comm::Call& call) override {
    inner_.barrier();
    return record(call, {});
  }

  comm::Communicator& inner_;
};

}  // namespace causalfm::loss
