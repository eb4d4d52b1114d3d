#include "causalfm/training/gradient_reduction.hpp"

#include "training/bucket_exchange.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>

namespace causalfm::training {

namespace {

class Hook final : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit Hook(std::function<void()> accumulated) : accumulated_(std::move(accumulated)) {}
  void operator()(const at::Tensor&) override { accumulated_(); }

 private:
  std::function<void()> accumulated_;
};

}  // namespace

/// One step's reduction. Its hooks are on the parameters as long as it lives, so that no backward but the last of a
/// step sees them, and none that throws leaves them behind.
class GradientReduction::Round {
 public:
  explicit Round(GradientReduction& reduction)
      : reduction_(reduction), exchange_(make_bucket_exchange(reduction.precision_, reduction.communicator_)) {
    auto entry = reduction.parameters_.entries().rbegin();
    for (size_t bucket = 0; bucket < reduction.buckets_.size(); ++bucket) {
      missing_.push_back(reduction.buckets_[bucket].parameters);
      for (int64_t count = 0; count < missing_.back(); ++count, ++entry) {
        torch::autograd::impl::set_post_acc_grad_hooks(entry->value,
                                                       std::make_unique<Hook>([this, bucket] { arrived(bucket); }));
      }
    }
  }

  ~Round() {
    for (const auto& entry : reduction_.parameters_.entries()) {
      torch::autograd::impl::set_post_acc_grad_hooks(entry.value, nullptr);
    }
  }

  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  void finish() {
    launch_until(missing_.size());
    exchange_->finish();
  }

 private:
  void arrived(size_t bucket) {
    --missing_[bucket];
    size_t end = launched_;
    while (end < missing_.size() && missing_[end] == 0) ++end;
    launch_until(end);
  }

  void launch_until(size_t end) {
    for (; launched_ < end; ++launched_) {
      const GradientBucket& bucket = reduction_.buckets_[launched_];
      exchange_->launch(reduction_.parameters_.flat_gradients().narrow(0, bucket.first, bucket.elements));
    }
  }

  GradientReduction& reduction_;
  std::unique_ptr<BucketExchange> exchange_;
  std::vector<int64_t> missing_;  ///< gradients that a bucket waits for
  size_t launched_ = 0;           ///< buckets
};

GradientReduction::GradientReduction(model::Parameters& parameters, const config::Comm& settings,
                                     comm::Communicator& communicator)
    : parameters_(parameters),
      communicator_(communicator),
      precision_(settings.gradient_precision),
      buckets_(gradient_buckets(parameters, settings.bucket_mib)) {}

void GradientReduction::run(const std::function<void()>& backward) {
  Round round(*this);
  backward();
  round.finish();
}

}  // namespace causalfm::training
