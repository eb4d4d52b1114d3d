#include "causalfm/training/plan.hpp"

#include "causalfm/training/error.hpp"
#include "causalfm/training/gradient_buckets.hpp"
#include "training/communication_model.hpp"
#include "training/process_memory.hpp"
#include "training/rehearsal.hpp"
#include "training/validation.hpp"

#include <ATen/DeviceAccelerator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

namespace causalfm::training {

namespace {

/// Of what a data sheet promises, the part that products and streams of this size are taken to reach.
constexpr double sustained_operations = 0.5;
constexpr double sustained_bandwidth = 0.7;
/// How often a step goes over each byte that it allocates, and what starting the kernel that fills a tensor costs, by
/// the paper's model on an H200 (docs/plan.md).
constexpr double passes_over_memory = 6.9;
constexpr double kernel_start_seconds = 12.6e-6;
/// Context and libraries of a process on a GPU.
constexpr double accelerator_program_bytes = 0.8e9;
/// What the C library's allocator comes to keep back over many steps, as a part of what a step takes.
constexpr double kept_back_of_step = 0.2;
/// Of its memory, what a rank may plan with; on a GPU large tensors do not fit into every gap that others left.
constexpr double usable = 0.9;
constexpr double usable_on_accelerator = 0.8;
constexpr double worthwhile_exposed_share = 0.1;
constexpr int64_t batches_ahead = 3;
/// Triplets that a rehearsed step has at most: memory is known from few, time from as many as keep a processor busy.
constexpr int64_t largest_small_step = 8;
constexpr int64_t largest_measured_step = 256;
/// Two thirds of a step's computation is the backward pass, behind which gradients travel; the last bucket cannot.
constexpr double backward_share = 2.0 / 3.0;

/// A number of one rank's step as a line through two rehearsals.
class Line {
 public:
  Line(const RehearsedStep& small, const RehearsedStep& large, double RehearsedStep::*number)
      : at_(static_cast<double>(large.triplets)),
        value_(large.*number),
        slope_((large.*number - small.*number) / static_cast<double>(large.triplets - small.triplets)) {}

  double at(int64_t triplets) const { return std::max(0.0, value_ + slope_ * (static_cast<double>(triplets) - at_)); }
  double slope() const { return slope_; }

 private:
  double at_;
  double value_;
  double slope_;
};

int64_t triplets_of_first_rank(int64_t batch, int64_t ranks) { return (batch + ranks - 1) / ranks; }

/// Of the device on which `host` computes; memory is not looked at before it is needed.
Hardware this_machine(int64_t ranks, const Host& host) {
  Hardware hardware{.name = "this machine's CPU",
                    .node_bytes_per_second = 3e9,
                    .network_bytes_per_second = 1.25e9,
                    .ranks_per_node = ranks};
  if (host.device.is_cuda()) {
    hardware.name = "this machine's GPU";
    hardware.node_bytes_per_second = 25e9;
    hardware.memory_bytes = static_cast<double>(at::accelerator::getMemoryInfo(host.device.index()).second);
  }
  return hardware;
}

/// Two rehearsed steps of different size.
struct Steps {
  RehearsedStep small;
  RehearsedStep large;

  Line line(double RehearsedStep::*number) const { return {small, large, number}; }
};

/// Everything that the sections of a plan are made of.
class Planner {
 public:
  Planner(const PlanRequest& request, const Host& host);

  Plan plan();
  int64_t largest_batch() const;

 private:
  Steps rehearse(int64_t large);
  Steps rehearse_on_gpu();
  MemoryPlan memory(int64_t triplets) const;
  double computation(const Steps& steps, int64_t triplets) const;
  std::optional<OtherWayPlan> other_way();
  std::vector<CollectivePlan> collectives(int64_t ranks) const;
  double exposed(int64_t ranks, double computation_seconds) const;
  comm::Traffic::Volume volume(comm::Collective collective) const;
  std::vector<ScalePlan> scales() const;

  const PlanRequest& request_;
  const config::Train& train_;
  bool on_accelerator_;
  bool timed_on_accelerator_ = false;  ///< rather than estimated from a data sheet or extended from a CPU's step
  Hardware hardware_;
  Rehearsal rehearsal_;
  int64_t triplets_;  ///< of the rank that holds most
  Steps steps_;
  double program_ = 0.0;
  double validation_ = 0.0;
  double last_bucket_share_ = 1.0;
};

/// A GPU takes the plain way, whatever kernels this processor has.
config::Config rehearsed_settings(const PlanRequest& request) {
  config::Config settings = request.config;
  if (request.accelerator) settings.runtime.kernels = config::KernelKind::plain;
  return settings;
}

Planner::Planner(const PlanRequest& request, const Host& host)
    : request_(request),
      train_(request.config.train),
      on_accelerator_(request.accelerator || host.device.is_cuda()),
      hardware_(request.accelerator ? accelerator(*request.accelerator) : this_machine(request.ranks, host)),
      rehearsal_(rehearsed_settings(request), request.ranks, host),
      triplets_(triplets_of_first_rank(train_.batch_triplets, request.ranks)) {
  if (request.ranks_per_node) hardware_.ranks_per_node = *request.ranks_per_node;
  if (request.network_bytes_per_second) hardware_.network_bytes_per_second = *request.network_bytes_per_second;
  if (hardware_.memory_bytes == 0.0) {
    hardware_.memory_bytes = attainable_bytes(std::min(request.ranks, hardware_.ranks_per_node), freed_bytes());
  }
  if (host.device.is_cuda()) {
    steps_ = rehearse_on_gpu();
  } else {
    steps_ = rehearse(std::clamp(triplets_, int64_t{2}, request.measure ? largest_measured_step : largest_small_step));
  }
  const model::Parameters& parameters = rehearsal_.assembly().model->parameters();
  const GradientBucket last_bucket = gradient_buckets(parameters, request.config.comm.bucket_mib).back();
  last_bucket_share_ =
      static_cast<double>(last_bucket.elements) / static_cast<double>(parameters.flat_gradients().numel());
  const int64_t rows_per_anchor = rehearsal_.assembly().sampler->rows_per_anchor();
  const int64_t rows = std::min(Validation::rows_at_once(train_, rows_per_anchor), train_.validation_triplets);
  validation_ = rehearsal_.encoding_bytes(std::min<int64_t>(rows, 64)) * static_cast<double>(rows) /
                static_cast<double>(std::min<int64_t>(rows, 64));
  const MemoryPlan rehearsed = memory(steps_.large.triplets);
  program_ = on_accelerator_
                 ? accelerator_program_bytes
                 : std::max(0.0, peak_resident_bytes() - (rehearsed.total - rehearsed.program - rehearsed.kept_back));
}

Steps Planner::rehearse(int64_t large) {
  int64_t small = large / 2;
  if (train_.micro_batch > 0 && triplets_ > train_.micro_batch) {
    // Beyond the first piece a step grows by what is kept of every row alone.
    small = 2 * train_.micro_batch;
    large = std::max(large, 3 * train_.micro_batch);
  }
  Steps steps;
  steps.small = rehearsal_.step(small, timed_on_accelerator_ ? 3 : 0);
  steps.large = rehearsal_.step(large, request_.measure || timed_on_accelerator_ ? 3 : 1);
  return steps;
}

Steps Planner::rehearse_on_gpu() {
  timed_on_accelerator_ = true;
  // What libraries take at their first use, and keep, must not look like memory of a step.
  rehearsal_.step(2, 0);
  for (int64_t large = std::clamp(triplets_, int64_t{2}, largest_measured_step);; large /= 2) {
    try {
      return rehearse(large);
    } catch (const c10::OutOfMemoryError&) {
      if (large <= 2) throw;
    }
  }
}

comm::Traffic::Volume Planner::volume(comm::Collective collective) const {
  const comm::Traffic::Volume& small = steps_.small.traffic.of(collective);
  const comm::Traffic::Volume& large = steps_.large.traffic.of(collective);
  // Rows of the global batch beyond those rehearsed: bytes grow with them, calls do not.
  const double slope = static_cast<double>(large.bytes - small.bytes) /
                       static_cast<double>((steps_.large.triplets - steps_.small.triplets) * request_.ranks);
  const auto more = static_cast<double>(train_.batch_triplets - steps_.large.triplets * request_.ranks);
  return {large.calls, large.bytes + std::llround(slope * more)};
}

MemoryPlan Planner::memory(int64_t triplets) const {
  const model::Parameters& parameters = rehearsal_.assembly().model->parameters();
  const auto flat = static_cast<double>(parameters.flat_values().nbytes());
  MemoryPlan plan;
  plan.program = program_;
  plan.parameters = flat;
  plan.gradients = flat;
  plan.optimizer = 2.0 * flat;
  plan.batches = static_cast<double>(batches_ahead) * rehearsal_.batch_bytes(triplets);
  plan.step = steps_.line(&RehearsedStep::peak_bytes).at(triplets);
  plan.kept_back = on_accelerator_ ? 0.0 : kept_back_of_step * plan.step;
  const comm::Traffic::Volume gathered = volume(comm::Collective::all_gather);
  plan.projections = std::min(plan.step, 2.0 * static_cast<double>(gathered.bytes));
  plan.validation = validation_;
  plan.total = plan.program + plan.kept_back + plan.parameters + plan.gradients + plan.optimizer + plan.batches +
               std::max(plan.step, plan.validation);
  plan.available = hardware_.memory_bytes;
  return plan;
}

double Planner::computation(const Steps& steps, int64_t triplets) const {
  // A small step of a GPU is mostly the start of its kernels, so that its time does not grow with the batch.
  if (timed_on_accelerator_) return steps.line(&RehearsedStep::seconds).at(triplets);
  if (!request_.accelerator) {
    return steps.large.seconds * static_cast<double>(triplets) / static_cast<double>(steps.large.triplets);
  }
  const double operations = steps.line(&RehearsedStep::operations).at(triplets);
  const double bytes = passes_over_memory * steps.line(&RehearsedStep::allocated_bytes).at(triplets);
  return std::max(operations / (sustained_operations * hardware_.operations_per_second),
                  bytes / (sustained_bandwidth * hardware_.memory_bytes_per_second)) +
         kernel_start_seconds * steps.large.allocations;
}

std::optional<OtherWayPlan> Planner::other_way() {
  if (request_.config.model.encoder != config::EncoderKind::conformer) return {};
  const bool recomputes = !request_.config.runtime.recompute_blocks;
  rehearsal_.recompute_blocks(recomputes);
  try {
    const Steps steps = rehearse(steps_.large.triplets);
    return OtherWayPlan{recomputes, steps.line(&RehearsedStep::peak_bytes).at(triplets_),
                        computation(steps, triplets_)};
  } catch (const c10::OutOfMemoryError&) {
    return {};
  }
}

std::vector<CollectivePlan> Planner::collectives(int64_t ranks) const {
  std::vector<CollectivePlan> plans;
  for (int64_t kind = 0; kind < comm::collectives; ++kind) {
    const auto collective = static_cast<comm::Collective>(kind);
    const comm::Traffic::Volume used = volume(collective);
    if (used.calls > 0) plans.push_back(cost_of(collective, used, links_of(hardware_, ranks), ranks));
  }
  return plans;
}

double Planner::exposed(int64_t ranks, double computation_seconds) const {
  double gradients = 0.0;
  double all = 0.0;
  for (const CollectivePlan& plan : collectives(ranks)) {
    all += plan.seconds;
    if (plan.collective == comm::Collective::all_reduce) gradients += plan.seconds;
    // In bfloat16 a bucket goes to the ranks that sum its slices and comes back as large by all_gather.
    if (plan.collective == comm::Collective::all_to_all) gradients += 2.0 * plan.seconds;
  }
  return all - gradients + std::max(gradients - backward_share * computation_seconds, last_bucket_share_ * gradients);
}

int64_t Planner::largest_batch() const {
  int64_t fits = 0;
  int64_t too_large = 1;
  const double attainable = (on_accelerator_ ? usable_on_accelerator : usable) * hardware_.memory_bytes;
  const auto within = [&](int64_t triplets) { return memory(triplets).total <= attainable; };
  while (within(too_large) && too_large < (int64_t{1} << 40)) {
    fits = too_large;
    too_large *= 2;
  }
  while (too_large - fits > 1) {
    const int64_t middle = fits + (too_large - fits) / 2;
    (within(middle) ? fits : too_large) = middle;
  }
  return fits * request_.ranks;
}

std::vector<ScalePlan> Planner::scales() const {
  std::vector<ScalePlan> scales;
  const double alone = computation(steps_, train_.batch_triplets);
  for (int64_t ranks = 1; ranks <= train_.batch_triplets; ranks *= 2) {
    const double computed = computation(steps_, triplets_of_first_rank(train_.batch_triplets, ranks));
    const double waited = exposed(ranks, computed);
    const double step = computed + waited;
    scales.push_back({ranks, step, waited / step, alone / (static_cast<double>(ranks) * step)});
  }
  return scales;
}

Plan Planner::plan() {
  Plan plan;
  plan.ranks = request_.ranks;
  plan.nodes = (request_.ranks + hardware_.ranks_per_node - 1) / hardware_.ranks_per_node;
  plan.parameters = rehearsal_.assembly().model->parameters().count();
  plan.triplets = triplets_;
  plan.hardware = hardware_.name;
  plan.memory = memory(triplets_);
  plan.collectives = collectives(request_.ranks);
  if (!timed_on_accelerator_) plan.time.operations = steps_.line(&RehearsedStep::operations).at(triplets_);
  plan.time.computation = computation(steps_, triplets_);
  for (const CollectivePlan& collective : plan.collectives) plan.time.communication += collective.seconds;
  plan.time.exposed = exposed(request_.ranks, plan.time.computation);
  plan.time.step = plan.time.computation + plan.time.exposed;
  const auto rows = static_cast<double>(train_.batch_triplets * rehearsal_.assembly().sampler->rows_per_anchor());
  plan.time.curves_per_second = rows / plan.time.step;
  plan.time.run = plan.time.step * static_cast<double>(train_.steps);
  plan.time.measured = !request_.accelerator && steps_.large.triplets == triplets_;
  plan.largest_batch = largest_batch();
  plan.scales = scales();
  for (const ScalePlan& scale : plan.scales) {
    if (scale.exposed > worthwhile_exposed_share) break;
    plan.worthwhile_ranks = scale.ranks;
  }
  plan.other_way = other_way();
  return plan;
}

}  // namespace

Plan plan(const PlanRequest& request, const Host& host) {
  if (request.ranks < 1) throw TrainingError("plan: the number of ranks must be at least 1");
  return Planner(request, host).plan();
}

int64_t largest_batch(const PlanRequest& request, const Host& host) {
  forget_past_memory();
  return Planner(request, host).largest_batch();
}

}  // namespace causalfm::training
