#pragma once

#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/file_system.hpp"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace causalfm::run {

inline constexpr const char* checkpoint_format = "causalfm-checkpoint";
inline constexpr int64_t checkpoint_version = 1;
inline constexpr const char* weights_prefix = "model/";  ///< of the names of tensors that a model learns

/// Everything that a run needs to go on from `step` as if it had never stopped. In HDF5 (of the format and version
/// above) a tensor is a dataset of its name, and the dataset `tensor_names` lists them in order; the rest are root
/// attributes of the names below, `versions` as JSON, `numbers` as attributes of the group of that name.
struct Checkpoint {
  int64_t step = 0;  ///< optimizer steps done
  double best_value = std::numeric_limits<double>::infinity();
  int64_t best_step = 0;
  int64_t validations_without_improvement = 0;
  std::string configuration;  ///< resolved, YAML
  std::string data_identity;
  int64_t split_seed = 0;
  int64_t ranks = 1;
  int64_t threads = 1;  ///< of a rank
  std::string instruction_set;
  std::map<std::string, std::string> versions;  ///< causalfm, libtorch, …
  std::map<std::string, double> numbers;        ///< the model's constants: model/time_span, model/median_cadence, …

  /// model/PARAMETER, optimizer/PARAMETER/m, …/v; float32, float64, int32, int64 or uint8; the order is kept. decode
  /// gives them contiguous on the CPU.
  NamedTensors tensors;

  /// The tensor of this name. @throws storage::StorageError naming it if there is none.
  const at::Tensor& tensor(const std::string& name) const;

  /// The number of this name. @throws storage::StorageError naming it if there is none.
  double number(const std::string& name) const;
};

/// The file's bytes. Equal checkpoints give equal bytes. The root attribute `sha256` covers every field and tensor.
/// Tensors of other devices are copied to the CPU. @throws storage::StorageError for a tensor of another type.
std::vector<std::byte> encode(const Checkpoint& checkpoint);

/// @param name stands for the file in sentences.
/// @throws storage::StorageError for any damage, another format, or a newer version; the sentence says what to do.
Checkpoint decode(std::span<const std::byte> bytes, const std::string& name);

/// decode of a file. @throws storage::StorageError also if it cannot be read.
Checkpoint load_checkpoint(storage::FileSystem& file_system, const std::filesystem::path& file);

}  // namespace causalfm::run
