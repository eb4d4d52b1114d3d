#pragma once

#include "training/validation.hpp"

#include <cstdint>

namespace spdlog {
class logger;
}

namespace causalfm::training {

/// Warns when the effective rank of a space of latents falls below train.collapse_warning, once for each fall. A space
/// that has not been above it in this process is not warned of: at the start of a run all latents are nearly the same.
/// For rank 0.
class CollapseWatch {
 public:
  /// `log` outlives it. @param bound 0: no warnings
  CollapseWatch(double bound, spdlog::logger& log) : bound_(bound), log_(log) {}

  /// A validation after `step` steps.
  void look(const ValidationResult& result, int64_t step);

 private:
  struct Space {
    const char* of;
    bool was_above = false;
  };
  void look(Space& space, double effective_rank, int64_t step);

  double bound_;
  spdlog::logger& log_;
  Space star_{"stars"};
  Space instrument_{"instruments"};
};

}  // namespace causalfm::training
