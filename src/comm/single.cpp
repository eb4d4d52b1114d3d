#include "causalfm/comm/backends.hpp"

#include "call.hpp"

namespace causalfm::comm {
namespace {

class Single final : public Communicator {
 public:
  int64_t rank() const override { return 0; }
  int64_t world_size() const override { return 1; }
  std::string_view backend() const override { return "single"; }

  Pending all_reduce(at::Tensor tensor, Reduction reduction) override {
    all_reduce_call(tensor, reduction);
    return {};
  }

  Pending all_gather(at::Tensor slice, at::Tensor gathered, at::IntArrayRef rows_of_rank) override {
    all_gather_call(slice, gathered, rows_of_rank, 0, 1);
    gathered.detach().copy_(slice.detach());
    return {};
  }

  Pending reduce_scatter(at::Tensor tensor, at::Tensor slice, at::IntArrayRef rows_of_rank) override {
    reduce_scatter_call(tensor, slice, rows_of_rank, 0, 1);
    slice.detach().copy_(tensor.detach());
    return {};
  }

  Pending broadcast(at::Tensor tensor, int64_t root) override {
    broadcast_call(tensor, root, 1);
    return {};
  }

  void barrier() override {}
};

}  // namespace

std::unique_ptr<Communicator> make_single() { return std::make_unique<Single>(); }

}  // namespace causalfm::comm
