#include "training/assembly.hpp"

#include "causalfm/data/slices.hpp"
#include "causalfm/data/split.hpp"
#include "causalfm/data/time_scale.hpp"
#include "causalfm/training/error.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace causalfm::training {

namespace {

model::SequenceScale measure(const data::Source& source, const data::Sampler& sampler) {
  const data::TimeScale scale = data::time_scale(source, sampler.rows());
  return {source.length(), scale.span, scale.median_cadence};
}

void tell(const data::Source& source, const data::Sampler& sampler, const config::Config& settings,
          spdlog::logger& log) {
  log.info("data: {}, {} curves of {} stars by {} instruments, {} samples each", source.description().place,
           source.rows(), source.description().stars, source.description().instruments.size(), source.length());
  log.info("training split: {} curves, {} of them anchors ({} steps an epoch)", sampler.rows().size(),
           sampler.anchors_per_epoch(), sampler.anchors_per_epoch() / sampler.batch_triplets());
  const data::SkippedAnchors& skipped = sampler.skipped();
  if (skipped.rows > 0) {
    log.info("skipped as anchors: {} curves ({} stars seen by one instrument only, {} instruments with one star only)",
             skipped.rows, skipped.stars_with_one_instrument, skipped.instruments_with_one_star);
  }
  if (const auto mismatch = data::simulation_mismatch(settings, source)) log.warn(*mismatch);
}

}  // namespace

at::ScalarType dtype_of(config::Precision precision) {
  return precision == config::Precision::float64 ? at::kDouble : at::kFloat;
}

model::CausalModel make_model(const config::Config& settings, const model::SequenceScale& scale, c10::Device device) {
  const config::Precision precision = settings.train.precision;
  return {settings.model,
          scale,
          static_cast<uint64_t>(settings.seed),
          at::TensorOptions().dtype(dtype_of(precision)).device(device),
          settings.runtime.kernels,
          model::products_of(precision),
          settings.runtime.recompute_blocks};
}

Assembly assemble(const config::Config& settings, const Host& host, const model::SequenceScale* scale) {
  data::check_world_size(settings.train.batch_triplets, host.communicator.world_size());
  Assembly assembly;
  assembly.source = data::make_source(settings);
  assembly.sampler = data::make_sampler(settings, *assembly.source, data::Split::train);
  if (host.communicator.rank() == 0) tell(*assembly.source, *assembly.sampler, settings, host.log);

  if (scale != nullptr && scale->length != assembly.source->length()) {
    throw TrainingError(
        fmt::format("the initial weights are for curves of {} samples, those of {} have {}: train from "
                    "random weights, or choose data of that length",
                    scale->length, assembly.source->description().place, assembly.source->length()));
  }
  assembly.model = std::make_unique<model::CausalModel>(
      make_model(settings, scale != nullptr ? *scale : measure(*assembly.source, *assembly.sampler), host.device));
  assembly.optimizer = std::make_unique<Adam>(assembly.model->parameters(), settings.train);
  return assembly;
}

}  // namespace causalfm::training
