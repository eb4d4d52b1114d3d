#pragma once

#include "causalfm/comm/call.hpp"
#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/training/train.hpp"
#include "training/assembly.hpp"

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>

namespace causalfm::training {

/// What one step took of the rank that carried it out.
struct RehearsedStep {
  int64_t triplets = 0;  ///< of this rank
  double peak_bytes = 0.0;
  double allocated_bytes = 0.0;
  double allocations = 0.0;
  double operations = 0.0;
  double seconds = 0.0;  ///< of the fastest repetition
  comm::Traffic traffic;
};

/// Steps of rank 0 among ranks that are only imagined, with the model, the data and the code of the true run. Local.
class Rehearsal {
 public:
  Rehearsal(const config::Config& settings, int64_t ranks, const Host& host);

  /// A step in which every rank holds `triplets`; the first repetition warms up and is not timed.
  RehearsedStep step(int64_t triplets, int repetitions = 1);

  /// Bytes at the peak of encoding `rows` curves without gradients, as validation does.
  double encoding_bytes(int64_t rows);

  /// Bytes of one batch of `triplets`, as the loader keeps it ready.
  double batch_bytes(int64_t triplets) const;

  /// From here on Conformer blocks are computed so (runtime.recompute_blocks).
  void recompute_blocks(bool recompute);

  const Assembly& assembly() const { return assembly_; }

 private:
  data::LoadedStep load(int64_t triplets) const;

  config::Config settings_;
  int64_t ranks_;
  std::unique_ptr<comm::Communicator> communicator_;
  spdlog::logger silence_;
  Host host_;
  Assembly assembly_;
};

}  // namespace causalfm::training
