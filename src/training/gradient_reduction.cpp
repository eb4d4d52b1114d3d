#include "causalfm/training/gradient_reduction.hpp"

#include "training/bucket_exchange.hpp"
#include "training/profile.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <optional>

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
  Round(GradientReduction& reduction, const Profile* profile)
      : reduction_(reduction),
        profile_(profile),
        exchange_(make_bucket_exchange(reduction.precision_, reduction.communicator_)) {
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

  /// When the first bucket was launched, in the time of the profile; none before, or without one.
  std::optional<double> first_launch() const { return first_launch_; }

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
    if (profile_ != nullptr && launched_ == 0 && end > 0) first_launch_ = profile_->now();
    for (; launched_ < end; ++launched_) {
      const GradientBucket& bucket = reduction_.buckets_[launched_];
      exchange_->launch(reduction_.parameters_.flat_gradients().narrow(0, bucket.first, bucket.elements));
    }
  }

  GradientReduction& reduction_;
  const Profile* profile_;
  std::optional<double> first_launch_;
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

void GradientReduction::run(const std::function<void()>& backward, Profile* profile) {
  Round round(*this, profile);
  {
    const Profile::Scope scope(profile, "backward");
    backward();
  }
  if (const auto launched = round.first_launch(); launched && communicator_.world_size() > 1) {
    profile->add({Span::Kind::reduction, "gradients under way", *launched, profile->now(), 0.0});
  }
  const Profile::Scope scope(profile, "gradient reduction");
  round.finish();
}

}  // namespace causalfm::training
