#include "training/rehearsal.hpp"

#include "causalfm/comm/backends.hpp"
#include "training/allocation_meter.hpp"
#include "training/operation_meter.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <limits>

namespace causalfm::training {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Rehearsal::Rehearsal(const config::Config& settings, int64_t ranks, const Host& host)
    : settings_(settings),
      ranks_(ranks),
      communicator_(comm::make_rehearsal(ranks)),
      silence_("rehearsal"),
      host_{*communicator_,       host.file_system, silence_,           nullptr, host.device, host.threads,
            host.instruction_set, host.versions,    host.stop_requested},
      assembly_(assemble(settings_, host_)) {}

data::LoadedStep Rehearsal::load(int64_t triplets) const {
  const data::GlobalBatch batch = assembly_.sampler->triplets(0, triplets * ranks_);
  return data::load(*assembly_.source, batch, assembly_.sampler->rows_per_anchor(), /*rank=*/0, ranks_, /*step=*/0);
}

RehearsedStep Rehearsal::step(int64_t triplets, int repetitions) {
  const data::LoadedStep loaded = load(triplets);
  Step step(settings_, *assembly_.model, *assembly_.optimizer, *communicator_, host_.device);
  RehearsedStep result;
  result.triplets = triplets;
  {
    const AllocationMeter memory;
    const OperationMeter operations;
    const comm::Traffic before = communicator_->traffic();
    step.backward(loaded);
    result.traffic = communicator_->traffic().since(before);
    result.peak_bytes = static_cast<double>(memory.peak_bytes());
    result.allocated_bytes = static_cast<double>(memory.allocated_bytes());
    result.allocations = static_cast<double>(memory.allocations());
    result.operations = operations.operations();
  }
  result.seconds = std::numeric_limits<double>::infinity();
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    const Clock::time_point start = Clock::now();
    step.backward(loaded);
    result.seconds = std::min(result.seconds, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return result;
}

void Rehearsal::recompute_blocks(bool recompute) {
  settings_.runtime.recompute_blocks = recompute;
  const model::SequenceScale scale = assembly_.model->scale();
  assembly_.optimizer = nullptr;
  assembly_.model = std::make_unique<model::CausalModel>(make_model(settings_, scale, host_.device));
  assembly_.optimizer = std::make_unique<Adam>(assembly_.model->parameters(), settings_.train);
}

double Rehearsal::encoding_bytes(int64_t rows) {
  const at::NoGradGuard no_grad;
  const int64_t rows_per_anchor = assembly_.sampler->rows_per_anchor();
  const data::LoadedStep loaded = load((rows + rows_per_anchor - 1) / rows_per_anchor);
  const AllocationMeter memory;
  assembly_.model->forward(to_curves(loaded.batch, dtype_of(settings_.train.precision), host_.device));
  return static_cast<double>(memory.peak_bytes()) * static_cast<double>(rows) /
         static_cast<double>(loaded.batch.flux.size(0));
}

double Rehearsal::batch_bytes(int64_t triplets) const {
  const data::Batch batch = load(1).batch;
  double bytes = 0.0;
  for (const at::Tensor& tensor : {batch.flux, batch.time, batch.mask}) {
    if (tensor.defined()) bytes += static_cast<double>(tensor.nbytes());
  }
  return bytes * static_cast<double>(triplets);
}

}  // namespace causalfm::training
