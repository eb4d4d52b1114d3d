#pragma once

#include "causalfm/comm/communicator.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::training {

/// Hands every call on to another communicator, keeps its words, and shows results to whoever wants to spoil them.
class ObservedCommunicator final : public comm::Communicator {
 public:
  using Done = std::function<void(const comm::Call&, const at::Tensor& result)>;

  explicit ObservedCommunicator(
      comm::Communicator& inner, Done done = [](const comm::Call&, const at::Tensor&) {})
      : inner_(inner), done_(std::move(done)) {}

  int64_t rank() const override { return inner_.rank(); }
  int64_t world_size() const override { return inner_.world_size(); }
  std::string_view backend() const override { return inner_.backend(); }

  std::vector<std::string> calls;

 private:
  using Operation = std::unique_ptr<comm::Pending::Operation>;

  struct Inner final : comm::Pending::Operation {
    Inner(comm::Pending pending, std::function<void()> done) : pending(std::move(pending)), done(std::move(done)) {}
    void wait() override {
      pending.wait();
      done();
    }
    comm::Pending pending;
    std::function<void()> done;
  };

  Operation observe(const comm::Call& call, comm::Pending pending, const at::Tensor& result) {
    calls.push_back(call.words);
    return std::make_unique<Inner>(std::move(pending), [this, call, result] { done_(call, result); });
  }

  Operation start_all_reduce(const comm::Call& call, at::Tensor tensor, comm::Reduction reduction) override {
    return observe(call, inner_.all_reduce(tensor, reduction), tensor);
  }
  Operation start_all_gather(const comm::Call& call, at::Tensor slice, at::Tensor gathered,
                             at::IntArrayRef rows_of_rank) override {
    return observe(call, inner_.all_gather(slice, gathered, rows_of_rank), gathered);
  }
  Operation start_reduce_scatter(const comm::Call& call, at::Tensor tensor, at::Tensor slice,
                                 at::IntArrayRef rows_of_rank) override {
    return observe(call, inner_.reduce_scatter(tensor, slice, rows_of_rank), slice);
  }
  Operation start_all_to_all(const comm::Call& call, at::Tensor sent, at::Tensor received) override {
    return observe(call, inner_.all_to_all(sent, received), received);
  }
  Operation start_broadcast(const comm::Call& call, at::Tensor tensor, int64_t root) override {
    return observe(call, inner_.broadcast(tensor, root), tensor);
  }
  Operation start_barrier(const comm::Call& call) override {
    inner_.barrier();
    return observe(call, {}, {});
  }

  comm::Communicator& inner_;
  Done done_;
};

}  // namespace causalfm::training
