#include "embeddings.hpp"

#include "causalfm/data/split.hpp"
#include "causalfm/evaluation/error.hpp"
#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/hdf5_reader.hpp"
#include "causalfm/storage/hdf5_writer.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

namespace causalfm::evaluation {

namespace {

constexpr const char* format = "causalfm-embeddings";
constexpr int64_t version = 1;

bool is_dual(const TrainedModel& trained) { return trained.settings.model.latents == config::Latents::dual; }

const char* star_name(const TrainedModel& trained) { return is_dual(trained) ? "z_star" : "z"; }

std::vector<uint8_t> held_out_column(const TrainedModel& trained, const data::Source& source) {
  const std::vector<int64_t>& held_out = trained.settings.data.held_out_instruments;
  std::vector<uint8_t> column;
  column.reserve(static_cast<size_t>(source.rows()));
  for (const int32_t instrument : source.observations().instrument_id) {
    column.push_back(std::ranges::find(held_out, instrument) != held_out.end() ? 1 : 0);
  }
  return column;
}

void write_column(storage::Hdf5Writer& writer, const std::string& name, const data::Column& column) {
  std::visit(
      [&](const auto& values) {
        if constexpr (std::is_same_v<std::decay_t<decltype(values)>, storage::Array>) {
          writer.write(name, values.view());
        } else {
          writer.write_strings(name, values);
        }
      },
      column);
}

void write_attributes(storage::Hdf5Writer& writer, const TrainedModel& trained, const data::Source& source) {
  writer.set_attribute("/", "run", trained.folder.string());
  writer.set_attribute("/", "step", trained.step);
  writer.set_attribute("/", "checkpoint", trained.file.filename().string());
  writer.set_attribute("/", "checkpoint_sha256", trained.checkpoint_sha256);
  writer.set_attribute("/", "configuration", trained.configuration);
  writer.set_attribute("/", "data", source.description().place);
  writer.set_attribute("/", "data_identity", source.description().identity);
  writer.set_attribute("/", "split_seed", trained.settings.data.split_seed);
}

}  // namespace

std::vector<uint8_t> split_column(const TrainedModel& trained, const data::Source& source) {
  std::vector<uint8_t> column(static_cast<size_t>(source.rows()), not_this_runs_data);
  if (source.description().identity == trained.data_identity) {
    const std::vector<data::Split> splits = data::assign_splits(source.observations(), trained.settings.data);
    std::ranges::transform(splits, column.begin(), [](data::Split split) { return static_cast<uint8_t>(split); });
  }
  return column;
}

std::vector<std::byte> embeddings_bytes(const TrainedModel& trained, const data::Source& source, const Latents& latents,
                                        const std::string& name) {
  using storage::view;
  storage::Hdf5Writer writer(format, version, name);
  const auto write = [&](const std::string& dataset, const at::Tensor& tensor) {
    if (tensor.defined()) writer.write(dataset, run::storable(tensor, dataset).view());
  };
  write(star_name(trained), latents.z_star);
  write("z_instr", latents.z_instrument);
  write("z_observation", latents.z_observation);
  write("reconstruction_error", latents.reconstruction_error);
  const data::ObservationTable& table = source.observations();
  writer.write("star_id", view(table.star_id));
  writer.write("instrument_id", view(table.instrument_id));
  writer.write("observation_id", view(table.observation_id));
  writer.write("split", view(split_column(trained, source)));
  writer.write("held_out_instrument", view(held_out_column(trained, source)));
  for (const std::string& column : source.columns()) write_column(writer, column, source.read_column(column));
  write_attributes(writer, trained, source);
  return writer.finish();
}

bool are_embeddings_of(const std::filesystem::path& file, const TrainedModel& trained) {
  const storage::Hdf5Reader reader(file);
  reader.expect(format, version);
  return reader.attribute_as<std::string>("/", "checkpoint_sha256") == trained.checkpoint_sha256;
}

Latents read_embeddings(const std::filesystem::path& file, const TrainedModel& trained, const data::Source& source) {
  const storage::Hdf5Reader reader(file);
  reader.expect(format, version);
  const auto identity = reader.attribute_as<std::string>("/", "data_identity");
  if (!are_embeddings_of(file, trained) || identity != source.description().identity) {
    throw EvaluationError(
        fmt::format("{}: these embeddings are not those of {} at step {} for {}: run `causalfm embed "
                    "--run {} --data {}` again",
                    file.string(), trained.folder.string(), trained.step, source.description().place,
                    trained.folder.string(), source.description().place));
  }
  const storage::Array ids = reader.read("observation_id");
  if (!std::ranges::equal(ids.as<int64_t>(), source.observations().observation_id)) {
    throw EvaluationError(fmt::format("{}: its rows are not those of {}: embed that data set again", file.string(),
                                      source.description().place));
  }
  const auto read = [&](const char* dataset) {
    return reader.has(dataset) ? run::to_tensor(reader.read(dataset)) : at::Tensor();
  };
  return {run::to_tensor(reader.read(star_name(trained))), read("z_instr"), read("z_observation"),
          run::to_tensor(reader.read("reconstruction_error"))};
}

}  // namespace causalfm::evaluation
