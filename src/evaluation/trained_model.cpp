#include "trained_model.hpp"

#include "causalfm/config/load.hpp"
#include "causalfm/evaluation/error.hpp"
#include "causalfm/model/stored.hpp"
#include "causalfm/run/checkpoint.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/storage/checksum.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <optional>
#include <span>

namespace causalfm::evaluation {

namespace {

std::filesystem::path choose_checkpoint(const run::RunFolder& folder, const std::string& checkpoint) {
  if (checkpoint != "best" && checkpoint != "latest") return checkpoint;
  const std::optional<std::filesystem::path> best =
      checkpoint == "best" ? folder.best_checkpoint() : std::optional<std::filesystem::path>();
  const std::optional<std::filesystem::path> chosen = best ? best : folder.latest_checkpoint();
  if (!chosen) {
    throw EvaluationError(
        fmt::format("{}: the run has no checkpoint yet: train it first, or name another run", folder.path().string()));
  }
  return *chosen;
}

std::string name_of(const std::filesystem::path& folder) {
  const std::filesystem::path plain = std::filesystem::absolute(folder).lexically_normal();
  return (plain.filename().empty() ? plain.parent_path() : plain).filename().string();
}

at::TensorOptions options_of(const config::Config& settings, const Host& host) {
  const bool is_double = settings.train.precision == config::Precision::float64;
  return at::TensorOptions().dtype(is_double ? at::kDouble : at::kFloat).device(host.device);
}

}  // namespace

TrainedModel load_trained_model(const std::filesystem::path& folder, const std::string& checkpoint, const Host& host) {
  const run::RunFolder run = run::RunFolder::open(host.file_system, folder);
  const std::filesystem::path file = choose_checkpoint(run, checkpoint);
  const std::vector<std::byte> bytes = host.file_system.read(file);
  const run::Checkpoint stored = run::decode(bytes, file.string());
  const config::Config settings = config::parse(stored.configuration, file.string());
  const config::Config of_run = config::parse(*run.read_config(), run.config_file().string());
  if (settings.model != of_run.model) {
    throw EvaluationError(fmt::format("{}: its model is not the one of {}: name a checkpoint of that run",
                                      file.string(), folder.string()));
  }
  const model::SequenceScale scale = model::to_scale([&](const std::string& name) { return stored.number(name); });
  model::CausalModel model(settings.model, scale, static_cast<uint64_t>(settings.seed), options_of(settings, host),
                           host.kernels);
  model::assign_all(model.parameters(), [&](const std::string& name) { return stored.tensor(name); });
  return {name_of(folder),
          folder,
          file,
          storage::sha256_hex(bytes),
          stored.step,
          stored.data_identity,
          stored.configuration,
          settings,
          std::move(model)};
}

model::CausalModel untrained_model(const TrainedModel& trained, const Host& host) {
  return {trained.settings.model, trained.model.scale(), static_cast<uint64_t>(trained.settings.seed),
          options_of(trained.settings, host), host.kernels};
}

at::ScalarType dtype_of(const model::CausalModel& model) { return model.parameters().flat_values().scalar_type(); }

}  // namespace causalfm::evaluation
