#pragma once

#include "causalfm/training/train.hpp"
#include "training/profile.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace causalfm::training {

/// Profiles train.profile_steps steps, after the first ones of this process, which find little ready, and writes what
/// was found into the run's folder (docs/profile.md).
class ProfiledSteps {
 public:
  /// `host` outlives it.
  ProfiledSteps(int64_t steps, const Host& host, std::filesystem::path folder);

  /// What the step that begins now goes into; null: it is not profiled. Collective before the first of them, and after
  /// the last, when files are written. @throws storage::StorageError
  Profile* begin_step();

  /// Writes what there is of a profile that training has ended in. Collective if there is one.
  void finish();

 private:
  int64_t steps_;
  const Host& host_;
  std::filesystem::path folder_;
  int64_t begun_ = 0;  ///< steps
  std::optional<Profile> profile_;
};

}  // namespace causalfm::training
