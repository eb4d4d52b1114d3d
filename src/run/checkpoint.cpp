#include "causalfm/run/checkpoint.hpp"

#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "causalfm/storage/hdf5_writer.hpp"
#include "run/content_hash.hpp"

#include <nlohmann/json.hpp>

namespace causalfm::run {

namespace {

constexpr const char* names_dataset = "tensor_names";
constexpr const char* numbers_group = "numbers";

std::map<std::string, std::string> parse_versions(const std::string& json, const std::string& file) {
  try {
    return nlohmann::json::parse(json).get<std::map<std::string, std::string>>();
  } catch (const nlohmann::json::exception& error) {
    throw storage::StorageError(file + ": attribute versions is no JSON object of texts: use another checkpoint");
  }
}

void read_attributes(const storage::Hdf5Reader& reader, Checkpoint& checkpoint) {
  const auto integer = [&](const char* name) { return reader.attribute_as<int64_t>("/", name); };
  const auto text = [&](const char* name) { return reader.attribute_as<std::string>("/", name); };
  checkpoint.step = integer("step");
  checkpoint.best_value = reader.attribute_as<double>("/", "best_value");
  checkpoint.best_step = integer("best_step");
  checkpoint.validations_without_improvement = integer("validations_without_improvement");
  checkpoint.configuration = text("configuration");
  checkpoint.data_identity = text("data_identity");
  checkpoint.split_seed = integer("split_seed");
  checkpoint.ranks = integer("ranks");
  checkpoint.threads = integer("threads");
  checkpoint.instruction_set = text("instruction_set");
  checkpoint.versions = parse_versions(text("versions"), reader.name());
  if (reader.has(numbers_group)) {
    for (const auto& [name, value] : reader.attributes(numbers_group)) {
      checkpoint.numbers.emplace(name, reader.attribute_as<double>(numbers_group, name));
    }
  }
}

void write_attributes(const Checkpoint& checkpoint, storage::Hdf5Writer& writer) {
  const auto set = [&](const char* name, const storage::AttributeValue& value) {
    writer.set_attribute("/", name, value);
  };
  set("step", checkpoint.step);
  set("best_value", checkpoint.best_value);
  set("best_step", checkpoint.best_step);
  set("validations_without_improvement", checkpoint.validations_without_improvement);
  set("configuration", checkpoint.configuration);
  set("data_identity", checkpoint.data_identity);
  set("split_seed", checkpoint.split_seed);
  set("ranks", checkpoint.ranks);
  set("threads", checkpoint.threads);
  set("instruction_set", checkpoint.instruction_set);
  set("versions", nlohmann::json(checkpoint.versions).dump());
  set("sha256", content_hash(checkpoint));
  for (const auto& [name, value] : checkpoint.numbers) {
    writer.set_attribute(numbers_group, name, value);
  }
}

}  // namespace

const at::Tensor& Checkpoint::tensor(const std::string& name) const {
  if (const at::Tensor* found = find_named(tensors, name)) return *found;
  throw storage::StorageError("the checkpoint of step " + std::to_string(step) + " has no tensor " + name +
                              ": it is of another model or optimizer; use one of this configuration");
}

double Checkpoint::number(const std::string& name) const {
  const auto found = numbers.find(name);
  if (found == numbers.end()) {
    throw storage::StorageError("the checkpoint of step " + std::to_string(step) + " has no number " + name +
                                ": it was not written by a training of this version; use another");
  }
  return found->second;
}

std::vector<std::byte> encode(const Checkpoint& checkpoint) {
  storage::Hdf5Writer writer(checkpoint_format, checkpoint_version,
                             "the checkpoint of step " + std::to_string(checkpoint.step));
  write_attributes(checkpoint, writer);
  write_named(writer, names_dataset, checkpoint.tensors);
  return writer.finish();
}

Checkpoint decode(std::span<const std::byte> bytes, const std::string& name) {
  const storage::Hdf5Reader reader(bytes, name);
  reader.expect(checkpoint_format, checkpoint_version);
  Checkpoint checkpoint;
  read_attributes(reader, checkpoint);
  checkpoint.tensors = read_named(reader, names_dataset);
  if (content_hash(checkpoint) != reader.attribute_as<std::string>("/", "sha256")) {
    throw storage::StorageError(name + ": its content is not what its sha256 was taken of; restore the file from a " +
                                "copy or use another checkpoint");
  }
  return checkpoint;
}

Checkpoint load_checkpoint(storage::FileSystem& file_system, const std::filesystem::path& file) {
  return decode(file_system.read(file), file.string());
}

}  // namespace causalfm::run
