#pragma once

#include "causalfm/comm/communicator.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/run/summary.hpp"
#include "causalfm/storage/file_system.hpp"

#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace spdlog {
class logger;
}

namespace causalfm::training {

/// What a rank finds around it; handed in by the program, so that tests hand in something else.
struct Host {
  comm::Communicator& communicator;
  storage::FileSystem& file_system;
  spdlog::logger& log;     ///< rank 0 tells the run's story; other ranks warn and err
  std::ostream* terminal;  ///< where rank 0 redraws one progress line; null: plain lines in the log
  c10::Device device;
  int64_t threads;              ///< of this rank
  std::string instruction_set;  ///< that LibTorch's kernels run on
  std::map<std::string, std::string> versions;
  std::function<bool()> stop_requested;  ///< true once a signal has asked this rank to save and end
  std::string numa_nodes = "unknown";    ///< of the cores that this rank may use
};

/// Whether a run goes on from what its folder holds.
enum class Resume {
  automatic,  ///< yes, when there is a checkpoint of the same run
  never,      ///< no: what the folder holds is moved aside
  always,     ///< yes, or it is an error
};

struct TrainRequest {
  config::Config config;
  std::filesystem::path folder;
  Resume resume = Resume::automatic;
  std::optional<std::filesystem::path> initial_weights;  ///< a run's folder (its best checkpoint) or a checkpoint
  std::vector<std::string> allowed_keys = {};            ///< of the configuration that may change at a resume
  std::optional<int64_t> pause_at = {};                  ///< saves and ends as interrupted when so many steps are done
};

/// Trains until train.steps, early stopping or a stop request, and leaves the run's folder complete. Collective: every
/// rank calls it with the same request. Global batches, losses and updates do not depend on the number of ranks, to
/// rounding; on the same ranks, threads and instruction set a resumed run repeats the uninterrupted one bit for bit.
/// @return how the run ended, equal on every rank.
/// @throws TrainingError, NumericsError, and what data, run, storage and comm throw.
run::Ending train(const TrainRequest& request, const Host& host);

}  // namespace causalfm::training
