#include "dump.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/hdf5_writer.hpp"

#include <ATen/ATen.h>

#include <string>

namespace causalfm::benchmark {

namespace {

void write(storage::Hdf5Writer& writer, const std::string& name, const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  const at::Tensor plain = tensor.scalar_type() == at::kBool ? tensor.to(at::kByte) : tensor;
  writer.write(name, run::storable(plain, name).view());
}

void write_inputs(storage::Hdf5Writer& writer, const data::LoadedStep& loaded) {
  write(writer, "flux", loaded.batch.flux);
  write(writer, "mask", loaded.batch.mask);
  write(writer, "time", loaded.batch.time);
  write(writer, "star_id", loaded.global.star_id);
  write(writer, "instrument_id", loaded.global.instrument_id);
  write(writer, "role", loaded.global.role);
}

void write_computed(storage::Hdf5Writer& writer, const training::Step::Backward& computed) {
  const model::Outputs& outputs = computed.outputs;
  write(writer, "z_star", outputs.z_star);
  write(writer, "z_instr", outputs.z_instrument);
  write(writer, "projection_star", outputs.projection_star);
  write(writer, "projection_instr", outputs.projection_instrument);
  write(writer, "reconstructed", outputs.reconstructed);
  const auto scalar = [](double value) { return at::full({}, value, at::kDouble); };
  write(writer, "loss/total", scalar(computed.losses.total));
  write(writer, "loss/reconstruction", scalar(computed.losses.reconstruction));
  write(writer, "loss/star", scalar(computed.losses.star));
  write(writer, "loss/instrument", scalar(computed.losses.instrument));
}

}  // namespace

void dump(const config::Config& settings, const model::CausalModel& model, const data::LoadedStep& loaded,
          const training::Step::Backward* computed, const std::filesystem::path& file, const training::Host& host) {
  storage::Hdf5Writer writer("causalfm-training-step", 1, file.string());
  writer.set_attribute("/", "configuration", config::to_yaml(settings));
  writer.set_attribute("/", "span", model.scale().span);
  writer.set_attribute("/", "median_cadence", model.scale().median_cadence);
  write_inputs(writer, loaded);
  if (computed != nullptr) write_computed(writer, *computed);
  for (const auto& entry : model.parameters().entries()) {
    write(writer, "parameter/" + entry.name, entry.value);
    if (computed != nullptr) write(writer, "gradient/" + entry.name, entry.value.grad());
  }
  storage::replace_file(host.file_system, file, writer.finish());
}

}  // namespace causalfm::benchmark
