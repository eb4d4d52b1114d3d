#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/training/adam.hpp"
#include "causalfm/training/gradient_reduction.hpp"
#include "training/profile.hpp"
#include "training/recovery.hpp"

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <string>

namespace causalfm::training {

/// The global losses of one step, equal on every rank.
struct Losses {
  double total = 0.0;
  double reconstruction = 0.0;
  double star = 0.0;
  double instrument = 0.0;
};

/// This rank's rows of a batch as the networks take them: on the device, in the model's dtype.
model::Curves to_curves(const data::Batch& batch, at::ScalarType dtype, c10::Device device);

/// One global step, in two halves so that one may look in between. Collective.
class Step {
 public:
  Step(const config::Config& settings, model::CausalModel& model, Adam& optimizer, comm::Communicator& communicator,
       c10::Device device);

  struct Backward {
    Losses losses;
    model::Outputs outputs;  ///< of this rank's rows, without graph
    double gradient_norm = 0.0;

    /// The first of these numbers that is not finite ("the star loss is nan"); none if all are. Equal on every rank.
    std::optional<std::string> not_finite() const;
  };

  /// Forward, loss, backward, in two stages: first the gradient of the loss at the networks' outputs, with all of the
  /// loss's collectives, then that of the parameters, of which buckets are reduced meanwhile. Leaves the gradient of
  /// the global loss, summed over ranks, in the model's parameters. The host waits for a device once, at the end.
  Backward backward(const data::LoadedStep& loaded, Profile* profile = nullptr);

  /// Clips the gradient to train.gradient_clip and updates the parameters. Returns the learning rate.
  double update(int64_t step, double gradient_norm, const Recovery& recovery = {}, Profile* profile = nullptr);

  /// What an update of this step takes.
  double learning_rate(int64_t step, const Recovery& recovery) const;

 private:
  struct ObjectiveGradient {
    at::Tensor losses;          ///< [4] on the device, in the order of Losses
    model::Outputs at_outputs;  ///< undefined where the objective does not depend on an output
  };
  ObjectiveGradient differentiate(const model::Outputs& outputs, const model::Curves& curves,
                                  const data::LoadedStep& loaded, Profile* profile);

  const config::Config& settings_;
  model::CausalModel& model_;
  Adam& optimizer_;
  comm::Communicator& communicator_;
  c10::Device device_;
  GradientReduction reduction_;
};

}  // namespace causalfm::training
