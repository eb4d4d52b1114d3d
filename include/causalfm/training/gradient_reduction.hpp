#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/model/parameters.hpp"
#include "causalfm/training/gradient_buckets.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace causalfm::training {

class Profile;

/// Sums the gradients of a model over all ranks, in place in its flat gradient, while backward runs. Buckets are
/// launched in the order of gradient_buckets(), whatever the order in which backward finds their gradients.
class GradientReduction {
 public:
  /// `parameters` (sealed) and `communicator` outlive it.
  GradientReduction(model::Parameters& parameters, const config::Comm& settings, comm::Communicator& communicator);

  /// Runs `backward`, the last one of a step: it accumulates into each parameter once at most, and what it leaves
  /// there is this rank's whole gradient. A bucket is launched as soon as its gradients and those of the buckets before
  /// it are complete, the rest after `backward`: a parameter that it does not reach takes part with what its gradient
  /// holds. Returns when every gradient is the sum over ranks, the same bits on every rank.
  /// While it runs, no other hook may be set on the parameters' accumulation (torch's post_acc_grad_hooks).
  /// `profile` is told when; null: none. Collective. @throws what `backward` throws; CommunicationError
  void run(const std::function<void()>& backward, Profile* profile = nullptr);

  const std::vector<GradientBucket>& buckets() const { return buckets_; }

 private:
  class Round;

  model::Parameters& parameters_;
  comm::Communicator& communicator_;
  config::GradientPrecision precision_;
  std::vector<GradientBucket> buckets_;
};

}  // namespace causalfm::training
