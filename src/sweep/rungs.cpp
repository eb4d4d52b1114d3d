#include "causalfm/sweep/rungs.hpp"

#include "causalfm/sweep/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace causalfm::sweep {

std::vector<Rung> rungs_of(const Description& description) {
  if (description.method != Method::successive_halving) return {{description.settings, 0}};
  const config::Train& train = description.base.train;
  std::vector<Rung> rungs;
  for (int64_t settings = description.settings; settings > 0; settings /= description.reduction) {
    rungs.push_back({settings, train.steps});
  }
  double share = 1.0;
  for (auto rung = rungs.rbegin() + 1; rung < rungs.rend(); ++rung) {
    share /= static_cast<double>(description.reduction);
    const auto steps = static_cast<int64_t>(static_cast<double>(train.steps) * share);
    const int64_t validations = (std::max<int64_t>(steps, 1) + train.validate_every - 1) / train.validate_every;
    rung->steps = std::min(validations * train.validate_every, train.steps);
  }
  const auto same_steps = [](const Rung& one, const Rung& next) { return one.steps == next.steps; };
  rungs.erase(std::unique(rungs.begin(), rungs.end(), same_steps), rungs.end());
  return rungs;
}

void require_rungs(const Description& description, const std::string& name) {
  for (const Parameter& parameter : description.parameters) {
    if (parameter.key != "train.steps" && parameter.key != "train.validate_every") continue;
    throw SweepError(
        fmt::format("{}: successive halving chooses by train.steps and train.validate_every itself; remove "
                    "'{}' from the parameters",
                    name, parameter.key));
  }
  if (description.settings < description.reduction) {
    throw SweepError(
        fmt::format("{}: successive halving of {} trials by {} drops none; ask for {} or more, or take "
                    "method: random",
                    name, description.settings, description.reduction, description.reduction));
  }
  if (rungs_of(description).size() > 1) return;
  throw SweepError(
      fmt::format("{}: settings are compared by validations, and the base has none before its last step "
                  "{}; lower its train.validate_every (now {}) or raise its train.steps",
                  name, description.base.train.steps, description.base.train.validate_every));
}

}  // namespace causalfm::sweep
