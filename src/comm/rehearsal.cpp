#include "causalfm/comm/backends.hpp"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <stdexcept>

namespace causalfm::comm {
namespace {

using Operation = std::unique_ptr<Pending::Operation>;

class Rehearsal final : public Communicator {
 public:
  explicit Rehearsal(int64_t world_size) : world_size_(world_size) {}

  int64_t rank() const override { return 0; }
  int64_t world_size() const override { return world_size_; }
  std::string_view backend() const override { return "rehearsal"; }

 private:
  Operation start_all_reduce(const Call&, at::Tensor tensor, Reduction reduction) override {
    if (reduction == Reduction::sum && tensor.scalar_type() != at::kBool) tensor.mul_(world_size_);
    return {};
  }

  Operation start_all_gather(const Call&, at::Tensor slice, at::Tensor gathered, at::IntArrayRef) override {
    for (int64_t first = 0; first < gathered.size(0) && slice.size(0) > 0; first += slice.size(0)) {
      const int64_t rows = std::min(slice.size(0), gathered.size(0) - first);
      gathered.narrow(0, first, rows).copy_(slice.narrow(0, 0, rows));
    }
    return {};
  }

  Operation start_reduce_scatter(const Call&, at::Tensor tensor, at::Tensor slice, at::IntArrayRef) override {
    slice.copy_(tensor.narrow(0, 0, slice.size(0)));
    return {};
  }

  Operation start_all_to_all(const Call&, at::Tensor sent, at::Tensor received) override {
    received.copy_(sent.narrow(0, 0, 1).expand_as(received));
    return {};
  }

  Operation start_broadcast(const Call&, at::Tensor, int64_t) override { return {}; }
  Operation start_barrier(const Call&) override { return {}; }

  int64_t world_size_;
};

}  // namespace

std::unique_ptr<Communicator> make_rehearsal(int64_t world_size) {
  if (world_size < 1) throw std::invalid_argument("make_rehearsal: world_size must be at least 1");
  return std::make_unique<Rehearsal>(world_size);
}

}  // namespace causalfm::comm
