#include "app/command_checkpoint.hpp"

#include "causalfm/run/checkpoint.hpp"
#include "causalfm/run/error.hpp"
#include "causalfm/run/folder.hpp"
#include "causalfm/run/json_text.hpp"
#include "causalfm/run/tensor_summary.hpp"
#include "causalfm/storage/atomic_file.hpp"
#include "causalfm/storage/error.hpp"
#include "app/exit_code.hpp"
#include "app/quantity_text.hpp"
#include "app/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <ostream>
#include <string>

namespace causalfm::app {

namespace {

using Json = nlohmann::ordered_json;

/// What the disk says of a checkpoint, beside its content.
struct OnDisk {
  std::filesystem::path file;
  std::string written;
  uint64_t bytes = 0;
  std::optional<uint64_t> run_bytes;  ///< of all files of the run, where its folder was given
};

std::filesystem::path file_of(storage::FileSystem& file_system, const CheckpointChoice& choice) {
  if (!std::filesystem::is_directory(choice.path)) return choice.path;
  const run::RunFolder folder = run::RunFolder::open(file_system, choice.path);
  const auto file = choice.which == Which::best ? folder.best_checkpoint() : folder.latest_checkpoint();
  if (!file) {
    throw run::RunError(fmt::format("{}: the run has no checkpoint that its `{}` names: train it first, or name a file",
                                    choice.path.string(), choice.which == Which::best ? "best" : "latest"));
  }
  return *file;
}

uint64_t bytes_of_files(const std::filesystem::path& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    std::error_code gone;  // a run that goes on removes checkpoints
    const uint64_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

OnDisk look_at(const std::filesystem::path& file, const CheckpointChoice& choice) {
  const auto time = std::chrono::file_clock::to_sys(std::filesystem::last_write_time(file));
  OnDisk on_disk{file,
                 time_text(std::chrono::time_point_cast<std::chrono::system_clock::duration>(time)),
                 std::filesystem::file_size(file),
                 {}};
  if (file != choice.path) on_disk.run_bytes = bytes_of_files(choice.path);
  return on_disk;
}

std::string versions_text(const run::Checkpoint& checkpoint) {
  std::string text;
  for (const auto& [name, version] : checkpoint.versions) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, version);
  }
  return text;
}

std::string numbers_text(const run::Checkpoint& checkpoint) {
  std::string text;
  for (const auto& [name, number] : checkpoint.numbers) {
    text += fmt::format("{}{} {:g}", text.empty() ? "" : ", ", name, number);
  }
  return text;
}

void print_tensors(const run::Checkpoint& checkpoint, std::ostream& output) {
  std::vector<std::vector<std::string>> rows{{"tensor", "shape", "type", "L2 norm", "not finite"}};
  for (const run::TensorSummary& tensor : run::summarize(checkpoint)) {
    rows.push_back({tensor.name, storage::to_string(tensor.shape), storage::to_string(tensor.type),
                    fmt::format("{:.6g}", tensor.norm), grouped(tensor.not_finite)});
  }
  print_table(rows, output);
}

void print(const run::Checkpoint& checkpoint, const OnDisk& on_disk, std::ostream& output) {
  const auto line = [&](const char* name, const std::string& text) {
    output << fmt::format("{:<12} {}\n", name, text);
  };
  output << fmt::format("{}: step {}, whole\n", on_disk.file.string(), grouped(checkpoint.step));
  line("written", fmt::format("{} by {} rank{} of {} thread{}, {}", on_disk.written, checkpoint.ranks,
                              checkpoint.ranks == 1 ? "" : "s", checkpoint.threads, checkpoint.threads == 1 ? "" : "s",
                              checkpoint.instruction_set));
  line("versions", versions_text(checkpoint));
  line("best", fmt::format("validation loss {:.6g} at step {}, {} validations since", checkpoint.best_value,
                           grouped(checkpoint.best_step), checkpoint.validations_without_improvement));
  line("data", fmt::format("identity {}, split seed {}", checkpoint.data_identity, checkpoint.split_seed));
  line("model", fmt::format("{} learnable numbers", grouped(run::learnable_numbers(checkpoint))));
  line("numbers", numbers_text(checkpoint));
  line("file", bytes_text(static_cast<double>(on_disk.bytes)));
  if (on_disk.run_bytes) line("run folder", bytes_text(static_cast<double>(*on_disk.run_bytes)));
  output << "\n";
  print_tensors(checkpoint, output);
}

Json to_json(const run::Checkpoint& checkpoint, const OnDisk& on_disk) {
  Json json{{"file", on_disk.file.string()},
            {"bytes", on_disk.bytes},
            {"written", on_disk.written},
            {"step", checkpoint.step},
            {"best_value", checkpoint.best_value},
            {"best_step", checkpoint.best_step},
            {"validations_without_improvement", checkpoint.validations_without_improvement},
            {"ranks", checkpoint.ranks},
            {"threads", checkpoint.threads},
            {"instruction_set", checkpoint.instruction_set},
            {"versions", checkpoint.versions},
            {"data_identity", checkpoint.data_identity},
            {"split_seed", checkpoint.split_seed},
            {"learnable_numbers", run::learnable_numbers(checkpoint)},
            {"numbers", checkpoint.numbers},
            {"configuration", checkpoint.configuration}};
  if (on_disk.run_bytes) json["run_bytes"] = *on_disk.run_bytes;
  json["tensors"] = Json::array();
  for (const run::TensorSummary& tensor : run::summarize(checkpoint)) {
    json["tensors"].push_back({{"name", tensor.name},
                               {"shape", tensor.shape},
                               {"type", storage::to_string(tensor.type)},
                               {"norm", tensor.norm},
                               {"not_finite", tensor.not_finite}});
  }
  return json;
}

/// The checkpoints that `path` stands for. @throws RunError for a folder that holds none.
std::vector<std::filesystem::path> files_of(storage::FileSystem& file_system, const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  const run::RunFolder folder = run::RunFolder::open(file_system, path);
  std::vector<std::filesystem::path> files;
  for (const int64_t step : folder.checkpoint_steps()) files.push_back(folder.checkpoint_file(step));
  if (files.empty()) {
    throw run::RunError(path.string() + ": the run has no checkpoint yet: train it first, or name another");
  }
  return files;
}

}  // namespace

int checkpoint_show(const CheckpointChoice& choice, bool json, std::ostream& output) {
  const auto file_system = storage::make_real_file_system();
  const std::filesystem::path file = file_of(*file_system, choice);
  const run::Checkpoint checkpoint = run::load_checkpoint(*file_system, file);
  const OnDisk on_disk = look_at(file, choice);
  if (json) {
    output << run::to_text(to_json(checkpoint, on_disk), 2) << "\n";
  } else {
    print(checkpoint, on_disk, output);
  }
  return static_cast<int>(ExitCode::done);
}

int checkpoint_verify(const std::vector<std::filesystem::path>& paths, std::ostream& output) {
  const auto file_system = storage::make_real_file_system();
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path& path : paths) {
    for (const std::filesystem::path& file : files_of(*file_system, path)) files.push_back(file);
  }
  std::vector<std::string> damaged;
  for (const std::filesystem::path& file : files) {
    try {
      const run::Checkpoint checkpoint = run::load_checkpoint(*file_system, file);
      output << fmt::format("whole    {} (step {})\n", file.string(), grouped(checkpoint.step));
    } catch (const storage::StorageError& error) {
      output << fmt::format("damaged  {}\n", error.what());
      damaged.emplace_back(error.what());
    }
  }
  if (damaged.empty()) return static_cast<int>(ExitCode::done);
  output.flush();
  throw storage::StorageError(files.size() == 1
                                  ? damaged.front()
                                  : fmt::format("{} of {} checkpoints are damaged, of which the first is: {}",
                                                damaged.size(), files.size(), damaged.front()));
}

int checkpoint_convert(const CheckpointChoice& choice, const std::filesystem::path& out, run::Selection selection,
                       std::ostream& output) {
  const auto file_system = storage::make_real_file_system();
  const std::filesystem::path file = file_of(*file_system, choice);
  const std::vector<std::byte> bytes = run::encode_safetensors(run::load_checkpoint(*file_system, file), selection);
  storage::replace_file(*file_system, out, bytes);
  output << fmt::format("{} as {}, {}\n", file.string(), out.string(), bytes_text(static_cast<double>(bytes.size())));
  return static_cast<int>(ExitCode::done);
}

}  // namespace causalfm::app
