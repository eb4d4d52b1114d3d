#pragma once

#include "causalfm/data/source.hpp"
#include "encode.hpp"
#include "trained_model.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace causalfm::evaluation {

/// The split column of an embeddings file: data::Split, or this for rows that the run's split does not cover.
inline constexpr uint8_t not_this_runs_data = 3;

/// The split of every row as the run has it; 3 for all rows of other data than the run's.
std::vector<uint8_t> split_column(const TrainedModel& trained, const data::Source& source);

/// An embeddings file (format "causalfm-embeddings", version 1; docs/evaluation.md) of all rows of a source.
std::vector<std::byte> embeddings_bytes(const TrainedModel& trained, const data::Source& source, const Latents& latents,
                                        const std::string& name);

/// Whether an embeddings file was made with this very checkpoint. @throws storage::StorageError when it is none.
bool are_embeddings_of(const std::filesystem::path& file, const TrainedModel& trained);

/// The latents of such a file, which must be those of this model for this data, row by row.
/// @throws EvaluationError when they are of another run, checkpoint or data set; storage::StorageError for damage.
Latents read_embeddings(const std::filesystem::path& file, const TrainedModel& trained, const data::Source& source);

}  // namespace causalfm::evaluation
