#include "causalfm/training/trace.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "causalfm/training/error.hpp"
#include "training/assembly.hpp"
#include "training/gather_rows.hpp"
#include "training/non_finite.hpp"
#include "training/step.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>

namespace causalfm::training {

namespace {

/// The trace as it is built in memory on rank 0; on other ranks it only takes part in gathering.
class TraceFile {
 public:
  TraceFile(const TraceRequest& request, const std::string& data_identity, const Host& host)
      : host_(host), writer_("causalfm-trace", 1, request.file.string()) {
    writer_.set_attribute("/", "configuration", config::to_yaml(request.config));
    writer_.set_attribute("/", "data_identity", data_identity);
    writer_.set_attribute("/", "first_step", request.first);
    writer_.set_attribute("/", "end_step", request.end);
  }

  void begin_step(int64_t step) { group_ = fmt::format("step-{:08}/", step); }

  /// A tensor that every rank has whole.
  void write(const std::string& name, const at::Tensor& tensor) {
    if (host_.communicator.rank() != 0) return;
    const bool truth_values = tensor.scalar_type() == at::kBool;
    writer_.write(group_ + name, run::storable(truth_values ? tensor.to(at::kByte) : tensor, name).view());
  }

  /// A tensor of which every rank has its rows. Collective.
  void gather(const std::string& name, const at::Tensor& rows, const data::LoadedStep& loaded) {
    if (!rows.defined()) return;
    write(name, gather_rows(rows, loaded.rows_of_rank, host_.communicator));
  }

  void save(const std::filesystem::path& file) {
    if (host_.communicator.rank() == 0) storage::replace_file(host_.file_system, file, writer_.finish());
  }

 private:
  const Host& host_;
  storage::Hdf5Writer writer_;
  std::string group_;
};

void write_ids(TraceFile& file, const data::GlobalIds& ids) {
  file.write("observation_id", ids.observation_id);
  file.write("star_id", ids.star_id);
  file.write("instrument_id", ids.instrument_id);
  file.write("role", ids.role);
  if (ids.group_id.defined()) file.write("group_id", ids.group_id);
}

void write_inputs(TraceFile& file, const data::LoadedStep& loaded) {
  const data::Batch& batch = loaded.batch;
  file.gather("flux", batch.flux, loaded);
  file.gather("mask", batch.mask.defined() ? batch.mask : at::ones_like(batch.flux, at::kBool), loaded);
  if (batch.time.dim() == 1) {
    file.write("time", batch.time);
  } else {
    file.gather("time", batch.time, loaded);
  }
}

void write_outputs(TraceFile& file, const data::LoadedStep& loaded, const Step::Backward& backward, bool dual) {
  file.gather(dual ? "z_star" : "z", backward.outputs.z_star, loaded);
  file.gather("z_instr", backward.outputs.z_instrument, loaded);
  file.gather("z_observation", backward.outputs.z_observation, loaded);
  file.gather(dual ? "projection_star" : "projection", backward.outputs.projection_star, loaded);
  file.gather("projection_instr", backward.outputs.projection_instrument, loaded);
  file.gather("reconstructed", backward.outputs.reconstructed, loaded);
  const auto scalar = [](double value) { return at::full({}, value, at::kDouble); };
  file.write("loss/total", scalar(backward.losses.total));
  file.write("loss/reconstruction", scalar(backward.losses.reconstruction));
  file.write("loss/star", scalar(backward.losses.star));
  file.write("loss/instrument", scalar(backward.losses.instrument));
}

}  // namespace

void trace(const TraceRequest& request, const Host& host) {
  if (request.first < 0 || request.end <= request.first) {
    throw TrainingError(
        fmt::format("--steps {}:{}: give A:B with 0 <= A < B (B itself is left out)", request.first, request.end));
  }
  Assembly assembly = assemble(request.config, host);
  TraceFile file(request, assembly.source->description().identity, host);
  Step step(request.config, *assembly.model, *assembly.optimizer, host.communicator, host.device);
  const bool dual = request.config.model.latents == config::Latents::dual;

  // What a step computes depends on every step before it; its order does not.
  data::LoaderOptions options{host.communicator.rank(), host.communicator.world_size(),
                              request.tensors ? 0 : request.first, request.end};
  data::Loader loader(assembly.source, assembly.sampler, options);
  for (int64_t number = options.first_step; number < request.end; ++number) {
    const data::LoadedStep loaded = loader.next();
    const bool wanted = number >= request.first;
    if (wanted) {
      file.begin_step(number);
      write_ids(file, loaded.global);
    }
    if (!request.tensors) continue;

    const Step::Backward backward = step.backward(loaded);
    if (const auto found = backward.not_finite()) throw NumericsError(stop_sentence({number, *found, {}}));
    if (wanted) {
      write_inputs(file, loaded);
      write_outputs(file, loaded, backward, dual);
      for (const auto& entry : assembly.model->parameters().entries()) {
        file.write("gradient/" + entry.name, entry.value.grad());
      }
    }
    step.update(number, backward.gradient_norm);
    if (wanted) {
      for (const auto& entry : assembly.model->parameters().entries())
        file.write("parameter/" + entry.name, entry.value);
    }
  }
  file.save(request.file);
  if (host.communicator.rank() == 0) {
    host.log.info("steps {} to {} written to {}", request.first, request.end - 1, request.file.string());
  }
}

}  // namespace causalfm::training
