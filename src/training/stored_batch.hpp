#pragma once

#include "causalfm/data/loader.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/run/tensor_array.hpp"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace causalfm::training {

/// A global batch with everything that its step can be repeated from. In HDF5 (format "causalfm-batch", version 1;
/// docs/numerics.md) the rows are datasets of the names that a trace has, parameters lie under model/, the rest are
/// root attributes, `numbers` attributes of the group of that name.
struct StoredBatch {
  std::string configuration;  ///< resolved, YAML
  std::string data_identity;
  std::string found;                      ///< what is not finite, and where it was seen first
  std::map<std::string, double> numbers;  ///< the model's constants, as a checkpoint has them
  data::LoadedStep loaded;                ///< all rows, as a single rank has them
  run::NamedTensors parameters;           ///< model/PARAMETER before the step

  /// The parameter of this stored name. @throws storage::StorageError naming it if there is none.
  const at::Tensor& parameter(const std::string& stored_name) const;
};

/// The file's bytes. @param name stands for the file in sentences. @throws storage::StorageError
std::vector<std::byte> encode(const StoredBatch& batch, const std::string& name);

/// @throws storage::StorageError for damage, another format or a newer version.
StoredBatch decode_batch(std::span<const std::byte> bytes, const std::string& name);

}  // namespace causalfm::training
