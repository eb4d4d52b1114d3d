#include "training/collapse_watch.hpp"

#include <spdlog/spdlog.h>

namespace causalfm::training {

void CollapseWatch::look(const ValidationResult& result, int64_t step) {
  look(star_, result.star.effective_rank, step);
  look(instrument_, result.instrument.effective_rank, step);
}

void CollapseWatch::look(Space& space, double effective_rank, int64_t step) {
  const bool above = effective_rank >= bound_;
  if (space.was_above && !above) {
    log_.warn(
        "step {}: the space of {} collapses, the effective rank of its latents has fallen to {:.2f}: lower "
        "train.learning_rate, or raise train.batch_triplets or the weight of its loss (docs/numerics.md)",
        step, space.of, effective_rank);
  }
  space.was_above = above && bound_ > 0.0;
}

}  // namespace causalfm::training
