#include "training/investigation.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/model/stored.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/storage/error.hpp"
#include "training/gather_rows.hpp"
#include "training/non_finite_origin.hpp"
#include "training/output_survey.hpp"
#include "training/stored_batch.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace causalfm::training {

namespace {

constexpr int64_t kept_batches = 3;

/// All ranks' rows, as a single rank would have them. Collective.
data::LoadedStep gather(const data::LoadedStep& loaded, comm::Communicator& communicator) {
  const auto all = [&](const at::Tensor& rows) {
    return rows.defined() && rows.dim() == 2 ? gather_rows(rows, loaded.rows_of_rank, communicator) : rows;
  };
  data::LoadedStep whole;
  whole.step = loaded.step;
  whole.global = loaded.global;
  whole.batch.flux = all(loaded.batch.flux);
  whole.batch.time = all(loaded.batch.time);
  whole.batch.mask = all(loaded.batch.mask);
  return whole;
}

/// Whether rank 0 could. Collective.
bool keep(const StoredBatch& batch, const TrainRequest& request, const Host& host) {
  const at::Tensor kept = at::ones({1}, at::kLong);
  if (host.communicator.rank() == 0) {
    try {
      run::RunFolder folder = run::RunFolder::open(host.file_system, request.folder);
      const auto file = run::RunFolder::non_finite_file(request.folder, batch.loaded.step);
      folder.save_non_finite(batch.loaded.step, encode(batch, file.string()), kept_batches);
    } catch (const storage::StorageError& error) {  // what the step has met is the failure to tell
      host.log.warn("the batch of step {} cannot be kept: {}", batch.loaded.step, error.what());
      kept.zero_();
    }
  }
  host.communicator.broadcast(kept, 0).wait();
  return kept.item<int64_t>() != 0;
}

}  // namespace

NonFiniteStep investigate(const TrainRequest& request, const Host& host, const Assembly& assembly,
                          const Step::Backward& backward, const data::LoadedStep& loaded) {
  const model::Parameters& parameters = assembly.model->parameters();
  const OutputSurvey survey = survey_outputs(request.config, *assembly.model, loaded, host.device);
  NonFiniteStep step;
  step.number = loaded.step;
  step.found = *backward.not_finite() + ", " +
               non_finite_origin(survey, parameters, backward, loaded, request.config.loss, host.communicator);
  StoredBatch batch;
  batch.configuration = config::to_yaml(request.config);
  batch.data_identity = assembly.source->description().identity;
  batch.found = step.found;
  batch.numbers = model::to_numbers(assembly.model->scale());
  batch.loaded = gather(loaded, host.communicator);
  for (const auto& entry : parameters.entries()) {
    batch.parameters.emplace_back(model::stored_name(entry), entry.value.detach());
  }
  if (keep(batch, request, host)) step.batch_file = run::RunFolder::non_finite_file(request.folder, loaded.step);
  return step;
}

}  // namespace causalfm::training
