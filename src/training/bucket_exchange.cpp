#include "training/bucket_exchange.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace causalfm::training {

namespace {

constexpr std::string_view purpose = "gradients";

class PlainExchange final : public BucketExchange {
 public:
  explicit PlainExchange(comm::Communicator& communicator) : communicator_(communicator) {}

  void launch(const at::Tensor& gradient) override {
    pending_.push_back(communicator_.all_reduce(gradient, comm::Reduction::sum, purpose));
  }

  void finish() override {
    for (comm::Pending& pending : pending_) pending.wait();
    pending_.clear();
  }

 private:
  comm::Communicator& communicator_;
  std::vector<comm::Pending> pending_;
};

/// A bucket goes through two collectives: rank r receives slice r of every rank's gradient and sums it (all_to_all),
/// then ranks exchange the sums (all_gather). The second of a bucket is launched right after the first of the bucket
/// `distance` later, a fixed order: were it launched once the first is complete, ranks would call in different orders.
class Bfloat16Exchange final : public BucketExchange {
 public:
  explicit Bfloat16Exchange(comm::Communicator& communicator) : communicator_(communicator) {}

  void launch(const at::Tensor& gradient) override {
    const int64_t ranks = communicator_.world_size();
    const int64_t slice = (gradient.numel() + ranks - 1) / ranks;
    Transfer transfer{gradient, at::zeros({ranks, slice}, gradient.options().dtype(at::kBFloat16)), {}, {}};
    transfer.own_part().copy_(gradient);
    transfer.received = at::empty_like(transfer.wire);
    transfer.pending = communicator_.all_to_all(transfer.wire, transfer.received, purpose);
    transfers_.push_back(std::move(transfer));
    if (transfers_.size() > distance) gather(transfers_[gathered_++]);
  }

  void finish() override {
    while (gathered_ < transfers_.size()) gather(transfers_[gathered_++]);
    for (Transfer& transfer : transfers_) {
      transfer.pending.wait();
      transfer.gradient.copy_(transfer.own_part());
    }
    transfers_.clear();
    gathered_ = 0;
  }

 private:
  static constexpr size_t distance = 2;

  struct Transfer {
    at::Tensor gradient;
    at::Tensor wire;      ///< [ranks, slice] bfloat16: this rank's gradient, later the sum; zeros after its end
    at::Tensor received;  ///< [ranks, slice] bfloat16: this rank's slice of every rank's gradient
    comm::Pending pending;

    at::Tensor own_part() const { return wire.view(-1).narrow(0, 0, gradient.numel()); }
  };

  void gather(Transfer& transfer) {
    transfer.pending.wait();
    at::Tensor sum = transfer.received[0].to(transfer.gradient.scalar_type());
    for (int64_t rank = 1; rank < communicator_.world_size(); ++rank) sum.add_(transfer.received[rank]);
    transfer.received.reset();
    const std::vector<int64_t> rows_of_rank(communicator_.world_size(), sum.numel());
    transfer.pending = communicator_.all_gather(sum.to(at::kBFloat16), transfer.wire.view(-1), rows_of_rank, purpose);
  }

  comm::Communicator& communicator_;
  std::vector<Transfer> transfers_;
  size_t gathered_ = 0;  ///< transfers that are in their second collective
};

}  // namespace

std::unique_ptr<BucketExchange> make_bucket_exchange(config::GradientPrecision precision,
                                                     comm::Communicator& communicator) {
  if (precision == config::GradientPrecision::bfloat16 && communicator.world_size() > 1) {
    return std::make_unique<Bfloat16Exchange>(communicator);
  }
  return std::make_unique<PlainExchange>(communicator);
}

}  // namespace causalfm::training
