#include "causalfm/run/same_run.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/run/error.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace causalfm::run {

namespace {

bool is_harmless(const config::Difference& difference) {
  constexpr std::array keys{"train.steps",
                            "train.checkpoint_every",
                            "train.keep_checkpoints",
                            "train.keep_every",
                            "train.time_limit_minutes",
                            "train.patience",
                            "train.micro_batch",
                            "train.deterministic",
                            "train.non_finite",
                            "train.non_finite_patience",
                            "train.rollback_rate_factor",
                            "train.collapse_warning",
                            "train.profile_steps",
                            "data.path"};
  const std::string_view key = difference.key;
  if (key == "comm.gradient_precision") return false;
  return key.starts_with("comm.") || key.starts_with("runtime.") || std::ranges::find(keys, key) != keys.end();
}

}  // namespace

std::string harmful_differences(const config::Config& stored, const config::Config& asked,
                                const std::vector<std::string>& allowed) {
  std::string differing;
  for (const config::Difference& difference : config::differences(stored, asked)) {
    if (is_harmless(difference) || std::ranges::find(allowed, difference.key) != allowed.end()) continue;
    differing += (differing.empty() ? "" : ", ") + difference.key + " was " + difference.first + " and is now " +
                 difference.second;
  }
  return differing;
}

void require_same_run(const config::Config& stored, const config::Config& asked, const std::filesystem::path& folder,
                      const std::vector<std::string>& allowed) {
  const std::string differing = harmful_differences(stored, asked, allowed);
  if (differing.empty()) return;
  throw RunError(folder.string() + ": it holds a run of another configuration (" + differing +
                 "): choose another --run folder or the configuration of this one, or give --allow KEY for each key "
                 "that may change");
}

}  // namespace causalfm::run
