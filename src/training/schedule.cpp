#include "causalfm/training/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace causalfm::training {

double learning_rate_at(int64_t step, const config::Train& settings) {
  if (step < settings.warmup_steps) {
    return settings.learning_rate * static_cast<double>(step + 1) / static_cast<double>(settings.warmup_steps);
  }
  if (settings.schedule == config::Schedule::constant) return settings.learning_rate;
  const double remaining = std::max<double>(1.0, static_cast<double>(settings.steps - settings.warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(step - settings.warmup_steps) / remaining);
  return settings.learning_rate * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace causalfm::training
