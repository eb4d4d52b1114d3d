#pragma once

#include "causalfm/run/checkpoint.hpp"

#include <cstddef>
#include <vector>

namespace causalfm::run {

/// Which tensors of a checkpoint to hand on.
enum class Selection { everything, weights };

/// The checkpoint as a safetensors file (https://github.com/huggingface/safetensors): tensors keep their names
/// (`model/…`, with `everything` also `optimizer/…`), shapes, types and bits, each aligned to its element size. The
/// metadata, texts all, are the checkpoint's fields: format, version, step, best_value, best_step,
/// validations_without_improvement, configuration, data_identity, split_seed, ranks, threads, instruction_set, and
/// versions and numbers as JSON objects. Equal
/// checkpoints give equal bytes. Local. @throws storage::StorageError for a tensor of a type that no checkpoint holds.
std::vector<std::byte> encode_safetensors(const Checkpoint& checkpoint, Selection selection);

}  // namespace causalfm::run
