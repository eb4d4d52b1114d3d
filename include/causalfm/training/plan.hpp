#pragma once

#include "causalfm/comm/call.hpp"
#include "causalfm/config/config.hpp"
#include "causalfm/training/train.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace causalfm::training {

/// What a kind of accelerator is capable of, from its maker's data sheet.
struct Hardware {
  std::string name;
  double operations_per_second = 0.0;     ///< float32 multiplications and additions
  double memory_bytes_per_second = 0.0;   ///< of its own memory
  double memory_bytes = 0.0;              ///< its own
  double node_bytes_per_second = 0.0;     ///< to another one of the same node, each direction
  double network_bytes_per_second = 0.0;  ///< to another node, each direction
  int64_t ranks_per_node = 8;
};

/// The accelerators that plan knows. @throws TrainingError for another name, listing these.
Hardware accelerator(const std::string& name);
std::vector<std::string> accelerator_names();

struct PlanRequest {
  config::Config config;
  int64_t ranks = 1;
  std::optional<std::string> accelerator = {};          ///< none: the host's device, which is measured
  std::optional<int64_t> ranks_per_node = {};           ///< none: as the accelerator's nodes have; on CPUs all on one
  std::optional<double> network_bytes_per_second = {};  ///< none: as the accelerator's nodes have
  bool measure = false;                                 ///< steps of the true size, not only small ones
};

/// Memory of one rank in bytes, at its largest.
struct MemoryPlan {
  double program = 0.0;    ///< libraries, observation table; on a GPU the context
  double kept_back = 0.0;  ///< by the allocator after many steps; on CPUs
  double parameters = 0.0;
  double gradients = 0.0;
  double optimizer = 0.0;
  double batches = 0.0;      ///< read ahead
  double step = 0.0;         ///< activations, gathered projections and all else that a step takes and gives back
  double projections = 0.0;  ///< of `step`: what is gathered from all ranks, with its gradients
  double validation = 0.0;   ///< what validation takes, at another time than `step`
  double total = 0.0;
  double available = 0.0;  ///< to a rank
};

/// One kind of collective in one step of one rank.
struct CollectivePlan {
  comm::Collective collective;
  comm::Traffic::Volume volume;  ///< as the communicator counts
  double ring_bytes = 0.0;       ///< that a rank sends if ranks form a ring
  double tree_bytes = 0.0;       ///< that an inner rank sends if they form a binary tree
  double seconds = 0.0;          ///< by the faster of both
};

struct TimePlan {
  std::optional<double> operations = {};  ///< of one rank's step; none: not counted, as on a GPU
  double computation = 0.0;               ///< seconds
  double communication = 0.0;             ///< seconds
  double exposed = 0.0;                   ///< seconds of communication that no computation hides
  double step = 0.0;                      ///< seconds
  double curves_per_second = 0.0;
  double run = 0.0;       ///< seconds for train.steps, validation left out
  bool measured = false;  ///< computation was timed here at the true size
};

/// The same step the other way: with runtime.recompute_blocks where the configuration is without it, and without it
/// where it is with.
struct OtherWayPlan {
  bool recomputes = false;
  double step = 0.0;         ///< bytes, as MemoryPlan has them
  double computation = 0.0;  ///< seconds of a step
};

/// The same global batch on another number of ranks.
struct ScalePlan {
  int64_t ranks = 1;
  double step = 0.0;        ///< seconds
  double exposed = 0.0;     ///< share of the step
  double efficiency = 0.0;  ///< of a rank, against one rank alone
};

struct Plan {
  int64_t ranks = 1;
  int64_t nodes = 1;
  int64_t parameters = 0;  ///< learnable numbers
  int64_t triplets = 0;    ///< of the rank that holds most
  std::string hardware;
  MemoryPlan memory;
  std::vector<CollectivePlan> collectives;  ///< only those that a step uses
  TimePlan time;
  std::optional<OtherWayPlan> other_way = {};  ///< none: no Conformer blocks, or its rehearsal found too little memory
  int64_t largest_batch = 0;                   ///< train.batch_triplets that fits, with train.micro_batch as configured
  std::vector<ScalePlan> scales;               ///< 1, 2, 4, ... ranks, as far as the batch goes
  int64_t worthwhile_ranks = 1;  ///< the most of them whose exposed communication stays within 10 % of a step
};

/// What training would take on so many ranks, found by rehearsing small steps of one of them in this process, among
/// ranks that are only imagined, and extending to the true batch what grows with it. Times of an accelerator are
/// estimates from its data sheet. Local. @throws as assembling a run does; TrainingError for an unknown accelerator.
Plan plan(const PlanRequest& request, const Host& host);

/// Plan::largest_batch alone; 0 if not even one triplet fits on every rank. For after memory has run out: what that
/// left behind is given back first.
int64_t largest_batch(const PlanRequest& request, const Host& host);

}  // namespace causalfm::training
