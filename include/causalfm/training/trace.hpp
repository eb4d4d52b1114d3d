#pragma once

#include "causalfm/training/train.hpp"

#include <cstdint>
#include <filesystem>

namespace causalfm::training {

/// Steps first ... end-1 of a run, 0 is the first.
struct TraceRequest {
  config::Config config;
  int64_t first = 0;
  int64_t end = 1;
  std::filesystem::path file;
  bool tensors = false;  ///< also what is computed: this trains from step 0 up to `end`
};

/// Writes what training would do in those steps (HDF5, format "causalfm-trace"; docs/trace.md) from rank 0, gathered
/// over ranks in the order of the global batch. Gradients are those of the global loss, before clipping; parameters
/// those after the step. A step that is not finite ends it whatever train.non_finite is. Collective. @throws as
/// train().
void trace(const TraceRequest& request, const Host& host);

}  // namespace causalfm::training
