#include "training/rollback.hpp"

#include "training/resumption.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace causalfm::training {

namespace {

/// As the run began: the weights that were drawn, or those of --init-from.
void begin_again(const TrainRequest& request, const Host& host, Assembly& assembly) {
  const at::NoGradGuard no_grad;
  const model::Parameters& parameters = assembly.model->parameters();
  if (const auto initial = find_initial_weights(request, host)) {
    restore_weights(*initial, *assembly.model);
  } else {
    const model::CausalModel drawn(request.config.model, assembly.model->scale(),
                                   static_cast<uint64_t>(request.config.seed), parameters.options());
    parameters.flat_values().detach().copy_(drawn.parameters().flat_values());
  }
  assembly.optimizer->first_moment().zero_();
  assembly.optimizer->second_moment().zero_();
}

}  // namespace

bool roll_back(const TrainRequest& request, const Host& host, int64_t failed_step, Assembly& assembly,
               Progress& progress) {
  TrainRequest go_on = request;
  go_on.resume = Resume::automatic;  // the folder holds this run by now, whatever it was asked to do with another one
  const auto checkpoint = find_checkpoint(go_on, host);
  if (failed_step == (checkpoint ? checkpoint->step : 0)) return false;

  const Progress before = progress;
  if (checkpoint) {
    progress = restore(*checkpoint, *assembly.model, *assembly.optimizer);
  } else {
    begin_again(request, host, assembly);
    progress = {};
  }
  progress.seconds = before.seconds;
  progress.recovery.rate_factor = before.recovery.rate_factor * request.config.train.rollback_rate_factor;
  return true;
}

}  // namespace causalfm::training
