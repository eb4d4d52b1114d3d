#include "training/stored_batch.hpp"

#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "causalfm/storage/hdf5_writer.hpp"

#include <ATen/ATen.h>

namespace causalfm::training {

namespace {

constexpr const char* batch_format = "causalfm-batch";
constexpr int64_t batch_version = 1;
constexpr const char* names_dataset = "parameter_names";
constexpr const char* numbers_group = "numbers";

void write_tensor(storage::Hdf5Writer& writer, const std::string& name, const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  const bool truth_values = tensor.scalar_type() == at::kBool;
  writer.write(name, run::storable(truth_values ? tensor.to(at::kByte) : tensor, name).view());
}

/// Undefined where the file has none.
at::Tensor read_tensor(const storage::Hdf5Reader& reader, const std::string& name) {
  return reader.has(name) ? run::to_tensor(reader.read(name)) : at::Tensor();
}

data::LoadedStep read_rows(const storage::Hdf5Reader& reader) {
  data::LoadedStep loaded;
  loaded.step = reader.attribute_as<int64_t>("/", "step");
  data::GlobalIds& ids = loaded.global;
  ids.observation_id = run::to_tensor(reader.read("observation_id"));
  ids.star_id = run::to_tensor(reader.read("star_id"));
  ids.instrument_id = run::to_tensor(reader.read("instrument_id"));
  ids.group_id = read_tensor(reader, "group_id");
  ids.role = run::to_tensor(reader.read("role"));
  const int64_t rows = ids.role.numel();
  loaded.rows_of_rank = {rows};
  data::Batch& batch = loaded.batch;
  batch.flux = run::to_tensor(reader.read("flux"));
  batch.time = run::to_tensor(reader.read("time"));
  batch.mask = read_tensor(reader, "mask");
  if (batch.mask.defined()) batch.mask = batch.mask.to(at::kBool);
  batch.star_id = ids.star_id;
  batch.instrument_id = ids.instrument_id.to(at::kInt);
  batch.observation_id = ids.observation_id;
  batch.group_id = ids.group_id;
  batch.role = ids.role;
  batch.global_rows = rows;
  if (batch.flux.dim() != 2 || batch.flux.size(0) != rows) {
    throw storage::StorageError(reader.name() + ": flux has not as many rows as role: replay another file");
  }
  return loaded;
}

}  // namespace

const at::Tensor& StoredBatch::parameter(const std::string& stored_name) const {
  if (const at::Tensor* found = run::find_named(parameters, stored_name)) return *found;
  throw storage::StorageError("the batch of step " + std::to_string(loaded.step) + " has no parameter " + stored_name +
                              ": it is of another model; replay it with its own configuration");
}

std::vector<std::byte> encode(const StoredBatch& batch, const std::string& name) {
  storage::Hdf5Writer writer(batch_format, batch_version, name);
  writer.set_attribute("/", "step", batch.loaded.step);
  writer.set_attribute("/", "configuration", batch.configuration);
  writer.set_attribute("/", "data_identity", batch.data_identity);
  writer.set_attribute("/", "found", batch.found);
  for (const auto& [number, value] : batch.numbers) writer.set_attribute(numbers_group, number, value);
  write_tensor(writer, "observation_id", batch.loaded.global.observation_id);
  write_tensor(writer, "star_id", batch.loaded.global.star_id);
  write_tensor(writer, "instrument_id", batch.loaded.global.instrument_id);
  write_tensor(writer, "group_id", batch.loaded.global.group_id);
  write_tensor(writer, "role", batch.loaded.global.role);
  write_tensor(writer, "flux", batch.loaded.batch.flux);
  write_tensor(writer, "time", batch.loaded.batch.time);
  write_tensor(writer, "mask", batch.loaded.batch.mask);
  run::write_named(writer, names_dataset, batch.parameters);
  return writer.finish();
}

StoredBatch decode_batch(std::span<const std::byte> bytes, const std::string& name) {
  const storage::Hdf5Reader reader(bytes, name);
  reader.expect(batch_format, batch_version);
  StoredBatch batch;
  batch.configuration = reader.attribute_as<std::string>("/", "configuration");
  batch.data_identity = reader.attribute_as<std::string>("/", "data_identity");
  batch.found = reader.attribute_as<std::string>("/", "found");
  for (const auto& [number, value] : reader.attributes(numbers_group)) {
    batch.numbers.emplace(number, reader.attribute_as<double>(numbers_group, number));
  }
  batch.loaded = read_rows(reader);
  batch.parameters = run::read_named(reader, names_dataset);
  return batch;
}

}  // namespace causalfm::training
